//! Where a data set comes from: the bundle, a full set on this machine, or a folder.

use std::{
    fmt::{self, Display},
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    Dataset, DatasetLocator, ImageShape, bundle, cifar, idx, idx_folder::IdxFolder, picture_folder,
};
use crate::format;

/// A data set of which a sample is compiled into the program, and which can be had in full.
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

    /// Name of the sample on the command line and in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Cifar10 => "cifar-10",
        }
    }

    /// Name of the full set on the command line and in files.
    pub const fn full_id(self) -> &'static str {
        match self {
            Self::Mnist => "mnist-full",
            Self::FashionMnist => "fashion-mnist-full",
            Self::Cifar10 => "cifar-10-full",
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
    type Err = UnknownDataset;

    fn from_str(name: &str) -> Result<Self, UnknownDataset> {
        Self::ALL
            .into_iter()
            .find(|set| set.id() == name)
            .ok_or_else(|| UnknownDataset(name.to_owned()))
    }
}

/// A name that is neither a known set nor a folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is neither a data set ({ids}; in full {full_ids}) nor a folder", ids = BundledSet::ALL.map(BundledSet::id).join(", "), full_ids = BundledSet::ALL.map(BundledSet::full_id).join(", "))]
pub struct UnknownDataset(String);

/// Where to take images and labels from. As text: a set's id, or the path of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DataSource {
    /// The sample that is compiled into the program.
    Bundled(BundledSet),
    /// All images, from where they are found on this machine.
    Full(BundledSet),
    /// A folder with the six official files of CIFAR-10's binary version, or with the four of
    /// MNIST or a set like it, each plain or with `.gz`; also a folder of
    /// torchvision's, which has them in `raw`, `MNIST/raw` or `FashionMNIST/raw`.
    Folder(PathBuf),
}

impl DataSource {
    /// Takes the id of a sample or a full set, or anything else as the path of a folder.
    fn from_text(text: &str) -> Self {
        let known = |source: fn(BundledSet) -> Self, id: fn(BundledSet) -> &'static str| {
            let set = BundledSet::ALL.into_iter().find(|set| id(*set) == text);
            set.map(source)
        };
        known(Self::Bundled, BundledSet::id)
            .or_else(|| known(Self::Full, BundledSet::full_id))
            .unwrap_or_else(|| Self::Folder(text.into()))
    }

    /// Reads the whole data set into memory; a full set is looked for in the usual places.
    ///
    /// # Errors
    /// When a full set or a folder is not there, a folder lacks a file, or a file is not what its
    /// name promises; each error is one sentence that names the file and the reason. A bundled
    /// set always loads.
    pub fn load(&self) -> Result<Dataset, LoadError> {
        self.load_from(&DatasetLocator::with_default_folders(None))
    }

    /// The same, with full sets from `shelf`.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_from(&self, shelf: &DatasetLocator) -> Result<Dataset, LoadError> {
        match self {
            Self::Bundled(set) => bundle::load(*set),
            Self::Full(set) => shelf.load(*set),
            Self::Folder(folder) if !folder.is_dir() => {
                Err(UnknownDataset(folder.display().to_string()).into())
            }
            Self::Folder(folder) => {
                if let Some(files) = cifar::CifarFolder::find(folder) {
                    return files.load();
                }
                if let Some(folder) = cifar::find_pickles(folder) {
                    return Err(LoadError::PickleOnly(folder));
                }
                match picture_folder::PictureFolder::find(folder) {
                    Some(folders) => folders.load(),
                    None => IdxFolder::find(folder)?.load(),
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
            Self::Full(set) => f.pad(set.full_id()),
            // A relative folder that is called like a set must not be read back as one.
            Self::Folder(path)
                if BundledSet::ALL
                    .iter()
                    .flat_map(|set| [set.id(), set.full_id()])
                    .any(|id| path.as_os_str() == id) =>
            {
                write!(f, "./{}", path.display())
            }
            Self::Folder(path) => path.display().fmt(f),
        }
    }
}

impl FromStr for DataSource {
    type Err = UnknownDataset;

    /// Takes the id of a set, or else a folder, which must exist.
    fn from_str(text: &str) -> Result<Self, UnknownDataset> {
        match Self::from_text(text) {
            Self::Folder(path) if !path.is_dir() => Err(UnknownDataset(text.to_owned())),
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
    Unknown(#[from] UnknownDataset),
    /// A full set is in none of the places where it may be.
    #[error("{set} in full is not on this machine: “cre-lab data fetch {id}” downloads it ({size}){place}", id = set.id(), size = format::bytes(*download), place = Place(folder.as_deref()))]
    NotInstalled {
        /// The set.
        set: BundledSet,
        /// Bytes to download, about.
        download: u64,
        /// Where its files can be put by hand.
        folder: Option<PathBuf>,
    },
    /// CIFAR-10 in the version for Python.
    #[error("{} holds CIFAR-10 as Python pickles, which are not read because a pickle can run any program: “cre-lab data fetch cifar-10” downloads the binary version", .0.display())]
    PickleOnly(PathBuf),
    /// One of the four files is not there.
    #[error("{} holds no file {file}, plain or as {file}.gz", folder.display())]
    MissingFile {
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
    Idx {
        /// The file.
        file: PathBuf,
        /// The reason.
        fault: idx::IdxError,
    },
    /// A file of CIFAR-10 is not what its name promises.
    #[error("{} {fault}", file.display())]
    Cifar {
        /// The file.
        file: PathBuf,
        /// The reason.
        fault: cifar::CifarError,
    },
    /// A folder of a person's own images cannot be used.
    #[error("{} {reason}", folder.display())]
    PictureFolder {
        /// The folder.
        folder: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A file cannot be read as an image.
    #[error("{} cannot be read as an image: {reason}", file.display())]
    Picture {
        /// The file.
        file: PathBuf,
        /// The reason.
        reason: String,
    },
    /// A JPEG of images cannot be read.
    #[error("{} {reason}", file.display())]
    ImageSheet {
        /// The file.
        file: PathBuf,
        /// The reason.
        reason: String,
    },
    /// Images and labels that do not belong together.
    #[error("{} holds {image_count} images, but {} holds {label_count} labels", images.display(), labels.display())]
    CountMismatch {
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

/// The end of a sentence that says how to download a set.
struct Place<'a>(Option<&'a Path>);

impl Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |folder| {
            write!(f, ", or put its files into {}", folder.display())
        })
    }
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
            (DataSource::Full(BundledSet::Cifar10), "cifar-10-full"),
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
        for name in ["mnist", "mnist-full"] {
            let folder = DataSource::Folder(name.into()).to_string();
            assert_eq!(
                DataSource::from_text(&folder),
                DataSource::Folder(Path::new(".").join(name))
            );
        }
    }

    #[test]
    fn a_name_is_a_set_or_an_existing_folder() {
        assert_eq!(
            "fashion-mnist".parse(),
            Ok(DataSource::Bundled(BundledSet::FashionMnist))
        );
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().to_str().unwrap();
        assert_eq!(text.parse(), Ok(DataSource::Folder(text.into())));

        let message = "“mnits” is neither a data set (mnist, fashion-mnist, cifar-10; \
             in full mnist-full, fashion-mnist-full, cifar-10-full) nor a folder";
        assert_eq!(
            "mnits".parse::<DataSource>().unwrap_err().to_string(),
            message
        );
        let gone = DataSource::Folder("mnits".into());
        assert_eq!(gone.load().unwrap_err().to_string(), message);
    }
}
