//! Learning curves of one network.

use super::{
    backend::{DrawResult, Page},
    chart::{self, Axis, Grid, INK, caption_height, draw_caption, format_number, padded_range},
    figure::{Figure, Table, row},
    palette::{self, Rgb},
};
use crate::{
    sweep::Record,
    train::{Evaluation, Metrics},
};

/// Test and training metrics against the epoch, one panel per quantity.
#[derive(Clone, Debug)]
pub struct LearningCurves<'a> {
    title: String,
    record: &'a Record,
    caption: String,
}

/// A quantity with its axis.
struct Quantity {
    id: &'static str,
    title: &'static str,
    /// Name and unit of the axis.
    name: &'static str,
    colour: Rgb,
    value: fn(&Metrics) -> f64,
}

const QUANTITIES: [Quantity; 3] = [
    Quantity {
        id: "accuracy_percent",
        title: "Accuracy",
        name: "Accuracy (%)",
        colour: palette::CLASSIFICATION_ON_LIGHT,
        value: |metrics| metrics.accuracy * 100.0,
    },
    Quantity {
        id: "ce_nats",
        title: "Cross-entropy",
        name: "Cross-entropy (nats)",
        colour: palette::CLASSIFICATION_ON_LIGHT,
        value: |metrics| metrics.ce,
    },
    Quantity {
        id: "mse",
        title: "Reconstruction error",
        name: "MSE (pixels from −1 to 1)",
        colour: palette::RECONSTRUCTION_ON_LIGHT,
        value: |metrics| metrics.mse,
    },
];

impl<'a> LearningCurves<'a> {
    /// The figure of a run; `None` before the end of its first epoch.
    pub fn new(title: &str, record: &'a Record) -> Option<Self> {
        let evaluations = &record.evaluations;
        let lambda = evaluations.last()?.lambda;
        // λ can be changed during training.
        let at_the_end = if evaluations.iter().any(|at| at.lambda != lambda) {
            " at the end"
        } else {
            ""
        };
        let train = if evaluations.iter().any(|at| at.train.is_some()) {
            ""
        } else {
            " (not available)"
        };
        let seed = record.spec.config.seed;
        (evaluations.len() > 1).then(|| Self {
            title: title.to_owned(),
            record,
            caption: format!(
                "{title}, λ = {lambda}{at_the_end}, seed {seed}. Lines with dots: the whole test set, before training and after every epoch. Pale lines: means over the training batches of each epoch{train}."
            ),
        })
    }

    fn test(&self, value: fn(&Metrics) -> f64) -> Vec<(f64, f64)> {
        let all = self.record.evaluations.iter();
        finite(all.map(|at| (at.epoch as f64, value(&at.test))))
    }

    fn train(&self, value: fn(&Metrics) -> f64) -> Vec<(f64, f64)> {
        let point = |at: &Evaluation| Some((at.epoch as f64, value(&at.train?)));
        finite(self.record.evaluations.iter().filter_map(point))
    }

    fn grid() -> Grid {
        Grid::with_columns(QUANTITIES.len(), QUANTITIES.len(), 140.0)
    }
}

fn finite(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    points.filter(|(_, value)| value.is_finite()).collect()
}

impl Figure for LearningCurves<'_> {
    fn size(&self) -> (f64, f64) {
        let grid = Self::grid();
        let caption = caption_height(&self.caption, grid.width());
        (grid.width(), grid.height() + caption)
    }

    fn draw(&self, page: &Page<'_>) -> DrawResult {
        /// More dots than these would merge into a thick line.
        const MAX_DOTS: usize = 60;
        let grid = Self::grid();
        let epochs = self.record.evaluations.iter().map(|at| at.epoch as f64);
        let mut below = Axis::with_round_ticks(padded_range(epochs), "Epoch", INK);
        below.ticks.retain(|(epoch, _)| epoch.fract() == 0.0);
        for (epoch, text) in &mut below.ticks {
            *text = format_number(*epoch);
        }
        for (index, quantity) in QUANTITIES.iter().enumerate() {
            let (test, train) = (self.test(quantity.value), self.train(quantity.value));
            let values = test.iter().chain(&train).map(|(_, value)| *value);
            let range = padded_range(values);
            let left = Axis::with_round_ticks(range, quantity.name, quantity.colour);
            let part = grid.draw_panel(page, index, quantity.title)?;
            chart::draw(&part, &below, &left, None, |marks, _| {
                marks.line(&train, 0.8, pale(quantity.colour))?;
                marks.line(&test, 1.0, quantity.colour)?;
                for point in test.iter().filter(|_| test.len() <= MAX_DOTS) {
                    marks.dot(*point, 1.3, quantity.colour, 1.0)?;
                }
                Ok(())
            })?;
        }
        draw_caption(page, &self.caption, grid.height())
    }

    fn table(&self) -> Table {
        let mut rows = Vec::new();
        for at in &self.record.evaluations {
            for (half, metrics) in [("test", Some(&at.test)), ("training", at.train.as_ref())] {
                let Some(metrics) = metrics else { continue };
                for Quantity { id, value, .. } in &QUANTITIES {
                    let (panel, lambda, value) = (&self.title, &at.lambda, value(metrics));
                    rows.push(row(&[
                        panel, &at.epoch, &at.step, lambda, &half, id, &value,
                    ]));
                }
            }
        }
        Table::new("panel,epoch,step,lambda,half,quantity,value", rows)
    }
}

/// Half-way to white.
fn pale(colour: Rgb) -> Rgb {
    colour.map(|value| value / 2 + 0x7f)
}
