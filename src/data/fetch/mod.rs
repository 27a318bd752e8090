//! Downloading a full set from its mirrors.
//!
//! A file arrives under a temporary name beside its place, can be resumed after an interruption,
//! and is put in its place when its uncompressed bytes are those of the original.

mod install;
mod limits;
mod partial_file;
mod transfer;

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

pub use self::{
    limits::{PATIENCE, TransferLimits},
    transfer::TransferError,
};

use self::{
    install::is_installed,
    partial_file::PartialFile,
    transfer::{MirrorError, Transfer},
};
use super::{
    BundledSet, DatasetLocator,
    catalogue::{CatalogueEntry, MirrorFile, Package},
};
use crate::{
    format,
    fs::{check_regular_or_missing, remove_left_over},
};

/// How often an interrupted download is resumed from the same mirror, as long as bytes arrive.
const RESUMPTIONS: usize = 5;
/// How old a temporary file is of which nobody takes care any more; unpacking takes minutes.
const LEFT_OVER: Duration = Duration::from_hours(24);
/// Name of the file that keeps two programs from downloading the same set at once.
const LOCK: &str = ".cre-lab-download";

/// Ends a download from another thread.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<Wish>);

#[derive(Debug, Default)]
struct Wish {
    told: AtomicBool,
    /// The connection to cut, so that nobody waits for a silent mirror.
    agent: Mutex<Option<ureq::Agent>>,
}

impl CancelToken {
    /// Ends the download; what has arrived is kept for resuming.
    pub fn cancel(&self) {
        self.0.told.store(true, Ordering::SeqCst);
        let agent = self.0.agent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = agent.as_ref() {
            agent.clone().shutdown();
        }
    }

    /// Whether the download shall end.
    pub fn is_cancelled(&self) -> bool {
        self.0.told.load(Ordering::SeqCst)
    }

    /// From now on it is the connection of `agent` that is cut.
    fn attach(&self, agent: &ureq::Agent) {
        *self.0.agent.lock().unwrap_or_else(PoisonError::into_inner) = Some(agent.clone());
        if self.is_cancelled() {
            agent.clone().shutdown();
        }
    }
}

/// What a download is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for a mirror to answer.
    Connecting,
    /// Bytes arrive.
    Receiving,
    /// The bytes are compared with the original.
    Checking,
}

/// How far a download is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What it is doing.
    pub stage: Stage,
    /// Bytes that have arrived, of all files.
    pub received: u64,
    /// Bytes that there are, of all files, as far as is known.
    pub total: u64,
    /// The mirror's name.
    pub host: String,
}

/// Why a set could not be downloaded, as one sentence.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// There is no folder to download to.
    #[error(
        "A folder for downloads is not known, because there is no home folder: name one in $CRE_LAB_DATA"
    )]
    NoFolder,
    /// Somebody downloads it already.
    #[error("{0} is being downloaded by another CRE Lab already")]
    Busy(BundledSet),
    /// A file or folder cannot be written; what has arrived is kept.
    #[error("{} cannot be written: {error}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        error: io::Error,
    },
    /// It was told to end.
    #[error("stopped; {size} have arrived and are kept, and the download can go on from there", size = format::bytes(*.kept))]
    Cancelled {
        /// Bytes that are kept.
        kept: u64,
    },
    /// Every mirror has failed.
    #[error("{set} in full cannot be downloaded: {}; {}, or put its files into {}", list(troubles), advice(troubles), folder.display())]
    AllMirrorsFailed {
        /// The set.
        set: BundledSet,
        /// Each mirror's name and what went wrong with it.
        troubles: Vec<(String, TransferError)>,
        /// Where its files can be put by hand.
        folder: PathBuf,
    },
}

fn list(troubles: &[(String, TransferError)]) -> String {
    let each = troubles
        .iter()
        .map(|(host, trouble)| format!("{host} {trouble}"));
    each.collect::<Vec<_>>().join(", ")
}

