//! The full data sets: their original files, and the mirrors to download them from.
//!
//! Size and SHA-256 are those of the uncompressed files, because mirrors compress them differently.
//! The hashes of CIFAR-10 are published by the Ruby port of torchvision. They match the content of
//! `cifar-10-binary.tar.gz`, whose MD5 c32a1d4ab5d03f1284b67883e8d87530 the author of the set gives.

use super::BundledSet;

/// An original file of a data set, uncompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginalFile<'a> {
    /// Official name, without `.gz`.
    pub name: &'a str,
    pub bytes: u64,
    pub sha256: &'a str,
}

/// How mirrors offer the files of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package<'a> {
    /// Each file separately with gzip: approximate sizes in the order of [`CatalogueEntry::files`].
    Files(&'a [u64]),
    /// All files in one tar archive with gzip: its name and size.
    Archive(&'a str, u64),
}

/// A full data set as its authors published it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogueEntry<'a> {
    pub set: BundledSet,
    pub images: [usize; 2],
    pub files: &'a [OriginalFile<'a>],
    pub package: Package<'a>,
    /// Addresses of the mirrors, each ending in a slash, in order of preference.
    pub mirrors: &'a [&'a str],
}

impl CatalogueEntry<'_> {
    /// Names, which are appended to the address of a mirror, and sizes of the files to download. The
    /// sizes are approximate, because mirrors may compress the files differently.
    pub(super) fn mirror_files(&self) -> Vec<(String, u64)> {
        match self.package {
            Package::Files(sizes) => {
                let names = self.files.iter().map(|file| format!("{}.gz", file.name));
                names.zip(sizes.iter().copied()).collect()
            }
            Package::Archive(name, size) => vec![(name.to_owned(), size)],
        }
    }

    /// Approximate size of the download, in bytes.
    pub fn download_bytes(&self) -> u64 {
        self.mirror_files().iter().map(|(_, bytes)| bytes).sum()
    }

    /// Size of all files when uncompressed, in bytes.
    pub fn unpacked_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// All full data sets, in the order of [`BundledSet::ALL`].
pub static ALL: [CatalogueEntry<'static>; 3] = [
    CatalogueEntry {
        set: BundledSet::Mnist,
        images: [60_000, 10_000],
        files: &[
            OriginalFile {
                name: "train-images-idx3-ubyte",
                bytes: 47_040_016,
                sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            },
            OriginalFile {
                name: "train-labels-idx1-ubyte",
                bytes: 60_008,
                sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            },
            OriginalFile {
                name: "t10k-images-idx3-ubyte",
                bytes: 7_840_016,
                sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            },
            OriginalFile {
                name: "t10k-labels-idx1-ubyte",
                bytes: 10_008,
                sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            },
        ],
        package: Package::Files(&[9_912_422, 28_881, 1_648_877, 4_542]),
        mirrors: &[
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/gluon/dataset/mnist/",
        ],
    },
    CatalogueEntry {
        set: BundledSet::FashionMnist,
        images: [60_000, 10_000],
        files: &[
            OriginalFile {
                name: "train-images-idx3-ubyte",
                bytes: 47_040_016,
                sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            },
            OriginalFile {
                name: "train-labels-idx1-ubyte",
                bytes: 60_008,
                sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            },
            OriginalFile {
                name: "t10k-images-idx3-ubyte",
                bytes: 7_840_016,
                sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            },
            OriginalFile {
                name: "t10k-labels-idx1-ubyte",
                bytes: 10_008,
                sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            },
        ],
        package: Package::Files(&[26_421_880, 29_515, 4_422_102, 5_148]),
        mirrors: &[
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/gluon/dataset/fashion-mnist/",
        ],
    },
    CatalogueEntry {
        set: BundledSet::Cifar10,
        images: [50_000, 10_000],
        files: &[
            OriginalFile {
                name: "data_batch_1.bin",
                bytes: 30_730_000,
                sha256: "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
            },
            OriginalFile {
                name: "data_batch_2.bin",
                bytes: 30_730_000,
                sha256: "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
            },
            OriginalFile {
                name: "data_batch_3.bin",
                bytes: 30_730_000,
                sha256: "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
            },
            OriginalFile {
                name: "data_batch_4.bin",
                bytes: 30_730_000,
                sha256: "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
            },
            OriginalFile {
                name: "data_batch_5.bin",
                bytes: 30_730_000,
                sha256: "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
            },
            OriginalFile {
                name: "test_batch.bin",
                bytes: 30_730_000,
                sha256: "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
            },
        ],
        package: Package::Archive("cifar-10-binary.tar.gz", 170_052_171),
        mirrors: &[
            "https://www.cs.toronto.edu/~kriz/",
            "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
            "https://apache-mxnet.s3-accelerate.dualstack.amazonaws.com/gluon/dataset/cifar10/",
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_consistent() {
        for (entry, set) in ALL.iter().zip(BundledSet::ALL) {
            assert_eq!(entry.set, set);
            let record = set.shape().pixels() as u64 + 1;
            let images = (entry.images[0] + entry.images[1]) as u64;
            let headers = if set == BundledSet::Cifar10 {
                0
            } else {
                2 * (16 + 8)
            };
            assert_eq!(entry.unpacked_bytes(), images * record + headers, "{set}");
            assert!(entry.mirrors.len() >= 3);
            for mirror in entry.mirrors {
                assert!(mirror.starts_with("https://") && mirror.ends_with('/'));
            }
            for file in entry.files {
                assert_eq!(file.sha256.len(), 64);
                let mut digits = file.sha256.bytes();
                assert!(digits.all(|digit| b"0123456789abcdef".contains(&digit)));
            }
            if let Package::Files(sizes) = entry.package {
                assert_eq!(sizes.len(), entry.files.len());
            }
        }
    }

    #[test]
    fn the_readme_of_the_bundle_lists_the_same_hashes() {
        let readme = include_str!("../../assets/data/README.md");
        for entry in &ALL[..2] {
            for file in entry.files {
                let OriginalFile {
                    name,
                    bytes,
                    sha256,
                } = file;
                let row = format!("| `{}/{name}` | {bytes} | `{sha256}` |", entry.set.id());
                assert!(readme.contains(&row), "README.md lacks {row}");
            }
        }
    }
}
