//! Sizes of a vision transformer for given images.

use super::positional_encoding;
use crate::{
    kernels::{PatchGrid, TokenLayout},
    model::{InvalidArchitecture, ModelSpec},
};

/// Sizes of a vision transformer for given images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes {
    pub grid: PatchGrid,
    /// Values of a token.
    pub embed: usize,
    /// Blocks of the encoder, and of the decoder.
    pub depth: usize,
    /// Attention heads of a block.
    pub heads: usize,
    /// Hidden units of an MLP.
    pub hidden: usize,
    /// Patches that are visible to the encoder in training.
    pub visible: usize,
}

impl Sizes {
    /// # Errors
    /// When the options of `spec` are invalid or do not fit its images.
    pub fn new(spec: &ModelSpec) -> Result<Self, InvalidArchitecture> {
        let options = &spec.vit;
        options.check()?;
        let grid = options.patch_grid(spec.shape)?;
        let count = grid.count();
        // Rounded down, as the authors do, so that a mask hides at least one patch.
        let visible = (count as f64 * (1.0 - options.mask_ratio)) as usize;
        if visible == 0 {
            return Err(InvalidArchitecture(format!(
                "a mask ratio of {} hides all of {count} patches",
                options.mask_ratio
            )));
        }
        Ok(Self {
            grid,
            embed: options.embed,
            depth: options.depth,
            heads: options.heads,
            hidden: options.embed * options.mlp_ratio,
            visible,
        })
    }

    /// Tokens of an image without hidden patches: the class token and one for each patch.
    pub fn tokens(&self) -> usize {
        1 + self.grid.count()
    }

    /// Layout of the tokens for the CPU kernels.
    pub fn token_layout(&self) -> TokenLayout {
        TokenLayout {
            grid: self.grid,
            embed: self.embed,
            positions: positional_encoding::values(&self.grid, self.embed).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::ImageShape,
        model::{LatentSize, VitOptions},
    };

    fn sizes(vit: VitOptions, shape: ImageShape) -> Result<Sizes, InvalidArchitecture> {
        Sizes::new(&ModelSpec {
            shape,
            classes: 10,
            latent: LatentSize::default(),
            vit,
        })
    }

    #[test]
    fn default_patches_fit_the_images() {
        let options = VitOptions::default();
        for (shape, side, count) in [(ImageShape::GREY_28, 7, 16), (ImageShape::COLOUR_32, 4, 64)] {
            let grid = sizes(options, shape).unwrap().grid;
            assert_eq!((grid.side, grid.count()), (side, count));
        }
    }

    #[test]
    fn invalid_options_are_rejected_with_the_reason() {
        let error = |change: fn(&mut VitOptions)| {
            let mut options = VitOptions::default();
            change(&mut options);
            let error = sizes(options, ImageShape::GREY_28).unwrap_err();
            error.to_string()
        };
        for (error, named) in [
            (error(|options| options.heads = 3), "3 heads"),
            (error(|options| options.heads = 0), "number of heads"),
            (error(|options| options.patch = Some(5)), "5×5"),
            (error(|options| options.patch = Some(1)), "784"),
            (error(|options| options.patch = Some(0)), "patch size"),
            (error(|options| options.embed = 6), "multiple of 4"),
            (error(|options| options.embed = 1 << 40), "embedding size"),
            (error(|options| options.depth = 0), "depth"),
            (error(|options| options.mlp_ratio = 9), "MLP ratio"),
            (error(|options| options.mask_ratio = 0.99), "of 16 patches"),
            (error(|options| options.mask_ratio = 1.0), "less than 1"),
            (error(|options| options.mask_ratio = f64::NAN), "NaN"),
        ] {
            assert!(error.contains(named), "“{error}” does not name {named}");
        }
    }
}
