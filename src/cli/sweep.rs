//! `cre-lab sweep`: trains all runs of a grid without a window.

use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::Args;
use crossbeam_channel::{Receiver, select};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    interrupt::interrupts,
    results::results_file,
    terminal::{print_above, print_message, progress_bar, stdout},
};
use crate::{
    format::{bytes, duration, plural},
    fs::open_regular,
    sweep::{
        Grid, Preset, Record, RunSpec, Shard, SweepCommand, SweepEnd, SweepEvent, SweepRunner,
        runner::{Progress, SweepEstimate, SweepOptions},
    },
    train::device::available_threads,
};

/// Largest size of a grid file, in bytes.
const MAX_GRID_SIZE: u64 = 1 << 20;
/// Length of the progress bar, in its own units.
const BAR_LENGTH: u64 = 10_000;

/// Options of `cre-lab sweep`.
#[derive(Clone, Debug, Args)]
pub struct SweepArgs {
    /// TOML file with the lists data, arch, latent, lambda and seed, and the settings shared by all
    /// runs; every key has a default, which --dry-run shows
    #[arg(
        value_name = "GRID.toml",
        required_unless_present = "preset",
        conflicts_with = "preset"
    )]
    pub grid: Option<PathBuf>,
    /// Ready-made grid: quick-look, figure-3-fc-mnist, figure-3, latent-size or complexity
    #[arg(long, value_name = "NAME")]
    pub preset: Option<Preset>,
    /// Results file, created if it does not exist; by default this user's own, whose path is
    /// printed
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Number of training threads; by default one per core
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub jobs: Option<u64>,
    /// Train only part I of N, with a results file of its own; “slurm”, or no value, takes both
    /// from the Slurm job array
    #[arg(long, value_name = "I/N|slurm", num_args = 0..=1, default_missing_value = "slurm", value_parser = parse_shard)]
    pub shard: Option<Shard>,
    /// Show the grid, the number of runs, and the estimated time and memory, then exit
    #[arg(long)]
    pub dry_run: bool,
    /// Repeat runs that are complete or have failed; a repeated run replaces the stored one when it
    /// is complete
    #[arg(long)]
    pub again: bool,
}

fn parse_shard(text: &str) -> Result<Shard, String> {
    if text == "slurm" {
        Shard::from_slurm(|name| std::env::var(name).ok())
    } else {
        text.parse()
    }
}

/// Trains the runs of the grid that are not in the results file yet. Ctrl-C abandons the runs in
/// training and keeps the others.
///
/// # Errors
/// When grid, data, device or file fails, or a run has failed.
pub fn run(args: &SweepArgs) -> anyhow::Result<()> {
    let grid = load_grid(args)?;
    let mut specs = grid.runs().with_context(|| match &args.grid {
        Some(file) => file.display().to_string(),
        None => "the grid".to_owned(),
    })?;
    let mut file = results_file(args.out.as_deref(), "--out")?;
    if let Some(shard) = args.shard {
        specs = shard.select(specs);
        file = shard.file(&file).with_context(|| {
            format!("“{}” does not name a file; give --out FILE", file.display())
        })?;
    }
    let jobs = args.jobs.and_then(|jobs| usize::try_from(jobs).ok());
    let options = SweepOptions {
        jobs: jobs.unwrap_or_else(available_threads),
        again: args.again,
        estimate_only: args.dry_run,
    };
    if args.dry_run {
        write!(stdout(), "{}", grid.to_toml()?)?;
    }
    let interrupts = interrupts()?;
    let runner = SweepRunner::spawn(specs.clone(), file.clone(), options, || {})
        .context("cannot start the sweep thread")?;
    let style = ProgressStyle::with_template("{bar:24} {prefix}  {msg}")?;
    let mut monitor = SweepMonitor {
        args,
        specs: &specs,
        file: &file,
        to_do: 0,
        failed: 0,
        finished: 0,
        bar: progress_bar(BAR_LENGTH, style.progress_chars("━━─")),
    };
    monitor.follow(&runner, &interrupts)
}

fn load_grid(args: &SweepArgs) -> anyhow::Result<Grid> {
    if let Some(preset) = args.preset {
        return Ok(preset.grid());
    }
    let path = args.grid.as_deref().context("no grid given")?;
    let text = read_grid_file(path).with_context(|| format!("cannot read {}", path.display()))?;
    Grid::parse(&text).with_context(|| path.display().to_string())
}

fn read_grid_file(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let size = open_regular(path)?
        .take(MAX_GRID_SIZE + 1)
        .read_to_string(&mut text)?;
    if size as u64 > MAX_GRID_SIZE {
        bail!("it is larger than {MAX_GRID_SIZE} bytes");
    }
    Ok(text)
}

/// Follows a sweep and shows its progress in the terminal.
struct SweepMonitor<'a> {
    args: &'a SweepArgs,
    specs: &'a [RunSpec],
    file: &'a Path,
    to_do: usize,
    failed: usize,
    finished: usize,
    bar: ProgressBar,
}

