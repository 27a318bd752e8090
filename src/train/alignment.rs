//! Aligns clouds for comparison: the orthogonal Procrustes problem.

use nalgebra::Matrix3;

use super::linear_algebra::nearest_orthogonal;

/// An orthogonal map of the scene: a rotation, perhaps with a reflection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alignment(Matrix3<f32>);

impl Default for Alignment {
    fn default() -> Self {
        Self(Matrix3::identity())
    }
}

impl Alignment {
    /// The map that brings `points` closest to `targets`, pair by pair, in the sum of squared
    /// distances. Only the first `axes` axes are used. Pairs with NaN or infinite values are left
    /// out.
    ///
    /// The origin is fixed: z = 0 means the same for every network.
    pub fn towards(points: &[[f32; 3]], targets: &[[f32; 3]], axes: usize) -> Self {
        let axes = axes.min(3);
        let mut cross = Matrix3::<f64>::zeros();
        let finite = |point: &[f32; 3]| point.iter().all(|x| x.is_finite());
        for (point, target) in points.iter().zip(targets) {
            if finite(point) && finite(target) {
                for row in 0..axes {
                    for column in 0..axes {
                        cross[(row, column)] += f64::from(target[row]) * f64::from(point[column]);
                    }
                }
            }
        }
        // Unused axes are kept.
        let scale = cross.amax();
        for axis in axes..3 {
            cross[(axis, axis)] = scale;
        }
        Self(nearest_orthogonal(&cross).cast())
    }

    pub fn apply(&self, point: [f32; 3]) -> [f32; 3] {
        (self.0 * nalgebra::Vector3::from(point)).into()
    }
}

/// Per cloud the map that brings it closest to the aligned previous cloud; the identity for the
/// first.
pub fn align_each_to_previous(clouds: &[&[[f32; 3]]], axes: usize) -> Vec<Alignment> {
    let mut previous: Vec<[f32; 3]> = Vec::new();
    let align = |cloud: &&[[f32; 3]]| {
        let alignment = Alignment::towards(cloud, &previous, axes);
        previous = cloud.iter().map(|point| alignment.apply(*point)).collect();
        alignment
    };
    clouds.iter().map(align).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points() -> impl Strategy<Value = Vec<[f32; 3]>> {
        prop::collection::vec(prop::array::uniform3(-2.0f32..2.0), 6..40)
    }

    fn distance(a: &[[f32; 3]], b: &[[f32; 3]]) -> f32 {
        let square = |(a, b): (&[f32; 3], &[f32; 3])| {
            a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>()
        };
        a.iter().zip(b).map(square).sum()
    }

    proptest! {
        #[test]
        fn a_rotated_cloud_is_rotated_back(cloud in points(), angles in prop::array::uniform3(-3.0f32..3.0)) {
            let [a, b, c] = angles;
            let rotation = nalgebra::Rotation3::from_euler_angles(a, b, c);
            let turn = |point: &[f32; 3]| (rotation * nalgebra::Vector3::from(*point)).into();
            let turned: Vec<[f32; 3]> = cloud.iter().map(turn).collect();
            let back = Alignment::towards(&turned, &cloud, 3);
            let back: Vec<[f32; 3]> = turned.iter().map(|point| back.apply(*point)).collect();
            prop_assert!(distance(&back, &cloud) < 1e-4 * cloud.len() as f32);
        }

        #[test]
        fn alignment_reduces_distances_and_keeps_lengths(
            cloud in points(), other in points(), axes in 1usize..=3,
        ) {
            let alignment = Alignment::towards(&cloud, &other, axes);
            let turned: Vec<[f32; 3]> = cloud.iter().map(|point| alignment.apply(*point)).collect();
            let (previous, after) = (distance(&cloud, &other), distance(&turned, &other));
            prop_assert!(after <= previous * 1.001 + 1e-3, "{previous} → {after}");
            for (point, turned) in cloud.iter().zip(&turned) {
                let length = |p: &[f32; 3]| p.iter().map(|x| x * x).sum::<f32>().sqrt();
                prop_assert!((length(point) - length(turned)).abs() < 1e-3);
                for axis in axes..3 {
                    prop_assert!((point[axis] - turned[axis]).abs() < 1e-3, "axis {axis} is not used");
                }
            }
        }
    }

    #[test]
    fn zero_and_non_finite_clouds_are_not_rotated() {
        let dead = [[0.0; 3]; 4];
        let nan = [f32::NAN, 0.0, 1.0];
        let broken = [nan, [f32::INFINITY; 3], [f32::MAX; 3], [1.0; 3]];
        for (cloud, target) in [(&dead, &broken), (&broken, &dead), (&dead, &dead)] {
            assert_eq!(Alignment::towards(cloud, target, 3), Alignment::default());
        }
        let aligned = align_each_to_previous(&[&dead, &broken], 3);
        assert_eq!(aligned, [Alignment::default(); 2]);
        assert!(align_each_to_previous(&[], 3).is_empty());
    }
}
