//! The latent cloud in a small space of three axes.

use plotters::{
    element::{Circle, PathElement, Polygon},
    style::text_anchor::{HPos, VPos},
};

use super::{
    axes::number,
    backend::{DrawError, Page},
    palette,
    panels::INK,
};
use crate::train::Projection;

/// Turn and tilt of the camera, as in the large picture of one cloud.
const TURN: f64 = 0.62;
const TILT: f64 = 0.32;

/// Limits of each axis.
pub type Space = [[f64; 2]; 3];

/// Points with the class that gives each its colour.
#[derive(Clone, Copy, Debug)]
pub struct Cloud<'a> {
    /// Where each point stands; what is not finite is left out.
    pub points: &'a [[f32; 3]],
    /// Class of each point.
    pub labels: &'a [u8],
    /// How the points came from z.
    pub projection: Projection,
}

impl Cloud<'_> {
    /// The smallest space that holds these clouds: one scale on all axes, from 0 on where the axes are
    /// those of z.
    pub fn space<'a>(clouds: impl IntoIterator<Item = Cloud<'a>>) -> Space {
        let mut limits = [[f64::INFINITY, f64::NEG_INFINITY]; 3];
        for cloud in clouds {
            if cloud.projection == Projection::Coordinates {
                for [low, _] in &mut limits {
                    *low = low.min(0.0);
                }
            }
            for (point, _) in cloud.finite() {
                for ([low, high], value) in limits.iter_mut().zip(point) {
                    (*low, *high) = (low.min(value), high.max(value));
                }
            }
        }
        let lengths = limits.map(|[low, high]| high - low);
        let longest = lengths.into_iter().filter(|length| length.is_finite());
        let longest = longest.fold(0.0, f64::max);
        let longest = if longest > 0.0 { longest } else { 1.0 };
        limits.map(|[low, high]| match low + high {
            sum if !sum.is_finite() => [0.0, longest],
            // Axes of z begin at 0, principal components spread around their middle.
            _ if low == 0.0 => [0.0, longest],
            sum => [-0.5, 0.5].map(|side| sum / 2.0 + side * longest),
        })
    }

    fn finite(&self) -> impl Iterator<Item = ([f64; 3], u8)> {
        let points = self.points.iter().zip(self.labels);
        let points = points.map(|(point, class)| (point.map(f64::from), *class));
        points.filter(|(point, _)| point.iter().all(|value| value.is_finite()))
    }

    /// Draws axes and points. The radius of a point and the size of words are in points.
    pub fn draw(
        &self,
        page: &Page<'_>,
        space: &Space,
        radius: f64,
        size: f64,
    ) -> Result<(), DrawError> {
        let view = View::of(page, size);
        view.draw_walls(page)?;
        self.name_axes(page, &view, space, size)?;
        let share = |point: [f64; 3]| -> [f64; 3] {
            std::array::from_fn(|axis| {
                let [low, high] = space[axis];
                (point[axis] - low) / (high - low)
            })
        };
        let mut points: Vec<([f64; 3], u8)> = self
            .finite()
            .map(|(point, class)| (share(point), class))
            .collect();
        points.sort_by(|(a, _), (b, _)| nearness(*a).total_cmp(&nearness(*b)));
        for (point, class) in points {
            let (x, y) = view.place(point);
            let place = (page.units(x), page.units(y));
            let style = page.stroke(1.0, palette::class(class), 1.0).filled();
            page.area
                .draw(&Circle::new(place, page.units(radius), style))?;
        }
        Ok(())
    }

    fn name_axes(
        &self,
        page: &Page<'_>,
        view: &View,
        space: &Space,
        size: f64,
    ) -> Result<(), DrawError> {
        let names = match self.projection {
            Projection::Coordinates => ["z₁", "z₂", "z₃"],
            Projection::Pca { .. } => ["PC 1", "PC 2", "PC 3"],
        };
        // Beside the middle of the edges in front.
        let edges = [
            ([0.5, 1.0, 0.0], HPos::Right, VPos::Top),
            ([1.0, 0.5, 0.0], HPos::Left, VPos::Top),
            ([0.0, 1.0, 0.5], HPos::Right, VPos::Center),
        ];
        let style = page.text(size, INK);
        for (name, (middle, side, level)) in names.into_iter().zip(edges) {
            let (x, y) = view.place(middle);
            let gap = if matches!(side, HPos::Right) {
                -2.0
            } else {
                2.0
            };
            page.write(name, (x + gap, y), &style, (side, level))?;
        }
        // One scale on all axes: one end tells it.
        let [low, high] = space[2];
        for (value, corner) in [(low, [0.0, 1.0, 0.0]), (high, [0.0, 1.0, 1.0])] {
            let (x, y) = view.place(corner);
            let place = (x - 2.0, y);
            page.write(&short(value), place, &style, (HPos::Right, VPos::Center))?;
        }
        Ok(())
    }
}

