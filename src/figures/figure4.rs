//! The latent cloud at every λ (the paper's figure 4).

use plotters::{
    element::Circle,
    style::text_anchor::{HPos, VPos},
};

use super::{
    backend::{DrawError, LINE_SPACING, Page, text_width},
    cloud::{Cloud, Space},
    figure::{Figure, TWO_COLUMNS, Table},
    one_seed::OneSeed,
    palette,
    panels::{Grid, INK, NAME, SMALL, TITLE, caption_height, draw_caption},
};
use crate::{sweep::Record, train::Projection};

/// Panels side by side, and height of each in points.
const COLUMNS: usize = 6;
const PANEL: f64 = 88.0;
/// Space above and below a block, in points.
const GAP: f64 = 6.0;
/// Of each class.
const POINTS: usize = 50;

/// The clouds of z of one series after another, a panel for each λ.
#[derive(Clone, Debug)]
pub struct Figure4<'a> {
    blocks: Vec<Block<'a>>,
    caption: String,
}

/// The panels of one series.
#[derive(Clone, Debug)]
struct Block<'a> {
    spectrum: OneSeed<'a>,
    /// For each run the points that are shown: 50 of each class.
    shown: Vec<Shown>,
}

/// Points, their classes and the classifier's answers.
#[derive(Clone, Debug, Default)]
struct Shown {
    points: Vec<[f32; 3]>,
    labels: Vec<u8>,
    predicted: Vec<u8>,
}

impl Shown {
    fn of(record: &Record) -> Self {
        let portrait = &record.eval_sample;
        let mut counts = [0; 256];
        let mut shown = Self::default();
        let both = portrait.labels.iter().zip(&portrait.predicted);
        for (point, (label, predicted)) in portrait.points.iter().zip(both) {
            let count = &mut counts[usize::from(*label)];
            if *count < POINTS {
                *count += 1;
                shown.points.push(*point);
                shown.labels.push(*label);
                shown.predicted.push(*predicted);
            }
        }
        shown
    }
}

impl<'a> Figure4<'a> {
    /// The figure of these spectra, one below the other; `None` if there is none.
    pub fn of(spectra: Vec<OneSeed<'a>>) -> Option<Self> {
        let seeds: Vec<String> = spectra.iter().map(|s| s.seed.to_string()).collect();
        let blocks: Vec<Block<'a>> = spectra
            .into_iter()
            .map(|spectrum| Block {
                shown: spectrum
                    .records
                    .iter()
                    .map(|record| Shown::of(record))
                    .collect(),
                spectrum,
            })
            .collect();
        let is_projected = blocks
            .iter()
            .flat_map(|block| &block.spectrum.records)
            .any(|record| record.eval_sample.projection != Projection::Coordinates);
        let how = if is_projected {
            " Principal components of z, with the share of variance that they keep."
        } else {
            ""
        };
        (!blocks.is_empty()).then(|| Self {
            blocks,
            caption: format!(
                "Latent z of {POINTS} test images of each class, one panel for each λ; seed {}. Each panel has a scale of its own, the same on its three axes.{how}",
                seeds.join(", ")
            ),
        })
    }
}

impl Block<'_> {
    fn grid(&self) -> Grid {
        Grid::of_rows(
            self.shown.len(),
            COLUMNS.min(self.shown.len().max(3)),
            PANEL,
        )
    }

    fn classes(&self) -> &[String] {
        &self.spectrum.records[0].class_names
    }

    /// Rows of the legend: names with the places where they begin.
    fn legend(&self) -> Vec<Vec<(usize, f64)>> {
        let mut rows: Vec<Vec<(usize, f64)>> = vec![Vec::new()];
        let mut x = GAP;
        for (class, name) in self.classes().iter().enumerate() {
            let width = text_width(name, SMALL) + 16.0;
            if x + width > TWO_COLUMNS - GAP {
                rows.push(Vec::new());
                x = GAP;
            }
            if let Some(row) = rows.last_mut() {
                row.push((class, x));
            }
            x += width;
        }
        rows
    }

    fn legend_height(&self) -> f64 {
        self.legend().len() as f64 * SMALL * LINE_SPACING
    }

    fn head(&self) -> f64 {
        GAP + TITLE * LINE_SPACING + self.legend_height() + GAP
    }

    fn height(&self) -> f64 {
        self.head() + self.grid().height()
    }

    fn draw(&self, page: &Page<'_>, top: f64) -> Result<(), DrawError> {
        let title = page.text(TITLE, INK);
        let left = HPos::Left;
        let place = (GAP, top + GAP + TITLE / 2.0);
        page.write(&self.spectrum.title, place, &title, (left, VPos::Center))?;
        let small = page.text(SMALL, INK);
        for (row, names) in self.legend().iter().enumerate() {
            let y = top + GAP + (TITLE + row as f64 * SMALL) * LINE_SPACING + SMALL / 2.0;
            for (class, x) in names {
                let colour = palette::class(u8::try_from(*class).unwrap_or(u8::MAX));
                let disc = page.stroke(1.0, colour, 1.0).filled();
                let centre = (page.units(x + 3.0), page.units(y));
                page.area
                    .draw(&Circle::new(centre, page.units(2.2), disc))?;
                let name = self.classes().get(*class).map_or("", String::as_str);
                page.write(name, (x + 8.0, y), &small, (left, VPos::Center))?;
            }
        }
        let grid = self.grid();
        let top = top + self.head();
        let panels = self.spectrum.records.iter().zip(&self.shown).enumerate();
        for (place, (record, shown)) in panels {
            let cloud = Cloud {
                points: &shown.points,
                labels: &shown.labels,
                projection: record.eval_sample.projection,
            };
            let space: Space = Cloud::space([cloud]);
            let (x, y) = grid.corner(place);
            let part = page.part((x, top + y), grid.panel_size());
            let (width, height) = part.size();
            let mut name = vec![format!("λ = {}", record.lambda())];
            if let Projection::Pca { explained } = record.eval_sample.projection {
                name.push(format!("{:.0} %", explained * 100.0));
            }
            if record.is_dead() {
                name.push("dead".to_owned());
            }
            let style = part.text(NAME, INK);
            let centre = (width / 2.0, NAME * 0.7);
            part.write(
                &name.join(", "),
                centre,
                &style,
                (HPos::Center, VPos::Center),
            )?;
            let head = NAME * LINE_SPACING;
            let body = part.part((0.0, head), (width, height - head - 2.0));
            cloud.draw(&body, &space, 0.75, 5.5)?;
        }
        Ok(())
    }
}

impl Figure for Figure4<'_> {
    fn size(&self) -> (f64, f64) {
        let blocks: f64 = self.blocks.iter().map(Block::height).sum();
        (
            TWO_COLUMNS,
            blocks + caption_height(&self.caption, TWO_COLUMNS),
        )
    }

    fn draw(&self, page: &Page<'_>) -> Result<(), DrawError> {
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
            for (record, shown) in block.spectrum.records.iter().zip(&block.shown) {
                let classes = shown.labels.iter().zip(&shown.predicted);
                for ([x, y, z], (label, predicted)) in shown.points.iter().zip(classes) {
                    rows.push(vec![
                        block.spectrum.title.clone(),
                        record.lambda().to_string(),
                        block.spectrum.seed.to_string(),
                        label.to_string(),
                        predicted.to_string(),
                        x.to_string(),
                        y.to_string(),
                        z.to_string(),
                    ]);
                }
            }
        }
        Table {
            header: vec![
                "panel",
                "lambda",
                "seed",
                "class",
                "predicted",
                "x",
                "y",
                "z",
            ],
            rows,
        }
    }
}
