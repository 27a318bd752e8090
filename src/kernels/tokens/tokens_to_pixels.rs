//! The end of a decoder: from packed tokens to images.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::TokenLayout;
use crate::kernels::{
    operation::{Kernel, Operand, run},
    packed::{
        LayerNorm, PACK, Packed, ZERO, add_bias_gradient, add_matmul, add_weight_gradient,
        as_packed, as_packed_mut, broadcast_bias, for_each_pack, for_each_pack_with_sums,
        input_gradients, split_mut, transpose,
    },
};

/// Layer normalisation of `x`, `[packs, 1 + patches, embed, 16]`, with `scale` and `shift`, then a
/// linear layer from every token but the class token to the pixels of its patch: the images of
/// `batch`, `[batch, channels · height · width]`.
///
/// `weight` is `[embed, side · side · channels]`, `bias` has one value for each of its columns.
pub fn tokens_to_pixels(
    x: Tensor<4>,
    (scale, shift): (Tensor<1>, Tensor<1>),
    (weight, bias): (Tensor<2>, Tensor<1>),
    layout: TokenLayout,
    batch: usize,
) -> Option<Tensor<2>> {
    let kernel = TokensToPixels {
        pixel_indices: layout.grid.indices_by_pixel().into(),
        batch,
        layout,
    };
    let operands = [
        Operand::new(x)?,
        Operand::new(scale)?,
        Operand::new(shift)?,
        Operand::new(weight)?,
        Operand::new(bias)?,
    ];
    Some(run(kernel, operands))
}

#[derive(Clone, Debug)]
struct TokensToPixels {
    layout: TokenLayout,
    batch: usize,
    /// Index in an image of each value of each patch.
    pixel_indices: Arc<[usize]>,
}

/// Buffers for one pack.
struct Buffers {
    norm: LayerNorm,
    /// `[1 + patches, embed]`
    normalized: Vec<Packed>,
    /// Values of one patch, or their gradient.
    patch: Vec<Packed>,
}

impl TokensToPixels {
    /// Tokens of an image, the class token included.
    fn tokens(&self) -> usize {
        1 + self.layout.grid.count()
    }

    fn new_buffers(&self) -> Buffers {
        Buffers {
            norm: LayerNorm::default(),
            normalized: vec![ZERO; self.tokens() * self.layout.embed],
            patch: vec![ZERO; self.layout.grid.values()],
        }
    }
}

impl Kernel<5> for TokensToPixels {
    fn forward(&mut self, [x, scale, shift, weight, bias]: [&[f32]; 5]) -> (Vec<f32>, Vec<usize>) {
        let (embed, values) = (self.layout.embed, self.layout.grid.values());
        let pixels = self.layout.grid.pixels();
        let size = self.layout.pack_size(self.tokens());
        let mut images = vec![0.0; self.batch * pixels];
        for_each_pack(
            &mut images,
            pixels * PACK,
            || self.new_buffers(),
            |pack, images, buffers| {
                let Buffers {
                    norm,
                    normalized,
                    patch,
                } = buffers;
                let x = as_packed(&x[pack * size..][..size]);
                norm.forward(x, [scale, shift], normalized);
                let tokens = normalized[embed..].chunks_exact(embed);
                for (token, indices) in tokens.zip(self.pixel_indices.chunks_exact(values)) {
                    broadcast_bias(bias, patch);
                    add_matmul(token, embed, weight, patch);
                    for (slot, image) in images.chunks_exact_mut(pixels).enumerate() {
                        for (index, x) in indices.iter().zip(&*patch) {
                            image[*index] = x[slot];
                        }
                    }
                }
            },
        );
        (images, vec![self.batch, pixels])
    }

    fn backward(
        &self,
        inputs: [&[f32]; 5],
        _: &[f32],
        output_gradient: &[f32],
        _: [bool; 5],
    ) -> [Option<Vec<f32>>; 5] {
        let [x, scale, shift, weight, bias] = inputs;
        let (embed, values) = (self.layout.embed, self.layout.grid.values());
        let pixels = self.layout.grid.pixels();
        let size = self.layout.pack_size(self.tokens());
        let transposed = transpose(weight, embed);
        let lengths = [2 * embed, weight.len(), bias.len()];
        let mut x_gradient = vec![0.0; x.len()];
        let sums = for_each_pack_with_sums(
            &mut x_gradient,
            size,
            lengths.iter().sum(),
            || (self.new_buffers(), vec![ZERO; self.tokens() * embed]),
            |pack, x_gradient, (buffers, token_gradients), sums| {
                let Buffers {
                    norm,
                    normalized,
                    patch,
                } = buffers;
                let [norm_sums, weight_sums, bias_sums] = split_mut(sums, lengths);
                let x = as_packed(&x[pack * size..][..size]);
                norm.forward(x, [scale, shift], normalized);
                let end = output_gradient.len().min((pack + 1) * pixels * PACK);
                let images = &output_gradient[pack * pixels * PACK..end];
                token_gradients.fill(ZERO);
                let tokens = normalized[embed..]
                    .chunks_exact(embed)
                    .zip(token_gradients[embed..].chunks_exact_mut(embed));
                let patches = self.pixel_indices.chunks_exact(values);
                for ((token, token_gradient), indices) in tokens.zip(patches) {
                    patch.fill(ZERO);
                    for (slot, image) in images.chunks_exact(pixels).enumerate() {
                        for (index, g) in indices.iter().zip(&mut *patch) {
                            g[slot] = image[*index];
                        }
                    }
                    add_weight_gradient(token, embed, patch, weight_sums);
                    add_bias_gradient(patch, bias_sums);
                    add_matmul(patch, values, &transposed, token_gradient);
                }
                norm.backward(token_gradients, scale, norm_sums, as_packed_mut(x_gradient));
            },
        );
        input_gradients(inputs, x_gradient, &sums)
    }
}
