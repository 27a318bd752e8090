//! The vision transformer (paper, section on `ViT` CREs), a masked autoencoder.
//!
//! The paper trains it on 1×28×28 in patches of 7 and on 3×32×32 in patches of 4; other images and
//! patches work where the patches tile the image. Depth, number of heads and MLP ratio are the same
//! for encoder and decoder, as in the settings of the authors. With a mask ratio above 0, training
//! hides that share of the patches from the encoder, and the reconstruction loss is the mean over the
//! hidden patches. In evaluation all patches are visible and all pixels count, so that test errors can
//! be compared with those of other networks.

mod decoder;
mod encoder;
mod masking;
mod patches;
mod positional_encoding;
mod sizes;
mod transformer;

#[cfg(test)]
mod tests;

use burn::{
    module::Module,
    nn::Linear,
    tensor::{Device, Tensor, s},
};

use super::{
    ForwardContext, InvalidArchitecture, ModelSpec,
    batch_norm::BatchNorm,
    init,
    latent::{Latent, LatentLayout},
};
use crate::{format::plural, rng};
use sizes::Sizes;
use transformer::Block;

pub use decoder::Decoder;
pub use encoder::Encoder;

/// The batch normalisation of the classifier depends on the whole batch.
pub(super) const BATCH_SPLITTABLE: bool = false;

/// Standard deviation of new class and mask tokens.
const TOKEN_DEVIATION: f32 = 0.02;
/// ε of the classifier's batch normalisation.
const BATCH_NORM_EPSILON: f64 = 1e-6;

pub(super) fn latent_layout(spec: &ModelSpec) -> Result<LatentLayout, InvalidArchitecture> {
    let sizes = Sizes::new(spec)?;
    Ok(LatentLayout::Tokens {
        count: sizes.tokens(),
        width: sizes.embed,
    })
}

/// The three parts with new weights.
pub(super) fn build(
    spec: &ModelSpec,
    seed: u64,
    device: &Device,
) -> Result<(Encoder, Decoder, Classifier), InvalidArchitecture> {
    let sizes = Sizes::new(spec)?;
    let mut rng = rng::from_stream(seed, rng::WEIGHTS_STREAM);
    let encoder = Encoder::new(sizes, &mut rng, device);
    let decoder = Decoder::new(sizes, &mut rng, device);
    let classifier = Classifier {
        norm: BatchNorm::without_affine(sizes.embed, BATCH_NORM_EPSILON, device),
        output: init::xavier_linear(sizes.embed, spec.classes, &mut rng, device),
        embed: sizes.embed,
    };
    Ok((encoder, decoder, classifier))
}

pub(super) fn parameter_count(spec: &ModelSpec) -> Result<usize, InvalidArchitecture> {
    let sizes = Sizes::new(spec)?;
    let (embed, values) = (sizes.embed, sizes.grid.values());
    let blocks = sizes.depth * Block::parameter_count(&sizes);
    let encoder = (values + 1) * embed + embed + blocks + 2 * embed;
    let decoder = (embed + 1) * embed + embed + blocks + 2 * embed + (embed + 1) * values;
    Ok(encoder + decoder + (embed + 1) * spec.classes)
}

pub(super) fn describe(spec: &ModelSpec) -> Result<String, InvalidArchitecture> {
    let sizes = Sizes::new(spec)?;
    let Sizes { grid, embed, .. } = sizes;
    let (count, tokens, side) = (grid.count(), sizes.tokens(), grid.side);
    let patches = format!("{count} patches of {}×{side}×{side}", grid.channels);
    let blocks = format!(
        "{} ({}, MLP {})",
        plural(sizes.depth, "block"),
        plural(sizes.heads, "head"),
        sizes.hidden,
    );
    let hidden = match count - sizes.visible {
        0 => String::new(),
        hidden => format!("\nTraining hides {hidden} of {count} patches"),
    };
    Ok(format!(
        "Encoder {patches} → {tokens}×{embed} → {blocks} → {tokens}×{embed}\n\
         Decoder {tokens}×{embed} → {blocks} → {patches}\n\
         Classifier mean of {count}×{embed} → {embed} → {}{hidden}",
        spec.classes
    ))
}

/// z to logits.
#[derive(Module, Debug)]
pub struct Classifier {
    norm: BatchNorm,
    output: Linear,
    embed: usize,
}

impl Classifier {
    pub(super) fn forward(&self, latent: Latent, context: &mut ForwardContext) -> Tensor<2> {
        let mean = mean_of_patches(to_tokens(latent.values, self.embed));
        self.output.forward(self.norm.forward(mean, context))
    }
}

/// Reshapes z, `[batch, tokens · embed]`, to `[batch, tokens, embed]`.
fn to_tokens(z: Tensor<2>, embed: usize) -> Tensor<3> {
    let [batch, values] = z.dims();
    z.reshape([batch, values / embed, embed])
}

/// Mean of `[batch, tokens, embed]` over all tokens but the class token, `[batch, embed]`.
fn mean_of_patches(tokens: Tensor<3>) -> Tensor<2> {
    tokens.slice(s![.., 1..]).mean_dim(1).squeeze_dim(1)
}
