//! Where a data set comes from: the bundle, or a folder with the official files.

use std::{
    fmt::{self, Display},
    path::PathBuf,
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Dataset, ImageShape, bundle, cifar, folder::Files, idx, own_images};

/// A data set that is compiled into the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BundledSet {
    /// Handwritten digits.
    #[default]
    Mnist,
    /// Pieces of clothing.
    FashionMnist,
    /// Animals and vehicles in colour.
    Cifar10,
}

impl BundledSet {
    /// Every bundled set, in the order of a menu.
    pub const ALL: [Self; 3] = [Self::Mnist, Self::FashionMnist, Self::Cifar10];

    /// Its name on the command line and in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Cifar10 => "cifar-10",
        }
    }

    /// Shape of its images.
    pub const fn shape(self) -> ImageShape {
        match self {
            Self::Mnist | Self::FashionMnist => ImageShape::GREY_28,
            Self::Cifar10 => ImageShape::COLOUR_32,
        }
    }

    /// One name per class, in the order of the labels.
    pub const fn class_names(self) -> [&'static str; 10] {
        match self {
            Self::Mnist => ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
            Self::FashionMnist => [
                "T-shirt/top",
                "Trouser",
                "Pullover",
                "Dress",
                "Coat",
                "Sandal",
                "Shirt",
                "Sneaker",
                "Bag",
                "Ankle boot",
            ],
            Self::Cifar10 => [
                "Airplane",
                "Automobile",
                "Bird",
                "Cat",
                "Deer",
                "Dog",
                "Frog",
                "Horse",
                "Ship",
                "Truck",
            ],
        }
    }
}

impl Display for BundledSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Mnist => "MNIST",
            Self::FashionMnist => "Fashion-MNIST",
            Self::Cifar10 => "CIFAR-10",
        })
    }
}

impl FromStr for BundledSet {
    type Err = UnknownDataSet;

    fn from_str(name: &str) -> Result<Self, UnknownDataSet> {
        Self::ALL
            .into_iter()
            .find(|set| set.id() == name)
            .ok_or_else(|| UnknownDataSet(name.to_owned()))
    }
}

/// A name that is neither a bundled set nor a folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is neither a bundled data set ({ids}) nor a folder", ids = BundledSet::ALL.map(BundledSet::id).join(", "))]
pub struct UnknownDataSet(String);

/// Where to take images and labels from. As text: a bundled set's id, or the path of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DataSource {
    /// Compiled into the program.
    Bundled(BundledSet),
    /// A folder with the six official files of CIFAR-10's binary version, or with the four of
    /// MNIST or a set like it, each plain or with `.gz`; also a folder of
    /// torchvision's, which has them in `raw`, `MNIST/raw` or `FashionMNIST/raw`.
    Folder(PathBuf),
}

impl DataSource {
    /// Takes a bundled id, or anything else as the path of a folder.
    fn from_text(text: &str) -> Self {
        text.parse()
            .map_or_else(|_| Self::Folder(text.into()), Self::Bundled)
    }

    /// Reads the whole data set into memory.
    ///
    /// # Errors
    /// When a folder lacks a file, or a file is not what its name promises; each error is one
    /// sentence that names the file and the reason. A bundled set always loads.
    pub fn load(&self) -> Result<Dataset, LoadError> {
        match self {
            Self::Bundled(set) => bundle::load(*set),
            Self::Folder(folder) if !folder.is_dir() => {
                Err(UnknownDataSet(folder.display().to_string()).into())
            }
            Self::Folder(folder) => {
                if let Some(files) = cifar::Files::find(folder) {
                    return files.load();
                }
                match own_images::Folders::find(folder) {
                    Some(folders) => folders.load(),
                    None => Files::find(folder)?.load(),
                }
            }
        }
    }
}

impl Default for DataSource {
    fn default() -> Self {
        Self::Bundled(BundledSet::default())
    }
}

