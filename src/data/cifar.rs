//! CIFAR-10 in its official binary version: six files of records, each a label and an image.

use std::{
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use super::{
    BundledSet, ContentError, Dataset, ImageShape, LoadError, Split, SplitKind, error::open,
};

/// The most records in a file; the official files have 10,000.
const MAX_RECORDS: u64 = 100_000;
/// Number of classes: labels are 0 to 9.
const CLASSES: u8 = 10;
const SHAPE: ImageShape = ImageShape::COLOUR_32;
/// Size of a record in bytes: a label and an image.
const RECORD_SIZE: usize = 1 + SHAPE.pixels();
const MAX_FILE_SIZE: u64 = MAX_RECORDS * RECORD_SIZE as u64;
const TRAIN_FILES: [&str; 5] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
];
const TEST_FILES: [&str; 1] = ["test_batch.bin"];

/// Finds CIFAR-10 as Python pickles in `folder` or where torchvision puts it. Pickles are not read,
/// because loading a pickle can run any program.
pub(super) fn find_pickles(folder: &Path) -> Option<PathBuf> {
    ["cifar-10-batches-py", "CIFAR10/cifar-10-batches-py", ""]
        .into_iter()
        .map(|subfolder| folder.join(subfolder))
        .find(|path| path.join("data_batch_1").is_file())
}

/// Finds the folder with any of the six files: `folder` or the subfolder of the official archive.
pub(super) fn find(folder: &Path) -> Option<PathBuf> {
    let has_files = |path: &PathBuf| {
        let mut files = TRAIN_FILES.iter().chain(&TEST_FILES);
        files.any(|file| path.join(file).is_file())
    };
    [folder.to_owned(), folder.join("cifar-10-batches-bin")]
        .into_iter()
        .find(has_files)
}

/// Loads training and test images from the six files in `folder`.
pub(super) fn load(folder: &Path) -> Result<Dataset, LoadError> {
    let (train, test) = (
        read(folder, SplitKind::Train)?,
        read(folder, SplitKind::Test)?,
    );
    Ok(BundledSet::Cifar10.dataset(train, test))
}

/// Reads the training or the test images.
pub(super) fn read(folder: &Path, kind: SplitKind) -> Result<Split, LoadError> {
    let names: &[&str] = match kind {
        SplitKind::Train => &TRAIN_FILES,
        SplitKind::Test => &TEST_FILES,
    };
    let mut files = Vec::new();
    let mut size = 0;
    for name in names {
        let path = folder.join(name);
        let (file, bytes) = open(&path)?;
        files.push((path, file));
        size += bytes;
    }
    // Allocated once: growing would use twice the memory for a moment.
    let capacity = size.min(MAX_FILE_SIZE * names.len() as u64);
    let mut records = Records {
        pixels: Vec::with_capacity(usize::try_from(capacity).unwrap_or(0)),
        labels: Vec::new(),
    };
    for (path, file) in files {
        read_records(file, &mut records).map_err(|error| LoadError::content(&path, error))?;
    }
    let Records { pixels, labels } = records;
    Split::from_files(SHAPE, (folder, pixels), (folder, labels))
}

/// Images and labels read from one or more files.
#[derive(Debug, Default)]
pub struct Records {
    /// `[images, 3, 32, 32]` bytes.
    pub pixels: Vec<u8>,
    /// Class index of each image.
    pub labels: Vec<u8>,
}

