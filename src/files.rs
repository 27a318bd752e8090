//! Opening regular files only, and writing files whole or not at all.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::NamedTempFile;

/// Opens a regular file for reading; symbolic links are followed.
///
/// Anything else is refused before it is opened: a named pipe would wait until some process writes to
/// it, and a device may have no end.
///
/// # Errors
/// When it cannot be opened or is not a regular file.
pub fn open(path: &Path) -> io::Result<File> {
    check_regular(path)?;
    File::open(path)
}

/// Checks that `path` leads to a regular file, without opening it.
///
/// # Errors
/// When nothing is there or it is something else.
pub fn check_regular(path: &Path) -> io::Result<()> {
    if fs::metadata(path)?.is_file() {
        Ok(())
    } else {
        let reason = "it is not a regular file";
        Err(io::Error::new(io::ErrorKind::InvalidInput, reason))
    }
}

/// Checks that `path` leads to a regular file or to nothing yet.
///
/// # Errors
/// When it is something else.
pub fn check_regular_or_missing(path: &Path) -> io::Result<()> {
    match check_regular(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        checked => checked,
    }
}

/// How the name of a temporary file begins…
const BEGINNING: &str = ".cre-lab-";
/// …and how many random letters and digits follow.
const RANDOM: usize = 6;

/// A file under a temporary name in `folder`, which goes when it is dropped.
///
/// # Errors
/// When the folder cannot be written to.
pub fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut file = tempfile::Builder::new();
    file.prefix(BEGINNING).rand_bytes(RANDOM);
    // A temporary file is private by default; the result shall be as readable as any other.
    #[cfg(unix)]
    file.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    file.tempfile_in(folder)
}

/// Removes what a process that was killed has left in `folder`: files under temporary names to which
/// nothing has been written for `age`. What cannot be removed stays.
pub fn remove_left_over(folder: &Path, age: Duration) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        // Neither looks behind a link.
        let is_old = entry.metadata().is_ok_and(|found| {
            let idle = found.modified().map(|written| written.elapsed());
            found.is_file() && matches!(idle, Ok(Ok(idle)) if idle >= age)
        });
        if is_old && is_temporary(&entry.file_name()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_temporary(name: &OsStr) -> bool {
    let random = name.to_str().and_then(|name| name.strip_prefix(BEGINNING));
    random.is_some_and(|random| {
        random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Writes `bytes` under a temporary name in the same folder and renames it to `path`, so that
/// whoever looks finds the old file or the new one, never half of it.
///
/// # Errors
/// When the folder cannot be written to; what was at `path` is then as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = Unfinished::create(path)?;
    file.write_all(bytes)?;
    file.finish()
}

/// A file on its way, under a temporary name in the folder of its own; dropped before it is finished,
/// it leaves nothing behind.
#[derive(Debug)]
pub struct Unfinished {
    file: BufWriter<NamedTempFile>,
    path: PathBuf,
    /// Encoders write their last bytes while they are dropped, where no error can be told.
    failure: Option<io::Error>,
}

impl Unfinished {
    /// Begins the file that will be at `path`.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub fn create(path: &Path) -> io::Result<Self> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        Ok(Self {
            file: BufWriter::new(temporary(folder)?),
            path: path.to_owned(),
            failure: None,
        })
    }

    /// Gives the file its name, in place of what was there.
    ///
    /// # Errors
    /// When any byte could not be written; what was at the path is then as it was.
    pub fn finish(self) -> io::Result<()> {
        if let Some(error) = self.failure {
            return Err(error);
        }
        let file = self.file.into_inner().map_err(io::Error::from)?;
        file.as_file().sync_all()?;
        file.persist(self.path).map_err(|error| error.error)?;
        Ok(())
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).inspect_err(|error| {
            if error.kind() != io::ErrorKind::Interrupted {
                self.failure = Some(io::Error::new(error.kind(), error.to_string()));
            }
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert_eq!(open(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        check_regular_or_missing(&path).unwrap();
        fs::write(&path, "content").unwrap();
        assert_eq!(io::read_to_string(open(&path).unwrap()).unwrap(), "content");
        for refused in [folder.path(), Path::new("/dev/zero")] {
            assert!(open(refused).is_err(), "{}", refused.display());
            assert!(check_regular_or_missing(refused).is_err());
        }
    }

    #[test]
    fn a_file_is_there_when_it_is_finished_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_atomically(&path, b"old").unwrap();
        let mut file = Unfinished::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(file);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

        let mut file = Unfinished::create(&path).unwrap();
        file.write_all(b"new").unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_old_temporary_files_are_left_over() {
        const DAY: Duration = Duration::from_hours(24);
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let written = |file: &fs::File, ago: Duration| {
            file.set_modified(SystemTime::now() - ago).unwrap();
        };
        let write = |name: &str, ago: Duration| {
            written(&fs::File::create(path(name)).unwrap(), ago);
        };
        // As it is after the end of a process that had no time to remove it.
        let (left, killed) = temporary(folder.path()).unwrap().keep().unwrap();
        written(&left, 2 * DAY);
        write(".cre-lab-a1B2c3", DAY / 2);
        for name in [".cre-lab-download", ".cre-lab-a1B2.3", "a1B2c3", "a.png"] {
            write(name, 2 * DAY);
        }
        let in_use = temporary(folder.path()).unwrap();
        fs::create_dir(path(".cre-lab-folder")).unwrap();
        remove_left_over(folder.path(), DAY);
        assert!(!killed.exists());
        assert!(in_use.path().exists());
        assert!(path(".cre-lab-a1B2c3").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 7);
        // Never what lies ahead of the clock, nor a folder.
        in_use
            .as_file()
            .set_modified(SystemTime::now() + DAY)
            .unwrap();
        remove_left_over(folder.path(), Duration::ZERO);
        assert!(in_use.path().exists() && path(".cre-lab-folder").exists());
        assert!(!path(".cre-lab-a1B2c3").exists());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 6);
        remove_left_over(&path("no such folder"), DAY);
    }
}
