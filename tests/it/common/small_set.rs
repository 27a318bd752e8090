//! Tiny data sets instead of MNIST and CIFAR-10, for tests of searching and downloading.

use std::{io::Write as _, path::Path};

use cre_lab::data::{
    BundledSet, DatasetLocator,
    catalogue::{CatalogueEntry, OriginalFile, Package},
    digest::sha256,
    idx,
};
use flate2::{Compression, write::GzEncoder};

/// Number of training and test images of the IDX files.
pub const IMAGES: [usize; 2] = [40, 20];

/// Makes a value static, like the real catalogue.
pub fn leak<T>(values: Vec<T>) -> &'static [T] {
    values.leak()
}

pub fn leak_text(text: String) -> &'static str {
    text.leak()
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Pixels that gzip hardly compresses, so that a download can be interrupted.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// Names and contents of the four IDX files.
pub fn idx_files() -> Vec<(&'static str, Vec<u8>)> {
    let mut files = Vec::new();
    let names = [
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"],
        ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"],
    ];
    for ([images, labels], count) in names.into_iter().zip(IMAGES) {
        let (mut image_file, mut label_file) = (Vec::new(), Vec::new());
        idx::write_images(&mut image_file, &noise(count * 784)).unwrap();
        let classes: Vec<u8> = (0..10).cycle().take(count).collect();
        idx::write_labels(&mut label_file, &classes).unwrap();
        files.push((images, image_file));
        files.push((labels, label_file));
    }
    files
}

/// Writes a folder of greyscale images, with `images` training and test images of each class, and
/// returns it.
#[cfg(feature = "gui")]
pub fn picture_folder(folder: &Path, classes: usize, images: [usize; 2]) -> std::path::PathBuf {
    for (split, count) in ["train", "test"].into_iter().zip(images) {
        for class in 0..classes {
            let class_folder = folder.join(split).join(format!("class {class:02}"));
            std::fs::create_dir_all(&class_folder).unwrap();
            let pixels = noise((class + count) * 784);
            for (index, pixels) in pixels.chunks_exact(784).take(count).enumerate() {
                let picture = image::GrayImage::from_raw(28, 28, pixels.to_vec()).unwrap();
                picture
                    .save(class_folder.join(format!("{index}.png")))
                    .unwrap();
            }
        }
    }
    folder.to_owned()
}

/// Names and contents of six CIFAR-10 files with two images each.
pub fn cifar_files() -> Vec<(&'static str, Vec<u8>)> {
    let names = [
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
        "test_batch.bin",
    ];
    let content = |index: usize| {
        let mut bytes = noise(2 * 3073 + index).split_off(index);
        (bytes[0], bytes[3073]) = (index as u8, 9);
        bytes
    };
    names
        .into_iter()
        .enumerate()
        .map(|(index, name)| (name, content(index)))
        .collect()
}

/// A catalogue entry for these files; those of CIFAR-10 are in an archive.
pub fn entry(
    set: BundledSet,
    files: &[(&'static str, Vec<u8>)],
    mirrors: &[&str],
) -> CatalogueEntry<'static> {
    let originals = files.iter().map(|(name, content)| OriginalFile {
        name,
        bytes: content.len() as u64,
        sha256: leak_text(sha256(content)),
    });
    let package = if set == BundledSet::Cifar10 {
        Package::Archive("cifar-10-binary.tar.gz", 20_000)
    } else {
        let packed = files.iter().map(|(_, content)| content.len() as u64);
        Package::Files(leak(packed.collect()))
    };
    let mirrors = mirrors.iter().map(|mirror| leak_text((*mirror).to_owned()));
    CatalogueEntry {
        set,
        images: IMAGES,
        files: leak(originals.collect()),
        package,
        mirrors: leak(mirrors.collect()),
    }
}

/// A locator of these sets that searches only `folder` and downloads to it.
pub fn locator(sets: Vec<CatalogueEntry<'static>>, folder: &Path) -> DatasetLocator {
    DatasetLocator::new(leak(sets), vec![folder.to_owned()], Some(folder.to_owned()))
}
