//! Files in which windows save their runs against a crash.
//!
//! Each window writes to its own file in the state folder, next to a lock file that it keeps
//! locked. The system releases the lock when the process ends for any reason; a clean exit removes
//! both files. A run whose lock is free was left by a crash.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    process,
    time::{SystemTime, UNIX_EPOCH},
};

use directories::ProjectDirs;

use crate::fs::check_regular_or_missing;

const RUN: &str = "safetensors";
const LOCK: &str = "lock";

/// The platform's state folder, or its local data folder if it has none; `None` for a user without
/// a home folder.
pub fn folder() -> Option<PathBuf> {
    let dirs = ProjectDirs::from("", "", "cre-lab")?;
    let state = dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir());
    Some(state.join("runs"))
}

/// A file for one run that no other process writes to.
#[derive(Debug)]
pub struct AutosaveFile {
    file: PathBuf,
    lock_file: PathBuf,
    /// Locked while it is open.
    _lock: File,
}

impl AutosaveFile {
    /// Creates a new file in `folder`, which is created if it is missing.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn create(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |time| time.as_nanos());
        // Another window may lock a new lock file first; then the next name is used.
        for attempt in 0..100 {
            let name = format!("{now}-{}-{attempt}", process::id());
            let file = folder.join(name).with_extension(RUN);
            if let Some(autosave) = Self::lock(file)? {
                return Ok(autosave);
            }
        }
        Err(io::Error::other("no file can be locked"))
    }

    /// Locks `file`; `None` if another process holds it.
    fn lock(file: PathBuf) -> io::Result<Option<Self>> {
        let lock_file = file.with_extension(LOCK);
        check_regular_or_missing(&lock_file)?;
        let mut options = File::options();
        let lock = options
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_file)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self {
                file,
                lock_file,
                _lock: lock,
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => {
                let _ = fs::remove_file(&lock_file);
                Err(error)
            }
        }
    }

    /// The newest run in `folder` that a crash has left. It stays locked, so that no other window
    /// finds it.
    pub fn find_left_over(folder: &Path) -> Option<Self> {
        let mut files: Vec<(SystemTime, PathBuf)> = fs::read_dir(folder)
            .ok()?
            .filter_map(|entry| {
                let path = entry.ok()?.path();
                let is_run = path.extension().is_some_and(|extension| extension == RUN);
                let changed = fs::metadata(&path).ok()?.modified().ok()?;
                is_run.then_some((changed, path))
            })
            .collect();
        files.sort();
        for (_, file) in files.into_iter().rev() {
            match Self::lock(file) {
                Ok(Some(autosave)) if autosave.file.is_file() => return Some(autosave),
                // Its owner has exited cleanly in between: the lock file is new and unused.
                Ok(Some(autosave)) => autosave.clear(),
                Ok(None) | Err(_) => {}
            }
        }
        None
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Removes the run and the lock file.
    pub fn clear(self) {
        // A file may never have been written; one that cannot be removed is found again.
        let _ = fs::remove_file(&self.file);
        let _ = fs::remove_file(&self.lock_file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_left_by_a_crash_is_found_once() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let create = || AutosaveFile::create(folder).unwrap();
        let (mine, other) = (create(), create());
        assert_ne!(mine.file(), other.file(), "each window has its own file");
        fs::write(mine.file(), "mine").unwrap();
        fs::write(other.file(), "other").unwrap();
        let left_over = || AutosaveFile::find_left_over(folder);
        assert!(left_over().is_none(), "both windows are open");

        let file = other.file().to_owned();
        // As in a crash: the lock is released, the files stay.
        drop(other);
        let left = left_over().unwrap();
        assert_eq!(left.file(), file);
        assert!(left_over().is_none(), "it was found already");
        left.clear();
        mine.clear();
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
    }
}
