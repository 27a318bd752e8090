//! Images and labels, from the bundle, from files on disk or downloaded, as one [`Dataset`].

pub mod bundle;
pub mod catalogue;
pub mod cifar;
pub mod digest;
pub mod fetch;
mod gzip;
pub mod idx;
pub mod idx_folder;
mod image_sheet;
pub mod locator;
pub mod picture_folder;
pub mod rotation;
pub mod source;

use std::{ops::Range, path::PathBuf};

pub use locator::DatasetLocator;
pub use source::{BundledSet, DataSource, LoadError};

/// Size of every image of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageShape {
    /// 1 for grey, 3 for colour.
    pub channels: usize,
    /// Rows, in pixels.
    pub height: usize,
    /// Columns, in pixels.
    pub width: usize,
}

impl ImageShape {
    /// MNIST and Fashion-MNIST: one grey channel of 28×28 pixels.
    pub const GREY_28: Self = Self {
        channels: 1,
        height: 28,
        width: 28,
    };

    /// CIFAR-10: red, green and blue channels of 32×32 pixels.
    pub const COLOUR_32: Self = Self {
        channels: 3,
        height: 32,
        width: 32,
    };

    /// Bytes of one image, and inputs of a network that reads it.
    pub const fn pixels(self) -> usize {
        self.channels * self.height * self.width
    }
}

impl std::fmt::Display for ImageShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}×{}×{}", self.channels, self.height, self.width)
    }
}

/// The training or the test half of a data set.
///
/// Pixels stay bytes (0–255, channel-major `[channels, height, width]`, one image after the other);
/// a batch is turned into `f32` in [−1, 1] when it is needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    shape: ImageShape,
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Split {
    /// Joins pixels and labels; `None` when their counts do not fit together.
    pub fn new(shape: ImageShape, pixels: Vec<u8>, labels: Vec<u8>) -> Option<Self> {
        (labels.len().checked_mul(shape.pixels())? == pixels.len()).then_some(Self {
            shape,
            pixels,
            labels,
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image at all.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Class index of every image.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Class index of image `index`.
    pub fn label(&self, index: usize) -> u8 {
        self.labels[index]
    }

    /// Bytes of image `index`, `[channels, height, width]`.
    pub fn image(&self, index: usize) -> &[u8] {
        self.images(index..index + 1)
    }

    /// Bytes of neighbouring images, one after the other.
    pub fn images(&self, range: Range<usize>) -> &[u8] {
        let size = self.shape.pixels();
        &self.pixels[range.start * size..range.end * size]
    }

    /// The images at `indices`, in that order.
    #[must_use]
    pub fn select(&self, indices: &[u32]) -> Self {
        let indices = || indices.iter().map(|index| *index as usize);
        Self {
            shape: self.shape,
            pixels: indices().flat_map(|i| self.image(i)).copied().collect(),
            labels: indices().map(|i| self.label(i)).collect(),
        }
    }

    /// The first `per_class` images of each of `classes` classes, ordered by class and then by
    /// place in the file; fewer where a class has fewer.
    pub fn first_of_each_class(&self, classes: usize, per_class: usize) -> Vec<u32> {
        let mut found = vec![Vec::new(); classes];
        for (index, &label) in (0u32..).zip(&self.labels) {
            if let Some(of_class) = found.get_mut(usize::from(label))
                && of_class.len() < per_class
            {
                of_class.push(index);
            }
        }
        found.concat()
    }
}

/// A labelled image data set, whole in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// What people call it: "MNIST".
    pub name: String,
    /// Shape of every image in both halves.
    pub shape: ImageShape,
    /// One name per class; a label is an index into this.
    pub class_names: Vec<String>,
    /// Largest angle by which a training input is turned at random, in degrees; its target is not.
    /// 0 for all but CIFAR-10.
    pub rotation: f32,
    /// Files that could not be read as images, and are left out.
    pub skipped: Vec<PathBuf>,
    /// Images to learn from.
    pub train: Split,
    /// Images to measure with.
    pub test: Split,
}

impl Dataset {
    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }
}

/// Maps a byte to the paper's pixel value: `(x/255 − 0.5)/0.5`, so 0…255 becomes −1…1.
pub fn pixel_to_unit(byte: u8) -> f32 {
    f32::from(byte) / 127.5 - 1.0
}

/// The inverse of [`pixel_to_unit`], rounded and clamped, for showing a reconstruction.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to 0–255 first"
)]
pub fn unit_to_pixel(value: f32) -> u8 {
    ((value + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_come_back_from_their_values() {
        assert_eq!((pixel_to_unit(0), pixel_to_unit(255)), (-1.0, 1.0));
        for byte in 0..=255 {
            assert_eq!(unit_to_pixel(pixel_to_unit(byte)), byte);
        }
        assert_eq!((unit_to_pixel(-7.0), unit_to_pixel(f32::NAN)), (0, 0));
    }

    #[test]
    fn the_first_of_each_class_keep_to_their_class_and_order() {
        let shape = ImageShape {
            channels: 1,
            height: 1,
            width: 2,
        };
        assert_eq!(Split::new(shape, vec![0; 5], vec![0; 3]), None);

        let pixels = (0..10).collect();
        let split = Split::new(shape, pixels, vec![1, 0, 1, 1, 0]).unwrap();
        let first = split.first_of_each_class(3, 2);
        assert_eq!(first, [1, 4, 0, 2]);
        let chosen = split.select(&first);
        assert_eq!(chosen.labels(), [0, 0, 1, 1]);
        assert_eq!(chosen.images(0..4), [2, 3, 8, 9, 0, 1, 4, 5]);
    }
}
