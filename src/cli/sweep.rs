//! `cre-lab sweep`: every run of a grid, without a window.

use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::Args;
use crossbeam_channel::{Receiver, bounded, select};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{
    format::{bytes, duration},
    fs::open_regular,
    sweep::{
        Grid, Preset, Record, RunSpec, Shard, SweepCommand, SweepEnd, SweepEvent, SweepRunner,
        runner::{Progress, SweepEstimate, SweepOptions},
        store,
    },
    train::device::available_threads,
};

/// The largest grid file that is read, in bytes.
const MAX_GRID: u64 = 1 << 20;
/// Length of the progress bar in its own units.
const BAR: u64 = 10_000;

/// Options of `cre-lab sweep`.
#[derive(Clone, Debug, Args)]
pub struct SweepArgs {
    /// A TOML file: lists data, arch, latent, lambda and seed, and what all runs share; every key has a
    /// default, which --dry-run shows
    #[arg(
        value_name = "GRID.toml",
        required_unless_present = "preset",
        conflicts_with = "preset"
    )]
    pub grid: Option<PathBuf>,
    /// A grid that is ready: quick-look, figure-3-fc-mnist, figure-3, latent-size or complexity
    #[arg(long, value_name = "NAME")]
    pub preset: Option<Preset>,
    /// File of results, made if it is not there; by default the one of this user, which the command names
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Threads that train; by default as many as there are cores
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub jobs: Option<u64>,
    /// Do only part I of N, into a file of its own; “slurm”, or no value, takes both from the job array
    #[arg(long, value_name = "I/N|slurm", num_args = 0..=1, default_missing_value = "slurm", value_parser = parse_shard)]
    pub shard: Option<Shard>,
    /// Show the grid, the number of runs, and what they will take; do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do again what is done or has failed; a run replaces its older self when it is done
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

/// Does the runs of the grid that the file does not have yet. Ctrl-C gives up those under way and keeps
/// the others.
///
/// # Errors
/// When grid, data, device or file fail, or a run has failed.
pub fn run(args: &SweepArgs) -> anyhow::Result<()> {
    let grid = grid(args)?;
    let of_whole = |error| anyhow::Error::new(error).context(name(args));
    let mut specs = grid.runs().map_err(of_whole)?;
    let mut file = match &args.out {
        Some(file) => file.clone(),
        None => store::default_file()
            .context("this system has no place for a user's data; give --out FILE")?,
    };
    if let Some(shard) = args.shard {
        specs = shard.select(specs);
        file = shard.file(&file).with_context(|| {
            format!("“{}” does not name a file; give --out FILE", file.display())
        })?;
    }
    let options = SweepOptions {
        jobs: args
            .jobs
            .and_then(|jobs| usize::try_from(jobs).ok())
            .unwrap_or_else(available_threads),
        again: args.again,
        estimate_only: args.dry_run,
    };
    if args.dry_run {
        print!("{}", grid.to_toml()?);
    }
    let (stop, stopped) = bounded(1);
    ctrlc::set_handler(move || {
        let _ = stop.try_send(());
    })
    .context("cannot listen for Ctrl-C")?;
    let conductor = SweepRunner::spawn(specs.clone(), file.clone(), options, || {})
        .context("cannot start the thread of the sweep")?;
    Watch {
        args,
        specs: &specs,
        file: &file,
        to_do: 0,
        failed: 0,
        finished: 0,
        bar: ProgressBar::new(BAR).with_style(
            ProgressStyle::with_template("{bar:24} {prefix}  {msg}")?.progress_chars("━━─"),
        ),
    }
    .follow(&conductor, &stopped)
}

/// What the grid is called in errors.
fn name(args: &SweepArgs) -> String {
    match &args.grid {
        Some(file) => file.display().to_string(),
        None => "the grid".to_owned(),
    }
}

fn grid(args: &SweepArgs) -> anyhow::Result<Grid> {
    if let Some(preset) = args.preset {
        return Ok(preset.grid());
    }
    let path = args.grid.as_deref().context("there is no grid")?;
    let text = read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Grid::parse(&text).with_context(|| path.display().to_string())
}

fn read(path: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = open_regular(path)?
        .take(MAX_GRID + 1)
        .read_to_string(&mut text)?;
    if read as u64 > MAX_GRID {
        bail!("it is larger than {MAX_GRID} bytes");
    }
    Ok(text)
}

/// Follows a sweep and shows what it tells.
struct Watch<'a> {
    args: &'a SweepArgs,
    specs: &'a [RunSpec],
    file: &'a Path,
    to_do: usize,
    failed: usize,
    finished: usize,
    bar: ProgressBar,
}

