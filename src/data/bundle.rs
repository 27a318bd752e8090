//! The data sets that are compiled into the program, and how their files are made.
//!
//! A bundled set is the first images of each class of the original files, in file order: of the
//! MNIST family as the same four IDX files with gzip, of CIFAR-10 as a JPEG for each half.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    BundledSet, Dataset, ImageShape, LoadError, Split, cifar,
    digest::sha256,
    idx,
    idx_folder::{IdxFolder, NamedFile, SplitKind, read_split},
    image_sheet,
};
use crate::fs::{Existing, check_output, first_existing, write_whole};
use flate2::{Compression, write::GzEncoder};

/// Images and labels of both halves, in the order of [`Half::ALL`].
type Bytes = [[&'static [u8]; 2]; 2];

macro_rules! bundled {
    ($images:literal, $labels:literal) => {
        [
            include_bytes!(concat!("../../assets/data/", $images)),
            include_bytes!(concat!("../../assets/data/", $labels)),
        ]
    };
}

static MNIST: Bytes = [
    bundled!(
        "mnist/train-images-idx3-ubyte.gz",
        "mnist/train-labels-idx1-ubyte.gz"
    ),
    bundled!(
        "mnist/t10k-images-idx3-ubyte.gz",
        "mnist/t10k-labels-idx1-ubyte.gz"
    ),
];
static FASHION_MNIST: Bytes = [
    bundled!(
        "fashion-mnist/train-images-idx3-ubyte.gz",
        "fashion-mnist/train-labels-idx1-ubyte.gz"
    ),
    bundled!(
        "fashion-mnist/t10k-images-idx3-ubyte.gz",
        "fashion-mnist/t10k-labels-idx1-ubyte.gz"
    ),
];
static CIFAR_10: Bytes = [
    bundled!(
        "cifar-10/train-images.jpg",
        "cifar-10/train-labels-idx1-ubyte.gz"
    ),
    bundled!(
        "cifar-10/t10k-images.jpg",
        "cifar-10/t10k-labels-idx1-ubyte.gz"
    ),
];

/// How the images of a set are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    /// The original IDX format, with gzip.
    Idx,
    /// One JPEG: colour images do not get small without loss.
    Jpeg,
}

impl Packing {
    /// Training and test images of each class.
    const fn per_class(self) -> [usize; 2] {
        match self {
            Self::Idx => [1000, 200],
            Self::Jpeg => [500, 100],
        }
    }

    fn images(self, half: SplitKind) -> String {
        match self {
            Self::Idx => gzip_name(&half.images()),
            Self::Jpeg => half.atlas(),
        }
    }
}

const fn packing(set: BundledSet) -> Packing {
    match set {
        BundledSet::Mnist | BundledSet::FashionMnist => Packing::Idx,
        BundledSet::Cifar10 => Packing::Jpeg,
    }
}

/// Training and test images of a bundled set.
pub fn image_counts(set: BundledSet) -> [usize; 2] {
    let classes = usize::from(idx::CLASSES);
    packing(set).per_class().map(|images| images * classes)
}

/// Unpacks a bundled set.
///
/// # Errors
/// None but for a damaged program: the files have been tested.
pub fn load(set: BundledSet) -> Result<Dataset, LoadError> {
    let packing = packing(set);
    let read = |half: SplitKind, [images, labels]: [&'static [u8]; 2]| {
        let named = |file: String, content: &'static [u8]| NamedFile {
            path: Path::new("assets/data").join(set.id()).join(file),
            bytes: content.len() as u64,
            content,
        };
        let images = named(packing.images(half), images);
        let labels = named(gzip_name(&half.labels()), labels);
        match packing {
            Packing::Idx => read_split(images, labels),
            Packing::Jpeg => read_atlas(images, labels),
        }
    };
    let [train, test] = match set {
        BundledSet::Mnist => &MNIST,
        BundledSet::FashionMnist => &FASHION_MNIST,
        BundledSet::Cifar10 => &CIFAR_10,
    };
    Ok(Dataset {
        name: set.to_string(),
        shape: set.shape(),
        class_names: set.class_names().map(str::to_owned).to_vec(),
        rotation: match set {
            BundledSet::Cifar10 => cifar::MAX_ROTATION,
            BundledSet::Mnist | BundledSet::FashionMnist => 0.0,
        },
        skipped: Vec::new(),
        train: read(SplitKind::Train, *train)?,
        test: read(SplitKind::Test, *test)?,
    })
}