/// Two digits that count.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let unit = 10f64.powf(value.abs().log10().floor() - 1.0);
    number((value / unit).round() * unit)
}

/// Larger for what is nearer to the viewer; each of `cube` is 0–1.
fn nearness([x, y, z]: [f64; 3]) -> f64 {
    (x * TURN.sin() + y * TURN.cos()) * TILT.cos() + z * TILT.sin()
}

/// How the space is seen: a cube of side 1 on the page.
struct View {
    centre: (f64, f64),
    scale: f64,
}

impl View {
    /// Leaves room for words of `size` points at the edges.
    fn of(page: &Page<'_>, size: f64) -> Self {
        let (width, height) = page.size();
        let room = 1.6 * size;
        let (across, down) = (
            TURN.cos() + TURN.sin(),
            TILT.cos() + (TURN.cos() + TURN.sin()) * TILT.sin(),
        );
        let scale = ((width - 2.2 * room) / across).min((height - 1.4 * room) / down);
        Self {
            centre: (width / 2.0 + 0.3 * room, height / 2.0 - 0.2 * room),
            scale: scale.max(1.0),
        }
    }

    /// Where a place in the cube (each 0–1) is seen; the third axis points up.
    fn place(&self, cube: [f64; 3]) -> (f64, f64) {
        let [x, y, z] = cube.map(|value| value - 0.5);
        let across = x * TURN.cos() - y * TURN.sin();
        let depth = x * TURN.sin() + y * TURN.cos();
        let down = depth * TILT.sin() - z * TILT.cos();
        (
            self.centre.0 + across * self.scale,
            self.centre.1 + down * self.scale,
        )
    }

    /// The three walls behind the cloud, with a pale grid.
    fn draw_walls(&self, page: &Page<'_>) -> Result<(), DrawError> {
        const LINES: u8 = 4;
        let place = |cube: [f64; 3]| {
            let (x, y) = self.place(cube);
            (page.units(x), page.units(y))
        };
        let walls: [fn(f64, f64) -> [f64; 3]; 3] =
            [|a, b| [a, b, 0.0], |a, b| [0.0, a, b], |a, b| [a, 0.0, b]];
        for wall in walls {
            let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
            let corners: Vec<_> = corners.iter().map(|(a, b)| place(wall(*a, *b))).collect();
            let paper = page.stroke(1.0, INK, 0.03).filled();
            page.area.draw(&Polygon::new(corners, paper))?;
            let style = page.stroke(0.3, INK, 0.18);
            for line in 0..=LINES {
                let at = f64::from(line) / f64::from(LINES);
                for ends in [
                    [wall(at, 0.0), wall(at, 1.0)],
                    [wall(0.0, at), wall(1.0, at)],
                ] {
                    page.area.draw(&PathElement::new(ends.map(place), style))?;
                }
            }
        }
        Ok(())
    }
}
