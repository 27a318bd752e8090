//! The beginning of a decoder: from z to packed tokens.

use burn::tensor::Tensor;

use super::TokenLayout;
use crate::kernels::{
    operation::{Kernel, Operand, run},
    packed::{
        PACK, Packed, ZERO, add_bias_gradient, add_matmul, add_weight_gradient, as_packed,
        as_packed_mut, broadcast_bias, for_each_pack, for_each_pack_with_sums, input_gradients,
        pack, pack_count, split_mut, sum_slots, transpose, unpack,
    },
};

/// Linear layer from z, `[batch, (1 + visible) · embed]`, to the tokens of all patches,
/// `[packs, 1 + patches, embed, 16]`, with positional encodings added.
///
/// `weight` is `[embed, embed]`, `bias` and `mask_token` are `[embed]`. `token_indices`,
/// `[batch, patches]`, has the index of each patch among the visible ones; larger indices mark hidden
/// patches, which get the mask token. Without it all patches are visible, in order.
pub fn latent_to_tokens(
    z: Tensor<2>,
    (weight, bias): (Tensor<2>, Tensor<1>),
    mask_token: Tensor<1>,
    layout: TokenLayout,
    token_indices: Option<Vec<u32>>,
) -> Option<Tensor<4>> {
    let [batch, latent_size] = z.dims();
    let kernel = LatentToTokens {
        visible: latent_size / layout.embed - 1,
        layout,
        batch,
        token_indices,
    };
    let operands = [
        Operand::new(z)?,
        Operand::new(weight)?,
        Operand::new(bias)?,
        Operand::new(mask_token)?,
    ];
    Some(run(kernel, operands))
}

#[derive(Clone, Debug)]
struct LatentToTokens {
    layout: TokenLayout,
    batch: usize,
    /// Visible patches of an image.
    visible: usize,
    /// `[batch, patches]`
    token_indices: Option<Vec<u32>>,
}

impl LatentToTokens {
    /// Values of the z of an image.
    fn latent_size(&self) -> usize {
        (1 + self.visible) * self.layout.embed
    }

    /// Tokens of an image, the class token included.
    fn tokens(&self) -> usize {
        1 + self.layout.grid.count()
    }

    /// Index of the token of z, the class token being 0, for a token of the image in `slot` of `pack`;
    /// `None` for a hidden patch.
    fn source(&self, pack: usize, slot: usize, token: usize) -> Option<usize> {
        let (Some(indices), Some(patch)) = (&self.token_indices, token.checked_sub(1)) else {
            return Some(token);
        };
        let image = pack * PACK + slot;
        let index = *indices.get(image * self.layout.grid.count() + patch)? as usize;
        (index < self.visible).then_some(1 + index)
    }

    /// The z of the images of `pack`.
    fn latents<'a>(&self, z: &'a [f32], pack: usize) -> &'a [f32] {
        let size = self.latent_size() * PACK;
        &z[pack * size..z.len().min((pack + 1) * size)]
    }

    /// Writes the gradient of the visible tokens, `[1 + visible, embed]`, to `visible`, given that of
    /// all tokens, and adds that of the mask token to `mask_token`.
    fn gather_gradient(
        &self,
        pack: usize,
        gradient: &[Packed],
        visible: &mut [Packed],
        mask_token: &mut [f32],
    ) {
        if self.token_indices.is_none() {
            visible.copy_from_slice(gradient);
            return;
        }
        let embed = self.layout.embed;
        visible.fill(ZERO);
        let mut hidden = vec![ZERO; embed];
        for (token, gradient) in gradient.chunks_exact(embed).enumerate() {
            for slot in 0..PACK {
                let to = match self.source(pack, slot, token) {
                    Some(source) => &mut visible[source * embed..][..embed],
                    None => &mut hidden,
                };
                for (to, g) in to.iter_mut().zip(gradient) {
                    to[slot] += g[slot];
                }
            }
        }
        for (to, hidden) in mask_token.iter_mut().zip(hidden) {
            *to += sum_slots(hidden);
        }
    }
}

impl Kernel<4> for LatentToTokens {
    fn forward(&mut self, [z, weight, bias, mask_token]: [&[f32]; 4]) -> (Vec<f32>, Vec<usize>) {
        let (embed, latent_size) = (self.layout.embed, self.latent_size());
        let (tokens, packs) = (self.tokens(), pack_count(self.batch));
        let size = self.layout.pack_size(tokens);
        let mut output = vec![0.0; packs * size];
        for_each_pack(
            &mut output,
            size,
            || (vec![ZERO; latent_size], vec![ZERO; latent_size]),
            |index, output, (packed, visible)| {
                pack(self.latents(z, index), latent_size, packed);
                broadcast_bias(bias, visible);
                add_matmul(packed, embed, weight, visible);
                let output = as_packed_mut(output);
                for (token, output) in output.chunks_exact_mut(embed).enumerate() {
                    if token == 0 || self.token_indices.is_none() {
                        output.copy_from_slice(&visible[token * embed..][..embed]);
                    } else {
                        for slot in 0..PACK {
                            let source = self.source(index, slot, token);
                            for (value, to) in output.iter_mut().enumerate() {
                                to[slot] = match source {
                                    Some(source) => visible[source * embed + value][slot],
                                    None => mask_token[value],
                                };
                            }
                        }
                    }
                    for (to, position) in output.iter_mut().zip(self.layout.position(token)) {
                        for x in to {
                            *x += position;
                        }
                    }
                }
            },
        );
        (output, vec![packs, tokens, embed, PACK])
    }

    fn backward(
        &self,
        inputs: [&[f32]; 4],
        _: &[f32],
        output_gradient: &[f32],
        _: [bool; 4],
    ) -> [Option<Vec<f32>>; 4] {
        let [z, weight, bias, mask_token] = inputs;
        let (embed, latent_size) = (self.layout.embed, self.latent_size());
        let size = self.layout.pack_size(self.tokens());
        let transposed = transpose(weight, embed);
        let lengths = [weight.len(), bias.len(), mask_token.len()];
        let mut z_gradient = vec![0.0; z.len()];
        let sums = for_each_pack_with_sums(
            &mut z_gradient,
            latent_size * PACK,
            lengths.iter().sum(),
            || (vec![ZERO; latent_size], vec![ZERO; latent_size]),
            |index, z_gradient, (visible, packed), sums| {
                let [weight, bias, mask_token] = split_mut(sums, lengths);
                let gradient = as_packed(&output_gradient[index * size..][..size]);
                self.gather_gradient(index, gradient, visible, mask_token);
                pack(self.latents(z, index), latent_size, packed);
                add_weight_gradient(packed, embed, visible, weight);
                add_bias_gradient(visible, bias);
                packed.fill(ZERO);
                add_matmul(visible, embed, &transposed, packed);
                unpack(packed, latent_size, z_gradient);
            },
        );
        input_gradients(inputs, z_gradient, &sums)
    }
}
