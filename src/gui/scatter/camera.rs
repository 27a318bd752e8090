//! A turntable camera, which orbits the box with the third axis upright.

use std::f32::consts::{FRAC_PI_2, SQRT_2, TAU};

use eframe::egui::{Pos2, Rect, Vec2, vec2};
use glam::{Mat4, Vec3};
use serde::{Deserialize, Serialize};

/// Distance of the home view, in scene units; the box spans −1 to 1 on every axis.
const HOME_DISTANCE: f32 = 5.5;
/// Range of the distance, as multiples of [`HOME_DISTANCE`].
const ZOOM: std::ops::RangeInclusive<f32> = 0.32..=3.0;
/// Largest distance of the target from the centre of the box.
const PAN_LIMIT: f32 = 2.0;
/// Depth of the near plane.
const NEAR: f32 = 0.05;
/// Margin around the box for tick values and axis names, in points.
const MARGIN: f32 = 40.0;

/// Viewpoint. Only the two angles are stored between two starts of the program.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Angles", into = "Angles")]
pub struct Camera {
    yaw: f32,
    pitch: f32,
    distance: f32,
    target: Vec3,
}

/// The stored part of a [`Camera`], in radians.
#[derive(Serialize, Deserialize)]
struct Angles {
    yaw: f32,
    pitch: f32,
}

impl From<Camera> for Angles {
    fn from(Camera { yaw, pitch, .. }: Camera) -> Self {
        Self { yaw, pitch }
    }
}

impl From<Angles> for Camera {
    fn from(Angles { yaw, pitch }: Angles) -> Self {
        let mut camera = Self::home(3);
        // A settings file may hold anything.
        if yaw.is_finite() && pitch.is_finite() {
            (camera.yaw, camera.pitch) = (0.0, 0.0);
            camera.orbit(yaw, pitch);
        }
        camera
    }
}

impl Camera {
    /// The initial view: from a corner on three axes, from above on one or two.
    pub fn home(axes: usize) -> Self {
        let (yaw, pitch) = if axes < 3 {
            (3.0 * FRAC_PI_2, FRAC_PI_2)
        } else {
            (TAU - 1.0, 0.36)
        };
        Self {
            yaw,
            pitch,
            distance: HOME_DISTANCE,
            target: Vec3::ZERO,
        }
    }

    /// Orbits the box by these angles in radians, up to the poles.
    pub fn orbit(&mut self, yaw: f32, pitch: f32) {
        self.yaw = (self.yaw + yaw).rem_euclid(TAU);
        self.pitch = (self.pitch + pitch).clamp(-FRAC_PI_2, FRAC_PI_2);
    }

    /// Zooms in (`factor` > 1) or out (`factor` < 1), within limits.
    pub fn zoom(&mut self, factor: f32) {
        if factor.is_finite() && factor > 0.0 {
            let distance = self.distance / factor / HOME_DISTANCE;
            self.distance = distance.clamp(*ZOOM.start(), *ZOOM.end()) * HOME_DISTANCE;
        }
    }

    /// Moves sideways so that the content at `from` moves to `to`.
    pub fn pan(&mut self, view: &View, from: Pos2, to: Pos2) {
        let moved = view.unproject(from, self.distance) - view.unproject(to, self.distance);
        self.target = (self.target + moved).clamp_length_max(PAN_LIMIT);
    }

    /// The camera applied to a rectangle of the screen.
    pub fn view(&self, rect: Rect, axes: usize) -> View {
        self.view_with_margin(rect, axes, MARGIN)
    }

    /// The same with a given margin around the box, in points.
    pub fn view_with_margin(&self, rect: Rect, axes: usize, margin: f32) -> View {
        let (sin_yaw, cos_yaw) = self.yaw.sin_cos();
        let (sin_pitch, cos_pitch) = self.pitch.sin_cos();
        let back = Vec3::new(cos_pitch * cos_yaw, cos_pitch * sin_yaw, sin_pitch);
        let up = Vec3::new(-sin_pitch * cos_yaw, -sin_pitch * sin_yaw, cos_pitch);
        // A line may fill the width; else the smaller side decides. `reach` is half the extent of
        // the box in the home view.
        let (side, reach) = match axes {
            1 => (rect.width(), 1.0),
            2 => (rect.size().min_elem(), 1.0),
            _ => (rect.size().min_elem(), 1.5),
        };
        let half = (side / 2.0 - margin).max(20.0);
        let focal = half * HOME_DISTANCE / reach;
        let rise = if axes < 3 {
            0.0
        } else {
            middle_of_box(self.pitch)
        };
        View {
            eye: self.target + self.distance * back,
            right: Vec3::new(-sin_yaw, cos_yaw, 0.0),
            up,
            back,
            rect,
            lift: -rise * focal,
            focal,
            half,
            distance: self.distance,
        }
    }
}

