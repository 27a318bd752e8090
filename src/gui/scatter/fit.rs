//! The box around the data: found robustly, changed seldom, moved smoothly.

use glam::Vec3;

/// Seconds that a new box takes to settle.
const SETTLE: f64 = 0.3;
/// Free space beyond the data when a box is made, as a share of their span.
const HEADROOM: f32 = 0.08;
/// A box is made anew when the data fill less than this share of it.
const TOO_EMPTY: f32 = 0.55;
/// Larger coordinates are not drawn: they could only come from a training that has blown up.
const LARGEST: f32 = 1e30;

/// Whether a point has a place in the scene.
pub fn drawable(point: Vec3) -> bool {
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
    /// With `from_zero` it reaches down to 0 at least, where a rectifier begins.
    pub fn of(points: impl IntoIterator<Item = Vec3>, from_zero: bool) -> Option<Self> {
        let tight = points
            .into_iter()
            .filter(|&point| drawable(point))
            .map(|point| Self {
                min: point,
                max: point,
            })
            .reduce(|a, b| Self {
                min: a.min.min(b.min),
                max: a.max.max(b.max),
            })?;
        let min = if from_zero {
            tight.min.min(Vec3::ZERO)
        } else {
            tight.min
        };
        Some(Self { min, ..tight })
    }

    /// Factor and shift that take the data into the scene, where the box reaches from −1 to 1 on
    /// the axes in use and is flat on the others.
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

/// The box as shown: on its way from one to the next.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    from: Bounds,
    to: Bounds,
    since: f64,
}

impl Fit {
    /// A box that is there at once.
    pub fn at(tight: Bounds) -> Self {
        let to = Bounds {
            min: Vec3::from_array([0, 1, 2].map(|axis| roomy(tight.min[axis], tight.max[axis]).0)),
            max: Vec3::from_array([0, 1, 2].map(|axis| roomy(tight.min[axis], tight.max[axis]).1)),
        };
        Self {
            from: to,
            to,
            since: f64::NEG_INFINITY,
        }
    }

    /// Follows the data: an axis changes only when they leave it or have become small in it.
    pub fn follow(&mut self, tight: Bounds, now: f64) {
        let mut to = self.to;
        for axis in 0..3 {
            let (low, high) = (tight.min[axis], tight.max[axis]);
            let span = to.max[axis] - to.min[axis];
            let inside = low >= to.min[axis] && high <= to.max[axis];
            let (roomy_low, roomy_high) = roomy(low, high);
            if !inside || roomy_high - roomy_low < TOO_EMPTY * span {
                (to.min[axis], to.max[axis]) = (roomy_low, roomy_high);
            }
        }
        if to != self.to {
            *self = Self {
                from: self.shown(now),
                to,
                since: now,
            };
        }
    }

    /// The box at this moment, in seconds.
    pub fn shown(&self, now: f64) -> Bounds {
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1")]
        let share = ((now - self.since) / SETTLE).clamp(0.0, 1.0) as f32;
        if share >= 1.0 {
            return self.to;
        }
        self.from.lerp(self.to, share * share * (3.0 - 2.0 * share))
    }

    /// The box that it comes to rest at; its ticks are those to draw.
    pub fn goal(&self) -> Bounds {
        self.to
    }

    /// Whether the box is still on its way.
    pub fn moving(&self, now: f64) -> bool {
        self.from != self.to && now - self.since < SETTLE
    }
}

/// The limits of an axis whose data reach from `low` to `high`.
fn roomy(low: f32, high: f32) -> (f32, f32) {
    let span = high - low;
    let size = low.abs().max(high.abs());
    // All equal (a dead unit), or so nearly that f32 cannot tell places apart.
    if span <= size * 1e-5 || span < 1e-30 {
        return match low {
            0.0 => (0.0, 1.0),
            _ => (low - 0.5 * size, high + 0.5 * size),
        };
    }
    let room = HEADROOM * span;
    // Where a rectifier ends, the box ends.
    let low = if low == 0.0 { low } else { low - room };
    (low, high + room)
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
    fn what_is_no_number_does_not_count() {
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
        assert_eq!(Bounds::of(points, false), Some(tight));
        assert_eq!(
            Bounds::of(points, true),
            Some(Bounds {
                min: Vec3::ZERO,
                ..tight
            })
        );
        assert_eq!(Bounds::of([Vec3::NAN], true), None);
    }

    #[test]
    fn small_changes_leave_the_box_alone() {
        let mut fit = Fit::at(cube(0.0, 10.0));
        let before = fit.goal();
        for (step, high) in (1u8..).zip([10.3, 9.8, 8.0, 10.7, 6.5]) {
            fit.follow(cube(0.0, high), f64::from(step));
            assert_eq!(fit.goal(), before, "data up to {high}");
        }
        fit.follow(cube(0.0, 12.0), 9.0);
        assert!(fit.goal().max.x >= 12.0);
        fit.follow(cube(0.0, 3.0), 10.0);
        assert!(fit.goal().max.x < 4.0);
    }

    #[test]
    fn a_new_box_is_reached_smoothly_and_then_rests() {
        let mut fit = Fit::at(cube(0.0, 1.0));
        let before = fit.goal();
        fit.follow(cube(0.0, 5.0), 2.0);
        assert_eq!(fit.shown(2.0), before);
        let half = fit.shown(2.0 + SETTLE / 2.0).max.x;
        assert!(before.max.x < half && half < fit.goal().max.x);
        assert!(fit.moving(2.1) && !fit.moving(2.1 + SETTLE));
        assert_eq!(fit.shown(2.1 + SETTLE), fit.goal());
    }

    #[test]
    fn a_dead_unit_has_an_axis_from_zero_to_one() {
        let fit = Fit::at(Bounds {
            min: Vec3::ZERO,
            max: Vec3::new(5.0, 0.0, 2.0),
        });
        assert_eq!((fit.goal().min.y, fit.goal().max.y), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn every_drawable_cloud_fits_into_the_scene(
            a in prop::array::uniform3(-1e30f32..1e30), b in prop::array::uniform3(-10.0f32..10.0),
            tiny in 0.0f32..1e-20,
        ) {
            for points in [[a, b], [b, b], [b, [tiny, b[1], a[2]]]] {
                let points = points.map(Vec3::from_array);
                let tight = Bounds::of(points, false).expect("finite");
                let (scale, shift) = Fit::at(tight).goal().to_scene(3);
                for point in points {
                    let place = point * scale + shift;
                    prop_assert!(place.abs().max_element() <= 1.01, "{point} at {place}");
                }
            }
        }
    }
}
