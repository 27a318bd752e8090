//! Malformed files are read or rejected without a panic and with memory bounded by their size.

use std::io::Write as _;

use crate::allocation::peak_of;
use cre_lab::data::{cifar, idx};
use flate2::{Compression, write::GzEncoder};
use proptest::{prelude::*, sample::Index};

/// Memory for the buffers of a reader: of the file, the gzip window, a record.
const BUFFERS: usize = 1 << 20;
/// The most bytes that one byte of gzip can expand to.
const INFLATION: usize = 1032;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A change of a file.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Cut(Index),
    Repeat(Index),
    Insert(Index, Vec<u8>),
    Word(Index, u32),
}

impl Change {
    fn any() -> impl Strategy<Value = Self> {
        let bytes = prop::collection::vec(any::<u8>(), 1..9);
        let word = prop_oneof![
            Just(0),
            Just(1),
            Just(u32::MAX),
            Just(1 << 31),
            Just(1_000_000),
            any::<u32>(),
        ];
        prop_oneof![
            (any::<Index>(), any::<u8>()).prop_map(|(at, bits)| Self::Flip(at, bits)),
            any::<Index>().prop_map(Self::Cut),
            any::<Index>().prop_map(Self::Repeat),
            (any::<Index>(), bytes).prop_map(|(at, bytes)| Self::Insert(at, bytes)),
            (any::<Index>(), word).prop_map(|(at, word)| Self::Word(at, word)),
        ]
    }

    fn apply(&self, file: &mut Vec<u8>) {
        if file.is_empty() {
            return;
        }
        let length = file.len();
        match self {
            Self::Flip(at, bits) => file[at.index(length)] ^= bits,
            Self::Cut(at) => file.truncate(at.index(length)),
            Self::Repeat(at) => file.extend_from_within(at.index(length)..),
            Self::Insert(at, bytes) => {
                let at = at.index(length);
                file.splice(at..at, bytes.iter().copied());
            }
            Self::Word(at, word) => {
                // Mostly in the header, where sizes are.
                let at = at.index(length.min(16)) & !3;
                let end = (at + 4).min(length);
                file[at..end].copy_from_slice(&word.to_be_bytes()[..end - at]);
            }
        }
    }
}

/// A valid IDX file, images or labels.
fn idx_file() -> impl Strategy<Value = Vec<u8>> {
    let images = (1usize..3, any::<u8>()).prop_map(|(count, grey)| {
        let mut file = Vec::new();
        idx::write_images(&mut file, &vec![grey; count * 784]).unwrap();
        file
    });
    let labels = prop::collection::vec(0..10u8, 1..40).prop_map(|labels| {
        let mut file = Vec::new();
        idx::write_labels(&mut file, &labels).unwrap();
        file
    });
    prop_oneof![images, labels]
}

/// Random bytes, any header followed by random bytes, or a valid file that was changed before or
/// after compression.
fn idx_bytes() -> impl Strategy<Value = Vec<u8>> {
    let random = prop::collection::vec(any::<u8>(), 0..200);
    let header = (
        prop_oneof![Just([0, 0, 8, 1]), Just([0, 0, 8, 3]), any::<[u8; 4]>()],
        prop::collection::vec(
            prop_oneof![Just(28), Just(u32::MAX), Just(1_000_000), any::<u32>()],
            0..4,
        ),
        prop::collection::vec(any::<u8>(), 0..100),
        any::<bool>(),
    )
        .prop_map(|(magic, words, rest, zip)| {
            let words = words.iter().flat_map(|word| word.to_be_bytes());
            let bytes: Vec<u8> = magic.into_iter().chain(words).chain(rest).collect();
            if zip { gzip(&bytes) } else { bytes }
        });
    let changed = (
        idx_file(),
        prop::collection::vec(Change::any(), 0..4),
        prop_oneof![Just(None), Just(Some(true)), Just(Some(false))],
    )
        .prop_map(|(mut file, changes, zip_first)| {
            if zip_first == Some(true) {
                file = gzip(&file);
            }
            for change in &changes {
                change.apply(&mut file);
            }
            if zip_first == Some(false) {
                file = gzip(&file);
            }
            file
        });
    prop_oneof![random, header, changed]
}

