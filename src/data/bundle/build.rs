//! Building the bundled samples from the original files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    super::{
        LoadError, Split, SplitKind, cifar, digest::sha256, gzip, idx, idx_folder, image_sheet,
    },
    Format,
};
use crate::fs::{Existing, check_output, first_existing, write_whole};

/// A file written by [`build`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleFile {
    pub path: PathBuf,
    pub bytes: u64,
    /// In lower-case hexadecimal.
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
        folder: PathBuf,
        kind: SplitKind,
        class: usize,
        actual: usize,
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
    Write { path: PathBuf, error: io::Error },
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
    let (from, format) = match cifar::find(from) {
        Some(folder) => (folder, Format::Sheet),
        None => (idx_folder::find(from)?, Format::Idx),
    };
    let original_folder = fs::canonicalize(&from).map_err(write_error)?;
    if fs::canonicalize(to).is_ok_and(|to| to == original_folder) {
        return Err(BundleError::SameFolder(to.to_owned()));
    }
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
    let splits = [
        subset(&from, format, SplitKind::Train)?,
        subset(&from, format, SplitKind::Test)?,
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

/// Selects the first images of each class, in file order.
fn subset(folder: &Path, format: Format, kind: SplitKind) -> Result<Split, BundleError> {
    let split = match format {
        Format::Idx => idx_folder::read(folder, kind)?,
        Format::Sheet => cifar::read(folder, kind)?,
    };
    let required = format.images_per_class()[kind as usize];
    let classes = usize::from(idx::CLASSES);
    let mut indices = split.first_of_each_class(classes, required);
    for class in 0..classes {
        let in_class = |index: &&u32| usize::from(split.label(**index as usize)) == class;
        let actual = indices.iter().filter(in_class).count();
        if actual < required {
            return Err(BundleError::TooFew {
                folder: folder.to_owned(),
                kind,
                class,
                actual,
                required,
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
    match content.and_then(|bytes| write_whole(&path, &bytes, existing).map(|()| bytes)) {
        Ok(content) => Ok(BundleFile {
            bytes: content.len() as u64,
            sha256: sha256(&content),
            path,
        }),
        Err(error) => Err(BundleError::Write { path, error }),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::load, *};
    use crate::data::{BundledSet, DataSource};

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
        let same = build(&from, &from, Existing::Replace);
        assert!(matches!(same, Err(BundleError::SameFolder(_))));

        let small = tempfile::tempdir().unwrap();
        idx_folder::tests::write(small.path(), str::to_owned);
        let to = small.path().join("bundle");
        let error = build(small.path(), &to, Existing::Keep).unwrap_err();
        let expected = " contains 0 training images of class 0, fewer than the 1000 needed";
        let folder = small.path().display();
        assert_eq!(error.to_string(), format!("{folder}{expected}"));
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
