//! Finding full data sets in the folders of this machine.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{
    BundledSet, ContentError, Dataset, LoadError,
    catalogue::{self, CatalogueEntry, OriginalFile, Package},
    cifar,
    digest::verify_file,
    gzip, idx_folder,
};

/// Environment variable with folders to search before the default ones.
pub const FOLDERS_VARIABLE: &str = "CRE_LAB_DATA";
/// Folder in which Debian installs data sets.
const DEBIAN_FOLDER: &str = "/usr/share/datasets";
/// Folder in which the examples of torchvision store data sets, relative to the working folder.
const TORCHVISION_FOLDER: &str = "data";
/// Files up to this size, in bytes, are compared with the original during a search.
const MAX_COMPARED_SIZE: u64 = 1 << 20;

/// Whether a full set is on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// All its files are in this folder.
    Found(PathBuf),
    /// It is only available as Python pickles, in this folder.
    PickleOnly(PathBuf),
    /// It is in none of the folders searched.
    Missing,
}

/// Path of a file of a full set, and the difference from the original.
pub type Verified = (PathBuf, Result<(), ContentError>);

/// Finds full sets in a list of folders.
#[derive(Clone, Debug)]
pub struct DatasetLocator {
    sets: &'static [CatalogueEntry<'static>],
    search_folders: Vec<PathBuf>,
    download_root: Option<PathBuf>,
}

impl DatasetLocator {
    /// Searches `preferred`, the folders of `$CRE_LAB_DATA`, the cache folder of the platform, `data`
    /// in the working folder (as torchvision), and the folder of Debian's packages. Downloads go to
    /// the first of these but the last two.
    pub fn with_default_folders(preferred: Option<&Path>) -> Self {
        let cache = directories::ProjectDirs::from("", "", "cre-lab")
            .map(|project| project.cache_dir().join("data"));
        Self::with_user_folders(preferred, env::var_os(FOLDERS_VARIABLE).as_deref(), cache)
    }

    fn with_user_folders(
        preferred: Option<&Path>,
        variable: Option<&OsStr>,
        cache: Option<PathBuf>,
    ) -> Self {
        let from_variable = variable.iter().flat_map(env::split_paths);
        let mut folders: Vec<PathBuf> = preferred
            .map(Path::to_owned)
            .into_iter()
            .chain(from_variable.filter(|path| !path.as_os_str().is_empty()))
            .chain(cache)
            .collect();
        let download_root = folders.first().cloned();
        folders.extend([TORCHVISION_FOLDER, DEBIAN_FOLDER].map(PathBuf::from));
        Self::new(&catalogue::ALL, folders, download_root)
    }

