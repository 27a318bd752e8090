//! The box behind the points, with ticks and axis names.

use eframe::egui::{Align2, FontId, Painter, Pos2, Rect, Shape, Stroke, Vec2, Visuals, vec2};
use glam::Vec3;

use super::{
    camera::View,
    fit::{Bounds, extent},
};
use crate::{figures::Ticks, train::Projection};

/// Length of a tick mark in points.
const MARK: f32 = 4.0;
/// Length in points below which an edge has no labels.
const MIN_EDGE: f32 = 64.0;
/// Space between a tick mark, its value and the name of the axis, in points.
const GAP: f32 = 4.0;

/// The box in one frame, ready to paint.
pub struct Axes<'a> {
    view: &'a View,
    /// Number of axes in use, 1–3.
    count: usize,
    /// Coordinate of the wall behind the points on each axis: ±1, or 0 on an axis not in use.
    back: Vec3,
    /// Position in the scene, −1 to 1, and label of the ticks of each axis.
    ticks: [Vec<(f32, String)>; 3],
    names: [&'static str; 3],
}

impl<'a> Axes<'a> {
    /// `bounds` is the current box, `target` the one whose round numbers are ticks.
    pub fn new(
        view: &'a View,
        count: usize,
        bounds: Bounds,
        target: Bounds,
        names: [&'static str; 3],
    ) -> Self {
        let (scale, shift) = bounds.to_scene(count);
        let ticks = [0, 1, 2].map(|axis| {
            if axis >= count {
                return Vec::new();
            }
            let ticks = Ticks::between(target.min[axis].into(), target.max[axis].into());
            let tick = |&value: &f64| {
                #[expect(clippy::cast_possible_truncation, reason = "came from f32 limits")]
                let position = value as f32 * scale[axis] + shift[axis];
                (position.abs() <= 1.001).then(|| (position, ticks.label(value)))
            };
            ticks.values.iter().filter_map(tick).collect()
        });
        let back = extent(count) * view.eye.map(|eye| if eye > 0.0 { -1.0 } else { 1.0 });
        Self {
            view,
            count,
            back,
            ticks,
            names,
        }
    }

    /// Paints the walls, grid and edges behind the points.
    pub fn paint_walls(&self, painter: &Painter, visuals: &Visuals) {
        let ink = visuals.text_color();
        let wall = ink.gamma_multiply(0.035);
        let grid = Stroke::new(1.0, ink.gamma_multiply(0.14));
        let edge = Stroke::new(1.0, ink.gamma_multiply(0.38));
        for normal in 0..3 {
            let (u, v) = others(normal);
            // A wall spans two axes; with two axes there is only one.
            if u.max(v) >= self.count {
                continue;
            }
            let on_wall = |at_u: f32, at_v: f32| {
                let mut position = Vec3::ZERO;
                (position[normal], position[u], position[v]) = (self.back[normal], at_u, at_v);
                position
            };
            let corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]
                .map(|(at_u, at_v)| on_wall(at_u, at_v));
            let outline: Option<Vec<Pos2>> = corners
                .iter()
                .map(|&corner| Some(self.view.project(corner)?.0))
                .collect();
            if let Some(outline) = outline {
                painter.add(Shape::convex_polygon(outline, wall, Stroke::NONE));
            }
            for &(tick, _) in &self.ticks[u] {
                self.line(painter, on_wall(tick, -1.0), on_wall(tick, 1.0), grid);
            }
            for &(tick, _) in &self.ticks[v] {
                self.line(painter, on_wall(-1.0, tick), on_wall(1.0, tick), grid);
            }
            for (i, &corner) in corners.iter().enumerate() {
                let next = corners[(i + 1) % 4];
                // Two walls share an edge; the first draws it.
                if self.count < 3 || !self.on_earlier_wall(normal, corner, next) {
                    self.line(painter, corner, next, edge);
                }
            }
        }
        if self.count == 1 {
            self.line(painter, Vec3::NEG_X, Vec3::X, edge);
        }
    }

    fn on_earlier_wall(&self, normal: usize, a: Vec3, b: Vec3) -> bool {
        (0..normal).any(|axis| a[axis] * self.back[axis] > 0.5 && b[axis] * self.back[axis] > 0.5)
    }

    fn line(&self, painter: &Painter, a: Vec3, b: Vec3, stroke: Stroke) {
        if let Some(ends) = self.view.segment(a, b) {
            painter.line_segment(ends, stroke);
        }
    }

    /// Paints tick values and axis names along the outer edges, over the points.
    pub fn paint_labels(&self, painter: &Painter, visuals: &Visuals) {
        let mut occupied = Vec::new();
        for axis in 0..self.count {
            if let Some(edge) = self.outer_edge(axis) {
                self.paint_edge_labels(painter, visuals, axis, &edge, &mut occupied);
            }
        }
    }

