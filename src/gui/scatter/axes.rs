//! The box behind the points, its ticks and its names.

use eframe::egui::{Align2, FontId, Painter, Pos2, Rect, Shape, Stroke, Vec2, Visuals, vec2};
use glam::Vec3;

use super::{
    camera::View,
    fit::{Bounds, extent},
};
use crate::figures::Ticks;

/// Length of a tick mark.
const MARK: f32 = 4.0;
/// Shortest edge on the screen that gets labels.
const SHORTEST: f32 = 64.0;
/// Space between a tick mark, its value and the name of the axis.
const GAP: f32 = 4.0;

/// The box of one frame, ready to paint.
pub struct Axes<'a> {
    view: &'a View,
    /// Number of axes in use, 1–3.
    count: usize,
    /// On which side of each axis the wall behind the points stands; 0 on an axis not in use.
    back: Vec3,
    /// Ticks of each axis with their places in the scene, −1 to 1.
    ticks: [Vec<(f32, String)>; 3],
    names: [&'static str; 3],
}

impl<'a> Axes<'a> {
    /// `shown` is the box at this moment, `goal` the one whose round numbers are marked.
    pub fn new(
        view: &'a View,
        count: usize,
        shown: Bounds,
        goal: Bounds,
        names: [&'static str; 3],
    ) -> Self {
        let (scale, shift) = shown.to_scene(count);
        let ticks = [0, 1, 2].map(|axis| {
            if axis >= count {
                return Vec::new();
            }
            let ticks = Ticks::between(goal.min[axis].into(), goal.max[axis].into());
            let place = |value: f64| {
                #[expect(clippy::cast_possible_truncation, reason = "came from f32 limits")]
                let value = value as f32;
                value * scale[axis] + shift[axis]
            };
            let placed = ticks
                .values
                .iter()
                .map(|&value| (place(value), ticks.label(value)));
            placed.filter(|(place, _)| place.abs() <= 1.001).collect()
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

    /// Paints what lies behind the points: walls, grid and edges.
    pub fn paint_walls(&self, painter: &Painter, visuals: &Visuals) {
        let ink = visuals.text_color();
        let wall = ink.gamma_multiply(0.035);
        let grid = Stroke::new(1.0, ink.gamma_multiply(0.14));
        let edge = Stroke::new(1.0, ink.gamma_multiply(0.38));
        for normal in 0..3 {
            let (u, v) = others(normal);
            // A wall needs both its directions; the plane of two axes is a wall of its own.
            if u.max(v) >= self.count {
                continue;
            }
            let on_wall = |at_u: f32, at_v: f32| {
                let mut place = Vec3::ZERO;
                (place[normal], place[u], place[v]) = (self.back[normal], at_u, at_v);
                place
            };
            let corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)]
                .map(|(at_u, at_v)| on_wall(at_u, at_v));
            let seen: Option<Vec<Pos2>> = corners
                .iter()
                .map(|&corner| Some(self.view.project(corner)?.0))
                .collect();
            if let Some(outline) = seen {
                painter.add(Shape::convex_polygon(outline, wall, Stroke::NONE));
            }
            for &(tick, _) in &self.ticks[u] {
                self.line(painter, on_wall(tick, -1.0), on_wall(tick, 1.0), grid);
            }
            for &(tick, _) in &self.ticks[v] {
                self.line(painter, on_wall(-1.0, tick), on_wall(1.0, tick), grid);
            }
            for (i, &corner) in corners.iter().enumerate() {
                // Two walls share an edge; one of them draws it.
                if normal == 0
                    || self.count < 3
                    || !self.on_earlier_wall(normal, corner, corners[(i + 1) % 4])
                {
                    self.line(painter, corner, corners[(i + 1) % 4], edge);
                }
            }
        }
        if self.count == 1 {
            self.line(painter, Vec3::NEG_X, Vec3::X, edge);
        }
    }

    fn on_earlier_wall(&self, normal: usize, a: Vec3, b: Vec3) -> bool {
        (0..normal).any(|axis| {
            a[axis].min(b[axis]) * self.back[axis] > 0.5
                && a[axis].max(b[axis]) * self.back[axis] > 0.5
        })
    }

    fn line(&self, painter: &Painter, a: Vec3, b: Vec3, stroke: Stroke) {
        if let Some(ends) = self.view.segment(a, b) {
            painter.line_segment(ends, stroke);
        }
    }

    /// Paints tick values and axis names along edges that face outward, over the points.
    pub fn paint_labels(&self, painter: &Painter, visuals: &Visuals) {
        let edges = [0, 1, 2].map(|axis| self.outer_edge(axis));
        let mut taken = Vec::new();
        for (axis, edge) in edges.iter().enumerate() {
            if let Some(edge) = edge {
                self.paint_edge_labels(painter, visuals, axis, edge, &mut taken);
            }
        }
    }

    fn paint_edge_labels(
        &self,
        painter: &Painter,
        visuals: &Visuals,
        axis: usize,
        edge: &Edge,
        taken: &mut Vec<Rect>,
    ) {
        let small = FontId::proportional(11.0);
        let ink = visuals.text_color();
        let mark = Stroke::new(1.0, ink.gamma_multiply(0.38));
        let reach = |size: Vec2| edge.outward.x.abs() * size.x + edge.outward.y.abs() * size.y;
        painter.line_segment(edge.ends, mark);
        let mut widest = 0.0f32;
        for (tick, label) in &self.ticks[axis] {
            let mut place = edge.middle;
            place[axis] = *tick;
            let Some((at, _)) = self.view.project(place) else {
                continue;
            };
            let galley =
                painter.layout_no_wrap(label.clone(), small.clone(), ink.gamma_multiply(0.8));
            let far = reach(galley.size());
            let centre = at + edge.outward * (MARK + GAP + far / 2.0);
            let room = Rect::from_center_size(centre, galley.size());
            widest = widest.max(far);
            if !taken
                .iter()
                .any(|other| other.intersects(room.expand2(vec2(3.0, -1.0))))
            {
                painter.line_segment([at, at + edge.outward * MARK], mark);
                painter.galley(room.min, galley, ink);
                taken.push(room);
            }
        }
        let font = FontId::proportional(15.0);
        let name = painter.layout_no_wrap(
            self.names[axis].to_owned(),
            font,
            visuals.strong_text_color(),
        );
        if let Some((at, _)) = self.view.project(edge.middle) {
            let away = MARK + 2.0 * GAP + widest + reach(name.size()) / 2.0;
            let room = Align2::CENTER_CENTER.anchor_size(at + edge.outward * away, name.size());
            if !taken.iter().any(|other| other.intersects(room)) {
                painter.galley(room.min, name, ink);
                taken.push(room);
            }
        }
    }

    /// The edge along `axis` that bears its labels: the lowest on the screen or, if the axis is
    /// steep there, one at the side: left for the upright axis, right for the others. `None` when it is behind the viewer or seen nearly end-on.
    fn outer_edge(&self, axis: usize) -> Option<Edge> {
        if axis >= self.count {
            return None;
        }
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
        if direction.length() < SHORTEST {
            return None;
        }
        let across = direction.rot90().normalized();
        let side = across.dot(edge.centre() - centre);
        // A single axis goes through the centre; its labels go below.
        let sign = if side.abs() < 1.0 { across.y } else { side };
        edge.outward = across * sign.signum();
        Some(edge)
    }
}

/// An edge of the box with labels.
struct Edge {
    /// Its middle in the scene.
    middle: Vec3,
    /// Its visible part on the screen.
    ends: [Pos2; 2],
    /// Away from the box on the screen, of length 1.
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
