//! What the vision transformer leaves open, and what comes of it for given images.

use std::ops::RangeInclusive;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{InvalidArchitecture, ModelSpec, Patches};

/// Sizes of a vision transformer; the defaults are the paper's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self", default, deny_unknown_fields)]
pub struct VitOptions {
    /// Side of a patch in pixels; none: 7 where that divides the image, else 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<usize>,
    /// Values of a token, a multiple of four: a quarter each for sine and cosine of column and row.
    pub embed: usize,
    /// Transformer blocks of the encoder, and as many of the decoder.
    pub depth: usize,
    /// Attention heads of a block; they share the values of a token equally.
    pub heads: usize,
    /// Hidden units of a block's MLP for each value of a token.
    pub mlp_ratio: usize,
    /// Share of patches that training hides from the encoder, at least 0 and less than 1. Evaluation
    /// hides none.
    pub mask_ratio: f64,
}

impl VitOptions {
    /// Sides of a patch that can be asked for.
    pub const PATCHES: RangeInclusive<usize> = 1..=64;
    /// Token sizes that can be asked for.
    pub const EMBEDS: RangeInclusive<usize> = 4..=512;
    /// Depths that can be asked for.
    pub const DEPTHS: RangeInclusive<usize> = 1..=12;
    /// Numbers of heads that can be asked for.
    pub const HEADS: RangeInclusive<usize> = 1..=64;
    /// MLP ratios that can be asked for.
    pub const MLP_RATIOS: RangeInclusive<usize> = 1..=8;
    /// An attention map has a value for each pair of patches; more would be too many.
    pub const MOST_PATCHES: usize = 256;

    /// Whether these options go together, whatever the images.
    ///
    /// # Errors
    /// When they do not, the reason.
    pub fn check(&self) -> Result<(), InvalidArchitecture> {
        let within = |name: &str, value: usize, range: RangeInclusive<usize>| {
            if range.contains(&value) {
                return Ok(());
            }
            let (least, most) = (range.start(), range.end());
            Err(InvalidArchitecture(format!(
                "the {name} must lie between {least} and {most}, not {value}"
            )))
        };
        if let Some(patch) = self.patch {
            within("patch size", patch, Self::PATCHES)?;
        }
        within("embedding size", self.embed, Self::EMBEDS)?;
        within("depth", self.depth, Self::DEPTHS)?;
        within("number of heads", self.heads, Self::HEADS)?;
        within("MLP ratio", self.mlp_ratio, Self::MLP_RATIOS)?;
        if !(0.0..1.0).contains(&self.mask_ratio) {
            return Err(InvalidArchitecture(format!(
                "the mask ratio must be at least 0 and less than 1, not {}",
                self.mask_ratio
            )));
        }
        let Self { embed, heads, .. } = *self;
        if !embed.is_multiple_of(4) {
            return Err(InvalidArchitecture(format!(
                "the sine-cosine positions need an embedding size that is a multiple of 4, not {embed}"
            )));
        }
        if !embed.is_multiple_of(heads) {
            return Err(InvalidArchitecture(format!(
                "{heads} heads cannot share an embedding of {embed} equally"
            )));
        }
        Ok(())
    }

    /// How the images of `plan` are cut into patches.
    ///
    /// # Errors
    /// When they cannot be, or into too many.
    pub fn patches(&self, plan: &ModelSpec) -> Result<Patches, InvalidArchitecture> {
        let shape = plan.shape;
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
        let patches = Patches {
            channels: shape.channels,
            side,
            rows: shape.height / side,
            columns: shape.width / side,
        };
        let count = patches.count();
        if (1..=Self::MOST_PATCHES).contains(&count) {
            return Ok(patches);
        }
        Err(InvalidArchitecture(format!(
            "patches of {side}×{side} cut images of {shape} into {count}, at most {} are possible",
            Self::MOST_PATCHES
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

/// All sizes of a transformer for given images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    pub patches: Patches,
    /// Values of a token.
    pub embed: usize,
    /// Blocks of the encoder, and of the decoder.
    pub depth: usize,
    pub heads: usize,
    /// Hidden units of an MLP.
    pub hidden: usize,
    /// Patches that training lets the encoder see.
    pub seen: usize,
}

impl Sizes {
    /// What the options of `plan` mean for its images.
    pub fn of(plan: &ModelSpec) -> Result<Self, InvalidArchitecture> {
        let options = &plan.vit;
        options.check()?;
        let patches = options.patches(plan)?;
        let count = patches.count();
        // The authors round what is seen down; what is hidden is then at least one.
        let seen = (count as f64 * (1.0 - options.mask_ratio)) as usize;
        if seen == 0 {
            return Err(InvalidArchitecture(format!(
                "a mask ratio of {} leaves none of {count} patches to be seen",
                options.mask_ratio
            )));
        }
        Ok(Self {
            patches,
            embed: options.embed,
            depth: options.depth,
            heads: options.heads,
            hidden: options.embed * options.mlp_ratio,
            seen,
        })
    }

    /// Tokens of an image of which all patches are seen: one for each, and the class token.
    pub fn tokens(&self) -> usize {
        1 + self.patches.count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::ImageShape, model::LatentSize};

    fn plan(vit: VitOptions, shape: ImageShape) -> ModelSpec {
        ModelSpec {
            shape,
            classes: 10,
            latent: LatentSize::default(),
            vit,
        }
    }

    #[test]
    fn patches_suit_the_images() {
        let options = VitOptions::default();
        for (shape, side, count) in [(ImageShape::GREY_28, 7, 16), (ImageShape::COLOUR_32, 4, 64)] {
            let sizes = Sizes::of(&plan(options, shape)).unwrap();
            assert_eq!((sizes.patches.side, sizes.patches.count()), (side, count));
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused_with_the_reason() {
        let with = |change: fn(&mut VitOptions)| {
            let mut options = VitOptions::default();
            change(&mut options);
            let unfit = Sizes::of(&plan(options, ImageShape::GREY_28)).unwrap_err();
            unfit.to_string()
        };
        for (reason, named) in [
            (with(|options| options.heads = 3), "3 heads"),
            (with(|options| options.heads = 0), "number of heads"),
            (with(|options| options.patch = Some(5)), "5×5"),
            (with(|options| options.patch = Some(1)), "784"),
            (with(|options| options.patch = Some(0)), "patch size"),
            (with(|options| options.embed = 6), "multiple of 4"),
            (with(|options| options.embed = 1 << 40), "embedding size"),
            (with(|options| options.depth = 0), "depth"),
            (with(|options| options.mlp_ratio = 9), "MLP ratio"),
            (with(|options| options.mask_ratio = 0.99), "of 16 patches"),
            (with(|options| options.mask_ratio = 1.0), "less than 1"),
            (with(|options| options.mask_ratio = f64::NAN), "NaN"),
        ] {
            assert!(reason.contains(named), "“{reason}” does not name {named}");
        }
    }

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
