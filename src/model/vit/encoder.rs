//! The encoder: from images to z.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};
use rand_chacha::ChaCha8Rng;

use super::{
    Sizes, TOKEN_DEVIATION,
    masking::PatchMask,
    patches::to_patches,
    positional_encoding,
    transformer::{self, Block, LayerNorm},
};
use crate::{
    kernels::{self, PatchGrid},
    model::{ForwardContext, init, latent::Latent},
};

/// A linear layer from patches to tokens, in the layout of a convolution with the stride of its
/// kernel.
#[derive(Module, Debug)]
pub struct PatchEmbedding {
    /// `[embed, channels, side, side]`
    weight: Param<Tensor<4>>,
    /// `[embed]`
    bias: Param<Tensor<1>>,
}

impl PatchEmbedding {
    /// Images `[batch, channels · height · width]` → `[batch, patches, embed]`.
    fn forward(&self, images: Tensor<2>, grid: &PatchGrid) -> Tensor<3> {
        let embed = self.bias.dims()[0];
        let weight = self.weight.val().permute([2, 3, 1, 0]);
        let weight: Tensor<3> = weight.reshape([1, grid.values(), embed]);
        to_patches(images, grid).matmul(weight) + self.bias.val().reshape([1, 1, embed])
    }
}

/// Images to z: the class token, then a token for every visible patch.
#[derive(Module, Debug)]
pub struct Encoder {
    patches: PatchEmbedding,
    /// `[embed]`
    class_token: Param<Tensor<1>>,
    blocks: Vec<Block>,
    norm: LayerNorm,
    #[module(skip)]
    pub(super) sizes: Sizes,
}

impl Encoder {
    /// New weights, Xavier-uniform.
    pub(super) fn new(sizes: Sizes, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        let Sizes { grid, embed, .. } = sizes;
        let shape = [embed, grid.channels, grid.side, grid.side];
        Self {
            patches: PatchEmbedding {
                weight: init::xavier_uniform(shape, [grid.values(), embed], rng, device),
                bias: Param::from_tensor(Tensor::zeros([embed], device)),
            },
            class_token: init::normal(embed, TOKEN_DEVIATION, rng, device),
            blocks: Block::stack(&sizes, rng, device),
            norm: LayerNorm::new(embed, device),
            sizes,
        }
    }

    /// `[batch, channels · height · width]` → `[batch, tokens · embed]`.
    pub fn forward(&self, images: Tensor<2>, context: &mut ForwardContext) -> Latent {
        let mask = self.random_mask(context);
        let masked = mask
            .as_ref()
            .map(|mask| mask.to_masked(&self.sizes.grid, &images.device().inner()));
        let on_cpu = self.encode_on_cpu(&images, mask.as_ref());
        Latent {
            values: on_cpu.unwrap_or_else(|| self.encode(images, mask.as_ref())),
            masked,
        }
    }

    /// A new mask; `None` in evaluation and without a mask ratio.
    pub(super) fn random_mask(&self, context: &mut ForwardContext) -> Option<PatchMask> {
        let Sizes { grid, visible, .. } = self.sizes;
        let count = grid.count();
        if visible == count {
            return None;
        }
        let noise = context.uniform_values(count)?;
        Some(PatchMask::from_noise(&noise, count, visible))
    }

    pub(super) fn encode_on_cpu(
        &self,
        images: &Tensor<2>,
        mask: Option<&PatchMask>,
    ) -> Option<Tensor<2>> {
        let batch = images.dims()[0];
        let tokens = kernels::patch_embed(
            images.clone(),
            (self.patches.weight.val(), self.patches.bias.val()),
            self.class_token.val(),
            self.sizes.token_layout(),
            mask.map(|mask| mask.visible().collect()),
        )?;
        let tokens = transformer::forward_packed(&self.blocks, tokens)?;
        kernels::tokens_to_latent(tokens, self.norm.values(), batch)
    }

    pub(super) fn encode(&self, images: Tensor<2>, mask: Option<&PatchMask>) -> Tensor<2> {
        let Sizes { grid, embed, .. } = self.sizes;
        let (device, batch) = (images.device(), images.dims()[0]);
        let positions = positional_encoding::tensor(&grid, embed, &device.inner());
        let patch_positions = positions.clone().narrow(1, 1, grid.count());
        let tokens = self.patches.forward(images, &grid) + patch_positions;
        let tokens = match mask {
            Some(mask) => mask.select_visible(tokens),
            None => tokens,
        };
        let class = self.class_token.val().reshape([1, 1, embed]) + positions.narrow(1, 0, 1);
        let tokens = Tensor::cat(vec![class.expand([batch, 1, embed]), tokens], 1);
        let tokens = transformer::forward(&self.blocks, tokens);
        self.norm.forward(tokens).flatten(1, 2)
    }
}
