//! Runs as CSV and JSON.

use serde::Serialize;

use crate::{
    cli::columns,
    sweep::{Record, RunSpec, store::StoredRun},
    train::Evaluation,
};

/// The first columns of every row: what identifies a run.
const RUN_COLUMNS: [&str; 9] = [
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

fn run_fields(stored: &StoredRun) -> Vec<String> {
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

/// One row per run.
pub(super) fn runs_csv(runs: &[StoredRun]) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let other_columns = [
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
    writer.write_record(RUN_COLUMNS.iter().chain(&other_columns))?;
    for stored in runs {
        let record = &stored.record;
        let Some(kept) = record.kept() else { continue };
        let mut row = run_fields(stored);
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

/// One row per evaluation of each run.
pub(super) fn epochs_csv(runs: &[StoredRun]) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let names = RUN_COLUMNS
        .iter()
        .chain(&columns::PROGRESS)
        .chain(&columns::METRICS);
    writer.write_record(names.chain(&["kept"]))?;
    for stored in runs {
        for (index, evaluation) in stored.record.evaluations.iter().enumerate() {
            let mut row = run_fields(stored);
            row.extend(columns::progress(evaluation));
            row.extend(columns::metrics(evaluation));
            row.push(u8::from(index == stored.record.kept).to_string());
            writer.write_record(row)?;
        }
    }
    Ok(writer.into_inner()?)
}

/// All settings and metrics as a JSON list, without evaluation samples.
pub(super) fn json<'a>(runs: &'a [StoredRun]) -> anyhow::Result<Vec<u8>> {
    let run = |stored: &'a StoredRun| {
        let record = &stored.record;
        RunJson {
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
            relu_units: record.relu_units,
            wall_seconds: record.wall_seconds,
            finished: record.finished,
            kept: record.kept,
            evaluations: &record.evaluations,
        }
    };
    let mut bytes = serde_json::to_vec_pretty(&runs.iter().map(run).collect::<Vec<_>>())?;
    bytes.push(b'\n');
    Ok(bytes)
}

#[derive(Serialize)]
struct RunJson<'a> {
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
    #[serde(rename = "mortal_units")]
    relu_units: usize,
    wall_seconds: f64,
    finished: u64,
    kept: usize,
    evaluations: &'a [Evaluation],
}
