//! The options of the vision transformer.

use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::InvalidArchitecture;
use crate::{data::ImageShape, kernels::PatchGrid};

/// Sizes of a vision transformer; the defaults are those of the paper.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", default, deny_unknown_fields)]
pub struct VitOptions {
    /// Side of a patch in pixels; `None`: 7 where that divides the sides of the image, else 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<usize>,
    /// Values of a token, a multiple of 4: a quarter each for sine and cosine of column and row.
    pub embed: usize,
    /// Transformer blocks of the encoder, and as many of the decoder.
    pub depth: usize,
    /// Attention heads of a block, which share the values of a token equally.
    pub heads: usize,
    /// Hidden units of the MLP of a block for each value of a token.
    pub mlp_ratio: usize,
    /// Share of patches that training hides from the encoder, at least 0 and less than 1. Evaluation
    /// hides none.
    pub mask_ratio: f64,
}

impl VitOptions {
    /// Valid sides of a patch.
    pub const PATCHES: RangeInclusive<usize> = 1..=64;
    /// Valid token sizes.
    pub const EMBEDS: RangeInclusive<usize> = 4..=512;
    /// Valid depths.
    pub const DEPTHS: RangeInclusive<usize> = 1..=12;
    /// Valid numbers of heads.
    pub const HEADS: RangeInclusive<usize> = 1..=64;
    /// Valid MLP ratios.
    pub const MLP_RATIOS: RangeInclusive<usize> = 1..=8;
    /// Largest number of patches; attention maps grow with its square.
    pub const MAX_PATCH_COUNT: usize = 256;

    /// Checks the options that do not depend on the images.
    ///
    /// # Errors
    /// When an option is out of range, or options do not fit together.
    pub fn check(&self) -> Result<(), InvalidArchitecture> {
        let check_range = |name: &str, value: usize, range: RangeInclusive<usize>| {
            if range.contains(&value) {
                return Ok(());
            }
            let (min, max) = (range.start(), range.end());
            Err(InvalidArchitecture(format!(
                "the {name} must lie between {min} and {max}, not {value}"
            )))
        };
        if let Some(patch) = self.patch {
            check_range("patch size", patch, Self::PATCHES)?;
        }
        check_range("embedding size", self.embed, Self::EMBEDS)?;
        check_range("depth", self.depth, Self::DEPTHS)?;
        check_range("number of heads", self.heads, Self::HEADS)?;
        check_range("MLP ratio", self.mlp_ratio, Self::MLP_RATIOS)?;
        if !(0.0..1.0).contains(&self.mask_ratio) {
            return Err(InvalidArchitecture(format!(
                "the mask ratio must be at least 0 and less than 1, not {}",
                self.mask_ratio
            )));
        }
        let Self { embed, heads, .. } = *self;
        if !embed.is_multiple_of(4) {
            return Err(InvalidArchitecture(format!(
                "the embedding size must be a multiple of 4, not {embed}"
            )));
        }
        if !embed.is_multiple_of(heads) {
            return Err(InvalidArchitecture(format!(
                "{heads} heads cannot share an embedding of {embed} equally"
            )));
        }
        Ok(())
    }

    /// The patches of images of `shape`.
    ///
    /// # Errors
    /// When the patches do not tile the images, or are too many.
    pub fn patch_grid(&self, shape: ImageShape) -> Result<PatchGrid, InvalidArchitecture> {
        let divides = |side: usize| {
            [shape.height, shape.width]
                .iter()
                .all(|length| length.is_multiple_of(side))
        };
        let side = self.patch.unwrap_or(if divides(7) { 7 } else { 4 });
        if side == 0 || !divides(side) {
            return Err(InvalidArchitecture(format!(
                "patches of {side}×{side} do not tile images of {shape}"
            )));
        }
        let grid = PatchGrid {
            channels: shape.channels,
            side,
            rows: shape.height / side,
            columns: shape.width / side,
        };
        let count = grid.count();
        if (1..=Self::MAX_PATCH_COUNT).contains(&count) {
            return Ok(grid);
        }
        Err(InvalidArchitecture(format!(
            "images of {shape} have {count} patches of {side}×{side}; at most {} are possible",
            Self::MAX_PATCH_COUNT
        )))
    }
}

impl Default for VitOptions {
    fn default() -> Self {
        Self {
            patch: None,
            embed: 8,
            depth: 1,
            heads: 4,
            mlp_ratio: 4,
            mask_ratio: 0.0,
        }
    }
}

impl<'de> Deserialize<'de> for VitOptions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let options = Self::deserialize(deserializer)?;
        options.check().map_err(D::Error::custom)?;
        Ok(options)
    }
}

impl Serialize for VitOptions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_from_files_are_checked() {
        let read = |text: &str| toml::from_str::<VitOptions>(text);
        let options = VitOptions {
            patch: Some(4),
            mask_ratio: 0.75,
            ..VitOptions::default()
        };
        for options in [options, VitOptions::default()] {
            assert_eq!(read(&toml::to_string(&options).unwrap()), Ok(options));
        }
        let error = read("heads = 3").unwrap_err().to_string();
        assert!(error.contains("3 heads"), "{error}");
        assert!(read("colour = 3").is_err());
    }
}
