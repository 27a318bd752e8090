//! Errors of loading a data set.

use std::path::PathBuf;

use super::{
    BundledSet, UnknownDataset, cifar::CifarError, idx::IdxError, image_sheet::ImageSheetError,
    picture::PictureError, picture_folder::PictureFolderError,
};
use crate::format;

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
        /// The set.
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
    MissingFile {
        /// Folder searched.
        folder: PathBuf,
        /// Official file name.
        file: String,
    },
    /// A folder of torchvision with more than one data set.
    #[error("{} contains two data sets: choose {} or {}", folder.display(), first.display(), second.display())]
    Ambiguous {
        /// The folder.
        folder: PathBuf,
        /// Folder of one data set.
        first: PathBuf,
        /// Folder of another.
        second: PathBuf,
    },
    /// An IDX file cannot be read or is malformed.
    #[error("{} {error}", file.display())]
    Idx {
        /// The file.
        file: PathBuf,
        /// The reason.
        error: IdxError,
    },
    /// A CIFAR-10 file cannot be read or is malformed.
    #[error("{} {error}", file.display())]
    Cifar {
        /// The file.
        file: PathBuf,
        /// The reason.
        error: CifarError,
    },
    /// A folder of images cannot be used as a data set.
    #[error("{} {error}", folder.display())]
    PictureFolder {
        /// The folder.
        folder: PathBuf,
        /// The reason.
        error: PictureFolderError,
    },
    /// A file cannot be read as an image.
    #[error("{} {error}", file.display())]
    Picture {
        /// The file.
        file: PathBuf,
        /// The reason.
        error: PictureError,
    },
    /// A sheet of images cannot be read.
    #[error("{} {error}", file.display())]
    ImageSheet {
        /// The file.
        file: PathBuf,
        /// The reason.
        error: ImageSheetError,
    },
    /// There are not as many labels as images.
    #[error(
        "{} contains {image_count} images, but {} contains {label_count} labels",
        image_file.display(),
        label_file.display()
    )]
    CountMismatch {
        /// File with the images.
        image_file: PathBuf,
        /// Number of images.
        image_count: usize,
        /// File with the labels.
        label_file: PathBuf,
        /// Number of labels.
        label_count: usize,
    },
}
