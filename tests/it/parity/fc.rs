//! The engine against PyTorch: the same weights, the same images, the same numbers.
//!
//! `reference/make_fc_reference.py` computed the reference in float64, with three backward passes
//! and three optimisers. That script also ran PyTorch in float32: rounding alone moves losses by up
//! to 3e-7 and single parameters by 5e-7. burn works out Adam's bias correction in float32, which
//! makes whole steps up to 7e-6 longer or shorter; hence sums and norms may be off in proportion to
//! the way that a parameter has moved. The tolerances leave about three times as much, far less
//! than a wrong weight or a wrong ε would take.

use std::sync::Arc;

use super::reference::{CLASSES, Fill, TEST_IMAGES, TRAIN_IMAGES, assert_close};
use crate::common::{dataset, parameters};
use burn::{
    module::Module as _,
    tensor::{Device, Tensor},
};
use cre_lab::{
    data::ImageShape,
    model::{Architecture, Cre, Lambda, LatentSize, ModelSpec, VitOptions},
    train::{Metrics, RunConfig, Trainer, trainer::floats},
};
use serde::Deserialize;

/// Every 97th pixel of a reconstruction is on record.
const PIXEL_STRIDE: usize = 97;

#[derive(Deserialize)]
struct Reference {
    networks: Vec<Network>,
}

#[derive(Deserialize)]
struct Network {
    architecture: Architecture,
    n: LatentSize,
    salt: u32,
    activations: Activations,
    runs: Vec<Run>,
}

