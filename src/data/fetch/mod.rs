//! Downloading a full set from its mirrors.
//!
//! A file is downloaded under a temporary name in its folder, so that the download can be resumed. It
//! gets its name once its uncompressed content has been compared with the original.

mod cancel;
mod install;
mod limits;
mod mirrors;
mod partial_file;
mod transfer;

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

pub use self::{cancel::CancelToken, limits::TransferLimits, transfer::MirrorError};

use self::{mirrors::Download, partial_file::PartialFile};
use super::{BundledSet, DatasetLocator, catalogue::CatalogueEntry, locator::FOLDERS_VARIABLE};
use crate::{
    format,
    fs::{check_regular_or_missing, remove_left_over},
};

/// Name of the file that prevents two processes from downloading the same set at once.
const LOCK_NAME: &str = ".cre-lab-download";

/// Stage of a download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for the response of a mirror.
    Connecting,
    Receiving,
    /// Comparing the data with the original.
    Checking,
}

/// Progress of a download.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub stage: Stage,
    /// Bytes received, of all files.
    pub received: u64,
    /// Size of all files in bytes, partly approximate.
    pub total: u64,
    /// Host name of the mirror.
    pub host: String,
}

/// Why a set could not be downloaded. Each message is one line.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// There is no folder to download to.
    #[error(
        "there is no download folder, because there is no home folder: set ${FOLDERS_VARIABLE} to a folder"
    )]
    NoFolder,
    /// Another process is downloading the set.
    #[error("{0} is already being downloaded by another CRE Lab process")]
    Busy(BundledSet),
    /// A file or folder cannot be written; what has been received is kept.
    #[error("cannot write {}: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
    /// The download was cancelled; what has been received is kept.
    #[error("download cancelled: {} are kept, and the next download resumes from there", format::bytes(*.kept))]
    Cancelled {
        /// Bytes received so far.
        kept: u64,
    },
    /// All mirrors failed.
    #[error(
        "{set} cannot be downloaded: {}; {}, or put its files into {}",
        reasons(errors),
        advice(errors),
        folder.display()
    )]
    AllMirrorsFailed {
        set: BundledSet,
        /// Host name and error of each mirror.
        errors: Vec<(String, MirrorError)>,
        /// Folder for the files of the set.
        folder: PathBuf,
    },
}

fn reasons(errors: &[(String, MirrorError)]) -> String {
    let reasons = errors.iter().map(|(host, error)| format!("{host} {error}"));
    reasons.collect::<Vec<_>>().join(", ")
}

fn advice(errors: &[(String, MirrorError)]) -> &'static str {
    let mut errors = errors.iter().map(|(_, error)| error);
    if errors.all(|error| matches!(error, MirrorError::Unreachable(_))) {
        "connect to the internet and try again"
    } else {
        "try again later"
    }
}

/// Downloads a set into its download folder as [`fetch`] does, and returns the folder.
///
/// # Errors
/// As for [`fetch`], and when there is no download folder.
pub fn fetch_dataset(
    locator: &DatasetLocator,
    set: BundledSet,
    cancel: &CancelToken,
    on_progress: &mut dyn FnMut(&Progress),
) -> Result<PathBuf, FetchError> {
    let (Some(entry), Some(folder)) = (locator.entry(set), locator.download_folder(set)) else {
        return Err(FetchError::NoFolder);
    };
    tracing::info!(%set, folder = %folder.display(), "download started");
    fetch(entry, &folder, TransferLimits::DEFAULT, cancel, on_progress)
        .inspect(|()| tracing::info!(%set, "download complete"))
        .inspect_err(|error| {
            if let FetchError::Cancelled { .. } = error {
                tracing::info!(%set, "download cancelled");
            } else {
                tracing::error!(%set, %error, "download failed");
            }
        })?;
    Ok(folder)
}

/// Downloads the files of a set that are not in `folder` yet.
///
/// For each file, mirrors are tried in order, starting with the one from which most has been received
/// already. A mirror is given up when it exceeds `limits`, ends the connection without progress, or
/// sends anything but the original file. Temporary files of killed processes are removed from `folder`
/// after a day. `on_progress` is called after each chunk of data.
///
/// # Errors
/// When all mirrors fail, a file cannot be written, another process is downloading the set, or the
/// download is cancelled. What has been received is kept for resuming.
pub fn fetch(
    entry: &CatalogueEntry<'_>,
    folder: &Path,
    limits: TransferLimits,
    cancel: &CancelToken,
    on_progress: &mut dyn FnMut(&Progress),
) -> Result<(), FetchError> {
    let write_error = |error| FetchError::Write {
        path: folder.to_owned(),
        error,
    };
    fs::create_dir_all(folder).map_err(write_error)?;
    let lock_path = folder.join(LOCK_NAME);
    check_regular_or_missing(&lock_path).map_err(write_error)?;
    let lock = File::create(&lock_path).map_err(write_error)?;
    let result = match lock.try_lock() {
        Ok(()) => {
            remove_left_over(folder);
            Download::run(entry, folder, limits, cancel, on_progress)
        }
        Err(TryLockError::WouldBlock) => return Err(FetchError::Busy(entry.set)),
        Err(TryLockError::Error(error)) => Err(write_error(error)),
    };
    let _ = fs::remove_file(lock_path);
    result
}

/// Number of bytes in `folder` of an interrupted download that can be resumed.
pub fn kept_bytes(entry: &CatalogueEntry<'_>, folder: &Path) -> u64 {
    let kept = |name: &str| {
        let parts = entry
            .mirrors
            .iter()
            .map(|mirror| PartialFile::new(folder, name, mirror));
        parts.map(|part| part.length()).max().unwrap_or(0)
    };
    let files = entry.mirror_files();
    files.iter().map(|(name, _)| kept(name)).sum()
}
