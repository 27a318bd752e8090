//! The ends of a decoder: from z to tokens, and from tokens to pixels.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::Tokens;
use crate::{
    kernels::{
        CHUNK, Kernel,
        abreast::{
            Norm, Wide, ZERO, abreast, bias_gradient, chunks, each_chunk, in_rows, multiply, start,
            sum, sums_of_chunks, transposed, weight_gradient, wides, wides_mut,
        },
        is_cpu, operand, run,
        transformer::Pair,
    },
    model::vit::{EPSILON, Patches},
};

/// The first layer of a decoder: from z, `[batch, (1 + seen) · embed]`, to tokens of all patches,
/// `[chunks, 1 + patches, embed, 16]`, positions added. Of every patch of every image `places`,
/// `[batch, patches]`, tells its place among those seen, beyond them where it was hidden and
/// `mask_token` stands for it; none where all were seen.
pub fn enter(
    z: Tensor<2>,
    (weight, bias): Pair<2>,
    mask_token: Tensor<1>,
    sizes: Tokens,
    places: Option<Vec<u32>>,
) -> Option<Tensor<4>> {
    if !is_cpu(&z.device()) {
        return None;
    }
    let [batch, row] = z.dims();
    let tracked = z.is_autodiff() || weight.is_autodiff();
    let operands = [
        operand(z, tracked)?,
        operand(weight, tracked)?,
        operand(bias, tracked)?,
        operand(mask_token, tracked)?,
    ];
    let kernel = Enter {
        seen: row / sizes.embed - 1,
        sizes,
        batch,
        places,
    };
    Some(run(kernel, operands))
}

#[derive(Clone, Debug)]
struct Enter {
    sizes: Tokens,
    batch: usize,
    seen: usize,
    places: Option<Vec<u32>>,
}

impl Enter {
    /// Values of z.
    fn row(&self) -> usize {
        (1 + self.seen) * self.sizes.embed
    }

    /// Which token of z, the class token being the first, stands for `patch` of the image in `lane`
    /// of `chunk`; none where it was hidden.
    fn token(&self, chunk: usize, lane: usize, patch: usize) -> Option<usize> {
        let Some(places) = &self.places else {
            return Some(1 + patch);
        };
        let image = chunk * CHUNK + lane;
        let place = *places.get(image * self.sizes.patches.count() + patch)? as usize;
        (place < self.seen).then_some(1 + place)
    }

    /// The rows of `chunk`.
    fn rows<'a>(&self, z: &'a [f32], chunk: usize) -> &'a [f32] {
        let size = self.row() * CHUNK;
        &z[chunk * size..z.len().min((chunk + 1) * size)]
    }
}

impl Kernel<4> for Enter {
    fn forward(&mut self, [z, weight, bias, mask_token]: [&[f32]; 4]) -> (Vec<f32>, Vec<usize>) {
        let (embed, row) = (self.sizes.embed, self.row());
        let tokens = 1 + self.sizes.patches.count();
        let (size, chunks) = (self.sizes.chunk(tokens), chunks(self.batch));
        let mut output = vec![0.0; chunks * size];
        each_chunk(
            &mut output,
            size,
            || (vec![ZERO; row], vec![ZERO; row]),
            |chunk, to, (wide, found)| {
                abreast(self.rows(z, chunk), row, wide);
                start(bias, found);
                multiply(wide, embed, weight, found);
                let to = wides_mut(to);
                for (token, to) in to.chunks_exact_mut(embed).enumerate() {
                    match (token, &self.places) {
                        (0, _) | (_, None) => {
                            to.copy_from_slice(&found[token * embed..][..embed]);
                        }
                        (_, Some(_)) => {
                            for lane in 0..CHUNK {
                                let from = self.token(chunk, lane, token - 1);
                                for (value, to) in to.iter_mut().enumerate() {
                                    to[lane] = match from {
                                        Some(from) => found[from * embed + value][lane],
                                        None => mask_token[value],
                                    };
                                }
                            }
                        }
                    }
                    for (to, position) in to.iter_mut().zip(self.sizes.position(token)) {
                        for x in to {
                            *x += position;
                        }
                    }
                }
            },
        );
        (output, vec![chunks, tokens, embed, CHUNK])
    }

