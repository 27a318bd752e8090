//! Building the bundled samples from the original files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    super::{
        LoadError, Split, SplitKind, cifar::CifarFolder, digest::sha256, gzip, idx,
        idx_folder::IdxFolder, image_sheet,
    },
    Format,
};
use crate::fs::{Existing, check_output, first_existing, write_whole};

/// A file written by [`build`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleFile {
    /// Its path.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: String,
}

/// Why a sample cannot be built. Each message is one line that names the file or folder.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The original files cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// The original files have too few images of a class.
    #[error("{} contains {actual} {kind} images of class {class}, fewer than the {required} needed", folder.display())]
    TooFew {
        /// Folder of the original files.
        folder: PathBuf,
        /// Training or test images.
        kind: SplitKind,
        /// Index of the class.
        class: usize,
        /// Number of its images.
        actual: usize,
        /// Number of images that a sample needs.
        required: usize,
    },
    /// The sample would replace the original files.
    #[error("{} contains the original files: choose another folder for the bundle", .0.display())]
    SameFolder(PathBuf),
    /// Files of the sample exist and are to be kept.
    #[error("{0}; choose another folder, or replace them with --overwrite")]
    Exists(String),
    /// A file or folder cannot be written.
    #[error("cannot write {}: {error}", path.display())]
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
    Cifar(CifarFolder),
}

impl Originals {
    fn find(folder: &Path) -> Result<Self, LoadError> {
        Ok(match CifarFolder::find(folder) {
            Some(files) => Self::Cifar(files),
            None => Self::Idx(IdxFolder::find(folder)?),
        })
    }

    fn folder(&self) -> &Path {
        match self {
            Self::Idx(files) => &files.folder,
            Self::Cifar(files) => &files.folder,
        }
    }

    fn read(&self, kind: SplitKind) -> Result<Split, LoadError> {
        match self {
            Self::Idx(files) => files.read(kind),
            Self::Cifar(files) => files.read(kind),
        }
    }

    fn sample_format(&self) -> Format {
        match self {
            Self::Idx(_) => Format::Idx,
            Self::Cifar(_) => Format::Sheet,
        }
    }
}

/// Builds the four files of a sample in the folder `to` from the original files in `from`.
///
/// The same original files always give the same bytes. Nothing is written before everything has been
/// read, and each file is written completely or not at all.
///
/// # Errors
/// When the original files cannot be read, have too few images of a class, or are in `to` itself;
/// when files of the sample exist and are to be kept; and when writing fails.
pub fn build(from: &Path, to: &Path, existing: Existing) -> Result<Vec<BundleFile>, BundleError> {
    let write_error = |error| BundleError::Write {
        path: to.to_owned(),
        error,
    };
    let originals = Originals::find(from)?;
    let original_folder = fs::canonicalize(originals.folder()).map_err(write_error)?;
    if fs::canonicalize(to).is_ok_and(|to| to == original_folder) {
        return Err(BundleError::SameFolder(to.to_owned()));
    }
    let format = originals.sample_format();
    let names = SplitKind::ALL.map(|kind| format.file_names(kind));
    if existing == Existing::Keep
        && let Some(clause) = first_existing(to, names.iter().flatten().map(String::as_str))
    {
        return Err(BundleError::Exists(clause));
    }
    for name in names.iter().flatten() {
        let path = to.join(name);
        check_output(&path, existing).map_err(|error| BundleError::Write { path, error })?;
    }
    let [train, test] = format.images_per_class();
    let splits = [
        subset(&originals, SplitKind::Train, train)?,
        subset(&originals, SplitKind::Test, test)?,
    ];
    fs::create_dir_all(to).map_err(write_error)?;
    let mut written = Vec::new();
    for ([images_name, labels_name], split) in names.iter().zip(&splits) {
        let images = match format {
            Format::Idx => gzip::compress(|to| idx::write_images(to, split.images(0..split.len()))),
            Format::Sheet => image_sheet::encode(split).map_err(io::Error::other),
        };
        let labels = gzip::compress(|to| idx::write_labels(to, split.labels()));
        written.push(write(to.join(images_name), images, existing)?);
        written.push(write(to.join(labels_name), labels, existing)?);
    }
    Ok(written)
}

/// Selects the first `per_class` images of each class, in file order.
fn subset(originals: &Originals, kind: SplitKind, per_class: usize) -> Result<Split, BundleError> {
    let split = originals.read(kind)?;
    let classes = usize::from(idx::CLASSES);
    let mut indices = split.first_of_each_class(classes, per_class);
    for class in 0..classes {
        let in_class = |index: &&u32| usize::from(split.label(**index as usize)) == class;
        let actual = indices.iter().filter(in_class).count();
        if actual < per_class {
            return Err(BundleError::TooFew {
                folder: originals.folder().to_owned(),
                kind,
                class,
                actual,
                required: per_class,
            });
        }
    }
    indices.sort_unstable();
    Ok(split.select(&indices))
}

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

#[cfg(test)]
mod tests {
    use super::{super::load, *};
    use crate::data::{BundledSet, DataSource, idx_folder};

    fn assets() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/data")
    }

    /// The first images of a sample are the sample itself, so rebuilding it from its own files tests
    /// reproducibility without the original files.
    #[test]
    fn rebuilding_a_sample_gives_the_same_bytes() {
        // Encoding a JPEG again changes it, so CIFAR-10 cannot be built from its own sample.
        for set in [BundledSet::Mnist, BundledSet::FashionMnist] {
            let from = assets().join(set.id());
            let to = tempfile::tempdir().unwrap();
            for file in build(&from, to.path(), Existing::Keep).unwrap() {
                let bytes = fs::read(&file.path).unwrap();
                assert_eq!(file.bytes, bytes.len() as u64);
                assert_eq!(file.sha256, sha256(&bytes));
                assert!(bytes == fs::read(from.join(file.path.file_name().unwrap())).unwrap());
                // The gzip header has no flags, hence no name, and no time.
                assert_eq!(bytes[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
            }
            let folder = DataSource::Folder(from).load().unwrap();
            assert!(folder == load(set).unwrap());
        }
    }

    #[test]
    fn original_files_are_not_replaced_and_must_have_enough_images() {
        let from = assets().join("mnist");
        assert!(matches!(
            build(&from, &from, Existing::Replace),
            Err(BundleError::SameFolder(_))
        ));

        let small = tempfile::tempdir().unwrap();
        idx_folder::tests::write(small.path(), str::to_owned);
        let to = small.path().join("bundle");
        let error = build(small.path(), &to, Existing::Keep).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "{} contains 0 training images of class 0, fewer than the 1000 needed",
                small.path().display()
            )
        );
        assert!(!to.exists());
    }

    #[test]
    fn existing_files_are_replaced_only_on_request() {
        let to = tempfile::tempdir().unwrap();
        let file = to.path().join("t10k-labels-idx1-ubyte.gz");
        fs::write(&file, "mine").unwrap();
        let from = assets().join("mnist");
        let error = build(&from, to.path(), Existing::Keep).unwrap_err();
        let clause = " already holds t10k-labels-idx1-ubyte.gz; ";
        assert!(error.to_string().contains(clause), "{error}");
        assert_eq!(fs::read(&file).unwrap(), b"mine");
        assert_eq!(fs::read_dir(to.path()).unwrap().count(), 1);
        build(&from, to.path(), Existing::Replace).unwrap();
        assert_ne!(fs::read(&file).unwrap(), b"mine");
    }
}
