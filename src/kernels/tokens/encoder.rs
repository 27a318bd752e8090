//! The ends of an encoder: from pixels to tokens, and from tokens to z.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::Tokens;
use crate::{
    kernels::{
        CHUNK, Kernel,
        abreast::{
            Norm, Wide, ZERO, abreast, bias_gradient, chunks, each_chunk, in_rows, multiply, start,
            sums_of_chunks, transposed, weight_gradient, wides, wides_mut,
        },
        is_cpu, operand, run,
        transformer::Pair,
    },
    model::vit::{EPSILON, Patches},
};

/// Images, `[batch, channels · height · width]`, as tokens, `[chunks, 1 + seen, embed, 16]`: the class
/// token, then those of the patches that are `seen`, `[batch, seen]` (all in order where it is
/// none), positions added. `weight` is `[embed, channels, side, side]`.
pub fn embed(
    images: Tensor<2>,
    (weight, bias): (Tensor<4>, Tensor<1>),
    class_token: Tensor<1>,
    sizes: Tokens,
    seen: Option<Vec<usize>>,
) -> Option<Tensor<4>> {
    if !is_cpu(&images.device()) {
        return None;
    }
    let batch = images.dims()[0];
    let tracked = weight.is_autodiff() || images.is_autodiff();
    let operands = [
        operand(images, tracked)?,
        operand(weight, tracked)?,
        operand(bias, tracked)?,
        operand(class_token, tracked)?,
    ];
    let Patches { channels, side, .. } = sizes.patches;
    let places = (0..sizes.patches.count()).flat_map(|patch| {
        (0..channels * side * side).map(move |value| {
            let (channel, pixel) = (value / (side * side), value % (side * side));
            sizes
                .patches
                .place(patch, channel, [pixel / side, pixel % side])
        })
    });
    let kernel = Embed {
        places: places.collect(),
        batch,
        seen,
        sizes,
    };
    Some(run(kernel, operands))
}

#[derive(Clone, Debug)]
struct Embed {
    sizes: Tokens,
    batch: usize,
    seen: Option<Vec<usize>>,
    /// Where each value of each patch lies in an image, in the order of the weights.
    places: Arc<[usize]>,
}

impl Embed {
    /// Patches that are seen of an image.
    fn seen(&self) -> usize {
        match &self.seen {
            Some(seen) => seen.len() / self.batch.max(1),
            None => self.sizes.patches.count(),
        }
    }

    /// The patch that is the `place`th of those seen of `image`.
    fn patch(&self, image: usize, place: usize) -> usize {
        match &self.seen {
            Some(seen) => seen[image * self.seen() + place],
            None => place,
        }
    }

    /// Images of a chunk.
    fn images(&self, chunk: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        (chunk * CHUNK..self.batch.min((chunk + 1) * CHUNK)).enumerate()
    }

    /// The `place`th seen patch of each image of `chunk`, `[values]`.
    fn gather(&self, images: &[f32], chunk: usize, place: usize, to: &mut [Wide]) {
        to.fill(ZERO);
        let (values, pixels) = (self.sizes.patches.values(), self.sizes.pixels());
        for (lane, image) in self.images(chunk) {
            let places = &self.places[self.patch(image, place) * values..][..values];
            let image = &images[image * pixels..][..pixels];
            for (to, place) in to.iter_mut().zip(places) {
                to[lane] = image[*place];
            }
        }
    }
}

impl Kernel<4> for Embed {
    fn forward(&mut self, inputs: [&[f32]; 4]) -> (Vec<f32>, Vec<usize>) {
        let [images, weight, bias, class_token] = inputs;
        let (embed, values) = (self.sizes.embed, self.sizes.patches.values());
        let weight = transposed(weight, embed);
        let (seen, chunks) = (self.seen(), chunks(self.batch));
        let size = self.sizes.chunk(1 + seen);
        let mut output = vec![0.0; chunks * size];
        each_chunk(
            &mut output,
            size,
            || vec![ZERO; values],
            |chunk, to, patch| {
                let (first, rest) = wides_mut(to).split_at_mut(embed);
                let class = class_token.iter().zip(self.sizes.position(0));
                for (to, (token, position)) in first.iter_mut().zip(class) {
                    *to = [token + position; CHUNK];
                }
                for (place, token) in rest.chunks_exact_mut(embed).enumerate() {
                    start(bias, token);
                    for (lane, image) in self.images(chunk) {
                        let position = self.sizes.position(1 + self.patch(image, place));
                        for (to, position) in token.iter_mut().zip(position) {
                            to[lane] += position;
                        }
                    }
                    self.gather(images, chunk, place, patch);
                    multiply(patch, values, &weight, token);
                }
            },
        );
        (output, vec![chunks, 1 + seen, embed, CHUNK])
    }

