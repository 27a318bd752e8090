//! Errors of loading a data set.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use super::{BundledSet, UnknownDataset};
use crate::{format, fs::open_regular};

/// Why a file or folder cannot be used. The message follows its name.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ContentError(pub(super) String);

impl From<io::Error> for ContentError {
    fn from(error: io::Error) -> Self {
        Self(format!("cannot be read: {error}"))
    }
}

/// Why a data set cannot be loaded. Each message is one line that names the file or folder.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Neither a known set nor an existing folder.
    #[error(transparent)]
    Unknown(#[from] UnknownDataset),
    /// A full set is in none of the folders searched.
    #[error(
        "{set} in full is not on this machine: download it with “cre-lab data fetch {id}” ({size}){alternative}",
        id = set.id(),
        size = format::bytes(*download_bytes),
        alternative = folder.as_ref().map_or_else(String::new, |folder| {
            format!(", or put its files into {}", folder.display())
        })
    )]
    NotInstalled {
        set: BundledSet,
        /// Approximate size of the download.
        download_bytes: u64,
        /// Folder for its files, if one is known.
        folder: Option<PathBuf>,
    },
    /// This folder contains CIFAR-10 only in the version for Python.
    #[error(
        "{} contains CIFAR-10 as Python pickles, which are not read because a pickle can run any \
         program: download the binary version with “cre-lab data fetch cifar-10”",
        .0.display()
    )]
    PickleOnly(PathBuf),
    /// One of the IDX files is missing.
    #[error("{} contains no file {file} or {file}.gz", folder.display())]
    MissingFile { folder: PathBuf, file: String },
    /// A folder of torchvision with more than one data set.
    #[error("{} contains two data sets: choose {} or {}", folder.display(), first.display(), second.display())]
    Ambiguous {
        folder: PathBuf,
        first: PathBuf,
        second: PathBuf,
    },
    /// A file or folder cannot be read or is malformed.
    #[error("{} {error}", path.display())]
    Content { path: PathBuf, error: ContentError },
    /// There are not as many labels as images.
    #[error(
        "{} contains {image_count} images, but {} contains {label_count} labels",
        image_file.display(),
        label_file.display()
    )]
    CountMismatch {
        image_file: PathBuf,
        image_count: usize,
        label_file: PathBuf,
        label_count: usize,
    },
}

impl LoadError {
    pub(super) fn content(path: &Path, error: impl Into<ContentError>) -> Self {
        Self::Content {
            path: path.to_owned(),
            error: error.into(),
        }
    }
}

/// Opens a regular file and returns its size in bytes.
pub(super) fn open(path: &Path) -> Result<(File, u64), LoadError> {
    let sized = |file: File| file.metadata().map(|metadata| (file, metadata.len()));
    let opened = open_regular(path).and_then(sized);
    opened.map_err(|error| LoadError::content(path, error))
}
