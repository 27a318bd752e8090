//! Writing files whole or not at all.

use std::{
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

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
        let mut file = tempfile::Builder::new();
        file.prefix(".cre-lab-");
        // A temporary file is private by default; the result shall be as readable as any other.
        #[cfg(unix)]
        file.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        Ok(Self {
            file: BufWriter::new(file.tempfile_in(folder)?),
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
    use std::fs;

    use super::*;

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
}
