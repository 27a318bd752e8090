//! n, the size of the latent z.

use serde::{Deserialize, Serialize};

/// Number of latent units n, 1 to 1024.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "usize", into = "usize")]
pub struct LatentSize(usize);

/// A latent size that no network here can have.
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
    /// The paper's n = 3, whose latent can be seen as it is.
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
