//! The IDX format of the MNIST family: 28×28 grey images and class labels, plain or gzip.
//!
//! A file is a magic number, one big-endian `u32` per dimension, and then one byte per value.
//! Files come from anywhere, so nothing that a header declares is believed before it has arrived.

use std::io::{self, Read, Write};

use super::{ImageShape, gzip};

/// The most images or labels that a file may declare.
pub const MAX_ITEMS: u32 = 1_000_000;
/// Labels run from 0 to one less than this.
pub const CLASSES: u8 = 10;

/// Unsigned bytes (08) in three dimensions: count, rows, columns.
const IMAGE_MAGIC: [u8; 4] = [0, 0, 8, 3];
/// Unsigned bytes (08) in one dimension: count.
const LABEL_MAGIC: [u8; 4] = [0, 0, 8, 1];
/// The most bytes of memory that are set aside before there is anything to fill them.
pub const MAX_PREALLOCATION: u64 = 64 << 20;
/// Room at the end of a buffer with which reading finds the end of a file without asking for more.
const PROBE: usize = 32;
const SHAPE: ImageShape = ImageShape::GREY_28;

/// What is wrong with a file. Each message continues a sentence that begins with the file's name.
#[derive(Debug, thiserror::Error)]
pub enum IdxError {
    /// The file cannot be opened or read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// Something other than the expected kind of IDX file, or of gzip around it.
    #[error("begins with {found}, but {expected}", found = Hex(*found), expected = Expected(*expected, *gzip))]
    Magic {
        /// Its first four bytes, uncompressed.
        found: [u8; 4],
        /// The four bytes of the kind asked for.
        expected: [u8; 4],
        /// Whether the bytes came out of gzip.
        gzip: bool,
    },
    /// The gzip stream contradicts itself.
    #[error("is corrupt: {0}")]
    Gzip(io::Error),
    /// The gzip stream stops before its end.
    #[error("is cut off: its gzip stream stops after {got} uncompressed bytes")]
    GzipTruncated {
        /// Bytes that came out of it.
        got: u64,
    },
    /// Fewer bytes than the header calls for.
    #[error("is cut off: it holds {got} bytes of {expected}")]
    Truncated {
        /// Bytes called for, header included.
        expected: u64,
        /// Bytes that are there.
        got: u64,
    },
    /// More bytes than the header calls for.
    #[error("holds more than the {expected} bytes that its header calls for")]
    Trailing {
        /// Bytes called for, header included.
        expected: u64,
    },
    /// No image or label at all.
    #[error("is empty: its header declares 0 items")]
    Empty,
    /// More than [`MAX_ITEMS`].
    #[error("declares {declared} items, more than the {MAX_ITEMS} that are read")]
    TooMany {
        /// Number in the header.
        declared: u32,
    },
    /// Images of another size.
    #[error("holds images of {height}×{width} pixels instead of {}×{}", SHAPE.height, SHAPE.width)]
    Size {
        /// Rows in the header.
        height: u32,
        /// Columns in the header.
        width: u32,
    },
    /// A label that names no class.
    #[error("has the label {label} at position {index}, but labels run from 0 to {}", CLASSES - 1)]
    Label {
        /// Place of the label, from 0.
        index: usize,
        /// Its value.
        label: u8,
    },
}

/// Bytes as people write them: `1f 8b`.
struct Hex([u8; 4]);

impl std::fmt::Display for Hex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.map(|byte| format!("{byte:02x}")).join(" "))
    }
}

/// What a file should have begun with; gzip within gzip is not read.
struct Expected([u8; 4], bool);

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(magic, gzip) = *self;
        let kind = if magic == IMAGE_MAGIC {
            "images"
        } else {
            "labels"
        };
        write!(f, "IDX {kind} begin with {}", Hex(magic))?;
        if gzip {
            Ok(())
        } else {
            write!(f, " and gzip with 1f 8b")
        }
    }
}

/// Reads 28×28 images: 784 bytes each, row by row, one image after the other.
///
/// `size` is that of the file as it lies there, in bytes. It says how far a header may be trusted
/// before the bytes have arrived, so that no more memory is used than the images need.
///
/// # Errors
/// Any [`IdxError`] but [`IdxError::Label`].
pub fn read_images(from: impl Read, size: u64) -> Result<Vec<u8>, IdxError> {
    let mut content = Content::open(from, size)?;
    let [count, height, width] = content.header(IMAGE_MAGIC)?;
    if [height, width].map(u64::from) != [SHAPE.height, SHAPE.width].map(|side| side as u64) {
        return Err(IdxError::Size { height, width });
    }
    content.values(count, SHAPE.pixels() as u64)
}

