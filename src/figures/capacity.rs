//! The width of the trade-off against the latent size or the number of parameters.

mod families;

use std::ops::Range;

pub use families::{Family, Member};

use super::{
    backend::{DrawResult, Page},
    chart::{
        self, Axis, Grid, INK, Marks, caption_height, draw_caption, format_number, jitter,
        padded_range, plot_width, remove_overlaps,
    },
    figure::{Figure, Table, row},
    palette::{self, Rgb},
};
use crate::sweep::{Record, Series, TradeOff};

/// The measure of capacity on the horizontal axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CapacityMeasure {
    /// Number n of latent units.
    LatentSize,
    /// Number of trainable parameters.
    Parameters,
}

/// Losses of accuracy and of reconstruction, medians and runs, against the capacity of networks
/// that are otherwise alike: two panels per family.
#[derive(Clone, Debug, PartialEq)]
pub struct CapacityFigure {
    measure: CapacityMeasure,
    /// The networks, by family, at least one.
    pub families: Vec<Family>,
}

/// A loss with its axis.
#[derive(Clone, Copy)]
struct Loss {
    id: &'static str,
    /// Name and unit of the axis.
    name: &'static str,
    colour: Rgb,
    median: fn(&TradeOff) -> f64,
    runs: fn(&TradeOff) -> &[f64],
    /// Units of the axis per unit of the loss.
    scale: f64,
}

const LOSSES: [Loss; 2] = [
    Loss {
        id: "accuracy_loss_percentage_points",
        name: "Accuracy lost (percentage points)",
        colour: palette::CLASSIFICATION_ON_LIGHT,
        median: |trade_off| trade_off.accuracy_loss,
        runs: |trade_off| &trade_off.accuracy_losses,
        scale: 100.0,
    },
    Loss {
        id: "mse_loss",
        name: "MSE increase (pixels from −1 to 1)",
        colour: palette::RECONSTRUCTION_ON_LIGHT,
        median: |trade_off| trade_off.mse_loss,
        runs: |trade_off| &trade_off.mse_losses,
        scale: 1.0,
    },
];

const CAPTION: &str = "Blue: accuracy at the λ with the best median accuracy, minus that at the λ with the best median MSE. Orange: MSE at the λ with the best median accuracy, minus that at the λ with the best median MSE. Lines: medians over living seeds; dots: single runs.";

impl CapacityMeasure {
    fn size_of(self, record: &Record) -> usize {
        match self {
            Self::LatentSize => record.latent_values,
            Self::Parameters => record.parameters,
        }
    }

    /// Ticks of a logarithmic axis of `length` points (with labels of 6.5 points): the sizes of the
    /// members for n, round numbers for parameters.
    pub fn ticks(self, members: &[Member], range: &Range<f64>, length: f64) -> Vec<(f64, String)> {
        let sizes: Vec<usize> = match self {
            Self::LatentSize => members.iter().map(|member| member.size).collect(),
            Self::Parameters => (0..12)
                .flat_map(|power| [1, 2, 5].map(|digit| digit * 10usize.pow(power)))
                .filter(|size| range.contains(&log_size(*size)))
                .collect(),
        };
        let ticks = sizes.into_iter();
        let ticks = ticks.map(|size| (log_size(size), self.format(size)));
        remove_overlaps(ticks.collect(), range, length)
    }

    fn format(self, size: usize) -> String {
        const UNITS: [(f64, &str); 2] = [(1e6, " M"), (1e3, " k")];
        let value = size as f64;
        let unit = UNITS.iter().find(|(unit, _)| value >= *unit);
        match (self, unit) {
            (Self::Parameters, Some((unit, name))) => {
                let digits = if value / unit < 10.0 { 10.0 } else { 1.0 };
                let rounded = (value / unit * digits).round() / digits;
                format!("{}{name}", format_number(rounded))
            }
            _ => format_number(value),
        }
    }
}

/// Position of a size on a logarithmic axis.
fn log_size(size: usize) -> f64 {
    (size.max(1) as f64).log2()
}

