//! From what has arrived to the files of a set: compared with the originals, then put in place.

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
        digest::{self, DigestError},
        gzip, locator,
    },
    fs::{Existing, OutputFile, open_regular, rename_output},
};

/// Room in an archive for what is not a file of the set, in bytes.
const EXTRAS: u64 = 8 << 20;

/// Whether the packed file `index` needs no download: its originals are in `folder`.
pub(super) fn is_installed(full: &CatalogueEntry<'_>, index: usize, folder: &Path) -> bool {
    let files = match full.package {
        Package::Files(_) => &full.files[index..=index],
        Package::Archive(_) => full.files,
    };
    files.iter().all(|file| {
        locator::locate(folder, full, file)
            .is_some_and(|path| digest::verify_file(&path, file, |_| Ok(())).is_ok())
    })
}

/// Compares what has arrived with the original, and puts it into `folder`. A part that is not the
/// original is removed.
pub(super) fn install(
    full: &CatalogueEntry<'_>,
    index: usize,
    part: &PartialFile,
    folder: &Path,
    stop: &CancelToken,
) -> Result<(), MirrorError> {
    let placed = match full.package {
        Package::Files(_) => one_file(&full.files[index], part, folder, stop),
        Package::Archive(_) => archive(full.files, part, folder, stop),
    };
    if let Err(MirrorError::Mirror(_)) = placed {
        part.remove();
    }
    placed
}

fn one_file(
    file: &OriginalFile<'_>,
    part: &PartialFile,
    folder: &Path,
    stop: &CancelToken,
) -> Result<(), MirrorError> {
    let mut aside = None;
    let checked = digest::verify_file(part.path(), file, |_| watch(stop, &mut aside));
    if let Some(failure) = aside {
        return Err(failure);
    }
    let gzip = checked.map_err(|mismatch| other(file, &mismatch))?;
    let ending = if gzip { ".gz" } else { "" };
    let path = folder.join(format!("{}{ending}", file.name));
    rename_output(part.path(), &path, Existing::Replace)
        .map_err(|error| MirrorError::Local { path, error })
}

/// Takes the files of a set out of an archive, and nothing else: by their plain names, wherever in
/// the archive they are, so that none can be written outside `folder`.
fn archive(
    files: &[OriginalFile<'_>],
    part: &PartialFile,
    folder: &Path,
    stop: &CancelToken,
) -> Result<(), MirrorError> {
    let broken = |error: io::Error| {
        MirrorError::Mirror(TransferError::NotTheOriginal(format!(
            "the archive cannot be read: {error}"
        )))
    };
    let local = |error| MirrorError::Local {
        path: folder.to_owned(),
        error,
    };
    let opened = open_regular(part.path()).map_err(local)?;
    let (content, _) = gzip::open(BufReader::new(opened)).map_err(broken)?;
    let limit = files.iter().map(|file| file.bytes).sum::<u64>() + EXTRAS;
    let mut archive = tar::Archive::new(content.take(limit));
    let mut taken: Vec<(&OriginalFile<'_>, OutputFile)> = Vec::new();
    for entry in archive.entries().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().map_err(broken)?.into_owned();
        let named = files
            .iter()
            .find(|file| path.file_name().is_some_and(|name| name == file.name));
        if let Some(file) = named
            && taken.iter().all(|(other, _)| other.name != file.name)
        {
            let unpacked = unpack(entry, file, folder, stop)?;
            taken.push((file, unpacked));
        }
    }
    if let Some(file) = files
        .iter()
        .find(|file| taken.iter().all(|(other, _)| other.name != file.name))
    {
        let lacks = format!("the archive lacks {}", file.name);
        return Err(MirrorError::Mirror(TransferError::NotTheOriginal(lacks)));
    }
    for (file, unpacked) in taken {
        unpacked.finish().map_err(|error| MirrorError::Local {
            path: folder.join(file.name),
            error,
        })?;
    }
    Ok(())
}

fn unpack(
    from: impl Read,
    file: &OriginalFile<'_>,
    folder: &Path,
    stop: &CancelToken,
) -> Result<OutputFile, MirrorError> {
    let local = |error| MirrorError::Local {
        path: folder.join(file.name),
        error,
    };
    let mut unpacked =
        OutputFile::create(&folder.join(file.name), Existing::Replace).map_err(local)?;
    let mut aside = None;
    let compared = digest::verify_stream(from, file, |bytes| {
        watch(stop, &mut aside)?;
        unpacked.write_all(bytes).map_err(|error| {
            let told = io::Error::from(error.kind());
            aside = Some(local(error));
            told
        })
    });
    if let Some(failure) = aside {
        return Err(failure);
    }
    compared.map_err(|mismatch| other(file, &mismatch))?;
    Ok(unpacked)
}

/// Breaks off where it shall end, and says so in `aside`.
fn watch(stop: &CancelToken, aside: &mut Option<MirrorError>) -> io::Result<()> {
    if stop.is_cancelled() {
        *aside = Some(MirrorError::Cancelled);
        return Err(io::Error::other("stopped"));
    }
    Ok(())
}

fn other(file: &OriginalFile<'_>, mismatch: &DigestError) -> MirrorError {
    MirrorError::Mirror(TransferError::NotTheOriginal(format!(
        "{} {mismatch}",
        file.name
    )))
}
