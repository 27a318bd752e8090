//! The vision transformer (paper, section on `ViT` CREs), after the masked autoencoders it stems from.
//!
//! The paper trains it on 1×28×28 in patches of 7 and on 3×32×32 in patches of 4; other images and
//! patches work where the patches tile the image. One depth, one number of heads and one MLP ratio
//! hold for encoder and decoder alike, as in the authors' settings. A mask ratio above 0 hides that
//! share of the patches from the encoder in training, and the reconstruction loss is then the mean
//! over hidden patches only. In evaluation all patches are seen and all pixels count, so that test
//! errors can be compared with those of any other network.

mod masking;
mod options;
mod patches;
mod positions;
mod transformer;

#[cfg(test)]
mod tests;

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Device, Tensor, TensorData},
};

use super::{
    Cre, ForwardContext, InvalidArchitecture, LatentLayout, ModelSpec,
    architecture::Blueprint,
    batch_norm::BatchNorm,
    cre::{Latent, Masked},
    init,
};
use crate::{kernels, rng};
use masking::PatchMask;
use options::Sizes;
pub use options::VitOptions;
pub use patches::Patches;
pub(crate) use transformer::EPSILON;
use transformer::{Block, LayerNorm, linear, mean_of_patches};

/// Batch normalisation has to see the whole batch.
pub(super) const BATCH_SPLITTABLE: bool = false;

/// Standard deviation of fresh class and mask tokens.
const TOKEN_DEVIATION: f32 = 0.02;
/// ε of the classifier's normalisation.
const BATCH_EPSILON: f64 = 1e-6;

/// The one variant; its sizes are options of the plan.
pub(super) const VIT: Vit = Vit;

#[derive(Clone, Copy, Debug)]
pub(super) struct Vit;

impl Blueprint for Vit {
    fn layout(&self, plan: &ModelSpec) -> Result<LatentLayout, InvalidArchitecture> {
        let sizes = Sizes::of(plan)?;
        Ok(LatentLayout::Tokens {
            count: sizes.tokens(),
            width: sizes.embed,
        })
    }

    fn build(
        &self,
        plan: &ModelSpec,
        seed: u64,
        device: &Device,
    ) -> Result<Cre, InvalidArchitecture> {
        Ok(Cre::from(Self::parts(plan, seed, device)?))
    }

    fn parameters(&self, plan: &ModelSpec) -> Result<usize, InvalidArchitecture> {
        let sizes = Sizes::of(plan)?;
        let (embed, values) = (sizes.embed, sizes.patches.values());
        let blocks = sizes.depth * Block::parameters(&sizes);
        let encoder = (values + 1) * embed + embed + blocks + 2 * embed;
        let decoder = (embed + 1) * embed + embed + blocks + 2 * embed + (embed + 1) * values;
        Ok(encoder + decoder + (embed + 1) * plan.classes)
    }

    fn describe(&self, plan: &ModelSpec) -> Result<String, InvalidArchitecture> {
        let sizes = Sizes::of(plan)?;
        let Sizes { patches, embed, .. } = sizes;
        let (count, tokens, side) = (patches.count(), sizes.tokens(), patches.side);
        let cut = format!("{count} patches of {}×{side}×{side}", patches.channels);
        let blocks = format!(
            "{} block{} ({} head{}, MLP {})",
            sizes.depth,
            if sizes.depth == 1 { "" } else { "s" },
            sizes.heads,
            if sizes.heads == 1 { "" } else { "s" },
            sizes.hidden,
        );
        let hidden = match count - sizes.seen {
            0 => String::new(),
            hidden => format!("\nTraining hides {hidden} of {count} patches"),
        };
        Ok(format!(
            "Encoder {cut} → {tokens}×{embed} → {blocks} → {tokens}×{embed}\n\
             Decoder {tokens}×{embed} → {blocks} → {cut}\n\
             Classifier mean of {count}×{embed} → {embed} → {}{hidden}",
            plan.classes
        ))
    }
}

