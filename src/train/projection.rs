//! Projects z of any size to three coordinates with stable axes.

use nalgebra::{DMatrix, Matrix3};
use rayon::prelude::*;

use super::{
    Projection,
    linear_algebra::{eigenvectors, nearest_orthogonal, orthonormal_columns},
};
use crate::kernels::sums;

/// Columns of the subspace iteration: three to show, the others for fast convergence of the three.
const BLOCK: usize = 8;
/// Iterations for a new basis, and for one that only follows the training.
const ITERATIONS: [usize; 2] = [24, 6];
/// Limits of rows, and of values in them, for fitting the axes. More would cost time without a
/// visible difference.
const FIT_ROWS: usize = 2_000;
const FIT_VALUES: usize = 1 << 20;

/// Projects z to 3-D. Keeps its axes, so that neither their signs nor their order flip between
/// snapshots.
#[derive(Clone, Debug, Default)]
pub struct Projector {
    /// Start of the next subspace iteration, `[n, block]`.
    block: Option<DMatrix<f32>>,
    /// The axes of the last projection, `[n, 3]`, orthonormal.
    axes: Option<DMatrix<f32>>,
    /// Position of the mean on each axis, which is subtracted from the coordinates of a point.
    offset: [f32; 3],
}

impl Projector {
    /// Projects `latents` (`[points, n]`, row after row).
    ///
    /// For n ≤ 3 the points are the values of z. For n > 3 the scene is the space of the first
    /// three principal components, rotated as little as possible from snapshot to snapshot.
    pub fn project(&mut self, latents: &[f32], n: usize) -> (Vec<[f32; 3]>, Projection) {
        if n <= 3 {
            let points = latents.chunks_exact(n.max(1)).map(coordinates).collect();
            return (points, Projection::Coordinates);
        }
        let points = latents.len() / n;
        let step = points.div_ceil(FIT_ROWS.min(FIT_VALUES / n)).max(1);
        let finite: Vec<&[f32]> = latents
            .chunks_exact(n)
            .step_by(step)
            .filter(|z| z.iter().all(|x| x.is_finite()))
            .collect();
        if finite.is_empty() {
            let explained = 0.0;
            return (vec![[f32::NAN; 3]; points], Projection::Pca { explained });
        }
        let (mean, explained) = self.fit(&finite, n);
        if let Some(axes) = &self.axes {
            self.offset = std::array::from_fn(|axis| dot(&mean, axes.column(axis).as_slice()));
        }
        let rows = latents.par_chunks_exact(n);
        let projected = rows.map(|z| self.position(z)).collect();
        (projected, Projection::Pca { explained })
    }

    /// Position of `z` (`[n]`) among the points of the last projection; the origin for any other
    /// size.
    pub fn position(&self, z: &[f32]) -> [f32; 3] {
        if z.len() <= 3 {
            return coordinates(z);
        }
        let Some(axes) = self.axes.as_ref().filter(|axes| axes.nrows() == z.len()) else {
            return [0.0; 3];
        };
        std::array::from_fn(|axis| dot(z, axes.column(axis).as_slice()) - self.offset[axis])
    }

    /// Moves the axes to the principal subspace of `rows`; returns mean and explained share.
    fn fit(&mut self, rows: &[&[f32]], n: usize) -> (Vec<f32>, f32) {
        let values = || rows.iter().copied().flatten().copied().map(f64::from);
        let mut mean = vec![0.0f64; n];
        for (value, unit) in values().zip((0..n).cycle()) {
            mean[unit] += value / rows.len() as f64;
        }
        let deviations = || values().zip(mean.iter().cycle()).map(|(x, mean)| x - mean);
        let largest = deviations().fold(0.0, |largest: f64, x| largest.max(x.abs()));
        let mean = mean.iter().map(|value| *value as f32).collect();
        if largest == 0.0 || !largest.is_finite() {
            // All points coincide: any axes will do, preferably the last ones.
            if self.axes.as_ref().is_none_or(|axes| axes.nrows() != n) {
                self.axes = Some(DMatrix::identity(n, 3));
            }
            return (mean, 1.0);
        }
        // Scaled, so that no square leaves the range of an f32. One column per row, as in memory.
        let scaled = deviations().map(|x| (x / largest) as f32);
        let columns = DMatrix::from_iterator(n, rows.len(), scaled);
        let centred = columns.transpose();
        let total: f64 = centred.iter().map(|x| f64::from(*x).powi(2)).sum();

        let width = BLOCK.min(n);
        let last = self.block.take().filter(|block| block.nrows() == n);
        let iterations = ITERATIONS[usize::from(last.is_some())];
        let mut block = last.unwrap_or_else(|| spread_columns(n, width));
        for _ in 0..iterations {
            let product: DMatrix<f32> = &columns * (&centred * &block);
            block = orthonormal_columns(product.cast()).cast();
        }
        // Rayleigh–Ritz: the principal axes within the block, largest variance first.
        let coordinates = &centred * &block;
        let gram: DMatrix<f64> = coordinates.tr_mul(&coordinates).cast();
        let ritz = eigenvectors(gram.clone());
        let main = ritz.columns(0, 3);
        let explained = (main.transpose() * gram * main).trace() / total;
        let block = block * ritz.cast::<f32>();

        let axes = block.columns(0, 3).into_owned();
        let previous = self.axes.take().filter(|axes| axes.nrows() == n);
        self.axes = Some(match previous {
            Some(previous) => aligned_to(axes, &previous),
            None => axes,
        });
        self.block = Some(block);
        (mean, (explained as f32).clamp(0.0, 1.0))
    }
}

