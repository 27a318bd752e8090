//! Accuracy and reconstruction error against λ (paper, figure 3), as the lanes learn.

use eframe::egui::{self, Button, Color32, Response, Shape, Stroke, StrokeKind, Ui};
use serde::{Deserialize, Serialize};

use super::{export_button, header};
use crate::{
    figures::{self, DeadRuns, FigureKind},
    gui::{
        chart::{Axis, Chart, Dot, dot},
        state::{RunView, State},
        theme,
    },
    model::Lambda,
    sweep::{BoxPlot, Outcome, stats::by_lambda},
};

/// How far boxes of accuracy and error stand beside their λ, in points.
const BESIDE: f32 = 5.0;
/// Half the width of a box.
const HALF: f32 = 4.0;

/// Settings of the pane, shared with the trade-off plane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TradeOff {
    /// Whether runs whose latent units are all dead are left out.
    pub without_dead: bool,
}

impl TradeOff {
    /// Shows the pane; returns the response of its grip.
    pub fn ui(&mut self, ui: &mut Ui, session: &mut State) -> Response {
        let outcomes = session.run().map_or_else(Vec::new, RunView::outcomes);
        let grip = header(ui, "Trade-off over λ", |ui| {
            export_button(ui, session, FigureKind::OverLambda, self.dead());
            self.dead_switch(ui, &outcomes);
        });
        let Some(run) = session.run() else {
            return grip;
        };
        let outcomes = self.kept(outcomes);
        if outcomes.is_empty() {
            ui.centered_and_justified(|ui| ui.weak("Nothing is evaluated yet, or all is left out"));
            return grip;
        }
        let clicked = draw(ui, run, &outcomes);
        if let Some(place) = clicked {
            session.show_lane(place);
        }
        grip
    }

    /// The switch that leaves dead runs out, and says how many.
    pub fn dead_switch(&mut self, ui: &mut Ui, outcomes: &[(usize, Outcome)]) {
        let dead = outcomes.iter().filter(|(_, outcome)| outcome.dead).count();
        let label = match (self.without_dead, dead) {
            (_, 0) => "No dead runs".to_owned(),
            (true, count) => format!("Leave out dead runs: {count} hidden"),
            (false, count) => format!("Leave out dead runs: {count}"),
        };
        let button = Button::selectable(self.without_dead && dead > 0, label);
        let button = ui.add_enabled(dead > 0, button);
        let tip = "Runs whose latent units are all 0 for every image are drawn hollow; they say nothing about λ";
        if button
            .on_hover_text(tip)
            .on_disabled_hover_text(tip)
            .clicked()
        {
            self.without_dead ^= true;
        }
    }

    /// What becomes of dead runs in files.
    pub fn dead(self) -> DeadRuns {
        DeadRuns::new(self.without_dead)
    }

    /// The outcomes to show.
    pub fn kept(self, outcomes: Vec<(usize, Outcome)>) -> Vec<(usize, Outcome)> {
        let keep = |outcome: &Outcome| outcome.is_finite() && !(self.without_dead && outcome.dead);
        outcomes
            .into_iter()
            .filter(|(_, outcome)| keep(outcome))
            .collect()
    }
}

/// What an outcome is in words.
pub fn words(run: &RunView, place: usize, outcome: &Outcome) -> String {
    format!(
        "{}: accuracy {:.1} %, MSE {:.4}{}",
        run.name(place),
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
    let values = |of: fn(&Outcome) -> f64| outcomes.iter().map(move |(_, outcome)| of(outcome));
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
    let here = chart.x(run.shown().lane.lambda.value());
    let band = egui::Rect::from_x_y_ranges((here - 11.0)..=(here + 11.0), chart.area.y_range());
    ui.painter()
        .rect_filled(band, 3.0, visuals.text_color().gamma_multiply(0.08));

    let only: Vec<Outcome> = outcomes.iter().map(|(_, outcome)| *outcome).collect();
    let groups = by_lambda(&only);
    let several = groups.iter().any(|group| group.outcomes.len() > 1);
    let mut clicked = None;
    for (is_accuracy, colour) in [(true, blue), (false, orange)] {
        let at = |lambda: Lambda, value: f64| {
            if is_accuracy {
                chart.at(lambda.value(), value)
            } else {
                chart.at_right(lambda.value(), value)
            }
        };
        let side = match (several, is_accuracy) {
            (false, _) => 0.0,
            (true, true) => -BESIDE,
            (true, false) => BESIDE,
        };
        if several {
            for group in &groups {
                let plot = if is_accuracy {
                    group.accuracy()
                } else {
                    group.mse()
                };
                if let Some(plot) = plot {
                    box_plot(ui, &plot, side, colour, |value| at(group.lambda, value));
                }
            }
        } else {
            let line = groups.iter().filter_map(|group| {
                let outcome = group.outcomes.first().filter(|outcome| !outcome.dead)?;
                let value = if is_accuracy {
                    outcome.accuracy
                } else {
                    outcome.mse
                };
                Some(at(outcome.lambda, value))
            });
            ui.painter()
                .add(Shape::line(line.collect(), Stroke::new(2.0, colour)));
        }
        for (place, outcome) in outcomes {
            let value = if is_accuracy {
                outcome.accuracy
            } else {
                outcome.mse
            };
            let jitter = if several { jitter(outcome.seed) } else { 0.0 };
            let id = ui.scope_id().with(("run", is_accuracy, place));
            let look = Dot {
                colour,
                radius: if several { 2.2 } else { 4.0 },
                hollow: outcome.dead,
                chosen: *place == run.place(),
            };
            let name = if is_accuracy { "Accuracy" } else { "MSE" };
            let words = format!("{name} at {}", words(run, *place, outcome));
            let centre = at(outcome.lambda, value) + egui::vec2(side + jitter, 0.0);
            if dot(ui, id, centre, look, &words).clicked() {
                clicked = Some(*place);
            }
        }
    }
    clicked
}

/// Median, quartiles and whiskers.
fn box_plot(ui: &Ui, plot: &BoxPlot, side: f32, colour: Color32, at: impl Fn(f64) -> egui::Pos2) {
    let painter = ui.painter();
    let x = at(plot.median).x + side;
    let y = |value: f64| at(value).y;
    let stroke = Stroke::new(1.2, colour);
    let [first, third] = plot.quartiles;
    let [low, high] = plot.whiskers;
    let body = egui::Rect::from_x_y_ranges((x - HALF)..=(x + HALF), y(third)..=y(first));
    painter.rect(
        body,
        1.0,
        colour.gamma_multiply(0.18),
        stroke,
        StrokeKind::Middle,
    );
    for (from, to) in [(third, high), (first, low)] {
        painter.vline(x, egui::Rangef::new(y(from), y(to)).as_positive(), stroke);
        painter.hline((x - HALF / 2.0)..=(x + HALF / 2.0), y(to), stroke);
    }
    let median = Stroke::new(2.2, colour);
    painter.hline((x - HALF)..=(x + HALF), y(plot.median), median);
}

/// Offset of the dot of a seed beside the middle, in points: no dot hides another.
fn jitter(seed: u64) -> f32 {
    figures::jitter(seed) as f32 * 1.6 * HALF
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stay_within_their_box() {
        for seed in 0..1000 {
            assert!(jitter(seed).abs() <= HALF);
        }
        assert!(
            (jitter(1) - jitter(2)).abs() > 1.0,
            "neighbours stand apart"
        );
    }
}