/// Reads class labels, one byte each; `size` as for [`read_images`].
///
/// # Errors
/// Any [`IdxError`] but [`IdxError::Size`].
pub fn read_labels(from: impl Read, size: u64) -> Result<Vec<u8>, IdxError> {
    let mut content = Content::open(from, size)?;
    let [count] = content.header(LABEL_MAGIC)?;
    let labels = content.values(count, 1)?;
    match labels
        .iter()
        .enumerate()
        .find(|(_, label)| **label >= CLASSES)
    {
        Some((index, &label)) => Err(IdxError::Label { index, label }),
        None => Ok(labels),
    }
}

/// Writes 28×28 images, 784 bytes each, as plain IDX.
///
/// # Errors
/// When writing fails, or `pixels` is not a whole number of images that a header can declare.
pub fn write_images(mut to: impl Write, pixels: &[u8]) -> io::Result<()> {
    let (images, []) = pixels.as_chunks::<{ SHAPE.pixels() }>() else {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "not a whole number of images",
        ));
    };
    to.write_all(&IMAGE_MAGIC)?;
    for dimension in [images.len(), SHAPE.height, SHAPE.width] {
        to.write_all(&word(dimension)?)?;
    }
    to.write_all(pixels)
}

/// Writes labels as plain IDX.
///
/// # Errors
/// When writing fails, or there are more labels than a header can declare.
pub fn write_labels(mut to: impl Write, labels: &[u8]) -> io::Result<()> {
    to.write_all(&LABEL_MAGIC)?;
    to.write_all(&word(labels.len())?)?;
    to.write_all(labels)
}

