//! What the list says of one run.

use eframe::egui::{Color32, Visuals};

use crate::{
    gui::{
        state::sweep::{Finished, RunStatus},
        theme,
    },
    sweep::{RunSpec, runner::Progress},
    train::Evaluation,
};

/// Texts of one line of the list, in the order of [`COLUMNS`].
pub struct Row {
    pub cells: [(String, Color32); COLUMNS.len()],
    /// All of it in words.
    pub words: String,
    /// How much of it is trained, 0–1.
    pub share: f32,
}

/// Name, width in points and tip of every column behind that of the state.
pub const COLUMNS: [(&str, f32, &str); 8] = [
    ("λ", 40.0, "Weight of reconstruction"),
    (
        "seed",
        42.0,
        "Decides initial weights and the order of the images",
    ),
    (
        "epoch",
        62.0,
        "Epochs trained; of a finished run the one that was kept, with the lowest test L(λ)",
    ),
    (
        "accuracy",
        64.0,
        "Share of test images that are classified right",
    ),
    (
        "MSE",
        56.0,
        "Mean squared error of the reconstruction, pixels in [−1, 1]",
    ),
    (
        "dead",
        50.0,
        "Latent units that are 0 for every image, of those that can die",
    ),
    ("CE (nats)", 66.0, "Cross-entropy of the classification"),
    ("L(λ)", 56.0, "λ · MSE + (1 − λ) · CE over the test half"),
];

impl Row {
    /// A run and what has become of it; `progress` is that of the runs under way.
    pub fn new(
        spec: &RunSpec,
        fate: &RunStatus,
        progress: Option<&Progress>,
        visuals: &Visuals,
    ) -> Self {
        let config = &spec.config;
        let evaluation = match fate {
            RunStatus::Running(evaluation) => evaluation.as_ref(),
            RunStatus::Done(done) => Some(&done.kept),
            RunStatus::Waiting | RunStatus::Failed(_) | RunStatus::Skipped => None,
        };
        let share = match (fate, progress) {
            (RunStatus::Running(_), Some(told)) => {
                told.steps[0] as f32 / told.steps[1].max(1) as f32
            }
            (RunStatus::Done(_), _) => 1.0,
            _ => 0.0,
        };
        let epoch = match (fate, evaluation) {
            (RunStatus::Running(_), _) => {
                let epoch = (f64::from(share) * spec.epochs as f64).ceil();
                format!("{epoch:.0} of {}", spec.epochs)
            }
            (_, Some(evaluation)) => evaluation.epoch.to_string(),
            _ => String::new(),
        };
        let number = |of: &dyn Fn(&Evaluation) -> String| evaluation.map_or(String::new(), of);
        let text = visuals.text_color();
        let blue = theme::classification(visuals);
        let orange = theme::reconstruction(visuals);
        let dead = match fate {
            RunStatus::Done(done) if done.relu_units > 0 => {
                format!("{} of {}", done.kept.dead_units, done.relu_units)
            }
            _ => number(&|evaluation| evaluation.dead_units.to_string()),
        };
        let warn = evaluation.is_some_and(|evaluation| evaluation.dead_units > 0);
        let lambda = config.lambda;
        let dead_colour = if warn { visuals.warn_fg_color } else { text };
        let accuracy = number(&|at| format!("{:.1} %", at.test.accuracy * 100.0));
        let cells = [
            (lambda.to_string(), theme::lambda(lambda, visuals)),
            (config.seed.to_string(), text),
            (epoch, text),
            (accuracy, blue),
            (number(&|at| format!("{:.4}", at.test.mse)), orange),
            (dead, dead_colour),
            (number(&|at| format!("{:.3}", at.test.ce)), blue),
            (number(&|at| format!("{:.4}", at.test.loss(lambda))), text),
        ];
        Self {
            cells,
            words: format!("{spec}: {}", words(fate, share)),
            share,
        }
    }
}

/// What has become of a run.
fn words(fate: &RunStatus, share: f32) -> String {
    match fate {
        RunStatus::Waiting => "waiting".to_owned(),
        RunStatus::Running(_) => format!("under way, {:.0} %", share * 100.0),
        RunStatus::Failed(reason) => format!("failed: {reason}"),
        RunStatus::Skipped => "skipped".to_owned(),
        RunStatus::Done(Finished { kept, dead, .. }) => format!(
            "{}accuracy {:.1} %, MSE {:.4}, CE {:.3} nats; a click shows it",
            if *dead { "dead, " } else { "" },
            kept.test.accuracy * 100.0,
            kept.test.mse,
            kept.test.ce
        ),
    }
}