impl SweepMonitor<'_> {
    fn follow(&mut self, runner: &SweepRunner, interrupts: &Receiver<()>) -> anyhow::Result<()> {
        let mut is_cancelled = false;
        loop {
            select! {
                recv(runner.events()) -> event => {
                    match event.context("the sweep thread ended unexpectedly")? {
                        SweepEvent::Ended(end) => return self.on_end(end),
                        event => self.on_event(event)?,
                    }
                }
                recv(interrupts) -> _ => {
                    if is_cancelled {
                        bail!("interrupted; the complete runs are in {}", self.file.display());
                    }
                    is_cancelled = true;
                    self.print("Stopping. Press Ctrl-C again to quit at once");
                    runner.send(SweepCommand::Cancel);
                }
            }
        }
    }

    fn print(&self, line: &str) {
        print_above(&self.bar, line);
    }

    fn on_event(&mut self, event: SweepEvent) -> anyhow::Result<()> {
        match event {
            SweepEvent::Prepared(estimate) => {
                self.to_do = estimate.to_do();
                self.show_estimate(&estimate)?;
            }
            SweepEvent::Progress(progress) => self.show_progress(&progress),
            SweepEvent::Finished { run, record, .. } => {
                self.finished += 1;
                self.print(&format!("{}  {}", self.specs[run], result_line(&record)));
            }
            SweepEvent::Failed { run, reason } => {
                self.failed += 1;
                self.print(&format!("{} failed: {reason}", self.specs[run]));
            }
            SweepEvent::Skipped { run } => self.print(&format!("{} skipped", self.specs[run])),
            _ => {}
        }
        Ok(())
    }

    fn show_estimate(&self, estimate: &SweepEstimate) -> anyhow::Result<()> {
        for note in &estimate.notes {
            self.print(note);
        }
        let part = self.args.shard.map(|shard| format!(" in part {shard}"));
        let failed = match estimate.failed {
            0 => String::new(),
            failed => format!(" ({failed} failed; --again repeats all)"),
        };
        let mut lines = vec![format!(
            "{}{}, {} already done{failed}; results in {}",
            plural(estimate.runs, "run"),
            part.unwrap_or_default(),
            estimate.stored,
            self.file.display()
        )];
        if estimate.to_do() > 0 {
            lines.push(format!(
                "{} to do: about {} and {} of memory for up to {} networks side by side, on {}",
                estimate.to_do(),
                duration(estimate.seconds),
                bytes(estimate.bytes),
                estimate.side_by_side,
                estimate.devices.join(" and ")
            ));
        }
        if self.args.dry_run {
            // As comments, so that the output is a valid grid file.
            let mut out = stdout();
            for line in lines {
                writeln!(out, "# {line}")?;
            }
        } else {
            for line in lines {
                self.print(&line);
            }
        }
        Ok(())
    }

    fn show_progress(&self, progress: &Progress) {
        let [taken, total] = progress.steps;
        let spec = progress.running.first().map(|run| &self.specs[*run]);
        let epochs = spec.map_or(0, |spec| spec.epochs);
        self.bar
            .set_prefix(format!("{}/{} runs", progress.ended, self.to_do));
        self.bar.set_message(format!(
            "{} side by side ({}), epoch {}/{epochs}  {:.0} images/s  {} left",
            progress.running.len(),
            spec.map_or(String::new(), |spec| spec.config.architecture.to_string()),
            (taken * epochs).div_ceil(total.max(1)),
            progress.images_per_second,
            duration(progress.seconds_left)
        ));
        self.bar
            .set_position((progress.share * BAR_LENGTH as f64) as u64);
    }

    fn on_end(&self, end: SweepEnd) -> anyhow::Result<()> {
        self.bar.finish_and_clear();
        match end {
            SweepEnd::Failed(reason) => bail!(reason),
            SweepEnd::Cancelled => print_message(format_args!(
                "Stopped: {} of {} runs are complete. Run the same command again to resume",
                self.finished, self.to_do
            )),
            SweepEnd::Complete => {}
        }
        if self.failed > 0 {
            bail!(
                "{} of {} runs failed; the others are in {}",
                self.failed,
                self.to_do,
                self.file.display()
            );
        }
        if !self.args.dry_run {
            writeln!(stdout(), "{}", self.file.display())?;
        }
        Ok(())
    }
}

/// The results of a run in one line.
fn result_line(record: &Record) -> String {
    let Some(kept) = record.kept() else {
        return String::new();
    };
    let dead = match kept.dead_units {
        0 => String::new(),
        dead => format!("  {dead} of {} units dead", record.relu_units),
    };
    format!(
        "accuracy {:5.1} %  MSE {:.4}  epoch {}{dead}",
        kept.test.accuracy * 100.0,
        kept.test.mse,
        kept.epoch
    )
}
