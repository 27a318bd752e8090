//! Plots of latent vectors: a cube of three axes, a plane for n = 2, a line per class for n = 1.

mod view;

use super::{
    backend::{DrawResult, Page},
    chart::{INK, Ticks, format_number},
    marker::Marker,
    palette,
};
use crate::{sweep::Record, train::Projection};
use view::{View, nearness};

/// Lowest and highest value of each axis.
pub type Limits = [[f64; 2]; 3];

/// Latent vectors with the classes that give them their colours.
#[derive(Clone, Copy, Debug)]
pub struct LatentPlot<'a> {
    /// Coordinates; vectors that are not finite are not drawn.
    pub points: &'a [[f32; 3]],
    pub labels: &'a [u8],
    /// How the coordinates were computed from z.
    pub projection: Projection,
    /// Number of axes, 1–3.
    pub dimensions: usize,
}

/// Sizes of a plot, in points.
#[derive(Clone, Copy, Debug)]
pub struct PlotStyle {
    pub radius: f64,
    pub text: f64,
    /// Whether every axis has ticks and the points have outlines; otherwise one axis has its limits
    /// only.
    pub detailed: bool,
}

/// Number of axes of the plot of a run: n up to 3, and 3 for all other architectures.
pub fn dimensions(record: &Record) -> usize {
    if record.spec.config.architecture.has_free_latent() {
        record.latent_values.clamp(1, 3)
    } else {
        3
    }
}

impl<'a> LatentPlot<'a> {
    pub fn new(record: &'a Record) -> Self {
        Self {
            points: &record.eval_sample.points,
            labels: &record.eval_sample.labels,
            projection: record.eval_sample.projection,
            dimensions: dimensions(record),
        }
    }

    /// The smallest limits that contain all points: the same length on all axes of z, from 0 on
    /// where the coordinates are z itself.
    pub fn limits(&self) -> Limits {
        let is_z = self.projection == Projection::Coordinates;
        let start = if is_z { 0.0 } else { f64::INFINITY };
        let mut limits = [[start, f64::NEG_INFINITY]; 3];
        for (point, _) in self.finite() {
            for ([low, high], value) in limits.iter_mut().zip(point) {
                (*low, *high) = (low.min(value), high.max(value));
            }
        }
        if self.dimensions == 1 {
            // The second coordinate is the class.
            limits[1] = [0.0, 0.0];
        }
        let lengths = limits.map(|[low, high]| high - low);
        let longest = lengths.into_iter().filter(|length| length.is_finite());
        let longest = longest.fold(0.0, f64::max);
        let longest = if longest > 0.0 { longest } else { 1.0 };
        let mut limits = limits.map(|[low, high]| match low + high {
            sum if !sum.is_finite() => [0.0, longest],
            // Axes of z start at 0, principal components extend to both sides of their middle.
            _ if is_z && low == 0.0 => [0.0, longest],
            sum => [-0.5, 0.5].map(|side| sum / 2.0 + side * longest),
        });
        if self.dimensions == 1 {
            limits[1] = [-1.0, self.classes()];
        }
        limits
    }

    /// Number of classes up to the highest label.
    fn classes(&self) -> f64 {
        self.labels.iter().max().map_or(1.0, |max| f64::from(*max)) + 1.0
    }

    /// Coordinates on the axes of the plot, with classes.
    fn finite(&self) -> impl Iterator<Item = ([f64; 3], u8)> {
        let points = self.points.iter().zip(self.labels);
        let points = points.map(|(point, class)| {
            let [x, y, z] = point.map(f64::from);
            let point = match self.dimensions {
                1 => [x, f64::from(*class), 0.0],
                2 => [x, y, 0.0],
                _ => [x, y, z],
            };
            (point, *class)
        });
        points.filter(|(point, _)| point.iter().all(|value| value.is_finite()))
    }

    pub fn draw(&self, page: &Page<'_>, limits: &Limits, style: PlotStyle) -> DrawResult {
        let axes = self.axes(limits, style.detailed);
        let view = View::new(page, self.dimensions, &axes, style);
        view.draw_walls(page, &axes)?;
        view.draw_labels(page, &axes)?;
        let share = |point: [f64; 3]| -> [f64; 3] {
            std::array::from_fn(|axis| {
                let [low, high] = limits[axis];
                (point[axis] - low) / (high - low)
            })
        };
        let points = self.finite().map(|(point, class)| (share(point), class));
        let mut points: Vec<([f64; 3], u8)> = points.collect();
        if !view.is_flat() {
            points.sort_by(|(a, _), (b, _)| nearness(*a).total_cmp(&nearness(*b)));
        }
        let outline = page.line_style(0.25, INK, 0.35);
        for (point, class) in points {
            let pos = view.project(point);
            let fill = page.fill_style(palette::class(class), 1.0);
            let marker = Marker::of(class);
            page.draw_marker(marker, pos, style.radius, fill)?;
            if style.detailed {
                page.draw_marker(marker, pos, style.radius, outline)?;
            }
        }
        Ok(())
    }

