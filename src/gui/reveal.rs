//! Showing a folder in the system's own file manager.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// The program that opens a folder on this system.
const OPENER: &str = if cfg!(target_os = "macos") {
    "open"
} else if cfg!(windows) {
    "explorer"
} else {
    "xdg-open"
};

/// Opens `folder`, or the nearest one above it that is there, and waits until the opening program has
/// ended: never called on the window's own thread.
///
/// # Errors
/// When there is no program to open it with; one sentence.
pub fn reveal(folder: &Path) -> Result<(), String> {
    let there = folder
        .ancestors()
        .find(|path| path.is_dir())
        .unwrap_or(folder);
    let mut child = Command::new(OPENER)
        .arg(there)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("{} cannot be shown by {OPENER}: {error}", there.display()))?;
    // A child that nobody waits for stays in the table of processes.
    let _ = child.wait();
    Ok(())
}
