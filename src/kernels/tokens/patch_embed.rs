//! Patch embedding: from images to packed tokens.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::TokenLayout;
use crate::kernels::{
    operation::{Kernel, Operand, run},
    packed::{
        PACK, Packed, ZERO, add_bias_gradient, add_matmul, add_weight_gradient, as_packed,
        as_packed_mut, broadcast_bias, for_each_pack, for_each_pack_with_sums, input_gradients,
        pack_count, split_mut, transpose,
    },
};

/// Embeds `images`, `[batch, channels · height · width]`, as tokens `[packs, 1 + visible, embed, 16]`:
/// the class token, then one token for each visible patch, with positional encodings added.
///
/// `weight` is `[embed, channels, side, side]`, `bias` and `class_token` are `[embed]`. `visible`,
/// `[batch, visible]`, lists the patches of each image; without it all are visible, in order. The
/// images have no gradient.
pub fn patch_embed(
    images: Tensor<2>,
    (weight, bias): (Tensor<4>, Tensor<1>),
    class_token: Tensor<1>,
    layout: TokenLayout,
    visible: Option<Vec<usize>>,
) -> Option<Tensor<4>> {
    let kernel = PatchEmbed {
        batch: images.dims()[0],
        visible,
        pixel_indices: layout.grid.indices_by_channel().into(),
        layout,
    };
    let operands = [
        Operand::new(images)?,
        Operand::new(weight)?,
        Operand::new(bias)?,
        Operand::new(class_token)?,
    ];
    Some(run(kernel, operands))
}

#[derive(Clone, Debug)]
struct PatchEmbed {
    layout: TokenLayout,
    batch: usize,
    /// Visible patches of each image, `[batch, visible]`.
    visible: Option<Vec<usize>>,
    /// Index in an image of each value of each patch, in the order of the weights.
    pixel_indices: Arc<[usize]>,
}

impl PatchEmbed {
    /// Number of visible patches of an image.
    fn visible_count(&self) -> usize {
        match &self.visible {
            Some(visible) => visible.len() / self.batch.max(1),
            None => self.layout.grid.count(),
        }
    }

    /// The patch of `image` that is visible at `index`.
    fn patch(&self, image: usize, index: usize) -> usize {
        match &self.visible {
            Some(visible) => visible[image * self.visible_count() + index],
            None => index,
        }
    }

    /// Slots and indices of the images of a pack.
    fn images(&self, pack: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        (pack * PACK..self.batch.min((pack + 1) * PACK)).enumerate()
    }

    /// Writes the values of the visible patch `index` of each image of `pack` to `patch`.
    fn gather(&self, images: &[f32], pack: usize, index: usize, patch: &mut [Packed]) {
        patch.fill(ZERO);
        let (values, pixels) = (self.layout.grid.values(), self.layout.grid.pixels());
        for (slot, image) in self.images(pack) {
            let indices = &self.pixel_indices[self.patch(image, index) * values..][..values];
            let image = &images[image * pixels..][..pixels];
            for (to, index) in patch.iter_mut().zip(indices) {
                to[slot] = image[*index];
            }
        }
    }
}

impl Kernel<4> for PatchEmbed {
    fn forward(
        &mut self,
        [images, weight, bias, class_token]: [&[f32]; 4],
    ) -> (Vec<f32>, Vec<usize>) {
        let (embed, values) = (self.layout.embed, self.layout.grid.values());
        let weight = transpose(weight, embed);
        let (tokens, packs) = (1 + self.visible_count(), pack_count(self.batch));
        let size = self.layout.pack_size(tokens);
        let mut output = vec![0.0; packs * size];
        for_each_pack(
            &mut output,
            size,
            || vec![ZERO; values],
            |pack, output, patch| {
                let (class, patches) = as_packed_mut(output).split_at_mut(embed);
                let class_token = class_token.iter().zip(self.layout.position(0));
                for (to, (token, position)) in class.iter_mut().zip(class_token) {
                    *to = [token + position; PACK];
                }
                for (index, token) in patches.chunks_exact_mut(embed).enumerate() {
                    broadcast_bias(bias, token);
                    for (slot, image) in self.images(pack) {
                        let position = self.layout.position(1 + self.patch(image, index));
                        for (to, position) in token.iter_mut().zip(position) {
                            to[slot] += position;
                        }
                    }
                    self.gather(images, pack, index, patch);
                    add_matmul(patch, values, &weight, token);
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
        let [images, weight, bias, class_token] = inputs;
        let (embed, values) = (self.layout.embed, self.layout.grid.values());
        let size = self.layout.pack_size(1 + self.visible_count());
        let lengths = [weight.len(), bias.len(), class_token.len()];
        // One unused value for each pack, as there is no gradient of the images.
        let mut unused = vec![0.0; pack_count(self.batch)];
        let sums = for_each_pack_with_sums(
            &mut unused,
            1,
            lengths.iter().sum(),
            || vec![ZERO; values],
            |pack, _, patch, sums| {
                let [weight, bias, class_token] = split_mut(sums, lengths);
                let gradient = as_packed(&output_gradient[pack * size..][..size]);
                let (class, patches) = gradient.split_at(embed);
                add_bias_gradient(class, class_token);
                add_bias_gradient(patches, bias);
                for (index, gradient) in patches.chunks_exact(embed).enumerate() {
                    self.gather(images, pack, index, patch);
                    add_weight_gradient(patch, values, gradient, weight);
                }
            },
        );
        let [_, weight, bias, class_token] = input_gradients(inputs, Vec::new(), &sums);
        let weight = weight.map(|weight| transpose(&weight, values));
        [None, weight, bias, class_token]
    }
}
