//! The registry of networks: the variants of the paper and their families.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::{
    Cre, InvalidArchitecture, LatentLayout, ModelSpec,
    cnn::{self, CnnLayers},
    fc::{self, FcLayers},
    vit,
};
use crate::data::ImageShape;

/// A variant of the networks of the paper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Architecture {
    /// No hidden layers.
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
    /// A vision transformer, whose sizes are [`ModelSpec::vit`].
    Vit,
}

/// The layers of a variant, by family.
enum Family {
    Fc(FcLayers),
    Cnn(CnnLayers),
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

    /// Name on the command line and in files.
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

    fn family(self) -> Family {
        match self {
            Self::FcSmall => Family::Fc(fc::SMALL),
            Self::FcMedium => Family::Fc(fc::MEDIUM),
            Self::FcLarge => Family::Fc(fc::LARGE),
            Self::CnnSmall => Family::Cnn(cnn::SMALL),
            Self::CnnLarge => Family::Cnn(cnn::LARGE),
            Self::Vit => Family::Vit,
        }
    }

    /// Builds the network with new weights, which depend on `seed` only and are the same on every
    /// device.
    ///
    /// # Errors
    /// When the network cannot be built for this spec.
    pub fn build(
        self,
        spec: &ModelSpec,
        seed: u64,
        device: &Device,
    ) -> Result<Cre, InvalidArchitecture> {
        Ok(match self.family() {
            Family::Fc(layers) => layers.build(spec, seed, device).into(),
            Family::Cnn(layers) => layers.build(spec, seed, device)?.into(),
            Family::Vit => vit::build(spec, seed, device)?.into(),
        })
    }

    /// Number of trainable parameters of encoder, decoder and classifier together.
    ///
    /// # Errors
    /// As for [`Self::build`].
    pub fn parameter_count(self, spec: &ModelSpec) -> Result<usize, InvalidArchitecture> {
        match self.family() {
            Family::Fc(layers) => Ok(layers.parameter_count(spec)),
            Family::Cnn(layers) => layers.parameter_count(spec),
            Family::Vit => vit::parameter_count(spec),
        }
    }

    /// Describes the layers in one line for each part, such as "Encoder 784 → 616 → 3".
    ///
    /// # Errors
    /// As for [`Self::build`].
    pub fn describe(self, spec: &ModelSpec) -> Result<String, InvalidArchitecture> {
        match self.family() {
            Family::Fc(layers) => Ok(layers.describe(spec)),
            Family::Cnn(layers) => layers.describe(spec),
            Family::Vit => vit::describe(spec),
        }
    }

    /// Layout of z.
    ///
    /// # Errors
    /// As for [`Self::build`].
    pub fn latent_layout(self, spec: &ModelSpec) -> Result<LatentLayout, InvalidArchitecture> {
        match self.family() {
            Family::Fc(_) => Ok(FcLayers::latent_layout(spec)),
            Family::Cnn(layers) => layers.latent_layout(spec),
            Family::Vit => vit::latent_layout(spec),
        }
    }

    /// Whether the size of z can be chosen, as [`ModelSpec::latent`].
    pub fn has_free_latent(self) -> bool {
        matches!(self.family(), Family::Fc(_))
    }

    /// Whether the paper does not train this network on images of this shape: it trains CNN Large on
    /// 3×32×32, `ViT` on both 3×32×32 and 1×28×28, all others on 1×28×28.
    pub fn is_outside_paper(self, shape: ImageShape) -> bool {
        let in_paper: &[ImageShape] = match self {
            Self::CnnLarge => &[ImageShape::COLOUR_32],
            Self::Vit => &[ImageShape::GREY_28, ImageShape::COLOUR_32],
            _ => &[ImageShape::GREY_28],
        };
        !in_paper.contains(&shape)
    }
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
                let ids = Self::ALL.map(Self::id).join(", ");
                format!("unknown network “{text}”; expected one of {ids}")
            })
    }
}
