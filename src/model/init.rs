//! Initial weights, drawn by our own generator so that every device starts from the same numbers.

use burn::{
    module::Param,
    nn::Linear,
    tensor::{Device, Tensor, TensorData},
};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// The stream that draws the weights.
pub const WEIGHTS: u64 = 0;

/// The stream that shuffles epoch `epoch`.
pub fn order_stream(epoch: u64) -> u64 {
    1 + epoch
}

/// The stream of what is random in step `step` for the image at `place` of the batch.
pub fn noise_stream(step: u64, place: usize) -> u64 {
    // Apart from the streams above for 2^63 epochs, from one another for batches of 2^24 images.
    1 << 63 | step << 24 | place as u64
}

/// The stream of the angle by which the image at `place` of step `step`'s batch is turned.
pub fn rotation_stream(step: u64, place: usize) -> u64 {
    3 << 62 | step << 24 | place as u64
}

/// The generator of everything random in a run, a stream for each purpose, so that any epoch and
/// any step can be had without replaying the earlier ones.
pub fn rng(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    generator
}

/// A weight or bias as PyTorch initialises it (Kaiming-uniform with a = √5): uniform in ±1/√`fan_in`.
pub fn uniform<const D: usize>(
    shape: [usize; D],
    fan_in: usize,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Param<Tensor<D>> {
    within(1.0 / (fan_in as f32).sqrt(), shape, rng, device)
}

/// A weight between so many inputs and so many outputs, Xavier-uniform: in ±√(6 / (inputs + outputs)).
pub fn xavier<const D: usize>(
    shape: [usize; D],
    [inputs, outputs]: [usize; 2],
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Param<Tensor<D>> {
    let bound = (6.0 / (inputs + outputs) as f32).sqrt();
    within(bound, shape, rng, device)
}

fn within<const D: usize>(
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

/// `count` values of a normal distribution around 0.
pub fn normal(
    count: usize,
    deviation: f32,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Param<Tensor<1>> {
    let values: Vec<f32> = (0..count)
        .map(|_| {
            // Box and Muller; the logarithm's argument is never 0.
            let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt();
            deviation * radius * (std::f32::consts::TAU * rng.random::<f32>()).cos()
        })
        .collect();
    Param::from_data(TensorData::new(values, [count]), device)
}

/// A linear layer as PyTorch initialises it: weights `[inputs, outputs]` and biases.
pub fn linear(inputs: usize, outputs: usize, rng: &mut ChaCha8Rng, device: &Device) -> Linear {
    Linear {
        weight: uniform([inputs, outputs], inputs, rng, device),
        bias: Some(uniform([outputs], inputs, rng, device)),
    }
}

/// A linear layer of Xavier-uniform weights `[inputs, outputs]`, its biases 0.
pub fn xavier_linear(
    inputs: usize,
    outputs: usize,
    rng: &mut ChaCha8Rng,
    device: &Device,
) -> Linear {
    Linear {
        weight: xavier([inputs, outputs], [inputs, outputs], rng, device),
        bias: Some(Param::from_tensor(Tensor::zeros([outputs], device))),
    }
}
