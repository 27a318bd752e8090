//! Accuracy and reconstruction error of all networks against λ (paper, figure 3).

use eframe::egui::{self, Button, Color32, Response, Shape, Stroke, StrokeKind, Ui};
use serde::{Deserialize, Serialize};

use super::{Pane, PaneContext, PaneId, PaneSetup, export_button, header};
use crate::{
    figures::{self, DeadRuns, FigureKind},
    format::plural,
    gui::{
        chart::{Axis, Chart, Dot, dot},
        commands::RunCommand,
        state::RunView,
        theme,
    },
    model::Lambda,
    sweep::{BoxPlot, Outcome, stats::by_lambda},
};

/// Horizontal offset of the marks of accuracy and MSE from their λ, in points.
const OFFSET: f32 = 5.0;
/// Half the width of a box, in points.
const HALF_WIDTH: f32 = 4.0;

/// The pane; its settings are shared with the trade-off plane.
pub struct TradeOffPane;

impl TradeOffPane {
    pub fn new(_: &PaneSetup<'_>) -> Self {
        Self
    }
}

impl Pane for TradeOffPane {
    fn ui(&mut self, ui: &mut Ui, context: &mut PaneContext<'_>) -> Response {
        outcomes_pane(ui, context, PaneId::TradeOff, FigureKind::OverLambda, draw)
    }
}

/// Draws a figure of outcomes, each with the index of its network; returns the index of the network
/// that was clicked.
type DrawOutcomes = fn(&mut Ui, &RunView, &[(usize, Outcome)]) -> Option<usize>;

/// Shows a pane with a figure of the outcomes of all networks.
pub fn outcomes_pane(
    ui: &mut Ui,
    context: &mut PaneContext<'_>,
    id: PaneId,
    figure: FigureKind,
    draw: DrawOutcomes,
) -> Response {
    let state = context.state;
    let settings = &mut context.view.trade_off;
    let outcomes = state.run.view().map_or_else(Vec::new, RunView::outcomes);
    let handle = header(ui, id, |ui| {
        export_button(ui, figure, settings.dead_runs(), context.commands);
        settings.dead_runs_switch(ui, &outcomes);
    });
    let Some(run) = state.run.view() else {
        return handle;
    };
    let outcomes = settings.visible(outcomes);
    if outcomes.is_empty() {
        let text = "No network has been evaluated yet, or all of them are left out";
        ui.centered_and_justified(|ui| ui.weak(text));
    } else if let Some(index) = draw(ui, run, &outcomes) {
        context.commands.push(RunCommand::ShowLane(index));
    }
    handle
}

/// Settings of this pane and the trade-off plane, kept between sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TradeOffSettings {
    /// Whether runs whose latent units are all dead are left out.
    without_dead: bool,
}

impl TradeOffSettings {
    /// The switch that leaves dead runs out.
    fn dead_runs_switch(&mut self, ui: &mut Ui, outcomes: &[(usize, Outcome)]) {
        let dead = outcomes.iter().filter(|(_, outcome)| outcome.dead).count();
        let label = match (self.without_dead, dead) {
            (_, 0) => "Leave out dead runs".to_owned(),
            (true, count) => format!("Leave out dead runs: {count} hidden"),
            (false, count) => format!("Leave out dead runs: {count}"),
        };
        let button = Button::selectable(self.without_dead && dead > 0, label);
        let button = ui.add_enabled(dead > 0, button);
        let tip = format!(
            "{} dead: all latent units are 0 for every image. Dead runs say nothing about λ and are drawn as rings",
            plural(dead, "run")
        );
        if button
            .on_hover_text(&tip)
            .on_disabled_hover_text(tip)
            .clicked()
        {
            self.without_dead ^= true;
        }
    }

    /// How exported figures show dead runs.
    fn dead_runs(self) -> DeadRuns {
        DeadRuns::new(self.without_dead)
    }

    fn visible(self, outcomes: Vec<(usize, Outcome)>) -> Vec<(usize, Outcome)> {
        let mut visible = outcomes;
        visible.retain(|(_, run)| run.is_finite() && !(self.without_dead && run.dead));
        visible
    }
}

pub fn describe(run: &RunView, index: usize, outcome: &Outcome) -> String {
    format!(
        "{}: accuracy {:.1} %, MSE {:.4}{}",
        run.lane_name(index),
        outcome.accuracy * 100.0,
        outcome.mse,
        if outcome.dead { ", dead" } else { "" }
    )
}

