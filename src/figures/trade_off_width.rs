//! The trade-off's width against the size of z or of the network: does more room soften it?

use std::ops::Range;

use super::{
    axes::{apart, jitter, number, span},
    backend::{DrawError, Page, text_width},
    chart::{self, Axis, plot_width},
    figure::{Figure, Table},
    marks::Marks,
    palette::{self, Rgb},
    panels::{Grid, INK, SMALL, caption_height, draw_caption},
};
use crate::{
    model::{Architecture, LatentSize},
    sweep::{
        Record, RunSpec, Series, TradeOff,
        series::{common_spec, distinct_names},
        stats::trade_off,
    },
};

/// What the width is shown against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// Number n of latent units.
    LatentSize,
    /// Number of trainable parameters.
    Parameters,
}

/// Losses of accuracy and of reconstruction, medians and runs, against the size of networks that are
/// otherwise alike: two panels for each family.
#[derive(Clone, Debug, PartialEq)]
pub struct TradeOffWidths {
    against: Against,
    /// At least one.
    families: Vec<Family>,
}

/// Networks that differ in their size.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// What its members share: "MNIST, FC Medium".
    pub title: String,
    /// Smallest first, at least two.
    pub members: Vec<Member>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The network: "FC Medium".
    pub name: String,
    /// "FC", "CNN": a line joins those of one kind.
    pub kind: String,
    /// Latent units or parameters.
    pub size: usize,
    /// How much the two tasks cost each other.
    pub width: TradeOff,
}

impl Member {
    /// Where it stands on an axis on which sizes grow by factors.
    pub fn place(&self) -> f64 {
        place(self.size)
    }
}

/// One of the two losses.
#[derive(Clone, Copy)]
struct Loss {
    id: &'static str,
    name: &'static str,
    colour: Rgb,
    median: fn(&TradeOff) -> f64,
    runs: fn(&TradeOff) -> &[f64],
    /// Units of the axis for one unit of the loss.
    scale: f64,
}

const LOSSES: [Loss; 2] = [
    Loss {
        id: "accuracy_loss_percentage_points",
        name: "Accuracy lost (percentage points)",
        colour: palette::CLASSIFICATION_ON_LIGHT,
        median: |width| width.accuracy_loss,
        runs: |width| &width.accuracy_losses,
        scale: 100.0,
    },
    Loss {
        id: "mse_loss",
        name: "MSE gained (pixels from −1 to 1)",
        colour: palette::RECONSTRUCTION_ON_LIGHT,
        median: |width| width.mse_loss,
        runs: |width| &width.mse_losses,
        scale: 1.0,
    },
];

const CAPTION: &str = "Blue: accuracy at the λ with the best median accuracy, less that at the λ with the best median MSE. Orange: MSE at the λ with the best median accuracy, less that at the λ with the best median MSE. Lines: medians over the living seeds; dots: single runs.";

impl Against {
    fn size(self, record: &Record) -> usize {
        match self {
            Self::LatentSize => record.latent_values,
            Self::Parameters => record.parameters,
        }
    }

    fn axis_name(self) -> &'static str {
        match self {
            Self::LatentSize => "Latent size n (units)",
            Self::Parameters => "Trainable parameters",
        }
    }

    /// Name of the column in tables.
    fn id(self) -> &'static str {
        match self {
            Self::LatentSize => "n",
            Self::Parameters => "parameters",
        }
    }

    /// Marks of an axis of `length` points (with numbers of 6.5 points): the sizes themselves, or round
    /// numbers.
    pub fn ticks(self, members: &[Member], range: &Range<f64>, length: f64) -> Vec<(f64, String)> {
        let sizes: Vec<usize> = match self {
            Self::LatentSize => members.iter().map(|member| member.size).collect(),
            Self::Parameters => (0..12)
                .flat_map(|power| [1, 2, 5].map(|digit| digit * 10usize.pow(power)))
                .filter(|size| range.contains(&place(*size)))
                .collect(),
        };
        let ticks = sizes
            .into_iter()
            .map(|size| (place(size), self.size_text(size)));
        let width = |text: &str| text_width(text, SMALL) + 2.0;
        apart(ticks.collect(), range, length, width)
    }

    fn size_text(self, size: usize) -> String {
        const UNITS: [(f64, &str); 2] = [(1e6, " M"), (1e3, " k")];
        let value = size as f64;
        let unit = UNITS.iter().find(|(unit, _)| value >= *unit);
        match (self, unit) {
            (Self::Parameters, Some((unit, name))) => {
                let digits = if value / unit < 10.0 { 10.0 } else { 1.0 };
                format!("{}{name}", number((value / unit * digits).round() / digits))
            }
            _ => number(value),
        }
    }
}

