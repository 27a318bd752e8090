//! The data sets that are compiled into the program, and how their files are made.
//!
//! A bundled set is the first images of each class of the original files, in file order, written
//! as the same four IDX files with gzip. Reading it needs nothing but the reader for any folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};

use super::{
    BundledSet, Dataset, ImageShape, LoadError, Split,
    folder::{Files, Half, Named, read_split},
    idx,
};
use crate::files::write_atomically;

/// Training images of each class in a bundled set.
pub const TRAIN_PER_CLASS: usize = 1000;
/// Test images of each class in a bundled set.
pub const TEST_PER_CLASS: usize = 200;

/// Images and labels of both halves, in the order of [`Half::ALL`].
type Bytes = [[&'static [u8]; 2]; 2];

macro_rules! bundled {
    ($folder:literal) => {
        [
            [
                bundled!($folder, "train-images-idx3-ubyte"),
                bundled!($folder, "train-labels-idx1-ubyte"),
            ],
            [
                bundled!($folder, "t10k-images-idx3-ubyte"),
                bundled!($folder, "t10k-labels-idx1-ubyte"),
            ],
        ]
    };
    ($folder:literal, $file:literal) => {
        include_bytes!(concat!("../../assets/data/", $folder, "/", $file, ".gz"))
    };
}

static MNIST: Bytes = bundled!("mnist");
static FASHION_MNIST: Bytes = bundled!("fashion-mnist");

/// Unpacks a bundled set.
///
/// # Errors
/// None but for a damaged program: the files have been tested.
pub fn load(set: BundledSet) -> Result<Dataset, LoadError> {
    let [train, test] = match set {
        BundledSet::Mnist => &MNIST,
        BundledSet::FashionMnist => &FASHION_MNIST,
    };
    let read = |half: Half, [images, labels]: [&'static [u8]; 2]| {
        let named = |file: String, content| Named {
            path: Path::new("assets/data")
                .join(set.id())
                .join(gzip_name(&file)),
            content,
        };
        read_split(named(half.images(), images), named(half.labels(), labels))
    };
    Ok(Dataset {
        name: set.to_string(),
        shape: ImageShape::GREY_28,
        class_names: set.class_names().map(str::to_owned).to_vec(),
        train: read(Half::Train, *train)?,
        test: read(Half::Test, *test)?,
    })
}

/// A file that [`make`] has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: String,
}

/// Why a bundle cannot be made, as one sentence.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The original files cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The original files lack images of a class.
    #[error("{} holds {found} {half} images of class {class}, fewer than the {needed} to bundle", folder.display())]
    TooFew {
        /// Where the original files are.
        folder: PathBuf,
        /// Training or test images.
        half: Half,
        /// The class.
        class: usize,
        /// How many of its images there are.
        found: usize,
        /// How many a bundle has.
        needed: usize,
    },
    /// The bundle would take the place of the files that it is made from.
    #[error("{} holds the original files: choose another folder for the bundle", .0.display())]
    SameFolder(PathBuf),
    /// A file or folder cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
}

/// Makes the four files of one bundled set in the folder `to` from the original files in `from`.
///
/// The same original files always give the same bytes. Nothing is written before all has been
/// read, and each file appears whole or not at all.
///
/// # Errors
/// When the original files cannot be read, hold too few images of a class or lie in `to` itself,
/// and when writing fails.
pub fn make(from: &Path, to: &Path) -> Result<Vec<BundleFile>, BundleError> {
    let files = Files::find(from)?;
    let halves = [
        subset(&files, Half::Train, TRAIN_PER_CLASS)?,
        subset(&files, Half::Test, TEST_PER_CLASS)?,
    ];
    let writing = |error| BundleError::Write {
        path: to.to_owned(),
        error,
    };
    fs::create_dir_all(to).map_err(writing)?;
    if fs::canonicalize(to).map_err(writing)? == fs::canonicalize(&files.folder).map_err(writing)? {
        return Err(BundleError::SameFolder(to.to_owned()));
    }
    let mut written = Vec::new();
    for (half, split) in Half::ALL.into_iter().zip(&halves) {
        written.push(write(to, &half.images(), |gzip| {
            idx::write_images(gzip, split.images(0..split.len()))
        })?);
        written.push(write(to, &half.labels(), |gzip| {
            idx::write_labels(gzip, split.labels())
        })?);
    }
    Ok(written)
}

