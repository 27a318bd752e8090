//! What a data set is loaded from: a bundled sample, a full set, or a folder.

use std::{
    fmt::{self, Display},
    path::{Path, PathBuf},
    str::FromStr,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    BundledSet, Dataset, DatasetLocator, LoadError, bundle, cifar, idx_folder, picture_folder,
};

/// What to load images and labels from. As text, the identifier of a set or the path of a folder.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum DataSource {
    /// The sample that is compiled into the program.
    Bundled(BundledSet),
    /// All images, from one of the folders of a [`DatasetLocator`].
    Full(BundledSet),
    /// A folder with the six files of CIFAR-10's binary version, the four IDX files of MNIST or a
    /// similar set (plain or gzip, also in the subfolders of torchvision), or one subfolder of
    /// images per class, possibly in folders “train” and “test”.
    Folder(PathBuf),
}

impl DataSource {
    /// Parses the identifier of a sample or full set; any other text is the path of a folder.
    fn from_text(text: &str) -> Self {
        for set in BundledSet::ALL {
            if text == set.id() {
                return Self::Bundled(set);
            }
            if text == set.full_id() {
                return Self::Full(set);
            }
        }
        Self::Folder(text.into())
    }

    /// Loads the whole data set into memory, full sets from the default folders.
    ///
    /// # Errors
    /// As for [`Self::load_from`].
    pub fn load(&self) -> Result<Dataset, LoadError> {
        self.load_from(&DatasetLocator::with_default_folders(None))
    }

    /// Loads the whole data set into memory, full sets from the folders of `locator`.
    ///
    /// # Errors
    /// When a full set, a folder or one of its files is missing, or a file is malformed. Bundled
    /// sets always load.
    pub fn load_from(&self, locator: &DatasetLocator) -> Result<Dataset, LoadError> {
        let loaded = match self {
            Self::Bundled(set) => bundle::load(*set),
            Self::Full(set) => locator.load(*set),
            Self::Folder(folder) => load_folder(folder),
        };
        loaded
            .inspect(|dataset| log_loaded(self, dataset))
            .inspect_err(|error| tracing::error!(source = %self, %error, "data set not loaded"))
    }
}

fn log_loaded(source: &DataSource, dataset: &Dataset) {
    tracing::info!(
        %source,
        train = dataset.train.len(),
        test = dataset.test.len(),
        shape = %dataset.shape,
        "data set loaded"
    );
    if !dataset.left_out.is_empty() {
        tracing::warn!("{}", dataset.left_out);
    }
}

/// Loads a folder in the first format that it matches.
fn load_folder(folder: &Path) -> Result<Dataset, LoadError> {
    if !folder.is_dir() {
        return Err(UnknownDataset(folder.display().to_string()).into());
    }
    if let Some(folder) = cifar::find(folder) {
        return cifar::load(&folder);
    }
    if let Some(pickles) = cifar::find_pickles(folder) {
        return Err(LoadError::PickleOnly(pickles));
    }
    if let Some(layout) = picture_folder::find(folder) {
        return picture_folder::load(folder, &layout);
    }
    idx_folder::load(&idx_folder::find(folder)?).map_err(|error| match error {
        LoadError::MissingFile { .. } => picture_folder::explain(folder)
            .map_or(error, |reason| LoadError::content(folder, reason)),
        error => error,
    })
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
            Self::Folder(path) => {
                let text = path.display();
                // A relative folder named like a set must not be parsed as that set.
                match Self::from_text(&text.to_string()) {
                    Self::Folder(_) => text.fmt(f),
                    Self::Bundled(_) | Self::Full(_) => write!(f, "./{text}"),
                }
            }
        }
    }
}

impl FromStr for DataSource {
    type Err = UnknownDataset;

    /// Parses the identifier of a set or the path of an existing folder.
    fn from_str(text: &str) -> Result<Self, UnknownDataset> {
        match Self::from_text(text) {
            Self::Folder(path) if !path.is_dir() => Err(UnknownDataset(text.to_owned())),
            // Absolute, so that a run that is stored with it can be resumed from any folder.
            Self::Folder(path) => Ok(Self::Folder(std::path::absolute(&path).unwrap_or(path))),
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
    /// Accepts folders that do not exist, because settings may be older than the folder they name.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::from_text(&text))
    }
}

/// A text that is neither the identifier of a data set nor an existing folder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "“{0}” is neither a data set ({samples}; in full {full_sets}) nor a folder",
    samples = BundledSet::ALL.map(BundledSet::id).join(", "),
    full_sets = BundledSet::ALL.map(BundledSet::full_id).join(", ")
)]
pub struct UnknownDataset(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Settings {
        data: DataSource,
    }

    #[test]
    fn a_source_is_parsed_back_from_its_text() {
        for (source, text) in [
            (DataSource::Bundled(BundledSet::Mnist), "mnist"),
            (DataSource::Full(BundledSet::Cifar10), "cifar-10-full"),
            (DataSource::Folder("/no/folder".into()), "/no/folder"),
        ] {
            let settings = Settings { data: source };
            let file = toml::to_string(&settings).unwrap();
            assert_eq!(file, format!("data = \"{text}\"\n"));
            assert_eq!(toml::from_str::<Settings>(&file).unwrap(), settings);
        }
        for name in ["mnist", "mnist-full"] {
            let folder = DataSource::Folder(name.into()).to_string();
            let parsed = DataSource::from_text(&folder);
            assert_eq!(parsed, DataSource::Folder(Path::new(".").join(name)));
        }
    }

    #[test]
    fn a_text_is_parsed_as_a_set_or_an_existing_folder() {
        let set = DataSource::Bundled(BundledSet::FashionMnist);
        assert_eq!("fashion-mnist".parse(), Ok(set));
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().to_str().unwrap();
        assert_eq!(text.parse(), Ok(DataSource::Folder(text.into())));

        let message = "“mnits” is neither a data set (mnist, fashion-mnist, cifar-10; \
             in full mnist-full, fashion-mnist-full, cifar-10-full) nor a folder";
        let error = "mnits".parse::<DataSource>().unwrap_err();
        assert_eq!(error.to_string(), message);
        let missing = DataSource::Folder("mnits".into());
        assert_eq!(missing.load().unwrap_err().to_string(), message);
    }
}
