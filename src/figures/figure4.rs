//! The latent cloud at every λ (figure 4 of the paper).

use super::{
    LambdaSweep,
    backend::{CENTRE, DrawResult, LINE_SPACING, Page},
    chart::{GAP, Grid, INK, NAME, SMALL, TITLE_HEIGHT, caption_height, draw_caption, draw_title},
    figure::{Figure, TWO_COLUMNS, Table, row},
    lambda_sweep::latent_name,
    latent_plot::{LatentPlot, PlotStyle},
    legend::{LEGEND_ROWS, Legend},
};
use crate::{sweep::Record, train::Projection};

/// Panels per row, and height of each in points.
const COLUMNS: usize = 6;
const PANEL_HEIGHT: f64 = 88.0;
/// Points of each class.
const POINTS_PER_CLASS: usize = 50;

/// The clouds of z of several λ sweeps, one below the other, one panel per λ.
#[derive(Clone, Debug)]
pub struct Figure4<'a> {
    blocks: Vec<Block<'a>>,
    caption: String,
}

/// The panels of one λ sweep.
#[derive(Clone, Debug)]
struct Block<'a> {
    sweep: LambdaSweep<'a>,
    /// The shown points of each run.
    samples: Vec<Sample>,
    legend: Legend,
}

/// Points, their classes and the predictions.
#[derive(Clone, Debug, Default)]
struct Sample {
    points: Vec<[f32; 3]>,
    labels: Vec<u8>,
    predicted: Vec<u8>,
}

impl Sample {
    /// The first points of each class.
    fn new(record: &Record) -> Self {
        let all = &record.eval_sample;
        let mut counts = [0; 256];
        let mut sample = Self::default();
        let classes = all.labels.iter().zip(&all.predicted);
        for (point, (label, predicted)) in all.points.iter().zip(classes) {
            let count = &mut counts[usize::from(*label)];
            if *count < POINTS_PER_CLASS {
                *count += 1;
                sample.points.push(*point);
                sample.labels.push(*label);
                sample.predicted.push(*predicted);
            }
        }
        sample
    }
}

impl<'a> Figure4<'a> {
    /// The figure of these sweeps; `None` if there is none.
    pub fn new(sweeps: Vec<LambdaSweep<'a>>) -> Option<Self> {
        let caption = caption(&sweeps)?;
        let blocks = sweeps.into_iter().map(|sweep| {
            let records = sweep.records.iter();
            let (names, width) = (&sweep.records[0].class_names, TWO_COLUMNS - 2.0 * GAP);
            Block {
                samples: records.map(|record| Sample::new(record)).collect(),
                legend: Legend::new(names, width, SMALL, LEGEND_ROWS),
                sweep,
            }
        });
        Some(Self {
            blocks: blocks.collect(),
            caption,
        })
    }
}

fn caption(sweeps: &[LambdaSweep<'_>]) -> Option<String> {
    let first = sweeps.first()?;
    let latent = latent_name(first.records[0], first.tokens);
    let seeds: Vec<String> = sweeps.iter().map(|sweep| sweep.seed.to_string()).collect();
    let mut records = sweeps.iter().flat_map(|sweep| &sweep.records);
    let projection =
        if records.any(|record| record.eval_sample.projection != Projection::Coordinates) {
            " First three principal components, with their share of the variance."
        } else {
            ""
        };
    Some(format!(
        "{latent} of {POINTS_PER_CLASS} test images of each class, one panel per λ; seed {}. Each panel has its own scale, which is the same for all axes of z.{projection}",
        seeds.join(", ")
    ))
}

impl Block<'_> {
    fn grid(&self) -> Grid {
        let count = self.samples.len();
        Grid::with_columns(count, COLUMNS.min(count.max(3)), PANEL_HEIGHT)
    }

    fn head_height(&self) -> f64 {
        TITLE_HEIGHT + self.legend.height() + GAP
    }

    fn height(&self) -> f64 {
        self.head_height() + self.grid().height()
    }

    fn draw(&self, page: &Page<'_>, top: f64) -> DrawResult {
        draw_title(page, &self.sweep.title, (0.0, top), TWO_COLUMNS)?;
        self.legend.draw(page, (GAP, top + TITLE_HEIGHT))?;
        let grid = self.grid();
        let top = top + self.head_height();
        for (index, (record, sample)) in self.sweep.records.iter().zip(&self.samples).enumerate() {
            let (x, y) = grid.corner(index);
            sample.draw(&page.part((x, top + y), grid.panel), record)?;
        }
        Ok(())
    }
}

impl Sample {
    /// Draws the panel of a run.
    fn draw(&self, page: &Page<'_>, record: &Record) -> DrawResult {
        const STYLE: PlotStyle = PlotStyle {
            radius: 0.75,
            text: 5.5,
            detailed: false,
        };
        let (width, height) = page.size();
        let mut name = vec![format!("λ = {}", record.lambda())];
        if let Projection::Pca { explained } = record.eval_sample.projection {
            name.push(format!("{:.0} %", explained * 100.0));
        }
        if record.is_dead() {
            name.push("dead".to_owned());
        }
        let style = page.text_style(NAME, INK);
        page.draw_text(&name.join(", "), (width / 2.0, NAME * 0.7), &style, CENTRE)?;
        let head = NAME * LINE_SPACING;
        let plot = LatentPlot {
            points: &self.points,
            labels: &self.labels,
            ..LatentPlot::new(record)
        };
        let body = page.part((0.0, head), (width, height - head - 2.0));
        plot.draw(&body, &plot.limits(), STYLE)
    }
}

impl Figure for Figure4<'_> {
    fn size(&self) -> (f64, f64) {
        let blocks: f64 = self.blocks.iter().map(Block::height).sum();
        let caption = caption_height(&self.caption, TWO_COLUMNS);
        (TWO_COLUMNS, blocks + caption)
    }

    fn draw(&self, page: &Page<'_>) -> DrawResult {
        let mut top = 0.0;
        for block in &self.blocks {
            block.draw(page, top)?;
            top += block.height();
        }
        draw_caption(page, &self.caption, top)
    }

    fn table(&self) -> Table {
        let mut rows = Vec::new();
        for block in &self.blocks {
            for (record, sample) in block.sweep.records.iter().zip(&block.samples) {
                let (panel, lambda, seed) = (&block.sweep.title, record.lambda(), block.sweep.seed);
                let classes = sample.labels.iter().zip(&sample.predicted);
                for ([x, y, z], (class, predicted)) in sample.points.iter().zip(classes) {
                    rows.push(row(&[panel, &lambda, &seed, class, predicted, x, y, z]));
                }
            }
        }
        Table::new("panel,lambda,seed,class,predicted,x,y,z", rows)
    }
}
