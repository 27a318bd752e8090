//! The IDX format of the MNIST family: 28×28 greyscale images and class labels, plain or gzip.
//!
//! A file consists of a magic number, one big-endian `u32` per dimension, and one byte per value.
//! Headers are not trusted: memory is allocated in advance only as far as the file can fill it.

use std::{
    cmp::Ordering,
    io::{self, Read, Write},
};

use super::{ContentError, ImageShape, gzip};

/// The most images or labels that a file may declare.
pub const MAX_ITEMS: u32 = 1_000_000;
/// Number of classes: labels are 0 to 9.
pub const CLASSES: u8 = 10;
/// The most memory allocated before it is known how much data there is, in bytes.
pub const MAX_PREALLOCATION: u64 = 64 << 20;

/// Unsigned bytes (08) in three dimensions: count, rows, columns.
const IMAGE_MAGIC: [u8; 4] = [0, 0, 8, 3];
/// Unsigned bytes (08) in one dimension: count.
const LABEL_MAGIC: [u8; 4] = [0, 0, 8, 1];
/// Spare capacity, so that `read_to_end` finds the end of a file without growing the buffer.
const SPARE_CAPACITY: usize = 32;
const SHAPE: ImageShape = ImageShape::GREY_28;

/// Reads 28×28 images, `[images, 28, 28]` bytes.
///
/// `size` is the size of the file in bytes, compressed if it is. It bounds how much memory the
/// header can make this function allocate.
///
/// # Errors
/// When the file cannot be read, is no IDX file of such images, or has more or fewer bytes than its
/// header declares.
pub fn read_images(from: impl Read, size: u64) -> Result<Vec<u8>, ContentError> {
    let mut reader = IdxReader::new(from, size)?;
    let [count, height, width] = reader.read_header(IMAGE_MAGIC)?;
    if [height, width].map(|side| side as usize) != [SHAPE.height, SHAPE.width] {
        return Err(ContentError(format!(
            "contains images of {height}×{width} pixels instead of {}×{}",
            SHAPE.height, SHAPE.width
        )));
    }
    reader.read_values(count, SHAPE.pixels() as u64)
}

/// Reads class labels, one byte each. `size` is as for [`read_images`].
///
/// # Errors
/// As for [`read_images`], and when a label is out of range.
pub fn read_labels(from: impl Read, size: u64) -> Result<Vec<u8>, ContentError> {
    let mut reader = IdxReader::new(from, size)?;
    let [count] = reader.read_header(LABEL_MAGIC)?;
    let labels = reader.read_values(count, 1)?;
    match labels.iter().position(|label| *label >= CLASSES) {
        Some(index) => Err(ContentError(format!(
            "has the label {} at index {index}, but labels must be 0 to {}",
            labels[index],
            CLASSES - 1
        ))),
        None => Ok(labels),
    }
}

/// Writes `[images, 28, 28]` bytes as plain IDX.
///
/// # Errors
/// When writing fails, or when `pixels` is not a whole number of images that a header can declare.
pub fn write_images(mut to: impl Write, pixels: &[u8]) -> io::Result<()> {
    let (images, []) = pixels.as_chunks::<{ SHAPE.pixels() }>() else {
        return Err(io::Error::other("not a whole number of images"));
    };
    to.write_all(&IMAGE_MAGIC)?;
    for dimension in [images.len(), SHAPE.height, SHAPE.width] {
        to.write_all(&dimension_bytes(dimension)?)?;
    }
    to.write_all(pixels)
}

/// Writes class labels as plain IDX.
///
/// # Errors
/// When writing fails, or when there are more labels than a header can declare.
pub fn write_labels(mut to: impl Write, labels: &[u8]) -> io::Result<()> {
    to.write_all(&LABEL_MAGIC)?;
    to.write_all(&dimension_bytes(labels.len())?)?;
    to.write_all(labels)
}

fn dimension_bytes(dimension: usize) -> io::Result<[u8; 4]> {
    let dimension = u32::try_from(dimension).map_err(io::Error::other)?;
    Ok(dimension.to_be_bytes())
}

/// Reads an IDX file from front to back, uncompressing it if necessary.
struct IdxReader<'r> {
    stream: Box<dyn Read + 'r>,
    is_gzip: bool,
    /// Number of bytes read from `stream`.
    position: u64,
    /// Upper bound of the number of bytes in `stream`.
    max_size: u64,
}