    fn backward(
        &self,
        [images, weight, bias, _]: [&[f32]; 4],
        _: &[f32],
        gradient: &[f32],
        _: [bool; 4],
    ) -> [Option<Vec<f32>>; 4] {
        let (embed, values) = (self.sizes.embed, self.sizes.patches.values());
        let size = self.sizes.chunk(1 + self.seen());
        let count = weight.len() + bias.len() + embed;
        // A place for each chunk: no gradient of the images is wanted.
        let mut places = vec![0.0; chunks(self.batch)];
        let sums = sums_of_chunks(
            &mut places,
            1,
            count,
            || vec![ZERO; values],
            |chunk, _, patch, sums| {
                let gradient = wides(&gradient[chunk * size..][..size]);
                let (to_weight, sums) = sums.split_at_mut(weight.len());
                let (to_bias, to_class) = sums.split_at_mut(embed);
                let (first, rest) = gradient.split_at(embed);
                bias_gradient(first, to_class);
                bias_gradient(rest, to_bias);
                for (place, gradient) in rest.chunks_exact(embed).enumerate() {
                    self.gather(images, chunk, place, patch);
                    weight_gradient(patch, values, gradient, to_weight);
                }
            },
        );
        let (to_weight, sums) = sums.split_at(weight.len());
        let (to_bias, to_class) = sums.split_at(embed);
        [
            None,
            Some(transposed(to_weight, values)),
            Some(to_bias.to_vec()),
            Some(to_class.to_vec()),
        ]
    }
}

/// The last normalisation of an encoder: from `x`, `[chunks, tokens, embed, 16]`, to the z of `batch`
/// images, `[batch, tokens · embed]`.
pub fn leave(x: Tensor<4>, (scale, shift): Pair<1>, batch: usize) -> Option<Tensor<2>> {
    if !is_cpu(&x.device()) {
        return None;
    }
    let [_, tokens, embed, _] = x.dims();
    let tracked = x.is_autodiff() || scale.is_autodiff();
    let operands = [
        operand(x, tracked)?,
        operand(scale, tracked)?,
        operand(shift, tracked)?,
    ];
    let row = tokens * embed;
    Some(run(Leave { batch, row }, operands))
}

#[derive(Clone, Debug)]
struct Leave {
    batch: usize,
    /// Values of z.
    row: usize,
}

impl Kernel<3> for Leave {
    fn forward(&mut self, [x, scale, shift]: [&[f32]; 3]) -> (Vec<f32>, Vec<usize>) {
        let size = self.row * CHUNK;
        let mut z = vec![0.0; self.batch * self.row];
        each_chunk(
            &mut z,
            size,
            || (Norm::default(), vec![ZERO; self.row]),
            |chunk, to, (norm, normed)| {
                let x = wides(&x[chunk * size..][..size]);
                norm.forward(x, [scale, shift], EPSILON as f32, normed);
                in_rows(normed, self.row, to);
            },
        );
        (z, vec![self.batch, self.row])
    }

    fn backward(
        &self,
        [x, scale, shift]: [&[f32]; 3],
        _: &[f32],
        gradient: &[f32],
        _: [bool; 3],
    ) -> [Option<Vec<f32>>; 3] {
        let size = self.row * CHUNK;
        let mut found = vec![0.0; x.len()];
        let sums = sums_of_chunks(
            &mut found,
            size,
            scale.len() + shift.len(),
            || (Norm::default(), vec![ZERO; self.row]),
            |chunk, to, (norm, wide), sums| {
                let x = wides(&x[chunk * size..][..size]);
                norm.forward(x, [scale, shift], EPSILON as f32, wide);
                let end = gradient.len().min((chunk + 1) * size);
                abreast(&gradient[chunk * size..end], self.row, wide);
                norm.backward(wide, scale, sums, wides_mut(to));
            },
        );
        let (to_scale, to_shift) = sums.split_at(scale.len());
        [
            Some(found),
            Some(to_scale.to_vec()),
            Some(to_shift.to_vec()),
        ]
    }
}
