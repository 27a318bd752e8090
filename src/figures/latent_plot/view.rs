//! The projection of a plot on the page, with its walls and labels.

use plotters::{
    element::Polygon,
    style::text_anchor::{HPos, VPos},
};

use super::{Axis, PlotStyle};
use crate::figures::{
    backend::{Anchor, CENTRE, DrawResult, Page, RIGHT, text_width},
    chart::INK,
};

/// Rotation of the cube about the vertical axis and tilt towards the viewer, in radians.
const YAW: f64 = 0.62;
const PITCH: f64 = 0.32;

/// Increases towards the viewer; each coordinate of the cube is 0–1.
pub fn nearness([x, y, z]: [f64; 3]) -> f64 {
    (x * YAW.sin() + y * YAW.cos()) * PITCH.cos() + z * PITCH.sin()
}

/// A wall of the cube: its two axes, and its points.
type Wall = (usize, usize, fn(f64, f64) -> [f64; 3]);

/// An edge of the cube that carries the labels of an axis: its points, the direction on the page
/// away from the cube, and the anchor of the labels.
type Edge = (fn(f64) -> [f64; 3], (f64, f64), Anchor);

const CUBE_WALLS: [Wall; 3] = [
    (0, 1, |a, b| [a, b, 0.0]),
    (1, 2, |a, b| [0.0, a, b]),
    (0, 2, |a, b| [a, 0.0, b]),
];
const CUBE_EDGES: [Edge; 3] = [
    (|t| [t, 1.0, 0.0], (-0.35, 1.0), (HPos::Right, VPos::Top)),
    (|t| [1.0, t, 0.0], (0.35, 1.0), (HPos::Left, VPos::Top)),
    (|t| [0.0, 1.0, t], (-1.0, 0.0), RIGHT),
];
const PLANE_WALLS: [Wall; 1] = [(0, 1, |a, b| [a, b, 0.0])];
const PLANE_EDGES: [Edge; 2] = [
    (|t| [t, 0.0, 0.0], (0.0, 1.0), (HPos::Center, VPos::Top)),
    (|t| [0.0, t, 0.0], (-1.0, 0.0), RIGHT),
];

/// The projection of the unit cube, or of its floor as a plane, on the page.
pub struct View {
    walls: &'static [Wall],
    edges: &'static [Edge],
    centre: (f64, f64),
    scale: (f64, f64),
    style: PlotStyle,
}

impl View {
    /// Fits the cube or plane into the page, with space for labels.
    pub fn new(page: &Page<'_>, dimensions: usize, axes: &[Axis; 3], style: PlotStyle) -> Self {
        let (width, height) = page.size();
        let labels = |axis: usize| label_width(&axes[axis], style.text);
        if dimensions < 3 {
            let left = labels(1) + style.text * if style.detailed { 2.6 } else { 2.2 };
            let below = style.text * if style.detailed { 3.2 } else { 2.0 };
            let (right, above) = (1.2 * style.text, 0.6 * style.text);
            let space = (
                (width - left - right).max(1.0),
                (height - above - below).max(1.0),
            );
            // Equal lengths of both axes, unless the second one is the class.
            let side = space.0.min(space.1);
            let scale = if dimensions == 1 { space } else { (side, side) };
            return Self {
                walls: &PLANE_WALLS,
                edges: &PLANE_EDGES,
                centre: (left + space.0 / 2.0, above + space.1 / 2.0),
                scale,
                style,
            };
        }
        let margin = 1.6 * style.text;
        let (horizontal, vertical) = (
            YAW.cos() + YAW.sin(),
            PITCH.cos() + (YAW.cos() + YAW.sin()) * PITCH.sin(),
        );
        // The name of the vertical axis is at the left of its labels.
        let left = if style.detailed { labels(2) } else { 0.0 };
        let scale = ((width - 2.2 * margin - left) / horizontal)
            .min((height - 1.4 * margin) / vertical)
            .max(1.0);
        Self {
            walls: &CUBE_WALLS,
            edges: &CUBE_EDGES,
            centre: (
                width / 2.0 + 0.3 * margin + left / 2.0,
                height / 2.0 - 0.2 * margin,
            ),
            scale: (scale, scale),
            style,
        }
    }