/// Before training, of the test images.
#[derive(Deserialize)]
struct Activations {
    /// The first coordinates of z of every image.
    latent: Vec<Vec<f64>>,
    /// Of the first images.
    logits: Vec<Vec<f64>>,
    /// Every [`PIXEL_STRIDE`]th pixel of the first images.
    reconstruction: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Run {
    lambda: Lambda,
    /// MSE, CE, accuracy, as everywhere.
    test_before: [f64; 3],
    steps: Vec<[f64; 3]>,
    test_after: [f64; 3],
    /// After the last step.
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    sum: f64,
    norm: f64,
    /// Length of the way from the initial values.
    moved: f64,
    /// The first, the last and two between.
    values: [f64; 4],
}

fn hashed_model(network: &Network, device: &Device) -> Cre {
    let shape = ImageShape::GREY_28;
    let spec = ModelSpec {
        shape,
        classes: CLASSES,
        latent: network.n,
        vit: VitOptions::default(),
    };
    network
        .architecture
        .build(&spec, 0, device)
        .unwrap()
        .map(&mut Fill::new(network.salt))
}

#[track_caller]
fn assert_metrics(what: &str, [mse, ce, accuracy]: [f64; 3], expected: [f64; 3]) {
    assert_close(&format!("{what}: MSE"), mse, expected[0], 2e-6);
    assert_close(&format!("{what}: CE"), ce, expected[1], 2e-6);
    assert_eq!(accuracy, expected[2], "{what}: accuracy");
}

fn evaluate(trainer: &Trainer) -> [f64; 3] {
    let Metrics { mse, ce, accuracy } = trainer.evaluate().unwrap();
    [mse, ce, accuracy]
}

fn assert_activations(trainer: &Trainer, expected: &Activations) {
    let indices: Vec<u32> = (0..TEST_IMAGES as u32).collect();
    let rows: Vec<[Vec<f32>; 3]> = trainer
        .map_test_images(&indices, |model, images| {
            let output = model.forward(images);
            let rows = |tensor: Tensor<2>| -> Vec<Vec<f32>> {
                let width = tensor.dims()[1];
                let values = floats(tensor).unwrap();
                values.chunks(width).map(<[f32]>::to_vec).collect()
            };
            let read_outs = rows(output.logits)
                .into_iter()
                .zip(rows(output.reconstruction));
            Ok(rows(output.latent)
                .into_iter()
                .zip(read_outs)
                .map(|(latent, (logits, pixels))| [latent, logits, pixels])
                .collect())
        })
        .unwrap();
    let named = [
        ("latent", &expected.latent, 1),
        ("logits", &expected.logits, 1),
        ("reconstruction", &expected.reconstruction, PIXEL_STRIDE),
    ];
    for (index, (name, expected, stride)) in named.into_iter().enumerate() {
        assert!(!expected.is_empty());
        for (image, (row, expected)) in rows.iter().zip(expected).enumerate() {
            let row = row[index].iter().step_by(stride);
            for (index, (found, expected)) in row.zip(expected).enumerate() {
                let what = format!("{name} {index} of image {image}");
                assert_close(&what, f64::from(*found), *expected, 1e-6);
            }
        }
    }
}

fn assert_parameters(before: &[Vec<f32>], after: &[Vec<f32>], expected: &[Parameter]) {
    assert_eq!(after.len(), expected.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    for (tensor, ((before, after), expected)) in before.iter().zip(after).zip(expected).enumerate()
    {
        let what = |part: &str| format!("{part} of parameter {tensor}");
        let values = || after.iter().copied().map(f64::from);
        let moved = norm(&mut values().zip(before).map(|(new, old)| new - f64::from(*old)));
        let slack = 2e-5 * expected.moved;
        assert_close(&what("way"), moved, expected.moved, slack);
        assert_close(&what("norm"), norm(&mut values()), expected.norm, slack);
        // A vector of norm x has a sum of at most √N · x.
        let slack = slack * (after.len() as f64).sqrt();
        assert_close(&what("sum"), values().sum(), expected.sum, slack);
        for (k, &value) in expected.values.iter().enumerate() {
            let index = k * (after.len() - 1) / 3;
            let what = what(&format!("value {index}"));
            assert_close(&what, f64::from(after[index]), value, 2e-6);
        }
    }
}

fn check(architecture: Architecture, n: usize) {
    let reference: Reference =
        serde_json::from_str(include_str!("../../reference/fc_reference.json")).unwrap();
    let network = reference
        .networks
        .iter()
        .find(|network| network.architecture == architecture && network.n.get() == n)
        .unwrap();
    let images = Arc::new(dataset(
        ImageShape::GREY_28,
        CLASSES,
        TRAIN_IMAGES,
        TEST_IMAGES,
    ));
    let device = Device::flex();
    assert_eq!(network.runs.len(), 3);
    for run in &network.runs {
        let model = hashed_model(network, &device);
        let before = parameters(&model);
        let config = RunConfig {
            architecture,
            latent: network.n,
            lambda: run.lambda,
            // All images at once, so that their order does not matter.
            batch_size: TRAIN_IMAGES,
            ..RunConfig::default()
        };
        let mut trainer = Trainer::with_model(&config, images.clone(), &device, model).unwrap();
        assert_activations(&trainer, &network.activations);
        let lambda = run.lambda;
        let what = |when: &str| format!("λ = {lambda}, {when}");
        assert_metrics(&what("test before"), evaluate(&trainer), run.test_before);
        for _ in &run.steps {
            trainer.step();
        }
        let losses = trainer.take_losses().unwrap();
        assert_eq!(losses.len(), run.steps.len());
        for (found, &expected) in losses.iter().zip(&run.steps) {
            let step = [found.mse, found.ce, found.accuracy].map(f64::from);
            assert_metrics(&what(&format!("step {}", found.step)), step, expected);
        }
        assert_metrics(&what("test after"), evaluate(&trainer), run.test_after);
        assert_parameters(&before, &parameters(trainer.model()), &run.parameters);
    }
}

#[test]
fn fc_small_agrees_with_pytorch() {
    check(Architecture::FcSmall, 3);
}

#[test]
fn fc_medium_agrees_with_pytorch() {
    check(Architecture::FcMedium, 3);
}

#[test]
fn fc_medium_with_a_larger_latent_agrees_with_pytorch() {
    check(Architecture::FcMedium, 16);
}

#[test]
fn fc_large_agrees_with_pytorch() {
    check(Architecture::FcLarge, 3);
}