impl Vit {
    /// Encoder, decoder and classifier with fresh weights.
    fn parts(
        plan: &ModelSpec,
        seed: u64,
        device: &Device,
    ) -> Result<(Encoder, Decoder, Classifier), InvalidArchitecture> {
        let sizes = Sizes::of(plan)?;
        let Sizes { patches, embed, .. } = sizes;
        let rng = &mut rng::from_stream(seed, rng::WEIGHTS);
        let encoder = Encoder {
            patches: PatchEmbedding {
                weight: {
                    let shape = [embed, patches.channels, patches.side, patches.side];
                    init::xavier(shape, [patches.values(), embed], rng, device)
                },
                bias: Param::from_tensor(Tensor::zeros([embed], device)),
            },
            class_token: init::normal(embed, TOKEN_DEVIATION, rng, device),
            blocks: Block::stack(&sizes, rng, device),
            norm: LayerNorm::new(embed, device),
            sizes,
        };
        let decoder = Decoder {
            input: init::xavier_linear(embed, embed, rng, device),
            mask_token: init::normal(embed, TOKEN_DEVIATION, rng, device),
            blocks: Block::stack(&sizes, rng, device),
            norm: LayerNorm::new(embed, device),
            output: init::xavier_linear(embed, patches.values(), rng, device),
            sizes,
        };
        let classifier = Classifier {
            norm: BatchNorm::plain(embed, BATCH_EPSILON, device),
            output: init::xavier_linear(embed, plan.classes, rng, device),
            embed,
        };
        Ok((encoder, decoder, classifier))
    }
}

/// A token for every patch: a convolution whose stride is its kernel's side.
#[derive(Module, Debug)]
pub struct PatchEmbedding {
    /// `[embed, channels, side, side]`
    weight: Param<Tensor<4>>,
    /// `[embed]`
    bias: Param<Tensor<1>>,
}

impl PatchEmbedding {
    /// Images `[batch, channels · height · width]` → `[batch, patches, embed]`.
    fn forward(&self, images: Tensor<2>, patches: &Patches) -> Tensor<3> {
        let embed = self.bias.dims()[0];
        let weight = self.weight.val().permute([2, 3, 1, 0]);
        let weight: Tensor<3> = weight.reshape([1, patches.values(), embed]);
        patches.cut(images).matmul(weight) + self.bias.val().reshape([1, 1, embed])
    }
}

/// What kernels for the CPU know of images and tokens.
fn tokens(sizes: &Sizes) -> kernels::Tokens {
    let grid = [sizes.patches.rows, sizes.patches.columns];
    kernels::Tokens {
        patches: sizes.patches,
        embed: sizes.embed,
        positions: positions::positions(grid, sizes.embed).into(),
    }
}

/// All `blocks` one after the other over images that lie abreast.
fn through(blocks: &[Block], tokens: Tensor<4>) -> Option<Tensor<4>> {
    blocks
        .iter()
        .try_fold(tokens, |x, block| block.forward_abreast(x))
}

/// The fixed positions of all tokens, `[1, tokens, embed]`, the class token first.
fn positions(sizes: &Sizes, device: &Device) -> Tensor<3> {
    let grid = [sizes.patches.rows, sizes.patches.columns];
    let table = positions::positions(grid, sizes.embed);
    let shape = [1, sizes.tokens(), sizes.embed];
    Tensor::from_data(TensorData::new(table, shape), device)
}

/// Images to z: class token, then a token for every patch that is seen.
#[derive(Module, Debug)]
pub struct Encoder {
    patches: PatchEmbedding,
    /// `[embed]`
    class_token: Param<Tensor<1>>,
    blocks: Vec<Block>,
    norm: LayerNorm,
    #[module(skip)]
    sizes: Sizes,
}

impl Encoder {
    pub fn forward(&self, images: Tensor<2>, pass: &mut ForwardContext) -> Latent {
        let hiding = self.hiding(pass);
        let masked = hiding
            .as_ref()
            .map(|hiding| hiding.masked(&self.sizes.patches, &images.device().inner()));
        let on_cpu = self.encode_on_cpu(&images, hiding.as_ref());
        Latent {
            values: on_cpu.unwrap_or_else(|| self.encode(images, hiding.as_ref())),
            masked,
        }
    }

    /// What training hides in this pass.
    fn hiding(&self, pass: &mut ForwardContext) -> Option<PatchMask> {
        let Sizes { patches, seen, .. } = self.sizes;
        let count = patches.count();
        if seen == count {
            return None;
        }
        let noise = pass.numbers(count)?;
        Some(PatchMask::by_noise(&noise, count, seen))
    }