fn advice(troubles: &[(String, TransferError)]) -> &'static str {
    let offline =
        |(_, trouble): &(String, TransferError)| matches!(trouble, TransferError::Unreachable(_));
    if troubles.iter().all(offline) {
        "connect to the internet and try again"
    } else {
        "try again later"
    }
}

/// Downloads a set into its folder on `shelf`, as [`fetch`] does, and returns that folder.
///
/// # Errors
/// As [`fetch`], and when no folder for downloads is known.
pub fn fetch_dataset(
    shelf: &DatasetLocator,
    set: BundledSet,
    stop: &CancelToken,
    tell: &mut dyn FnMut(&Progress),
) -> Result<PathBuf, FetchError> {
    let (Some(full), Some(folder)) = (shelf.entry(set), shelf.download_folder(set)) else {
        return Err(FetchError::NoFolder);
    };
    fetch(full, &folder, PATIENCE, stop, tell)?;
    Ok(folder)
}

/// Downloads the files of `full` that are not in `folder` yet.
///
/// Mirrors are tried in their order, but first the one from which most has arrived already. One
/// that is silent or slow beyond `patience`, breaks off without progress, or offers anything but the
/// original files is left for the next. Nothing takes its place in `folder` before it is known to be
/// the original, and what a killed process left there a day ago is removed. `tell` is called often.
///
/// # Errors
/// When every mirror fails, a file cannot be written, or `stop` is told; what has arrived is kept
/// for resuming.
pub fn fetch(
    full: &CatalogueEntry<'_>,
    folder: &Path,
    patience: TransferLimits,
    stop: &CancelToken,
    tell: &mut dyn FnMut(&Progress),
) -> Result<(), FetchError> {
    let writing = |error| FetchError::Write {
        path: folder.to_owned(),
        error,
    };
    fs::create_dir_all(folder).map_err(writing)?;
    let lock = folder.join(LOCK);
    check_regular_or_missing(&lock).map_err(writing)?;
    let lock = File::create(lock).map_err(writing)?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(FetchError::Busy(full.set)),
        Err(TryLockError::Error(error)) => {
            let _ = fs::remove_file(folder.join(LOCK));
            return Err(writing(error));
        }
    }
    remove_left_over(folder, LEFT_OVER);
    let done = Download {
        full,
        folder,
        patience,
        stop,
        tell,
        mirrors: full.mirrors.to_vec(),
        sizes: packed(full).iter().map(|file| file.bytes).collect(),
        before: 0,
    }
    .run();
    // Whoever waits for the lock sees the file go, and begins anew.
    let _ = fs::remove_file(folder.join(LOCK));
    done
}

/// Bytes of an interrupted download of `full` in `folder`, to be resumed.
pub fn kept_bytes(full: &CatalogueEntry<'_>, folder: &Path) -> u64 {
    let of_file = |file: &MirrorFile<'_>| {
        let part =
            |mirror: &&str| PartialFile::new(folder, file.name, &format!("{mirror}{}", file.name));
        let lengths = full.mirrors.iter().map(|mirror| part(mirror).length());
        lengths.max().unwrap_or(0)
    };
    packed(full).iter().map(of_file).sum()
}

fn packed<'a>(full: &CatalogueEntry<'a>) -> Vec<MirrorFile<'a>> {
    match full.package {
        Package::Files(files) => files.to_vec(),
        Package::Archive(archive) => vec![archive],
    }
}

/// A download on its way.
struct Download<'a> {
    full: &'a CatalogueEntry<'a>,
    folder: &'a Path,
    patience: TransferLimits,
    stop: &'a CancelToken,
    tell: &'a mut dyn FnMut(&Progress),
    /// Addresses, the most promising first.
    mirrors: Vec<&'a str>,
    /// Bytes of each packed file, as far as is known.
    sizes: Vec<u64>,
    /// Bytes of the files that are done.
    before: u64,
}

