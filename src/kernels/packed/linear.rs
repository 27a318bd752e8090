//! Linear layers over the tokens of packed images.

use super::{PACK, Packed, ZERO, sum_slots};

/// Outputs that are computed together, as many as fit the registers of any processor.
const BLOCK: usize = 2;

/// Sets every token of `output` to `bias`.
pub fn broadcast_bias(bias: &[f32], output: &mut [Packed]) {
    for token in output.chunks_exact_mut(bias.len()) {
        for (y, bias) in token.iter_mut().zip(bias) {
            *y = [*bias; PACK];
        }
    }
}

/// Adds `x`, `[tokens, inputs]`, times `weights`, `[inputs, outputs]`, to `output`.
pub fn add_matmul(x: &[Packed], inputs: usize, weights: &[f32], output: &mut [Packed]) {
    let outputs = weights.len() / inputs;
    for (x, to) in x.chunks_exact(inputs).zip(output.chunks_exact_mut(outputs)) {
        let (blocks, rest) = to.as_chunks_mut::<BLOCK>();
        let first_of_rest = blocks.len() * BLOCK;
        for (block, to) in blocks.iter_mut().enumerate() {
            add_columns(x, &weights[block * BLOCK..], outputs, to);
        }
        for (index, to) in rest.iter_mut().enumerate() {
            let weights = &weights[first_of_rest + index..];
            add_columns(x, weights, outputs, std::array::from_mut(to));
        }
    }
}

/// Adds `x` times the first `N` columns of `weights`, whose rows are `outputs` apart.
#[inline]
fn add_columns<const N: usize>(
    x: &[Packed],
    weights: &[f32],
    outputs: usize,
    to: &mut [Packed; N],
) {
    let mut sums = *to;
    let mut weights = weights.chunks(outputs);
    for x in x {
        let Some(weights) = weights.next().and_then(<[f32]>::first_chunk::<N>) else {
            break;
        };
        for output in 0..N {
            for slot in 0..PACK {
                sums[output][slot] += weights[output] * x[slot];
            }
        }
    }
    *to = sums;
}

/// Transposes `weights` from `[inputs, outputs]` to `[outputs, inputs]`.
pub fn transpose(weights: &[f32], inputs: usize) -> Vec<f32> {
    let outputs = weights.len() / inputs;
    (0..outputs)
        .flat_map(|output| (0..inputs).map(move |input| weights[input * outputs + output]))
        .collect()
}

/// Adds the gradients of weights, `[inputs, outputs]`, and biases, `[outputs]`, to `sums`, where they
/// follow one another.
pub fn linear_gradient(
    x: &[Packed],
    inputs: usize,
    output_gradient: &[Packed],
    outputs: usize,
    sums: &mut [f32],
) {
    let (weights, biases) = sums.split_at_mut(inputs * outputs);
    add_weight_gradient(x, inputs, output_gradient, weights);
    add_bias_gradient(output_gradient, biases);
}

/// Adds the gradient of the weights, summed over tokens and images, to `gradient`,
/// `[inputs, outputs]`.
pub fn add_weight_gradient(
    x: &[Packed],
    inputs: usize,
    output_gradient: &[Packed],
    gradient: &mut [f32],
) {
    let outputs = gradient.len() / inputs;
    for (input, to) in gradient.chunks_exact_mut(outputs).enumerate() {
        let (blocks, rest) = to.as_chunks_mut::<BLOCK>();
        let first_of_rest = blocks.len() * BLOCK;
        let x = &x[input..];
        for (block, to) in blocks.iter_mut().enumerate() {
            add_products(x, inputs, &output_gradient[block * BLOCK..], outputs, to);
        }
        for (index, to) in rest.iter_mut().enumerate() {
            let output_gradient = &output_gradient[first_of_rest + index..];
            add_products(
                x,
                inputs,
                output_gradient,
                outputs,
                std::array::from_mut(to),
            );
        }
    }
}

/// Adds, for `N` outputs, Σ over tokens and images of one input times the gradient of the output.
#[inline]
fn add_products<const N: usize>(
    x: &[Packed],
    inputs: usize,
    output_gradient: &[Packed],
    outputs: usize,
    to: &mut [f32; N],
) {
    let mut sums = [ZERO; N];
    let mut tokens = x.chunks(inputs);
    for gradient in output_gradient.chunks(outputs) {
        let token = tokens.next().and_then(<[Packed]>::first);
        let (Some(x), Some(gradient)) = (token, gradient.first_chunk::<N>()) else {
            break;
        };
        for output in 0..N {
            for slot in 0..PACK {
                sums[output][slot] += x[slot] * gradient[output][slot];
            }
        }
    }
    for output in 0..N {
        to[output] += sum_slots(sums[output]);
    }
}

/// Adds the gradient of the biases, summed over tokens and images, to `gradient`, `[outputs]`.
pub fn add_bias_gradient(output_gradient: &[Packed], gradient: &mut [f32]) {
    let outputs = gradient.len();
    for (output, to) in gradient.iter_mut().enumerate() {
        let mut total = ZERO;
        for gradient in output_gradient[output..].iter().step_by(outputs) {
            for slot in 0..PACK {
                total[slot] += gradient[slot];
            }
        }
        *to += sum_slots(total);
    }
}