/// Appends all records of a file to `records`, or those before the first error.
///
/// # Errors
/// When the file cannot be read, does not consist of 1 to 100,000 whole records, or has a label that
/// is out of range.
pub fn read_records(from: impl Read, records: &mut Records) -> Result<(), ContentError> {
    let mut reader = BufReader::with_capacity(1 << 18, from.take(MAX_FILE_SIZE + 1));
    let mut record = vec![0; RECORD_SIZE];
    for index in 0.. {
        let length = read_full(&mut reader, &mut record)?;
        let bytes = index * RECORD_SIZE as u64 + length as u64;
        match record.split_first() {
            _ if length == 0 && index > 0 => return Ok(()),
            Some((&label, pixels)) if length == RECORD_SIZE => {
                if label >= CLASSES {
                    return Err(ContentError(format!(
                        "has the label {label} at image {index}, but labels must be 0 to {}",
                        CLASSES - 1
                    )));
                }
                records.labels.push(label);
                records.pixels.extend_from_slice(pixels);
            }
            _ if bytes > MAX_FILE_SIZE => {
                return Err(ContentError(format!(
                    "has more than {MAX_RECORDS} images, the limit of a file"
                )));
            }
            _ => {
                return Err(ContentError(format!(
                    "has {bytes} bytes, which is not a whole number of CIFAR-10 records of \
                     {RECORD_SIZE} bytes"
                )));
            }
        }
    }
    Ok(())
}

/// Reads until the buffer is full or the file ends, and returns the number of bytes read.
fn read_full(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
        match from.read(rest) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
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

    /// Writes the six files: one image per label of `labels` into the first, two into each other.
    pub fn write(folder: &Path, labels: &[u8]) {
        fs::create_dir_all(folder).unwrap();
        for (index, file) in TRAIN_FILES.iter().chain(&TEST_FILES).enumerate() {
            let content = if index == 0 { labels } else { &[3, 4] };
            fs::write(folder.join(file), bytes(content)).unwrap();
        }
    }

    #[test]
    fn six_files_are_loaded_as_one_data_set() {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("cifar-10-batches-bin"), &[9, 0, 5]);
        let dataset = load(&find(folder.path()).unwrap()).unwrap();
        assert_eq!(dataset.train.labels(), [9, 0, 5, 3, 4, 3, 4, 3, 4, 3, 4]);
        assert_eq!(dataset.test.labels(), [3, 4]);
        assert_eq!(dataset.train.image(1)[..4], [0, 1, 2, 3]);
        assert_eq!(dataset.train.image(0)[3071], 255 ^ 9);
        assert_eq!(dataset.shape, ImageShape::COLOUR_32);
    }

    #[test]
    fn each_error_names_the_file_and_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let error = |change: &dyn Fn(&Path)| {
            write(folder.path(), &[1]);
            change(folder.path());
            let found = find(folder.path()).unwrap();
            let text = load(&found).unwrap_err().to_string();
            text.replace(&folder.path().display().to_string(), "F")
        };
        let first = TRAIN_FILES[0];
        let write =
            |bytes: Vec<u8>| move |folder: &Path| fs::write(folder.join(first), &bytes).unwrap();
        let missing = error(&|folder| fs::remove_file(folder.join(TEST_FILES[0])).unwrap());
        assert!(missing.starts_with("F/test_batch.bin cannot be read: "));
        let size = "which is not a whole number of CIFAR-10 records of 3073 bytes";
        for (file, expected) in [
            (
                bytes(&[1, 10]),
                "the label 10 at image 1, but labels must be 0 to 9".to_owned(),
            ),
            (Vec::new(), format!("0 bytes, {size}")),
            (
                bytes(&[1, 2])[..6000].to_vec(),
                format!("6000 bytes, {size}"),
            ),
        ] {
            let expected = format!("F/data_batch_1.bin has {expected}");
            assert_eq!(error(&write(file)), expected);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_read_or_rejected(bytes in prop::collection::vec(any::<u8>(), 0..7000)) {
            let mut records = Records::default();
            let has_whole_records = !bytes.is_empty() && bytes.len() % 3073 == 0;
            let has_valid_labels = bytes.chunks(3073).all(|record| record[0] < CLASSES);
            let result = read_records(&bytes[..], &mut records);
            prop_assert_eq!(result.is_ok(), has_whole_records && has_valid_labels);
            prop_assert_eq!(records.pixels.len(), records.labels.len() * 3072);
        }
    }
}
