//! CIFAR-10 in its official binary version: six files of records, each a label and an image.

use std::{
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use super::{BundledSet, Dataset, ImageShape, LoadError, Split, idx_folder::SplitKind};
use crate::fs::open_regular;

/// The most records that a file may hold; the official ones hold 10,000.
const MAX_RECORDS: u64 = 100_000;
/// Labels run from 0 to one less than this.
const CLASSES: u8 = 10;
const SHAPE: ImageShape = ImageShape::COLOUR_32;
const TRAIN: [&str; 5] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
];
const TEST: [&str; 1] = ["test_batch.bin"];
/// Largest angle by which a training input is turned, in degrees (the authors' augmentation).
pub const MAX_ROTATION: f32 = 15.0;

/// What is wrong with a file. Each message continues a sentence that begins with the file's name.
#[derive(Debug, thiserror::Error)]
pub enum CifarError {
    /// The file cannot be opened or read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Not a whole number of records, or none.
    #[error("has {bytes} bytes, which is not a whole number of CIFAR-10 records of {} bytes", 1 + SHAPE.pixels())]
    Size {
        /// Bytes of the file.
        bytes: u64,
    },
    /// More than [`MAX_RECORDS`].
    #[error("holds more than the {MAX_RECORDS} images that are read")]
    TooMany,
    /// A label that names no class.
    #[error("has the label {label} at image {index}, but labels run from 0 to {}", CLASSES - 1)]
    Label {
        /// Place of the image, from 0.
        index: u64,
        /// Its label.
        label: u8,
    },
}

/// The folder at or below `folder` that holds CIFAR-10 as Python pickles. These are not read: a
/// pickle can run any program, and no well-kept library reads those of arrays without running them.
pub(super) fn find_pickles(folder: &Path) -> Option<PathBuf> {
    ["cifar-10-batches-py", "CIFAR10/cifar-10-batches-py", ""]
        .into_iter()
        .map(|below| folder.join(below))
        .find(|path| path.join("data_batch_1").is_file())
}

/// The folder in which the six files lie.
pub(super) struct CifarFolder {
    pub(super) folder: PathBuf,
}

impl CifarFolder {
    /// Looks for the files in `folder`, and where the official archive puts them below it.
    pub(super) fn find(folder: &Path) -> Option<Self> {
        [folder.to_owned(), folder.join("cifar-10-batches-bin")]
            .into_iter()
            .find(|path| {
                TRAIN
                    .iter()
                    .chain(&TEST)
                    .any(|file| path.join(file).is_file())
            })
            .map(|folder| Self { folder })
    }

    /// Reads both halves.
    pub(super) fn load(&self) -> Result<Dataset, LoadError> {
        let set = BundledSet::Cifar10;
        Ok(Dataset {
            name: set.to_string(),
            shape: SHAPE,
            class_names: set.class_names().map(str::to_owned).to_vec(),
            rotation: MAX_ROTATION,
            skipped: Vec::new(),
            train: self.read(SplitKind::Train)?,
            test: self.read(SplitKind::Test)?,
        })
    }

    /// Reads one half.
    pub(super) fn read(&self, half: SplitKind) -> Result<Split, LoadError> {
        let files: &[&str] = match half {
            SplitKind::Train => &TRAIN,
            SplitKind::Test => &TEST,
        };
        let mut opened = Vec::new();
        let mut bytes = 0;
        for name in files {
            let path = self.folder.join(name);
            let of = |fault: CifarError| LoadError::Cifar {
                file: path.clone(),
                fault,
            };
            let file = open_regular(&path).map_err(|error| of(error.into()))?;
            let length = file.metadata().map_err(|error| of(error.into()))?.len();
            bytes += length;
            opened.push((path.clone(), file));
        }
        // One allocation of the right size: growing would take twice the memory for a moment.
        let most = MAX_RECORDS * files.len() as u64 * record_bytes();
        let expected = usize::try_from(bytes.min(most)).unwrap_or(0);
        let mut records = Records {
            pixels: Vec::with_capacity(expected),
            labels: Vec::new(),
        };
        for (file, content) in opened {
            read_records(content, &mut records)
                .map_err(|fault| LoadError::Cifar { file, fault })?;
        }
        let counts = (records.pixels.len() / SHAPE.pixels(), records.labels.len());
        Split::new(SHAPE, records.pixels, records.labels).ok_or_else(|| LoadError::CountMismatch {
            images: self.folder.clone(),
            image_count: counts.0,
            labels: self.folder.clone(),
            label_count: counts.1,
        })
    }
}

