//! Linear layers over tokens of images that lie abreast.

use super::{CHUNK, Wide, ZERO, sum};

/// Outputs that are worked on together: as many as the registers of any processor hold.
const TOGETHER: usize = 2;

/// Every token of `to` becomes `bias`.
pub fn start(bias: &[f32], to: &mut [Wide]) {
    for token in to.chunks_exact_mut(bias.len()) {
        for (y, bias) in token.iter_mut().zip(bias) {
            *y = [*bias; CHUNK];
        }
    }
}

/// Adds to every token of `to` the product of that of `x` with `weights`, `[inputs, outputs]`.
pub fn multiply(x: &[Wide], inputs: usize, weights: &[f32], to: &mut [Wide]) {
    let outputs = weights.len() / inputs;
    for (x, to) in x.chunks_exact(inputs).zip(to.chunks_exact_mut(outputs)) {
        let (blocks, rest) = to.as_chunks_mut::<TOGETHER>();
        let first_of_rest = blocks.len() * TOGETHER;
        for (block, to) in blocks.iter_mut().enumerate() {
            add_products(x, &weights[block * TOGETHER..], outputs, to);
        }
        for (place, to) in rest.iter_mut().enumerate() {
            add_products(
                x,
                &weights[first_of_rest + place..],
                outputs,
                std::array::from_mut(to),
            );
        }
    }
}

/// Adds Σ over the values of `x` times a row of `weights`, of which the rows are `width` apart.
#[inline]
fn add_products<const N: usize>(x: &[Wide], weights: &[f32], width: usize, to: &mut [Wide; N]) {
    let mut sums = *to;
    let mut weights = weights.chunks(width);
    for x in x {
        let Some(weights) = weights.next().and_then(<[f32]>::first_chunk::<N>) else {
            break;
        };
        for output in 0..N {
            for lane in 0..CHUNK {
                sums[output][lane] += weights[output] * x[lane];
            }
        }
    }
    *to = sums;
}

/// `weights`, `[inputs, outputs]`, as `[outputs, inputs]`.
pub fn transposed(weights: &[f32], inputs: usize) -> Vec<f32> {
    let outputs = weights.len() / inputs;
    (0..outputs)
        .flat_map(|output| (0..inputs).map(move |input| weights[input * outputs + output]))
        .collect()
}

/// Adds to `to`, `[inputs, outputs]`, what the tokens `x` and the gradients of their outputs make of
/// the weights' gradient.
pub fn weight_gradient(x: &[Wide], inputs: usize, gradient: &[Wide], to: &mut [f32]) {
    let outputs = to.len() / inputs;
    for (input, to) in to.chunks_exact_mut(outputs).enumerate() {
        let (blocks, rest) = to.as_chunks_mut::<TOGETHER>();
        let first_of_rest = blocks.len() * TOGETHER;
        let x = &x[input..];
        for (block, to) in blocks.iter_mut().enumerate() {
            add_correlations(x, inputs, &gradient[block * TOGETHER..], outputs, to);
        }
        for (place, to) in rest.iter_mut().enumerate() {
            let gradient = &gradient[first_of_rest + place..];
            add_correlations(x, inputs, gradient, outputs, std::array::from_mut(to));
        }
    }
}

/// Adds Σ over tokens and images of a value of `x` times `N` gradients.
#[inline]
fn add_correlations<const N: usize>(
    x: &[Wide],
    inputs: usize,
    gradient: &[Wide],
    outputs: usize,
    to: &mut [f32; N],
) {
    let mut sums = [ZERO; N];
    let mut tokens = x.chunks(inputs);
    for gradient in gradient.chunks(outputs) {
        let token = tokens.next().and_then(<[Wide]>::first);
        let (Some(x), Some(gradient)) = (token, gradient.first_chunk::<N>()) else {
            break;
        };
        for output in 0..N {
            for lane in 0..CHUNK {
                sums[output][lane] += x[lane] * gradient[output][lane];
            }
        }
    }
    for output in 0..N {
        to[output] += sum(sums[output]);
    }
}

/// Adds to `to`, `[outputs]`, the sum of `gradient` over tokens and images.
pub fn bias_gradient(gradient: &[Wide], to: &mut [f32]) {
    let outputs = to.len();
    for (output, to) in to.iter_mut().enumerate() {
        let mut total = ZERO;
        for gradient in gradient[output..].iter().step_by(outputs) {
            for lane in 0..CHUNK {
                total[lane] += gradient[lane];
            }
        }
        *to += sum(total);
    }
}
