//! The transformer block of encoder and decoder: attention and MLP, each behind a layer normalisation.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Device, Tensor, activation, module::layer_norm},
};
use rand_chacha::ChaCha8Rng;

use super::Sizes;
use crate::{
    kernels::{self, BlockParameters, LAYER_NORM_EPSILON},
    model::init,
};

/// Normalises each token over its values, then scales and shifts.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// `[embed]`
    pub weight: Param<Tensor<1>>,
    /// `[embed]`
    pub bias: Param<Tensor<1>>,
}

impl LayerNorm {
    /// With a scale of 1 and a shift of 0.
    pub fn new(embed: usize, device: &Device) -> Self {
        Self {
            weight: Param::from_tensor(Tensor::ones([embed], device)),
            bias: Param::from_tensor(Tensor::zeros([embed], device)),
        }
    }

    /// Scale and shift.
    pub fn values(&self) -> (Tensor<1>, Tensor<1>) {
        (self.weight.val(), self.bias.val())
    }

    /// Same shape, `[batch, tokens, embed]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let (scale, shift) = self.values();
        layer_norm(x, scale, Some(shift), LAYER_NORM_EPSILON)
    }
}

/// Multi-head self-attention.
#[derive(Module, Debug)]
pub struct Attention {
    /// Queries, keys and values, one after the other and each head by head, `[embed, 3 · embed]`.
    pub qkv: Linear,
    /// `[embed, embed]`
    pub output: Linear,
    pub heads: usize,
}

impl Attention {
    /// New weights, Xavier-uniform.
    pub fn new(embed: usize, heads: usize, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        Self {
            qkv: init::xavier_linear(embed, 3 * embed, rng, device),
            output: init::xavier_linear(embed, embed, rng, device),
            heads,
        }
    }

    /// Same shape, `[batch, tokens, embed]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [batch, tokens, embed] = x.dims();
        let head_size = embed / self.heads;
        let qkv = self.qkv.forward(x);
        let [query, key, value] = [0, 1, 2].map(|part| -> Tensor<4> {
            qkv.clone()
                .narrow(2, part * embed, embed)
                .reshape([batch, tokens, self.heads, head_size])
                .swap_dims(1, 2)
        });
        let scores = query
            .matmul(key.transpose())
            .mul_scalar((head_size as f64).sqrt().recip());
        let attended = activation::softmax(scores, 3).matmul(value);
        let attended = attended.swap_dims(1, 2).reshape([batch, tokens, embed]);
        self.output.forward(attended)
    }
}

/// Attention, then an MLP, both with residual connections.
#[derive(Module, Debug)]
pub struct Block {
    pub norm1: LayerNorm,
    pub attention: Attention,
    pub norm2: LayerNorm,
    /// `[embed, hidden]`
    pub inner: Linear,
    /// `[hidden, embed]`
    pub outer: Linear,
}

impl Block {
    /// New weights, Xavier-uniform.
    pub fn new(sizes: &Sizes, rng: &mut ChaCha8Rng, device: &Device) -> Self {
        let Sizes { embed, hidden, .. } = *sizes;
        Self {
            norm1: LayerNorm::new(embed, device),
            attention: Attention::new(embed, sizes.heads, rng, device),
            norm2: LayerNorm::new(embed, device),
            inner: init::xavier_linear(embed, hidden, rng, device),
            outer: init::xavier_linear(hidden, embed, rng, device),
        }
    }

    /// All blocks of an encoder or decoder.
    pub fn stack(sizes: &Sizes, rng: &mut ChaCha8Rng, device: &Device) -> Vec<Self> {
        (0..sizes.depth)
            .map(|_| Self::new(sizes, rng, device))
            .collect()
    }

    /// Number of parameters of a block.
    pub fn parameter_count(sizes: &Sizes) -> usize {
        let Sizes { embed, hidden, .. } = *sizes;
        let linear = |inputs: usize, outputs: usize| (inputs + 1) * outputs;
        4 * embed
            + linear(embed, 3 * embed)
            + linear(embed, embed)
            + linear(embed, hidden)
            + linear(hidden, embed)
    }

    /// [`Self::forward`] of packed images, `[packs, tokens, embed, 16]`; `None` on other devices than
    /// the CPU.
    fn forward_packed(&self, x: Tensor<4>) -> Option<Tensor<4>> {
        let parameters = BlockParameters {
            norm1: self.norm1.values(),
            qkv: linear_values(&self.attention.qkv)?,
            output: linear_values(&self.attention.output)?,
            norm2: self.norm2.values(),
            inner: linear_values(&self.inner)?,
            outer: linear_values(&self.outer)?,
        };
        kernels::transformer_block(x, parameters, self.attention.heads)
    }

    /// Same shape, `[batch, tokens, embed]`.
    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() + self.attention.forward(self.norm1.forward(x));
        let hidden = activation::gelu(self.inner.forward(self.norm2.forward(x.clone())));
        x + self.outer.forward(hidden)
    }
}

/// All `blocks` in order over `[batch, tokens, embed]`.
pub fn forward(blocks: &[Block], tokens: Tensor<3>) -> Tensor<3> {
    blocks.iter().fold(tokens, |x, block| block.forward(x))
}

/// All `blocks` in order over packed images, `[packs, tokens, embed, 16]`; `None` on other devices
/// than the CPU.
pub fn forward_packed(blocks: &[Block], tokens: Tensor<4>) -> Option<Tensor<4>> {
    blocks
        .iter()
        .try_fold(tokens, |x, block| block.forward_packed(x))
}

/// Weights and biases of a layer; `None` without biases, which all layers here have.
pub fn linear_values(layer: &Linear) -> Option<(Tensor<2>, Tensor<1>)> {
    Some((layer.weight.val(), layer.bias.as_ref()?.val()))
}
