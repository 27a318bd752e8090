//! What the comparisons with PyTorch share: hashed weights, and records of what they lead to.

use burn::{
    module::{ModuleMapper, Param},
    tensor::{Tensor, TensorData},
};
use cre_lab::train::{Trainer, trainer::floats};
use serde::Deserialize;

use crate::common::stream;

pub const CLASSES: usize = 10;
pub const TRAIN_IMAGES: usize = 16;
pub const TEST_IMAGES: usize = 8;

/// Puts the hashed values into a model, as `reference/make_*.py` do.
pub struct Fill {
    salt: u32,
    tensor: u32,
    fan_in: usize,
    path: Vec<String>,
}

impl Fill {
    pub fn new(salt: u32) -> Self {
        Self {
            salt,
            tensor: 0,
            fan_in: 1,
            path: Vec::new(),
        }
    }

    /// Middle and spread of the values of the tensor at hand.
    fn range(&self) -> (f64, f64) {
        let mut names = self.path.iter().rev().map(String::as_str);
        let (name, owner) = (
            names.next().unwrap_or_default(),
            names.next().unwrap_or_default(),
        );
        match name {
            "weight" if owner.starts_with("norm") => (1.0, 0.5),
            "bias" if owner.starts_with("norm") => (0.0, 0.5),
            "running_variance" => (1.0, 0.5),
            "running_mean" => (0.0, 0.2),
            "class_token" | "mask_token" => (0.0, 0.5),
            _ => (0.0, 1.0 / (self.fan_in as f64).sqrt()),
        }
    }
}

impl ModuleMapper for Fill {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let dims = param.dims();
        match D {
            2 => self.fan_in = dims[0],
            4 => self.fan_in = dims[1..].iter().product(),
            // A bias follows its weight and shares its bound.
            _ => {}
        }
        let (middle, spread) = self.range();
        let unit = |word: u32| f64::from(word) / 2f64.powi(32) * 2.0 - 1.0;
        let values: Vec<f32> = stream(self.salt * 1000 + self.tensor)
            .map(|word| (middle + unit(word) * spread) as f32)
            .take(dims.iter().product())
            .collect();
        self.tensor += 1;
        param.map(|old| Tensor::from_data(TensorData::new(values, dims), &old.device()))
    }
}

#[track_caller]
pub fn assert_close(what: &str, found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: {found} instead of {expected} ± {tolerance}"
    );
}

/// Of the test images, in evaluation, before training.
#[derive(Deserialize)]
pub struct Forward {
    /// Every 17th value of z of the first images.
    latent: Vec<Vec<f64>>,
    logits: Vec<Vec<f64>>,
    /// Every 97th value.
    reconstruction: Vec<Vec<f64>>,
    /// MSE, CE, accuracy, as everywhere.
    losses: [f64; 3],
}

pub fn assert_forward(trainer: &Trainer, expected: &Forward) {
    let images = expected.logits.len() as u32;
    let indices: Vec<u32> = (0..images).collect();
    let named = [
        ("latent", &expected.latent, 17),
        ("logits", &expected.logits, 1),
        ("reconstruction", &expected.reconstruction, 97),
    ];
    for (index, (name, expected, stride)) in named.into_iter().enumerate() {
        let rows = trainer
            .map_test_images(&indices, |model, images| {
                let output = model.forward(images);
                let tensor = [output.latent, output.logits, output.reconstruction];
                let tensor = tensor[index].clone();
                let width = tensor.dims()[1];
                let values = floats(tensor)?;
                Ok(values.chunks(width).map(<[f32]>::to_vec).collect())
            })
            .unwrap();
        for (image, (row, expected)) in rows.iter().zip(expected).enumerate() {
            assert_eq!(row.len().div_ceil(stride), expected.len());
            for (index, (found, expected)) in row.iter().step_by(stride).zip(expected).enumerate() {
                let what = format!("{name} {index} of image {image}");
                assert_close(&what, f64::from(*found), *expected, 2e-6);
            }
        }
    }
    let found = trainer.evaluate().unwrap();
    let [mse, ce, accuracy] = expected.losses;
    assert_close("test MSE", found.mse, mse, 1e-6);
    assert_close("test CE", found.ce, ce, 1e-6);
    assert_eq!(found.accuracy, accuracy);
}

/// A parameter after training.
#[derive(Deserialize)]
pub struct Parameter {
    /// Where only rounding errors move it: no part of all that follows.
    #[serde(default)]
    idle: [usize; 2],
    sum: f64,
    norm: f64,
    /// Length of the way from the initial values.
    moved: f64,
    /// The first, the last and two between.
    values: [f64; 4],
}

/// Compares parameters after training; `slack` is what they may be off for each unit of their way.
pub fn assert_moved(
    before: &[Vec<f32>],
    after: &[Vec<f32>],
    expected: &[Option<Parameter>],
    slack: f64,
) {
    assert_eq!(after.len(), expected.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    for (tensor, ((before, after), expected)) in before.iter().zip(after).zip(expected).enumerate()
    {
        let Some(expected) = expected else { continue };
        let what = |part: &str| format!("{part} of parameter {tensor}");
        let busy = |values: &[f32]| -> Vec<f64> {
            let [start, end] = expected.idle;
            let values = values[..start].iter().chain(&values[end..]);
            values.copied().map(f64::from).collect()
        };
        let (before, after) = (busy(before), busy(after));
        let moved = norm(&mut after.iter().zip(&before).map(|(new, old)| new - old));
        // The record has nine digits.
        let slack = slack * expected.moved + 1e-8 * expected.norm;
        assert_close(&what("way"), moved, expected.moved, slack);
        assert_close(
            &what("norm"),
            norm(&mut after.iter().copied()),
            expected.norm,
            slack,
        );
        let sum: f64 = after.iter().sum();
        assert_close(&what("sum"), sum, expected.sum, 3.0 * slack);
        for (k, &value) in expected.values.iter().enumerate() {
            let index = k * (after.len() - 1) / 3;
            let what = what(&format!("value {index}"));
            assert_close(&what, after[index], value, slack);
        }
    }
}

/// Compares running means and variances.
pub fn assert_statistics(found: &[Vec<f32>], expected: &[Vec<f64>]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert_close("running statistic", f64::from(*found), *expected, 1e-6);
        }
    }
}
