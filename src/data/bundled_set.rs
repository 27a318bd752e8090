//! The standard data sets: those with a bundled sample and a full version to download.

use std::fmt::{self, Display};

use super::{Dataset, ImageShape, LoadReport, Split};

/// A standard data set, of which a sample is compiled into the program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BundledSet {
    /// Handwritten digits, greyscale.
    #[default]
    Mnist,
    /// Pieces of clothing, greyscale.
    FashionMnist,
    /// Animals and vehicles, RGB.
    Cifar10,
}

impl BundledSet {
    /// All sets, in display order.
    pub const ALL: [Self; 3] = [Self::Mnist, Self::FashionMnist, Self::Cifar10];

    /// Identifier of the sample on the command line and in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Cifar10 => "cifar-10",
        }
    }

    /// Identifier of the full set on the command line and in files.
    pub const fn full_id(self) -> &'static str {
        match self {
            Self::Mnist => "mnist-full",
            Self::FashionMnist => "fashion-mnist-full",
            Self::Cifar10 => "cifar-10-full",
        }
    }

    pub const fn shape(self) -> ImageShape {
        match self {
            Self::Mnist | Self::FashionMnist => ImageShape::GREY_28,
            Self::Cifar10 => ImageShape::COLOUR_32,
        }
    }

    /// One name per class, indexed by label.
    pub fn class_names(self) -> Vec<String> {
        let names = match self {
            Self::Mnist => "0,1,2,3,4,5,6,7,8,9",
            Self::FashionMnist => {
                "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot"
            }
            Self::Cifar10 => "Airplane,Automobile,Bird,Cat,Deer,Dog,Frog,Horse,Ship,Truck",
        };
        names.split(',').map(str::to_owned).collect()
    }

    /// Combines images with the name, classes and rotation of this set.
    pub(super) fn dataset(self, train: Split, test: Split) -> Dataset {
        Dataset {
            name: self.to_string(),
            shape: self.shape(),
            class_names: self.class_names(),
            rotation: match self {
                // The authors' augmentation.
                Self::Cifar10 => 15.0,
                Self::Mnist | Self::FashionMnist => 0.0,
            },
            left_out: LoadReport::default(),
            train,
            test,
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
