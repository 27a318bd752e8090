//! Runs as CSV and JSON.

use serde::Serialize;

use crate::{
    cli::columns,
    sweep::{Record, RunSpec, store::StoredRun},
    train::{Evaluation, Metrics},
};

/// What tells a run from the others, at the beginning of each row.
const RUN: [&str; 9] = [
    "run",
    "data",
    "data_name",
    "arch",
    "latent",
    "lambda",
    "seed",
    "epochs",
    "parameters",
];

fn run(stored: &StoredRun) -> Vec<String> {
    let Record {
        spec, data_name, ..
    } = &stored.record;
    vec![
        stored.id.to_string(),
        spec.data.to_string(),
        data_name.clone(),
        spec.config.architecture.id().to_owned(),
        stored.record.latent_values.to_string(),
        spec.config.lambda.to_string(),
        spec.config.seed.to_string(),
        spec.epochs.to_string(),
        stored.record.parameters.to_string(),
    ]
}

/// A row for each run.
pub(super) fn csv(runs: &[StoredRun]) -> anyhow::Result<Vec<u8>> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let more = [
        "batch_size",
        "learning_rate",
        "kept_epoch",
        "test_mse",
        "test_ce",
        "test_accuracy",
        "dead_units",
        "mortal_units",
        "wall_seconds",
        "finished",
        "device",
        "program",
        "data_sha256",
        "key",
    ];
    writer.write_record(RUN.iter().chain(&more))?;
    for stored in runs {
        let record = &stored.record;
        let Some(kept) = record.kept() else { continue };
        let mut row = run(stored);
        row.extend([
            record.spec.config.batch_size.to_string(),
            record.spec.config.learning_rate.to_string(),
            kept.epoch.to_string(),
            kept.test.mse.to_string(),
            kept.test.ce.to_string(),
            kept.test.accuracy.to_string(),
            kept.dead_units.to_string(),
            record.relu_units.to_string(),
            format!("{:.3}", record.wall_seconds),
            record.finished.to_string(),
            record.device.clone(),
            record.program.clone(),
            stored.data.to_string(),
            stored.key.to_string(),
        ]);
        writer.write_record(row)?;
    }
    Ok(writer.into_inner()?)
}

/// A row for each epoch of each run.
pub(super) fn epochs_csv(runs: &[StoredRun]) -> anyhow::Result<Vec<u8>> {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    let names = RUN.iter().chain(&columns::MOMENT).chain(&columns::FOUND);
    writer.write_record(names.chain(&["kept"]))?;
    for stored in runs {
        for (place, evaluation) in stored.record.evaluations.iter().enumerate() {
            let mut row = run(stored);
            row.extend(columns::moment(evaluation));
            row.extend(columns::found(evaluation));
            row.push(u8::from(place == stored.record.kept).to_string());
            writer.write_record(row)?;
        }
    }
    Ok(writer.into_inner()?)
}

/// All but the portraits.
pub(super) fn json(runs: &[StoredRun]) -> anyhow::Result<Vec<u8>> {
    let runs: Vec<Exported<'_>> = runs.iter().map(Exported::of).collect();
    let mut bytes = serde_json::to_vec_pretty(&runs)?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[derive(Serialize)]
struct Exported<'a> {
    run: i64,
    key: String,
    data_sha256: String,
    data_name: &'a str,
    class_names: &'a [String],
    spec: &'a RunSpec,
    program: &'a str,
    device: &'a str,
    parameters: usize,
    latent_values: usize,
    mortal_units: usize,
    wall_seconds: f64,
    finished: u64,
    kept: usize,
    evaluations: Vec<ExportedEvaluation>,
}

#[derive(Serialize)]
struct ExportedEvaluation {
    epoch: u64,
    step: u64,
    lambda: f64,
    train: Option<ExportedMetrics>,
    test: ExportedMetrics,
    dead_units: usize,
    images_per_second: f64,
}

#[derive(Serialize)]
struct ExportedMetrics {
    mse: f64,
    ce: f64,
    accuracy: f64,
}

impl<'a> Exported<'a> {
    fn of(stored: &'a StoredRun) -> Self {
        let record = &stored.record;
        Self {
            run: stored.id,
            key: stored.key.to_string(),
            data_sha256: stored.data.to_string(),
            data_name: &record.data_name,
            class_names: &record.class_names,
            spec: &record.spec,
            program: &record.program,
            device: &record.device,
            parameters: record.parameters,
            latent_values: record.latent_values,
            mortal_units: record.relu_units,
            wall_seconds: record.wall_seconds,
            finished: record.finished,
            kept: record.kept,
            evaluations: record.evaluations.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Evaluation> for ExportedEvaluation {
    fn from(evaluation: &Evaluation) -> Self {
        Self {
            epoch: evaluation.epoch,
            step: evaluation.step,
            lambda: evaluation.lambda.value(),
            train: evaluation.train.map(Into::into),
            test: evaluation.test.into(),
            dead_units: evaluation.dead_units,
            images_per_second: evaluation.images_per_second,
        }
    }
}

impl From<Metrics> for ExportedMetrics {
    fn from(Metrics { mse, ce, accuracy }: Metrics) -> Self {
        Self { mse, ce, accuracy }
    }
}