/// Draws the figure; returns the lane that was clicked.
fn draw(ui: &mut Ui, run: &RunView, outcomes: &[(usize, Outcome)]) -> Option<usize> {
    let visuals = ui.visuals().clone();
    let (blue, orange) = (
        theme::classification(&visuals),
        theme::reconstruction(&visuals),
    );
    let values =
        |value: fn(&Outcome) -> f64| outcomes.iter().map(move |(_, outcome)| value(outcome));
    let chart = Chart::new(
        ui,
        Axis {
            range: (-0.04, 1.04),
            name: "λ",
            colour: visuals.text_color(),
            factor: 1.0,
            marks: None,
        },
        Axis::around(values(|o| o.accuracy), "accuracy (%)", blue, 100.0),
        Some(Axis::around(values(|o| o.mse), "MSE", orange, 1.0)),
    );
    let shown_x = chart.x(run.shown().lane.lambda.value());
    let band =
        egui::Rect::from_x_y_ranges((shown_x - 11.0)..=(shown_x + 11.0), chart.area.y_range());
    ui.painter()
        .rect_filled(band, 3.0, visuals.text_color().gamma_multiply(0.08));

    let runs: Vec<Outcome> = outcomes.iter().map(|(_, outcome)| *outcome).collect();
    let groups = by_lambda(&runs);
    let has_several_seeds = groups.iter().any(|group| group.outcomes.len() > 1);
    let mut clicked = None;
    for (is_accuracy, colour) in [(true, blue), (false, orange)] {
        let pos = |lambda: Lambda, value: f64| {
            if is_accuracy {
                chart.at(lambda.value(), value)
            } else {
                chart.at_right(lambda.value(), value)
            }
        };
        let value = |outcome: &Outcome| {
            if is_accuracy {
                outcome.accuracy
            } else {
                outcome.mse
            }
        };
        let offset = match (has_several_seeds, is_accuracy) {
            (false, _) => 0.0,
            (true, true) => -OFFSET,
            (true, false) => OFFSET,
        };
        if has_several_seeds {
            for group in &groups {
                if let Some(plot) = BoxPlot::from_values(group.outcomes.iter().map(value)) {
                    box_plot(ui, &plot, offset, colour, |value| pos(group.lambda, value));
                }
            }
        } else {
            let line = groups.iter().filter_map(|group| {
                let outcome = group.outcomes.first().filter(|outcome| !outcome.dead)?;
                Some(pos(outcome.lambda, value(outcome)))
            });
            ui.painter()
                .add(Shape::line(line.collect(), Stroke::new(2.0, colour)));
        }
        for (index, outcome) in outcomes {
            let (radius, jitter) = if has_several_seeds {
                (2.2, jitter(outcome.seed))
            } else {
                (4.0, 0.0)
            };
            let id = ui.scope_id().with(("run", is_accuracy, index));
            let style = Dot {
                colour,
                radius,
                hollow: outcome.dead,
                chosen: *index == run.shown_index(),
            };
            let name = if is_accuracy { "Accuracy" } else { "MSE" };
            let description = format!("{name} at {}", describe(run, *index, outcome));
            let centre = pos(outcome.lambda, value(outcome)) + egui::vec2(offset + jitter, 0.0);
            if dot(ui, id, centre, style, &description).clicked() {
                clicked = Some(*index);
            }
        }
    }
    clicked
}

/// Paints a box plot: median, quartiles and whiskers.
fn box_plot(
    ui: &Ui,
    plot: &BoxPlot,
    offset: f32,
    colour: Color32,
    pos: impl Fn(f64) -> egui::Pos2,
) {
    let painter = ui.painter();
    let x = pos(plot.median).x + offset;
    let y = |value: f64| pos(value).y;
    let stroke = Stroke::new(1.2, colour);
    let [first, third] = plot.quartiles;
    let [low, high] = plot.whiskers;
    let body =
        egui::Rect::from_x_y_ranges((x - HALF_WIDTH)..=(x + HALF_WIDTH), y(third)..=y(first));
    painter.rect(
        body,
        1.0,
        colour.gamma_multiply(0.18),
        stroke,
        StrokeKind::Middle,
    );
    for (from, to) in [(third, high), (first, low)] {
        painter.vline(x, egui::Rangef::new(y(from), y(to)).as_positive(), stroke);
        painter.hline(
            (x - HALF_WIDTH / 2.0)..=(x + HALF_WIDTH / 2.0),
            y(to),
            stroke,
        );
    }
    let median = Stroke::new(2.2, colour);
    painter.hline((x - HALF_WIDTH)..=(x + HALF_WIDTH), y(plot.median), median);
}

/// Horizontal offset of the dot of a seed, in points, so that no dot hides another.
fn jitter(seed: u64) -> f32 {
    figures::jitter(seed) as f32 * 1.6 * HALF_WIDTH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_within_their_box() {
        for seed in 0..1000 {
            assert!(jitter(seed).abs() <= HALF_WIDTH);
        }
        assert!(
            (jitter(1) - jitter(2)).abs() > 1.0,
            "dots of consecutive seeds are apart"
        );
    }
}
