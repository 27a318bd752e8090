//! A folder with the four official files of a data set, each plain or gzip.

use std::{
    fmt::{self, Display},
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use super::{BundledSet, Dataset, ImageShape, LoadError, Split, idx};
use crate::fs::open_regular;

/// One half of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SplitKind {
    /// Images to learn from.
    Train,
    /// Images to measure with.
    Test,
}

impl Display for SplitKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Train => "training",
            Self::Test => "test",
        })
    }
}

impl SplitKind {
    pub(super) const ALL: [Self; 2] = [Self::Train, Self::Test];

    const fn prefix(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "t10k",
        }
    }

    /// Official name of the file of images.
    pub(super) fn images(self) -> String {
        format!("{}-images-idx3-ubyte", self.prefix())
    }

    /// Name of the JPEG of a bundled half.
    pub(super) fn atlas(self) -> String {
        format!("{}-images.jpg", self.prefix())
    }

    /// Official name of the file of labels.
    pub(super) fn labels(self) -> String {
        format!("{}-labels-idx1-ubyte", self.prefix())
    }
}

/// A readable file and the name by which messages call it.
pub(super) struct NamedFile<R> {
    pub(super) path: PathBuf,
    /// Size of the file as it lies there.
    pub(super) bytes: u64,
    pub(super) content: R,
}

/// Reads one half of a data set.
pub(super) fn read_split<R: Read>(
    images: NamedFile<R>,
    labels: NamedFile<R>,
) -> Result<Split, LoadError> {
    let of = |file: &Path| {
        let file = file.to_owned();
        |fault| LoadError::Idx { file, fault }
    };
    let pixels = idx::read_images(images.content, images.bytes).map_err(of(&images.path))?;
    let classes = idx::read_labels(labels.content, labels.bytes).map_err(of(&labels.path))?;
    let counts = (pixels.len() / ImageShape::GREY_28.pixels(), classes.len());
    Split::new(ImageShape::GREY_28, pixels, classes).ok_or(LoadError::CountMismatch {
        images: images.path,
        image_count: counts.0,
        labels: labels.path,
        label_count: counts.1,
    })
}

/// The folder in which the four files lie.
pub(super) struct IdxFolder {
    pub(super) folder: PathBuf,
}

impl IdxFolder {
    /// Looks for the files in `folder`, and where torchvision puts them below it.
    pub(super) fn find(folder: &Path) -> Result<Self, LoadError> {
        let candidates = [
            folder.to_owned(),
            folder.join("raw"),
            folder.join("MNIST/raw"),
            folder.join("FashionMNIST/raw"),
        ];
        let holds = |path: &PathBuf| find_file(path, &SplitKind::Train.images()).is_some();
        let folder = match candidates.map(|path| Some(path).filter(holds)) {
            [None, None, Some(first), Some(second)] => {
                return Err(LoadError::Ambiguous {
                    folder: folder.to_owned(),
                    first,
                    second,
                });
            }
            found => found
                .into_iter()
                .flatten()
                .next()
                .unwrap_or_else(|| folder.to_owned()),
        };
        Ok(Self { folder })
    }

    /// Reads one half.
    pub(super) fn read(&self, half: SplitKind) -> Result<Split, LoadError> {
        read_split(self.open(half.images())?, self.open(half.labels())?)
    }

    fn open(&self, file: String) -> Result<NamedFile<File>, LoadError> {
        let Some(path) = find_file(&self.folder, &file) else {
            return Err(LoadError::MissingFile {
                folder: self.folder.clone(),
                file,
            });
        };
        let opened = open_regular(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((bytes, content)) => Ok(NamedFile {
                path,
                bytes,
                content,
            }),
            Err(error) => Err(LoadError::Idx {
                file: path,
                fault: error.into(),
            }),
        }
    }

    /// Reads both halves; what they show is told by the folder's name.
    pub(super) fn load(&self) -> Result<Dataset, LoadError> {
        let (set, name) = identify(&self.folder);
        self.load_as(set, name)
    }

