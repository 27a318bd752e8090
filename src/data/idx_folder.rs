//! A folder with the four IDX files of MNIST or a similar data set, each plain or gzip.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use super::{
    BundledSet, Dataset, ImageShape, LoadError, Split, SplitKind,
    idx::{self, IdxError},
};
use crate::fs::open_regular;

impl SplitKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "t10k",
        }
    }

    /// Official name of the file of images.
    pub(super) fn images_name(self) -> String {
        format!("{}-images-idx3-ubyte", self.prefix())
    }

    /// Official name of the file of labels.
    pub(super) fn labels_name(self) -> String {
        format!("{}-labels-idx1-ubyte", self.prefix())
    }

    /// Name of a sheet of images of a bundled set.
    pub(super) fn sheet_name(self) -> String {
        format!("{}-images.jpg", self.prefix())
    }
}

/// Content to read, with a path for error messages.
pub(super) struct NamedFile<R> {
    pub(super) path: PathBuf,
    /// Size in bytes, compressed if the content is.
    pub(super) size: u64,
    pub(super) content: R,
}

impl NamedFile<File> {
    fn open(path: PathBuf) -> Result<Self, LoadError> {
        let opened = open_regular(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((size, content)) => Ok(Self {
                path,
                size,
                content,
            }),
            Err(error) => Err(LoadError::Idx {
                file: path,
                error: error.into(),
            }),
        }
    }
}

impl<R: Read> NamedFile<R> {
    /// Reads the values with `read`, and returns them with the path.
    pub(super) fn read(
        self,
        read: impl FnOnce(R, u64) -> Result<Vec<u8>, IdxError>,
    ) -> Result<(PathBuf, Vec<u8>), LoadError> {
        match read(self.content, self.size) {
            Ok(values) => Ok((self.path, values)),
            Err(error) => Err(LoadError::Idx {
                file: self.path,
                error,
            }),
        }
    }
}

/// Reads a file of images and one of labels.
pub(super) fn read_split<R: Read>(
    images: NamedFile<R>,
    labels: NamedFile<R>,
) -> Result<Split, LoadError> {
    Split::from_files(
        ImageShape::GREY_28,
        images.read(idx::read_images)?,
        labels.read(idx::read_labels)?,
    )
}

/// A folder with the four files.
pub(super) struct IdxFolder {
    pub(super) folder: PathBuf,
}

impl IdxFolder {
    /// Finds the files in `folder` or in the subfolders of torchvision. A folder without them is
    /// returned as it is, and its files are reported as missing when they are read.
    pub(super) fn find(folder: &Path) -> Result<Self, LoadError> {
        let candidates = [
            folder.to_owned(),
            folder.join("raw"),
            folder.join("MNIST/raw"),
            folder.join("FashionMNIST/raw"),
        ];
        let has_images =
            |path: &PathBuf| find_file(path, &SplitKind::Train.images_name()).is_some();
        let found = match candidates.map(|path| Some(path).filter(has_images)) {
            [None, None, Some(first), Some(second)] => {
                return Err(LoadError::Ambiguous {
                    folder: folder.to_owned(),
                    first,
                    second,
                });
            }
            candidates => candidates.into_iter().flatten().next(),
        };
        Ok(Self {
            folder: found.unwrap_or_else(|| folder.to_owned()),
        })
    }

    /// Loads training and test images, and derives name and classes from the name of the folder.
    pub(super) fn load(&self) -> Result<Dataset, LoadError> {
        let (set, name) = identify(&self.folder);
        let dataset = self.load_as(set)?;
        Ok(Dataset { name, ..dataset })
    }

    /// Loads training and test images as those of `set`.
    pub(super) fn load_as(&self, set: BundledSet) -> Result<Dataset, LoadError> {
        let (train, test) = (self.read(SplitKind::Train)?, self.read(SplitKind::Test)?);
        Ok(set.dataset(train, test))
    }

    /// Reads the training or the test images.
    pub(super) fn read(&self, kind: SplitKind) -> Result<Split, LoadError> {
        read_split(
            self.open(kind.images_name())?,
            self.open(kind.labels_name())?,
        )
    }

    fn open(&self, file: String) -> Result<NamedFile<File>, LoadError> {
        match find_file(&self.folder, &file) {
            Some(path) => NamedFile::open(path),
            None => Err(LoadError::MissingFile {
                folder: self.folder.clone(),
                file,
            }),
        }
    }
}

