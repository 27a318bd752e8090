//! How losses and accuracy of one network moved over the epochs.

use super::{
    axes::{number, span},
    backend::{DrawError, Page},
    chart::{self, Axis},
    figure::{Figure, Table},
    palette::{self, Rgb},
    panels::{Grid, INK, caption_height, draw_caption},
};
use crate::{
    sweep::Record,
    train::{Evaluation, Metrics},
};

/// Test and training curves, a panel for each quantity.
#[derive(Clone, Debug)]
pub struct Learning<'a> {
    title: String,
    record: &'a Record,
    caption: String,
}

/// One of the quantities.
struct Quantity {
    id: &'static str,
    title: &'static str,
    name: &'static str,
    colour: Rgb,
    of: fn(&Metrics) -> f64,
}

const QUANTITIES: [Quantity; 3] = [
    Quantity {
        id: "accuracy_percent",
        title: "Accuracy",
        name: "Accuracy (%)",
        colour: palette::CLASSIFICATION_ON_LIGHT,
        of: |metrics| metrics.accuracy * 100.0,
    },
    Quantity {
        id: "ce_nats",
        title: "Cross-entropy",
        name: "Cross-entropy (nats)",
        colour: palette::CLASSIFICATION_ON_LIGHT,
        of: |metrics| metrics.ce,
    },
    Quantity {
        id: "mse",
        title: "Reconstruction error",
        name: "MSE (pixels from −1 to 1)",
        colour: palette::RECONSTRUCTION_ON_LIGHT,
        of: |metrics| metrics.mse,
    },
];

impl<'a> Learning<'a> {
    /// The figure of a run; `None` before the end of its first epoch.
    pub fn of(title: &str, record: &'a Record) -> Option<Self> {
        let (lambda, seed) = (record.lambda(), record.spec.config.seed);
        (record.evaluations.len() > 1).then(|| Self {
            title: title.to_owned(),
            record,
            caption: format!(
                "{title}, λ = {lambda} (at the end), seed {seed}. Lines with dots: the whole test half, before training and after every epoch. Pale lines: means over the training batches of the epoch{}.",
                if record.evaluations.iter().any(|e| e.train.is_some()) {
                    ""
                } else {
                    " (not known here)"
                }
            ),
        })
    }

    fn test(&self, of: fn(&Metrics) -> f64) -> Vec<(f64, f64)> {
        let all = self.record.evaluations.iter();
        finite(all.map(|at| (at.epoch as f64, of(&at.test))))
    }

    fn train(&self, of: fn(&Metrics) -> f64) -> Vec<(f64, f64)> {
        let at = |at: &Evaluation| Some((at.epoch as f64, of(&at.train?)));
        finite(self.record.evaluations.iter().filter_map(at))
    }
}

fn finite(places: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    places.filter(|(_, value)| value.is_finite()).collect()
}

impl Figure for Learning<'_> {
    fn size(&self) -> (f64, f64) {
        let grid = Grid::of_rows(QUANTITIES.len(), QUANTITIES.len(), 140.0);
        let below = caption_height(&self.caption, grid.width());
        (grid.width(), grid.height() + below)
    }

    fn draw(&self, page: &Page<'_>) -> Result<(), DrawError> {
        /// More dots than these would be a thick line.
        const DOTS: usize = 60;
        let grid = Grid::of_rows(QUANTITIES.len(), QUANTITIES.len(), 140.0);
        let epochs = self.record.evaluations.iter().map(|at| at.epoch as f64);
        let mut below = Axis::round(span(epochs), "Epoch", INK);
        below.ticks.retain(|(epoch, _)| epoch.fract() == 0.0);
        for (epoch, text) in &mut below.ticks {
            *text = number(*epoch);
        }
        for (place, quantity) in QUANTITIES.iter().enumerate() {
            let (test, train) = (self.test(quantity.of), self.train(quantity.of));
            let values = test.iter().chain(&train).map(|(_, value)| *value);
            let left = Axis::round(span(values), quantity.name, quantity.colour);
            let part = grid.panel(page, place, quantity.title)?;
            chart::draw(&part, &below, &left, None, |pen, _| {
                pen.line(&train, 0.8, pale(quantity.colour))?;
                pen.line(&test, 1.0, quantity.colour)?;
                for place in test.iter().filter(|_| test.len() <= DOTS) {
                    pen.dot(*place, 1.3, quantity.colour, 1.0)?;
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
                for quantity in &QUANTITIES {
                    rows.push(vec![
                        self.title.clone(),
                        at.epoch.to_string(),
                        at.step.to_string(),
                        at.lambda.to_string(),
                        half.to_owned(),
                        quantity.id.to_owned(),
                        (quantity.of)(metrics).to_string(),
                    ]);
                }
            }
        }
        Table {
            header: vec![
                "panel", "epoch", "step", "lambda", "half", "quantity", "value",
            ],
            rows,
        }
    }
}

/// Half-way to the paper.
fn pale(colour: Rgb) -> Rgb {
    colour.map(|value| value / 2 + 0x7f)
}