/// Height of the middle of the box above the optical axis, for a focal length of 1: perspective
/// enlarges what is near, so a box viewed from above appears low. Computed for the cylinder around
/// the box, so that yaw does not move the picture.
fn middle_of_box(pitch: f32) -> f32 {
    let (sin, cos) = pitch.sin_cos();
    let corners = [
        (SQRT_2, 1.0),
        (SQRT_2, -1.0),
        (-SQRT_2, 1.0),
        (-SQRT_2, -1.0),
    ];
    let heights = corners.map(|(towards, above): (f32, f32)| {
        (above * cos - towards * sin) / (HOME_DISTANCE - towards * cos - above * sin)
    });
    let (low, high) = heights
        .iter()
        .fold((f32::MAX, f32::MIN), |(low, high), &height| {
            (low.min(height), high.max(height))
        });
    low.midpoint(high)
}

/// A camera on a rectangle of the screen: maps the scene to points and back.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Position of the camera.
    pub eye: Vec3,
    right: Vec3,
    up: Vec3,
    back: Vec3,
    /// The part of the screen that it fills, in points.
    pub rect: Rect,
    /// Upward shift of the picture in points.
    lift: f32,
    /// Points on the screen per unit of the scene, at depth 1.
    pub focal: f32,
    half: f32,
    distance: f32,
}

impl View {
    /// Distance in front of the camera, along its axis.
    pub fn depth(&self, point: Vec3) -> f32 {
        (self.eye - point).dot(self.back)
    }

    /// Position on the screen and depth; `None` behind the camera.
    pub fn project(&self, point: Vec3) -> Option<(Pos2, f32)> {
        let depth = self.depth(point);
        (depth > NEAR).then(|| (self.at_depth(point, depth), depth))
    }

    fn at_depth(&self, point: Vec3, depth: f32) -> Pos2 {
        let from_eye = point - self.eye;
        let scale = self.focal / depth;
        let offset = vec2(from_eye.dot(self.right), -from_eye.dot(self.up)) * scale;
        self.rect.center() + offset - vec2(0.0, self.lift)
    }

    /// The point of the scene at a position on the screen and a depth.
    pub fn unproject(&self, pos: Pos2, depth: f32) -> Vec3 {
        let lowered = pos - self.rect.center() + vec2(0.0, self.lift);
        let Vec2 { x, y } = lowered * (depth / self.focal);
        self.eye + x * self.right - y * self.up - depth * self.back
    }

    /// The visible part of a line segment of the scene.
    pub fn segment(&self, a: Vec3, b: Vec3) -> Option<[Pos2; 2]> {
        let (depth_a, depth_b) = (self.depth(a), self.depth(b));
        let clip = |from: Vec3, to: Vec3, depth_from: f32, depth_to: f32| {
            if depth_from > NEAR {
                return self.at_depth(from, depth_from);
            }
            let cut = (NEAR - depth_from) / (depth_to - depth_from);
            self.at_depth(from.lerp(to, cut), NEAR)
        };
        (depth_a > NEAR || depth_b > NEAR)
            .then(|| [clip(a, b, depth_a, depth_b), clip(b, a, depth_b, depth_a)])
    }

    /// Scene to wgpu's clip space, before the division; z and w are both the depth.
    pub fn clip_matrix(&self) -> Mat4 {
        let size = self.rect.size().max(vec2(1.0, 1.0));
        let row = |axis: Vec3, scale: f32| (axis * scale).extend(-axis.dot(self.eye) * scale);
        let depth = row(-self.back, 1.0);
        Mat4::from_cols(
            row(self.right, 2.0 * self.focal / size.x),
            row(self.up, 2.0 * self.focal / size.y) + depth * (2.0 * self.lift / size.y),
            depth,
            depth,
        )
        .transpose()
    }

