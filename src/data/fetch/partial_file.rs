//! The received part of a file, and the information needed to resume its download.

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

/// The most bytes of a [`ResumeInfo`] file that are read.
const MAX_INFO_SIZE: u64 = 4096;

/// A partially downloaded file. Each URL has its own, because mirrors may have compressed the same
/// content differently.
#[derive(Debug)]
pub(super) struct PartialFile {
    pub(super) url: String,
    pub(super) path: PathBuf,
    info: PathBuf,
}

/// Identifies the version of a file, so that the rest belongs to the part that was received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ResumeInfo {
    pub(super) url: String,
    /// Identifier of this version of the file: a strong `ETag`, or `Last-Modified`.
    pub(super) validator: String,
    /// Size of the whole file, in bytes.
    pub(super) total: u64,
}

impl PartialFile {
    /// The partial download into `folder` of the file `name` from `mirror`.
    pub(super) fn new(folder: &Path, name: &str, mirror: &str) -> Self {
        let url = format!("{mirror}{name}");
        let url_hash = &sha256(url.as_bytes())[..8];
        let path = |extension| folder.join(format!("{name}.{url_hash}.{extension}"));
        let (path, info) = (path("part"), path("part.json"));
        Self { url, path, info }
    }

    /// Number of bytes received; 0 if the file does not exist.
    pub(super) fn length(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |file| file.len())
    }

    /// Reads the information needed to resume the download; `None` if it must restart.
    pub(super) fn resume_info(&self) -> Option<ResumeInfo> {
        let mut text = String::new();
        let file = open_regular(&self.info).ok()?;
        file.take(MAX_INFO_SIZE).read_to_string(&mut text).ok()?;
        let info: ResumeInfo = serde_json::from_str(&text).ok()?;
        let length = self.length();
        (info.url == self.url && length > 0 && length <= info.total).then_some(info)
    }

    /// Creates an empty file. The download can be resumed later only with `info`.
    pub(super) fn create(&self, info: Option<&ResumeInfo>) -> io::Result<File> {
        // Truncated before the information changes, which must never describe the old content.
        let file = File::create(&self.path)?;
        match info {
            Some(info) => write_whole(&self.info, &serde_json::to_vec(info)?, Existing::Replace)?,
            None => match fs::remove_file(&self.info) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            },
        }
        Ok(file)
    }

    pub(super) fn append(&self) -> io::Result<File> {
        check_regular(&self.path)?;
        OpenOptions::new().append(true).open(&self.path)
    }

    /// Removes the file and its information, as far as they exist.
    pub(super) fn remove(&self) {
        let _ = fs::remove_file(&self.info);
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_resumes_only_from_the_same_url_with_valid_info_and_length() {
        let folder = tempfile::tempdir().unwrap();
        let mut part = PartialFile::new(folder.path(), "a.gz", "https://a/");
        let info = ResumeInfo {
            url: "https://a/a.gz".to_owned(),
            validator: "\"v1\"".to_owned(),
            total: 3,
        };
        let path = part.path.clone();
        let write = |text: &str| fs::write(&path, text).unwrap();
        assert_eq!(part.resume_info(), None);
        part.create(Some(&info)).unwrap();
        assert_eq!(part.resume_info(), None, "nothing received");
        write("ab");
        assert_eq!(part.resume_info().as_ref(), Some(&info));
        let url = std::mem::replace(&mut part.url, "https://b/a.gz".to_owned());
        assert_eq!(part.resume_info(), None, "another URL");
        part.url = url;
        write("abcd");
        assert_eq!(part.resume_info(), None, "too long");

        part.create(None).unwrap();
        write("ab");
        assert_eq!(part.resume_info(), None, "created without information");
        part.create(Some(&info)).unwrap();
        write("ab");
        fs::write(&part.info, "{\"url\":").unwrap();
        assert_eq!(part.resume_info(), None, "damaged information");
        part.remove();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