    fn backward(
        &self,
        [z, weight, bias, mask_token]: [&[f32]; 4],
        _: &[f32],
        gradient: &[f32],
        _: [bool; 4],
    ) -> [Option<Vec<f32>>; 4] {
        let (embed, row) = (self.sizes.embed, self.row());
        let size = self.sizes.chunk(1 + self.sizes.patches.count());
        let back = transposed(weight, embed);
        let mut found = vec![0.0; z.len()];
        let sums = sums_of_chunks(
            &mut found,
            row * CHUNK,
            weight.len() + bias.len() + mask_token.len(),
            || (vec![ZERO; row], vec![ZERO; row]),
            |chunk, to, (own, wide), sums| {
                let gradient = wides(&gradient[chunk * size..][..size]);
                let (to_weight, sums) = sums.split_at_mut(weight.len());
                let (to_bias, to_mask) = sums.split_at_mut(embed);
                self.own(chunk, gradient, own, to_mask);
                abreast(self.rows(z, chunk), row, wide);
                weight_gradient(wide, embed, own, to_weight);
                bias_gradient(own, to_bias);
                wide.fill(ZERO);
                multiply(own, embed, &back, wide);
                in_rows(wide, row, to);
            },
        );
        let (to_weight, sums) = sums.split_at(weight.len());
        let (to_bias, to_mask) = sums.split_at(embed);
        [
            Some(found),
            Some(to_weight.to_vec()),
            Some(to_bias.to_vec()),
            Some(to_mask.to_vec()),
        ]
    }
}

impl Enter {
    /// Brings the gradient of all tokens to those that stood for them, `own`, `[1 + seen, embed]`, and
    /// adds that of the mask token to `to_mask`.
    fn own(&self, chunk: usize, gradient: &[Wide], own: &mut [Wide], to_mask: &mut [f32]) {
        if self.places.is_none() {
            own.copy_from_slice(gradient);
            return;
        }
        let embed = self.sizes.embed;
        own.fill(ZERO);
        let mut hidden = vec![ZERO; embed];
        for (token, gradient) in gradient.chunks_exact(embed).enumerate() {
            for lane in 0..CHUNK {
                let from = match token {
                    0 => Some(0),
                    _ => self.token(chunk, lane, token - 1),
                };
                for (value, g) in gradient.iter().enumerate() {
                    match from {
                        Some(from) => own[from * embed + value][lane] += g[lane],
                        None => hidden[value][lane] += g[lane],
                    }
                }
            }
        }
        for (to, hidden) in to_mask.iter_mut().zip(hidden) {
            *to += sum(hidden);
        }
    }
}

/// The end of a decoder: normalises `x`, `[chunks, 1 + patches, embed, 16]`, and makes the pixels of
/// its patch of every token but the class token; the images of `batch`, `[batch, pixels]`.
pub fn paint(
    x: Tensor<4>,
    (scale, shift): Pair<1>,
    (weight, bias): Pair<2>,
    sizes: Tokens,
    batch: usize,
) -> Option<Tensor<2>> {
    if !is_cpu(&x.device()) {
        return None;
    }
    let tracked = x.is_autodiff() || weight.is_autodiff();
    let operands = [
        operand(x, tracked)?,
        operand(scale, tracked)?,
        operand(shift, tracked)?,
        operand(weight, tracked)?,
        operand(bias, tracked)?,
    ];
    let Patches { channels, side, .. } = sizes.patches;
    let places = (0..sizes.patches.count()).flat_map(|patch| {
        (0..sizes.patches.values()).map(move |value| {
            let (pixel, channel) = (value / channels, value % channels);
            sizes
                .patches
                .place(patch, channel, [pixel / side, pixel % side])
        })
    });
    let kernel = Paint {
        places: places.collect(),
        batch,
        sizes,
    };
    Some(run(kernel, operands))
}

