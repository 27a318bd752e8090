//! The settings of a run.

use serde::{Deserialize, Serialize};

use super::{DeviceChoice, Lane};
use crate::{
    data::{Dataset, ImageShape},
    model::{Architecture, Lambda, LatentSize, ModelSpec, VitOptions},
};

/// Settings of a run. The defaults are the authors' (Adam, 1e-3, batch 512).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    pub architecture: Architecture,
    /// Size n of the latent z.
    pub latent: LatentSize,
    /// λ of the first step.
    pub lambda: Lambda,
    /// Images per step.
    pub batch_size: usize,
    /// Adam's learning rate, the same for encoder, decoder and classifier.
    pub learning_rate: f64,
    /// Determines initial weights and the order of the images.
    pub seed: u64,
    pub device: DeviceChoice,
    pub vit: VitOptions,
}

impl RunConfig {
    /// Lowers the batch size to the number of training images if it is larger; the sentence that says so.
    pub fn limit_batch(&mut self, dataset: &Dataset) -> Option<String> {
        let (wanted, images) = (self.batch_size, dataset.train.len());
        if wanted <= images || images == 0 {
            return None;
        }
        self.batch_size = images;
        Some(format!(
            "Batch size {images} instead of {wanted}: {} has no more training images",
            dataset.name
        ))
    }

    /// A seed for which all three latent units stay alive on both bundled grey data sets (λ = 0.5,
    /// Medium, n = 3).
    pub const DEFAULT_SEED: u64 = 15;

    /// The lane of a run of a single network.
    pub fn lane(&self) -> Lane {
        Lane {
            lambda: self.lambda,
            seed: self.seed,
        }
    }

    /// The specification of the network for images and classes.
    pub fn model_spec(&self, shape: ImageShape, classes: usize) -> ModelSpec {
        ModelSpec {
            shape,
            classes,
            latent: self.latent,
            vit: self.vit,
        }
    }
}

impl Lane {
    /// `config` with λ and seed of this lane.
    pub(super) fn config(self, config: &RunConfig) -> RunConfig {
        RunConfig {
            lambda: self.lambda,
            seed: self.seed,
            ..config.clone()
        }
    }
}

impl Default for RunConfig {
    fn default() -> Self {
        Self {
            architecture: Architecture::default(),
            latent: LatentSize::default(),
            lambda: Lambda::BALANCED,
            batch_size: 512,
            learning_rate: 1e-3,
            seed: Self::DEFAULT_SEED,
            device: DeviceChoice::Auto,
            vit: VitOptions::default(),
        }
    }
}