impl CapacityFigure {
    /// The figure of these series. `None` unless two of them differ only in this measure, each with
    /// living runs at two λ or more.
    pub fn new(series: &[Series<'_>], measure: CapacityMeasure) -> Option<Self> {
        let families = families::group(series, measure);
        (!families.is_empty()).then_some(Self { measure, families })
    }

    fn grid(&self) -> Grid {
        Grid::with_columns(2 * self.families.len(), 2, 150.0)
    }
}

impl Figure for CapacityFigure {
    fn size(&self) -> (f64, f64) {
        let grid = self.grid();
        let width = grid.width();
        (width, grid.height() + caption_height(CAPTION, width))
    }

    fn draw(&self, page: &Page<'_>) -> DrawResult {
        let grid = self.grid();
        for (row, family) in self.families.iter().enumerate() {
            for (column, loss) in LOSSES.iter().enumerate() {
                let part = grid.draw_panel(page, 2 * row + column, &family.title)?;
                family.draw(&part, self.measure, loss)?;
            }
        }
        draw_caption(page, CAPTION, grid.height())
    }

    fn table(&self) -> Table {
        let mut rows = Vec::new();
        for family in &self.families {
            for member in &family.members {
                let trade_off = &member.trade_off;
                for loss in LOSSES {
                    let mut append = |statistic: &str, value: f64| {
                        let (panel, network, size) = (&family.title, &member.name, &member.size);
                        let (accuracy, mse) = (&trade_off.best_accuracy, &trade_off.best_mse);
                        let (id, value) = (loss.id, value * loss.scale);
                        rows.push(row(&[
                            panel, network, size, accuracy, mse, &id, &statistic, &value,
                        ]));
                    };
                    append("median", (loss.median)(trade_off));
                    for run in (loss.runs)(trade_off) {
                        append("run", *run);
                    }
                }
            }
        }
        let header =
            "panel,network,n,lambda_of_best_accuracy,lambda_of_best_mse,quantity,statistic,value";
        let mut table = Table::new(header, rows);
        if self.measure == CapacityMeasure::Parameters {
            table.header[2] = "parameters";
        }
        table
    }
}

impl Family {
    fn draw(&self, page: &Page<'_>, measure: CapacityMeasure, loss: &Loss) -> DrawResult {
        let losses = self.members.iter().flat_map(|member| {
            let runs = (loss.runs)(&member.trade_off).iter().copied();
            runs.chain([(loss.median)(&member.trade_off), 0.0])
        });
        let mut losses = padded_range(losses.map(|value| value * loss.scale));
        // Space for the names above the dots.
        losses.end += (losses.end - losses.start) * 0.08;
        let left = Axis::with_round_ticks(losses, loss.name, loss.colour);
        let range = padded_range(self.members.iter().map(Member::log_size));
        // Names are wider than the dots below them.
        let range = range.start - 0.3..range.end + 0.3;
        let length = plot_width(page.size().0, &left, None);
        let below = Axis {
            ticks: measure.ticks(&self.members, &range, length),
            range,
            name: match measure {
                CapacityMeasure::LatentSize => "Latent size n (units)".to_owned(),
                CapacityMeasure::Parameters => "Trainable parameters".to_owned(),
            },
            colour: INK,
        };
        chart::draw(page, &below, &left, None, |marks, _| {
            self.draw_marks(marks, measure, loss)
        })
    }

    fn draw_marks(
        &self,
        marks: &Marks<'_, '_>,
        measure: CapacityMeasure,
        loss: &Loss,
    ) -> DrawResult {
        let median = |member: &Member| {
            let loss = (loss.median)(&member.trade_off) * loss.scale;
            (member.log_size(), loss)
        };
        let mut kinds: Vec<&str> = self.members.iter().map(|member| &*member.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            let members = self.members.iter().filter(|member| member.kind == kind);
            marks.line(&members.map(median).collect::<Vec<_>>(), 1.0, loss.colour)?;
        }
        for member in &self.members {
            let (x, y) = median(member);
            let runs = (loss.runs)(&member.trade_off);
            for (index, run) in (0..).zip(runs) {
                let point = (x + 0.2 * jitter(index), run * loss.scale);
                marks.dot(point, 1.1, loss.colour, 0.6)?;
            }
            marks.ring((x, y), 2.0, loss.colour)?;
            if measure == CapacityMeasure::Parameters {
                // Above the highest dot.
                let top = runs.iter().fold(y, |top, run| top.max(run * loss.scale));
                marks.label((x, top), &member.name)?;
            }
        }
        Ok(())
    }
}
