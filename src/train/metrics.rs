//! Losses of steps and test metrics of evaluations.

use serde::Serialize;

use crate::model::Lambda;

/// Means over one training batch, before its update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepLosses {
    /// Number of the step, from 1.
    pub step: u64,
    /// Mean squared error over all pixels, in [−1, 1] units.
    pub mse: f32,
    /// Mean cross-entropy, in nats.
    pub ce: f32,
    /// Share of images classified correctly (arg-max), 0–1.
    pub accuracy: f32,
}

impl StepLosses {
    /// Whether neither loss is NaN or infinite.
    pub fn is_finite(&self) -> bool {
        self.mse.is_finite() && self.ce.is_finite()
    }
}

/// Means over a set of images. `cre-lab results export --format json` writes its fields by their
/// names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Metrics {
    /// Mean squared error over all pixels, in [−1, 1] units.
    pub mse: f64,
    /// Mean cross-entropy, in nats.
    pub ce: f64,
    /// Share of images classified correctly (arg-max), 0–1.
    pub accuracy: f64,
}

impl Metrics {
    /// `L(λ) = λ · MSE + (1 − λ) · CE`.
    pub fn loss(&self, lambda: Lambda) -> f64 {
        lambda.mix(self.mse, self.ce)
    }

    /// Whether neither loss is NaN or infinite.
    pub fn is_finite(&self) -> bool {
        self.mse.is_finite() && self.ce.is_finite()
    }
}

/// Metrics of a network at the end of an epoch or, with `epoch` 0, before its first step. `cre-lab
/// results export --format json` writes its fields by their names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Completed epochs.
    pub epoch: u64,
    /// Steps taken.
    pub step: u64,
    /// λ at that step.
    pub lambda: Lambda,
    /// Means over the training batches of the epoch, each before its update; none at epoch 0.
    pub train: Option<Metrics>,
    /// Means over all test images.
    pub test: Metrics,
    /// Latent units (channels of a feature map) that are zero for every image of the cloud.
    pub dead_units: usize,
    /// Training speed of the lane over the epoch, without evaluation; 0 at epoch 0.
    pub images_per_second: f64,
}
