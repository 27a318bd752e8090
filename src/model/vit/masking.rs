//! Hiding patches from the encoder.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::Patches;
use crate::model::cre::Masked;

/// Which patches an encoder sees, image by image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchMask {
    /// Patches of an image.
    patches: usize,
    /// How many of them are seen.
    seen: usize,
    /// The patches of every image, those seen first, `[batch, patches]`.
    order: Vec<usize>,
}

impl PatchMask {
    /// Of the patches of every image shows the `seen` ones with the smallest of the numbers `noise`,
    /// `[batch, patches]`.
    pub fn by_noise(noise: &[f32], patches: usize, seen: usize) -> Self {
        let order = noise.chunks_exact(patches).flat_map(|noise| {
            let mut order: Vec<usize> = (0..patches).collect();
            order.sort_by(|&a, &b| noise[a].total_cmp(&noise[b]));
            order
        });
        Self {
            patches,
            seen,
            order: order.collect(),
        }
    }

    /// The patches that are seen, in the order of their tokens, `[batch, seen]`.
    pub fn seen(&self) -> impl Iterator<Item = usize> {
        let images = self.order.chunks_exact(self.patches);
        images.flat_map(|order| &order[..self.seen]).copied()
    }

    /// The seen ones of `tokens`, `[batch, patches, embed]`, in order.
    pub fn pick(&self, tokens: Tensor<3>) -> Tensor<3> {
        let [batch, _, embed] = tokens.dims();
        let seen: Vec<u32> = self.seen().map(|patch| patch as u32).collect();
        let data = TensorData::new(seen, [batch, self.seen, 1]);
        let seen: Tensor<3, Int> = Tensor::from_data(data, &tokens.device());
        tokens.gather(1, seen.expand([batch, self.seen, embed]))
    }

    /// What decoder and loss have to know, for images cut into `grid`.
    pub fn masked(&self, grid: &Patches, device: &Device) -> Masked {
        let batch = self.order.len() / self.patches;
        let mut places = vec![0u32; self.order.len()];
        let size = self.patches * grid.values();
        let mut weight = vec![0f32; batch * size];
        let images = self.order.chunks_exact(self.patches);
        let told = places
            .chunks_exact_mut(self.patches)
            .zip(weight.chunks_exact_mut(size));
        for (order, (places, weight)) in images.zip(told) {
            for (place, &patch) in order.iter().enumerate() {
                places[patch] = place as u32;
            }
            for &patch in &order[self.seen..] {
                for channel in 0..grid.channels {
                    for down in 0..grid.side {
                        let start = grid.place(patch, channel, [down, 0]);
                        weight[start..start + grid.side].fill(1.0);
                    }
                }
            }
        }
        Masked {
            places: Tensor::from_data(TensorData::new(places, [batch, self.patches]), device),
            weight: Tensor::from_data(TensorData::new(weight, [batch, size]), device),
        }
    }
}

/// The tokens of all patches in their order, `[batch, patches, embed]`: those seen, given in
/// `tokens`, `[batch, seen, embed]`, at their places, `hidden`, `[embed]`, at those of the others.
pub fn restore_masked(tokens: Tensor<3>, hidden: Tensor<1>, masked: &Masked) -> Tensor<3> {
    let [batch, seen, embed] = tokens.dims();
    let [_, patches] = masked.places.dims();
    let hidden = hidden
        .reshape([1, 1, embed])
        .expand([batch, patches - seen, embed]);
    let places: Tensor<3, Int> = masked.places.clone().unsqueeze_dim(2);
    Tensor::cat(vec![tokens, hidden], 1).gather(1, places.expand([batch, patches, embed]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::loss;

    fn tensor<const D: usize>(values: &[f32], shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values.to_vec(), shape), &Device::flex())
    }

    fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.try_into_vec_as().unwrap()
    }

    /// Two images of 2×4 pixels, two patches of 2×2 each; the first image hides its right patch, the
    /// second its left one.
    fn example() -> (Patches, PatchMask) {
        let grid = Patches {
            channels: 1,
            side: 2,
            rows: 1,
            columns: 2,
        };
        (grid, PatchMask::by_noise(&[0.2, 0.9, 0.5, 0.1], 2, 1))
    }

    #[test]
    fn the_loss_is_the_mean_over_hidden_patches() {
        let (grid, hiding) = example();
        let masked = hiding.masked(&grid, &Device::flex());
        let target = tensor(&[0.0; 16], [2, 8]);
        #[rustfmt::skip]
        let rebuilt = tensor(&[
            9.0, 9.0, 1.0, 2.0,
            9.0, 9.0, 3.0, 0.0,
            0.5, 0.5, 7.0, 7.0,
            0.5, 0.5, 7.0, 7.0,
        ], [2, 8]);
        // (1 + 4 + 9 + 0) / 4 and 4 · 0.25 / 4.
        let errors = loss::per_image_squared_error(rebuilt, target, Some(masked.weight));
        assert_eq!(floats(errors), [3.5, 0.25]);
    }

    #[test]
    fn every_token_finds_its_place_again() {
        let (grid, hiding) = example();
        let tokens = tensor(&[1.0, 2.0, 3.0, 4.0], [2, 2, 1]);
        let seen = hiding.pick(tokens);
        assert_eq!(floats(seen.clone()), [1.0, 4.0]);
        let masked = hiding.masked(&grid, &Device::flex());
        let all = restore_masked(seen, tensor(&[-1.0], [1]), &masked);
        assert_eq!(floats(all), [1.0, -1.0, -1.0, 4.0]);
    }
}
