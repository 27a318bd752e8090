//! The grid of square patches that an image is cut into.

/// A grid of square patches that tiles an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PatchGrid {
    /// Channels of the image.
    pub channels: usize,
    /// Side of a patch in pixels.
    pub side: usize,
    /// Rows of patches.
    pub rows: usize,
    /// Columns of patches.
    pub columns: usize,
}

impl PatchGrid {
    /// Number of patches.
    pub fn count(&self) -> usize {
        self.rows * self.columns
    }

    /// Values of a patch, all channels together.
    pub fn values(&self) -> usize {
        self.side * self.side * self.channels
    }

    /// Values of an image, all channels together.
    pub fn pixels(&self) -> usize {
        self.count() * self.values()
    }

    /// Index in an image `[channels, height, width]` of a pixel of a patch, given its row and column
    /// within the patch.
    pub fn pixel_index(&self, patch: usize, channel: usize, [row, column]: [usize; 2]) -> usize {
        let (patch_row, patch_column) = (patch / self.columns, patch % self.columns);
        let height = self.rows * self.side;
        let line = channel * height + patch_row * self.side + row;
        (line * self.columns + patch_column) * self.side + column
    }

    /// Indices in an image of the values of all patches, `[patches, channels, side, side]`.
    pub(super) fn indices_by_channel(&self) -> Vec<usize> {
        let pixels = self.side * self.side;
        self.indices(|value| (value / pixels, value % pixels))
    }

    /// Indices in an image of the values of all patches, `[patches, side, side, channels]`.
    pub(super) fn indices_by_pixel(&self) -> Vec<usize> {
        self.indices(|value| (value % self.channels, value / self.channels))
    }

    /// Indices in an image, where `channel_and_pixel` splits the index of a value in its patch.
    fn indices(&self, channel_and_pixel: impl Fn(usize) -> (usize, usize)) -> Vec<usize> {
        let mut indices = Vec::with_capacity(self.pixels());
        for patch in 0..self.count() {
            for value in 0..self.values() {
                let (channel, pixel) = channel_and_pixel(value);
                let pixel = [pixel / self.side, pixel % self.side];
                indices.push(self.pixel_index(patch, channel, pixel));
            }
        }
        indices
    }
}
