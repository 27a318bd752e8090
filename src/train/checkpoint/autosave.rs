//! Where windows keep their runs, and what a crash leaves behind.
//!
//! Every window writes to a file of its own in the state folder, beside a lock file that it holds
//! locked as long as it lives. The system releases the lock when the process ends, however it ends;
//! a clean end removes both files. A run whose lock can be had was left by a crash.

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

/// The platform's folder for states of programs, where it has one, else that for local data; none
/// for a user without a home.
pub fn folder() -> Option<PathBuf> {
    let dirs = ProjectDirs::from("", "", "cre-lab")?;
    let state = dirs.state_dir().unwrap_or_else(|| dirs.data_local_dir());
    Some(state.join("runs"))
}

/// A place for one run that nobody else writes to.
#[derive(Debug)]
pub struct AutosaveFile {
    file: PathBuf,
    lock_file: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
}

impl AutosaveFile {
    /// A new place in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn create(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |time| time.as_nanos());
        // Another window may look at a new lock file before it is locked; then the next name is free.
        for attempt in 0..100 {
            let name = format!("{now}-{}-{attempt}", process::id());
            let file = folder.join(name).with_extension(RUN);
            if let Some(place) = Self::at(file)? {
                return Ok(place);
            }
        }
        Err(io::Error::other("no file can be locked there"))
    }

    /// The place at `file`, unless somebody holds it.
    fn at(file: PathBuf) -> io::Result<Option<Self>> {
        let lock_file = file.with_extension(LOCK);
        check_regular_or_missing(&lock_file)?;
        let lock = File::options()
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

    /// The newest run in `folder` that a crash has left; nobody else is offered it meanwhile.
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
        let newest_first = files.into_iter().rev();
        for (_, file) in newest_first {
            match Self::at(file) {
                Ok(Some(place)) if place.file.is_file() => return Some(place),
                // Its owner has ended cleanly in between: the lock file is new and of no use.
                Ok(Some(place)) => place.clear(),
                Ok(None) | Err(_) => {}
            }
        }
        None
    }

    /// Where the run is written to.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Removes the run and the lock: there is nothing left to go on from.
    pub fn clear(self) {
        // A file that was never written need not be removed, and one that cannot be stays an offer.
        let _ = fs::remove_file(&self.file);
        let _ = fs::remove_file(&self.lock_file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_crash_has_left_is_offered_and_only_once() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let (mine, other) = (
            AutosaveFile::create(folder).unwrap(),
            AutosaveFile::create(folder).unwrap(),
        );
        assert_ne!(mine.file(), other.file(), "two windows write two files");
        fs::write(mine.file(), "mine").unwrap();
        fs::write(other.file(), "other").unwrap();
        assert!(
            AutosaveFile::find_left_over(folder).is_none(),
            "both windows live"
        );

        let file = other.file().to_owned();
        // What a crash does: the lock goes, the files stay.
        drop(other);
        let left = AutosaveFile::find_left_over(folder).unwrap();
        assert_eq!(left.file(), file);
        assert!(
            AutosaveFile::find_left_over(folder).is_none(),
            "it is offered already"
        );
        left.clear();
        mine.clear();
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
    }
}