/// Bytes of a record.
fn record_bytes() -> u64 {
    1 + SHAPE.pixels() as u64
}

/// Images and labels, as far as they have been read.
#[derive(Debug, Default)]
pub struct Records {
    /// Bytes of the images, `[3, 32, 32]` each.
    pub pixels: Vec<u8>,
    /// Class of every image.
    pub labels: Vec<u8>,
}

/// Appends all records of a file; of a file with a fault, those before it.
///
/// # Errors
/// Any [`CifarError`].
pub fn read_records(from: impl Read, to: &mut Records) -> Result<(), CifarError> {
    let mut reader = BufReader::with_capacity(1 << 18, from.take(MAX_RECORDS * record_bytes() + 1));
    let mut buffer = vec![0; 1 + SHAPE.pixels()];
    for index in 0.. {
        let got = fill(&mut reader, &mut buffer)?;
        let bytes = index * record_bytes() + got as u64;
        match buffer.split_first() {
            _ if got == 0 && index > 0 => return Ok(()),
            Some((&label, pixels)) if got == buffer.len() => {
                if label >= CLASSES {
                    return Err(CifarError::Label { index, label });
                }
                to.labels.push(label);
                to.pixels.extend_from_slice(pixels);
            }
            _ if bytes > MAX_RECORDS * record_bytes() => return Err(CifarError::TooMany),
            _ => return Err(CifarError::Size { bytes }),
        }
    }
    Ok(())
}

/// Reads until the buffer is full or the file ends; returns the number of bytes.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while let Some(rest) = buffer.get_mut(got..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    fn bytes(labels: &[u8]) -> Vec<u8> {
        labels
            .iter()
            .flat_map(|&label| {
                std::iter::once(label).chain((0..3072).map(move |i| i as u8 ^ label))
            })
            .collect()
    }

    /// Writes two images a file; `labels` are those of the first training file.
    pub fn write(folder: &Path, labels: &[u8]) {
        fs::create_dir_all(folder).unwrap();
        for (place, file) in TRAIN.iter().chain(&TEST).enumerate() {
            let content = if place == 0 { labels } else { &[3, 4] };
            fs::write(folder.join(file), bytes(content)).unwrap();
        }
    }

    #[test]
    fn six_files_become_one_data_set() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("cifar-10-batches-bin"), &[9, 0, 5]);
        let dataset = CifarFolder::find(folder.path()).unwrap().load().unwrap();
        assert_eq!(dataset.train.labels(), [9, 0, 5, 3, 4, 3, 4, 3, 4, 3, 4]);
        assert_eq!(dataset.test.labels(), [3, 4]);
        assert_eq!(dataset.train.image(1)[..4], [0, 1, 2, 3]);
        assert_eq!(dataset.train.image(0)[3071], 255 ^ 9);
        assert_eq!(dataset.shape, ImageShape::COLOUR_32);
    }

    #[test]
    fn each_fault_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = |change: &dyn Fn(&Path)| {
            write(folder.path(), &[1]);
            change(folder.path());
            let files = CifarFolder::find(folder.path()).unwrap();
            let text = files.load().unwrap_err().to_string();
            text.replace(&folder.path().display().to_string(), "F")
        };
        let first = TRAIN[0];
        let write =
            |bytes: Vec<u8>| move |folder: &Path| fs::write(folder.join(first), &bytes).unwrap();
        let gone = error(&|folder| fs::remove_file(folder.join(TEST[0])).unwrap());
        assert!(
            gone.starts_with("F/test_batch.bin cannot be read: "),
            "{gone}"
        );
        assert_eq!(
            error(&write(bytes(&[1, 10]))),
            "F/data_batch_1.bin has the label 10 at image 1, but labels run from 0 to 9"
        );
        let size = "which is not a whole number of CIFAR-10 records of 3073 bytes";
        assert_eq!(
            error(&write(Vec::new())),
            format!("F/data_batch_1.bin has 0 bytes, {size}")
        );
        assert_eq!(
            error(&write(bytes(&[1, 2])[..6000].to_vec())),
            format!("F/data_batch_1.bin has 6000 bytes, {size}")
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..7000)) {
            let mut records = Records::default();
            let whole = !bytes.is_empty() && bytes.len() % 3073 == 0;
            let labelled = bytes.chunks(3073).all(|record| record[0] < CLASSES);
            let read = read_records(&bytes[..], &mut records);
            prop_assert_eq!(read.is_ok(), whole && labelled);
            prop_assert_eq!(records.pixels.len(), records.labels.len() * 3072);
        }
    }
}
