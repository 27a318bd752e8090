//! Products of strided matrices.

use nalgebra::{DMatrixView, DMatrixViewMut, Dyn};

pub type Matrix<'a> = DMatrixView<'a, f32, Dyn, Dyn>;
pub type MatrixMut<'a> = DMatrixViewMut<'a, f32, Dyn, Dyn>;

/// Largest dimension for which nalgebra 0.35 does not call `matrixmultiply` but multiplies column by
/// column, and then accesses values between and beyond those of a column that is not contiguous.
const NALGEBRA_SMALL_DIMENSION: usize = 5;

/// `values` as a matrix, given the distances between neighbouring rows and between neighbouring
/// columns.
pub fn matrix(
    values: &[f32],
    [rows, columns]: [usize; 2],
    [row_stride, column_stride]: [usize; 2],
) -> Matrix<'_> {
    Matrix::from_slice_with_strides(values, rows, columns, row_stride, column_stride)
}

/// Mutable [`matrix`].
pub fn matrix_mut(
    values: &mut [f32],
    [rows, columns]: [usize; 2],
    [row_stride, column_stride]: [usize; 2],
) -> MatrixMut<'_> {
    MatrixMut::from_slice_with_strides_mut(values, rows, columns, row_stride, column_stride)
}

/// `result = initial · result + a · b`, where `initial` is 0 or 1.
///
/// Not computed by `gemm`, although that is faster for large matrices: it adds up the terms in other
/// blocks, which changes the last bits of trained weights.
pub fn multiply(mut result: MatrixMut<'_>, initial: f32, a: &Matrix<'_>, b: &Matrix<'_>) {
    let (rows, columns, terms) = (a.nrows(), b.ncols(), a.ncols());
    if rows.min(columns).min(terms) > NALGEBRA_SMALL_DIMENSION {
        result.gemm(1.0, a, b, initial);
        return;
    }
    for column in 0..columns {
        for row in 0..rows {
            let sum: f32 = (0..terms).map(|k| a[(row, k)] * b[(k, column)]).sum();
            let value = &mut result[(row, column)];
            // 0 · NaN would be NaN.
            *value = sum + if initial == 0.0 { 0.0 } else { *value };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Multiplies matrices whose rows or columns are ten values apart.
    fn check([rows, columns, terms]: [usize; 3]) {
        let number = |index: usize| (index * 7 % 11) as f32 - 5.0;
        let a: Vec<f32> = (0..rows * 10).map(number).collect();
        let b: Vec<f32> = (0..columns * 10).map(number).collect();
        let mut result = vec![1.0; rows * 10];
        multiply(
            matrix_mut(&mut result, [rows, columns], [10, 1]),
            1.0,
            &matrix(&a, [rows, terms], [10, 1]),
            &matrix(&b, [terms, columns], [1, 10]),
        );
        for (index, value) in result.into_iter().enumerate() {
            let (row, column) = (index / 10, index % 10);
            let expected = if column < columns {
                let products = (0..terms).map(|k| a[row * 10 + k] * b[column * 10 + k]);
                1.0 + products.sum::<f32>()
            } else {
                1.0
            };
            assert_eq!(
                value, expected,
                "{rows}×{columns}×{terms} at {row}, {column}"
            );
        }
    }

    #[test]
    fn products_of_any_size_stay_within_their_rows() {
        for rows in [1, 4, 9] {
            for columns in [1, 4, 9] {
                for terms in [1, 4, 9] {
                    check([rows, columns, terms]);
                }
            }
        }
    }
}
