//! What a network is built for, and what comes of it.

use super::{LatentSize, VitOptions};
use crate::data::ImageShape;

/// The data that a network is for, and the settings that its variant leaves open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelSpec {
    /// Shape of the images.
    pub shape: ImageShape,
    /// Number of classes.
    pub classes: usize,
    /// Size n of the latent of the fully connected networks; the others have theirs from their layers.
    pub latent: LatentSize,
    /// Sizes of the vision transformer.
    pub vit: VitOptions,
}

/// Why a network cannot be built for these data and settings: one sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidArchitecture(pub String);

/// How the values of a flattened z belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatentLayout {
    /// n units, each ≥ 0 since it follows a ReLU.
    Units(usize),
    /// Feature maps `[channels, height, width]`, each value ≥ 0 since it follows a ReLU.
    Map {
        channels: usize,
        height: usize,
        width: usize,
    },
    /// Tokens `[count, width]` of any sign, the class token first.
    Tokens { count: usize, width: usize },
}

impl LatentLayout {
    /// Number of values of z of one image.
    pub fn values(self) -> usize {
        match self {
            Self::Units(units) => units,
            Self::Map {
                channels,
                height,
                width,
            } => channels * height * width,
            Self::Tokens { count, width } => count * width,
        }
    }

    /// How many units can die (be zero for every image): units, or channels of a map, which have
    /// one set of weights each; none of a z without ReLU.
    pub fn relu_units(self) -> usize {
        match self {
            Self::Units(units) => units,
            Self::Map { channels, .. } => channels,
            Self::Tokens { .. } => 0,
        }
    }
}

impl std::fmt::Display for LatentLayout {
    /// As people put it: "n = 3", "z = 16×4×4".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Units(units) => write!(f, "n = {units}"),
            Self::Map {
                channels,
                height,
                width,
            } => write!(f, "z = {channels}×{height}×{width}"),
            Self::Tokens { count, width } => write!(f, "z = {count}×{width}"),
        }
    }
}
