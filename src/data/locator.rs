//! Where full data sets lie on this machine.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

use super::{
    BundledSet, Dataset, LoadError,
    catalogue::{self, CatalogueEntry, OriginalFile, Package},
    cifar, digest, gzip, idx_folder,
};

/// Names folders to look in, before the usual ones.
pub const FOLDERS_VARIABLE: &str = "CRE_LAB_DATA";
/// Where Debian's packages put data sets.
const DEBIAN: &str = "/usr/share/datasets";
/// Where torchvision's examples put theirs, from the folder that they are started in.
const TORCHVISION: &str = "data";
/// Files up to this size are compared with the original when a set is looked for.
const QUICK: u64 = 1 << 20;

/// What was found of a full set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// All its files lie in this folder.
    Found(PathBuf),
    /// Only as Python pickles, in this folder.
    PickleOnly(PathBuf),
    /// It is in none of the places.
    Missing,
}

/// A file of a full set, compared with the original.
#[derive(Debug)]
pub struct VerifiedFile {
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is the original, and why not.
    pub compared: Result<(), digest::DigestError>,
}

/// The full sets and the folders where they may lie.
#[derive(Clone, Debug)]
pub struct DatasetLocator {
    sets: &'static [CatalogueEntry<'static>],
    search_folders: Vec<PathBuf>,
    download_root: Option<PathBuf>,
}

impl DatasetLocator {
    /// Looks in `asked`, in the folders of `$CRE_LAB_DATA`, in the platform's cache folder, in
    /// `data` in the working folder, as torchvision does, and where Debian puts data sets.
    /// Downloads go to the first of these that is there to be written to.
    pub fn with_default_folders(asked: Option<&Path>) -> Self {
        let cache = directories::ProjectDirs::from("", "", "cre-lab")
            .map(|project| project.cache_dir().join("data"));
        Self::from_user_folders(asked, env::var_os(FOLDERS_VARIABLE).as_deref(), cache)
    }

    fn from_user_folders(
        asked: Option<&Path>,
        variable: Option<&OsStr>,
        cache: Option<PathBuf>,
    ) -> Self {
        let named = variable.iter().flat_map(env::split_paths);
        let own: Vec<PathBuf> = asked
            .map(Path::to_owned)
            .into_iter()
            .chain(named.filter(|path| !path.as_os_str().is_empty()))
            .chain(cache)
            .collect();
        let downloads = own.first().cloned();
        let shared = [TORCHVISION, DEBIAN].map(PathBuf::from);
        Self::new(
            &catalogue::ALL,
            own.into_iter().chain(shared).collect(),
            downloads,
        )
    }

    /// Looks for `sets` in `places`, in this order, and downloads to `downloads`.
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

    /// The sets.
    pub fn sets(&self) -> &'static [CatalogueEntry<'static>] {
        self.sets
    }

    /// The table's entry of a set, if it has one.
    pub fn entry(&self, set: BundledSet) -> Option<&'static CatalogueEntry<'static>> {
        self.sets.iter().find(|full| full.set == set)
    }

    /// Where downloads go, each set into a folder of its own; `None` where no home folder is known.
    pub fn download_root(&self) -> Option<&Path> {
        self.download_root.as_deref()
    }

    /// The folder into which a set is downloaded.
    pub fn download_folder(&self, set: BundledSet) -> Option<PathBuf> {
        self.download_root().map(|folder| folder.join(set.id()))
    }

    /// Looks for a set. Its files must have the sizes of the originals, and small ones their
    /// content; whether all are the originals, only comparing them all tells.
    pub fn availability(&self, set: BundledSet) -> Availability {
        let Some(full) = self.entry(set) else {
            return Availability::Missing;
        };
        let found = self
            .search_folders
            .iter()
            .flat_map(|place| subfolders(set).iter().map(move |below| place.join(below)))
            .find(|folder| is_complete(folder, full));
        if let Some(folder) = found {
            return Availability::Found(folder);
        }
        let pickles = (set == BundledSet::Cifar10)
            .then(|| {
                self.search_folders
                    .iter()
                    .find_map(|place| cifar::find_pickles(place))
            })
            .flatten();
        pickles.map_or(Availability::Missing, Availability::PickleOnly)
    }

    /// The folder of a set.
    ///
    /// # Errors
    /// When it is nowhere to be found; the sentence says how to get it.
    pub fn find(&self, set: BundledSet) -> Result<PathBuf, LoadError> {
        match self.availability(set) {
            Availability::Found(folder) => Ok(folder),
            Availability::PickleOnly(folder) => Err(LoadError::PickleOnly(folder)),
            Availability::Missing => Err(LoadError::NotInstalled {
                set,
                download: self.entry(set).map_or(0, CatalogueEntry::download_bytes),
                folder: self.download_folder(set),
            }),
        }
    }

    /// Compares every file of a set with the original.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn verify(&self, set: BundledSet) -> Result<Vec<VerifiedFile>, LoadError> {
        let folder = self.find(set)?;
        let full = self.entry(set).into_iter();
        let files = full.flat_map(|full| full.files.iter().map(move |file| (full, file)));
        Ok(files
            .map(|(full, file)| {
                let path = locate(&folder, full, file).unwrap_or_else(|| folder.join(file.name));
                let compared = digest::verify_file(&path, file, |_| Ok(())).map(|_| ());
                VerifiedFile { path, compared }
            })
            .collect())
    }

    /// Reads a whole set into memory.
    ///
    /// # Errors
    /// As [`Self::find`], and when a file is not what its name promises; one sentence.
    pub fn load(&self, set: BundledSet) -> Result<Dataset, LoadError> {
        let folder = self.find(set)?;
        match set {
            BundledSet::Mnist | BundledSet::FashionMnist => {
                idx_folder::IdxFolder { folder }.load_as(set, set.to_string())
            }
            BundledSet::Cifar10 => cifar::CifarFolder { folder }.load(),
        }
    }
}