    /// Searches for `sets` in `search_folders`, in this order; downloads go to `download_root`.
    pub fn new(
        sets: &'static [CatalogueEntry<'static>],
        search_folders: Vec<PathBuf>,
        download_root: Option<PathBuf>,
    ) -> Self {
        Self {
            sets,
            search_folders,
            download_root,
        }
    }

    /// Catalogue entry of a set, if there is one.
    pub fn entry(&self, set: BundledSet) -> Option<&'static CatalogueEntry<'static>> {
        self.sets.iter().find(|entry| entry.set == set)
    }

    /// Folder with a subfolder for each downloaded set; `None` if there is no home folder.
    pub fn download_root(&self) -> Option<&Path> {
        self.download_root.as_deref()
    }

    /// Folder into which a set is downloaded; `None` if there is no home folder.
    pub fn download_folder(&self, set: BundledSet) -> Option<PathBuf> {
        self.download_root().map(|folder| folder.join(set.id()))
    }

    /// Searches for a set. Files are compared with the originals by their sizes, small files also by
    /// their content; use [`Self::verify`] to compare the content of all.
    pub fn availability(&self, set: BundledSet) -> Availability {
        let Some(entry) = self.entry(set) else {
            return Availability::Missing;
        };
        for root in &self.search_folders {
            for subfolder in subfolders(set) {
                let folder = root.join(subfolder);
                if is_complete(&folder, entry) {
                    return Availability::Found(folder);
                }
            }
        }
        if set != BundledSet::Cifar10 {
            return Availability::Missing;
        }
        let mut roots = self.search_folders.iter();
        let pickles = roots.find_map(|root| cifar::find_pickles(root));
        pickles.map_or(Availability::Missing, Availability::PickleOnly)
    }

    /// Returns the folder of a set.
    ///
    /// # Errors
    /// When the set is not found; the message says how to get it.
    pub fn find(&self, set: BundledSet) -> Result<PathBuf, LoadError> {
        match self.availability(set) {
            Availability::Found(folder) => Ok(folder),
            Availability::PickleOnly(folder) => Err(LoadError::PickleOnly(folder)),
            Availability::Missing => Err(LoadError::NotInstalled {
                set,
                download_bytes: self.entry(set).map_or(0, CatalogueEntry::download_bytes),
                folder: self.download_folder(set),
            }),
        }
    }

    /// Compares each file of a set with the original.
    ///
    /// # Errors
    /// As for [`Self::find`].
    pub fn verify(&self, set: BundledSet) -> Result<Vec<Verified>, LoadError> {
        let folder = self.find(set)?;
        let mut verified = Vec::new();
        for entry in self.sets.iter().filter(|entry| entry.set == set) {
            for file in entry.files {
                let found = find_file(&folder, entry, file);
                let path = found.unwrap_or_else(|| folder.join(file.name));
                let result = verify_file(&path, file);
                verified.push((path, result));
            }
        }
        Ok(verified)
    }

    /// Loads a set into memory.
    ///
    /// # Errors
    /// As for [`Self::find`], and when a file is malformed.
    pub fn load(&self, set: BundledSet) -> Result<Dataset, LoadError> {
        let folder = self.find(set)?;
        match set {
            BundledSet::Mnist | BundledSet::FashionMnist => idx_folder::load_as(&folder, set),
            BundledSet::Cifar10 => cifar::load(&folder),
        }
    }
}

/// Subfolders of a search folder in which a set may be: those of downloads, torchvision, Debian and
/// other tools, and the folder itself.
fn subfolders(set: BundledSet) -> &'static [&'static str] {
    match set {
        BundledSet::Mnist => &["mnist", "MNIST/raw", "MNIST", "raw", ""],
        BundledSet::FashionMnist => &[
            "fashion-mnist",
            "FashionMNIST/raw",
            "FashionMNIST",
            "fashion",
            "raw",
            "",
        ],
        BundledSet::Cifar10 => &[
            "cifar-10",
            "cifar-10-batches-bin",
            "cifar-10/cifar-10-batches-bin",
            "CIFAR10/cifar-10-batches-bin",
            "",
        ],
    }
}

/// Finds an original file in `folder`, plain or, if the set can be loaded from it, gzip.
pub(super) fn find_file(
    folder: &Path,
    entry: &CatalogueEntry<'_>,
    file: &OriginalFile<'_>,
) -> Option<PathBuf> {
    match entry.package {
        Package::Files(_) => idx_folder::find_file(folder, file.name),
        Package::Archive(..) => Some(folder.join(file.name)).filter(|path| path.is_file()),
    }
}

/// Whether `folder` contains the file and its content is that of the original.
pub(super) fn has_original(
    folder: &Path,
    entry: &CatalogueEntry<'_>,
    file: &OriginalFile<'_>,
) -> bool {
    find_file(folder, entry, file).is_some_and(|path| verify_file(&path, file).is_ok())
}

