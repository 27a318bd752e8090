//! Installing downloaded files: compared with the originals first.

use std::{
    io::{self, BufReader, Read, Write as _},
    path::Path,
};

use super::{
    CancelToken,
    partial_file::PartialFile,
    transfer::{MirrorError, TransferError},
};
use crate::{
    data::{
        catalogue::{CatalogueEntry, OriginalFile, Package},
        digest, gzip, locator,
    },
    fs::{Existing, OutputFile, open_regular, rename_output},
};

/// The most bytes of an archive in addition to the files of the set.
const MAX_EXTRA_BYTES: u64 = 8 << 20;

/// Whether `folder` contains the original files that are downloaded with mirror file `index`.
pub(super) fn is_installed(entry: &CatalogueEntry<'_>, index: usize, folder: &Path) -> bool {
    let files = match entry.package {
        Package::Files(_) => &entry.files[index..=index],
        Package::Archive(..) => entry.files,
    };
    let mut files = files.iter();
    files.all(|file| locator::has_original(folder, entry, file))
}

/// Compares mirror file `index` with the original files and moves them into `folder`. A file that
/// differs is removed.
pub(super) fn install(
    entry: &CatalogueEntry<'_>,
    index: usize,
    part: &PartialFile,
    folder: &Path,
    cancel: &CancelToken,
) -> Result<(), TransferError> {
    let result = match entry.package {
        Package::Files(_) => install_file(&entry.files[index], part, folder, cancel),
        Package::Archive(..) => install_archive(entry.files, part, folder, cancel),
    };
    if let Err(TransferError::Mirror(_)) = result {
        part.remove();
    }
    result
}

fn install_file(
    file: &OriginalFile<'_>,
    part: &PartialFile,
    folder: &Path,
    cancel: &CancelToken,
) -> Result<(), TransferError> {
    let is_gzip = digest::verify_file_with(&part.path, file, |_| check(cancel))?
        .map_err(|error| other_file(&format!("{} {error}", file.name)))?;
    let extension = if is_gzip { ".gz" } else { "" };
    let path = folder.join(format!("{}{extension}", file.name));
    rename_output(&part.path, &path, Existing::Replace)
        .map_err(|error| TransferError::Local { path, error })
}

/// Extracts the files of a set from an archive, identified by their file names. Other entries and the
/// folders of the archive are ignored, so that nothing can be written outside `folder`.
fn install_archive(
    files: &[OriginalFile<'_>],
    part: &PartialFile,
    folder: &Path,
    cancel: &CancelToken,
) -> Result<(), TransferError> {
    let malformed = |error: io::Error| other_file(&format!("the archive cannot be read: {error}"));
    let file = open_regular(&part.path).map_err(|error| TransferError::Local {
        path: folder.to_owned(),
        error,
    })?;
    let (content, _) = gzip::open(BufReader::new(file)).map_err(malformed)?;
    let max_size = files.iter().map(|file| file.bytes).sum::<u64>() + MAX_EXTRA_BYTES;
    let mut archive = tar::Archive::new(content.take(max_size));
    let mut extracted: Vec<Option<OutputFile>> = files.iter().map(|_| None).collect();
    for entry in archive.entries().map_err(malformed)? {
        let entry = entry.map_err(malformed)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().map_err(malformed)?.into_owned();
        let is_named = |file: &&OriginalFile<'_>| path.file_name() == Some(file.name.as_ref());
        let mut slots = files.iter().zip(&mut extracted);
        if let Some((file, slot @ None)) = slots.find(|(file, _)| is_named(file)) {
            *slot = Some(extract(entry, file, folder, cancel)?);
        }
    }
    let mut slots = files.iter().zip(&extracted);
    if let Some((file, _)) = slots.find(|(_, slot)| slot.is_none()) {
        return Err(other_file(&format!("the archive lacks {}", file.name)).into());
    }
    for (file, output) in files.iter().zip(extracted.into_iter().flatten()) {
        output.finish().map_err(|error| TransferError::Local {
            path: folder.join(file.name),
            error,
        })?;
    }
    Ok(())
}

/// Extracts a file under a temporary name and compares it with the original.
fn extract(
    from: impl Read,
    file: &OriginalFile<'_>,
    folder: &Path,
    cancel: &CancelToken,
) -> Result<OutputFile, TransferError> {
    let path = folder.join(file.name);
    let local = |error| TransferError::Local {
        path: path.clone(),
        error,
    };
    let mut output = OutputFile::create(&path, Existing::Replace).map_err(local)?;
    digest::verify_stream(from, file, |bytes| {
        check(cancel)?;
        output.write_all(bytes).map_err(local)
    })?
    .map_err(|error| other_file(&format!("{} {error}", file.name)))?;
    Ok(output)
}

fn check(cancel: &CancelToken) -> Result<(), TransferError> {
    if cancel.is_cancelled() {
        return Err(TransferError::Cancelled);
    }
    Ok(())
}

fn other_file(reason: &str) -> MirrorError {
    MirrorError::Invalid(format!("sent another file: {reason}"))
}
