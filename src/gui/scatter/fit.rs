//! The box around the data: ignores non-finite points, changes rarely and animates.

use glam::Vec3;

/// Duration of the animation to a new box, in seconds.
const DURATION: f64 = 0.3;
/// Margin around the data in a new box, as a share of their span.
const MARGIN: f32 = 0.08;
/// An axis is fitted again when the data fill less than this share of it.
const MIN_FILL: f32 = 0.55;
/// Larger coordinates are not drawn; they only occur when training has diverged.
const LARGEST: f32 = 1e30;

/// Whether a point can be drawn: its coordinates are finite and not extreme.
pub fn is_drawable(point: Vec3) -> bool {
    point.abs().cmple(Vec3::splat(LARGEST)).all()
}

/// A box in the coordinates of the data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    pub min: Vec3,
    pub max: Vec3,
}

impl Bounds {
    /// The tightest box around all drawable points; `None` if there is none.
    /// With `from_zero` it includes 0, where the output of a ReLU begins.
    pub fn around(points: impl IntoIterator<Item = Vec3>, from_zero: bool) -> Option<Self> {
        let tight = points
            .into_iter()
            .filter(|&point| is_drawable(point))
            .map(|point| Self {
                min: point,
                max: point,
            })
            .reduce(|a, b| Self {
                min: a.min.min(b.min),
                max: a.max.max(b.max),
            })?;
        let limit = if from_zero { Vec3::ZERO } else { tight.min };
        let min = tight.min.min(limit);
        Some(Self { min, ..tight })
    }

    /// Scale and shift from data to scene, where the box spans −1 to 1 on the axes in use and is
    /// flat on the others.
    pub fn to_scene(self, axes: usize) -> (Vec3, Vec3) {
        let used = extent(axes);
        let scale = 2.0 * used / (self.max - self.min);
        (scale, (self.min + self.max) * -0.5 * scale)
    }

    fn lerp(self, other: Self, share: f32) -> Self {
        Self {
            min: self.min.lerp(other.min, share),
            max: self.max.lerp(other.max, share),
        }
    }
}

/// Half the size of the box in the scene: 1 on the axes in use, 0 on the others.
pub fn extent(axes: usize) -> Vec3 {
    Vec3::from_array([0, 1, 2].map(|axis| if axis < axes { 1.0 } else { 0.0 }))
}

/// The box of the scatter, which animates from one to the next.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    from: Bounds,
    to: Bounds,
    /// Start of the animation in seconds.
    start: f64,
}

impl Fit {
    /// A box at rest around the data's tightest box.
    pub fn new(tight: Bounds) -> Self {
        let mut to = tight;
        for axis in 0..3 {
            (to.min[axis], to.max[axis]) = with_margin(tight.min[axis], tight.max[axis]);
        }
        Self {
            from: to,
            to,
            start: f64::NEG_INFINITY,
        }
    }

    /// Adapts to new data: an axis changes only when they exceed it or fill too little of it.
    pub fn update(&mut self, tight: Bounds, now: f64) {
        let mut to = self.to;
        for axis in 0..3 {
            let (low, high) = (tight.min[axis], tight.max[axis]);
            let span = to.max[axis] - to.min[axis];
            let inside = low >= to.min[axis] && high <= to.max[axis];
            let (min, max) = with_margin(low, high);
            if !inside || max - min < MIN_FILL * span {
                (to.min[axis], to.max[axis]) = (min, max);
            }
        }
        if to != self.to {
            *self = Self {
                from: self.bounds(now),
                to,
                start: now,
            };
        }
    }

    /// The box at time `now`, in seconds.
    pub fn bounds(&self, now: f64) -> Bounds {
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
        let share = ((now - self.start) / DURATION).clamp(0.0, 1.0) as f32;
        if share >= 1.0 {
            return self.to;
        }
        self.from.lerp(self.to, share * share * (3.0 - 2.0 * share))
    }

    /// The box at the end of the animation, whose ticks are drawn.
    pub fn target(&self) -> Bounds {
        self.to
    }

