//! The registry of networks: one line for each variant of the paper.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{Cre, LatentSize, fc::FcWidths};
use crate::data::ImageShape;

/// A variant of the paper's networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// One layer each way.
    FcSmall,
    /// One hidden layer of 616.
    #[default]
    FcMedium,
    /// Three hidden layers of 716, 684 and 616.
    FcLarge,
}

impl Architecture {
    /// Every variant, smallest first.
    pub const ALL: [Self; 3] = [Self::FcSmall, Self::FcMedium, Self::FcLarge];

    /// Its name on the command line and in files.
    pub fn id(self) -> &'static str {
        match self {
            Self::FcSmall => "fc-small",
            Self::FcMedium => "fc-medium",
            Self::FcLarge => "fc-large",
        }
    }

    /// The hidden layers, as the paper lists them.
    fn widths(self) -> FcWidths {
        match self {
            Self::FcSmall => FcWidths {
                encoder: &[],
                decoder: &[],
                classifier: &[],
            },
            Self::FcMedium => FcWidths {
                encoder: &[616],
                decoder: &[616],
                classifier: &[12],
            },
            Self::FcLarge => FcWidths {
                encoder: &[716, 684, 616],
                decoder: &[616, 684, 716],
                classifier: &[64],
            },
        }
    }

    /// Builds the network with fresh weights that depend on `seed` alone, the same on every device.
    pub fn build(
        self,
        shape: ImageShape,
        classes: usize,
        latent: LatentSize,
        seed: u64,
        device: &Device,
    ) -> Cre {
        self.widths().build(shape, classes, latent, seed, device)
    }

    /// Trainable parameters of encoder, decoder and classifier together.
    pub fn parameters(self, shape: ImageShape, classes: usize, latent: LatentSize) -> usize {
        self.widths().parameters(shape, classes, latent)
    }

    /// The layers in one line, for tooltips: "784 → 616 → 3".
    pub fn describe(self, shape: ImageShape, classes: usize, latent: LatentSize) -> String {
        self.widths().describe(shape, classes, latent)
    }
}

impl std::fmt::Display for Architecture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::FcSmall => "FC Small",
            Self::FcMedium => "FC Medium",
            Self::FcLarge => "FC Large",
        })
    }
}

impl std::str::FromStr for Architecture {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|architecture| architecture.id() == text)
            .ok_or_else(|| {
                let valid = Self::ALL.map(Self::id).join(", ");
                format!("unknown network “{text}”; there are {valid}")
            })
    }
}
