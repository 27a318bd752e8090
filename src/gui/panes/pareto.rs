//! Accuracy against reconstruction error: are the two antagonists or allies?

use eframe::egui::{Response, Shape, Stroke, Ui};

use super::{Pane, PaneContext, PaneId, PaneSetup, export_button, header, trade_off::words};
use crate::{
    figures::FigureKind,
    gui::{
        chart::{Axis, Chart, Dot, dot},
        commands::RunCommand,
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
        let PaneContext {
            state,
            commands,
            view,
            ..
        } = context;
        let settings = &mut view.trade_off;
        let outcomes = state.run.view().map_or_else(Vec::new, RunView::outcomes);
        let handle = header(ui, PaneId::Pareto, |ui| {
            export_button(ui, FigureKind::Pareto, settings.dead(), commands);
            settings.dead_switch(ui, &outcomes);
        });
        let Some(run) = state.run.view() else {
            return handle;
        };
        let outcomes = settings.kept(outcomes);
        if outcomes.is_empty() {
            ui.centered_and_justified(|ui| ui.weak("Nothing is evaluated yet, or all is left out"));
            return handle;
        }
        if let Some(index) = draw(ui, run, &outcomes) {
            commands.push(RunCommand::ShowLane(index));
        }
        handle
    }
}

/// Draws the figure; returns the lane that was clicked.
fn draw(ui: &mut Ui, run: &RunView, outcomes: &[(usize, Outcome)]) -> Option<usize> {
    let visuals = ui.visuals().clone();
    let values = |of: fn(&Outcome) -> f64| outcomes.iter().map(move |(_, outcome)| of(outcome));
    let blue = theme::classification(&visuals);
    let orange = theme::reconstruction(&visuals);
    let chart = Chart::new(
        ui,
        Axis::around(values(|o| o.mse), "MSE, better to the left", orange, 1.0),
        Axis::around(
            values(|o| o.accuracy),
            "accuracy (%), better above",
            blue,
            100.0,
        ),
        None,
    );
    let only: Vec<Outcome> = outcomes.iter().map(|(_, outcome)| *outcome).collect();
    let front = pareto_front(&only)
        .into_iter()
        .map(|place| chart.at(only[place].mse, only[place].accuracy));
    let line = Stroke::new(1.5, visuals.text_color().gamma_multiply(0.6));
    let front = Shape::dashed_line(&front.collect::<Vec<_>>(), line, 5.0, 4.0);
    ui.painter().extend(front);
    let mut clicked = None;
    for (place, outcome) in outcomes {
        let look = Dot {
            colour: theme::lambda(outcome.lambda, &visuals),
            radius: 5.0,
            hollow: outcome.dead,
            chosen: *place == run.shown_index(),
        };
        let id = ui.scope_id().with(("run", place));
        let at = chart.at(outcome.mse, outcome.accuracy);
        let words = format!("Plane, {}", words(run, *place, outcome));
        if dot(ui, id, at, look, &words).clicked() {
            clicked = Some(*place);
        }
    }
    clicked
}
