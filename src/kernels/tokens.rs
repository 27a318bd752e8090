//! Where images that lie abreast come from and go to: patches, z, pixels.

mod decoder;
mod encoder;

use std::sync::Arc;

use super::CHUNK;
use crate::model::vit::Patches;

pub use decoder::{enter, paint};
pub use encoder::{embed, leave};

/// What the ends of encoder and decoder know of images and tokens.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub patches: Patches,
    /// Values of a token.
    pub embed: usize,
    /// Of the class token, then of every patch, `[1 + patches, embed]`.
    pub positions: Arc<[f32]>,
}

impl Tokens {
    /// Pixels of an image, all channels.
    fn pixels(&self) -> usize {
        self.patches.count() * self.patches.values()
    }

    /// Values of a chunk of images with so many tokens.
    fn chunk(&self, tokens: usize) -> usize {
        tokens * self.embed * CHUNK
    }

    #[inline]
    fn position(&self, token: usize) -> &[f32] {
        &self.positions[token * self.embed..][..self.embed]
    }
}
