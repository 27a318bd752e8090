//! Records for tests.

use super::{EvalSample, Reconstruction, Record, RunSpec};
use crate::{
    data::{BundledSet, DataSource, ImageShape},
    model::Lambda,
    train::{Evaluation, Metrics, Projection, RunConfig},
};

/// A run of FC Medium with n = 3 on MNIST that was evaluated once.
pub fn record(lambda: f64, seed: u64, accuracy: f64, mse: f64) -> Record {
    let lambda = Lambda::new(lambda).unwrap();
    Record {
        spec: RunSpec {
            data: DataSource::Bundled(BundledSet::Mnist),
            epochs: 10,
            config: RunConfig {
                lambda,
                seed,
                ..RunConfig::default()
            },
        },
        data_name: "MNIST".to_owned(),
        shape: ImageShape::GREY_28,
        class_names: BundledSet::Mnist.class_names(),
        program: "cre-lab".to_owned(),
        device: "no device".to_owned(),
        parameters: 971_781,
        latent_values: 3,
        relu_units: 3,
        evaluations: vec![Evaluation {
            epoch: 10,
            step: 190,
            lambda,
            train: None,
            test: Metrics {
                mse,
                ce: 1.0 - accuracy,
                accuracy,
            },
            dead_units: 0,
            images_per_second: 1e4,
        }],
        kept: 0,
        wall_seconds: 1.0,
        finished: 1_790_000_000,
        eval_sample: eval_sample(ImageShape::GREY_28, 10, lambda.value() as f32),
    }
}

/// A run with every latent unit dead.
pub fn dead_record(lambda: f64, seed: u64) -> Record {
    let mut record = record(lambda, seed, 0.1, 0.27);
    record.evaluations[0].dead_units = record.relu_units;
    record.eval_sample.points.fill([0.0; 3]);
    record
}

/// Fifty points per class on rays from the origin, and two images per class.
pub fn eval_sample(shape: ImageShape, classes: u8, lambda: f32) -> EvalSample {
    let labels: Vec<u8> = (0..classes).flat_map(|class| [class; 50]).collect();
    let point = |(place, class): (usize, &u8)| {
        let angle = (f32::from(*class) + lambda) * 0.6;
        let far = (place % 50) as f32 * 0.2;
        [
            angle.cos().abs() * far,
            angle.sin().abs() * far,
            far * f32::from(*class) / 10.0,
        ]
    };
    let cell = |place: u8| Reconstruction {
        index: u32::from(place),
        label: place / 2,
        predicted: if place == 7 { 0 } else { place / 2 },
        mse: 0.1 + f32::from(place) / 100.0,
        input: (0..shape.pixels())
            .map(|pixel| (pixel % 251) as u8)
            .collect(),
        reconstruction: vec![100u8.wrapping_add(place); shape.pixels()],
    };
    EvalSample {
        points: labels.iter().enumerate().map(point).collect(),
        projection: Projection::Coordinates,
        predicted: labels.clone(),
        labels,
        reconstructions: (0..2 * classes).map(cell).collect(),
    }
}