impl Watch<'_> {
    fn follow(&mut self, conductor: &SweepRunner, stopped: &Receiver<()>) -> anyhow::Result<()> {
        let mut ending = false;
        loop {
            select! {
                recv(conductor.events()) -> event => {
                    match event.context("the thread of the sweep has ended without a word")? {
                        SweepEvent::Ended(end) => return self.end(end),
                        event => self.hear(event)?,
                    }
                }
                recv(stopped) -> _ => {
                    if ending {
                        bail!("stopped at once; every finished run is in {}", self.file.display());
                    }
                    ending = true;
                    self.say("Stopping; press Ctrl-C again to stop at once");
                    conductor.send(SweepCommand::Cancel);
                }
            }
        }
    }

    /// A line above the bar, or on its own where no bar is shown.
    fn say(&self, line: &str) {
        if self.bar.is_hidden() {
            eprintln!("{line}");
        } else {
            self.bar.println(line);
        }
    }

    fn hear(&mut self, event: SweepEvent) -> anyhow::Result<()> {
        match event {
            SweepEvent::Prepared(outlook) => {
                self.to_do = outlook.to_do();
                self.prepared(&outlook)?;
            }
            SweepEvent::Progress(progress) => self.show(&progress),
            SweepEvent::Finished { run, record, .. } => {
                self.finished += 1;
                self.say(&format!("{}  {}", self.specs[run], outcome(&record)));
            }
            SweepEvent::Failed { run, reason } => {
                self.failed += 1;
                self.say(&format!("{} has failed: {reason}", self.specs[run]));
            }
            SweepEvent::Skipped { run } => self.say(&format!("{} is left out", self.specs[run])),
            SweepEvent::Started { .. }
            | SweepEvent::Evaluated { .. }
            | SweepEvent::Paused(_)
            | SweepEvent::Ended(_) => {}
        }
        Ok(())
    }

    fn prepared(&self, outlook: &SweepEstimate) -> anyhow::Result<()> {
        for file in &outlook.left_out {
            self.say(&format!(
                "{} could not be read and is left out",
                file.display()
            ));
        }
        let mut lines = vec![format!(
            "{} runs{}, {} of them known{}; results in {}",
            outlook.runs,
            self.args
                .shard
                .map_or(String::new(), |shard| format!(" in part {shard}")),
            outlook.known,
            if outlook.failed > 0 {
                format!(" ({} failed; --again tries them again)", outlook.failed)
            } else {
                String::new()
            },
            self.file.display()
        )];
        if outlook.to_do() > 0 {
            lines.push(format!(
                "{} to do: about {} and {} of memory for up to {} networks side by side, on {}",
                outlook.to_do(),
                duration(outlook.seconds),
                bytes(outlook.bytes),
                outlook.side_by_side,
                outlook.devices.join(" and ")
            ));
        }
        if self.args.dry_run {
            // Comments, so that what is printed is a grid.
            let mut out = std::io::stdout().lock();
            for line in lines {
                writeln!(out, "# {line}")?;
            }
        } else {
            for line in lines {
                self.say(&line);
            }
        }
        Ok(())
    }

    fn show(&self, progress: &Progress) {
        let [taken, all] = progress.steps;
        let first = progress.running.first().map(|run| &self.specs[*run]);
        let epochs = first.map_or(0, |spec| spec.epochs);
        self.bar
            .set_prefix(format!("{}/{} runs", progress.ended, self.to_do));
        self.bar.set_message(format!(
            "{} side by side ({}), epoch {}/{epochs}  {:.0} images/s  {} left",
            progress.running.len(),
            first.map_or(String::new(), |spec| spec.config.architecture.to_string()),
            (taken * epochs).div_ceil(all.max(1)),
            progress.images_per_second,
            duration(progress.seconds_left)
        ));
        self.bar.set_position((progress.share * BAR as f64) as u64);
    }

    fn end(&self, end: SweepEnd) -> anyhow::Result<()> {
        self.bar.finish_and_clear();
        match end {
            SweepEnd::Failed(reason) => bail!(reason),
            SweepEnd::Cancelled => eprintln!(
                "Stopped: {} of {} runs are done; the same command goes on from here",
                self.finished, self.to_do
            ),
            SweepEnd::Complete => {}
        }
        if self.failed > 0 {
            bail!(
                "{} of {} runs have failed; the others are in {}",
                self.failed,
                self.to_do,
                self.file.display()
            );
        }
        if !self.args.dry_run {
            writeln!(std::io::stdout(), "{}", self.file.display())?;
        }
        Ok(())
    }
}

/// What came of a run, in one line.
fn outcome(record: &Record) -> String {
    let Some(kept) = record.kept() else {
        return String::new();
    };
    let dead = if kept.dead_units > 0 {
        format!("  {} of {} units dead", kept.dead_units, record.relu_units)
    } else {
        String::new()
    };
    format!(
        "accuracy {:5.1} %  MSE {:.4}  epoch {}{dead}",
        kept.test.accuracy * 100.0,
        kept.test.mse,
        kept.epoch
    )
}
