//! Accuracy and reconstruction error against λ (figure 3 of the paper).

use std::{fmt::Display, ops::Range};

use super::{
    backend::{DrawResult, Page},
    chart::{
        self, ACCURACY as ACCURACY_NAME, Axis, Grid, LAMBDA, MSE as MSE_NAME, Marks,
        caption_height, draw_caption, jitter, padded_range, plot_width,
    },
    figure::{Figure, Table, row},
    palette::{self, Rgb},
    run_filter::{DeadRuns, PanelRuns, RunFilter},
};
use crate::sweep::{
    BoxPlot, Outcome,
    stats::{LambdaGroup, by_lambda},
};

/// Box plots of accuracy and reconstruction error against λ, one panel per network and data set;
/// lines where there is one run per λ.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure3 {
    panels: Vec<Panel>,
    caption: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Panel {
    title: String,
    data_name: String,
    groups: Vec<LambdaGroup>,
}

/// A quantity with its axis.
#[derive(Clone, Copy)]
struct Quantity {
    id: &'static str,
    /// Name and unit of the axis.
    name: &'static str,
    colour: Rgb,
    /// Side of λ on which the box is, −1 or 1.
    side: f64,
    value: fn(&Outcome) -> f64,
}

const ACCURACY: Quantity = Quantity {
    id: "accuracy",
    name: ACCURACY_NAME,
    colour: palette::CLASSIFICATION_ON_LIGHT,
    side: -1.0,
    value: |run| run.accuracy * 100.0,
};

const MSE: Quantity = Quantity {
    id: "mse",
    name: MSE_NAME,
    colour: palette::RECONSTRUCTION_ON_LIGHT,
    side: 1.0,
    value: |run| run.mse,
};

/// Width of a box and distance of its middle from λ, in distances between neighbouring λ.
const BOX_WIDTH: f64 = 0.32;
const BOX_OFFSET: f64 = 0.2;
/// Radius of the dot of a run, in points.
const DOT: f64 = 1.1;

impl Figure3 {
    /// The figure of these runs; `None` if there is nothing to show.
    pub fn new(runs: &[PanelRuns], dead: DeadRuns) -> Option<Self> {
        let mut filter = RunFilter::new(dead);
        let panels = filter.panels(runs).into_iter().map(|runs| Panel {
            groups: by_lambda(&runs.outcomes),
            title: runs.title,
            data_name: runs.data_name,
        });
        let panels: Vec<Panel> = panels.collect();
        let text = if panels.iter().any(Panel::has_boxes) {
            "Boxes: median and quartiles over seeds; whiskers: 1.5 interquartile ranges; dots: single runs."
        } else {
            "One run per λ."
        };
        (!panels.is_empty()).then(|| Self {
            caption: filter.caption(text),
            panels,
        })
    }

    fn grid(&self) -> Grid {
        Grid::for_charts(self.panels.len())
    }
}

impl Figure for Figure3 {
    fn size(&self) -> (f64, f64) {
        let grid = self.grid();
        let width = grid.width();
        (width, grid.height() + caption_height(&self.caption, width))
    }

    fn draw(&self, page: &Page<'_>) -> DrawResult {
        let grid = self.grid();
        for (index, panel) in self.panels.iter().enumerate() {
            // Panels of one data set have the same axes.
            let range = |quantity: Quantity| {
                let panels = self.panels.iter();
                let same_data = panels.filter(|other| other.data_name == panel.data_name);
                padded_range(same_data.flat_map(Panel::outcomes).map(quantity.value))
            };
            let part = grid.draw_panel(page, index, &panel.title)?;
            panel.draw(&part, range(ACCURACY), range(MSE))?;
        }
        draw_caption(page, &self.caption, grid.height())
    }

    fn table(&self) -> Table {
        let mut rows = Vec::new();
        for panel in &self.panels {
            for group in &panel.groups {
                for quantity in [ACCURACY, MSE] {
                    panel.append_rows(group, quantity, &mut rows);
                }
            }
        }
        Table::new("panel,lambda,quantity,statistic,seed,dead,value", rows)
    }
}

