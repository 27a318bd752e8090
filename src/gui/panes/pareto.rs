//! Accuracy against reconstruction error: are the two antagonists or allies?

use eframe::egui::{Response, Shape, Stroke, Ui};

use super::{
    export_button, header,
    trade_off::{TradeOff, words},
};
use crate::{
    figures::FigureKind,
    gui::{
        chart::{Axis, Chart, Dot, dot},
        state::{RunView, State},
        theme,
    },
    sweep::{Outcome, stats::pareto_front},
};

/// Shows the pane; returns the response of its grip.
pub fn ui(ui: &mut Ui, session: &mut State, settings: &mut TradeOff) -> Response {
    let outcomes = session.run().map_or_else(Vec::new, RunView::outcomes);
    let grip = header(ui, "Trade-off plane", |ui| {
        export_button(ui, session, FigureKind::Pareto, settings.dead());
        settings.dead_switch(ui, &outcomes);
    });
    let Some(run) = session.run() else {
        return grip;
    };
    let outcomes = settings.kept(outcomes);
    if outcomes.is_empty() {
        ui.centered_and_justified(|ui| ui.weak("Nothing is evaluated yet, or all is left out"));
        return grip;
    }
    if let Some(place) = draw(ui, run, &outcomes) {
        session.show_lane(place);
    }
    grip
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
            chosen: *place == run.place(),
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