impl<'r> IdxReader<'r> {
    fn new(from: impl Read + 'r, size: u64) -> Result<Self, ContentError> {
        let (stream, is_gzip) = gzip::open(from)?;
        let expansion = if is_gzip { gzip::MAX_EXPANSION } else { 1 };
        Ok(Self {
            stream,
            is_gzip,
            position: 0,
            max_size: size.saturating_mul(expansion),
        })
    }

    /// Reads the magic number, which must be `magic`, and returns the dimensions.
    fn read_header<const RANK: usize>(
        &mut self,
        magic: [u8; 4],
    ) -> Result<[u32; RANK], ContentError> {
        let expected = (size_of_val(&magic) * (1 + RANK)) as u64;
        let bytes = self.read(expected)?;
        let (words, _) = bytes.as_chunks();
        if let Some((&found, dimensions)) = words.split_first() {
            if found != magic {
                let [found, expected] = [found, magic]
                    .map(|bytes: [u8; 4]| bytes.map(|byte| format!("{byte:02x}")).join(" "));
                let kind = if magic == IMAGE_MAGIC {
                    "images"
                } else {
                    "labels"
                };
                // Gzip within gzip is not read.
                let or_gzip = if self.is_gzip {
                    ""
                } else {
                    " and gzip with 1f 8b"
                };
                return Err(ContentError(format!(
                    "begins with {found}, but IDX {kind} begin with {expected}{or_gzip}"
                )));
            }
            if let Ok(dimensions) = <[_; RANK]>::try_from(dimensions) {
                return Ok(dimensions.map(u32::from_be_bytes));
            }
        }
        Err(self.truncated(expected))
    }

    /// Reads `count` items of `size` bytes, after which the file must end.
    fn read_values(&mut self, count: u32, size: u64) -> Result<Vec<u8>, ContentError> {
        if count == 0 {
            let reason = "is empty: its header declares 0 items";
            return Err(ContentError(reason.to_owned()));
        }
        if count > MAX_ITEMS {
            return Err(ContentError(format!(
                "declares {count} items, more than the limit of {MAX_ITEMS}"
            )));
        }
        let length = u64::from(count) * size;
        let expected = self.position + length;
        // One byte more shows whether the file continues, and makes gzip verify its checksum.
        let values = self.read(length + 1)?;
        match self.position.cmp(&expected) {
            Ordering::Less => Err(self.truncated(expected)),
            Ordering::Equal => Ok(values),
            Ordering::Greater => Err(ContentError(format!(
                "has more than the {expected} bytes that its header declares"
            ))),
        }
    }

    fn truncated(&self, expected: u64) -> ContentError {
        let actual = self.position;
        ContentError(format!("is truncated: it has {actual} of {expected} bytes"))
    }

