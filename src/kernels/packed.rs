//! Arithmetic on packs of 16 images, one SIMD vector for each value.
//!
//! The matrices of a small vision transformer (8 values per token, 2 per head) are too small for
//! efficient matrix products. Packed kernels compute the same value of 16 images at a time instead,
//! which vectorises for any size. Packed tensors are `[packs, tokens, embed, 16]`; images missing from
//! the last pack have a gradient of zero.
//!
//! Inner loops are written with indices: inlined iterator and array adaptors would otherwise stay
//! calls for every 16 values, since a crate is not optimised across its codegen units.

mod attention;
mod gelu;
mod layer_norm;
mod linear;

use rayon::prelude::*;

use super::sums::add_up;

pub use attention::Attention;
pub use gelu::gelu;
pub use layer_norm::{LAYER_NORM_EPSILON, LayerNorm};
pub use linear::{
    add_bias_gradient, add_matmul, add_weight_gradient, broadcast_bias, linear_gradient, transpose,
};

/// Images in a pack.
pub const PACK: usize = 16;

/// One value of each image of a pack. The index of an image in its pack is its slot.
pub type Packed = [f32; PACK];

/// Zero for each image.
pub const ZERO: Packed = [0.0; PACK];

/// `values`, `[…, 16]`, as packed values.
pub fn as_packed(values: &[f32]) -> &[Packed] {
    values.as_chunks().0
}

/// Mutable [`as_packed`].
pub fn as_packed_mut(values: &mut [f32]) -> &mut [Packed] {
    values.as_chunks_mut().0
}

/// Sum over the images of a pack, in pairs, which vectorises in a fixed order.
#[inline]
pub fn sum_slots(mut x: Packed) -> f32 {
    let mut half = PACK / 2;
    while half > 0 {
        for slot in 0..half {
            x[slot] += x[slot + half];
        }
        half /= 2;
    }
    x[0]
}

/// Packs `rows`, `[images, size]` with at most 16 images, to `[size]`; missing images become zero.
pub fn pack(rows: &[f32], size: usize, packed: &mut [Packed]) {
    packed.fill(ZERO);
    for (slot, row) in rows.chunks_exact(size).enumerate() {
        for (packed, x) in packed.iter_mut().zip(row) {
            packed[slot] = *x;
        }
    }
}

/// Inverse of [`pack`], for as many images as `rows` has.
pub fn unpack(packed: &[Packed], size: usize, rows: &mut [f32]) {
    for (slot, row) in rows.chunks_exact_mut(size).enumerate() {
        for (x, packed) in row.iter_mut().zip(packed) {
            *x = packed[slot];
        }
    }
}

/// Number of packs for so many images.
pub fn pack_count(images: usize) -> usize {
    images.div_ceil(PACK)
}

/// Splits `output` into pieces of `size` values (the last may be shorter), one for each pack, and
/// calls `write(pack, piece, buffers)` for all on all cores.
pub fn for_each_pack<B>(
    output: &mut [f32],
    size: usize,
    new_buffers: impl Fn() -> B + Sync + Send,
    write: impl Fn(usize, &mut [f32], &mut B) + Sync + Send,
) {
    let pieces = output.par_chunks_mut(size).enumerate();
    pieces.for_each_init(new_buffers, |buffers, (pack, piece)| {
        write(pack, piece, buffers);
    });
}

/// [`for_each_pack`] where every pack also adds to `count` sums, zero at first. Returns their totals,
/// added up in the order of packs, so that they do not depend on the number of cores.
pub fn for_each_pack_with_sums<B>(
    output: &mut [f32],
    size: usize,
    count: usize,
    new_buffers: impl Fn() -> B + Sync + Send,
    write: impl Fn(usize, &mut [f32], &mut B, &mut [f32]) + Sync + Send,
) -> Vec<f32> {
    let sums: Vec<Vec<f32>> = output
        .par_chunks_mut(size)
        .enumerate()
        .map_init(new_buffers, |buffers, (pack, piece)| {
            let mut sums = vec![0.0; count];
            write(pack, piece, buffers, &mut sums);
            sums
        })
        .collect();
    add_up(sums).unwrap_or_else(|| vec![0.0; count])
}

/// Consecutive parts of `values` of the given lengths.
pub fn split_mut<const N: usize>(mut values: &mut [f32], lengths: [usize; N]) -> [&mut [f32]; N] {
    lengths.map(|length| {
        let (part, rest) = std::mem::take(&mut values).split_at_mut(length);
        values = rest;
        part
    })
}

/// The gradients of the inputs of a kernel: `first`, then those in `sums`, one after the other.
pub fn input_gradients<const N: usize>(
    inputs: [&[f32]; N],
    first: Vec<f32>,
    mut sums: &[f32],
) -> [Option<Vec<f32>>; N] {
    let mut first = Some(first);
    inputs.map(|input| {
        first.take().or_else(|| {
            let (gradient, rest) = sums.split_at(input.len());
            sums = rest;
            Some(gradient.to_vec())
        })
    })
}

/// e^x of every value, for x ≤ 0; below −87 the result is that for −87. NaN propagates.
#[inline]
pub fn exp(mut packed: Packed) -> Packed {
    /// Adding it rounds to an integer, which is then in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 as the sum of a number of few digits and the rest.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    for x in &mut packed {
        let clamped = if *x < -87.0 { -87.0 } else { *x };
        let rounded = clamped * std::f32::consts::LOG2_E + ROUND;
        let n = rounded - ROUND;
        let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(127 << 23));
        let r = clamped - n * LN_2[0] - n * LN_2[1];
        let tail = 1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0)));
        *x = power * (1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * tail))));
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpacking_restores_rows() {
        let rows: Vec<f32> = (0..15).map(|x| x as f32).collect();
        let mut packed = vec![[1.0; PACK]; 5];
        pack(&rows, 5, &mut packed);
        assert_eq!(packed[1][..4], [1.0, 6.0, 11.0, 0.0]);
        let mut restored = vec![0.0; 15];
        unpack(&packed, 5, &mut restored);
        assert_eq!(restored, rows);
    }

    #[test]
    fn exponentials_are_exact_to_two_units_in_the_last_place() {
        for step in 0..80_000 {
            let x = step as f32 * -1e-3;
            let expected = f64::from(x).exp();
            let result = f64::from(exp([x; PACK])[3]);
            let error = (result - expected).abs() / expected;
            assert!(error < 2.4e-7, "e^{x} = {expected}, not {result}");
        }
        let special = exp([f32::NAN, f32::NEG_INFINITY, 0.0, -1e9]
            .repeat(4)
            .try_into()
            .unwrap());
        assert!(special[0].is_nan());
        assert!(special[1] < 1e-37 && special[3] < 1e-37);
        assert_eq!(special[2], 1.0);
    }

    #[test]
    fn slots_are_summed_over_all_images() {
        let x: Packed = std::array::from_fn(|slot| (slot + 1) as f32);
        assert_eq!(sum_slots(x), 136.0);
    }
}
