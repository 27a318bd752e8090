//! Snapshots of the networks of a run: the images to process, and the results.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{RunId, alignment::Alignment};
use crate::{data::Dataset, model::Lambda};

/// The test images of a snapshot, by index.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// Points of the latent cloud.
    pub cloud: Arc<[u32]>,
    /// Images of the reconstruction grid.
    pub grid: Arc<[u32]>,
    pub selected: Option<u32>,
    /// An image that is not in the data set, bytes `[channels, height, width]` of its shape.
    pub custom_image: Option<Arc<[u8]>>,
    /// The part of a z made of tokens that the cloud shows.
    pub tokens: TokenView,
    /// The axes of a z of more than three values.
    pub axes: AxisChoice,
}

impl Probe {
    /// The first `cloud` and `grid` test images of each class of `dataset`.
    pub fn first_of_each_class(dataset: &Dataset, cloud: usize, grid: usize) -> Self {
        let first = |count| {
            let images = dataset.test.first_of_each_class(dataset.classes(), count);
            images.into()
        };
        Self {
            cloud: first(cloud),
            grid: first(grid),
            ..Self::default()
        }
    }
}

/// Which principal axes a snapshot shows where z has more than three values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AxisChoice {
    /// Those closest to the previous snapshot's, so that a cloud does not jump on screen.
    #[default]
    Continuous,
    /// Those determined by the model alone, so that the same model gives the same file.
    Independent,
}

/// The part of a z made of tokens that is shown. Any other z is shown completely.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenView {
    /// The mean over the patch tokens, which the classifier reads.
    #[default]
    MeanPatch,
    /// One token, 0 being the class token. An index beyond the last token means the last one.
    Token(usize),
}

impl TokenView {
    /// The view limited to a z of `tokens` tokens.
    #[must_use]
    pub fn within(self, tokens: usize) -> Self {
        match self {
            Self::MeanPatch => Self::MeanPatch,
            Self::Token(token) => Self::Token(token.min(tokens.saturating_sub(1))),
        }
    }
}

impl std::fmt::Display for TokenView {
    /// "mean patch token", "class token" or "patch 5", patches counted from 1.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MeanPatch => f.write_str("mean patch token"),
            Self::Token(0) => f.write_str("class token"),
            Self::Token(patch) => write!(f, "patch {patch}"),
        }
    }
}

/// Snapshots of all networks of a run, taken one after the other between two steps. The latest wins.
#[derive(Clone, Debug)]
pub struct SnapshotSet {
    pub run: RunId,
    /// One per lane.
    pub lanes: Vec<Arc<Snapshot>>,
    /// Per lane the rotation that aligns its cloud with the aligned cloud of the previous lane.
    pub alignments: Vec<Alignment>,
}

/// The results of one network for the probe images, after one step.
///
/// Snapshots are shared; the identity of the [`Arc`] is unique per lane and moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub run: RunId,
    pub step: u64,
    pub lambda: Lambda,
    pub probe: Probe,
    /// Number of values of z that the cloud shows.
    pub latent_size: usize,
    /// z of every cloud image, `[points, latent_size]`; empty above [`Self::LATENT_SHOWN`] values.
    pub latents: Vec<f32>,
    /// Position of every cloud image in the three-dimensional scene.
    pub points: Vec<[f32; 3]>,
    /// How `points` were computed from z.
    pub projection: Projection,
    /// Arg-max class of every cloud image.
    pub predicted: Vec<u8>,
    /// Per latent unit (channel of a feature map) whether it is zero for every cloud image; empty where z
    /// does not follow a ReLU, so that no unit can die.
    pub dead: Vec<bool>,
    /// One per image of `probe.grid`.
    pub grid: Vec<ImageResult>,
    pub selected: Option<ImageResult>,
    /// The image that is not in the data set, if there is one.
    pub custom_image: Option<CustomImageResult>,
}

impl Snapshot {
    /// The largest z, in values, that a snapshot holds for every point.
    pub const LATENT_SHOWN: usize = 64;

    pub fn dead_units(&self) -> usize {
        self.dead.iter().filter(|dead| **dead).count()
    }
}

/// How z was reduced to three coordinates.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Projection {
    /// n ≤ 3: the values of z, missing ones 0.
    #[default]
    Coordinates,
    /// n > 3: the first three principal components, with their share of the variance, 0–1.
    Pca { explained: f32 },
}

/// The result of a network for one image.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageResult {
    /// Index into the test images.
    pub index: u32,
    /// z, all its values.
    pub latent: Vec<f32>,
    /// Bytes `[channels, height, width]`.
    pub reconstruction: Vec<u8>,
    /// Mean squared error over its pixels, in [−1, 1] units.
    pub mse: f32,
    /// Softmax of the logits, one value per class.
    pub probabilities: Vec<f32>,
}

/// The result of a network for an image that is not in the data set.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomImageResult {
    /// The image, as in [`Probe::custom_image`].
    pub pixels: Arc<[u8]>,
    /// Its position among the points of the cloud.
    pub point: [f32; 3],
    /// Everything else; its index has no meaning.
    pub result: ImageResult,
}

impl ImageResult {
    /// The most probable class and its probability.
    pub fn predicted(&self) -> (u8, f32) {
        arg_max(&self.probabilities)
    }
}

/// The largest value, the first of equal ones, after its index.
pub(super) fn arg_max(values: &[f32]) -> (u8, f32) {
    let larger = |best: (u8, f32), (index, &value)| {
        if value > best.1 { (index, value) } else { best }
    };
    (0..=u8::MAX)
        .zip(values)
        .fold((0, f32::NEG_INFINITY), larger)
}
