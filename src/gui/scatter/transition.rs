//! Animates points from one snapshot to the next.

use std::{collections::HashMap, sync::Arc};

use glam::Vec3;

use super::fit::is_drawable;

/// Duration of a transition in seconds.
const DURATION: f64 = 0.2;

/// Old and new position of every point of a cloud, in the coordinates of the data.
#[derive(Clone, Debug, Default)]
pub struct Transition {
    images: Arc<[u32]>,
    from: Vec<Vec3>,
    to: Vec<Vec3>,
    /// Start time in seconds.
    start: f64,
}

impl Transition {
    /// Points at rest; `images` are their test indices.
    pub fn new(images: Arc<[u32]>, positions: Vec<Vec3>) -> Self {
        Self {
            images,
            from: positions.clone(),
            to: positions,
            start: f64::NEG_INFINITY,
        }
    }

    /// Starts moving every image from its current position to a new one at `now`, in seconds. An
    /// image that had no position, or none that can be drawn, appears at the new one at once.
    pub fn retarget(&mut self, images: Arc<[u32]>, positions: Vec<Vec3>, now: f64) {
        let progress = self.progress(now);
        let same = images == self.images;
        let old_index: HashMap<u32, usize> = if same {
            HashMap::new()
        } else {
            self.images.iter().copied().zip(0..self.to.len()).collect()
        };
        let from = positions
            .iter()
            .enumerate()
            .map(|(i, &new)| {
                let old = if same {
                    Some(i)
                } else {
                    images
                        .get(i)
                        .and_then(|image| old_index.get(image))
                        .copied()
                };
                old.filter(|&old| old < self.to.len())
                    .map(|old| self.position(old, progress))
                    .filter(|&old| is_drawable(old))
                    .unwrap_or(new)
            })
            .collect();
        *self = Self {
            images,
            from,
            to: positions,
            start: now,
        };
    }

    /// Share of the way that is done, 0–1; fast at first.
    pub fn progress(&self, now: f64) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
        let rest = 1.0 - ((now - self.start) / DURATION).clamp(0.0, 1.0) as f32;
        1.0 - rest * rest * rest
    }

    /// Whether points still move.
    pub fn is_animating(&self, now: f64) -> bool {
        now - self.start < DURATION
    }

    /// Position of a point when `progress` (0–1) of its way is done.
    pub fn position(&self, index: usize, progress: f32) -> Vec3 {
        self.from[index].lerp(self.to[index], progress)
    }

    /// Old positions.
    pub fn from(&self) -> &[Vec3] {
        &self.from
    }

    /// New positions.
    pub fn to(&self) -> &[Vec3] {
        &self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(xs: &[f32]) -> Vec<Vec3> {
        xs.iter().map(|&x| Vec3::new(x, 0.0, 0.0)).collect()
    }

    fn current(transition: &Transition, now: f64) -> Vec<f32> {
        let progress = transition.progress(now);
        (0..transition.to().len())
            .map(|i| transition.position(i, progress).x)
            .collect()
    }

    #[test]
    fn points_move_from_the_old_to_the_new_positions() {
        let mut transition = Transition::new([7, 9].into(), positions(&[0.0, 1.0]));
        assert!(!transition.is_animating(0.0));
        transition.retarget([7, 9].into(), positions(&[4.0, 1.0]), 1.0);
        assert_eq!(current(&transition, 1.0), [0.0, 1.0]);
        let midway = current(&transition, 1.0 + DURATION / 2.0)[0];
        assert!(2.0 < midway && midway < 4.0, "fast at first: {midway}");
        assert_eq!(current(&transition, 1.1 + DURATION), [4.0, 1.0]);
        assert!(transition.is_animating(1.1) && !transition.is_animating(1.1 + DURATION));
    }

    #[test]
    fn a_retarget_during_a_transition_starts_at_the_current_position() {
        let mut transition = Transition::new([7].into(), positions(&[0.0]));
        transition.retarget([7].into(), positions(&[4.0]), 1.0);
        let before = current(&transition, 1.05);
        transition.retarget([7].into(), positions(&[-2.0]), 1.05);
        assert_eq!(current(&transition, 1.05), before);
    }

    #[test]
    fn images_are_matched_by_index_and_new_ones_appear_in_place() {
        let mut transition = Transition::new([7, 9].into(), positions(&[0.0, 10.0]));
        transition.retarget([3, 9, 7].into(), positions(&[5.0, 20.0, 1.0]), 1.0);
        assert_eq!(current(&transition, 1.0), [5.0, 10.0, 0.0]);
        assert_eq!(current(&transition, 2.0), [5.0, 20.0, 1.0]);
    }

    #[test]
    fn a_point_without_a_finite_old_position_appears_in_place() {
        let mut transition = Transition::new([7].into(), positions(&[f32::NAN]));
        transition.retarget([7].into(), positions(&[2.0]), 1.0);
        assert_eq!(current(&transition, 1.0), [2.0]);
    }
}