    fn encode_on_cpu(&self, images: &Tensor<2>, hiding: Option<&PatchMask>) -> Option<Tensor<2>> {
        let batch = images.dims()[0];
        let tokens = kernels::embed(
            images.clone(),
            (self.patches.weight.val(), self.patches.bias.val()),
            self.class_token.val(),
            tokens(&self.sizes),
            hiding.map(|hiding| hiding.seen().collect()),
        )?;
        kernels::leave(through(&self.blocks, tokens)?, self.norm.values(), batch)
    }

    fn encode(&self, images: Tensor<2>, hiding: Option<&PatchMask>) -> Tensor<2> {
        let Sizes { patches, embed, .. } = self.sizes;
        let (device, batch) = (images.device(), images.dims()[0]);
        let positions = positions(&self.sizes, &device.inner());
        let places = positions.clone().narrow(1, 1, patches.count());
        let tokens = self.patches.forward(images, &patches) + places;
        let tokens = match hiding {
            Some(hiding) => hiding.pick(tokens),
            None => tokens,
        };
        let class = self.class_token.val().reshape([1, 1, embed]) + positions.narrow(1, 0, 1);
        let tokens = Tensor::cat(vec![class.expand([batch, 1, embed]), tokens], 1);
        let tokens = self.blocks.iter().fold(tokens, |x, block| block.forward(x));
        self.norm.forward(tokens).flatten(1, 2)
    }
}

/// z to images.
#[derive(Module, Debug)]
pub struct Decoder {
    input: Linear,
    /// Stands for what was hidden, `[embed]`.
    mask_token: Param<Tensor<1>>,
    blocks: Vec<Block>,
    norm: LayerNorm,
    output: Linear,
    #[module(skip)]
    sizes: Sizes,
}

impl Decoder {
    pub fn forward(&self, latent: Latent, _: &mut ForwardContext) -> Tensor<2> {
        self.decode_on_cpu(&latent)
            .unwrap_or_else(|| self.decode(latent))
    }

    fn decode_on_cpu(&self, latent: &Latent) -> Option<Tensor<2>> {
        let batch = latent.values.dims()[0];
        let places = match &latent.masked {
            Some(masked) => Some(masked.places.clone().try_into_vec_as().ok()?),
            None => None,
        };
        let sizes = tokens(&self.sizes);
        let tokens = kernels::enter(
            latent.values.clone(),
            linear(&self.input)?,
            self.mask_token.val(),
            sizes.clone(),
            places,
        )?;
        let tokens = through(&self.blocks, tokens)?;
        let output = linear(&self.output)?;
        kernels::paint(tokens, self.norm.values(), output, sizes, batch)
    }

    fn decode(&self, latent: Latent) -> Tensor<2> {
        let Latent { values, masked } = latent;
        let tokens = self.input.forward(as_tokens(values, self.sizes.embed));
        let tokens = match &masked {
            Some(masked) => self.with_hidden(tokens, masked),
            None => tokens,
        };
        let tokens = tokens + positions(&self.sizes, &self.mask_token.device());
        let tokens = self.blocks.iter().fold(tokens, |x, block| block.forward(x));
        let count = self.sizes.patches.count();
        let seen = self.norm.forward(tokens).narrow(1, 1, count);
        self.sizes.patches.join(self.output.forward(seen))
    }

    /// The tokens of all patches behind the class token, the mask token where one was hidden.
    fn with_hidden(&self, tokens: Tensor<3>, masked: &Masked) -> Tensor<3> {
        let seen = tokens.dims()[1] - 1;
        let class = tokens.clone().narrow(1, 0, 1);
        let seen = tokens.narrow(1, 1, seen);
        let all = masking::restore_masked(seen, self.mask_token.val(), masked);
        Tensor::cat(vec![class, all], 1)
    }
}

/// z to class scores.
#[derive(Module, Debug)]
pub struct Classifier {
    norm: BatchNorm,
    output: Linear,
    embed: usize,
}

impl Classifier {
    pub fn forward(&self, latent: Latent, pass: &mut ForwardContext) -> Tensor<2> {
        let mean = mean_of_patches(as_tokens(latent.values, self.embed));
        self.output.forward(self.norm.forward(mean, pass))
    }
}

/// z, `[batch, tokens · embed]`, as `[batch, tokens, embed]`.
fn as_tokens(z: Tensor<2>, embed: usize) -> Tensor<3> {
    let [batch, values] = z.dims();
    z.reshape([batch, values / embed, embed])
}