    pub fn is_flat(&self) -> bool {
        self.walls.len() == 1
    }

    /// Position on the page of a point of the cube (each coordinate 0–1). The third axis points
    /// upwards; in the plane the second does.
    pub fn project(&self, point: [f64; 3]) -> (f64, f64) {
        let [x, y, z] = point.map(|value| value - 0.5);
        let (right, down) = if self.is_flat() {
            (x, -y)
        } else {
            let depth = x * YAW.sin() + y * YAW.cos();
            (
                x * YAW.cos() - y * YAW.sin(),
                depth * PITCH.sin() - z * PITCH.cos(),
            )
        };
        (
            self.centre.0 + right * self.scale.0,
            self.centre.1 + down * self.scale.1,
        )
    }

    pub fn draw_walls(&self, page: &Page<'_>, axes: &[Axis; 3]) -> DrawResult {
        let line = page.line_style(0.3, INK, 0.18);
        for (first, second, at) in self.walls {
            let corner = |a, b| self.project(at(a, b));
            let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0), (0.0, 0.0)];
            let corners = corners.map(|(a, b)| corner(a, b));
            let in_units: Vec<_> = corners.iter().map(|pos| page.unit_pos(*pos)).collect();
            let fill = page.fill_style(INK, 0.03);
            page.area.draw(&Polygon::new(in_units, fill))?;
            page.draw_path(&corners, line)?;
            for position in inner(&axes[*first].grid) {
                page.draw_path(&[corner(position, 0.0), corner(position, 1.0)], line)?;
            }
            for position in inner(&axes[*second].grid) {
                page.draw_path(&[corner(0.0, position), corner(1.0, position)], line)?;
            }
        }
        Ok(())
    }

    pub fn draw_labels(&self, page: &Page<'_>, axes: &[Axis; 3]) -> DrawResult {
        let size = self.style.text;
        let small = if self.style.detailed {
            0.9 * size
        } else {
            size
        };
        let style = page.text_style(size, INK);
        let label_style = page.text_style(small, INK);
        let axis_line = page.line_style(0.5, INK, 0.8);
        for ((at, (dx, dy), anchor), axis) in self.edges.iter().zip(axes) {
            let offset = |t: f64, distance: f64| {
                let (x, y) = self.project(at(t));
                (x + dx * distance, y + dy * distance)
            };
            if self.style.detailed {
                page.draw_path(&[offset(0.0, 0.0), offset(1.0, 0.0)], axis_line)?;
            }
            for (at, text) in &axis.labels {
                if self.style.detailed {
                    page.draw_path(&[offset(*at, 0.0), offset(*at, 1.5)], axis_line)?;
                }
                page.draw_text(text, offset(*at, 2.5), &label_style, *anchor)?;
            }
            // Beside the labels where they leave no space in the middle.
            if self.style.detailed {
                let labels = if *dy == 0.0 {
                    label_width(axis, small) + 0.9 * size
                } else {
                    2.0 * size
                };
                page.draw_text(axis.name, offset(0.5, labels + 2.5), &style, CENTRE)?;
            } else {
                page.draw_text(axis.name, offset(0.5, 2.0), &style, *anchor)?;
            }
        }
        Ok(())
    }
}

fn label_width(axis: &Axis, size: f64) -> f64 {
    let widths = axis.labels.iter().map(|(_, text)| text_width(text, size));
    widths.fold(0.0, f64::max)
}

/// Positions that are not at an end of the axis.
fn inner(grid: &[f64]) -> impl Iterator<Item = f64> {
    let inner = |position: &f64| *position > 1e-6 && *position < 1.0 - 1e-6;
    grid.iter().copied().filter(inner)
}
