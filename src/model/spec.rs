//! What a network is built for.

use super::{LatentSize, VitOptions};
use crate::data::ImageShape;

/// Data and settings that a network is built for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ModelSpec {
    /// Shape of the images.
    pub shape: ImageShape,
    /// Number of classes.
    pub classes: usize,
    /// Size of z of the fully connected networks; in other networks it follows from the layers.
    pub latent: LatentSize,
    /// Sizes of the vision transformer.
    pub vit: VitOptions,
}
