//! Where a token stands, told by sines and cosines.

/// Wavelengths reach from 2π patches to 10,000 times as many.
const LONGEST: f64 = 10_000.0;

/// A row for the class token, all zero, and one for each patch of a grid, row by row,
/// `[1 + rows · columns, embed]`: the first half tells the column, the second the row; in each half
/// first the sines, then the cosines, short wavelengths first. `embed` is a multiple of 4.
pub fn positions([rows, columns]: [usize; 2], embed: usize) -> Vec<f32> {
    let mut table = vec![0.0; embed];
    for row in 0..rows {
        for column in 0..columns {
            for place in [column, row] {
                for wave in [f64::sin, f64::cos] {
                    table.extend(waves(place, embed / 4).map(|angle| wave(angle) as f32));
                }
            }
        }
    }
    table
}

/// The angles of `count` waves at `place`.
fn waves(place: usize, count: usize) -> impl Iterator<Item = f64> {
    (0..count).map(move |k| place as f64 / LONGEST.powf(k as f64 / count as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_those_of_an_independent_computation() {
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
        let table = positions([4, 4], 8);
        assert_eq!(table.len(), 17 * 8);
        assert!(table[..8].iter().all(|x| *x == 0.0), "the class token");
        let found = &table[(1 + 2 * 4 + 3) * 8..][..8];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
        }
    }

    #[test]
    fn no_two_patches_stand_at_the_same_place() {
        let table = positions([8, 8], 4);
        let mut rows: Vec<Vec<u32>> = table
            .chunks(4)
            .map(|row| row.iter().map(|x| x.to_bits()).collect())
            .collect();
        rows.sort_unstable();
        rows.dedup();
        assert_eq!(rows.len(), 65);
    }
}
