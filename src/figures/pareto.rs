//! Accuracy against reconstruction error, with the Pareto front.

use plotters::style::text_anchor::{HPos, VPos};

use super::{
    backend::{DrawResult, LEFT, Page, RIGHT},
    chart::{
        self, ACCURACY, Axis, Grid, INK, MSE, Marks, SMALL, caption_height, draw_caption,
        format_number, padded_range,
    },
    figure::{Figure, Table, row},
    palette,
    run_filter::{DeadRuns, PanelRuns, RunFilter},
};
use crate::sweep::{Outcome, stats::pareto_front};

/// One dot per run in the plane of reconstruction error and accuracy, coloured by λ, and the Pareto
/// front; one panel per network and data set.
#[derive(Clone, Debug, PartialEq)]
pub struct ParetoFigure {
    panels: Vec<Panel>,
    caption: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Panel {
    runs: PanelRuns,
    /// Indices of outcomes, reconstruction error ascending.
    front: Vec<usize>,
}

/// Height of the colour scale, in points.
const SCALE_HEIGHT: f64 = 30.0;
/// Radius of the dot of a run, in points.
const DOT: f64 = 1.7;
const CAPTION: &str = "One dot per run. Line: Pareto front, the runs that no other run exceeds in one quantity without losing in the other.";

impl ParetoFigure {
    /// The figure of these runs; `None` if there is nothing to show.
    pub fn new(runs: &[PanelRuns], dead: DeadRuns) -> Option<Self> {
        let mut filter = RunFilter::new(dead);
        let panels = filter.panels(runs).into_iter().map(|runs| Panel {
            front: pareto_front(&runs.outcomes),
            runs,
        });
        let panels: Vec<Panel> = panels.collect();
        (!panels.is_empty()).then(|| Self {
            panels,
            caption: filter.caption(CAPTION),
        })
    }

    fn grid(&self) -> Grid {
        Grid::for_charts(self.panels.len())
    }
}

impl Figure for ParetoFigure {
    fn size(&self) -> (f64, f64) {
        let grid = self.grid();
        let caption = caption_height(&self.caption, grid.width());
        (grid.width(), grid.height() + SCALE_HEIGHT + caption)
    }

    fn draw(&self, page: &Page<'_>) -> DrawResult {
        let grid = self.grid();
        for (index, panel) in self.panels.iter().enumerate() {
            // Panels of one data set have the same axes.
            let panels = self.panels.iter();
            let same_data = panels.filter(|other| other.runs.data_name == panel.runs.data_name);
            let runs: Vec<&Outcome> = same_data.flat_map(|panel| &panel.runs.outcomes).collect();
            let errors = padded_range(runs.iter().map(|run| run.mse));
            let below = Axis::with_round_ticks(errors, MSE, INK);
            let accuracies = padded_range(runs.iter().map(|run| run.accuracy * 100.0));
            let left = Axis::with_round_ticks(accuracies, ACCURACY, INK);
            let part = grid.draw_panel(page, index, &panel.runs.title)?;
            chart::draw(&part, &below, &left, None, |marks, _| panel.draw(marks))?;
        }
        draw_lambda_scale(page, grid.height())?;
        draw_caption(page, &self.caption, grid.height() + SCALE_HEIGHT)
    }

    fn table(&self) -> Table {
        let mut rows = Vec::new();
        for panel in &self.panels {
            for (index, run) in panel.runs.outcomes.iter().enumerate() {
                let (title, lambda, seed, dead) =
                    (&panel.runs.title, &run.lambda, &run.seed, &run.dead);
                let (on_front, accuracy) = (panel.front.contains(&index), run.accuracy * 100.0);
                rows.push(row(&[
                    title, lambda, seed, dead, &on_front, &accuracy, &run.mse,
                ]));
            }
        }
        Table::new("panel,lambda,seed,dead,on_front,accuracy_percent,mse", rows)
    }
}

impl Panel {
    fn draw(&self, marks: &Marks<'_, '_>) -> DrawResult {
        let point = |run: &Outcome| (run.mse, run.accuracy * 100.0);
        // Stairs, since no run has reached anything between two runs of the front.
        let mut stairs: Vec<(f64, f64)> = Vec::new();
        for index in &self.front {
            let (mse, accuracy) = point(&self.runs.outcomes[*index]);
            if let Some((_, before)) = stairs.last().copied() {
                stairs.push((mse, before));
            }
            stairs.push((mse, accuracy));
        }
        marks.line(&stairs, 0.8, [0x70; 3])?;
        for run in &self.runs.outcomes {
            let colour = palette::lambda_on_light(run.lambda.value());
            if run.dead {
                marks.ring(point(run), DOT, colour)?;
            } else {
                marks.dot(point(run), DOT, colour, 0.9)?;
            }
        }
        Ok(())
    }
}

/// Draws the colours of λ as a bar with numbers.
fn draw_lambda_scale(page: &Page<'_>, y: f64) -> DrawResult {
    const STEPS: u32 = 50;
    let width = (page.size().0 * 0.5).min(160.0);
    let left = (page.size().0 - width) / 2.0;
    let right = left + width;
    let (top, bottom) = (y + 6.0, y + 13.0);
    let style = page.text_style(SMALL, INK);
    page.draw_lambda_bar((left, top), (right, bottom), STEPS)?;
    for tick in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let pos = (left + width * tick, bottom + 3.0);
        page.draw_text(&format_number(tick), pos, &style, (HPos::Center, VPos::Top))?;
    }
    let middle = f64::midpoint(top, bottom);
    page.draw_text("λ: classifier", (left - 5.0, middle), &style, RIGHT)?;
    page.draw_text("autoencoder", (right + 5.0, middle), &style, LEFT)
}