impl Panel {
    fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.groups.iter().flat_map(|group| &group.outcomes)
    }

    fn has_boxes(&self) -> bool {
        self.groups.iter().any(|group| group.outcomes.len() > 1)
    }

    /// Smallest distance of two λ.
    fn step(&self) -> f64 {
        let lambdas = self.groups.windows(2);
        let steps = lambdas.map(|pair| pair[1].lambda.value() - pair[0].lambda.value());
        let step = steps.fold(f64::INFINITY, f64::min);
        if step.is_finite() { step } else { 0.1 }
    }

    fn draw(&self, page: &Page<'_>, accuracies: Range<f64>, errors: Range<f64>) -> DrawResult {
        let step = self.step();
        let lambdas: Vec<f64> = self.groups.iter().map(|at| at.lambda.value()).collect();
        let ends = |values: &[f64]| Some((*values.first()?, *values.last()?));
        let (first, last) = ends(&lambdas).unwrap_or((0.0, 1.0));
        let left = Axis::with_round_ticks(accuracies, ACCURACY.name, ACCURACY.colour);
        let right = Axis::with_round_ticks(errors, MSE.name, MSE.colour);
        let length = plot_width(page.size().0, &left, Some(&right));
        let range = first - 0.6 * step..last + 0.6 * step;
        let below = Axis::with_ticks_at(range, &lambdas, length, LAMBDA);
        chart::draw(page, &below, &left, Some(&right), |on_left, on_right| {
            self.draw_quantity(on_left, ACCURACY)?;
            self.draw_quantity(on_right, MSE)
        })
    }

    fn draw_quantity(&self, marks: &Marks<'_, '_>, quantity: Quantity) -> DrawResult {
        if !self.has_boxes() {
            let living = self.outcomes().filter(|run| !run.dead);
            let line: Vec<(f64, f64)> = living
                .map(|run| (run.lambda.value(), (quantity.value)(run)))
                .collect();
            marks.line(&line, 1.0, quantity.colour)?;
        }
        let step = self.step();
        for group in &self.groups {
            let lambda = group.lambda.value();
            let middle = lambda + step * BOX_OFFSET * quantity.side;
            if let Some(plot) = self.box_plot(group, quantity) {
                draw_box(marks, &plot, middle, step * BOX_WIDTH, quantity.colour)?;
            }
            for (index, run) in (0..).zip(&group.outcomes) {
                let x = if self.has_boxes() {
                    middle + step * BOX_WIDTH * 0.7 * jitter(index)
                } else {
                    lambda
                };
                let point = (x, (quantity.value)(run));
                if run.dead {
                    marks.ring(point, DOT, quantity.colour)?;
                } else {
                    marks.dot(point, DOT, quantity.colour, 0.75)?;
                }
            }
        }
        Ok(())
    }

    /// The box of a λ; `None` where there is one run per λ.
    fn box_plot(&self, group: &LambdaGroup, quantity: Quantity) -> Option<BoxPlot> {
        let values = group.outcomes.iter().map(quantity.value);
        BoxPlot::from_values(values).filter(|_| self.has_boxes())
    }

    /// Appends the rows of a λ: its box, if there is one, and its runs.
    fn append_rows(&self, group: &LambdaGroup, quantity: Quantity, rows: &mut Vec<Vec<String>>) {
        let mut append = |statistic: &str, seed: &dyn Display, dead: &dyn Display, value: f64| {
            let (panel, lambda, id) = (&self.title, &group.lambda, &quantity.id);
            rows.push(row(&[panel, lambda, id, &statistic, seed, dead, &value]));
        };
        if let Some(plot) = self.box_plot(group, quantity) {
            for (statistic, value) in [
                ("lower whisker", plot.whiskers[0]),
                ("first quartile", plot.quartiles[0]),
                ("median", plot.median),
                ("third quartile", plot.quartiles[1]),
                ("upper whisker", plot.whiskers[1]),
            ] {
                append(statistic, &"", &"", value);
            }
        }
        for run in &group.outcomes {
            append("run", &run.seed, &run.dead, (quantity.value)(run));
        }
    }
}

fn draw_box(
    marks: &Marks<'_, '_>,
    plot: &BoxPlot,
    middle: f64,
    width: f64,
    colour: Rgb,
) -> DrawResult {
    let (left, right) = (middle - width / 2.0, middle + width / 2.0);
    let ([low, high], [first, third]) = (plot.whiskers, plot.quartiles);
    marks.bar([(left, first), (right, third)], 0.6, colour)?;
    marks.line(&[(left, plot.median), (right, plot.median)], 1.4, colour)?;
    for (quartile, whisker) in [(first, low), (third, high)] {
        marks.line(&[(middle, quartile), (middle, whisker)], 0.6, colour)?;
        let (left, right) = (middle - width / 4.0, middle + width / 4.0);
        marks.line(&[(left, whisker), (right, whisker)], 0.6, colour)?;
    }
    Ok(())
}
