//! One run of an experiment, before and after.

use serde::{Deserialize, Serialize};

use crate::{
    data::{DataSource, Dataset, ImageShape},
    model::Lambda,
    train::{Evaluation, Metrics, Projection, RunConfig, Snapshot},
};

/// A run to be done: the same specification gives the same outcome on the CPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunSpec {
    /// Images to learn from and to measure with.
    pub data: DataSource,
    /// Passes over the training images.
    pub epochs: u64,
    /// Network, λ, seed and training settings.
    pub config: RunConfig,
}

impl std::fmt::Display for RunSpec {
    /// As people tell runs apart: "FC Medium n = 3, mnist, λ = 0.3, seed 2".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let RunConfig {
            architecture,
            latent,
            lambda,
            seed,
            ..
        } = &self.config;
        write!(f, "{architecture}")?;
        if architecture.has_free_latent() {
            write!(f, " n = {latent}")?;
        }
        write!(f, ", {}, λ = {lambda}, seed {seed}", self.data)
    }
}

/// A run that is done.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// What was asked for.
    pub spec: RunSpec,
    /// What people call the data set: "MNIST".
    pub data_name: String,
    /// Shape of the images.
    pub shape: ImageShape,
    /// One name for each class.
    pub class_names: Vec<String>,
    /// Name and version of the program that trained it.
    pub program: String,
    /// What it was computed on.
    pub device: String,
    /// Trainable parameters of encoder, decoder and classifier together.
    pub parameters: usize,
    /// Values of z of one image.
    pub latent_values: usize,
    /// Units of z that could have died; 0 where none can.
    pub relu_units: usize,
    /// Before training and after every epoch.
    pub evaluations: Vec<Evaluation>,
    /// Place in [`Self::evaluations`] of the model that was kept: the one with the lowest test
    /// L(λ), as the paper's authors keep it.
    pub kept: usize,
    /// Seconds from the first step to the last evaluation.
    pub wall_seconds: f64,
    /// When it ended, in seconds since 1970-01-01 UTC.
    pub finished: u64,
    /// How the kept model sees its test images.
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

    /// Whether every latent unit is dead, so that both heads can only answer with the average.
    pub fn is_dead(&self) -> bool {
        self.relu_units > 0
            && self
                .kept()
                .is_some_and(|evaluation| evaluation.dead_units == self.relu_units)
    }
}

/// How a model sees some test images: what figures 4 and 5 show of it.
#[derive(Clone, Debug, PartialEq)]
pub struct EvalSample {
    /// Where each image of the cloud stands in the three-dimensional scene.
    pub points: Vec<[f32; 3]>,
    /// How `points` came from z.
    pub projection: Projection,
    /// True class of every point.
    pub labels: Vec<u8>,
    /// Arg-max class of every point.
    pub predicted: Vec<u8>,
    /// Images rebuilt, two of each class.
    pub reconstructions: Vec<Reconstruction>,
}

impl EvalSample {
    /// What `snapshot` shows of a model; images that are not in the test half are left out.
    pub fn of(snapshot: &Snapshot, dataset: &Dataset) -> Self {
        let test = &dataset.test;
        let is_inside = |index: u32| (index as usize) < test.len();
        let label = |index: u32| test.label(index as usize);
        let indices = snapshot.probe.cloud.iter().copied();
        let places = snapshot.points.iter().copied();
        let predicted = snapshot.predicted.iter().copied();
        let points = indices.zip(places).zip(predicted);
        let points: Vec<_> = points.filter(|((index, _), _)| is_inside(*index)).collect();
        let readings = snapshot.grid.iter();
        Self {
            labels: points.iter().map(|((index, _), _)| label(*index)).collect(),
            predicted: points.iter().map(|(_, class)| *class).collect(),
            points: points.into_iter().map(|((_, point), _)| point).collect(),
            projection: snapshot.projection,
            reconstructions: readings
                .filter(|reading| is_inside(reading.index))
                .map(|reading| Reconstruction {
                    index: reading.index,
                    label: label(reading.index),
                    predicted: reading.predicted().0,
                    mse: reading.mse,
                    input: test.image(reading.index as usize).to_vec(),
                    reconstruction: reading.reconstruction.clone(),
                })
                .collect(),
        }
    }
}

/// One image and what the model makes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reconstruction {
    /// Index into the test half.
    pub index: u32,
    /// True class.
    pub label: u8,
    /// Arg-max class.
    pub predicted: u8,
    /// Mean squared error over its pixels, in [−1, 1] units.
    pub mse: f32,
    /// Bytes `[channels, height, width]` as they were fed in.
    pub input: Vec<u8>,
    /// Bytes `[channels, height, width]` as they were rebuilt.
    pub reconstruction: Vec<u8>,
}
