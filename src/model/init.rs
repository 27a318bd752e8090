//! Initial weights, drawn by our own generator so that every device starts from the same numbers.

use burn::{
    module::Param,
    nn::Linear,
    tensor::{Device, TensorData},
};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

/// The generator of everything random in a run: stream 0 draws the weights, stream 1 + e shuffles
/// epoch e, so that any epoch's order is known without replaying the earlier ones.
pub fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    generator
}

/// A linear layer as PyTorch initialises it (Kaiming-uniform with a = √5): weights
/// `[inputs, outputs]` and biases uniform in ±1/√inputs.
#[expect(clippy::cast_precision_loss, reason = "layer sizes are far below 2^24")]
pub fn linear(inputs: usize, outputs: usize, rng: &mut ChaCha8Rng, device: &Device) -> Linear {
    let bound = 1.0 / (inputs as f32).sqrt();
    let mut draw = |count: usize| -> Vec<f32> {
        (0..count)
            .map(|_| rng.random_range(-bound..bound))
            .collect()
    };
    let weight = TensorData::new(draw(inputs * outputs), [inputs, outputs]);
    let bias = TensorData::new(draw(outputs), [outputs]);
    Linear {
        weight: Param::from_data(weight, device),
        bias: Some(Param::from_data(bias, device)),
    }
}
