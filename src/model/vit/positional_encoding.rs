//! Sine-cosine encoding of the positions of tokens.

use burn::tensor::{Device, Tensor, TensorData};

use crate::kernels::PatchGrid;

/// Ratio of the longest wavelength to the shortest, which is 2π patches.
const WAVELENGTH_RATIO: f64 = 10_000.0;

/// Fixed encodings of the positions of all tokens, `[1 + patches, embed]`: zero for the class token,
/// then one row for each patch.
///
/// The first half of a row encodes the column, the second half the row of the patch; each half has
/// first the sines, then the cosines, short wavelengths first. `embed` must be a multiple of 4.
pub fn values(grid: &PatchGrid, embed: usize) -> Vec<f32> {
    let mut values = vec![0.0; embed];
    for row in 0..grid.rows {
        for column in 0..grid.columns {
            for position in [column, row] {
                for wave in [f64::sin, f64::cos] {
                    values.extend(angles(position, embed / 4).map(|angle| wave(angle) as f32));
                }
            }
        }
    }
    values
}

/// [`values`] as a tensor `[1, 1 + patches, embed]`.
pub fn tensor(grid: &PatchGrid, embed: usize, device: &Device) -> Tensor<3> {
    let shape = [1, 1 + grid.count(), embed];
    Tensor::from_data(TensorData::new(values(grid, embed), shape), device)
}

/// The angles of `count` waves at `position`.
fn angles(position: usize, count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |k| position as f64 / WAVELENGTH_RATIO.powf(k as f64 / count as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(side: usize) -> PatchGrid {
        PatchGrid {
            channels: 1,
            side: 1,
            rows: side,
            columns: side,
        }
    }

    #[test]
    fn encodings_agree_with_an_independent_computation() {
        // Patch (row 2, column 3) of a grid of 4×4, embedding 8, by a calculator: sine and cosine of
        // 3 and 3/100, then of 2 and 2/100.
        let expected = [
            0.141_12,
            0.029_995_5,
            -0.989_992_5,
            0.999_55,
            0.909_297_4,
            0.019_998_7,
            -0.416_146_8,
            0.999_8,
        ];
        let values = values(&square(4), 8);
        assert_eq!(values.len(), 17 * 8);
        assert!(values[..8].iter().all(|x| *x == 0.0), "the class token");
        let row = &values[(1 + 2 * 4 + 3) * 8..][..8];
        for (value, expected) in row.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-6, "{value}, not {expected}");
        }
    }

    #[test]
    fn encodings_of_all_patches_differ() {
        let values = values(&square(8), 4);
        let mut rows: Vec<Vec<u32>> = values
            .chunks(4)
            .map(|row| row.iter().map(|x| x.to_bits()).collect())
            .collect();
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), 65);
    }
}
