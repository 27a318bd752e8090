//! The trade-off plane: accuracy against reconstruction error.

use eframe::egui::{Response, Shape, Stroke, Ui};

use super::{
    Pane, PaneContext, PaneId, PaneSetup,
    trade_off::{describe, outcomes_pane},
};
use crate::{
    figures::FigureKind,
    gui::{
        chart::{Axis, Chart, Dot, dot},
        state::RunView,
        theme,
    },
    sweep::{Outcome, stats::pareto_front},
};

/// The pane; its settings are shared with the trade-off over λ.
pub struct ParetoPane;

impl ParetoPane {
    pub fn new(_: &PaneSetup<'_>) -> Self {
        Self
    }
}

impl Pane for ParetoPane {
    fn ui(&mut self, ui: &mut Ui, context: &mut PaneContext<'_>) -> Response {
        outcomes_pane(ui, context, PaneId::Pareto, FigureKind::Pareto, draw)
    }
}

/// Draws the figure; returns the lane that was clicked.
fn draw(ui: &mut Ui, run: &RunView, outcomes: &[(usize, Outcome)]) -> Option<usize> {
    let visuals = ui.visuals().clone();
    let values =
        |value: fn(&Outcome) -> f64| outcomes.iter().map(move |(_, outcome)| value(outcome));
    let blue = theme::classification(&visuals);
    let orange = theme::reconstruction(&visuals);
    let chart = Chart::new(
        ui,
        Axis::around(values(|o| o.mse), "MSE, lower is better", orange, 1.0),
        Axis::around(
            values(|o| o.accuracy),
            "accuracy (%), higher is better",
            blue,
            100.0,
        ),
        None,
    );
    let runs: Vec<Outcome> = outcomes.iter().map(|(_, outcome)| *outcome).collect();
    let front = pareto_front(&runs)
        .into_iter()
        .map(|index| chart.at(runs[index].mse, runs[index].accuracy));
    let line = Stroke::new(1.5, visuals.text_color().gamma_multiply(0.6));
    let front = Shape::dashed_line(&front.collect::<Vec<_>>(), line, 5.0, 4.0);
    ui.painter().extend(front);
    let mut clicked = None;
    for (index, outcome) in outcomes {
        let style = Dot {
            colour: theme::lambda(outcome.lambda, &visuals),
            radius: 5.0,
            hollow: outcome.dead,
            chosen: *index == run.shown_index(),
        };
        let id = ui.scope_id().with(("run", index));
        let pos = chart.at(outcome.mse, outcome.accuracy);
        let description = format!("Plane, {}", describe(run, *index, outcome));
        if dot(ui, id, pos, style, &description).clicked() {
            clicked = Some(*index);
        }
    }
    clicked
}
