//! Accuracy and reconstruction against λ (the paper's figure 3).

use std::ops::Range;

use super::{
    axes::{jitter, span},
    backend::{DrawError, Page},
    chart::{self, Axis, plot_width},
    figure::{Figure, Table},
    marks::Marks,
    palette::{self, Rgb},
    panels::{
        ACCURACY as ACCURACY_NAME, Grid, LAMBDA, MSE as MSE_NAME, caption_height, draw_caption,
    },
    runs::{Choice, DeadRuns, Runs},
};
use crate::sweep::{
    BoxPlot, Outcome,
    stats::{LambdaGroup, by_lambda},
};

/// Box plots of accuracy and reconstruction error against λ, a panel for each network and data set; a line
/// where there is one run for each λ.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure3 {
    panels: Vec<Panel>,
    /// What is told below.
    caption: String,
}

#[derive(Clone, Debug, PartialEq)]
struct Panel {
    title: String,
    /// Panels of one data set have the same axes.
    data: String,
    groups: Vec<LambdaGroup>,
}

/// One of the two quantities that a panel shows.
#[derive(Clone, Copy)]
struct Quantity {
    id: &'static str,
    /// Name and unit at the axis.
    name: &'static str,
    colour: Rgb,
    /// On which side of its λ the box stands.
    side: f64,
    of: fn(&Outcome) -> f64,
}

const ACCURACY: Quantity = Quantity {
    id: "accuracy",
    name: ACCURACY_NAME,
    colour: palette::CLASSIFICATION_ON_LIGHT,
    side: -1.0,
    of: |run| run.accuracy * 100.0,
};

const MSE: Quantity = Quantity {
    id: "mse",
    name: MSE_NAME,
    colour: palette::RECONSTRUCTION_ON_LIGHT,
    side: 1.0,
    of: |run| run.mse,
};

/// In distances between neighbouring λ: width of a box, and of its middle from λ.
const BOX: f64 = 0.32;
const OFFSET: f64 = 0.2;
/// Radius of a run's dot, in points.
const DOT: f64 = 1.1;

impl Figure3 {
    /// The figure of these runs, in their order; `None` if there is nothing to show.
    pub fn of(runs: &[Runs], dead: DeadRuns) -> Option<Self> {
        let mut choice = Choice::default();
        let panels = choice.panels(runs, dead, |runs, outcomes| Panel {
            title: runs.title.clone(),
            data: runs.data_name.clone(),
            groups: by_lambda(&outcomes),
        });
        let words = if panels.iter().any(Panel::has_boxes) {
            "Boxes: median and quartiles over seeds; whiskers: 1.5 interquartile ranges; dots: single runs."
        } else {
            "One run for each λ."
        };
        (!panels.is_empty()).then(|| Self {
            caption: choice.caption(words),
            panels,
        })
    }

    fn grid(&self) -> Grid {
        Grid::of_charts(self.panels.len())
    }
}

impl Figure for Figure3 {
    fn size(&self) -> (f64, f64) {
        let grid = self.grid();
        let width = grid.width();
        (width, grid.height() + caption_height(&self.caption, width))
    }

    fn draw(&self, page: &Page<'_>) -> Result<(), DrawError> {
        let grid = self.grid();
        for (place, panel) in self.panels.iter().enumerate() {
            let alike = || self.panels.iter().filter(|other| other.data == panel.data);
            let values = |quantity: Quantity| {
                span(alike().flat_map(|panel| panel.outcomes().map(quantity.of)))
            };
            let part = grid.panel(page, place, &panel.title)?;
            panel.draw(&part, values(ACCURACY), values(MSE))?;
        }
        draw_caption(page, &self.caption, grid.height())
    }