fn read_atlas(
    images: NamedFile<&'static [u8]>,
    labels: NamedFile<&'static [u8]>,
) -> Result<Split, LoadError> {
    let classes =
        idx::read_labels(labels.content, labels.bytes).map_err(|fault| LoadError::Idx {
            file: labels.path,
            fault,
        })?;
    let pixels = match image_sheet::decode(images.content, classes.len()) {
        Ok(Some(pixels)) => Ok(pixels),
        Ok(None) => Err(format!("holds fewer than {} images", classes.len())),
        Err(error) => Err(format!("cannot be decoded: {error}")),
    };
    pixels
        .and_then(|pixels| {
            Split::new(ImageShape::COLOUR_32, pixels, classes)
                .ok_or_else(|| "has images of another size".to_owned())
        })
        .map_err(|reason| LoadError::ImageSheet {
            file: images.path,
            reason,
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
        half: SplitKind,
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
    /// Files of the bundle exist and are to be kept.
    #[error("{0}; choose another folder, or replace them with --overwrite")]
    Exists(String),
    /// A file or folder cannot be written.
    #[error("{} cannot be written: {error}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
}

/// The original files of a set.
enum Originals {
    Idx(IdxFolder),
    Cifar(cifar::CifarFolder),
}

impl Originals {
    fn find(from: &Path) -> Result<Self, LoadError> {
        Ok(match cifar::CifarFolder::find(from) {
            Some(files) => Self::Cifar(files),
            None => Self::Idx(IdxFolder::find(from)?),
        })
    }

    fn folder(&self) -> &Path {
        match self {
            Self::Idx(files) => &files.folder,
            Self::Cifar(files) => &files.folder,
        }
    }

    fn read(&self, half: SplitKind) -> Result<Split, LoadError> {
        match self {
            Self::Idx(files) => files.read(half),
            Self::Cifar(files) => files.read(half),
        }
    }

    fn packing(&self) -> Packing {
        match self {
            Self::Idx(_) => Packing::Idx,
            Self::Cifar(_) => Packing::Jpeg,
        }
    }
}

/// Makes the four files of one bundled set in the folder `to` from the original files in `from`.
///
/// The same original files always give the same bytes. Nothing is written before all has been
/// read, and each file appears whole or not at all.
///
/// # Errors
/// When the original files cannot be read, hold too few images of a class or lie in `to` itself, when
/// files of the bundle exist and are to be kept, and when writing fails.
pub fn make(from: &Path, to: &Path, existing: Existing) -> Result<Vec<BundleFile>, BundleError> {
    let writing = |error| BundleError::Write {
        path: to.to_owned(),
        error,
    };
    let originals = Originals::find(from)?;
    let original = fs::canonicalize(originals.folder()).map_err(writing)?;
    if fs::canonicalize(to).is_ok_and(|to| to == original) {
        return Err(BundleError::SameFolder(to.to_owned()));
    }
    let packing = originals.packing();
    let names = SplitKind::ALL
        .into_iter()
        .flat_map(|half| [packing.images(half), gzip_name(&half.labels())])
        .collect::<Vec<String>>();
    if existing == Existing::Keep
        && let Some(found) = first_existing(to, names.iter().map(String::as_str))
    {
        return Err(BundleError::Exists(found));
    }
    for name in &names {
        let path = to.join(name);
        check_output(&path, existing).map_err(|error| BundleError::Write { path, error })?;
    }
    let [train, test] = packing.per_class();
    let halves = [
        subset(&originals, SplitKind::Train, train)?,
        subset(&originals, SplitKind::Test, test)?,
    ];
    fs::create_dir_all(to).map_err(writing)?;
    let mut written = Vec::new();
    for (half, split) in SplitKind::ALL.into_iter().zip(&halves) {
        let images = match packing {
            Packing::Idx => gzip(|gzip| idx::write_images(gzip, split.images(0..split.len()))),
            Packing::Jpeg => image_sheet::encode(split).map_err(io::Error::other),
        };
        let labels = gzip(|gzip| idx::write_labels(gzip, split.labels()));
        written.push(write(to.join(packing.images(half)), images, existing)?);
        written.push(write(to.join(gzip_name(&half.labels())), labels, existing)?);
    }
    Ok(written)
}

/// The first `per_class` images of each class, in file order.
fn subset(originals: &Originals, half: SplitKind, per_class: usize) -> Result<Split, BundleError> {
    let split = originals.read(half)?;
    let classes = usize::from(idx::CLASSES);
    let mut chosen = split.first_of_each_class(classes, per_class);
    for class in 0..classes {
        let found = chosen
            .iter()
            .filter(|index| usize::from(split.label(**index as usize)) == class)
            .count();
        if found < per_class {
            return Err(BundleError::TooFew {
                folder: originals.folder().to_owned(),
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

/// Compresses what `content` writes.
fn gzip(content: impl FnOnce(&mut GzEncoder<Vec<u8>>) -> io::Result<()>) -> io::Result<Vec<u8>> {
    // The encoder's header has no name and no time, so the same content gives the same bytes.
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    content(&mut gzip)?;
    gzip.finish()
}

/// Puts a file in place as a whole.
fn write(
    path: PathBuf,
    content: io::Result<Vec<u8>>,
    existing: Existing,
) -> Result<BundleFile, BundleError> {
    let written = content.and_then(|bytes| write_whole(&path, &bytes, existing).map(|()| bytes));
    match written {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataSource, idx_folder};

    fn assets() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/data")
    }

    #[test]
    fn every_class_is_there_equally_often() {
        for set in BundledSet::ALL {
            let dataset = load(set).unwrap();
            let halves = [&dataset.train, &dataset.test];
            for (split, per_class) in halves.into_iter().zip(packing(set).per_class()) {
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
            (BundledSet::Cifar10, CIFAR_10),
        ] {
            for (half, [images, labels]) in SplitKind::ALL.into_iter().zip(bytes) {
                let names = [packing(set).images(half), gzip_name(&half.labels())];
                for (file, bytes) in names.into_iter().zip([images, labels]) {
                    let row = format!(
                        "| `{}/{file}` | {} | `{}` |",
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
        // A JPEG of a JPEG is another one, so CIFAR-10 cannot be made from its bundle.
        for set in [BundledSet::Mnist, BundledSet::FashionMnist] {
            let from = assets().join(set.id());
            let to = tempfile::tempdir().unwrap();
            for file in make(&from, to.path(), Existing::Keep).unwrap() {
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
            make(&from, &from, Existing::Replace),
            Err(BundleError::SameFolder(_))
        ));

        let small = tempfile::tempdir().unwrap();
        idx_folder::tests::write(small.path(), str::to_owned);
        let to = small.path().join("bundle");
        assert_eq!(
            make(small.path(), &to, Existing::Keep)
                .unwrap_err()
                .to_string(),
            format!(
                "{} holds 0 training images of class 0, fewer than the 1000 to bundle",
                small.path().display()
            )
        );
        assert!(!to.exists());
    }

    #[test]
    fn a_bundle_replaces_files_only_if_asked_to() {
        let to = tempfile::tempdir().unwrap();
        let file = to.path().join("t10k-labels-idx1-ubyte.gz");
        fs::write(&file, "mine").unwrap();
        let from = assets().join("mnist");
        let error = make(&from, to.path(), Existing::Keep).unwrap_err();
        assert!(
            error
                .to_string()
                .contains(" already holds t10k-labels-idx1-ubyte.gz; "),
            "{error}"
        );
        assert_eq!(fs::read(&file).unwrap(), b"mine");
        assert_eq!(fs::read_dir(to.path()).unwrap().count(), 1);
        make(&from, to.path(), Existing::Replace).unwrap();
        assert_ne!(fs::read(&file).unwrap(), b"mine");
    }
}
