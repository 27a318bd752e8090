//! Cuts images into patches and joins them again.

use burn::tensor::Tensor;

use crate::kernels::PatchGrid;

/// Cuts images `[batch, channels · height · width]` into patches
/// `[batch, patches, side · side · channels]`, row by row; the values of a patch are ordered by row,
/// column and channel.
pub fn to_patches(images: Tensor<2>, grid: &PatchGrid) -> Tensor<3> {
    let batch = images.dims()[0];
    let PatchGrid { channels, side, .. } = *grid;
    let pixels = images.reshape([batch, channels, grid.rows, side, grid.columns, side]);
    pixels
        .permute([0, 2, 4, 3, 5, 1])
        .reshape([batch, grid.count(), grid.values()])
}

/// Inverse of [`to_patches`].
pub fn to_images(patches: Tensor<3>, grid: &PatchGrid) -> Tensor<2> {
    let batch = patches.dims()[0];
    let PatchGrid { channels, side, .. } = *grid;
    let pixels = patches.reshape([batch, grid.rows, grid.columns, side, side, channels]);
    pixels
        .permute([0, 5, 1, 3, 2, 4])
        .reshape([batch, grid.pixels()])
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use proptest::prelude::*;

    use super::*;

    fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.try_into_vec_as().unwrap()
    }

    proptest! {
        #[test]
        fn patches_have_the_pixels_of_their_indices_and_join_to_the_image(
            batch in 1..4usize,
            channels in 1..4usize,
            side in 1..6usize,
            [rows, columns] in [1..5usize, 1..5usize],
        ) {
            let grid = PatchGrid { channels, side, rows, columns };
            let size = grid.pixels();
            // The value of every pixel is its index.
            let pixels: Vec<f32> = (0..batch * size).map(|index| index as f32).collect();
            let data = TensorData::new(pixels.clone(), [batch, size]);
            let images: Tensor<2> = Tensor::from_data(data, &Device::flex());
            let patches = to_patches(images, &grid);
            prop_assert_eq!(floats(to_images(patches.clone(), &grid)), pixels);

            let mut values = floats(patches).into_iter();
            for image in 0..batch {
                for patch in 0..grid.count() {
                    for pixel in 0..side * side {
                        for channel in 0..channels {
                            let pixel = [pixel / side, pixel % side];
                            let index = image * size + grid.pixel_index(patch, channel, pixel);
                            prop_assert_eq!(values.next(), Some(index as f32));
                        }
                    }
                }
            }
        }
    }
}
