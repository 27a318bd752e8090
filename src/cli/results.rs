//! `cre-lab results`: finished runs as lists, files and one joined file.

mod export;

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Subcommand, ValueEnum};

use super::Overwrite;
use crate::{
    format::duration,
    fs::{check_output, write_whole},
    sweep::{
        Store,
        store::{self, StoredRun},
    },
};

/// Look at finished runs, export them, join files of several machines
#[derive(Clone, Debug, Args)]
pub struct ResultsArgs {
    #[command(subcommand)]
    command: ResultsCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum ResultsCommand {
    /// Show one line for each run
    List(FromArgs),
    /// Show one run with the metrics of every epoch
    Show(ShowArgs),
    /// Write all runs as CSV or JSON
    Export(ExportArgs),
    /// Join files into one, each run once; of two runs with the same settings the later one stays
    Merge(MergeArgs),
}

#[derive(Clone, Debug, Args)]
pub(super) struct FromArgs {
    /// File of results; by default the one of this user
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
struct ShowArgs {
    /// Number of the run, as `list` shows it
    #[arg(value_name = "RUN")]
    run: i64,
    #[command(flatten)]
    from: FromArgs,
}

#[derive(Clone, Debug, Args)]
struct ExportArgs {
    #[command(flatten)]
    from: FromArgs,
    /// csv has a row for each run, json all but the pictures
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// A row for each epoch of each run instead (csv)
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
    /// Files to join
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// File that takes them all, made if it is not there; what is in it stays
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl FromArgs {
    /// Opens the file, which must be there.
    pub(super) fn open(&self) -> anyhow::Result<Store> {
        let file = match &self.from {
            Some(file) => file.clone(),
            None => store::default_file()
                .context("this system has no place for a user's data; give --from FILE")?,
        };
        Ok(Store::open_existing(&file)?)
    }
}

/// Runs `cre-lab results`.
///
/// # Errors
/// When a file cannot be read or written, or holds no such run.
pub fn run(args: &ResultsArgs) -> anyhow::Result<()> {
    let out = match &args.command {
        ResultsCommand::List(from) => list(&from.open()?)?,
        ResultsCommand::Show(args) => show(&args.from.open()?, args.run)?,
        ResultsCommand::Export(args) => return export(args),
        ResultsCommand::Merge(args) => merge(args)?,
    };
    std::io::stdout().lock().write_all(out.as_bytes())?;
    Ok(())
}

fn list(store: &Store) -> anyhow::Result<String> {
    let runs = store.runs()?;
    let mut lines = vec![format!(
        "{:>5}  {:<14} {:<10} {:>5} {:>7} {:>7} {:>6} {:>8} {:>9} {:>8}  took",
        "run", "data", "network", "z", "λ", "seed", "epoch", "accuracy", "MSE", "dead"
    )];
    lines.extend(runs.iter().filter_map(line));
    let failures = store.failures()?;
    lines.push(format!("{} runs in {}", runs.len(), store.file().display()));
    if !failures.is_empty() {
        lines.push(format!("{} runs have failed:", failures.len()));
        lines.extend(
            failures
                .iter()
                .map(|(.., failure)| format!("  {}: {}", failure.spec, failure.reason)),
        );
    }
    Ok(lines.join("\n") + "\n")
}

fn line(stored: &StoredRun) -> Option<String> {
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
        bail!("{} holds no run {run}", store.file().display());
    };
    let record = &stored.record;
    let mut lines = vec![
        record.spec.to_string(),
        format!(
            "data set        {} ({} images of {} classes, SHA-256 {})",
            record.data_name,
            record.shape,
            record.class_names.len(),
            stored.data
        ),
        format!(
            "network         {} parameters, {} values of z",
            record.parameters, record.latent_values
        ),
        format!(
            "settings        batch {}, learning rate {}, {} epochs",
            record.spec.config.batch_size, record.spec.config.learning_rate, record.spec.epochs
        ),
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
    for (place, evaluation) in record.evaluations.iter().enumerate() {
        lines.push(format!(
            "{:>5} {:>10.4} {:>10.4} {:>7.1} % {:>9.4} {:>5} {:>9.0}{}",
            evaluation.epoch,
            evaluation.test.mse,
            evaluation.test.ce,
            evaluation.test.accuracy * 100.0,
            evaluation.test.loss(evaluation.lambda),
            evaluation.dead_units,
            evaluation.images_per_second,
            if place == record.kept { "  kept" } else { "" }
        ));
    }
    Ok(lines.join("\n") + "\n")
}

fn export(args: &ExportArgs) -> anyhow::Result<()> {
    if args.epochs && args.format == Format::Json {
        bail!("--epochs is for csv; json has every epoch as it is");
    }
    let existing = args.overwrite.existing();
    if let Some(file) = &args.to {
        check_output(file, existing).map_err(|error| cannot_write(file, &error))?;
    }
    let runs = args.from.open()?.runs()?;
    let bytes = match args.format {
        Format::Csv if args.epochs => export::epochs_csv(&runs)?,
        Format::Csv => export::csv(&runs)?,
        Format::Json => export::json(&runs)?,
    };
    match &args.to {
        Some(file) => {
            write_whole(file, &bytes, existing).map_err(|error| cannot_write(file, &error))
        }
        None => Ok(std::io::stdout().lock().write_all(&bytes)?),
    }
}

fn cannot_write(file: &Path, error: &io::Error) -> anyhow::Error {
    let way_on = match error.kind() {
        io::ErrorKind::AlreadyExists => "; choose another name, or replace it with --overwrite",
        _ => "",
    };
    anyhow!("cannot write {}: {error}{way_on}", file.display())
}

fn merge(args: &MergeArgs) -> anyhow::Result<String> {
    let sources = args
        .files
        .iter()
        .map(|file| Store::open_existing(file))
        .collect::<Result<Vec<_>, _>>()?;
    let mut joined = Store::open(&args.out)?;
    let mut lines = Vec::new();
    for source in &sources {
        let merged = joined.merge(source)?;
        lines.push(format!(
            "{}: {} runs added, {} there already, {} failed",
            source.file().display(),
            merged.added,
            merged.known,
            merged.failed
        ));
    }
    lines.push(format!(
        "{} runs in {}",
        joined.ids()?.len(),
        joined.file().display()
    ));
    Ok(lines.join("\n") + "\n")
}
