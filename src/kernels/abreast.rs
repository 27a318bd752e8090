//! Sixteen images side by side.
//!
//! The tokens of a vision transformer are far too small for a matrix product to pay: eight values,
//! heads of two. So a kernel does the same for sixteen images at a time, value by value, which
//! processors have instructions for whatever the sizes are. Tensors on their way through a
//! transformer lie as `[chunks, tokens, embed, 16]`; the last chunk may have images that are not
//! there, all zero on the way back.
//!
//! Inner loops count instead of zipping or mapping arrays: without optimisation across the parts that
//! a crate is compiled in, those cost a call for every sixteen numbers.

mod attention;
mod gelu;
mod linear;
mod norm;

use rayon::prelude::*;

use super::CHUNK;

pub use attention::Attention;
pub use gelu::gelu;
pub use linear::{bias_gradient, multiply, start, transposed, weight_gradient};
pub use norm::Norm;

/// One value of each of sixteen images.
pub type Wide = [f32; CHUNK];

/// Zero of each image.
pub const ZERO: Wide = [0.0; CHUNK];

/// `values` that lie as `[…, 16]`.
pub fn wides(values: &[f32]) -> &[Wide] {
    values.as_chunks().0
}

/// [`wides`] to write to.
pub fn wides_mut(values: &mut [f32]) -> &mut [Wide] {
    values.as_chunks_mut().0
}

/// Σ over the images; in pairs, so that it is quick and the order is fixed.
#[inline]
pub fn sum(mut x: Wide) -> f32 {
    let mut half = CHUNK / 2;
    while half > 0 {
        for lane in 0..half {
            x[lane] += x[lane + half];
        }
        half /= 2;
    }
    x[0]
}

/// Rows of `size` values, one for each image, as they lie abreast, `[size]`.
pub fn abreast(rows: &[f32], size: usize, wide: &mut [Wide]) {
    wide.fill(ZERO);
    for (lane, row) in rows.chunks_exact(size).enumerate() {
        for (wide, x) in wide.iter_mut().zip(row) {
            wide[lane] = *x;
        }
    }
}

/// The other way; images without a row are left out.
pub fn in_rows(wide: &[Wide], size: usize, rows: &mut [f32]) {
    for (lane, row) in rows.chunks_exact_mut(size).enumerate() {
        for (x, wide) in row.iter_mut().zip(wide) {
            *x = wide[lane];
        }
    }
}

/// Chunks that so many images make.
pub fn chunks(images: usize) -> usize {
    images.div_ceil(CHUNK)
}

/// Runs `work` over all chunks on all cores; chunk `n` writes to piece `n` of `output`, of `size`
/// values (the last may be shorter), and has the use of what `scratch` makes.
pub fn each_chunk<S>(
    output: &mut [f32],
    size: usize,
    scratch: impl Fn() -> S + Sync + Send,
    work: impl Fn(usize, &mut [f32], &mut S) + Sync + Send,
) {
    let pieces = output.par_chunks_mut(size).enumerate();
    pieces.for_each_init(scratch, |scratch, (chunk, piece)| {
        work(chunk, piece, scratch);
    });
}

/// The same, where every chunk also adds to `sums` sums; they are added up in the order of chunks, so
/// that the number of cores changes no bit.
pub fn sums_of_chunks<S>(
    output: &mut [f32],
    size: usize,
    sums: usize,
    scratch: impl Fn() -> S + Sync + Send,
    work: impl Fn(usize, &mut [f32], &mut S, &mut [f32]) + Sync + Send,
) -> Vec<f32> {
    let found: Vec<Vec<f32>> = output
        .par_chunks_mut(size)
        .enumerate()
        .map_init(scratch, |scratch, (chunk, piece)| {
            let mut found = vec![0.0; sums];
            work(chunk, piece, scratch, &mut found);
            found
        })
        .collect();
    found.into_iter().fold(vec![0.0; sums], |mut total, found| {
        for (total, x) in total.iter_mut().zip(found) {
            *total += x;
        }
        total
    })
}

/// e^x of every value, for x ≤ 0; below e^−87 it stays there.
#[inline]
pub fn exp(mut wide: Wide) -> Wide {
    /// Adding it rounds to a whole number, found in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 as a number with few digits and what is missing.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    for x in &mut wide {
        // Whatever is no number stays so.
        let clamped = if *x < -87.0 { -87.0 } else { *x };
        let rounded = clamped * std::f32::consts::LOG2_E + ROUND;
        let n = rounded - ROUND;
        let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(127 << 23));
        let r = clamped - n * LN_2[0] - n * LN_2[1];
        let tail = 1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0)));
        *x = power * (1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * tail))));
    }
    wide
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back() {
        let rows: Vec<f32> = (0..15).map(|x| x as f32).collect();
        let mut wide = vec![[1.0; CHUNK]; 5];
        abreast(&rows, 5, &mut wide);
        assert_eq!(wide[1][..4], [1.0, 6.0, 11.0, 0.0]);
        let mut back = vec![0.0; 15];
        in_rows(&wide, 5, &mut back);
        assert_eq!(back, rows);
    }

    #[test]
    fn exponentials_are_right_to_two_units_in_the_last_place() {
        for step in 0..80_000 {
            let x = step as f32 * -1e-3;
            let wanted = f64::from(x).exp();
            let found = f64::from(exp([x; CHUNK])[3]);
            let gap = (found - wanted).abs() / wanted;
            assert!(gap < 2.4e-7, "e^{x} = {wanted}, not {found}");
        }
        let odd = exp([f32::NAN, f32::NEG_INFINITY, 0.0, -1e9]
            .repeat(4)
            .try_into()
            .unwrap());
        assert!(odd[0].is_nan());
        assert!(odd[1] < 1e-37 && odd[3] < 1e-37);
        assert_eq!(odd[2], 1.0);
    }

    #[test]
    fn sums_are_those_of_all_images() {
        let x: Wide = std::array::from_fn(|lane| (lane + 1) as f32);
        assert_eq!(sum(x), 136.0);
    }
}
