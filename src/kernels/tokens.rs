//! Conversions between images, packed tokens and z at the ends of a vision transformer.

mod latent_to_tokens;
mod patch_embed;
mod patch_grid;
mod tokens_to_latent;
mod tokens_to_pixels;

use std::sync::Arc;

use super::packed::PACK;

pub use latent_to_tokens::latent_to_tokens;
pub use patch_embed::patch_embed;
pub use patch_grid::PatchGrid;
pub use tokens_to_latent::tokens_to_latent;
pub use tokens_to_pixels::tokens_to_pixels;

/// Layout of the tokens of an image: the class token, then one token for each patch.
#[derive(Clone, Debug)]
pub struct TokenLayout {
    pub grid: PatchGrid,
    /// Values of a token.
    pub embed: usize,
    /// Positional encodings of all tokens, `[1 + patches, embed]`.
    pub positions: Arc<[f32]>,
}

impl TokenLayout {
    /// Values of a pack of images with `tokens` tokens each.
    fn pack_size(&self, tokens: usize) -> usize {
        tokens * self.embed * PACK
    }

    /// Positional encoding of a token, `[embed]`.
    #[inline]
    fn position(&self, token: usize) -> &[f32] {
        &self.positions[token * self.embed..][..self.embed]
    }
}
