//! Initial weights, drawn on the CPU so that every device starts from the same values.

use burn::{
    module::Param,
    nn::Linear,
    tensor::{Device, Tensor, TensorData},
};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// Weights or biases as PyTorch initialises them (Kaiming-uniform with a = √5): uniform in
/// ±1/√`fan_in`.
pub fn kaiming_uniform<const D: usize>(
    shape: [usize; D],
    fan_in: usize,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Param<Tensor<D>> {
    uniform(1.0 / (fan_in as f32).sqrt(), shape, rng, device)
}

/// Xavier-uniform weights: uniform in ±√(6 / (inputs + outputs)).
pub fn xavier_uniform<const D: usize>(
    shape: [usize; D],
    [inputs, outputs]: [usize; 2],
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Param<Tensor<D>> {
    let bound = (6.0 / (inputs + outputs) as f32).sqrt();
    uniform(bound, shape, rng, device)
}

fn uniform<const D: usize>(
    bound: f32,
    shape: [usize; D],
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Param<Tensor<D>> {
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| rng.random_range(-bound..bound))
        .collect();
    Param::from_data(TensorData::new(values, shape), device)
}

/// `count` values of a normal distribution with mean 0.
pub fn normal(
    count: usize,
    deviation: f32,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Param<Tensor<1>> {
    let values: Vec<f32> = (0..count)
        .map(|_| {
            // Box-Muller transform; the argument of the logarithm is never 0.
            let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt();
            deviation * radius * (std::f32::consts::TAU * rng.random::<f32>()).cos()
        })
        .collect();
    Param::from_data(TensorData::new(values, [count]), device)
}

/// A linear layer as PyTorch initialises it: weights `[inputs, outputs]` and biases.
pub fn linear(inputs: usize, outputs: usize, rng: &mut ChaCha8Rng, device: &Device) -> Linear {
    Linear {
        weight: kaiming_uniform([inputs, outputs], inputs, rng, device),
        bias: Some(kaiming_uniform([outputs], inputs, rng, device)),
    }
}

/// A linear layer with Xavier-uniform weights `[inputs, outputs]` and biases of 0.
pub fn xavier_linear(
    inputs: usize,
    outputs: usize,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Linear {
    Linear {
        weight: xavier_uniform([inputs, outputs], [inputs, outputs], rng, device),
        bias: Some(Param::from_tensor(Tensor::zeros([outputs], device))),
    }
}
