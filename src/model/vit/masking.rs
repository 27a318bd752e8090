//! Hides patches from the encoder.

use burn::tensor::{Device, Int, Tensor, TensorData};

use crate::{kernels::PatchGrid, model::latent::Masked};

/// Visible and hidden patches of each image of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchMask {
    /// Patches of an image.
    patches: usize,
    /// Number of visible ones.
    visible: usize,
    /// The patches of each image, visible ones first, `[batch, patches]`.
    order: Vec<usize>,
}

impl PatchMask {
    /// Keeps visible the `visible` patches of each image with the smallest values of `noise`,
    /// `[batch, patches]`.
    pub fn from_noise(noise: &[f32], patches: usize, visible: usize) -> Self {
        let order = noise.chunks_exact(patches).flat_map(|noise| {
            let mut order: Vec<usize> = (0..patches).collect();
            order.sort_by(|&a, &b| noise[a].total_cmp(&noise[b]));
            order
        });
        Self {
            patches,
            visible,
            order: order.collect(),
        }
    }

    /// The visible patches in the order of their tokens, `[batch, visible]`.
    pub fn visible(&self) -> impl Iterator<Item = usize> {
        let images = self.order.chunks_exact(self.patches);
        images.flat_map(|order| &order[..self.visible]).copied()
    }

    /// The visible ones of `tokens`, `[batch, patches, embed]`, in order.
    pub fn select_visible(&self, tokens: Tensor<3>) -> Tensor<3> {
        let [batch, _, embed] = tokens.dims();
        let visible: Vec<u32> = self.visible().map(|patch| patch as u32).collect();
        let data = TensorData::new(visible, [batch, self.visible, 1]);
        let indices: Tensor<3, Int> = Tensor::from_data(data, &tokens.device());
        tokens.gather(1, indices.expand([batch, self.visible, embed]))
    }

    /// The mask as decoder and loss use it, for images with the patches of `grid`.
    pub fn to_masked(&self, grid: &PatchGrid, device: &Device) -> Masked {
        let batch = self.order.len() / self.patches;
        let pixels = grid.pixels();
        let mut token_indices = vec![0u32; self.order.len()];
        let mut weight = vec![0f32; batch * pixels];
        let images = self
            .order
            .chunks_exact(self.patches)
            .zip(token_indices.chunks_exact_mut(self.patches))
            .zip(weight.chunks_exact_mut(pixels));
        for ((order, token_indices), weight) in images {
            for (index, &patch) in order.iter().enumerate() {
                token_indices[patch] = index as u32;
            }
            for &patch in &order[self.visible..] {
                for channel in 0..grid.channels {
                    for row in 0..grid.side {
                        let start = grid.pixel_index(patch, channel, [row, 0]);
                        weight[start..start + grid.side].fill(1.0);
                    }
                }
            }
        }
        let shape = [batch, self.patches];
        Masked {
            token_indices: Tensor::from_data(TensorData::new(token_indices, shape), device),
            weight: Tensor::from_data(TensorData::new(weight, [batch, pixels]), device),
        }
    }
}

/// The tokens of all patches in order, `[batch, patches, embed]`: visible ones from `tokens`,
/// `[batch, visible, embed]`, and `mask_token`, `[embed]`, for hidden ones.
pub fn restore_masked(tokens: Tensor<3>, mask_token: Tensor<1>, masked: &Masked) -> Tensor<3> {
    let [batch, visible, embed] = tokens.dims();
    let [_, patches] = masked.token_indices.dims();
    let mask_tokens = mask_token
        .reshape([1, 1, embed])
        .expand([batch, patches - visible, embed]);
    let indices: Tensor<3, Int> = masked.token_indices.clone().unsqueeze_dim(2);
    Tensor::cat(vec![tokens, mask_tokens], 1).gather(1, indices.expand([batch, patches, embed]))
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
    fn example() -> (PatchGrid, PatchMask) {
        let grid = PatchGrid {
            channels: 1,
            side: 2,
            rows: 1,
            columns: 2,
        };
        (grid, PatchMask::from_noise(&[0.2, 0.9, 0.5, 0.1], 2, 1))
    }

    #[test]
    fn the_loss_is_the_mean_over_hidden_patches() {
        let (grid, mask) = example();
        let masked = mask.to_masked(&grid, &Device::flex());
        let target = tensor(&[0.0; 16], [2, 8]);
        #[rustfmt::skip]
        let reconstruction = tensor(&[
            9.0, 9.0, 1.0, 2.0,
            9.0, 9.0, 3.0, 0.0,
            0.5, 0.5, 7.0, 7.0,
            0.5, 0.5, 7.0, 7.0,
        ], [2, 8]);
        // (1 + 4 + 9 + 0) / 4 and 4 · 0.25 / 4.
        let errors = loss::per_image_squared_error(reconstruction, target, Some(masked.weight));
        assert_eq!(floats(errors), [3.5, 0.25]);
    }

    #[test]
    fn visible_tokens_are_restored_in_order() {
        let (grid, mask) = example();
        let tokens = tensor(&[1.0, 2.0, 3.0, 4.0], [2, 2, 1]);
        let visible = mask.select_visible(tokens);
        assert_eq!(floats(visible.clone()), [1.0, 4.0]);
        let masked = mask.to_masked(&grid, &Device::flex());
        let all = restore_masked(visible, tensor(&[-1.0], [1]), &masked);
        assert_eq!(floats(all), [1.0, -1.0, -1.0, 4.0]);
    }
}