/// Finds the file with the official name `file`, or with a dot before “idx”, or either with `.gz`.
pub(super) fn find_file(folder: &Path, file: &str) -> Option<PathBuf> {
    let dotted = file.replace("-idx", ".idx");
    [file, &dotted]
        .into_iter()
        .flat_map(|name| [name.to_owned(), format!("{name}.gz")])
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

/// Returns the set whose classes a folder's data set has, and its display name. Only the name of the
/// folder distinguishes the sets; by default the classes are digits.
fn identify(folder: &Path) -> (BundledSet, String) {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let name = absolute
        .ancestors()
        .filter_map(Path::file_name)
        .find(|name| *name != "raw")
        .map_or_else(
            || folder.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        );
    let lower = name.to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphanumeric());
    if lower.contains("fashion") {
        (
            BundledSet::FashionMnist,
            BundledSet::FashionMnist.to_string(),
        )
    } else if words.any(|word| word.starts_with("mnist")) {
        // At the start of a word: KMNIST and EMNIST are other data sets.
        (BundledSet::Mnist, BundledSet::Mnist.to_string())
    } else {
        (BundledSet::Mnist, name)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::{fs, io::Write as _};

    use super::{super::gzip, *};

    /// Writes two training images and one test image; `rename` maps official names to file names.
    pub fn write(folder: &Path, rename: impl Fn(&str) -> String) {
        fs::create_dir_all(folder).unwrap();
        for (kind, labels) in SplitKind::ALL.into_iter().zip([&[3, 7][..], &[5]]) {
            let (mut image_file, mut label_file) = (Vec::new(), Vec::new());
            let pixels: Vec<u8> = (0..=255).cycle().take(784 * labels.len()).collect();
            idx::write_images(&mut image_file, &pixels).unwrap();
            idx::write_labels(&mut label_file, labels).unwrap();
            for (name, mut bytes) in [
                (kind.images_name(), image_file),
                (kind.labels_name(), label_file),
            ] {
                let path = folder.join(rename(&name));
                if path.extension().is_some_and(|extension| extension == "gz") {
                    bytes = gzip::compress(|to| to.write_all(&bytes)).unwrap();
                }
                fs::write(path, bytes).unwrap();
            }
        }
    }

    fn load(folder: &Path) -> Result<Dataset, LoadError> {
        IdxFolder::find(folder)?.load()
    }

    #[test]
    fn every_common_layout_is_found_and_named() {
        let root = tempfile::tempdir().unwrap();
        let path = |subfolder: &str| root.path().join(subfolder);
        write(&path("mnist-full"), str::to_owned);
        write(&path("my-fashion"), |name| format!("{name}.gz"));
        write(&path("kmnist"), |name| name.replace("-idx", ".idx"));
        write(&path("torch/FashionMNIST/raw"), |name| {
            format!("{}.gz", name.replace("-idx", ".idx"))
        });
        for (folder, name, class) in [
            ("mnist-full", "MNIST", "3"),
            ("my-fashion", "Fashion-MNIST", "Dress"),
            ("kmnist", "kmnist", "3"),
            ("torch", "Fashion-MNIST", "Dress"),
            ("torch/FashionMNIST", "Fashion-MNIST", "Dress"),
            ("torch/FashionMNIST/raw", "Fashion-MNIST", "Dress"),
        ] {
            let dataset = load(&path(folder)).unwrap();
            assert_eq!(
                (dataset.name.as_str(), dataset.class_names[3].as_str()),
                (name, class)
            );
            assert_eq!(
                (dataset.train.labels(), dataset.test.labels()),
                (&[3, 7][..], &[5][..])
            );
            assert_eq!(dataset.train.image(1)[..3], [16, 17, 18]);
        }

        write(&path("torch/MNIST/raw"), str::to_owned);
        assert!(matches!(
            load(&path("torch")),
            Err(LoadError::Ambiguous { .. })
        ));
    }

    #[test]
    fn errors_name_the_missing_or_inconsistent_file() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().display();
        let message = || load(root.path()).unwrap_err().to_string();
        let missing = |file| format!("{folder} contains no file {file} or {file}.gz");
        assert_eq!(message(), missing("train-images-idx3-ubyte"));

        write(root.path(), str::to_owned);
        let labels = root.path().join("train-labels-idx1-ubyte");
        let mut file = Vec::new();
        idx::write_labels(&mut file, &[1, 2, 3]).unwrap();
        fs::write(&labels, file).unwrap();
        assert_eq!(
            message(),
            format!(
                "{folder}/train-images-idx3-ubyte contains 2 images, \
                 but {folder}/train-labels-idx1-ubyte contains 3 labels"
            )
        );

        fs::write(&labels, "").unwrap();
        assert_eq!(
            message(),
            format!("{} is truncated: it has 0 of 8 bytes", labels.display())
        );

        fs::remove_file(&labels).unwrap();
        assert_eq!(message(), missing("train-labels-idx1-ubyte"));
    }
}
