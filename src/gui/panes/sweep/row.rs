//! The texts of a run in the list.

use eframe::egui::{Color32, Visuals};

use crate::{
    gui::{
        state::sweep::{Finished, RunStatus},
        theme,
    },
    sweep::{RunSpec, runner::Progress},
    train::Evaluation,
};

/// The texts of one row, in the order of [`COLUMNS`].
pub struct Row {
    pub cells: [(String, Color32); COLUMNS.len()],
    /// The whole row as a sentence.
    pub description: String,
    /// Fraction that is trained, 0–1.
    pub share: f32,
}

/// Name, width in points and tooltip of every column after the status icon.
pub const COLUMNS: [(&str, f32, &str); 8] = [
    ("λ", 40.0, "Weight of reconstruction"),
    (
        "seed",
        42.0,
        "Determines initial weights and the order of the images",
    ),
    (
        "epoch",
        62.0,
        "Epochs trained; of a finished run, the epoch of the stored model, which has the lowest test L(λ)",
    ),
    (
        "accuracy",
        64.0,
        "Share of test images that are classified correctly",
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
    ("L(λ)", 56.0, "λ · MSE + (1 − λ) · CE over the test set"),
];

impl Row {
    /// Formats a run with its status; `progress` is that of the runs in training.
    pub fn new(
        spec: &RunSpec,
        status: &RunStatus,
        progress: Option<&Progress>,
        visuals: &Visuals,
    ) -> Self {
        let config = &spec.config;
        let evaluation = match status {
            RunStatus::Running(evaluation) => evaluation.as_ref(),
            RunStatus::Done(done) => Some(&done.kept),
            RunStatus::Waiting | RunStatus::Failed(_) | RunStatus::Skipped => None,
        };
        let share = match (status, progress) {
            (RunStatus::Running(_), Some(progress)) => {
                progress.steps[0] as f32 / progress.steps[1].max(1) as f32
            }
            (RunStatus::Done(_), _) => 1.0,
            _ => 0.0,
        };
        let epoch = match (status, evaluation) {
            (RunStatus::Running(_), _) => {
                let epoch = (f64::from(share) * spec.epochs as f64).ceil();
                format!("{epoch:.0} of {}", spec.epochs)
            }
            (_, Some(evaluation)) => evaluation.epoch.to_string(),
            _ => String::new(),
        };
        let number =
            |format: &dyn Fn(&Evaluation) -> String| evaluation.map_or(String::new(), format);
        let text = visuals.text_color();
        let blue = theme::classification(visuals);
        let orange = theme::reconstruction(visuals);
        let dead = match status {
            RunStatus::Done(done) if done.relu_units > 0 => {
                format!("{} of {}", done.kept.dead_units, done.relu_units)
            }
            _ => number(&|evaluation| evaluation.dead_units.to_string()),
        };
        let has_dead = evaluation.is_some_and(|evaluation| evaluation.dead_units > 0);
        let lambda = config.lambda;
        let dead_colour = if has_dead {
            visuals.warn_fg_color
        } else {
            text
        };
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
            description: format!("{spec}: {}", describe(status, share)),
            share,
        }
    }
}

fn describe(status: &RunStatus, share: f32) -> String {
    match status {
        RunStatus::Waiting => "waiting".to_owned(),
        RunStatus::Running(_) => format!("in training, {:.0} %", share * 100.0),
        RunStatus::Failed(reason) => format!("failed: {reason}"),
        RunStatus::Skipped => "skipped".to_owned(),
        RunStatus::Done(Finished { kept, dead, .. }) => format!(
            "{}accuracy {:.1} %, MSE {:.4}, CE {:.3} nats; click to show it",
            if *dead { "dead, " } else { "" },
            kept.test.accuracy * 100.0,
            kept.test.mse,
            kept.test.ce
        ),
    }
}
