//! The latent cloud of one network (compare the paper's figure 4).

use plotters::{
    element::Circle,
    style::text_anchor::{HPos, VPos},
};

use super::{
    backend::{DrawError, LINE_SPACING, Page, elided, text_width},
    cloud::Cloud,
    figure::{Figure, TWO_COLUMNS, Table},
    palette,
    panels::{INK, NAME, TITLE, caption_height, draw_caption},
};
use crate::{sweep::Record, train::Projection};

/// Width of the figure while the legend has one column, and height of the cloud, in points.
const WIDTH: f64 = TWO_COLUMNS * 0.72;
const HEIGHT: f64 = 255.0;
/// The most width that the legend takes.
const LEGEND: f64 = TWO_COLUMNS * 0.5;
/// Width of a disc and the gaps around it, beside a name of the legend.
const DISC: f64 = 18.0;
/// The most names below each other.
const ROWS: usize = 30;
const EDGE: f64 = 6.0;
const HEAD: f64 = EDGE + TITLE * LINE_SPACING;

/// All points of one cloud with a legend.
#[derive(Clone, Debug)]
pub struct OneCloud<'a> {
    title: String,
    record: &'a Record,
    caption: String,
}

impl<'a> OneCloud<'a> {
    /// The figure of a network; `None` if it has no point.
    pub fn of(title: &str, record: &'a Record) -> Option<Self> {
        let count = record.eval_sample.points.len();
        let how = match record.eval_sample.projection {
            Projection::Coordinates => String::new(),
            Projection::Pca { explained } => format!(
                " Principal components; the three keep {:.0} % of the variance.",
                explained * 100.0
            ),
        };
        (count > 0).then(|| Self {
            title: title.to_owned(),
            record,
            caption: format!("Latent z of {count} test images, coloured by class.{how}"),
        })
    }

    /// Columns of the legend.
    fn columns(&self) -> usize {
        self.record.class_names.len().div_ceil(ROWS).max(1)
    }

    /// Width of a column of the legend.
    fn column_width(&self) -> f64 {
        let names = self.record.class_names.iter();
        let widest = names
            .map(|name| text_width(name, NAME))
            .fold(20.0, f64::max);
        (widest + DISC).min(LEGEND / self.columns() as f64)
    }

    fn width(&self) -> f64 {
        let more = (self.columns() - 1) as f64 * self.column_width();
        (WIDTH + more).min(TWO_COLUMNS)
    }

    fn draw_legend(&self, page: &Page<'_>) -> Result<(), DrawError> {
        let style = page.text(NAME, INK);
        let (columns, width) = (self.columns(), self.column_width());
        let left = self.width() - columns as f64 * width;
        let names = &self.record.class_names;
        let rows = names.len().div_ceil(columns).max(1);
        let step = (HEIGHT / rows as f64).min(NAME * 1.7);
        let top = HEAD + (HEIGHT - step * rows as f64) / 2.0;
        for (place, name) in names.iter().enumerate() {
            let x = left + (place / rows) as f64 * width;
            let y = top + ((place % rows) as f64 + 0.5) * step;
            let colour = palette::class(u8::try_from(place).unwrap_or(u8::MAX));
            let disc = page.stroke(1.0, colour, 1.0).filled();
            let centre = (page.units(x + 4.0), page.units(y));
            page.area
                .draw(&Circle::new(centre, page.units(2.6), disc))?;
            let name = elided(name, width - DISC, NAME);
            page.write(&name, (x + 11.0, y), &style, (HPos::Left, VPos::Center))?;
        }
        Ok(())
    }
}

impl Figure for OneCloud<'_> {
    fn size(&self) -> (f64, f64) {
        let width = self.width();
        let below = caption_height(&self.caption, width);
        (width, HEAD + HEIGHT + below)
    }

    fn draw(&self, page: &Page<'_>) -> Result<(), DrawError> {
        let title = page.text(TITLE, INK);
        let place = (EDGE, EDGE + TITLE / 2.0);
        page.write(&self.title, place, &title, (HPos::Left, VPos::Center))?;
        let portrait = &self.record.eval_sample;
        let cloud = Cloud {
            points: &portrait.points,
            labels: &portrait.labels,
            projection: portrait.projection,
        };
        let width = self.width() - self.columns() as f64 * self.column_width();
        let body = page.part((0.0, HEAD), (width, HEIGHT));
        cloud.draw(&body, &Cloud::space([cloud]), 1.5, NAME)?;
        self.draw_legend(page)?;
        draw_caption(page, &self.caption, HEAD + HEIGHT)
    }

    fn table(&self) -> Table {
        let portrait = &self.record.eval_sample;
        let classes = portrait.labels.iter().zip(&portrait.predicted);
        let rows = portrait.points.iter().zip(classes);
        Table {
            header: vec!["class", "predicted", "x", "y", "z"],
            rows: rows
                .map(|([x, y, z], (label, predicted))| {
                    vec![
                        label.to_string(),
                        predicted.to_string(),
                        x.to_string(),
                        y.to_string(),
                        z.to_string(),
                    ]
                })
                .collect(),
        }
    }
}