fn is_complete(folder: &Path, entry: &CatalogueEntry<'_>) -> bool {
    let has_size = |file: &OriginalFile<'_>| {
        find_file(folder, entry, file)
            .and_then(|path| gzip::uncompressed_size(&path).ok())
            .is_some_and(|bytes| bytes == file.bytes)
    };
    // The files of MNIST and Fashion-MNIST have the same names and sizes.
    let is_original = |file| has_original(folder, entry, file);
    let mut files = entry.files.iter();
    files.clone().all(has_size)
        && files.all(|file| file.bytes > MAX_COMPARED_SIZE || is_original(file))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Writes sparse files with the names and sizes of the originals.
    fn write(folder: &Path, set: BundledSet) {
        fs::create_dir_all(folder).unwrap();
        let entry = catalogue::ALL.iter().find(|entry| entry.set == set);
        for file in entry.unwrap().files {
            let created = fs::File::create(folder.join(file.name)).unwrap();
            created.set_len(file.bytes).unwrap();
        }
    }

    fn locator(root: &Path) -> DatasetLocator {
        let folders = vec![root.join("missing"), root.to_owned()];
        DatasetLocator::new(&catalogue::ALL, folders, Some(root.join("cache")))
    }

    #[test]
    fn folders_are_searched_in_order_and_downloads_go_to_the_first() {
        let variable = env::join_paths(["/a", "/b"]).unwrap();
        let cache = || Some("/cache".into());
        let preferred = Some(Path::new("/preferred"));
        let variable = Some(&*variable);
        for (preferred, variable, cache, download_folder) in [
            (preferred, variable, cache(), Some("/preferred/cifar-10")),
            (None, variable, cache(), Some("/a/cifar-10")),
            (None, Some("".as_ref()), cache(), Some("/cache/cifar-10")),
            (None, None, None, None),
        ] {
            let locator = DatasetLocator::with_user_folders(preferred, variable, cache);
            let folder = locator.download_folder(BundledSet::Cifar10);
            assert_eq!(folder.as_deref(), download_folder.map(Path::new));
        }
        let locator = DatasetLocator::with_user_folders(preferred, variable, cache());
        let expected = ["/preferred", "/a", "/b", "/cache", "data", DEBIAN_FOLDER];
        assert_eq!(locator.search_folders, expected.map(PathBuf::from));
    }

    #[test]
    fn cifar_10_is_found_by_its_files_and_pickles_are_reported() {
        let root = tempfile::tempdir().unwrap();
        let availability = || locator(root.path()).availability(BundledSet::Cifar10);
        assert_eq!(availability(), Availability::Missing);

        let pickles = root.path().join("cifar-10-batches-py");
        fs::create_dir_all(&pickles).unwrap();
        fs::write(pickles.join("data_batch_1"), "pickled").unwrap();
        assert_eq!(availability(), Availability::PickleOnly(pickles.clone()));
        let error = locator(root.path()).load(BundledSet::Cifar10).unwrap_err();
        let expected = format!(
            "{} contains CIFAR-10 as Python pickles, which are not read because a pickle can run any program: \
             download the binary version with “cre-lab data fetch cifar-10”",
            pickles.display()
        );
        assert_eq!(error.to_string(), expected);

        let folder = root.path().join("cifar-10-batches-bin");
        write(&folder, BundledSet::Cifar10);
        assert_eq!(availability(), Availability::Found(folder.clone()));
        fs::write(folder.join("test_batch.bin"), "short").unwrap();
        assert_eq!(availability(), Availability::PickleOnly(pickles));
    }

    #[test]
    fn files_of_the_same_names_and_sizes_are_distinguished_by_their_labels() {
        let root = tempfile::tempdir().unwrap();
        write(&root.path().join("MNIST/raw"), BundledSet::Mnist);
        let error = locator(root.path()).load(BundledSet::Mnist).unwrap_err();
        let expected = format!(
            "MNIST in full is not on this machine: download it with “cre-lab data fetch mnist” (12 MB), \
             or put its files into {}",
            root.path().join("cache/mnist").display()
        );
        assert_eq!(
            error.to_string(),
            expected,
            "the labels are not those of MNIST"
        );
    }
}
