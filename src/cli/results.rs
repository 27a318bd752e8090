//! `cre-lab results`: lists, shows, exports and merges finished runs.

mod export;

use std::{
    io::Write as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand, ValueEnum};

use super::{Overwrite, overwrite::cannot_write, terminal::stdout};
use crate::{
    format::{duration, plural},
    fs::{check_output, write_whole},
    sweep::{
        Store,
        store::{self, StoredRun},
    },
};

/// Options of `cre-lab results`.
#[derive(Clone, Debug, Args)]
pub struct ResultsArgs {
    #[command(subcommand)]
    command: ResultsCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum ResultsCommand {
    /// List all runs, one line each
    List(FromArgs),
    /// Show one run with its metrics after every epoch
    Show(ShowArgs),
    /// Export all runs as CSV or JSON
    Export(ExportArgs),
    /// Merge files into one; of runs with the same settings the latest is kept
    Merge(MergeArgs),
}

#[derive(Clone, Debug, Args)]
pub(super) struct FromArgs {
    /// Results file; by default this user's own
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
struct ShowArgs {
    /// Id of the run, as shown by cre-lab results list
    #[arg(value_name = "RUN")]
    run: i64,
    #[command(flatten)]
    from: FromArgs,
}

#[derive(Clone, Debug, Args)]
struct ExportArgs {
    #[command(flatten)]
    from: FromArgs,
    /// csv has one row per run; json has all settings and metrics, and no images
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Write one row per epoch instead of one per run (csv only)
    #[arg(long)]
    epochs: bool,
    /// File to write; by default standard output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    overwrite: Overwrite,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Json,
}

#[derive(Clone, Debug, Args)]
struct MergeArgs {
    /// Results files to merge
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Results file to merge into, created if it does not exist; its own runs are kept
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl FromArgs {
    /// Opens the file, which must exist.
    pub(super) fn open(&self) -> anyhow::Result<Store> {
        let file = results_file(self.from.as_deref(), "--from")?;
        Ok(Store::open_existing(&file)?)
    }
}

/// The results file that `option` names or, without it, the default file of this user.
pub(super) fn results_file(file: Option<&Path>, option: &str) -> anyhow::Result<PathBuf> {
    let file = file.map(Path::to_owned).or_else(store::default_file);
    file.with_context(|| {
        format!("the default results file is unknown on this system; give {option} FILE")
    })
}

/// Runs `cre-lab results`.
///
/// # Errors
/// When a file cannot be read or written, or a run does not exist.
pub fn run(args: &ResultsArgs) -> anyhow::Result<()> {
    let out = match &args.command {
        ResultsCommand::List(from) => list(&from.open()?)?,
        ResultsCommand::Show(args) => show(&args.from.open()?, args.run)?,
        ResultsCommand::Export(args) => return export(args),
        ResultsCommand::Merge(args) => merge(args)?,
    };
    stdout().write_all(out.as_bytes())?;
    Ok(())
}

fn list(store: &Store) -> anyhow::Result<String> {
    let runs = store.runs()?;
    let mut lines = vec![format!(
        "{:>5}  {:<14} {:<10} {:>5} {:>7} {:>7} {:>6} {:>8} {:>9} {:>8}  time",
        "run", "data", "network", "z", "λ", "seed", "epoch", "accuracy", "MSE", "dead"
    )];
    lines.extend(runs.iter().filter_map(list_line));
    let failures = store.failures()?;
    lines.push(total(runs.len(), store));
    if !failures.is_empty() {
        lines.push(format!("{} failed:", plural(failures.len(), "run")));
        let failures = failures.iter().map(|(.., failure)| failure);
        lines.extend(failures.map(|failure| format!("  {}: {}", failure.spec, failure.reason)));
    }
    Ok(lines.join("\n") + "\n")
}

fn list_line(stored: &StoredRun) -> Option<String> {
    let record = &stored.record;
    let config = &record.spec.config;
    let kept = record.kept()?;
    Some(format!(
        "{:>5}  {:<14} {:<10} {:>5} {:>7} {:>7} {:>6} {:>6.1} % {:>9.4} {:>8}  {}",
        stored.id,
        record.data_name,
        config.architecture,
        record.latent_values,
        config.lambda.to_string(),
        config.seed,
        format!("{}/{}", kept.epoch, record.spec.epochs),
        kept.test.accuracy * 100.0,
        kept.test.mse,
        format!("{}/{}", kept.dead_units, record.relu_units),
        duration(record.wall_seconds)
    ))
}

fn show(store: &Store, run: i64) -> anyhow::Result<String> {
    let Some(stored) = store.run(run)? else {
        bail!("{} contains no run {run}", store.file().display());
    };
    let record = &stored.record;
    let (parameters, latent) = (record.parameters, record.latent_values);
    let (config, epochs) = (&record.spec.config, record.spec.epochs);
    let (batch, rate) = (config.batch_size, config.learning_rate);
    let mut lines = vec![
        record.spec.to_string(),
        format!(
            "data set        {} ({} images of {} classes, SHA-256 {})",
            record.data_name,
            record.shape,
            record.class_names.len(),
            stored.data
        ),
        format!("network         {parameters} parameters, {latent} latent values"),
        format!("settings        batch {batch}, learning rate {rate}, {epochs} epochs"),
        format!(
            "trained by      {} on {} in {}",
            record.program,
            record.device,
            duration(record.wall_seconds)
        ),
        format!("key             {}", stored.key),
        String::new(),
        "epoch   test MSE    test CE  accuracy      L(λ)  dead  images/s".to_owned(),
    ];
    for (index, evaluation) in record.evaluations.iter().enumerate() {
        lines.push(format!(
            "{:>5} {:>10.4} {:>10.4} {:>7.1} % {:>9.4} {:>5} {:>9.0}{}",
            evaluation.epoch,
            evaluation.test.mse,
            evaluation.test.ce,
            evaluation.test.accuracy * 100.0,
            evaluation.test.loss(evaluation.lambda),
            evaluation.dead_units,
            evaluation.images_per_second,
            if index == record.kept { "  kept" } else { "" }
        ));
    }
    Ok(lines.join("\n") + "\n")
}

fn export(args: &ExportArgs) -> anyhow::Result<()> {
    if args.epochs && args.format == Format::Json {
        bail!("--epochs requires --format csv; json always has all epochs");
    }
    let existing = args.overwrite.existing();
    if let Some(file) = &args.to {
        check_output(file, existing).map_err(|error| cannot_write(file, &error))?;
    }
    let runs = args.from.open()?.runs()?;
    let bytes = match args.format {
        Format::Csv if args.epochs => export::epochs_csv(&runs)?,
        Format::Csv => export::runs_csv(&runs)?,
        Format::Json => export::json(&runs)?,
    };
    match &args.to {
        Some(file) => {
            write_whole(file, &bytes, existing).map_err(|error| cannot_write(file, &error))
        }
        None => Ok(stdout().write_all(&bytes)?),
    }
}

fn merge(args: &MergeArgs) -> anyhow::Result<String> {
    let sources = args.files.iter().map(|file| Store::open_existing(file));
    let sources = sources.collect::<Result<Vec<_>, _>>()?;
    let mut target = Store::open(&args.out)?;
    let mut lines = Vec::new();
    for source in &sources {
        let merged = target.merge(source)?;
        let (file, added) = (source.file().display(), plural(merged.added, "run"));
        let (existing, failed) = (merged.existing, merged.failed);
        lines.push(format!(
            "{file}: {added} added, {existing} already present, {failed} failed"
        ));
    }
    lines.push(total(target.ids()?.len(), &target));
    Ok(lines.join("\n") + "\n")
}

fn total(runs: usize, store: &Store) -> String {
    format!("{} in {}", plural(runs, "run"), store.file().display())
}
