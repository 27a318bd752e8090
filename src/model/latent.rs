//! The latent z: its size, its layout, and its values between encoder, decoder and classifier.

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};

use super::gradient::with_gradient_scale;

/// Number of latent units n, 1 to 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "usize", into = "usize")]
pub struct LatentSize(usize);

/// Error of a latent size outside [`LatentSize::MIN`] to [`LatentSize::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the latent size must lie between 1 and {max}, not {0}", max = LatentSize::MAX)]
pub struct LatentSizeOutOfRange(pub usize);

impl LatentSize {
    /// Smallest n.
    pub const MIN: usize = 1;
    /// Largest n.
    pub const MAX: usize = 1024;

    /// # Errors
    /// When `units` is not within 1 to 1024.
    pub fn new(units: usize) -> Result<Self, LatentSizeOutOfRange> {
        if (Self::MIN..=Self::MAX).contains(&units) {
            Ok(Self(units))
        } else {
            Err(LatentSizeOutOfRange(units))
        }
    }

    /// The number of units.
    pub fn get(self) -> usize {
        self.0
    }
}

impl Default for LatentSize {
    /// n = 3 as in the paper, which can be drawn without projection.
    fn default() -> Self {
        Self(3)
    }
}

impl TryFrom<usize> for LatentSize {
    type Error = LatentSizeOutOfRange;

    fn try_from(units: usize) -> Result<Self, Self::Error> {
        Self::new(units)
    }
}

impl From<LatentSize> for usize {
    fn from(size: LatentSize) -> Self {
        size.0
    }
}

impl std::str::FromStr for LatentSize {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let units: usize = text
            .trim()
            .parse()
            .map_err(|_| format!("“{text}” is not a whole number from 1 to {}", Self::MAX))?;
        Self::new(units).map_err(|error| error.to_string())
    }
}

impl std::fmt::Display for LatentSize {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Layout of the values of a flattened z.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatentLayout {
    /// n units, each ≥ 0 after a ReLU.
    Units(usize),
    /// Feature maps `[channels, height, width]`, each value ≥ 0 after a ReLU.
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

    /// Number of units that can be dead, that is zero for every image: units, or channels of a map,
    /// whose values share their weights; 0 for a z without ReLU.
    pub fn relu_units(self) -> usize {
        match self {
            Self::Units(units) => units,
            Self::Map { channels, .. } => channels,
            Self::Tokens { .. } => 0,
        }
    }
}

impl std::fmt::Display for LatentLayout {
    /// "n = 3", "z = 16×4×4".
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

/// Output of an encoder, input of decoder and classifier.
#[derive(Clone, Debug)]
pub struct Latent {
    /// Values of z, `[batch, values]`, in the order of the network's [`LatentLayout`]; where patches
    /// are hidden, only the tokens of the visible ones.
    pub values: Tensor<2>,
    /// Patches hidden from the encoder; `None` where all are visible.
    pub masked: Option<Masked>,
}

/// Patches that training hides from the encoder.
#[derive(Clone, Debug)]
pub struct Masked {
    /// For each patch of each image the index of its token when the visible patches come first and
    /// mask tokens follow, `[batch, patches]`.
    pub token_indices: Tensor<2, Int>,
    /// 1 for pixels of hidden patches, 0 for visible ones, `[batch, channels · height · width]`.
    pub weight: Tensor<2>,
}

impl From<Tensor<2>> for Latent {
    fn from(values: Tensor<2>) -> Self {
        Self {
            values,
            masked: None,
        }
    }
}

impl Latent {
    /// The same values, whose gradient is multiplied by `factor`.
    pub(super) fn with_gradient_scale(&self, factor: f64) -> Self {
        Self {
            values: with_gradient_scale(self.values.clone(), factor),
            masked: self.masked.clone(),
        }
    }
}
