//! Finds the point under the pointer.

use eframe::egui::Pos2;
use glam::Vec3;

use super::camera::View;

/// Largest distance of a point from the pointer, in points of the screen.
const REACH: f32 = 10.0;

/// The point under the pointer: the front-most of those whose disc contains it, else the nearest
/// within reach. `cloud` yields index and position in the scene; `radius` is in scene units.
/// Returns index and position on the screen.
pub fn pick(
    cloud: impl Iterator<Item = (usize, Vec3)>,
    view: &View,
    radius: f32,
    pointer: Pos2,
) -> Option<(usize, Pos2)> {
    cloud
        .filter_map(|(index, position)| {
            let (pos, depth) = view.project(position)?;
            let distance = pos.distance(pointer);
            // Discs that contain the pointer rank first, by depth; the others by distance.
            let rank = if distance <= view.radius_on_screen(radius, depth) {
                (0u8, depth)
            } else {
                (1, distance)
            };
            (rank.0 == 0 || distance <= REACH).then_some((rank, index, pos))
        })
        .min_by(|((rank_a, a), ..), ((rank_b, b), ..)| rank_a.cmp(rank_b).then(a.total_cmp(b)))
        .map(|(_, index, pos)| (index, pos))
}

#[cfg(test)]
mod tests {
    use eframe::egui::{Rect, pos2, vec2};

    use super::*;
    use crate::gui::scatter::camera::Camera;

    fn view() -> View {
        Camera::home(2).view(Rect::from_min_size(pos2(0.0, 0.0), vec2(500.0, 400.0)), 3)
    }

    fn picked(cloud: &[Vec3], pointer: Pos2) -> Option<usize> {
        pick(cloud.iter().copied().enumerate(), &view(), 0.04, pointer).map(|(index, _)| index)
    }

    #[test]
    fn the_front_most_disc_wins() {
        // From above: the second hides the first; the third is off the line of sight.
        let cloud = [
            Vec3::new(0.0, 0.0, -0.5),
            Vec3::new(0.01, 0.0, 0.5),
            Vec3::new(0.3, 0.0, 0.9),
        ];
        assert_eq!(picked(&cloud, pos2(250.0, 200.0)), Some(1));
    }

    #[test]
    fn outside_all_discs_the_nearest_within_reach_wins() {
        let cloud = [Vec3::new(-0.3, 0.0, 0.9), Vec3::new(0.1, 0.0, -0.9)];
        let (second, _) = view().project(cloud[1]).expect("visible");
        assert_eq!(picked(&cloud, second + vec2(9.0, 0.0)), Some(1));
        assert_eq!(picked(&cloud, second + vec2(9.0, 9.0)), None);
    }
}
