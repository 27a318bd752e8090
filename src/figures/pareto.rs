//! Accuracy against reconstruction error: antagonists or allies, in one picture.

use plotters::{
    element::Rectangle,
    style::text_anchor::{HPos, VPos},
};

use super::{
    axes::{number, span},
    backend::{DrawError, Page},
    chart::{self, Axis},
    figure::{Figure, Table},
    marks::Marks,
    palette,
    panels::{ACCURACY, Grid, INK, MSE, SMALL, caption_height, draw_caption},
    runs::{Choice, DeadRuns, Runs},
};
use crate::sweep::{Outcome, stats::pareto_front};

/// One dot for each run in the plane of reconstruction error and accuracy, λ as its colour, and the
/// Pareto front; a panel for each network and data set.
#[derive(Clone, Debug, PartialEq)]
pub struct TradeOffPlane {
    panels: Vec<Panel>,
    /// What is told below.
    caption: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Panel {
    title: String,
    /// Panels of one data set have the same axes.
    data: String,
    runs: Vec<Outcome>,
    /// Places in `runs`, reconstruction error ascending.
    front: Vec<usize>,
}

/// Room for the scale of colours, in points.
const SCALE: f64 = 30.0;
/// Radius of a run's dot, in points.
const DOT: f64 = 1.7;

impl TradeOffPlane {
    /// The figure of these runs, in their order; `None` if there is nothing to show.
    pub fn of(runs: &[Runs], dead: DeadRuns) -> Option<Self> {
        let mut choice = Choice::default();
        let panels = choice.panels(runs, dead, |runs, outcomes| Panel {
            title: runs.title.clone(),
            data: runs.data_name.clone(),
            front: pareto_front(&outcomes),
            runs: outcomes,
        });
        let words = "One dot for each run. Line: Pareto front, the runs that no other run beats in one quantity without losing in the other.";
        (!panels.is_empty()).then(|| Self {
            panels,
            caption: choice.caption(words),
        })
    }

    fn grid(&self) -> Grid {
        Grid::of_charts(self.panels.len())
    }
}

impl Figure for TradeOffPlane {
    fn size(&self) -> (f64, f64) {
        let grid = self.grid();
        let below = SCALE + caption_height(&self.caption, grid.width());
        (grid.width(), grid.height() + below)
    }

    fn draw(&self, page: &Page<'_>) -> Result<(), DrawError> {
        let grid = self.grid();
        for (place, panel) in self.panels.iter().enumerate() {
            let alike = self.panels.iter().filter(|other| other.data == panel.data);
            let runs: Vec<&Outcome> = alike.flat_map(|panel| &panel.runs).collect();
            let below = Axis::round(span(runs.iter().map(|run| run.mse)), MSE, INK);
            let accuracies = span(runs.iter().map(|run| run.accuracy * 100.0));
            let left = Axis::round(accuracies, ACCURACY, INK);
            let part = grid.panel(page, place, &panel.title)?;
            chart::draw(&part, &below, &left, None, |pen, _| panel.mark(pen))?;
        }
        draw_scale(page, grid.height())?;
        draw_caption(page, &self.caption, grid.height() + SCALE)
    }

    fn table(&self) -> Table {
        let mut rows = Vec::new();
        for panel in &self.panels {
            for (place, run) in panel.runs.iter().enumerate() {
                rows.push(vec![
                    panel.title.clone(),
                    run.lambda.to_string(),
                    run.seed.to_string(),
                    run.dead.to_string(),
                    panel.front.contains(&place).to_string(),
                    (run.accuracy * 100.0).to_string(),
                    run.mse.to_string(),
                ]);
            }
        }
        Table {
            header: vec![
                "panel",
                "lambda",
                "seed",
                "dead",
                "on_front",
                "accuracy_percent",
                "mse",
            ],
            rows,
        }
    }
}

impl Panel {
    fn mark(&self, pen: &Marks<'_, '_>) -> Result<(), DrawError> {
        let at = |run: &Outcome| (run.mse, run.accuracy * 100.0);
        // A staircase: nothing between two runs has been reached.
        let mut stairs: Vec<(f64, f64)> = Vec::new();
        for place in &self.front {
            let (mse, accuracy) = at(&self.runs[*place]);
            if let Some((_, before)) = stairs.last().copied() {
                stairs.push((mse, before));
            }
            stairs.push((mse, accuracy));
        }
        pen.line(&stairs, 0.8, [0x70; 3])?;
        for run in &self.runs {
            let colour = palette::lambda_on_light(run.lambda.value());
            if run.dead {
                pen.ring(at(run), DOT, colour)?;
            } else {
                pen.dot(at(run), DOT, colour, 0.9)?;
            }
        }
        Ok(())
    }
}

/// The colours of λ as a bar with numbers.
fn draw_scale(page: &Page<'_>, y: f64) -> Result<(), DrawError> {
    const STEPS: u32 = 50;
    let width = (page.size().0 * 0.5).min(160.0);
    let left = (page.size().0 - width) / 2.0;
    let (top, bottom) = (y + 6.0, y + 13.0);
    let style = page.text(SMALL, INK);
    for step in 0..STEPS {
        let x = |step: u32| left + width * f64::from(step) / f64::from(STEPS);
        let middle = (f64::from(step) + 0.5) / f64::from(STEPS);
        let colour = palette::lambda_on_light(middle);
        let corners = [(x(step), top), (x(step + 1), bottom)];
        let corners = corners.map(|(x, y)| (page.units(x), page.units(y)));
        let fill = page.stroke(1.0, colour, 1.0).filled();
        page.area.draw(&Rectangle::new(corners, fill))?;
    }
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let place = (left + width * tick, bottom + 3.0);
        page.write(&number(tick), place, &style, (HPos::Center, VPos::Top))?;
    }
    let middle = f64::midpoint(top, bottom);
    let ends = [
        ("λ: classifier", left - 5.0, HPos::Right),
        ("autoencoder", left + width + 5.0, HPos::Left),
    ];
    for (text, x, side) in ends {
        page.write(text, (x, middle), &style, (side, VPos::Center))?;
    }
    Ok(())
}
