//! The content of an animation at one λ or at one step.

use super::SIZE;
use crate::{
    data::{Dataset, ImageShape},
    figures::{
        backend::{CENTRE, DrawResult, Page},
        chart::{FAINT, INK},
        latent_plot::{LatentPlot, dimensions},
        legend::Legend,
    },
    sweep::Record,
    train::{Projection, Snapshot},
};

/// The most images, in two columns.
const MAX_IMAGES: usize = 10;
/// Left edge of the images, in pixels.
pub(super) const SPLIT: f64 = 560.0;
/// Left edge of everything else, in pixels.
pub(super) const LEFT_EDGE: f64 = 24.0;
/// The most rows of the legend.
const LEGEND_ROWS: usize = 3;
/// Top of the legend, which ends above the bar.
const LEGEND_TOP: f64 = SIZE.1 as f64 - 104.0;

/// A network at one λ or at one step.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Name of data set and network.
    pub title: String,
    /// What distinguishes it from the other scenes: "λ = 0.3", "step 190".
    pub heading: String,
    /// Metrics or λ.
    pub details: String,
    /// Position between the ends of the animation, 0–1.
    pub progress: f64,
    /// Coordinates of each image in the cloud.
    pub(super) points: Vec<[f32; 3]>,
    pub(super) labels: Vec<u8>,
    pub(super) projection: Projection,
    /// Number of axes of the cloud, 1–3.
    dimensions: usize,
    class_names: Vec<String>,
    shape: ImageShape,
    /// Inputs and reconstructions.
    images: Vec<[Vec<u8>; 2]>,
}

impl Scene {
    /// The kept model of a run.
    pub fn from_record(title: &str, record: &Record) -> Self {
        let sample = &record.eval_sample;
        let mut images: Vec<_> = sample.reconstructions.iter().collect();
        images.dedup_by_key(|image| image.label);
        let metrics = record.metrics().map(|metrics| {
            let (accuracy, mse) = (metrics.accuracy * 100.0, metrics.mse);
            format!("test accuracy {accuracy:.1} %,  test MSE {mse:.3}")
        });
        Self {
            title: title.to_owned(),
            heading: format!("λ = {}: {}", record.lambda(), record.lambda().meaning()),
            details: metrics.unwrap_or_default(),
            progress: record.lambda().value(),
            points: sample.points.clone(),
            labels: sample.labels.clone(),
            projection: sample.projection,
            dimensions: dimensions(record),
            class_names: record.class_names.clone(),
            shape: record.shape,
            images: images
                .into_iter()
                .take(MAX_IMAGES)
                .map(|image| [&image.input, &image.reconstruction].map(Clone::clone))
                .collect(),
        }
    }

    /// A network in training. `progress` is the share of the training that is done, 0–1.
    pub fn from_snapshot(
        title: &str,
        snapshot: &Snapshot,
        dataset: &Dataset,
        progress: f64,
    ) -> Self {
        let test = &dataset.test;
        let is_inside = |index: u32| (index as usize) < test.len();
        let points = snapshot.points.iter().zip(&*snapshot.probe.cloud);
        let points = points.filter(|(_, index)| is_inside(**index));
        let images = snapshot.grid.iter();
        let images = images.filter(|image| is_inside(image.index));
        Self {
            title: title.to_owned(),
            heading: format!("step {}", snapshot.step),
            details: format!("λ = {}", snapshot.lambda),
            progress,
            points: points.clone().map(|(point, _)| *point).collect(),
            labels: points
                .map(|(_, index)| test.label(*index as usize))
                .collect(),
            projection: snapshot.projection,
            dimensions: snapshot.latent_size.clamp(1, 3),
            class_names: dataset.class_names.clone(),
            shape: dataset.shape,
            images: images
                .take(MAX_IMAGES)
                .map(|image| {
                    let input = test.image(image.index as usize).to_vec();
                    [input, image.reconstruction.clone()]
                })
                .collect(),
        }
    }

    pub(super) fn plot(&self) -> LatentPlot<'_> {
        LatentPlot {
            points: &self.points,
            labels: &self.labels,
            projection: self.projection,
            dimensions: self.dimensions,
        }
    }

    pub(in crate::figures) fn draw_legend(&self, page: &Page<'_>) -> DrawResult {
        let width = SPLIT - 10.0 - LEFT_EDGE;
        let legend = Legend::new(&self.class_names, width, 13.0, LEGEND_ROWS);
        legend.draw(page, (LEFT_EDGE, LEGEND_TOP))
    }

    pub(super) fn draw_images(&self, page: &Page<'_>) -> DrawResult {
        const SIDE: f64 = 70.0;
        const GAP: f64 = 6.0;
        const TOP: f64 = 104.0;
        const COLUMN: f64 = 2.0 * (SIDE + GAP) + 34.0;
        let style = page.text_style(13.0, INK);
        let frame = page.line_style(0.5, FAINT, 1.0);
        for (index, [input, reconstruction]) in self.images.iter().enumerate() {
            let (column, row) = (index % 2, index / 2);
            let left = SPLIT + column as f64 * COLUMN;
            let y = TOP + row as f64 * (SIDE + GAP);
            for (name, bytes, x) in [
                ("input", input, left),
                ("reconstruction", reconstruction, left + SIDE + GAP),
            ] {
                let size = page.draw_image(bytes, self.shape, (x, y), SIDE)?;
                page.draw_frame((x, y), size, frame)?;
                if row == 0 {
                    page.draw_text(name, (x + SIDE / 2.0, TOP - 12.0), &style, CENTRE)?;
                }
            }
        }
        Ok(())
    }
}
