//! Small dense decompositions that terminate for every input and return finite results.
//!
//! nalgebra's QR decomposition returns NaN for some rank-deficient matrices, its SVD and eigenvalue
//! iterations are unbounded by default, and NaN keeps them from ever converging.

use nalgebra::{DMatrix, DMatrixView, DVectorViewMut, Matrix3, SymmetricEigen};

/// Limit of an eigenvalue iteration; one of 8 × 8 usually converges within 20.
const MAX_ITERATIONS: usize = 1_000;
/// Length of the part of a unit vector outside a subspace below which the vector counts as inside it.
const INSIDE: f64 = 1e-10;
/// Weight of the identity in [`nearest_orthogonal`], relative to the largest entry. Its square must
/// exceed the rounding errors of an `f64`.
const IDENTITY_WEIGHT: f64 = 1e-7;

/// Orthonormal columns whose first k span the space of the first k columns of `columns`, for every k.
///
/// Columns that depend on earlier ones, or that contain NaN or infinite values, are replaced so that
/// the result is always orthonormal. There must be at least as many rows as columns.
pub fn orthonormal_columns(mut columns: DMatrix<f64>) -> DMatrix<f64> {
    for index in 0..columns.ncols().min(columns.nrows()) {
        let (earlier, mut rest) = columns.columns_range_pair_mut(..index, index..);
        let earlier = earlier.as_view();
        let mut column = rest.column_mut(0);
        if orthonormalize(&mut column.as_view_mut(), &earlier) {
            continue;
        }
        // Of the unit vectors, this one has the largest part outside the earlier columns.
        let weight = |row: &usize| earlier.row(*row).norm_squared();
        let free = (0..column.len()).min_by(|a, b| weight(a).total_cmp(&weight(b)));
        column.fill(0.0);
        if let Some(free) = free {
            column[free] = 1.0;
        }
        orthonormalize(&mut column.as_view_mut(), &earlier);
    }
    columns
}

/// Replaces `column` by the normalized part of it that is orthogonal to `basis`; `false` where there
/// is none, and `column` is undefined.
fn orthonormalize(column: &mut DVectorViewMut<'_, f64>, basis: &DMatrixView<'_, f64>) -> bool {
    // The first projection leaves rounding errors of the size of what it removes, the second none.
    for _ in 0..2 {
        let largest = column.amax();
        if !(largest.is_finite() && largest > 0.0) {
            return false;
        }
        // Squares of very small and very large values are not representable.
        *column /= largest;
        *column /= column.norm();
        for direction in basis.column_iter() {
            let share = direction.dot(column);
            column.axpy(-share, &direction, 1.0);
        }
        // False for NaN as well.
        let is_outside = column.norm() > INSIDE;
        if !is_outside {
            return false;
        }
    }
    *column /= column.norm();
    true
}

/// Eigenvectors of a symmetric matrix as columns, largest eigenvalue first; the identity where the
/// iteration does not converge within [`MAX_ITERATIONS`].
pub fn eigenvectors(symmetric: DMatrix<f64>) -> DMatrix<f64> {
    let size = symmetric.nrows();
    let is_finite = symmetric.iter().all(|value| value.is_finite());
    let symmetric = Some(symmetric).filter(|_| is_finite);
    let eigen = symmetric
        .and_then(|symmetric| SymmetricEigen::try_new(symmetric, f64::EPSILON, MAX_ITERATIONS));
    let Some(eigen) = eigen else {
        return DMatrix::identity(size, size);
    };
    let values = eigen.eigenvalues;
    let mut order: Vec<usize> = (0..size).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    eigen.eigenvectors.select_columns(&order)
}

/// The orthogonal matrix closest to `matrix`, which solves the orthogonal Procrustes problem.
///
/// Directions that `matrix` maps to zero stay as they are where possible. A matrix that is zero or
/// contains NaN or infinite values gives the identity.
pub fn nearest_orthogonal(matrix: &Matrix3<f64>) -> Matrix3<f64> {
    let largest = matrix.amax();
    let is_finite = matrix.iter().all(|value| value.is_finite());
    if !is_finite || largest == 0.0 {
        return Matrix3::identity();
    }
    let matrix = matrix / largest + Matrix3::identity() * IDENTITY_WEIGHT;
    let matrix = DMatrix::from_column_slice(3, 3, matrix.as_slice());
    // With U S Vᵀ = matrix: V diagonalizes matrixᵀ · matrix, and matrix · V = U S.
    let right = eigenvectors(matrix.tr_mul(&matrix));
    let left = orthonormal_columns(matrix * &right);
    let product = left * right.transpose();
    Matrix3::from_column_slice(product.as_slice())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Largest deviation of `columnsᵀ · columns` from the identity; NaN if a value is.
    fn deviation(columns: &DMatrix<f64>) -> f64 {
        let product = columns.tr_mul(columns);
        let size = product.nrows();
        let values = product - DMatrix::<f64>::identity(size, size);
        values.iter().map(|value| value.abs()).sum()
    }

    /// Entries of all magnitudes, most of them ordinary.
    fn entry() -> impl Strategy<Value = f64> {
        let special = vec![0.0, 0.0, 0.0, 0.0, 1e-300, -1e300, f64::NAN, f64::INFINITY];
        prop_oneof![-1.0f64..1.0, prop::sample::select(special)]
    }

    /// A matrix with some equal and some zero columns.
    fn matrix(rows: usize, columns: usize) -> impl Strategy<Value = DMatrix<f64>> {
        let sources = prop::collection::vec(0..=columns, columns);
        (prop::collection::vec(entry(), rows * columns), sources).prop_map(
            move |(values, sources)| {
                DMatrix::from_fn(rows, columns, |row, column| {
                    let column = sources[column];
                    values.get(column * rows + row).copied().unwrap_or(0.0)
                })
            },
        )
    }

    proptest! {
        #[test]
        fn columns_of_any_matrix_become_orthonormal(
            matrix in (1usize..12).prop_flat_map(|rows| {
                (1..=rows).prop_flat_map(move |columns| matrix(rows, columns))
            }),
        ) {
            let result = orthonormal_columns(matrix);
            prop_assert!(deviation(&result) < 1e-9, "{result}");
        }

        #[test]
        fn the_nearest_orthogonal_matrix_is_orthogonal_and_at_least_as_near_as_the_identity(
            matrix in matrix(3, 3),
        ) {
            let matrix = Matrix3::from_column_slice(matrix.as_slice());
            let nearest = nearest_orthogonal(&matrix);
            prop_assert!((nearest.tr_mul(&nearest) - Matrix3::identity()).amax() < 1e-9);
            // The distance falls as the trace of nearestᵀ · matrix rises.
            if matrix.iter().all(|value| value.abs() <= 1.0) {
                let agreement = nearest.tr_mul(&matrix).trace();
                prop_assert!(agreement >= matrix.trace() - 1e-4, "{nearest} {matrix}");
            }
        }
    }

    #[test]
    fn full_rank_columns_keep_their_spans() {
        let columns = DMatrix::from_row_slice(3, 2, &[2.0, 1.0, 0.0, 3.0, 0.0, 0.0]);
        let result = orthonormal_columns(columns);
        let expected = DMatrix::from_row_slice(3, 2, &[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
        assert!((result - expected).amax() < 1e-12);
    }
}