/// Folders below a place in which a set may lie: as downloaded, of torchvision, of Debian, of
/// other tools, and the place itself.
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

/// The file of an official name in `folder`, plain or, where it can be read so, with gzip.
pub(super) fn locate(
    folder: &Path,
    full: &CatalogueEntry<'_>,
    file: &OriginalFile<'_>,
) -> Option<PathBuf> {
    match full.package {
        Package::Files(_) => idx_folder::find_file(folder, file.name),
        Package::Archive(_) => Some(folder.join(file.name)).filter(|path| path.is_file()),
    }
}

fn is_complete(folder: &Path, full: &CatalogueEntry<'_>) -> bool {
    let sized = full.files.iter().all(|file| {
        locate(folder, full, file)
            .and_then(|path| gzip::uncompressed_size(&path).ok())
            .is_some_and(|bytes| bytes == file.bytes)
    });
    // MNIST and Fashion-MNIST have files of the same names and sizes.
    sized
        && full
            .files
            .iter()
            .filter(|file| file.bytes <= QUICK)
            .all(|file| {
                locate(folder, full, file)
                    .is_some_and(|path| digest::verify_file(&path, file, |_| Ok(())).is_ok())
            })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Sparse files with the sizes of MNIST's images and of CIFAR-10's batches.
    fn write(folder: &Path, set: BundledSet) {
        fs::create_dir_all(folder).unwrap();
        let full = catalogue::ALL.iter().find(|full| full.set == set).unwrap();
        for file in full.files {
            let made = fs::File::create(folder.join(file.name)).unwrap();
            made.set_len(file.bytes).unwrap();
        }
    }

    fn shelf(place: &Path) -> DatasetLocator {
        DatasetLocator::new(
            &catalogue::ALL,
            vec![place.join("nowhere"), place.to_owned()],
            Some(place.join("cache")),
        )
    }

    #[test]
    fn places_are_asked_in_order_and_downloads_go_to_the_first() {
        let variable = env::join_paths(["/a", "/b"]).unwrap();
        let shelf = DatasetLocator::from_user_folders(
            Some(Path::new("/asked")),
            Some(&variable),
            Some("/cache".into()),
        );
        let places: Vec<_> = shelf
            .search_folders
            .iter()
            .map(|path| path.to_str().unwrap())
            .collect();
        assert_eq!(places, ["/asked", "/a", "/b", "/cache", "data", DEBIAN]);
        let target = |shelf: DatasetLocator| shelf.download_folder(BundledSet::Cifar10);
        assert_eq!(target(shelf), Some("/asked/cifar-10".into()));
        let shelf = DatasetLocator::from_user_folders(None, Some(&variable), Some("/cache".into()));
        assert_eq!(target(shelf), Some("/a/cifar-10".into()));
        let shelf =
            DatasetLocator::from_user_folders(None, Some("".as_ref()), Some("/cache".into()));
        assert_eq!(target(shelf), Some("/cache/cifar-10".into()));
        assert_eq!(
            target(DatasetLocator::from_user_folders(None, None, None)),
            None
        );
    }

    #[test]
    fn cifar_is_found_by_its_files_and_pickles_are_told() {
        let place = tempfile::tempdir().unwrap();
        let look = || shelf(place.path()).availability(BundledSet::Cifar10);
        assert_eq!(look(), Availability::Missing);

        let pickles = place.path().join("cifar-10-batches-py");
        fs::create_dir_all(&pickles).unwrap();
        fs::write(pickles.join("data_batch_1"), "pickled").unwrap();
        assert_eq!(look(), Availability::PickleOnly(pickles.clone()));
        let message = shelf(place.path()).load(BundledSet::Cifar10).unwrap_err();
        assert_eq!(
            message.to_string(),
            format!(
                "{} holds CIFAR-10 as Python pickles, which are not read because a pickle can run any program: \
                 “cre-lab data fetch cifar-10” downloads the binary version",
                pickles.display()
            )
        );

        let folder = place.path().join("cifar-10-batches-bin");
        write(&folder, BundledSet::Cifar10);
        assert_eq!(look(), Availability::Found(folder.clone()));
        fs::write(folder.join("test_batch.bin"), "short").unwrap();
        assert_eq!(look(), Availability::PickleOnly(pickles));
    }

    #[test]
    fn files_of_the_same_names_and_sizes_are_told_apart_by_their_labels() {
        let place = tempfile::tempdir().unwrap();
        let raw = place.path().join("MNIST/raw");
        write(&raw, BundledSet::Mnist);
        assert_eq!(
            shelf(place.path()).availability(BundledSet::Mnist),
            Availability::Missing,
            "the labels are none"
        );
        let message = shelf(place.path()).load(BundledSet::Mnist).unwrap_err();
        assert_eq!(
            message.to_string(),
            format!(
                "MNIST in full is not on this machine: “cre-lab data fetch mnist” downloads it (12 MB), \
                 or put its files into {}",
                place.path().join("cache/mnist").display()
            )
        );
    }
}