    fn table(&self) -> Table {
        let mut rows = Vec::new();
        for panel in &self.panels {
            for group in &panel.groups {
                for quantity in [ACCURACY, MSE] {
                    panel.tell(group, quantity, &mut rows);
                }
            }
        }
        Table {
            header: vec![
                "panel",
                "lambda",
                "quantity",
                "statistic",
                "seed",
                "dead",
                "value",
            ],
            rows,
        }
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

    fn draw(
        &self,
        page: &Page<'_>,
        accuracies: Range<f64>,
        errors: Range<f64>,
    ) -> Result<(), DrawError> {
        let step = self.step();
        let lambdas: Vec<f64> = self.groups.iter().map(|at| at.lambda.value()).collect();
        let ends = |places: &[f64]| Some((*places.first()?, *places.last()?));
        let (first, last) = ends(&lambdas).unwrap_or((0.0, 1.0));
        let left = Axis::round(accuracies, ACCURACY.name, ACCURACY.colour);
        let right = Axis::round(errors, MSE.name, MSE.colour);
        let length = plot_width(page.size().0, &left, Some(&right));
        let range = first - 0.6 * step..last + 0.6 * step;
        let below = Axis::of_values(range, &lambdas, length, LAMBDA);
        chart::draw(page, &below, &left, Some(&right), |on_left, on_right| {
            self.mark(on_left, ACCURACY)?;
            self.mark(on_right, MSE)
        })
    }

    fn mark(&self, pen: &Marks<'_, '_>, quantity: Quantity) -> Result<(), DrawError> {
        if !self.has_boxes() {
            let living = self.outcomes().filter(|run| !run.dead);
            let line: Vec<(f64, f64)> = living
                .map(|run| (run.lambda.value(), (quantity.of)(run)))
                .collect();
            pen.line(&line, 1.0, quantity.colour)?;
        }
        let step = self.step();
        for group in &self.groups {
            let lambda = group.lambda.value();
            let middle = lambda + step * OFFSET * quantity.side;
            if self.has_boxes()
                && let Some(found) = BoxPlot::from_values(group.outcomes.iter().map(quantity.of))
            {
                draw_box(pen, &found, middle, step * BOX, quantity.colour)?;
            }
            for (rank, run) in group.outcomes.iter().enumerate() {
                let place = if self.has_boxes() {
                    middle + step * BOX * 0.7 * jitter(rank)
                } else {
                    lambda
                };
                let at = (place, (quantity.of)(run));
                if run.dead {
                    pen.ring(at, DOT, quantity.colour)?;
                } else {
                    pen.dot(at, DOT, quantity.colour, 0.75)?;
                }
            }
        }
        Ok(())
    }

    /// Rows of the table: the box of a λ, if it has one, and its runs.
    fn tell(&self, group: &LambdaGroup, quantity: Quantity, rows: &mut Vec<Vec<String>>) {
        let mut tell = |statistic: &str, seed: String, dead: String, value: f64| {
            rows.push(vec![
                self.title.clone(),
                group.lambda.to_string(),
                quantity.id.to_owned(),
                statistic.to_owned(),
                seed,
                dead,
                value.to_string(),
            ]);
        };
        if self.has_boxes()
            && let Some(found) = BoxPlot::from_values(group.outcomes.iter().map(quantity.of))
        {
            let named = [
                ("lower whisker", found.whiskers[0]),
                ("first quartile", found.quartiles[0]),
                ("median", found.median),
                ("third quartile", found.quartiles[1]),
                ("upper whisker", found.whiskers[1]),
            ];
            for (statistic, value) in named {
                tell(statistic, String::new(), String::new(), value);
            }
        }
        for run in &group.outcomes {
            let value = (quantity.of)(run);
            tell("run", run.seed.to_string(), run.dead.to_string(), value);
        }
    }
}

fn draw_box(
    pen: &Marks<'_, '_>,
    found: &BoxPlot,
    middle: f64,
    width: f64,
    colour: Rgb,
) -> Result<(), DrawError> {
    let (left, right) = (middle - width / 2.0, middle + width / 2.0);
    let ([low, high], [first, third]) = (found.whiskers, found.quartiles);
    pen.bar([(left, first), (right, third)], 0.6, colour)?;
    pen.line(&[(left, found.median), (right, found.median)], 1.4, colour)?;
    for (quartile, whisker) in [(first, low), (third, high)] {
        pen.line(&[(middle, quartile), (middle, whisker)], 0.6, colour)?;
        let (left, right) = (middle - width / 4.0, middle + width / 4.0);
        pen.line(&[(left, whisker), (right, whisker)], 0.6, colour)?;
    }
    Ok(())
}
