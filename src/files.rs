//! Writing files whole or not at all.

use std::{io, io::Write as _, path::Path};

/// Writes `bytes` under a temporary name in the same folder and renames it to `path`, so that
/// whoever looks finds the old file or the new one, never half of it.
///
/// # Errors
/// When the folder cannot be written to; what was at `path` is then as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new();
    file.prefix(".cre-lab-");
    // A temporary file is private by default; the result shall be as readable as any other.
    #[cfg(unix)]
    file.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = file.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
