//! Opens folders in the file manager of the system.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// The program that opens a folder.
const OPENER: &str = if cfg!(target_os = "macos") {
    "open"
} else if cfg!(windows) {
    "explorer"
} else {
    "xdg-open"
};

/// Opens `folder` or its nearest existing ancestor, and waits until the opening program has ended.
/// It blocks, so it must not be called on the UI thread.
///
/// # Errors
/// A message if the program cannot be started.
pub fn reveal(folder: &Path) -> Result<(), String> {
    let existing = folder
        .ancestors()
        .find(|path| path.is_dir())
        .unwrap_or(folder);
    let mut child = Command::new(OPENER)
        .arg(existing)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| {
            format!(
                "could not open {} with {OPENER}: {error}",
                existing.display()
            )
        })?;
    // Without the wait, the child would remain as a zombie process.
    let _ = child.wait();
    Ok(())
}
