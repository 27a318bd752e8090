//! The full data sets: their original files, and where these can be downloaded.
//!
//! Size and SHA-256 are those of the uncompressed files, so that it does not matter who has packed
//! them or how. Those of the CIFAR-10 files are published by the Ruby port of torchvision; they are
//! the content of `cifar-10-binary.tar.gz` with the MD5 c32a1d4ab5d03f1284b67883e8d87530 that the
//! set's author gives.

use super::BundledSet;

/// A file of a data set as its authors made it, uncompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginalFile<'a> {
    /// Its official name, without `.gz`.
    pub name: &'a str,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in lower-case hexadecimal.
    pub sha256: &'a str,
}

/// A file that mirrors offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MirrorFile<'a> {
    /// Its name, which follows a mirror's address.
    pub name: &'a str,
    /// Its size; mirrors may have packed it more or less tightly.
    pub bytes: u64,
}

/// How mirrors offer a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Package<'a> {
    /// Every file by itself with gzip, in the order of [`FullSet::files`].
    Files(&'a [MirrorFile<'a>]),
    /// All files in one tar archive with gzip.
    Archive(MirrorFile<'a>),
}

/// A data set as its authors made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CatalogueEntry<'a> {
    /// Which one it is.
    pub set: BundledSet,
    /// Training and test images.
    pub images: [usize; 2],
    /// Its files.
    pub files: &'a [OriginalFile<'a>],
    /// What is downloaded.
    pub package: Package<'a>,
    /// Addresses that end in a slash, the best one first.
    pub mirrors: &'a [&'a str],
}

impl CatalogueEntry<'_> {
    /// Bytes to download, about.
    pub fn download_bytes(&self) -> u64 {
        match self.package {
            Package::Files(files) => files.iter().map(|file| file.bytes).sum(),
            Package::Archive(archive) => archive.bytes,
        }
    }

    /// Bytes of all files, uncompressed.
    pub fn unpacked_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Every full set, in the order of [`BundledSet::ALL`].
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
        package: Package::Files(&[
            MirrorFile {
                name: "train-images-idx3-ubyte.gz",
                bytes: 9_912_422,
            },
            MirrorFile {
                name: "train-labels-idx1-ubyte.gz",
                bytes: 28_881,
            },
            MirrorFile {
                name: "t10k-images-idx3-ubyte.gz",
                bytes: 1_648_877,
            },
            MirrorFile {
                name: "t10k-labels-idx1-ubyte.gz",
                bytes: 4_542,
            },
        ]),
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
        package: Package::Files(&[
            MirrorFile {
                name: "train-images-idx3-ubyte.gz",
                bytes: 26_421_880,
            },
            MirrorFile {
                name: "train-labels-idx1-ubyte.gz",
                bytes: 29_515,
            },
            MirrorFile {
                name: "t10k-images-idx3-ubyte.gz",
                bytes: 4_422_102,
            },
            MirrorFile {
                name: "t10k-labels-idx1-ubyte.gz",
                bytes: 5_148,
            },
        ]),
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
        package: Package::Archive(MirrorFile {
            name: "cifar-10-binary.tar.gz",
            bytes: 170_052_171,
        }),
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
    fn the_table_is_consistent() {
        for (full, set) in ALL.iter().zip(BundledSet::ALL) {
            assert_eq!(full.set, set);
            let item = set.shape().pixels() as u64;
            let images = (full.images[0] + full.images[1]) as u64;
            let headers = if set == BundledSet::Cifar10 {
                0
            } else {
                2 * (16 + 8)
            };
            assert_eq!(
                full.unpacked_bytes(),
                images * (item + 1) + headers,
                "{set}"
            );
            assert!(full.mirrors.len() >= 3);
            for mirror in full.mirrors {
                assert!(mirror.starts_with("https://") && mirror.ends_with('/'));
            }
            for file in full.files {
                assert_eq!(file.sha256.len(), 64);
                assert!(
                    file.sha256
                        .bytes()
                        .all(|digit| b"0123456789abcdef".contains(&digit))
                );
            }
            if let Package::Files(packed) = full.package {
                assert_eq!(packed.len(), full.files.len());
                for (packed, file) in packed.iter().zip(full.files) {
                    assert_eq!(packed.name, format!("{}.gz", file.name));
                }
            }
        }
    }

    #[test]
    fn the_readme_of_the_bundle_has_the_same_hashes() {
        let readme = include_str!("../../assets/data/README.md");
        for full in &ALL[..2] {
            for file in full.files {
                let row = format!(
                    "| `{}/{}` | {} | `{}` |",
                    full.set.id(),
                    file.name,
                    file.bytes,
                    file.sha256
                );
                assert!(readme.contains(&row), "README.md lacks {row}");
            }
        }
    }
}