/// Records whose labels and lengths are mostly valid.
fn cifar_bytes() -> impl Strategy<Value = Vec<u8>> {
    let random = prop::collection::vec(any::<u8>(), 0..200);
    let records = (
        prop::collection::vec(prop_oneof![9 => 0..10u8, 1 => any::<u8>()], 0..4),
        any::<u8>(),
        prop::collection::vec(Change::any(), 0..3),
    )
        .prop_map(|(labels, pixel, changes)| {
            let record = |label: &u8| {
                let mut record = vec![pixel; 3073];
                record[0] = *label;
                record
            };
            let mut file: Vec<u8> = labels.iter().flat_map(record).collect();
            for change in &changes {
                change.apply(&mut file);
            }
            file
        });
    prop_oneof![1 => random, 3 => records]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 25_000, ..ProptestConfig::default() })]

    #[test]
    fn idx_files_are_read_or_rejected_with_bounded_memory(bytes in idx_bytes()) {
        let size = bytes.len() as u64;
        let limit = BUFFERS + 2 * INFLATION * bytes.len();
        let (images, memory) = peak_of(|| idx::read_images(&bytes[..], size));
        prop_assert!(memory <= limit, "{memory} bytes for {size}");
        if let Ok(pixels) = images {
            prop_assert!(!pixels.is_empty() && pixels.len() % 784 == 0);
        }
        let (labels, memory) = peak_of(|| idx::read_labels(&bytes[..], size));
        prop_assert!(memory <= limit, "{memory} bytes for {size}");
        if let Ok(labels) = labels {
            prop_assert!(!labels.is_empty() && labels.iter().all(|label| *label < idx::CLASSES));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn cifar_files_are_read_or_rejected_with_bounded_memory(bytes in cifar_bytes()) {
        let mut records = cifar::Records::default();
        let (result, memory) = peak_of(|| cifar::read_records(&bytes[..], &mut records));
        prop_assert!(memory <= BUFFERS + 4 * bytes.len(), "{memory} bytes for {}", bytes.len());
        let has_whole_records = !bytes.is_empty() && bytes.len() % 3073 == 0;
        let has_valid_labels = bytes.chunks(3073).all(|record| record[0] < 10);
        prop_assert_eq!(result.is_ok(), has_whole_records && has_valid_labels);
        prop_assert_eq!(records.pixels.len(), records.labels.len() * 3072);
    }
}

#[test]
fn peak_memory_is_measured() {
    let (vector, memory) = peak_of(|| {
        drop(Vec::<u8>::with_capacity(5_000_000));
        Vec::<u8>::with_capacity(1_000)
    });
    assert_eq!((vector.capacity(), memory), (1_000, 5_000_000));
}

/// A header may declare 784 MB: memory is allocated in advance only up to a limit.
#[test]
fn a_large_declared_size_does_not_allocate_memory() {
    let header = [0x0803, idx::MAX_ITEMS, 28, 28]
        .map(u32::to_be_bytes)
        .concat();
    let (result, memory) = peak_of(|| idx::read_images(&header[..], header.len() as u64));
    assert!(result.is_err() && memory < BUFFERS, "{memory} bytes");
    let (result, memory) = peak_of(|| idx::read_images(&header[..], u64::MAX));
    assert!(result.is_err());
    assert!(
        memory as u64 <= idx::MAX_PREALLOCATION + BUFFERS as u64,
        "{memory} bytes"
    );
}

/// Peak memory of loading sets of the full sizes.
#[test]
fn loading_full_sets_needs_little_more_memory_than_their_pixels() {
    let folder = tempfile::tempdir().unwrap();
    for (prefix, count) in [("train", 60_000u32), ("t10k", 10_000)] {
        let write = |name: &str, bytes: &[u8]| {
            std::fs::write(
                folder.path().join(format!("{prefix}-{name}.gz")),
                gzip(bytes),
            )
            .unwrap();
        };
        let mut images = Vec::new();
        idx::write_images(&mut images, &vec![7; count as usize * 784]).unwrap();
        write("images-idx3-ubyte", &images);
        let mut labels = Vec::new();
        idx::write_labels(&mut labels, &vec![3; count as usize]).unwrap();
        write("labels-idx1-ubyte", &labels);
    }
    let source = cre_lab::data::DataSource::Folder(folder.path().to_owned());
    let (dataset, memory) = peak_of(|| source.load().unwrap());
    assert_eq!(dataset.train.len() + dataset.test.len(), 70_000);
    assert!(memory < 60_000_000, "{memory} bytes for MNIST");

    let folder = tempfile::tempdir().unwrap();
    for name in [
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "data_batch_5",
        "test_batch",
    ] {
        let file = std::fs::File::create(folder.path().join(format!("{name}.bin"))).unwrap();
        // Zeros are images of class 0.
        file.set_len(30_730_000).unwrap();
    }
    let source = cre_lab::data::DataSource::Folder(folder.path().to_owned());
    let (dataset, memory) = peak_of(|| source.load().unwrap());
    assert_eq!(dataset.train.len() + dataset.test.len(), 60_000);
    assert!(memory < 200_000_000, "{memory} bytes for CIFAR-10");
}
