//! The registry of networks: one line for each variant of the paper.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{Cre, InvalidArchitecture, LatentLayout, ModelSpec, cnn, fc, vit};
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
    /// Three convolutions of 16 channels.
    CnnSmall,
    /// Five convolutions of 64 to 128 channels, and two in the classifier.
    CnnLarge,
    /// A vision transformer, whose sizes are [`Plan::vit`].
    Vit,
}

impl Architecture {
    /// Every variant, family by family, smallest first.
    pub const ALL: [Self; 6] = [
        Self::FcSmall,
        Self::FcMedium,
        Self::FcLarge,
        Self::CnnSmall,
        Self::CnnLarge,
        Self::Vit,
    ];

    /// Its name on the command line and in files.
    pub fn id(self) -> &'static str {
        match self {
            Self::FcSmall => "fc-small",
            Self::FcMedium => "fc-medium",
            Self::FcLarge => "fc-large",
            Self::CnnSmall => "cnn-small",
            Self::CnnLarge => "cnn-large",
            Self::Vit => "vit",
        }
    }

    /// Where its layers are written down.
    fn blueprint(self) -> &'static dyn Blueprint {
        match self {
            Self::FcSmall => &fc::SMALL,
            Self::FcMedium => &fc::MEDIUM,
            Self::FcLarge => &fc::LARGE,
            Self::CnnSmall => &cnn::SMALL,
            Self::CnnLarge => &cnn::LARGE,
            Self::Vit => &vit::VIT,
        }
    }

    /// Builds the network with fresh weights that depend on `seed` alone, the same on every device.
    ///
    /// # Errors
    /// When no such network can be built for these data and settings.
    pub fn build(
        self,
        plan: &ModelSpec,
        seed: u64,
        device: &Device,
    ) -> Result<Cre, InvalidArchitecture> {
        self.blueprint().build(plan, seed, device)
    }

    /// Trainable parameters of encoder, decoder and classifier together.
    ///
    /// # Errors
    /// As for [`Self::build`].
    pub fn parameters(self, plan: &ModelSpec) -> Result<usize, InvalidArchitecture> {
        self.blueprint().parameters(plan)
    }

    /// The layers, a line for each part, for tooltips: "Encoder 784 → 616 → 3".
    ///
    /// # Errors
    /// As for [`Self::build`].
    pub fn describe(self, plan: &ModelSpec) -> Result<String, InvalidArchitecture> {
        self.blueprint().describe(plan)
    }

    /// Size and order of z.
    ///
    /// # Errors
    /// As for [`Self::build`].
    pub fn latent_layout(self, plan: &ModelSpec) -> Result<LatentLayout, InvalidArchitecture> {
        self.blueprint().layout(plan)
    }

    /// Whether the size n of z is a free choice, [`Plan::latent`].
    pub fn has_free_latent(self) -> bool {
        matches!(self, Self::FcSmall | Self::FcMedium | Self::FcLarge)
    }

    /// Whether the paper does not pair this network with images of this shape: it trains CNN Large
    /// on 3×32×32, `ViT` on these and on 1×28×28, all others on 1×28×28.
    pub fn beyond_paper(self, shape: ImageShape) -> bool {
        let paired: &[ImageShape] = match self {
            Self::CnnLarge => &[ImageShape::COLOUR_32],
            Self::Vit => &[ImageShape::GREY_28, ImageShape::COLOUR_32],
            _ => &[ImageShape::GREY_28],
        };
        !paired.contains(&shape)
    }
}

/// What a family of networks tells of each of its variants.
pub(super) trait Blueprint {
    fn layout(&self, plan: &ModelSpec) -> Result<LatentLayout, InvalidArchitecture>;
    fn build(
        &self,
        plan: &ModelSpec,
        seed: u64,
        device: &Device,
    ) -> Result<Cre, InvalidArchitecture>;
    fn parameters(&self, plan: &ModelSpec) -> Result<usize, InvalidArchitecture>;
    fn describe(&self, plan: &ModelSpec) -> Result<String, InvalidArchitecture>;
}

impl std::fmt::Display for Architecture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::FcSmall => "FC Small",
            Self::FcMedium => "FC Medium",
            Self::FcLarge => "FC Large",
            Self::CnnSmall => "CNN Small",
            Self::CnnLarge => "CNN Large",
            Self::Vit => "ViT",
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
