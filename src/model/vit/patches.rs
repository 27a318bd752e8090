//! Images as patches, and back.

use burn::tensor::Tensor;

/// A grid of square patches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patches {
    /// Channels of the image.
    pub channels: usize,
    /// Side of a patch in pixels.
    pub side: usize,
    /// Patches below one another.
    pub rows: usize,
    /// Patches beside one another.
    pub columns: usize,
}

impl Patches {
    /// Patches of an image.
    pub fn count(&self) -> usize {
        self.rows * self.columns
    }

    /// Values of a patch.
    pub fn values(&self) -> usize {
        self.side * self.side * self.channels
    }

    /// Cuts images `[batch, channels · height · width]` into patches, row by row, `[batch, patches,
    /// side · side · channels]`; a patch goes row by row, the channels of a pixel side by side.
    pub fn cut(&self, images: Tensor<2>) -> Tensor<3> {
        let Self {
            channels,
            side,
            rows,
            columns,
        } = *self;
        let batch = images.dims()[0];
        let pixels = images.reshape([batch, channels, rows, side, columns, side]);
        pixels
            .permute([0, 2, 4, 3, 5, 1])
            .reshape([batch, self.count(), self.values()])
    }

    /// The images that [`Self::cut`] makes such patches of.
    pub fn join(&self, patches: Tensor<3>) -> Tensor<2> {
        let Self {
            channels,
            side,
            rows,
            columns,
        } = *self;
        let batch = patches.dims()[0];
        let pixels = patches.reshape([batch, rows, columns, side, side, channels]);
        pixels
            .permute([0, 5, 1, 3, 2, 4])
            .reshape([batch, self.count() * self.values()])
    }

    /// Where in an image `[channels, height, width]` the pixel (row `down`, column `along`) of
    /// `patch` lies in `channel`.
    pub fn place(&self, patch: usize, channel: usize, [down, along]: [usize; 2]) -> usize {
        let (row, column) = (patch / self.columns, patch % self.columns);
        let height = self.rows * self.side;
        let line = channel * height + row * self.side + down;
        (line * self.columns + column) * self.side + along
    }
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
        fn joining_undoes_cutting(
            batch in 1..4usize,
            channels in 1..4usize,
            side in 1..6usize,
            [rows, columns] in [1..5usize, 1..5usize],
        ) {
            let patches = Patches { channels, side, rows, columns };
            let size = patches.count() * patches.values();
            // Every pixel has a number of its own: its place.
            let pixels: Vec<f32> = (0..batch * size).map(|place| place as f32).collect();
            let data = TensorData::new(pixels.clone(), [batch, size]);
            let images: Tensor<2> = Tensor::from_data(data, &Device::flex());
            let cut = patches.cut(images);
            prop_assert_eq!(floats(patches.join(cut.clone())), pixels);

            let mut cut = floats(cut).into_iter();
            for image in 0..batch {
                for patch in 0..patches.count() {
                    for pixel in 0..side * side {
                        for channel in 0..channels {
                            let pixel = [pixel / side, pixel % side];
                            let place = image * size + patches.place(patch, channel, pixel);
                            prop_assert_eq!(cut.next(), Some(place as f32));
                        }
                    }
                }
            }
        }
    }
}
