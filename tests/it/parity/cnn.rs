//! The convolutional networks against PyTorch: the same weights, the same images, the same numbers.
//!
//! `reference/make_cnn_reference.py` computed the reference in float64. PyTorch's own float32 is off
//! by up to 3e-7 in losses and 5e-5 of the way that a parameter has moved, and burn's Adam makes
//! steps up to 7e-6 longer or shorter; the tolerances leave about three times as much.

use std::sync::Arc;

use super::reference::{
    CLASSES, Fill, Forward, Parameter, TEST_IMAGES, TRAIN_IMAGES, assert_close, assert_forward,
    assert_moved, assert_statistics,
};
use crate::common::{dataset, parameters, statistics};
use burn::{module::Module as _, tensor::Device};
use cre_lab::{
    data::ImageShape,
    model::{Architecture, Cre, Lambda},
    train::{RunConfig, Trainer},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    networks: Vec<Network>,
}

#[derive(Deserialize)]
struct Network {
    architecture: Architecture,
    salt: u32,
    forward: Forward,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    lambda: Lambda,
    steps: Vec<[f64; 3]>,
    /// Running means and variances after the first step.
    statistics: Vec<Vec<f64>>,
    /// After the last step; none of those that follow rounding errors.
    parameters: Vec<Option<Parameter>>,
}

fn config(architecture: Architecture, lambda: Lambda) -> RunConfig {
    RunConfig {
        architecture,
        lambda,
        // All images at once, so that their order does not matter.
        batch_size: TRAIN_IMAGES,
        ..RunConfig::default()
    }
}

fn trainer(network: &Network, shape: ImageShape, lambda: Lambda) -> Trainer {
    let device = Device::flex();
    let config = config(network.architecture, lambda);
    let spec = config.model_spec(shape, CLASSES);
    let model: Cre = network.architecture.build(&spec, 0, &device).unwrap();
    let model = model.map(&mut Fill::new(network.salt));
    let images = Arc::new(dataset(shape, CLASSES, TRAIN_IMAGES, TEST_IMAGES));
    Trainer::with_model(&config, images, &device, model).unwrap()
}

fn reference(architecture: Architecture) -> Network {
    let reference: Reference =
        serde_json::from_str(include_str!("../../reference/cnn_reference.json")).unwrap();
    let mut networks = reference.networks.into_iter();
    networks
        .find(|network| network.architecture == architecture)
        .unwrap()
}

#[test]
fn cnn_small_agrees_with_pytorch() {
    let network = reference(Architecture::CnnSmall);
    assert_eq!(network.runs.len(), 3);
    for run in &network.runs {
        let mut trainer = trainer(&network, ImageShape::GREY_28, run.lambda);
        assert_forward(&trainer, &network.forward);
        let before = parameters(trainer.model());
        for step in 0..run.steps.len() {
            trainer.step();
            if step == 0 {
                assert_statistics(&statistics(trainer.model()), &run.statistics);
            }
        }
        for (found, expected) in trainer.take_losses().unwrap().iter().zip(&run.steps) {
            let what = |loss: &str| format!("λ = {}, step {}: {loss}", run.lambda, found.step);
            assert_close(&what("MSE"), f64::from(found.mse), expected[0], 5e-6);
            assert_close(&what("CE"), f64::from(found.ce), expected[1], 5e-6);
            assert_eq!(f64::from(found.accuracy), expected[2]);
        }
        assert_moved(&before, &parameters(trainer.model()), &run.parameters, 5e-5);
    }
}

#[test]
fn cnn_large_agrees_with_pytorch() {
    let network = reference(Architecture::CnnLarge);
    let trainer = trainer(&network, ImageShape::COLOUR_32, Lambda::BALANCED);
    assert_forward(&trainer, &network.forward);
}