impl Download<'_> {
    fn run(mut self) -> Result<(), FetchError> {
        for (index, file) in packed(self.full).iter().enumerate() {
            if !is_installed(self.full, index, self.folder) {
                self.file(index, file)?;
            }
            self.before += self.sizes[index];
        }
        Ok(())
    }

    /// Downloads one packed file from the first mirror that has it.
    fn file(&mut self, index: usize, file: &MirrorFile<'_>) -> Result<(), FetchError> {
        let urls = self
            .mirrors
            .iter()
            .map(|mirror| format!("{mirror}{}", file.name));
        let mut sources: Vec<(String, PartialFile)> = urls
            .map(|url| {
                let part = PartialFile::new(self.folder, file.name, &url);
                (url, part)
            })
            .collect();
        sources.sort_by_key(|(_, part)| std::cmp::Reverse(part.length()));
        let mut troubles = Vec::new();
        for (url, part) in &sources {
            let failure = match self.ask_mirror(index, url, part) {
                Ok(()) => {
                    for (_, part) in &sources {
                        part.remove();
                    }
                    return Ok(());
                }
                Err(failure) => failure,
            };
            match failure {
                MirrorError::Mirror(trouble) => {
                    // What fails for one file hardly works for the next.
                    if let Some(place) = self.mirrors.iter().position(|m| url.starts_with(m)) {
                        let mirror = self.mirrors.remove(place);
                        self.mirrors.push(mirror);
                    }
                    troubles.push((host(url), trouble));
                }
                MirrorError::Local { path, error } => {
                    return Err(FetchError::Write { path, error });
                }
                MirrorError::Cancelled => {
                    return Err(FetchError::Cancelled {
                        kept: self.before + part.length(),
                    });
                }
            }
        }
        Err(FetchError::AllMirrorsFailed {
            set: self.full.set,
            troubles,
            folder: self.folder.to_owned(),
        })
    }

    fn ask_mirror(
        &mut self,
        index: usize,
        url: &str,
        part: &PartialFile,
    ) -> Result<(), MirrorError> {
        let host = host(url);
        let mut resumptions = 0;
        loop {
            let had = part.length();
            self.report(Stage::Connecting, index, had, &host);
            let transfer = Transfer {
                url,
                part,
                limit: self.limit(index),
                patience: self.patience,
                stop: self.stop,
            };
            let received = transfer.receive(&mut |got, of| {
                if let Some(of) = of {
                    self.sizes[index] = of;
                }
                self.report(Stage::Receiving, index, got, &host);
            });
            match received {
                Ok(()) => break,
                Err(MirrorError::Mirror(TransferError::Interrupted { .. }))
                    if part.length() > had && resumptions < RESUMPTIONS =>
                {
                    resumptions += 1;
                }
                Err(failure) => return Err(failure),
            }
        }
        self.report(Stage::Checking, index, part.length(), &host);
        install::install(self.full, index, part, self.folder, self.stop)
    }

    /// The most bytes that a packed file may have: what is stored in it, and some for headers.
    fn limit(&self, index: usize) -> u64 {
        let content = match self.full.package {
            Package::Files(_) => self.full.files[index].bytes,
            Package::Archive(_) => self.full.unpacked_bytes(),
        };
        content + content / 100 + (1 << 20)
    }

    fn report(&mut self, stage: Stage, index: usize, received: u64, host: &str) {
        let rest: u64 = self.sizes[index..].iter().sum();
        (self.tell)(&Progress {
            stage,
            received: self.before + received,
            total: self.before + rest,
            host: host.to_owned(),
        });
    }
}

/// The name in an address.
fn host(url: &str) -> String {
    url.parse::<ureq::http::Uri>()
        .ok()
        .and_then(|uri| uri.authority().map(ToString::to_string))
        .unwrap_or_else(|| url.to_owned())
}