    fn paint_edge_labels(
        &self,
        painter: &Painter,
        visuals: &Visuals,
        axis: usize,
        edge: &Edge,
        occupied: &mut Vec<Rect>,
    ) {
        let small = FontId::proportional(11.0);
        let ink = visuals.text_color();
        let mark = Stroke::new(1.0, ink.gamma_multiply(0.38));
        let reach = |size: Vec2| edge.outward.x.abs() * size.x + edge.outward.y.abs() * size.y;
        painter.line_segment(edge.ends, mark);
        let mut widest = 0.0f32;
        for (tick, label) in &self.ticks[axis] {
            let mut position = edge.middle;
            position[axis] = *tick;
            let Some((pos, _)) = self.view.project(position) else {
                continue;
            };
            let galley =
                painter.layout_no_wrap(label.clone(), small.clone(), ink.gamma_multiply(0.8));
            let length = reach(galley.size());
            let centre = pos + edge.outward * (MARK + GAP + length / 2.0);
            let rect = Rect::from_center_size(centre, galley.size());
            widest = widest.max(length);
            let padded = rect.expand2(vec2(3.0, -1.0));
            if !occupied.iter().any(|other| other.intersects(padded)) {
                painter.line_segment([pos, pos + edge.outward * MARK], mark);
                painter.galley(rect.min, galley, ink);
                occupied.push(rect);
            }
        }
        let font = FontId::proportional(15.0);
        let name = self.names[axis].to_owned();
        let name = painter.layout_no_wrap(name, font, visuals.strong_text_color());
        if let Some((pos, _)) = self.view.project(edge.middle) {
            let distance = MARK + 2.0 * GAP + widest + reach(name.size()) / 2.0;
            let rect =
                Align2::CENTER_CENTER.anchor_size(pos + edge.outward * distance, name.size());
            if !occupied.iter().any(|other| other.intersects(rect)) {
                painter.galley(rect.min, name, ink);
                occupied.push(rect);
            }
        }
    }

    /// The edge along `axis` that has its labels: the lowest on the screen or, if the axis is steep
    /// there, the leftmost for the upright axis and the rightmost for the others. `None` behind the
    /// viewer and for an edge viewed nearly end-on.
    fn outer_edge(&self, axis: usize) -> Option<Edge> {
        let (u, v) = others(axis);
        let half = self.back.abs();
        let along = Vec3::AXES[axis];
        let (centre, _) = self.view.project(Vec3::ZERO)?;
        let direction = self.view.project(along * 0.1)?.0 - centre;
        let steep = direction.y.abs() > direction.x.abs();
        let edges = [(-1.0, -1.0), (-1.0, 1.0), (1.0, -1.0), (1.0, 1.0)].map(|(at_u, at_v)| {
            let mut middle = Vec3::ZERO;
            (middle[u], middle[v]) = (at_u * half[u], at_v * half[v]);
            let ends = self.view.segment(middle - along, middle + along)?;
            Some(Edge {
                middle,
                ends,
                outward: Vec2::ZERO,
            })
        });
        let upright = self.count > 1 && axis + 1 == self.count;
        let outer = |edge: &Edge| match edge.centre() {
            Pos2 { y, .. } if !steep => y,
            Pos2 { x, .. } if upright => -x,
            Pos2 { x, y } => x + 0.5 * y,
        };
        let mut edge = edges
            .into_iter()
            .flatten()
            .max_by(|a, b| outer(a).total_cmp(&outer(b)))?;
        let direction = edge.ends[1] - edge.ends[0];
        if direction.length() < MIN_EDGE {
            return None;
        }
        let across = direction.rot90().normalized();
        let side = across.dot(edge.centre() - centre);
        // A single axis passes through the centre; its labels are below.
        let sign = if side.abs() < 1.0 { across.y } else { side };
        edge.outward = across * sign.signum();
        Some(edge)
    }
}

/// An edge of the box with labels.
struct Edge {
    /// Middle in the scene.
    middle: Vec3,
    /// Visible part on the screen.
    ends: [Pos2; 2],
    /// Unit vector on the screen that points away from the box.
    outward: Vec2,
}

impl Edge {
    fn centre(&self) -> Pos2 {
        self.ends[0].lerp(self.ends[1], 0.5)
    }
}

/// The two other axes.
fn others(axis: usize) -> (usize, usize) {
    match axis {
        0 => (1, 2),
        1 => (0, 2),
        _ => (0, 1),
    }
}

/// Names of the axes of a cloud.
pub fn axis_names(projection: Projection, aligned: bool) -> [&'static str; 3] {
    match projection {
        Projection::Coordinates if aligned => ["axis 1", "axis 2", "axis 3"],
        Projection::Coordinates => ["z₁", "z₂", "z₃"],
        Projection::Pca { .. } => ["PC 1", "PC 2", "PC 3"],
    }
}
