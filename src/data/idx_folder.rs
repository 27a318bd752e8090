//! A folder with the four IDX files of MNIST or a similar data set, each plain or gzip.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use super::{
    BundledSet, ContentError, Dataset, ImageShape, LoadError, Split, SplitKind, error::open, idx,
};

impl SplitKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "t10k",
        }
    }

    pub(super) fn images_name(self) -> String {
        format!("{}-images-idx3-ubyte", self.prefix())
    }

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

impl<R: Read> NamedFile<R> {
    /// Reads the values with `read`, and returns them with the path.
    pub(super) fn read(
        self,
        read: impl FnOnce(R, u64) -> Result<Vec<u8>, ContentError>,
    ) -> Result<(PathBuf, Vec<u8>), LoadError> {
        match read(self.content, self.size) {
            Ok(values) => Ok((self.path, values)),
            Err(error) => Err(LoadError::content(&self.path, error)),
        }
    }
}

/// Reads a file of images and one of labels.
pub(super) fn read_split<R: Read>(
    images: NamedFile<R>,
    labels: NamedFile<R>,
) -> Result<Split, LoadError> {
    let (image_file, pixels) = images.read(idx::read_images)?;
    let (label_file, labels) = labels.read(idx::read_labels)?;
    Split::from_files(
        ImageShape::GREY_28,
        (&image_file, pixels),
        (&label_file, labels),
    )
}

/// Finds the folder with the files: `folder` or one of the subfolders of torchvision. A folder without
/// them is returned as it is, and its files are reported as missing when they are read.
pub(super) fn find(folder: &Path) -> Result<PathBuf, LoadError> {
    let candidates = [
        folder.to_owned(),
        folder.join("raw"),
        folder.join("MNIST/raw"),
        folder.join("FashionMNIST/raw"),
    ];
    let has_images = |path: &PathBuf| find_file(path, &SplitKind::Train.images_name()).is_some();
    let folder = folder.to_owned();
    match candidates.map(|path| Some(path).filter(has_images)) {
        [None, None, Some(first), Some(second)] => Err(LoadError::Ambiguous {
            folder,
            first,
            second,
        }),
        candidates => Ok(candidates.into_iter().flatten().next().unwrap_or(folder)),
    }
}

/// Loads training and test images, and derives name and classes from the name of the folder.
pub(super) fn load(folder: &Path) -> Result<Dataset, LoadError> {
    let (set, name) = identify(folder);
    let dataset = load_as(folder, set)?;
    Ok(Dataset { name, ..dataset })
}

/// Loads training and test images as those of `set`.
pub(super) fn load_as(folder: &Path, set: BundledSet) -> Result<Dataset, LoadError> {
    let (train, test) = (
        read(folder, SplitKind::Train)?,
        read(folder, SplitKind::Test)?,
    );
    Ok(set.dataset(train, test))
}

pub(super) fn read(folder: &Path, kind: SplitKind) -> Result<Split, LoadError> {
    let named = |file: String| {
        let Some(path) = find_file(folder, &file) else {
            let folder = folder.to_owned();
            return Err(LoadError::MissingFile { folder, file });
        };
        let (content, size) = open(&path)?;
        Ok(NamedFile {
            path,
            size,
            content,
        })
    };
    read_split(named(kind.images_name())?, named(kind.labels_name())?)
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
    let set = if lower.contains("fashion") {
        BundledSet::FashionMnist
    } else if words.any(|word| word.starts_with("mnist")) {
        // At the start of a word: KMNIST and EMNIST are other data sets.
        BundledSet::Mnist
    } else {
        return (BundledSet::Mnist, name);
    };
    (set, set.to_string())
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
        super::load(&find(folder)?)
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
            assert_eq!([&dataset.name, &dataset.class_names[3]], [name, class]);
            assert_eq!(dataset.train.labels(), [3, 7]);
            assert_eq!(dataset.test.labels(), [5]);
            assert_eq!(dataset.train.image(1)[..3], [16, 17, 18]);
        }

        write(&path("torch/MNIST/raw"), str::to_owned);
        let error = load(&path("torch")).unwrap_err().to_string();
        assert!(
            error.contains(" contains two data sets: choose "),
            "{error}"
        );
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
        let images = format!("{folder}/train-images-idx3-ubyte contains 2 images");
        let label_file = labels.display();
        assert_eq!(
            message(),
            format!("{images}, but {label_file} contains 3 labels")
        );

        fs::write(&labels, "").unwrap();
        let truncated = format!("{label_file} is truncated: it has 0 of 8 bytes");
        assert_eq!(message(), truncated);

        fs::remove_file(&labels).unwrap();
        assert_eq!(message(), missing("train-labels-idx1-ubyte"));
    }
}
