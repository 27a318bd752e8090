//! The part of a file that has arrived, and what is needed to go on from there.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    data::digest::sha256,
    fs::{Existing, check_regular, open_regular, write_whole},
};

/// The most bytes of a note that are read.
const NOTE: u64 = 4096;

/// A file of one address on its way. Each address has its own, since mirrors may have packed the
/// same content differently.
#[derive(Debug)]
pub(super) struct PartialFile {
    file: PathBuf,
    note: PathBuf,
}

/// What makes sure that the rest of a file belongs to its beginning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ResumeInfo {
    /// Where it comes from.
    pub(super) url: String,
    /// The server's name for this version of the file: a strong `ETag`, or `Last-Modified`.
    pub(super) validator: String,
    /// Bytes of the whole file.
    pub(super) total: u64,
}

impl PartialFile {
    /// The part of the file `name` that comes from `url`.
    pub(super) fn new(folder: &Path, name: &str, url: &str) -> Self {
        let address = &sha256(url.as_bytes())[..8];
        let path = |ending| folder.join(format!("{name}.{address}.{ending}"));
        Self {
            file: path("part"),
            note: path("part.json"),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.file
    }

    /// Bytes that have arrived.
    pub(super) fn length(&self) -> u64 {
        fs::metadata(&self.file).map_or(0, |file| file.len())
    }

    /// What has to be known to go on; `None` if the file has to be begun anew.
    pub(super) fn resume_info(&self, url: &str) -> Option<ResumeInfo> {
        let mut text = String::new();
        let file = open_regular(&self.note).ok()?;
        file.take(NOTE).read_to_string(&mut text).ok()?;
        let note: ResumeInfo = serde_json::from_str(&text).ok()?;
        let length = self.length();
        (note.url == url && length > 0 && length <= note.total).then_some(note)
    }

    /// Begins anew; with a note it can be resumed.
    pub(super) fn create(&self, note: Option<&ResumeInfo>) -> io::Result<File> {
        // Emptied before the note changes: an old beginning must never get a new note.
        let file = File::create(&self.file)?;
        match note {
            Some(note) => write_whole(&self.note, &serde_json::to_vec(note)?, Existing::Replace)?,
            None => match fs::remove_file(&self.note) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            },
        }
        Ok(file)
    }

    /// Goes on at the end of what is there.
    pub(super) fn append(&self) -> io::Result<File> {
        check_regular(&self.file)?;
        OpenOptions::new().append(true).open(&self.file)
    }

    /// Takes it away, as far as it is there.
    pub(super) fn remove(&self) {
        let _ = fs::remove_file(&self.note);
        let _ = fs::remove_file(&self.file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_note_of_the_same_address_and_a_fitting_length_counts() {
        let folder = tempfile::tempdir().unwrap();
        let part = PartialFile::new(folder.path(), "a.gz", "https://a/a.gz");
        let note = ResumeInfo {
            url: "https://a/a.gz".to_owned(),
            validator: "\"v1\"".to_owned(),
            total: 3,
        };
        assert_eq!(part.resume_info("https://a/a.gz"), None);
        part.create(Some(&note)).unwrap();
        assert_eq!(
            part.resume_info("https://a/a.gz"),
            None,
            "nothing has arrived"
        );
        fs::write(part.path(), "ab").unwrap();
        assert_eq!(part.resume_info("https://a/a.gz"), Some(note.clone()));
        assert_eq!(part.resume_info("https://b/a.gz"), None);
        fs::write(part.path(), "abcd").unwrap();
        assert_eq!(part.resume_info("https://a/a.gz"), None, "too long");

        part.create(None).unwrap();
        fs::write(part.path(), "ab").unwrap();
        assert_eq!(
            part.resume_info("https://a/a.gz"),
            None,
            "begun without a note"
        );
        part.create(Some(&note)).unwrap();
        fs::write(part.path(), "ab").unwrap();
        fs::write(&part.note, "{\"url\":").unwrap();
        assert_eq!(part.resume_info("https://a/a.gz"), None, "a damaged note");
        part.remove();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
