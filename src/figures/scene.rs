//! One model in a film: what is seen of it.

use plotters::{
    element::{Circle, Rectangle},
    style::text_anchor::{HPos, VPos},
};

use super::{
    backend::{DrawError, Page, elided, text_width},
    cloud::Cloud,
    palette,
    panels::{FAINT, INK},
};
use crate::{
    data::{Dataset, ImageShape},
    sweep::Record,
    train::{Projection, Snapshot},
};

/// Images that are shown rebuilt, in two columns.
const IMAGES: usize = 10;
/// Where the images begin, in pixels from the left of a frame.
pub(super) const SPLIT: f64 = 560.0;

/// One model, ready to be shown.
#[derive(Clone, Debug)]
pub struct Scene {
    /// What is seen: "MNIST, FC Medium, n = 3".
    pub title: String,
    /// What tells this scene from the others: "λ = 0.3", "step 190".
    pub moment: String,
    /// What is known of it: accuracy, error.
    pub numbers: String,
    /// Where it stands between the ends of the film, 0–1.
    pub place: f64,
    /// Where each image stands in the cloud.
    pub(super) points: Vec<[f32; 3]>,
    /// Class of each point.
    pub(super) labels: Vec<u8>,
    /// How the points came from z.
    pub(super) projection: Projection,
    class_names: Vec<String>,
    shape: ImageShape,
    images: Vec<Image>,
}

#[derive(Clone, Debug)]
struct Image {
    input: Vec<u8>,
    reconstruction: Vec<u8>,
}

impl Scene {
    /// The kept model of a run.
    pub fn of_record(title: &str, record: &Record) -> Self {
        let portrait = &record.eval_sample;
        let mut cells: Vec<_> = portrait.reconstructions.iter().collect();
        cells.dedup_by_key(|cell| cell.label);
        let numbers = record.metrics().map(|metrics| {
            let (accuracy, mse) = (metrics.accuracy * 100.0, metrics.mse);
            format!("test accuracy {accuracy:.1} %,  test MSE {mse:.3}")
        });
        Self {
            title: title.to_owned(),
            moment: format!("λ = {}: {}", record.lambda(), record.lambda().meaning()),
            numbers: numbers.unwrap_or_default(),
            place: record.lambda().value(),
            points: portrait.points.clone(),
            labels: portrait.labels.clone(),
            projection: portrait.projection,
            class_names: record.class_names.clone(),
            shape: record.shape,
            images: cells
                .into_iter()
                .take(IMAGES)
                .map(|cell| Image {
                    input: cell.input.clone(),
                    reconstruction: cell.reconstruction.clone(),
                })
                .collect(),
        }
    }

    /// A model in training. `place` is the share of the training that is done, 0–1.
    pub fn of_snapshot(title: &str, snapshot: &Snapshot, dataset: &Dataset, place: f64) -> Self {
        let inside = |index: &u32| (*index as usize) < dataset.test.len();
        let shown = snapshot.points.iter().zip(&*snapshot.probe.cloud);
        let shown = shown.filter(|(_, index)| inside(index));
        let images = snapshot
            .grid
            .iter()
            .filter(|reading| inside(&reading.index));
        Self {
            title: title.to_owned(),
            moment: format!("step {}", snapshot.step),
            numbers: format!("λ = {}", snapshot.lambda),
            place,
            points: shown.clone().map(|(point, _)| *point).collect(),
            labels: shown
                .map(|(_, i)| dataset.test.label(*i as usize))
                .collect(),
            projection: snapshot.projection,
            class_names: dataset.class_names.clone(),
            shape: dataset.shape,
            images: images
                .take(IMAGES)
                .map(|reading| Image {
                    input: dataset.test.image(reading.index as usize).to_vec(),
                    reconstruction: reading.reconstruction.clone(),
                })
                .collect(),
        }
    }

    /// Its points.
    pub(super) fn cloud(&self) -> Cloud<'_> {
        Cloud {
            points: &self.points,
            labels: &self.labels,
            projection: self.projection,
        }
    }
    /// Classes and their colours, below the cloud.
    pub(super) fn draw_legend(&self, page: &Page<'_>) -> Result<(), DrawError> {
        const WORDS: f64 = 13.0;
        const LEFT: f64 = 24.0;
        const RIGHT: f64 = SPLIT - 10.0;
        const LINE: f64 = 20.0;
        /// The last line, above the bar.
        const LAST: f64 = 446.0 + 2.0 * LINE;
        let style = page.text(WORDS, INK);
        let (mut x, mut y) = (LEFT, 446.0);
        for (class, name) in self.class_names.iter().enumerate() {
            let name = elided(name, (RIGHT - LEFT) / 2.0, WORDS);
            let width = text_width(&name, WORDS) + 30.0;
            if x + width > RIGHT && y < LAST {
                (x, y) = (LEFT, y + LINE);
            }
            // The last line keeps room for the number of those that are left out.
            let left = self.class_names.len() - class;
            let more = format!("+ {left} more");
            let room = if left > 1 {
                text_width(&more, WORDS) + 10.0
            } else {
                0.0
            };
            if y >= LAST && x + width + room > RIGHT {
                return page.write(&more, (x, y), &style, (HPos::Left, VPos::Center));
            }
            let colour = palette::class(u8::try_from(class).unwrap_or(u8::MAX));
            let fill = page.stroke(1.0, colour, 1.0).filled();
            let centre = (page.units(x + 5.0), page.units(y));
            page.area
                .draw(&Circle::new(centre, page.units(5.0), fill))?;
            page.write(&name, (x + 14.0, y), &style, (HPos::Left, VPos::Center))?;
            x += width;
        }
        Ok(())
    }

    /// Pairs of input and reconstruction, in two columns.
    pub(super) fn draw_images(&self, page: &Page<'_>) -> Result<(), DrawError> {
        const SIDE: f64 = 70.0;
        const GAP: f64 = 6.0;
        const TOP: f64 = 104.0;
        let words = page.text(13.0, INK);
        let column = 2.0 * (SIDE + GAP) + 34.0;
        for (place, image) in self.images.iter().enumerate() {
            let (across, down) = (place % 2, place / 2);
            let x = SPLIT + across as f64 * column;
            let y = TOP + down as f64 * (SIDE + GAP);
            if down == 0 {
                for (name, x) in [("input", x), ("rebuilt", x + SIDE + GAP)] {
                    let centre = (x + SIDE / 2.0, TOP - 12.0);
                    page.write(name, centre, &words, (HPos::Center, VPos::Center))?;
                }
            }
            for (bytes, x) in [(&image.input, x), (&image.reconstruction, x + SIDE + GAP)] {
                let (width, height) = page.show(bytes, self.shape, (x, y), SIDE)?;
                let corners = [(x, y), (x + width, y + height)];
                let corners = corners.map(|(x, y)| (page.units(x), page.units(y)));
                let line = page.stroke(0.5, FAINT, 1.0);
                page.area.draw(&Rectangle::new(corners, line))?;
            }
        }
        Ok(())
    }
}