fn word(dimension: usize) -> io::Result<[u8; 4]> {
    u32::try_from(dimension)
        .map(u32::to_be_bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

/// The uncompressed bytes of a file, read from front to back.
struct Content<'r> {
    stream: Box<dyn Read + 'r>,
    gzip: bool,
    /// Bytes taken from `stream`.
    position: u64,
    /// The most bytes that can come out of `stream`.
    most: u64,
}

impl<'r> Content<'r> {
    fn open(from: impl Read + 'r, size: u64) -> Result<Self, IdxError> {
        let (stream, gzip) = gzip::open(from)?;
        Ok(Self {
            stream,
            gzip,
            position: 0,
            most: if gzip {
                size.saturating_mul(gzip::MAX_EXPANSION)
            } else {
                size
            },
        })
    }

    /// The dimensions of a file that begins with `magic`.
    fn header<const RANK: usize>(&mut self, magic: [u8; 4]) -> Result<[u32; RANK], IdxError> {
        let expected = (size_of_val(&magic) * (1 + RANK)) as u64;
        let bytes = self.take(expected)?;
        let (words, _) = bytes.as_chunks();
        if let Some((&found, dimensions)) = words.split_first() {
            if found != magic {
                return Err(IdxError::Magic {
                    found,
                    expected: magic,
                    gzip: self.gzip,
                });
            }
            if let Ok(dimensions) = <[_; RANK]>::try_from(dimensions) {
                return Ok(dimensions.map(u32::from_be_bytes));
            }
        }
        Err(IdxError::Truncated {
            expected,
            got: self.position,
        })
    }

    /// All that follows the header: `count` items of `size` bytes, and then the end of the file.
    fn values(&mut self, count: u32, size: u64) -> Result<Vec<u8>, IdxError> {
        match count {
            0 => return Err(IdxError::Empty),
            1..=MAX_ITEMS => {}
            declared => return Err(IdxError::TooMany { declared }),
        }
        let length = u64::from(count) * size;
        let expected = self.position + length;
        // One byte more than declared tells a longer file, and makes gzip verify its checksum.
        let values = self.take(length + 1)?;
        match self.position.cmp(&expected) {
            std::cmp::Ordering::Less => Err(IdxError::Truncated {
                expected,
                got: self.position,
            }),
            std::cmp::Ordering::Equal => Ok(values),
            std::cmp::Ordering::Greater => Err(IdxError::Trailing { expected }),
        }
    }

    /// The next `length` bytes, or as many as there are; beyond [`AHEAD`], memory grows with what
    /// arrives.
    fn take(&mut self, length: u64) -> Result<Vec<u8>, IdxError> {
        let ahead = length.min(self.most).min(MAX_PREALLOCATION);
        let mut bytes = Vec::with_capacity(usize::try_from(ahead).unwrap_or(0) + PROBE);
        let result = self.stream.by_ref().take(length).read_to_end(&mut bytes);
        self.position += bytes.len() as u64;
        match result {
            Ok(_) => Ok(bytes),
            Err(error) if self.gzip => Err(match error.kind() {
                io::ErrorKind::UnexpectedEof => IdxError::GzipTruncated { got: self.position },
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => IdxError::Gzip(error),
                _ => IdxError::Io(error),
            }),
            Err(error) => Err(IdxError::Io(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use flate2::{Compression, write::GzEncoder};
    use proptest::prelude::*;

    use super::*;

    fn read_images(file: &[u8]) -> Result<Vec<u8>, IdxError> {
        super::read_images(file, file.len() as u64)
    }

    fn read_labels(file: &[u8]) -> Result<Vec<u8>, IdxError> {
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
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Bytes that get past the first checks more often than chance would let them.
    fn hostile() -> impl Strategy<Value = Vec<u8>> {
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
        fn any_bytes_are_read_or_refused(bytes in hostile()) {
            if let Ok(pixels) = read_images(&bytes) {
                prop_assert!(!pixels.is_empty() && pixels.len().is_multiple_of(SHAPE.pixels()));
            }
            if let Ok(labels) = read_labels(&bytes) {
                prop_assert!(!labels.is_empty() && labels.iter().all(|label| *label < CLASSES));
            }
        }

        #[test]
        fn what_was_written_is_read(
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
    fn a_file_cut_anywhere_is_refused() {
        let pixels: Vec<u8> = (0..=255).cycle().take(2 * SHAPE.pixels()).collect();
        for whole in [images(&pixels), gzip(&images(&pixels))] {
            assert!(read_images(&whole).is_ok());
            for length in 0..whole.len() {
                assert!(read_images(&whole[..length]).is_err(), "{length} bytes");
            }
        }
    }

    #[test]
    fn a_file_that_goes_on_is_left_where_it_should_end() {
        let file = labels(&[1, 2]);
        let endless = file.as_slice().chain(io::repeat(3));
        let fault = super::read_labels(endless, 10).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "holds more than the 10 bytes that its header calls for"
        );

        let mut bomb = file.clone();
        bomb.resize(10_000_000, 3);
        assert!(matches!(
            read_labels(&gzip(&bomb)),
            Err(IdxError::Trailing { expected: 10 })
        ));
    }

    #[test]
    fn each_fault_is_named() {
        let fault = |bytes: &[u8]| read_images(bytes).unwrap_err().to_string();
        let header = |count: u32, height: u32, width: u32| {
            [u32::from_be_bytes(IMAGE_MAGIC), count, height, width]
                .map(u32::to_be_bytes)
                .concat()
        };
        assert_eq!(
            fault(b"<!DOCTYPE html>"),
            "begins with 3c 21 44 4f, but IDX images begin with 00 00 08 03 and gzip with 1f 8b"
        );
        assert_eq!(
            fault(&gzip(&labels(&[1]))),
            "begins with 00 00 08 01, but IDX images begin with 00 00 08 03"
        );
        assert_eq!(
            fault(&header(0, 28, 28)),
            "is empty: its header declares 0 items"
        );
        assert_eq!(
            fault(&header(u32::MAX, 28, 28)),
            "declares 4294967295 items, more than the 1000000 that are read"
        );
        assert_eq!(
            fault(&header(1, 32, 28)),
            "holds images of 32×28 pixels instead of 28×28"
        );
        assert_eq!(
            fault(&header(MAX_ITEMS, 28, 28)),
            "is cut off: it holds 16 bytes of 784000016"
        );
        assert_eq!(
            read_labels(&labels(&[9, 10])).unwrap_err().to_string(),
            "has the label 10 at position 1, but labels run from 0 to 9"
        );

        let mut damaged = gzip(&labels(&[1]));
        let checksum = damaged.len() - 8;
        damaged[checksum] ^= 1;
        assert!(matches!(read_labels(&damaged), Err(IdxError::Gzip(_))));
    }
}
