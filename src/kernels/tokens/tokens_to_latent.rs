//! The end of an encoder: from packed tokens to z.

use burn::tensor::Tensor;

use crate::kernels::{
    operation::{Kernel, Operand, run},
    packed::{
        LayerNorm, PACK, ZERO, as_packed, as_packed_mut, for_each_pack, for_each_pack_with_sums,
        input_gradients, pack, unpack,
    },
};

/// Layer normalisation of `x`, `[packs, tokens, embed, 16]`, with `scale` and `shift`, to the z of
/// `batch` images, `[batch, tokens · embed]`.
pub fn tokens_to_latent(
    x: Tensor<4>,
    (scale, shift): (Tensor<1>, Tensor<1>),
    batch: usize,
) -> Option<Tensor<2>> {
    let [_, tokens, embed, _] = x.dims();
    let kernel = TokensToLatent {
        batch,
        latent_size: tokens * embed,
    };
    let operands = [Operand::new(x)?, Operand::new(scale)?, Operand::new(shift)?];
    Some(run(kernel, operands))
}

#[derive(Clone, Debug)]
struct TokensToLatent {
    batch: usize,
    /// Values of the z of an image.
    latent_size: usize,
}

impl Kernel<3> for TokensToLatent {
    fn forward(&mut self, [x, scale, shift]: [&[f32]; 3]) -> (Vec<f32>, Vec<usize>) {
        let size = self.latent_size * PACK;
        let mut z = vec![0.0; self.batch * self.latent_size];
        for_each_pack(
            &mut z,
            size,
            || (LayerNorm::default(), vec![ZERO; self.latent_size]),
            |pack, z, (norm, normalized)| {
                let x = as_packed(&x[pack * size..][..size]);
                norm.forward(x, [scale, shift], normalized);
                unpack(normalized, self.latent_size, z);
            },
        );
        (z, vec![self.batch, self.latent_size])
    }

    fn backward(
        &self,
        inputs: [&[f32]; 3],
        _: &[f32],
        output_gradient: &[f32],
        _: [bool; 3],
    ) -> [Option<Vec<f32>>; 3] {
        let [x, scale, shift] = inputs;
        let size = self.latent_size * PACK;
        let mut x_gradient = vec![0.0; x.len()];
        let sums = for_each_pack_with_sums(
            &mut x_gradient,
            size,
            scale.len() + shift.len(),
            || (LayerNorm::default(), vec![ZERO; self.latent_size]),
            |index, x_gradient, (norm, packed), sums| {
                let x = as_packed(&x[index * size..][..size]);
                norm.forward(x, [scale, shift], packed);
                let end = output_gradient.len().min((index + 1) * size);
                pack(
                    &output_gradient[index * size..end],
                    self.latent_size,
                    packed,
                );
                norm.backward(packed, scale, sums, as_packed_mut(x_gradient));
            },
        );
        input_gradients(inputs, x_gradient, &sums)
    }
}
