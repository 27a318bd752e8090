//! The CSV columns of an evaluation.

use crate::train::{Evaluation, Metrics};

/// Names of the columns of [`progress`].
pub(super) const PROGRESS: [&str; 2] = ["epoch", "step"];

/// Names of the columns of [`metrics`].
pub(super) const METRICS: [&str; 8] = [
    "train_mse",
    "train_ce",
    "train_accuracy",
    "test_mse",
    "test_ce",
    "test_accuracy",
    "dead_units",
    "images_per_second",
];

/// Epochs and steps before the evaluation.
pub(super) fn progress(evaluation: &Evaluation) -> [String; 2] {
    [evaluation.epoch.to_string(), evaluation.step.to_string()]
}

/// Results of the evaluation; training metrics are empty before the first epoch.
pub(super) fn metrics(evaluation: &Evaluation) -> [String; 8] {
    let train = |metric: fn(&Metrics) -> f64| {
        let metrics = evaluation.train.as_ref();
        metrics.map_or(String::new(), |metrics| metric(metrics).to_string())
    };
    [
        train(|metrics| metrics.mse),
        train(|metrics| metrics.ce),
        train(|metrics| metrics.accuracy),
        evaluation.test.mse.to_string(),
        evaluation.test.ce.to_string(),
        evaluation.test.accuracy.to_string(),
        evaluation.dead_units.to_string(),
        format!("{:.1}", evaluation.images_per_second),
    ]
}