    /// Radius of a point in scene units, for a cloud of `count` points.
    ///
    /// It grows with the view, less than in proportion, and shrinks with `count`. Zooming in
    /// enlarges it less than the distances between points.
    pub fn point_radius(&self, count: usize) -> f32 {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^24")]
        let density = (500.0 / count.max(1) as f32).powf(0.22).min(1.5);
        let on_screen = 0.29 * self.half.min(400.0).sqrt() * density;
        on_screen * (HOME_DISTANCE * self.distance).sqrt() / self.focal
    }

    /// Radius on the screen, in points, of a sphere in the scene.
    pub fn radius_on_screen(&self, radius: f32, depth: f32) -> f32 {
        (radius * self.focal / depth).max(1.0)
    }
}

#[cfg(test)]
mod tests {
    use eframe::egui::pos2;

    use super::*;
    use proptest::prelude::*;

    fn rect() -> Rect {
        Rect::from_min_size(pos2(30.0, 50.0), vec2(520.0, 420.0))
    }

    proptest! {
        #[test]
        fn projecting_and_back_returns_the_point(
            yaw in -7.0f32..7.0, pitch in -2.0f32..2.0, zoom in 0.5f32..2.0,
            x in -1.0f32..1.0, y in -1.0f32..1.0, z in -1.0f32..1.0,
        ) {
            let mut camera = Camera::home(3);
            camera.orbit(yaw, pitch);
            camera.zoom(zoom);
            let view = camera.view(rect(), 3);
            let point = Vec3::new(x, y, z);
            let (pos, depth) = view.project(point).expect("in front of the camera");
            prop_assert!((view.unproject(pos, depth) - point).length() < 1e-4);
            // The shader computes the same position.
            let clip = view.clip_matrix() * point.extend(1.0);
            let ndc = vec2(clip.x, -clip.y) / clip.w;
            let shader_pos = rect().center() + ndc * rect().size() / 2.0;
            prop_assert!((shader_pos - pos).length() < 0.01);
        }
    }

    #[test]
    fn pitch_stops_at_the_poles() {
        let mut camera = Camera::home(3);
        camera.orbit(0.0, 100.0);
        assert!(camera.pitch <= FRAC_PI_2 && camera.view(rect(), 3).eye.z > 5.49);
        camera.orbit(0.0, -100.0);
        assert!(camera.pitch >= -FRAC_PI_2 && camera.view(rect(), 3).eye.z < -5.49);
    }

    #[test]
    fn zoom_stays_within_its_limits_for_any_factor() {
        let mut camera = Camera::home(3);
        for factor in [1e9, 0.0, f32::NAN, -1.0, f32::INFINITY] {
            camera.zoom(factor);
        }
        assert!((camera.distance - ZOOM.start() * HOME_DISTANCE).abs() < 1e-3);
        camera.zoom(1e-9);
        assert!((camera.distance - ZOOM.end() * HOME_DISTANCE).abs() < 1e-3);
    }

    #[test]
    fn two_axes_are_viewed_from_above() {
        let view = Camera::home(2).view(rect(), 2);
        let (origin, _) = view.project(Vec3::ZERO).expect("visible");
        let (right, _) = view.project(Vec3::X).expect("visible");
        let (up, _) = view.project(Vec3::Y).expect("visible");
        assert!((right.y - origin.y).abs() < 1e-3 && right.x > origin.x);
        assert!((up.x - origin.x).abs() < 1e-3 && up.y < origin.y);
    }

    #[test]
    fn panning_keeps_the_scene_under_the_pointer() {
        let mut camera = Camera::home(3);
        let (from, to) = (rect().center(), rect().center() + vec2(40.0, -25.0));
        let before = camera.view(rect(), 3);
        let point = before.unproject(from, camera.distance);
        camera.pan(&before, from, to);
        let (pos, _) = camera.view(rect(), 3).project(point).expect("visible");
        assert!((pos - to).length() < 0.05);
    }

    #[test]
    fn stored_angles_that_are_not_finite_give_the_home_view() {
        let camera: Camera = toml::from_str("yaw = nan\npitch = 0.2").expect("parses");
        assert_eq!(camera, Camera::home(3));
        let camera: Camera = toml::from_str("yaw = 1.0\npitch = 9.0").expect("parses");
        assert_eq!((camera.yaw, camera.pitch), (1.0, FRAC_PI_2));
    }
}
