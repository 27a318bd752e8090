//! Downloading the files of a set, each from the first mirror that works.

use std::{cmp::Reverse, path::Path};

use super::{
    CancelToken, FetchError, Progress, Stage, TransferLimits,
    install::{install, is_installed},
    partial_file::PartialFile,
    transfer::{MirrorError, Transfer, TransferError},
};
use crate::data::catalogue::{CatalogueEntry, Package};

/// How often an interrupted transfer is resumed from the same mirror, as long as data is received.
const MAX_RESUMPTIONS: usize = 5;

/// A download of all files of a set.
pub(super) struct Download<'a> {
    entry: &'a CatalogueEntry<'a>,
    folder: &'a Path,
    limits: TransferLimits,
    cancel: &'a CancelToken,
    on_progress: &'a mut dyn FnMut(&Progress),
    /// Addresses in the order in which they are tried.
    mirrors: Vec<&'a str>,
    /// Size of each mirror file, approximate until the mirror reports it.
    sizes: Vec<u64>,
    /// Total size of the mirror files that are complete.
    completed: u64,
}

impl<'a> Download<'a> {
    /// Downloads the files that are not in the folder yet.
    pub(super) fn run(
        entry: &'a CatalogueEntry<'a>,
        folder: &'a Path,
        limits: TransferLimits,
        cancel: &'a CancelToken,
        on_progress: &'a mut dyn FnMut(&Progress),
    ) -> Result<(), FetchError> {
        let (names, sizes): (Vec<String>, _) = entry.mirror_files().into_iter().unzip();
        let mut download = Self {
            entry,
            folder,
            limits,
            cancel,
            on_progress,
            mirrors: entry.mirrors.to_vec(),
            sizes,
            completed: 0,
        };
        for (index, name) in names.iter().enumerate() {
            if !is_installed(entry, index, folder) {
                download.download_file(index, name)?;
            }
            download.completed += download.sizes[index];
        }
        Ok(())
    }

    fn download_file(&mut self, index: usize, name: &str) -> Result<(), FetchError> {
        let part = |mirror: &&'a str| (*mirror, PartialFile::new(self.folder, name, mirror));
        let mut sources: Vec<_> = self.mirrors.iter().map(part).collect();
        sources.sort_by_key(|(_, part)| Reverse(part.length()));
        let mut errors = Vec::new();
        for (mirror, part) in &sources {
            match self.download_from(index, part) {
                Ok(()) => {
                    for (_, part) in &sources {
                        part.remove();
                    }
                    return Ok(());
                }
                Err(TransferError::Mirror(error)) => {
                    // A mirror that fails for one file is tried last for the next.
                    self.mirrors.retain(|other| other != mirror);
                    self.mirrors.push(mirror);
                    tracing::warn!(url = part.url, %error, "mirror abandoned");
                    errors.push((host(&part.url), error));
                }
                Err(TransferError::Local { path, error }) => {
                    return Err(FetchError::Write { path, error });
                }
                Err(TransferError::Cancelled) => {
                    let kept = self.completed + part.length();
                    return Err(FetchError::Cancelled { kept });
                }
            }
        }
        Err(FetchError::AllMirrorsFailed {
            set: self.entry.set,
            errors,
            folder: self.folder.to_owned(),
        })
    }

    fn download_from(&mut self, index: usize, part: &PartialFile) -> Result<(), TransferError> {
        let host = host(&part.url);
        let mut resumptions = 0;
        loop {
            let before = part.length();
            self.report(Stage::Connecting, index, before, &host);
            let transfer = Transfer {
                part,
                max_size: self.max_size(index),
                limits: self.limits,
                cancel: self.cancel,
            };
            let result = transfer.receive(&mut |received, total| {
                if let Some(total) = total {
                    self.sizes[index] = total;
                }
                self.report(Stage::Receiving, index, received, &host);
            });
            match result {
                Ok(()) => break,
                Err(TransferError::Mirror(MirrorError::Interrupted { .. }))
                    if part.length() > before && resumptions < MAX_RESUMPTIONS =>
                {
                    resumptions += 1;
                }
                Err(error) => return Err(error),
            }
        }
        self.report(Stage::Checking, index, part.length(), &host);
        install(self.entry, index, part, self.folder, self.cancel)
    }

    /// The most bytes of a mirror file: its content uncompressed, with an allowance for headers.
    fn max_size(&self, index: usize) -> u64 {
        let content = match self.entry.package {
            Package::Files(_) => self.entry.files[index].bytes,
            Package::Archive(..) => self.entry.unpacked_bytes(),
        };
        content + content / 100 + (1 << 20)
    }

    fn report(&mut self, stage: Stage, index: usize, received: u64, host: &str) {
        let remaining: u64 = self.sizes[index..].iter().sum();
        (self.on_progress)(&Progress {
            stage,
            received: self.completed + received,
            total: self.completed + remaining,
            host: host.to_owned(),
        });
    }
}

/// Host and port of a URL.
fn host(url: &str) -> String {
    url.parse::<ureq::http::Uri>()
        .ok()
        .and_then(|uri| uri.authority().map(ToString::to_string))
        .unwrap_or_else(|| url.to_owned())
}
