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
    file: PathBuf,
    info: PathBuf,
}

/// Identifies the version of a file, so that the rest belongs to the part that was received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ResumeInfo {
    /// Source of the file.
    pub(super) url: String,
    /// Identifier of this version of the file: a strong `ETag`, or `Last-Modified`.
    pub(super) validator: String,
    /// Size of the whole file, in bytes.
    pub(super) total: u64,
}

impl PartialFile {
    /// The partial download into `folder` of the file `name` from `url`.
    pub(super) fn new(folder: &Path, name: &str, url: &str) -> Self {
        let url_hash = &sha256(url.as_bytes())[..8];
        let path = |extension| folder.join(format!("{name}.{url_hash}.{extension}"));
        Self {
            file: path("part"),
            info: path("part.json"),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.file
    }

    /// Number of bytes received; 0 if the file does not exist.
    pub(super) fn length(&self) -> u64 {
        fs::metadata(&self.file).map_or(0, |file| file.len())
    }

    /// Reads the information needed to resume the download from `url`; `None` if it must restart.
    pub(super) fn resume_info(&self, url: &str) -> Option<ResumeInfo> {
        let mut text = String::new();
        let file = open_regular(&self.info).ok()?;
        file.take(MAX_INFO_SIZE).read_to_string(&mut text).ok()?;
        let info: ResumeInfo = serde_json::from_str(&text).ok()?;
        let length = self.length();
        (info.url == url && length > 0 && length <= info.total).then_some(info)
    }

    /// Creates an empty file. The download can be resumed later only with `info`.
    pub(super) fn create(&self, info: Option<&ResumeInfo>) -> io::Result<File> {
        // Truncated before the information changes, which must never describe the old content.
        let file = File::create(&self.file)?;
        match info {
            Some(info) => write_whole(&self.info, &serde_json::to_vec(info)?, Existing::Replace)?,
            None => match fs::remove_file(&self.info) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            },
        }
        Ok(file)
    }

    /// Opens the file for appending.
    pub(super) fn append(&self) -> io::Result<File> {
        check_regular(&self.file)?;
        OpenOptions::new().append(true).open(&self.file)
    }

    /// Removes the file and its information, as far as they exist.
    pub(super) fn remove(&self) {
        let _ = fs::remove_file(&self.info);
        let _ = fs::remove_file(&self.file);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_download_resumes_only_from_the_same_url_with_valid_info_and_length() {
        const URL: &str = "https://a/a.gz";
        let folder = tempfile::tempdir().unwrap();
        let part = PartialFile::new(folder.path(), "a.gz", URL);
        let info = ResumeInfo {
            url: URL.to_owned(),
            validator: "\"v1\"".to_owned(),
            total: 3,
        };
        let write = |text: &str| fs::write(part.path(), text).unwrap();
        assert_eq!(part.resume_info(URL), None);
        part.create(Some(&info)).unwrap();
        assert_eq!(part.resume_info(URL), None, "nothing received");
        write("ab");
        assert_eq!(part.resume_info(URL).as_ref(), Some(&info));
        assert_eq!(part.resume_info("https://b/a.gz"), None);
        write("abcd");
        assert_eq!(part.resume_info(URL), None, "too long");

        part.create(None).unwrap();
        write("ab");
        assert_eq!(part.resume_info(URL), None, "created without information");
        part.create(Some(&info)).unwrap();
        write("ab");
        fs::write(&part.info, "{\"url\":").unwrap();
        assert_eq!(part.resume_info(URL), None, "damaged information");
        part.remove();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