#[derive(Clone, Debug)]
struct Paint {
    sizes: Tokens,
    batch: usize,
    /// Where each value of each patch lies in an image.
    places: Arc<[usize]>,
}

impl Kernel<5> for Paint {
    fn forward(&mut self, [x, scale, shift, weight, bias]: [&[f32]; 5]) -> (Vec<f32>, Vec<usize>) {
        let (embed, values) = (self.sizes.embed, self.sizes.patches.values());
        let (pixels, count) = (self.sizes.pixels(), self.sizes.patches.count());
        let size = self.sizes.chunk(1 + count);
        let mut images = vec![0.0; self.batch * pixels];
        each_chunk(
            &mut images,
            pixels * CHUNK,
            || {
                let normed = vec![ZERO; (1 + count) * embed];
                (Norm::default(), normed, vec![ZERO; values])
            },
            |chunk, to, (norm, normed, patch)| {
                let x = wides(&x[chunk * size..][..size]);
                norm.forward(x, [scale, shift], EPSILON as f32, normed);
                let seen = normed[embed..].chunks_exact(embed);
                for (token, places) in seen.zip(self.places.chunks_exact(values)) {
                    start(bias, patch);
                    multiply(token, embed, weight, patch);
                    for (lane, image) in to.chunks_exact_mut(pixels).enumerate() {
                        for (place, x) in places.iter().zip(&*patch) {
                            image[*place] = x[lane];
                        }
                    }
                }
            },
        );
        (images, vec![self.batch, pixels])
    }

    fn backward(
        &self,
        [x, scale, shift, weight, bias]: [&[f32]; 5],
        _: &[f32],
        gradient: &[f32],
        _: [bool; 5],
    ) -> [Option<Vec<f32>>; 5] {
        let (embed, values) = (self.sizes.embed, self.sizes.patches.values());
        let (pixels, count) = (self.sizes.pixels(), self.sizes.patches.count());
        let size = self.sizes.chunk(1 + count);
        let back = transposed(weight, embed);
        let mut found = vec![0.0; x.len()];
        let sums = sums_of_chunks(
            &mut found,
            size,
            2 * embed + weight.len() + bias.len(),
            || {
                let tokens = vec![ZERO; (1 + count) * embed];
                (Norm::default(), tokens.clone(), tokens, vec![ZERO; values])
            },
            |chunk, to, (norm, normed, returned, patch), sums| {
                let x = wides(&x[chunk * size..][..size]);
                norm.forward(x, [scale, shift], EPSILON as f32, normed);
                let (to_norm, sums) = sums.split_at_mut(2 * embed);
                let (to_weight, to_bias) = sums.split_at_mut(weight.len());
                let end = gradient.len().min((chunk + 1) * pixels * CHUNK);
                let images = &gradient[chunk * pixels * CHUNK..end];
                returned.fill(ZERO);
                let tokens = normed[embed..]
                    .chunks_exact(embed)
                    .zip(returned[embed..].chunks_exact_mut(embed));
                for ((token, returned), places) in tokens.zip(self.places.chunks_exact(values)) {
                    patch.fill(ZERO);
                    for (lane, image) in images.chunks_exact(pixels).enumerate() {
                        for (place, g) in places.iter().zip(&mut *patch) {
                            g[lane] = image[*place];
                        }
                    }
                    weight_gradient(token, embed, patch, to_weight);
                    bias_gradient(patch, to_bias);
                    multiply(patch, values, &back, returned);
                }
                norm.backward(returned, scale, to_norm, wides_mut(to));
            },
        );
        let (to_scale, sums) = sums.split_at(embed);
        let (to_shift, sums) = sums.split_at(embed);
        let (to_weight, to_bias) = sums.split_at(weight.len());
        [
            Some(found),
            Some(to_scale.to_vec()),
            Some(to_shift.to_vec()),
            Some(to_weight.to_vec()),
            Some(to_bias.to_vec()),
        ]
    }
}
