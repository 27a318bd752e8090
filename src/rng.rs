//! Random streams: `ChaCha8` by seed, with one stream per purpose.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

/// The stream that draws the weights.
pub const WEIGHTS: u64 = 0;

/// The stream that shuffles epoch `epoch`.
pub fn order_stream(epoch: u64) -> u64 {
    1 + epoch
}

/// The stream of dropout and masks in step `step` for the image at `index` of the batch.
pub fn noise_stream(step: u64, index: usize) -> u64 {
    // Apart from the streams above for 2^63 epochs, from one another for batches of 2^24 images.
    1 << 63 | step << 24 | index as u64
}

/// The stream of the rotation angle in step `step` for the image at `index` of the batch.
pub fn rotation_stream(step: u64, index: usize) -> u64 {
    3 << 62 | step << 24 | index as u64
}

/// The generator of all randomness in a run. Each purpose has its own stream, so that any epoch and
/// any step can be reproduced without replaying the earlier ones.
pub fn from_stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    generator
}