/// The first `per_class` images of each class, in file order.
fn subset(files: &Files, half: Half, per_class: usize) -> Result<Split, BundleError> {
    let split = files.read(half)?;
    let classes = usize::from(idx::CLASSES);
    let mut chosen = split.first_of_each_class(classes, per_class);
    for class in 0..classes {
        let found = chosen
            .iter()
            .filter(|index| usize::from(split.label(**index as usize)) == class)
            .count();
        if found < per_class {
            return Err(BundleError::TooFew {
                folder: files.folder.clone(),
                half,
                class,
                found,
                needed: per_class,
            });
        }
    }
    chosen.sort_unstable();
    Ok(split.select(&chosen))
}

/// Compresses what `content` writes, and puts it in place as a whole.
fn write(
    folder: &Path,
    file: &str,
    content: impl FnOnce(&mut GzEncoder<Vec<u8>>) -> io::Result<()>,
) -> Result<BundleFile, BundleError> {
    let path = folder.join(gzip_name(file));
    // The encoder's header has no name and no time, so the same content gives the same bytes.
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let result = content(&mut gzip)
        .and_then(|()| gzip.finish())
        .and_then(|bytes| write_atomically(&path, &bytes).map(|()| bytes));
    match result {
        Ok(bytes) => Ok(BundleFile {
            bytes: bytes.len() as u64,
            sha256: sha256(&bytes),
            path,
        }),
        Err(error) => Err(BundleError::Write { path, error }),
    }
}

fn gzip_name(file: &str) -> String {
    format!("{file}.gz")
}

fn sha256(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataSource, folder};

    fn assets() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/data")
    }

    #[test]
    fn every_class_is_there_equally_often() {
        for set in BundledSet::ALL {
            let dataset = load(set).unwrap();
            for (split, per_class) in [
                (&dataset.train, TRAIN_PER_CLASS),
                (&dataset.test, TEST_PER_CLASS),
            ] {
                assert_eq!(split.len(), dataset.classes() * per_class);
                assert_eq!(
                    split
                        .first_of_each_class(dataset.classes(), per_class)
                        .len(),
                    split.len()
                );
            }
        }
    }

    #[test]
    fn the_bundle_is_what_its_readme_says() {
        let readme = include_str!("../../assets/data/README.md");
        for (set, bytes) in [
            (BundledSet::Mnist, MNIST),
            (BundledSet::FashionMnist, FASHION_MNIST),
        ] {
            for (half, [images, labels]) in Half::ALL.into_iter().zip(bytes) {
                for (file, bytes) in [(half.images(), images), (half.labels(), labels)] {
                    let row = format!(
                        "| `{}/{file}.gz` | {} | `{}` |",
                        set.id(),
                        bytes.len(),
                        sha256(bytes)
                    );
                    assert!(readme.contains(&row), "README.md lacks {row}");
                }
            }
        }
    }

    /// The first images of a bundle are the bundle, so making it anew shows that the same
    /// originals give the same bytes without having them here.
    #[test]
    fn making_it_again_gives_the_same_bytes() {
        for set in BundledSet::ALL {
            let from = assets().join(set.id());
            let to = tempfile::tempdir().unwrap();
            for file in make(&from, to.path()).unwrap() {
                let made = fs::read(&file.path).unwrap();
                assert_eq!(file.bytes, made.len() as u64);
                assert_eq!(file.sha256, sha256(&made));
                assert!(made == fs::read(from.join(file.path.file_name().unwrap())).unwrap());
                // The gzip header holds no flags, and so no name, and no time.
                assert_eq!(made[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
            }
            let folder = DataSource::Folder(from).load().unwrap();
            assert!(folder == load(set).unwrap());
        }
    }

    #[test]
    fn originals_are_neither_replaced_nor_too_few() {
        let from = assets().join("mnist");
        assert!(matches!(
            make(&from, &from),
            Err(BundleError::SameFolder(_))
        ));

        let small = tempfile::tempdir().unwrap();
        folder::tests::write(small.path(), str::to_owned);
        let to = small.path().join("bundle");
        assert_eq!(
            make(small.path(), &to).unwrap_err().to_string(),
            format!(
                "{} holds 0 training images of class 0, fewer than the 1000 to bundle",
                small.path().display()
            )
        );
        assert!(!to.exists());
    }
}