    /// Reads both halves of a data set that is called `name` and has the classes of `set`.
    pub(super) fn load_as(&self, set: BundledSet, name: String) -> Result<Dataset, LoadError> {
        Ok(Dataset {
            name,
            shape: ImageShape::GREY_28,
            class_names: set.class_names().map(str::to_owned).to_vec(),
            rotation: 0.0,
            skipped: Vec::new(),
            train: self.read(SplitKind::Train)?,
            test: self.read(SplitKind::Test)?,
        })
    }
}

/// The file of this official name, or of the variant with a dot, or of either with `.gz`.
pub(super) fn find_file(folder: &Path, file: &str) -> Option<PathBuf> {
    let dotted = file.replace("-idx", ".idx");
    [file, &dotted]
        .into_iter()
        .flat_map(|name| [name.to_owned(), format!("{name}.gz")])
        .map(|name| folder.join(name))
        .find(|path| path.is_file())
}

/// The set with the classes of a folder's data set, and what to call it. The files do not tell,
/// the folder's name may.
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
        Some(BundledSet::FashionMnist)
    } else if words.any(|word| word.starts_with("mnist")) {
        // A word of its own: KMNIST and EMNIST are other sets.
        Some(BundledSet::Mnist)
    } else {
        None
    };
    (
        set.unwrap_or(BundledSet::Mnist),
        set.map_or(name, |set| set.to_string()),
    )
}

#[cfg(test)]
pub(super) mod tests {
    use std::{fs, io::Write as _};

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    /// Writes two training images and one test image; `rename` makes a file's name.
    pub fn write(folder: &Path, rename: impl Fn(&str) -> String) {
        fs::create_dir_all(folder).unwrap();
        for (half, labels) in SplitKind::ALL.into_iter().zip([&[3, 7][..], &[5]]) {
            let (mut image_file, mut label_file) = (Vec::new(), Vec::new());
            let pixels: Vec<u8> = (0..=255).cycle().take(784 * labels.len()).collect();
            idx::write_images(&mut image_file, &pixels).unwrap();
            idx::write_labels(&mut label_file, labels).unwrap();
            for (name, mut bytes) in [(half.images(), image_file), (half.labels(), label_file)] {
                let path = folder.join(rename(&name));
                if path.extension().is_some_and(|extension| extension == "gz") {
                    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
                    gzip.write_all(&bytes).unwrap();
                    bytes = gzip.finish().unwrap();
                }
                fs::write(path, bytes).unwrap();
            }
        }
    }

    fn load(folder: &Path) -> Result<Dataset, LoadError> {
        IdxFolder::find(folder)?.load()
    }

    #[test]
    fn every_usual_layout_is_found_and_named() {
        let root = tempfile::tempdir().unwrap();
        let of = |path: &str| root.path().join(path);
        write(&of("mnist-full"), str::to_owned);
        write(&of("my-fashion"), |name| format!("{name}.gz"));
        write(&of("kmnist"), |name| name.replace("-idx", ".idx"));
        write(&of("torch/FashionMNIST/raw"), |name| {
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
            let dataset = load(&of(folder)).unwrap();
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

        write(&of("torch/MNIST/raw"), str::to_owned);
        assert!(matches!(
            load(&of("torch")),
            Err(LoadError::Ambiguous { .. })
        ));
    }

    #[test]
    fn a_bad_folder_is_refused_in_one_sentence() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().display();
        let message = || load(root.path()).unwrap_err().to_string();
        let missing = |file| format!("{folder} holds no file {file}, plain or as {file}.gz");
        assert_eq!(message(), missing("train-images-idx3-ubyte"));

        write(root.path(), str::to_owned);
        let labels = root.path().join("train-labels-idx1-ubyte");
        let mut file = Vec::new();
        idx::write_labels(&mut file, &[1, 2, 3]).unwrap();
        fs::write(&labels, file).unwrap();
        assert_eq!(
            message(),
            format!(
                "{folder}/train-images-idx3-ubyte holds 2 images, \
                 but {folder}/train-labels-idx1-ubyte holds 3 labels"
            )
        );

        fs::write(&labels, "").unwrap();
        assert_eq!(
            message(),
            format!("{} is cut off: it holds 0 bytes of 8", labels.display())
        );

        fs::remove_file(&labels).unwrap();
        assert_eq!(message(), missing("train-labels-idx1-ubyte"));
    }
}