impl Display for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled(set) => f.pad(set.id()),
            // A relative folder that is called like a bundled set must not be read back as one.
            Self::Folder(path)
                if BundledSet::ALL
                    .iter()
                    .any(|set| path.as_os_str() == set.id()) =>
            {
                write!(f, "./{}", path.display())
            }
            Self::Folder(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for DataSource {
    type Err = UnknownDataSet;

    /// Takes a bundled id, or else a folder, which must exist.
    fn from_str(text: &str) -> Result<Self, UnknownDataSet> {
        match Self::from_text(text) {
            Self::Folder(path) if !path.is_dir() => Err(UnknownDataSet(text.to_owned())),
            source => Ok(source),
        }
    }
}

impl Serialize for DataSource {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DataSource {
    /// Settings may be older than the folder they name: whether it is there, only loading tells.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::from_text(&text))
    }
}

/// Why a data set cannot be loaded, as one sentence.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The folder is not there.
    #[error(transparent)]
    Unknown(#[from] UnknownDataSet),
    /// One of the four files is not there.
    #[error("{} holds no file {file}, plain or as {file}.gz", folder.display())]
    Missing {
        /// Where it was looked for.
        folder: PathBuf,
        /// Its official name.
        file: String,
    },
    /// torchvision's download folder, with more than one data set in it.
    #[error("{} holds two data sets: choose {} or {}", folder.display(), first.display(), second.display())]
    Ambiguous {
        /// The folder asked for.
        folder: PathBuf,
        /// One of the data sets in it.
        first: PathBuf,
        /// Another one.
        second: PathBuf,
    },
    /// A file is not what its name promises.
    #[error("{} {fault}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// The reason.
        fault: idx::Fault,
    },
    /// A file of CIFAR-10 is not what its name promises.
    #[error("{} {fault}", file.display())]
    Cifar {
        /// The file.
        file: PathBuf,
        /// The reason.
        fault: cifar::Fault,
    },
    /// A folder of a person's own images cannot be used.
    #[error("{} {reason}", folder.display())]
    Images {
        /// The folder.
        folder: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A file cannot be read as an image.
    #[error("{} cannot be read as an image: {reason}", file.display())]
    Image {
        /// The file.
        file: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A JPEG of images cannot be read.
    #[error("{} {reason}", file.display())]
    Atlas {
        /// The file.
        file: PathBuf,
        /// The reason.
        reason: String,
    },
    /// Images and labels that do not belong together.
    #[error("{} holds {image_count} images, but {} holds {label_count} labels", images.display(), labels.display())]
    Counts {
        /// The file of images.
        images: PathBuf,
        /// Number of images.
        image_count: usize,
        /// The file of labels.
        labels: PathBuf,
        /// Number of labels.
        label_count: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Settings {
        data: DataSource,
    }

    #[test]
    fn a_source_comes_back_from_its_text() {
        for (source, text) in [
            (DataSource::Bundled(BundledSet::Mnist), "mnist"),
            (
                DataSource::Bundled(BundledSet::FashionMnist),
                "fashion-mnist",
            ),
            (
                DataSource::Folder("/no/such/folder".into()),
                "/no/such/folder",
            ),
        ] {
            let settings = Settings { data: source };
            let file = toml::to_string(&settings).unwrap();
            assert_eq!(file, format!("data = \"{text}\"\n"));
            assert_eq!(toml::from_str::<Settings>(&file).unwrap(), settings);
        }
        let folder = DataSource::Folder("mnist".into()).to_string();
        assert_eq!(
            DataSource::from_text(&folder),
            DataSource::Folder("./mnist".into())
        );
    }

    #[test]
    fn a_name_is_bundled_or_an_existing_folder() {
        assert_eq!(
            "fashion-mnist".parse(),
            Ok(DataSource::Bundled(BundledSet::FashionMnist))
        );
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().to_str().unwrap();
        assert_eq!(text.parse(), Ok(DataSource::Folder(text.into())));

        let message =
            "“mnits” is neither a bundled data set (mnist, fashion-mnist, cifar-10) nor a folder";
        assert_eq!(
            "mnits".parse::<DataSource>().unwrap_err().to_string(),
            message
        );
        let gone = DataSource::Folder("mnits".into());
        assert_eq!(gone.load().unwrap_err().to_string(), message);
    }
}
