//! The specification of a run and its record.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::{
    data::{DataSource, Dataset, ImageShape},
    model::Lambda,
    train::{Evaluation, Metrics, Projection, RunConfig, Snapshot},
};

/// The specification of a run. On the CPU, equal specifications give equal results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// Training and test images.
    pub data: DataSource,
    /// Passes over the training images.
    pub epochs: u64,
    /// Network, λ, seed and training settings.
    pub config: RunConfig,
}

impl std::fmt::Display for RunSpec {
    /// "FC Medium n = 3, mnist, λ = 0.3, seed 2".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let config = &self.config;
        write!(f, "{}", config.architecture)?;
        if config.architecture.has_free_latent() {
            write!(f, " n = {}", config.latent)?;
        }
        let (lambda, seed) = (config.lambda, config.seed);
        write!(f, ", {}, λ = {lambda}, seed {seed}", self.data)
    }
}

/// A completed run.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub spec: RunSpec,
    /// Display name of the data set: "MNIST".
    pub data_name: String,
    pub shape: ImageShape,
    /// One name per class.
    pub class_names: Vec<String>,
    /// Name and version of the program that trained it.
    pub program: String,
    pub device: String,
    /// Trainable parameters of encoder, decoder and classifier together.
    pub parameters: usize,
    /// Values of z per image.
    pub latent_values: usize,
    /// Units of z after a ReLU, which can die; 0 if there are none.
    pub relu_units: usize,
    /// Before training and after every epoch.
    pub evaluations: Vec<Evaluation>,
    /// Index in [`Self::evaluations`] of the kept model: the one with the lowest test L(λ), as the
    /// paper's authors keep it.
    pub kept: usize,
    /// Seconds from the first step to the last evaluation.
    pub wall_seconds: f64,
    /// End, in seconds since 1970-01-01 UTC.
    pub finished: u64,
    /// Results of the kept model for some test images.
    pub eval_sample: EvalSample,
}

impl Record {
    /// λ of the run.
    pub fn lambda(&self) -> Lambda {
        self.spec.config.lambda
    }

    /// The evaluation of the kept model.
    pub fn kept(&self) -> Option<&Evaluation> {
        self.evaluations.get(self.kept)
    }

    /// Test metrics of the kept model.
    pub fn metrics(&self) -> Option<Metrics> {
        self.kept().map(|evaluation| evaluation.test)
    }

    /// Whether every latent unit is dead, so that the outputs are the same for all images.
    pub fn is_dead(&self) -> bool {
        let dead = self.kept().map(|evaluation| evaluation.dead_units);
        self.relu_units > 0 && dead == Some(self.relu_units)
    }
}

/// Seconds since 1970-01-01 UTC; 0 before.
pub(super) fn unix_time() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |since| since.as_secs())
}

/// Results of a model for some test images, as shown in figures 4 and 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EvalSample {
    /// Position of every cloud image in the three-dimensional scene.
    pub points: Vec<[f32; 3]>,
    /// How `points` were computed from z.
    pub projection: Projection,
    /// True class of every point.
    pub labels: Vec<u8>,
    /// Arg-max class of every point.
    pub predicted: Vec<u8>,
    /// Reconstructions of two images per class.
    pub reconstructions: Vec<Reconstruction>,
}

impl EvalSample {
    /// The results in `snapshot`; images that are not test images are left out.
    pub fn from_snapshot(snapshot: &Snapshot, dataset: &Dataset) -> Self {
        let test = &dataset.test;
        let is_known = |index: u32| (index as usize) < test.len();
        let label = |index: u32| test.label(index as usize);
        let cloud = snapshot.probe.cloud.iter();
        let points = cloud.zip(&snapshot.points).zip(&snapshot.predicted);
        let points: Vec<_> = points.filter(|((index, _), _)| is_known(**index)).collect();
        let results = snapshot.grid.iter();
        Self {
            labels: points.iter().map(|((at, _), _)| label(**at)).collect(),
            predicted: points.iter().map(|(_, class)| **class).collect(),
            points: points.iter().map(|((_, point), _)| **point).collect(),
            projection: snapshot.projection,
            reconstructions: results
                .filter(|result| is_known(result.index))
                .map(|result| Reconstruction {
                    index: result.index,
                    label: label(result.index),
                    predicted: result.predicted().0,
                    mse: result.mse,
                    input: test.image(result.index as usize).to_vec(),
                    reconstruction: result.reconstruction.clone(),
                })
                .collect(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Reconstruction {
    /// Index into the test images.
    pub index: u32,
    /// True class.
    pub label: u8,
    /// Arg-max class.
    pub predicted: u8,
    /// Mean squared error over its pixels, in [−1, 1] units.
    pub mse: f32,
    /// Input, bytes `[channels, height, width]`.
    pub input: Vec<u8>,
    /// Reconstruction, bytes `[channels, height, width]`.
    pub reconstruction: Vec<u8>,
}
