//! Samples of the standard data sets that are compiled into the program.
//!
//! A sample consists of the first images of each class of the original files, in file order. Those of
//! the MNIST family are the four IDX files with gzip; CIFAR-10 has one JPEG per split instead.

mod build;

use std::path::Path;

pub use build::{BundleError, BundleFile, build};

use super::{
    BundledSet, Dataset, LoadError, Split, SplitKind, idx,
    idx_folder::{NamedFile, read_split},
    image_sheet,
};

/// Images and labels of each split, in the order of [`SplitKind::ALL`].
type Files = [[&'static [u8]; 2]; 2];

macro_rules! asset {
    ($($part:literal),+) => { include_bytes!(concat!("../../../assets/data/", $($part),+)) };
}

macro_rules! files {
    ($set:literal, $images:literal) => {
        [
            [
                asset!($set, "/train-", $images),
                asset!($set, "/train-labels-idx1-ubyte.gz"),
            ],
            [
                asset!($set, "/t10k-", $images),
                asset!($set, "/t10k-labels-idx1-ubyte.gz"),
            ],
        ]
    };
}

/// Format of the images of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// IDX with gzip.
    Idx,
    /// A sheet of images: lossless compression would not make RGB images small.
    Sheet,
}

impl Format {
    const fn new(set: BundledSet) -> Self {
        match set {
            BundledSet::Mnist | BundledSet::FashionMnist => Self::Idx,
            BundledSet::Cifar10 => Self::Sheet,
        }
    }

    /// Training and test images of each class.
    const fn images_per_class(self) -> [usize; 2] {
        match self {
            Self::Idx => [1000, 200],
            Self::Sheet => [500, 100],
        }
    }

    /// Names of the files of images and labels.
    fn file_names(self, kind: SplitKind) -> [String; 2] {
        let images = match self {
            Self::Idx => format!("{}.gz", kind.images_name()),
            Self::Sheet => kind.sheet_name(),
        };
        [images, format!("{}.gz", kind.labels_name())]
    }
}

/// Number of training and test images of a sample.
pub fn image_counts(set: BundledSet) -> [usize; 2] {
    let classes = usize::from(idx::CLASSES);
    let per_class = Format::new(set).images_per_class();
    per_class.map(|images| images * classes)
}

/// Loads a sample.
///
/// # Errors
/// Only if the program is damaged: tests load every sample.
pub fn load(set: BundledSet) -> Result<Dataset, LoadError> {
    let [train, test] = files(set);
    Ok(set.dataset(
        read(set, SplitKind::Train, train)?,
        read(set, SplitKind::Test, test)?,
    ))
}

fn files(set: BundledSet) -> Files {
    match set {
        BundledSet::Mnist => files!("mnist", "images-idx3-ubyte.gz"),
        BundledSet::FashionMnist => files!("fashion-mnist", "images-idx3-ubyte.gz"),
        BundledSet::Cifar10 => files!("cifar-10", "images.jpg"),
    }
}

fn read(
    set: BundledSet,
    kind: SplitKind,
    [images, labels]: [&'static [u8]; 2],
) -> Result<Split, LoadError> {
    let format = Format::new(set);
    let [images_name, labels_name] = format.file_names(kind);
    let named = |name: String, content: &'static [u8]| NamedFile {
        path: Path::new("assets/data").join(set.id()).join(name),
        size: content.len() as u64,
        content,
    };
    let images = named(images_name, images);
    let labels = named(labels_name, labels);
    if format == Format::Idx {
        return read_split(images, labels);
    }
    let (label_file, labels) = labels.read(idx::read_labels)?;
    let (image_file, pixels) = images.read(|jpeg, _| image_sheet::decode(jpeg, labels.len()))?;
    Split::from_files(set.shape(), (&image_file, pixels), (&label_file, labels))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digest::sha256;

    #[test]
    fn samples_have_equally_many_images_of_each_class() {
        for set in BundledSet::ALL {
            let dataset = load(set).unwrap();
            let classes = dataset.classes();
            let per_class = Format::new(set).images_per_class();
            for (split, per_class) in [&dataset.train, &dataset.test].into_iter().zip(per_class) {
                assert_eq!(split.len(), classes * per_class);
                let first = split.first_of_each_class(classes, per_class);
                assert_eq!(first.len(), split.len());
            }
        }
    }

    #[test]
    fn the_readme_lists_the_size_and_hash_of_each_file() {
        let readme = include_str!("../../../assets/data/README.md");
        for set in BundledSet::ALL {
            for (kind, files) in SplitKind::ALL.into_iter().zip(files(set)) {
                let names = Format::new(set).file_names(kind);
                for (name, bytes) in names.into_iter().zip(files) {
                    let (id, size, hash) = (set.id(), bytes.len(), sha256(bytes));
                    let row = format!("| `{id}/{name}` | {size} | `{hash}` |");
                    assert!(readme.contains(&row), "README.md lacks {row}");
                }
            }
        }
    }
}