    fn axes(&self, limits: &Limits, detailed: bool) -> [Axis; 3] {
        let names = match (self.projection, self.dimensions) {
            (Projection::Coordinates, 1) => ["z₁", "class", ""],
            (Projection::Coordinates, _) => ["z₁", "z₂", "z₃"],
            (Projection::Pca { .. }, _) => ["PC 1", "PC 2", "PC 3"],
        };
        // All axes have the same length: the limits of one are enough in a small plot.
        let labelled = if self.dimensions < 3 { 0 } else { 2 };
        std::array::from_fn(|axis| {
            let is_class = self.dimensions == 1 && axis == 1;
            let (grid, mut labels) = match (is_class, detailed) {
                (true, _) => (self.class_lines(limits[1]), Vec::new()),
                (false, true) => ticks(limits[axis]),
                (false, false) if axis == labelled => (quarters(), ends(limits[axis])),
                (false, false) => (quarters(), Vec::new()),
            };
            if self.dimensions == 3 && axis == 1 {
                // The first axis has its label at the same corner of the cube.
                labels.retain(|(share, _)| *share < 0.96);
            }
            Axis {
                name: names[axis],
                grid,
                labels,
            }
        })
    }

    /// One line per class, unless there are too many.
    fn class_lines(&self, [low, high]: [f64; 2]) -> Vec<f64> {
        const MAX_LINES: usize = 30;
        let classes = self.classes() as usize;
        let share = |class: usize| (class as f64 - low) / (high - low);
        let lines = (0..classes).filter(|_| classes <= MAX_LINES);
        lines.map(share).collect()
    }
}

/// An axis of the plot. Positions along it are shares of its length, 0–1.
struct Axis {
    name: &'static str,
    grid: Vec<f64>,
    labels: Vec<(f64, String)>,
}

fn quarters() -> Vec<f64> {
    (0..=4).map(|line| f64::from(line) / 4.0).collect()
}

fn ends([low, high]: [f64; 2]) -> Vec<(f64, String)> {
    vec![
        (0.0, two_significant_digits(low)),
        (1.0, two_significant_digits(high)),
    ]
}

fn ticks([low, high]: [f64; 2]) -> (Vec<f64>, Vec<(f64, String)>) {
    let ticks = Ticks::between(low, high);
    let labelled = |value: &f64| ((value - low) / (high - low), ticks.label(*value));
    let labels: Vec<(f64, String)> = ticks.values.iter().map(labelled).collect();
    (labels.iter().map(|(at, _)| *at).collect(), labels)
}

fn two_significant_digits(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let unit = 10f64.powf(value.abs().log10().floor() - 1.0);
    format_number((value / unit).round() * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOT_FINITE: [f32; 3] = [f32::NAN, 1e9, 1e9];

    fn plot<'a>(points: &'a [[f32; 3]], labels: &'a [u8], dimensions: usize) -> LatentPlot<'a> {
        LatentPlot {
            points,
            labels,
            projection: Projection::Coordinates,
            dimensions,
        }
    }

    #[test]
    fn all_axes_of_z_start_at_zero_and_have_the_same_length() {
        let points = [[1.0, 0.5, 0.0], [4.0, 2.0, 0.25], NOT_FINITE];
        let labels = [0, 9, 3];
        assert_eq!(plot(&points, &labels, 3).limits(), [[0.0, 4.0]; 3]);
        assert_eq!(plot(&points, &labels, 2).limits()[..2], [[0.0, 4.0]; 2]);
        // n = 1: the classes are the second axis.
        let limits = plot(&points, &labels, 1).limits();
        assert_eq!(limits[..2], [[0.0, 4.0], [-1.0, 10.0]]);
    }

    #[test]
    fn principal_components_are_centred() {
        let plot = LatentPlot {
            projection: Projection::Pca { explained: 0.5 },
            ..plot(&[[-2.0, 1.0, 0.0], [4.0, 2.0, 0.0]], &[0, 1], 3)
        };
        assert_eq!(plot.limits(), [[-2.0, 4.0], [-1.5, 4.5], [-3.0, 3.0]]);
    }
}
