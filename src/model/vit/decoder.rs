//! The decoder: from z to images.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Device, Tensor},
};
use rand_chacha::ChaCha8Rng;

use super::{
    Sizes, TOKEN_DEVIATION,
    masking::restore_masked,
    patches::to_images,
    positional_encoding, to_tokens,
    transformer::{self, Block, LayerNorm, linear_values},
};
use crate::{
    kernels,
    model::{
        ForwardContext, init,
        latent::{Latent, Masked},
    },
};

/// z to images.
#[derive(Module, Debug)]
pub struct Decoder {
    input: Linear,
    /// Token of a hidden patch, `[embed]`.
    mask_token: Param<Tensor<1>>,
    blocks: Vec<Block>,
    norm: LayerNorm,
    output: Linear,
    #[module(skip)]
    sizes: Sizes,
}

impl Decoder {
    /// New weights, Xavier-uniform.
    pub(super) fn new(sizes: Sizes, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        let embed = sizes.embed;
        Self {
            input: init::xavier_linear(embed, embed, rng, device),
            mask_token: init::normal(embed, TOKEN_DEVIATION, rng, device),
            blocks: Block::stack(&sizes, rng, device),
            norm: LayerNorm::new(embed, device),
            output: init::xavier_linear(embed, sizes.grid.values(), rng, device),
            sizes,
        }
    }

    /// `[batch, tokens · embed]` → `[batch, channels · height · width]`.
    pub fn forward(&self, latent: Latent, _: &mut ForwardContext) -> Tensor<2> {
        self.decode_on_cpu(&latent)
            .unwrap_or_else(|| self.decode(latent))
    }

    pub(super) fn decode_on_cpu(&self, latent: &Latent) -> Option<Tensor<2>> {
        let batch = latent.values.dims()[0];
        let token_indices = match &latent.masked {
            Some(masked) => Some(masked.token_indices.clone().try_into_vec_as().ok()?),
            None => None,
        };
        let layout = self.sizes.token_layout();
        let tokens = kernels::latent_to_tokens(
            latent.values.clone(),
            linear_values(&self.input)?,
            self.mask_token.val(),
            layout.clone(),
            token_indices,
        )?;
        let tokens = transformer::forward_packed(&self.blocks, tokens)?;
        let output = linear_values(&self.output)?;
        kernels::tokens_to_pixels(tokens, self.norm.values(), output, layout, batch)
    }

    pub(super) fn decode(&self, latent: Latent) -> Tensor<2> {
        let Latent { values, masked } = latent;
        let Sizes { grid, embed, .. } = self.sizes;
        let tokens = self.input.forward(to_tokens(values, embed));
        let tokens = match &masked {
            Some(masked) => self.with_mask_tokens(tokens, masked),
            None => tokens,
        };
        let tokens = tokens + positional_encoding::tensor(&grid, embed, &self.mask_token.device());
        let tokens = transformer::forward(&self.blocks, tokens);
        let patches = self.norm.forward(tokens).narrow(1, 1, grid.count());
        to_images(self.output.forward(patches), &grid)
    }

    /// The class token and the tokens of all patches, the mask token for hidden ones.
    fn with_mask_tokens(&self, tokens: Tensor<3>, masked: &Masked) -> Tensor<3> {
        let visible = tokens.dims()[1] - 1;
        let class = tokens.clone().narrow(1, 0, 1);
        let visible = tokens.narrow(1, 1, visible);
        let all = restore_masked(visible, self.mask_token.val(), masked);
        Tensor::cat(vec![class, all], 1)
    }
}
