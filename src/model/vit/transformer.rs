//! What encoder and decoder are made of: blocks of attention and MLP, each behind a normalisation.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Device, Tensor, activation, module::layer_norm, s},
};
use rand_chacha::ChaCha8Rng;

use super::Sizes;
use crate::{kernels, model::init};

/// ε of a [`LayerNorm`].
pub const EPSILON: f64 = 1e-5;

/// Normalises each token over its values, then scales and shifts.
#[derive(Module, Debug)]
pub struct LayerNorm {
    /// `[embed]`
    pub weight: Param<Tensor<1>>,
    /// `[embed]`
    pub bias: Param<Tensor<1>>,
}

impl LayerNorm {
    /// One that neither scales nor shifts yet.
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
        layer_norm(x, self.weight.val(), Some(self.bias.val()), EPSILON)
    }
}

/// Every token asks all others, with each of several heads in its own part of their values.
#[derive(Module, Debug)]
pub struct Attention {
    /// Queries, keys and values side by side, `[embed, 3 · embed]`, each head by head.
    pub qkv: Linear,
    /// `[embed, embed]`
    pub output: Linear,
    pub heads: usize,
}

impl Attention {
    /// Fresh weights, Xavier-uniform.
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
        let width = embed / self.heads;
        let asked = self.qkv.forward(x);
        let part = |which: usize| -> Tensor<4> {
            let part = asked.clone().narrow(2, which * embed, embed);
            part.reshape([batch, tokens, self.heads, width])
                .swap_dims(1, 2)
        };
        let [query, key, value] = [part(0), part(1), part(2)];
        let scores = query
            .matmul(key.transpose())
            .mul_scalar((width as f64).sqrt().recip());
        let answers = activation::softmax(scores, 3).matmul(value);
        let answers = answers.swap_dims(1, 2).reshape([batch, tokens, embed]);
        self.output.forward(answers)
    }
}

/// Attention, then an MLP; what each finds out is added to the tokens.
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
    /// Fresh weights.
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

    /// Weights, biases, scales and shifts of a block.
    pub fn parameters(sizes: &Sizes) -> usize {
        let Sizes { embed, hidden, .. } = *sizes;
        let linear = |from: usize, to: usize| (from + 1) * to;
        4 * embed
            + linear(embed, 3 * embed)
            + linear(embed, embed)
            + linear(embed, hidden)
            + linear(hidden, embed)
    }

    /// [`Self::forward`] of images that lie abreast, `[chunks, tokens, embed, 16]`, on the CPU.
    pub fn forward_abreast(&self, x: Tensor<4>) -> Option<Tensor<4>> {
        let by = kernels::BlockParameters {
            norm1: self.norm1.values(),
            qkv: linear(&self.attention.qkv)?,
            output: linear(&self.attention.output)?,
            norm2: self.norm2.values(),
            inner: linear(&self.inner)?,
            outer: linear(&self.outer)?,
        };
        kernels::transform(x, by, self.attention.heads)
    }

    /// Same shape, `[batch, tokens, embed]`.
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let x = x.clone() + self.attention.forward(self.norm1.forward(x));
        let hidden = activation::gelu(self.inner.forward(self.norm2.forward(x.clone())));
        x + self.outer.forward(hidden)
    }
}

/// Weights and biases of a layer that has biases, as all here.
pub fn linear(layer: &Linear) -> Option<(Tensor<2>, Tensor<1>)> {
    Some((layer.weight.val(), layer.bias.as_ref()?.val()))
}

/// Mean over the patch tokens of `[batch, tokens, embed]`, the class token left out, `[batch, embed]`.
pub fn mean_of_patches(tokens: Tensor<3>) -> Tensor<2> {
    tokens.slice(s![.., 1..]).mean_dim(1).squeeze_dim(1)
}