/// Where a size stands on its axis: sizes grow by factors.
fn place(size: usize) -> f64 {
    (size.max(1) as f64).log2()
}

/// A series with what is needed to sort it into families.
struct Entry<'a> {
    record: &'a Record,
    /// What its whole family shares.
    common: RunSpec,
    /// The n that its family shares, if it does.
    n: Option<usize>,
    width: TradeOff,
}

impl Entry<'_> {
    fn member(&self, against: Against) -> Member {
        let architecture = self.record.spec.config.architecture.to_string();
        let kind = architecture.split(' ').next().unwrap_or_default();
        Member {
            kind: kind.to_owned(),
            size: against.size(self.record),
            name: architecture,
            width: self.width.clone(),
        }
    }
}

impl TradeOffWidths {
    /// The figure of these series; `None` unless two of them differ in this size and in nothing
    /// else but what comes with it, each with living runs at two λ or more.
    pub fn of(series: &[Series<'_>], against: Against) -> Option<Self> {
        let entries: Vec<Entry<'_>> = series
            .iter()
            .filter_map(|series| Entry::of(series, against))
            .collect();
        let mut families: Vec<(String, Vec<&Entry<'_>>)> = Vec::new();
        for (place, entry) in entries.iter().enumerate() {
            let is_known = |other: &Entry<'_>| other.common == entry.common && other.n == entry.n;
            // Networks that have no choice of n are compared with those of every n.
            let joins = |other: &&Entry<'_>| {
                other.common == entry.common && (other.n == entry.n || other.n.is_none())
            };
            let is_elsewhere = entry.n.is_none()
                && entries
                    .iter()
                    .any(|other| other.common == entry.common && other.n.is_some());
            let members: Vec<&Entry<'_>> = entries.iter().filter(joins).collect();
            if members.len() > 1 && !is_elsewhere && !entries[..place].iter().any(is_known) {
                families.push((entry.family(against), members));
            }
        }
        let first: Vec<&Record> = families
            .iter()
            .map(|(_, entries)| entries[0].record)
            .collect();
        let names = families.iter().map(|(name, _)| name.clone()).collect();
        let titles = distinct_names(names, &first);
        let families: Vec<Family> = titles
            .into_iter()
            .zip(families)
            .map(|(title, (_, entries))| {
                let mut members: Vec<Member> =
                    entries.iter().map(|entry| entry.member(against)).collect();
                members.sort_by(|a, b| a.size.cmp(&b.size).then(a.name.cmp(&b.name)));
                Family { title, members }
            })
            .collect();
        (!families.is_empty()).then_some(Self { against, families })
    }

    /// Networks that differ in their size, family by family.
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    fn grid(&self) -> Grid {
        Grid::of_rows(2 * self.families.len(), 2, 150.0)
    }
}

impl<'a> Entry<'a> {
    fn of(series: &Series<'a>, against: Against) -> Option<Self> {
        let record = *series.records.first()?;
        let mut common = common_spec(&record.spec);
        let is_free = common.config.architecture.has_free_latent();
        common.config.latent = LatentSize::default();
        let n = match against {
            Against::LatentSize if is_free => None,
            Against::LatentSize => return None,
            Against::Parameters => {
                common.config.architecture = Architecture::default();
                is_free.then_some(record.latent_values)
            }
        };
        Some(Self {
            record,
            common,
            n,
            width: trade_off(&series.outcomes())?,
        })
    }

