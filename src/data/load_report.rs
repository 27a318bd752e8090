//! What a folder contains that is no part of its data set.

use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    path::{Path, PathBuf},
};

/// The most names that are given for each reason.
const MAX_NAMES: usize = 3;

/// Why a file or folder is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// An image that is cut off or malformed.
    Damaged,
    /// An image with too many pixels.
    TooLarge,
    /// No image in a format that is read.
    OtherFormat,
    /// The system does not permit reading it.
    Unreadable,
    /// A named pipe, a device or a socket.
    Special,
    /// A folder of validation images beside those of training and test images.
    Validation,
    /// A folder of test images without classes.
    UnlabelledTest,
    /// A folder without images among those of the classes.
    NoImages,
}

impl LeftOut {
    /// Singular and plural of what is left out.
    const fn nouns(self) -> [&'static str; 2] {
        match self {
            Self::Damaged => ["damaged image", "damaged images"],
            Self::TooLarge => ["image with too many pixels", "images with too many pixels"],
            Self::OtherFormat => ["file in another format", "files in other formats"],
            Self::Unreadable => ["file that cannot be read", "files that cannot be read"],
            Self::Special => [
                "named pipe, device or socket",
                "named pipes, devices or sockets",
            ],
            Self::Validation => [
                "folder of validation images",
                "folders of validation images",
            ],
            Self::UnlabelledTest => [
                "folder of test images without classes",
                "folders of test images without classes",
            ],
            Self::NoImages => ["folder without images", "folders without images"],
        }
    }
}

/// The number of files and folders that are left out for each reason, and the first names.
///
/// As text, one sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport(BTreeMap<LeftOut, (usize, Vec<PathBuf>)>);

impl LoadReport {
    /// Adds a file or folder by its path in the data set.
    pub fn add(&mut self, reason: LeftOut, path: &Path) {
        let (count, names) = self.0.entry(reason).or_default();
        *count += 1;
        if names.len() < MAX_NAMES {
            names.push(path.to_owned());
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of files and folders that are left out.
    pub fn count(&self) -> usize {
        self.0.values().map(|(count, _)| count).sum()
    }
}

impl Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (reason, (count, names))) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "Left out: " } else { "; " })?;
            write!(f, "{count} {} (", reason.nouns()[usize::from(*count > 1)])?;
            for (index, name) in names.iter().enumerate() {
                f.write_str(if index == 0 { "" } else { ", " })?;
                write!(f, "{}", name.display())?;
            }
            f.write_str(if *count > names.len() { ", …)" } else { ")" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_by_reason_and_the_first_are_named() {
        let mut report = LoadReport::default();
        assert!(report.is_empty());
        report.add(LeftOut::Special, Path::new("cats/pipe"));
        for index in 0..4 {
            report.add(LeftOut::Damaged, &PathBuf::from(format!("{index}.png")));
        }
        assert_eq!(
            report.to_string(),
            "Left out: 4 damaged images (0.png, 1.png, 2.png, …); \
             1 named pipe, device or socket (cats/pipe)"
        );
        assert_eq!(report.count(), 5);
    }
}
