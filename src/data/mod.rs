//! Labelled image data sets, loaded into memory as a [`Dataset`].
//!
//! A [`DataSource`] names a bundled sample, a full set, or a folder. Each format has a file of its
//! own ([`idx`], [`cifar`], [`picture`]).

pub mod bundle;
mod bundled_set;
pub mod catalogue;
pub mod cifar;
pub mod digest;
mod error;
pub mod fetch;
mod gzip;
pub mod idx;
mod idx_folder;
mod image_sheet;
mod load_report;
pub mod locator;
pub mod picture;
mod picture_folder;
pub mod rotation;
mod source;

use std::{
    fmt::{self, Display},
    ops::Range,
    path::Path,
    sync::OnceLock,
};

pub use bundled_set::BundledSet;
pub use error::{ContentError, LoadError};
pub use load_report::{LeftOut, LoadReport};
pub use locator::DatasetLocator;
pub use source::{DataSource, UnknownDataset};

/// Channels and size of the images of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageShape {
    /// 1 for greyscale, 3 for RGB.
    pub channels: usize,
    /// Rows, in pixels.
    pub height: usize,
    /// Columns, in pixels.
    pub width: usize,
}

impl ImageShape {
    /// MNIST and Fashion-MNIST: 1×28×28.
    pub const GREY_28: Self = Self {
        channels: 1,
        height: 28,
        width: 28,
    };

    /// CIFAR-10: 3×32×32.
    pub const COLOUR_32: Self = Self {
        channels: 3,
        height: 32,
        width: 32,
    };

    /// Number of values of one image: its size in bytes, and the input size of a network.
    pub const fn pixels(self) -> usize {
        self.channels * self.height * self.width
    }
}

impl Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}×{}", self.channels, self.height, self.width)
    }
}

/// Which part of a data set a [`Split`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitKind {
    Train,
    Test,
}

impl SplitKind {
    pub(crate) const ALL: [Self; 2] = [Self::Train, Self::Test];
}

impl Display for SplitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Train => "training",
            Self::Test => "test",
        })
    }
}

/// The training or test images of a data set, with their labels.
///
/// Pixels are bytes (0–255), `[images, channels, height, width]`; batches are converted to `f32` in
/// [−1, 1] when they are used.
#[derive(Clone, Debug)]
pub struct Split {
    shape: ImageShape,
    pixels: Vec<u8>,
    labels: Vec<u8>,
    /// Computed when it is first needed.
    digest: OnceLock<String>,
}

impl PartialEq for Split {
    fn eq(&self, other: &Self) -> bool {
        (self.shape, &self.labels, &self.pixels) == (other.shape, &other.labels, &other.pixels)
    }
}

impl Eq for Split {}

impl Split {
    /// Combines pixels and labels; `None` if there are not as many images as labels.
    pub fn new(shape: ImageShape, pixels: Vec<u8>, labels: Vec<u8>) -> Option<Self> {
        (labels.len().checked_mul(shape.pixels())? == pixels.len()).then_some(Self {
            shape,
            pixels,
            labels,
            digest: OnceLock::new(),
        })
    }

    /// Combines the pixels and labels of two files.
    fn from_files(
        shape: ImageShape,
        (image_file, pixels): (&Path, Vec<u8>),
        (label_file, labels): (&Path, Vec<u8>),
    ) -> Result<Self, LoadError> {
        let (image_count, label_count) = (pixels.len() / shape.pixels(), labels.len());
        Self::new(shape, pixels, labels).ok_or_else(|| LoadError::CountMismatch {
            image_file: image_file.to_owned(),
            image_count,
            label_file: label_file.to_owned(),
            label_count,
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Class index of every image.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    pub fn label(&self, index: usize) -> u8 {
        self.labels[index]
    }

    /// Bytes of image `index`, `[channels, height, width]`.
    pub fn image(&self, index: usize) -> &[u8] {
        self.images(index..index + 1)
    }

    /// Bytes of consecutive images, `[images, channels, height, width]`.
    pub fn images(&self, range: Range<usize>) -> &[u8] {
        let size = self.shape.pixels();
        &self.pixels[range.start * size..range.end * size]
    }

    /// SHA-256 of labels and pixels.
    fn digest(&self) -> &str {
        self.digest
            .get_or_init(|| digest::sha256_of([&self.labels[..], &self.pixels]))
    }

    /// The images at `indices`, in that order.
    #[must_use]
    pub fn select(&self, indices: &[u32]) -> Self {
        let indices = indices.iter().map(|index| *index as usize);
        Self {
            shape: self.shape,
            pixels: indices
                .clone()
                .flat_map(|i| self.image(i))
                .copied()
                .collect(),
            labels: indices.map(|i| self.label(i)).collect(),
            digest: OnceLock::new(),
        }
    }

    /// Indices of the first `per_class` images of each of the first `classes` classes, ordered by
    /// class and then by index; fewer where a class has fewer images.
    pub fn first_of_each_class(&self, classes: usize, per_class: usize) -> Vec<u32> {
        let mut by_class = vec![Vec::new(); classes];
        for (index, &label) in (0..).zip(&self.labels) {
            if let Some(indices) = by_class.get_mut(usize::from(label))
                && indices.len() < per_class
            {
                indices.push(index);
            }
        }
        by_class.concat()
    }
}

/// A labelled image data set in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// Display name, such as “MNIST”.
    pub name: String,
    /// Shape of every image.
    pub shape: ImageShape,
    /// One name per class, indexed by label.
    pub class_names: Vec<String>,
    /// Training inputs are rotated by a random angle up to this one, in degrees; their targets are
    /// not. 0 for all data sets but CIFAR-10.
    pub rotation: f32,
    /// Files and folders that were left out.
    pub left_out: LoadReport,
    pub train: Split,
    pub test: Split,
}

impl Dataset {
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// SHA-256 of all labels and images, wherever their files are.
    pub fn digest(&self) -> String {
        digest::sha256_of([&self.train, &self.test].map(|split| split.digest().as_bytes()))
    }
}

/// Maps a byte to the pixel value of the paper, `(x/255 − 0.5)/0.5`: 0…255 becomes −1…1.
pub fn pixel_to_unit(byte: u8) -> f32 {
    f32::from(byte) / 127.5 - 1.0
}

/// Inverse of [`pixel_to_unit`], rounded and clamped to 0…255; NaN becomes 0.
pub fn unit_to_pixel(value: f32) -> u8 {
    ((value + 1.0) * 127.5).round().clamp(0.0, 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixel_values_convert_back_to_the_same_bytes() {
        assert_eq!((pixel_to_unit(0), pixel_to_unit(255)), (-1.0, 1.0));
        for byte in 0..=255 {
            assert_eq!(unit_to_pixel(pixel_to_unit(byte)), byte);
        }
        assert_eq!((unit_to_pixel(-7.0), unit_to_pixel(f32::NAN)), (0, 0));
    }

    #[test]
    fn the_first_images_of_each_class_are_ordered_by_class_and_index() {
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
        let selected = split.select(&first);
        assert_eq!(selected.labels(), [0, 0, 1, 1]);
        assert_eq!(selected.images(0..4), [2, 3, 8, 9, 0, 1, 4, 5]);
    }
}
