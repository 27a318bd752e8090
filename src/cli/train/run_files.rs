//! The text files of a run: `metrics.csv` and `config.toml`.

use std::path::Path;

use serde::Serialize;

use crate::{
    cli::{columns, overwrite::cannot_write},
    data::DataSource,
    fs::{Existing, write_whole},
    train::{Evaluation, RunConfig},
};

/// The contents of `config.toml`.
#[derive(Serialize)]
pub(super) struct ConfigFile<'a> {
    /// Name and version of this program.
    pub program: &'static str,
    pub data: &'a DataSource,
    pub epochs: u64,
    pub device_used: &'a str,
    pub run: &'a RunConfig,
}

impl ConfigFile<'_> {
    /// Writes the file, replacing an existing one.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = toml::to_string_pretty(self)?;
        write(path, text.as_bytes(), Existing::Replace)
    }
}

/// Writes one row per evaluation.
pub(super) fn write_metrics(
    path: &Path,
    evaluations: &[Evaluation],
    existing: Existing,
) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let names = columns::PROGRESS.iter().chain(&["lambda"]);
    writer.write_record(names.chain(&columns::METRICS))?;
    for evaluation in evaluations {
        let mut row = columns::progress(evaluation).to_vec();
        row.push(evaluation.lambda.to_string());
        row.extend(columns::metrics(evaluation));
        writer.write_record(row)?;
    }
    write(path, &writer.into_inner()?, existing)
}

fn write(path: &Path, bytes: &[u8], existing: Existing) -> anyhow::Result<()> {
    write_whole(path, bytes, existing).map_err(|error| cannot_write(path, &error))
}