/// Up to three coordinates; missing ones are 0.
fn coordinates(z: &[f32]) -> [f32; 3] {
    std::array::from_fn(|axis| z.get(axis).copied().unwrap_or(0.0))
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    sums::sum(a, b, |a, b| a * b)
}

/// A fixed start of full rank, which keeps runs reproducible.
fn spread_columns(n: usize, width: usize) -> DMatrix<f32> {
    let columns = DMatrix::from_fn(n, width, |row, column| {
        ((row * width + column + 1) as f64 * 0.754_877_7).fract() - 0.5
    });
    orthonormal_columns(columns).cast()
}

/// `axes · R` for the orthogonal R that brings it closest to `previous` (Procrustes).
fn aligned_to(axes: DMatrix<f32>, previous: &DMatrix<f32>) -> DMatrix<f32> {
    let cross: DMatrix<f64> = axes.tr_mul(previous).cast();
    let rotation = nearest_orthogonal(&Matrix3::from_column_slice(cross.as_slice()));
    let rotation = rotation.cast::<f32>();
    axes * DMatrix::from_column_slice(3, 3, rotation.as_slice())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rng;

    /// Points with standard deviations 3, 2, 1 along three fixed axes of ten, and 0.1 elsewhere.
    fn cloud(points: usize, stream: u64) -> Vec<f32> {
        let mut rng = rng::from_stream(1, stream);
        let mut value = |index: usize| {
            let spread = [3.0, 2.0, 1.0].get(index % 10).copied().unwrap_or(0.1);
            // Uniform with this standard deviation.
            spread * 12f32.sqrt() * (rng.random::<f32>() - 0.5) + 5.0
        };
        (0..10 * points).map(&mut value).collect()
    }

    #[test]
    fn up_to_three_values_are_coordinates() {
        let (points, projection) = Projector::default().project(&[1.0, 2.0, 3.0, 4.0], 2);
        assert_eq!(points, [[1.0, 2.0, 0.0], [3.0, 4.0, 0.0]]);
        assert_eq!(projection, Projection::Coordinates);
    }

    #[test]
    fn principal_axes_and_explained_variance_are_found() {
        let (points, projection) = Projector::default().project(&cloud(4_000, 0), 10);
        let Projection::Pca { explained } = projection else {
            panic!("n = 10 is projected")
        };
        // Variances 9 + 4 + 1 of 14 + 7 · 0.01.
        assert!((explained - 14.0 / 14.07).abs() < 0.005, "{explained}");
        for (axis, expected) in [9.0f32, 4.0, 1.0].into_iter().enumerate() {
            let count = points.len() as f32;
            let mean = points.iter().map(|p| p[axis]).sum::<f32>() / count;
            let variance = points.iter().map(|p| (p[axis] - mean).powi(2)).sum::<f32>() / count;
            let ratio = variance / expected;
            assert!((ratio - 1.0).abs() < 0.1, "{axis}: {variance}");
        }
    }

    #[test]
    fn axes_are_stable_when_the_sample_changes_or_variances_swap() {
        let mut projector = Projector::default();
        let (before, _) = projector.project(&cloud(500, 0), 10);
        // The two largest variances are exchanged: plain PCA would exchange the first two axes.
        let mut swapped = cloud(500, 0);
        for z in swapped.chunks_exact_mut(10) {
            z[0] = (z[0] - 5.0) / 3.0 * 1.9 + 5.0;
            z[1] = (z[1] - 5.0) / 2.0 * 2.1 + 5.0;
        }
        let (after, _) = projector.project(&swapped, 10);
        for axis in 0..3 {
            let product = |a: &[[f32; 3]], b: &[[f32; 3]]| -> f32 {
                a.iter().zip(b).map(|(a, b)| a[axis] * b[axis]).sum()
            };
            let norms = (product(&before, &before) * product(&after, &after)).sqrt();
            // −1 where the axis has flipped.
            assert!(product(&before, &after) / norms > 0.9, "axis {axis} turned");
        }
    }

    /// Projects clouds one after the other. Fails instead of hanging if that does not end.
    fn project_all(clouds: Vec<Vec<f32>>, n: usize) -> Projected {
        let (done, result) = crossbeam_channel::bounded(1);
        std::thread::spawn(move || {
            let mut projector = Projector::default();
            let projected = clouds
                .iter()
                .map(|cloud| projector.project(cloud, n))
                .collect();
            let _ = done.send((projected, projector));
        });
        let limit = std::time::Duration::from_secs(5);
        result.recv_timeout(limit).expect("the projection ends")
    }

    type Projected = (Vec<(Vec<[f32; 3]>, Projection)>, Projector);

    /// Largest deviation of the axes' products from those of orthonormal ones; NaN if one is.
    fn deviation(projector: &Projector) -> f32 {
        let axes = projector.axes.as_ref().unwrap();
        let products = axes.tr_mul(axes) - DMatrix::identity(3, 3);
        products.iter().map(|value| value.abs()).sum()
    }

    #[test]
    fn a_cloud_with_two_living_units_keeps_all_axes_finite() {
        let mut rng = rng::from_stream(1, 3);
        let mut value = |place: usize| match place % 16 {
            2 | 9 => rng.random::<f32>(),
            _ => 0.0,
        };
        let clouds = (0..3)
            .map(|_| (0..200 * 16).map(&mut value).collect())
            .collect();
        let (projected, projector) = project_all(clouds, 16);
        for (points, projection) in projected {
            let Projection::Pca { explained } = projection else {
                panic!("n = 16 is projected")
            };
            assert!((explained - 1.0).abs() < 1e-4, "{explained}");
            assert!(points.iter().flatten().all(|x| x.is_finite()));
            assert!(points.iter().all(|point| point[2].abs() < 1e-5));
        }
        assert!(deviation(&projector) < 1e-4);
    }

    /// A cloud `[points, n]` of some rank, with repeated points, rows of NaN and a scale.
    fn any_cloud(n: usize) -> impl Strategy<Value = Vec<f32>> {
        let values = prop::collection::vec(-1.0f32..1.0, 40 * n);
        let scale = prop::sample::select(vec![0.0f32, 1e-42, 1e-20, 1.0, 1e18, 1e30]);
        let parts = (0..=n.min(10), 0usize..40, 1usize..40, 0usize..5);
        (values, scale, parts).prop_map(move |(values, scale, (rank, points, distinct, broken))| {
            let row = |index: usize| -> Vec<f32> {
                let coordinates = &values[index % distinct * n..][..rank];
                let value = |unit: usize| -> f32 {
                    let direction = values[unit * 40..].iter();
                    direction.zip(coordinates).map(|(a, b)| a * b).sum()
                };
                (0..n).map(|unit| value(unit) * scale).collect()
            };
            let rows = (0..points).map(|index| match index % 7 {
                0 if index / 7 < broken => vec![f32::NAN; n],
                _ => row(index),
            });
            rows.flatten().collect()
        })
    }

    proptest! {
        #[test]
        fn clouds_of_any_rank_and_scale_are_projected_onto_orthonormal_axes(
            (n, clouds) in (4usize..20)
                .prop_flat_map(|n| (Just(n), prop::collection::vec(any_cloud(n), 1..4))),
        ) {
            let (projected, projector) = project_all(clouds.clone(), n);
            for (cloud, (points, projection)) in clouds.iter().zip(projected) {
                for (z, point) in cloud.chunks_exact(n).zip(points) {
                    let is_finite = point.iter().all(|x| x.is_finite());
                    prop_assert_eq!(is_finite, z[0].is_finite(), "{:?}", point);
                }
                let Projection::Pca { explained } = projection else {
                    panic!("n = {n} is projected")
                };
                prop_assert!((0.0..=1.0).contains(&explained));
            }
            if projector.axes.is_some() {
                prop_assert!(deviation(&projector) < 1e-4);
            }
        }
    }
}