    fn family(&self, against: Against) -> String {
        let data = &self.record.data_name;
        match (against, self.n) {
            (Against::LatentSize, _) => format!("{data}, {}", self.record.spec.config.architecture),
            (Against::Parameters, Some(n)) => format!("{data}, n = {n}"),
            (Against::Parameters, None) => data.clone(),
        }
    }
}

impl Figure for TradeOffWidths {
    fn size(&self) -> (f64, f64) {
        let grid = self.grid();
        let width = grid.width();
        (width, grid.height() + caption_height(CAPTION, width))
    }

    fn draw(&self, page: &Page<'_>) -> Result<(), DrawError> {
        let grid = self.grid();
        for (row, family) in self.families.iter().enumerate() {
            for (column, loss) in LOSSES.iter().enumerate() {
                let part = grid.panel(page, 2 * row + column, &family.title)?;
                family.draw(&part, self.against, loss)?;
            }
        }
        draw_caption(page, CAPTION, grid.height())
    }

    fn table(&self) -> Table {
        let mut rows = Vec::new();
        for family in &self.families {
            for member in &family.members {
                let width = &member.width;
                for loss in LOSSES {
                    let mut tell = |statistic: &str, value: f64| {
                        rows.push(vec![
                            family.title.clone(),
                            member.name.clone(),
                            member.size.to_string(),
                            width.best_accuracy.to_string(),
                            width.best_mse.to_string(),
                            loss.id.to_owned(),
                            statistic.to_owned(),
                            (value * loss.scale).to_string(),
                        ]);
                    };
                    tell("median", (loss.median)(width));
                    for run in (loss.runs)(width) {
                        tell("run", *run);
                    }
                }
            }
        }
        Table {
            header: vec![
                "panel",
                "network",
                self.against.id(),
                "lambda_of_best_accuracy",
                "lambda_of_best_mse",
                "quantity",
                "statistic",
                "value",
            ],
            rows,
        }
    }
}

impl Family {
    fn draw(&self, page: &Page<'_>, against: Against, loss: &Loss) -> Result<(), DrawError> {
        let losses = self.members.iter().flat_map(|member| {
            let runs = (loss.runs)(&member.width).iter().copied();
            runs.chain([(loss.median)(&member.width), 0.0])
        });
        let mut losses = span(losses.map(|l| l * loss.scale));
        // Names stand above the dots.
        losses.end += (losses.end - losses.start) * 0.08;
        let left = Axis::round(losses, loss.name, loss.colour);
        let range = span(self.members.iter().map(|member| place(member.size)));
        // Names are wider than the dots below them.
        let range = range.start - 0.3..range.end + 0.3;
        let below = Axis {
            ticks: against.ticks(
                &self.members,
                &range,
                plot_width(page.size().0, &left, None),
            ),
            range,
            name: against.axis_name().to_owned(),
            colour: INK,
        };
        chart::draw(page, &below, &left, None, |pen, _| {
            self.mark(pen, against, loss)
        })
    }

    fn mark(&self, pen: &Marks<'_, '_>, against: Against, loss: &Loss) -> Result<(), DrawError> {
        let median = |member: &Member| {
            let loss = (loss.median)(&member.width) * loss.scale;
            (place(member.size), loss)
        };
        let mut kinds: Vec<&str> = self.members.iter().map(|member| &*member.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            let members = self.members.iter().filter(|member| member.kind == kind);
            pen.line(&members.map(median).collect::<Vec<_>>(), 1.0, loss.colour)?;
        }
        for member in &self.members {
            let (x, y) = median(member);
            for (rank, run) in (loss.runs)(&member.width).iter().enumerate() {
                let place = (x + 0.2 * jitter(rank), run * loss.scale);
                pen.dot(place, 1.1, loss.colour, 0.6)?;
            }
            pen.ring((x, y), 2.0, loss.colour)?;
            if against == Against::Parameters {
                // Above the dots, not on them.
                let runs = (loss.runs)(&member.width).iter();
                let top = runs.fold(y, |top, run| top.max(run * loss.scale));
                pen.label((x, top), 5.0, &member.name, SMALL, INK)?;
            }
        }
        Ok(())
    }
}