    /// Reads `length` bytes, or fewer at the end of the file. At most [`MAX_PREALLOCATION`] bytes are
    /// allocated in advance; beyond that, memory grows with the data.
    fn read(&mut self, length: u64) -> Result<Vec<u8>, ContentError> {
        let capacity = length.min(self.max_size).min(MAX_PREALLOCATION);
        let capacity = usize::try_from(capacity).unwrap_or(0) + SPARE_CAPACITY;
        let mut bytes = Vec::with_capacity(capacity);
        let result = self.stream.by_ref().take(length).read_to_end(&mut bytes);
        self.position += bytes.len() as u64;
        match result {
            Ok(_) => Ok(bytes),
            Err(error) if self.is_gzip => Err(match error.kind() {
                io::ErrorKind::UnexpectedEof => ContentError(format!(
                    "is truncated: its gzip stream ends after {} uncompressed bytes",
                    self.position
                )),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                    ContentError(format!("is corrupt: {error}"))
                }
                _ => error.into(),
            }),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_images(file: &[u8]) -> Result<Vec<u8>, ContentError> {
        super::read_images(file, file.len() as u64)
    }

    fn read_labels(file: &[u8]) -> Result<Vec<u8>, ContentError> {
        super::read_labels(file, file.len() as u64)
    }

    fn images(pixels: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        write_images(&mut file, pixels).unwrap();
        file
    }

    fn labels(labels: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        write_labels(&mut file, labels).unwrap();
        file
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        super::gzip::compress(|to| to.write_all(bytes)).unwrap()
    }

    /// Random bytes, often after a valid start so that they pass the first checks.
    fn malformed_files() -> impl Strategy<Value = Vec<u8>> {
        let start = prop_oneof![
            Just(vec![]),
            Just(IMAGE_MAGIC.to_vec()),
            Just(LABEL_MAGIC.to_vec()),
            Just(vec![0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28, 0, 0, 0, 28]),
            Just(vec![0, 0, 8, 1, 0, 0, 0, 9]),
            Just(vec![0x1f, 0x8b]),
            Just(vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]),
        ];
        let rest = prop::collection::vec(any::<u8>(), 0..64);
        (start, rest, any::<bool>()).prop_map(|(start, rest, zip)| {
            let bytes = [start, rest].concat();
            if zip { gzip(&bytes) } else { bytes }
        })
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_read_or_rejected(bytes in malformed_files()) {
            if let Ok(pixels) = read_images(&bytes) {
                prop_assert!(!pixels.is_empty() && pixels.len().is_multiple_of(SHAPE.pixels()));
            }
            if let Ok(labels) = read_labels(&bytes) {
                prop_assert!(!labels.is_empty() && labels.iter().all(|label| *label < CLASSES));
            }
        }

        #[test]
        fn written_files_are_read_back(
            image in prop::collection::vec(any::<u8>(), SHAPE.pixels()),
            count in 1usize..4,
            classes in prop::collection::vec(0..CLASSES, 1..50),
        ) {
            let pixels = image.repeat(count);
            let (image_file, label_file) = (images(&pixels), labels(&classes));
            prop_assert_eq!(&read_images(&image_file).unwrap(), &pixels);
            prop_assert_eq!(read_images(&gzip(&image_file)).unwrap(), pixels);
            prop_assert_eq!(&read_labels(&label_file).unwrap(), &classes);
            prop_assert_eq!(read_labels(&gzip(&label_file)).unwrap(), classes);
        }
    }

    #[test]
    fn a_file_truncated_anywhere_is_rejected() {
        let pixels: Vec<u8> = (0..=255).cycle().take(2 * SHAPE.pixels()).collect();
        for whole in [images(&pixels), gzip(&images(&pixels))] {
            assert!(read_images(&whole).is_ok());
            for length in 0..whole.len() {
                assert!(read_images(&whole[..length]).is_err(), "{length} bytes");
            }
        }
    }

    #[test]
    fn bytes_after_the_declared_end_are_an_error_and_are_not_read() {
        let mut file = labels(&[1, 2]);
        let endless = file.as_slice().chain(io::repeat(3));
        let message = "has more than the 10 bytes that its header declares";
        let error = super::read_labels(endless, 10).unwrap_err();
        assert_eq!(error.to_string(), message);
        file.resize(10_000_000, 3);
        let bomb = gzip(&file);
        assert_eq!(read_labels(&bomb).unwrap_err().to_string(), message);
    }

    #[test]
    fn each_error_states_its_reason() {
        let error = |bytes: &[u8]| read_images(bytes).unwrap_err().to_string();
        let header = |count: u32, height: u32, width: u32| {
            [u32::from_be_bytes(IMAGE_MAGIC), count, height, width]
                .map(u32::to_be_bytes)
                .concat()
        };
        let html = b"<!DOCTYPE html>".to_vec();
        let magic = "IDX images begin with 00 00 08 03";
        for (file, expected) in [
            (
                html,
                &*format!("begins with 3c 21 44 4f, but {magic} and gzip with 1f 8b"),
            ),
            (
                gzip(&labels(&[1])),
                &format!("begins with 00 00 08 01, but {magic}"),
            ),
            (header(0, 28, 28), "is empty: its header declares 0 items"),
            (
                header(u32::MAX, 28, 28),
                "declares 4294967295 items, more than the limit of 1000000",
            ),
            (
                header(1, 32, 28),
                "contains images of 32×28 pixels instead of 28×28",
            ),
            (
                header(MAX_ITEMS, 28, 28),
                "is truncated: it has 16 of 784000016 bytes",
            ),
        ] {
            assert_eq!(error(&file), expected);
        }
        let label_error = |file: &[u8]| read_labels(file).unwrap_err().to_string();
        assert_eq!(
            label_error(&labels(&[9, 10])),
            "has the label 10 at index 1, but labels must be 0 to 9"
        );
        let mut damaged = gzip(&labels(&[1]));
        let checksum = damaged.len() - 8;
        damaged[checksum] ^= 1;
        assert!(label_error(&damaged).starts_with("is corrupt: "));
    }
}
