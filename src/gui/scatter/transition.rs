//! Points on their way from one snapshot to the next.

use std::{collections::HashMap, sync::Arc};

use glam::Vec3;

use super::fit::drawable;

/// Seconds from the old place to the new.
const DURATION: f64 = 0.2;

/// Old and new place of every point of the cloud, in the coordinates of the data.
#[derive(Clone, Debug, Default)]
pub struct Transition {
    images: Arc<[u32]>,
    from: Vec<Vec3>,
    to: Vec<Vec3>,
    since: f64,
}

impl Transition {
    /// Points that stand where they are; `images` names them by test index.
    pub fn resting(images: Arc<[u32]>, places: Vec<Vec3>) -> Self {
        Self {
            images,
            from: places.clone(),
            to: places,
            since: f64::NEG_INFINITY,
        }
    }

    /// Sends every image from where it is shown now to its new place; an image that was not
    /// there before, or nowhere to be drawn, appears at once.
    pub fn head_for(&mut self, images: Arc<[u32]>, places: Vec<Vec3>, now: f64) {
        let progress = self.progress(now);
        let same = images == self.images;
        let found: HashMap<u32, usize> = if same {
            HashMap::new()
        } else {
            self.images.iter().copied().zip(0..self.to.len()).collect()
        };
        let from = places
            .iter()
            .enumerate()
            .map(|(i, &new)| {
                let before = if same {
                    Some(i)
                } else {
                    images.get(i).and_then(|image| found.get(image)).copied()
                };
                before
                    .filter(|&before| before < self.to.len())
                    .map(|before| self.place(before, progress))
                    .filter(|&old| drawable(old))
                    .unwrap_or(new)
            })
            .collect();
        *self = Self {
            images,
            from,
            to: places,
            since: now,
        };
    }

    /// How far along, 0–1, quick at first.
    pub fn progress(&self, now: f64) -> f32 {
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
        let left = 1.0 - ((now - self.since) / DURATION).clamp(0.0, 1.0) as f32;
        1.0 - left * left * left
    }

    /// Whether points are still on their way.
    pub fn moving(&self, now: f64) -> bool {
        now - self.since < DURATION
    }

    /// Where point `i` is when `progress` of its way is done.
    pub fn place(&self, i: usize, progress: f32) -> Vec3 {
        self.from[i].lerp(self.to[i], progress)
    }

    /// Where every point comes from.
    pub fn from(&self) -> &[Vec3] {
        &self.from
    }

    /// Where every point goes.
    pub fn to(&self) -> &[Vec3] {
        &self.to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(xs: &[f32]) -> Vec<Vec3> {
        xs.iter().map(|&x| Vec3::new(x, 0.0, 0.0)).collect()
    }

    fn shown(glide: &Transition, now: f64) -> Vec<f32> {
        let progress = glide.progress(now);
        (0..glide.to().len())
            .map(|i| glide.place(i, progress).x)
            .collect()
    }

    #[test]
    fn it_starts_at_the_old_place_and_ends_at_the_new() {
        let mut glide = Transition::resting([7, 9].into(), places(&[0.0, 1.0]));
        assert!(!glide.moving(0.0));
        glide.head_for([7, 9].into(), places(&[4.0, 1.0]), 1.0);
        assert_eq!(shown(&glide, 1.0), [0.0, 1.0]);
        let midway = shown(&glide, 1.0 + DURATION / 2.0)[0];
        assert!(2.0 < midway && midway < 4.0, "quick at first: {midway}");
        assert_eq!(shown(&glide, 1.1 + DURATION), [4.0, 1.0]);
        assert!(glide.moving(1.1) && !glide.moving(1.1 + DURATION));
    }

    #[test]
    fn a_turn_on_the_way_starts_where_the_point_is_seen() {
        let mut glide = Transition::resting([7].into(), places(&[0.0]));
        glide.head_for([7].into(), places(&[4.0]), 1.0);
        let seen = shown(&glide, 1.05);
        glide.head_for([7].into(), places(&[-2.0]), 1.05);
        assert_eq!(shown(&glide, 1.05), seen);
    }

    #[test]
    fn images_are_matched_by_index_and_newcomers_appear_in_place() {
        let mut glide = Transition::resting([7, 9].into(), places(&[0.0, 10.0]));
        glide.head_for([3, 9, 7].into(), places(&[5.0, 20.0, 1.0]), 1.0);
        assert_eq!(shown(&glide, 1.0), [5.0, 10.0, 0.0]);
        assert_eq!(shown(&glide, 2.0), [5.0, 20.0, 1.0]);
    }

    #[test]
    fn a_point_from_nowhere_appears_in_place() {
        let mut glide = Transition::resting([7].into(), places(&[f32::NAN]));
        glide.head_for([7].into(), places(&[2.0]), 1.0);
        assert_eq!(shown(&glide, 1.0), [2.0]);
    }
}
