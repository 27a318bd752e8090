//! CPU kernels for operations that burn's CPU backend computes several times slower: convolutions,
//! batch normalisation with max-pooling, tanh, and transformer blocks over small tokens.
//!
//! Every operation works on a whole batch on all cores, and its gradient is written by hand: burn's
//! autodiff treats it as one node. An operation returns `None` on any other device than the CPU,
//! where the caller uses burn's own operations.
//!
//! Images are computed in parallel; sums over images are taken over chunks of a fixed size and added
//! up in order, so that results do not depend on the number of cores.

mod activation;
mod bn_pool_relu;
mod conv;
mod im2col;
mod matmul;
mod operation;
mod packed;
pub mod sums;
mod tanh;
mod tokens;
mod transformer;

pub use activation::Activation;
pub use bn_pool_relu::{BatchNormParameters, batch_statistics, bn_pool_relu};
pub use conv::{conv_transpose2d, conv2d};
pub use packed::LAYER_NORM_EPSILON;
pub use tanh::tanh;
pub use tokens::{
    PatchGrid, TokenLayout, latent_to_tokens, patch_embed, tokens_to_latent, tokens_to_pixels,
};
pub use transformer::{BlockParameters, transformer_block};
