//! Random streams: one `ChaCha8` generator for each seed and stream.
//!
//! Every purpose has its own stream, so that any epoch and any step can be reproduced without
//! replaying the earlier ones.

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

/// Stream of the initial weights.
pub const WEIGHTS_STREAM: u64 = 0;
/// First stream of the epochs' shuffles; there is room for 2^63 epochs.
const FIRST_ORDER_STREAM: u64 = 1;
/// First stream of dropout and masks; there is room for 2^38 steps of 2^24 images.
const FIRST_NOISE_STREAM: u64 = 1 << 63;
/// First stream of the rotation angles, as many as for noise.
const FIRST_ROTATION_STREAM: u64 = 3 << 62;
/// Bits of a stream for the index of an image in its batch.
const INDEX_BITS: u32 = 24;

/// Stream of the order of the images in epoch `epoch`.
pub fn order_stream(epoch: u64) -> u64 {
    FIRST_ORDER_STREAM + epoch
}

/// Stream of dropout and masks in step `step` for the image at `index` of the batch.
pub fn noise_stream(step: u64, index: usize) -> u64 {
    FIRST_NOISE_STREAM | step << INDEX_BITS | index as u64
}

/// Stream of the rotation angle in step `step` for the image at `index` of the batch.
pub fn rotation_stream(step: u64, index: usize) -> u64 {
    FIRST_ROTATION_STREAM | step << INDEX_BITS | index as u64
}

/// The generator of `stream` for `seed`.
pub fn from_stream(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    generator
}