    /// Whether the box still moves.
    pub fn is_animating(&self, now: f64) -> bool {
        self.from != self.to && now - self.start < DURATION
    }
}

/// Limits of an axis for data from `low` to `high`.
fn with_margin(low: f32, high: f32) -> (f32, f32) {
    let span = high - low;
    let size = low.abs().max(high.abs());
    // All equal (a dead unit), or so close that f32 cannot resolve positions.
    if span <= size * 1e-5 || span < 1e-30 {
        return match low {
            0.0 => (0.0, 1.0),
            _ => (low - 0.5 * size, high + 0.5 * size),
        };
    }
    let margin = MARGIN * span;
    // No margin below the zero of a ReLU.
    let low = if low == 0.0 { low } else { low - margin };
    (low, high + margin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cube(min: f32, max: f32) -> Bounds {
        Bounds {
            min: Vec3::splat(min),
            max: Vec3::splat(max),
        }
    }

    #[test]
    fn points_that_cannot_be_drawn_are_ignored() {
        let points = [
            Vec3::new(f32::NAN, 9.0, 9.0),
            Vec3::new(1.0, 2.0, 3.0),
            Vec3::new(9.0, f32::INFINITY, 9.0),
            Vec3::new(4.0, 1.0, f32::MAX),
            Vec3::new(2.0, 1.0, 5.0),
        ];
        let tight = Bounds {
            min: Vec3::new(1.0, 1.0, 3.0),
            max: Vec3::new(2.0, 2.0, 5.0),
        };
        assert_eq!(Bounds::around(points, false), Some(tight));
        assert_eq!(
            Bounds::around(points, true),
            Some(Bounds {
                min: Vec3::ZERO,
                ..tight
            })
        );
        assert_eq!(Bounds::around([Vec3::NAN], true), None);
    }

    #[test]
    fn small_changes_of_the_data_keep_the_box() {
        let mut fit = Fit::new(cube(0.0, 10.0));
        let before = fit.target();
        for (step, high) in (1u8..).zip([10.3, 9.8, 8.0, 10.7, 6.5]) {
            fit.update(cube(0.0, high), f64::from(step));
            assert_eq!(fit.target(), before, "data up to {high}");
        }
        fit.update(cube(0.0, 12.0), 9.0);
        assert!(fit.target().max.x >= 12.0);
        fit.update(cube(0.0, 3.0), 10.0);
        assert!(fit.target().max.x < 4.0);
    }

    #[test]
    fn the_box_animates_to_a_new_one_and_stops() {
        let mut fit = Fit::new(cube(0.0, 1.0));
        let before = fit.target();
        fit.update(cube(0.0, 5.0), 2.0);
        assert_eq!(fit.bounds(2.0), before);
        let half = fit.bounds(2.0 + DURATION / 2.0).max.x;
        assert!(before.max.x < half && half < fit.target().max.x);
        assert!(fit.is_animating(2.1) && !fit.is_animating(2.1 + DURATION));
        assert_eq!(fit.bounds(2.1 + DURATION), fit.target());
    }

    #[test]
    fn a_dead_unit_has_an_axis_from_zero_to_one() {
        let fit = Fit::new(Bounds {
            min: Vec3::ZERO,
            max: Vec3::new(5.0, 0.0, 2.0),
        });
        assert_eq!((fit.target().min.y, fit.target().max.y), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn every_drawable_cloud_fits_into_the_scene(
            a in prop::array::uniform3(-1e30f32..1e30), b in prop::array::uniform3(-10.0f32..10.0),
            tiny in 0.0f32..1e-20,
        ) {
            for points in [[a, b], [b, b], [b, [tiny, b[1], a[2]]]] {
                let points = points.map(Vec3::from_array);
                let tight = Bounds::around(points, false).expect("finite");
                let (scale, shift) = Fit::new(tight).target().to_scene(3);
                for point in points {
                    let position = point * scale + shift;
                    prop_assert!(position.abs().max_element() <= 1.01, "{point} at {position}");
                }
            }
        }
    }
}
