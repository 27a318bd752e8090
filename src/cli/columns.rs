//! An evaluation in the columns of a table.

use crate::train::{Evaluation, Metrics};

/// Names of the columns that tell when it was made.
pub(super) const MOMENT: [&str; 2] = ["epoch", "step"];

/// Names of the columns that tell what it found.
pub(super) const FOUND: [&str; 8] = [
    "train_mse",
    "train_ce",
    "train_accuracy",
    "test_mse",
    "test_ce",
    "test_accuracy",
    "dead_units",
    "images_per_second",
];

/// The columns of [`MOMENT`].
pub(super) fn moment(evaluation: &Evaluation) -> [String; 2] {
    [evaluation.epoch.to_string(), evaluation.step.to_string()]
}

/// The columns of [`FOUND`]; those of the training images are empty where there was no training yet.
pub(super) fn found(evaluation: &Evaluation) -> [String; 8] {
    let train = |pick: fn(&Metrics) -> f64| {
        let means = evaluation.train.as_ref();
        means.map_or(String::new(), |means| pick(means).to_string())
    };
    [
        train(|means| means.mse),
        train(|means| means.ce),
        train(|means| means.accuracy),
        evaluation.test.mse.to_string(),
        evaluation.test.ce.to_string(),
        evaluation.test.accuracy.to_string(),
        evaluation.dead_units.to_string(),
        format!("{:.1}", evaluation.images_per_second),
    ]
}
