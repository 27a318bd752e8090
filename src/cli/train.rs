//! `cre-lab train`: one run without a window.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;
use crossbeam_channel::{Receiver, bounded, select};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::{Overwrite, RunArgs, columns};
use crate::{
    data::{DataSource, Dataset},
    figures::{DeadRuns, FigureData, FigureKind, NetworkState, save},
    fs::{Existing, remove_output, write_whole},
    train::{
        AxisChoice, Command, DeviceChoice, Evaluation, Event, Probe, RunConfig, RunError, RunId,
        RunStart, Snapshot, StepLosses, Worker,
        checkpoint::{
            Checkpoint,
            authors::{self, ImportContext},
            recorder::SavePaths,
        },
    },
};

/// Images of each class in the scatter: the paper's fifty (figure 4).
const CLOUD_PER_CLASS: usize = 50;
/// Images of each class in the picture of reconstructions.
const GRID_PER_CLASS: usize = 1;

const METRICS: &str = "metrics.csv";
const CONFIG: &str = "config.toml";
const CLOUD: &str = "latent.png";
const RECONSTRUCTIONS: &str = "reconstructions.png";
/// The run as it is.
const LAST: &str = "last.safetensors";
/// The run at its best evaluation.
const BEST: &str = "best.safetensors";
/// Every file of a run.
const FILES: [&str; 6] = [LAST, BEST, METRICS, CONFIG, CLOUD, RECONSTRUCTIONS];

/// Options of `cre-lab train`.
#[derive(Clone, Debug, Args)]
pub struct TrainArgs {
    #[command(flatten)]
    pub run: RunArgs,
    /// Passes over the training images
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub epochs: u64,
    /// Go on with the run in this file, such as last.safetensors of an earlier one; its settings and
    /// data count, and --epochs from its beginning
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "data", "arch", "latent", "lambda", "batch_size", "learning_rate", "seed", "weights",
        "patch", "embed", "depth", "heads", "mlp_ratio", "mask_ratio",
    ])]
    pub resume: Option<PathBuf>,
    /// Begin with the weights of the authors' modules in this safetensors file, whose network counts
    #[arg(long, value_name = "FILE", conflicts_with_all = ["arch", "latent"])]
    pub weights: Option<PathBuf>,
    /// Folder to write to, made if it is not there; one with a run is refused, unless --resume names its
    /// last.safetensors
    #[arg(long, value_name = "DIR", default_value = "cre-lab-run")]
    pub out: PathBuf,
    #[command(flatten)]
    pub overwrite: Overwrite,
}

impl TrainArgs {
    /// The default job with these settings.
    pub fn of(run: RunArgs) -> Self {
        Self {
            run,
            epochs: 10,
            resume: None,
            weights: None,
            out: PathBuf::from("cre-lab-run"),
            overwrite: Overwrite::default(),
        }
    }

    /// Whether the run goes on in the folder that it is resumed from.
    fn continues_in_place(&self) -> bool {
        let same = |a: &Path, b: &Path| match (fs::canonicalize(a), fs::canonicalize(b)) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        };
        let last = self.out.join(LAST);
        self.resume.as_ref().is_some_and(|file| same(file, &last))
    }

    /// Checks, before anything is trained, that no file of another run is lost.
    fn check_folder(&self) -> anyhow::Result<()> {
        let overwrite = if self.continues_in_place() {
            Overwrite { overwrite: true }
        } else {
            self.overwrite
        };
        let last = self.out.join(LAST);
        let resume = if last.is_file() {
            format!(", go on with that run with --resume {}", last.display())
        } else {
            String::new()
        };
        let advice =
            format!("choose another folder with --out{resume}, or replace it with --overwrite");
        overwrite.check(&self.out, &FILES, &advice)
    }
}

/// The settings as `config.toml` keeps them.
#[derive(Serialize)]
struct ConfigFile<'a> {
    program: &'static str,
    data: &'a DataSource,
    epochs: u64,
    device_used: String,
    run: RunConfig,
}

/// Trains as told and writes `metrics.csv`, `config.toml`, `latent.png`, `reconstructions.png`,
/// `last.safetensors` and `best.safetensors`.
///
/// Ctrl-C ends it early and keeps what there is.
///
/// # Errors
/// When data, device, training or a file fails.
pub fn run(args: &TrainArgs) -> anyhow::Result<()> {
    args.check_folder()?;
    let earlier = args
        .resume
        .as_deref()
        .map(|file| resume(file, args.epochs))
        .transpose()?;
    let (mut config, source) = match &earlier {
        Some(saved) => (saved.config(), saved.metadata.data.source.clone()),
        None => (args.run.config(), args.run.data.clone()),
    };
    if args.run.device != DeviceChoice::default() {
        config.device = args.run.device;
    }
    let dataset = Arc::new(source.load()?);
    let saved = match &args.weights {
        Some(file) => {
            let base = ImportContext {
                config: &config,
                source: &source,
                dataset: &dataset,
            };
            let saved = authors::load(file, base)?;
            config = saved.config();
            Some(saved)
        }
        None => earlier,
    };
    if let Some(saved) = &saved {
        saved
            .metadata
            .data
            .fits(&dataset)
            .map_err(anyhow::Error::msg)?;
    }
    for file in &dataset.skipped {
        eprintln!("{} could not be read and is left out", file.display());
    }
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    let (stop, stopped) = bounded(1);
    ctrlc::set_handler(move || {
        let _ = stop.try_send(());
    })
    .context("cannot listen for Ctrl-C")?;

    let mut job = Job::begin(args, config, source, &dataset, saved)?;
    let snapshot = job.follow(&stopped).inspect_err(|_| job.release_folder())?;
    write_metrics(&job.metrics_file(), &job.evaluations, Existing::Replace)?;
    let mut written = vec![job.metrics_file(), job.write_config()?];
    written.extend(job.write_figures(&snapshot, &dataset)?);
    written.extend(job.saved_files());
    job.summarise();
    let mut out = std::io::stdout().lock();
    for path in written {
        writeln!(out, "{}", path.display())?;
    }
    Ok(())
}

/// Reads the run in `file`, which must have trained fewer than `epochs` epochs.
fn resume(file: &Path, epochs: u64) -> anyhow::Result<Checkpoint> {
    let saved = Checkpoint::load(file)?;
    if let Some(done) = saved.history.evaluations().last().map(|last| last.epoch)
        && done >= epochs
    {
        bail!(
            "{} has trained {done} epoch{} already, and --epochs {epochs} asks for no more: give --epochs {} or more",
            file.display(),
            if done == 1 { "" } else { "s" },
            done.saturating_add(1)
        );
    }
    Ok(saved)
}

/// A run on its way.
struct Job<'a> {
    args: &'a TrainArgs,
    /// Whether it goes on in the folder of the run that it is resumed from.
    in_place: bool,
    /// Whether the folder has been taken for this run.
    has_folder: bool,
    config: RunConfig,
    source: DataSource,
    worker: Worker,
    bar: ProgressBar,
    device: String,
    steps_per_epoch: u64,
    mortal_units: usize,
    step: u64,
    evaluations: Vec<Evaluation>,
    stage: Stage,
}

/// How far a run on its way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Training,
    /// Paused for good, and being written.
    Saving,
    /// In its files.
    Saved,
}

impl<'a> Job<'a> {
    fn begin(
        args: &'a TrainArgs,
        config: RunConfig,
        source: DataSource,
        dataset: &Arc<Dataset>,
        saved: Option<Checkpoint>,
    ) -> anyhow::Result<Self> {
        let worker = Worker::spawn(|| {}).context("cannot start the training thread")?;
        let first = |count| {
            dataset
                .test
                .first_of_each_class(dataset.classes(), count)
                .into()
        };
        let start = Box::new(RunStart {
            run: RunId(1),
            lanes: vec![config.lane()],
            config: config.clone(),
            dataset: dataset.clone(),
            probe: Probe {
                cloud: first(CLOUD_PER_CLASS),
                grid: first(GRID_PER_CLASS),
                axes: AxisChoice::Independent,
                ..Probe::default()
            },
            paused: true,
        });
        let evaluations = match &saved {
            Some(saved) => saved.history.evaluations().to_vec(),
            None => Vec::new(),
        };
        let step = saved.as_ref().map_or(0, |saved| saved.metadata.step);
        worker.send(match saved {
            Some(saved) => Command::ResumeRun(start, Arc::new(saved)),
            None => Command::Reset(start),
        });
        let bar = ProgressBar::new(0).with_style(
            ProgressStyle::with_template("{bar:24} epoch {prefix}  {msg}  {eta} left")?
                .progress_chars("━━─"),
        );
        Ok(Self {
            args,
            in_place: args.continues_in_place(),
            has_folder: false,
            config,
            source,
            worker,
            bar,
            device: String::new(),
            steps_per_epoch: 0,
            mortal_units: 0,
            step,
            evaluations,
            stage: Stage::Training,
        })
    }

    /// Follows the run until it is complete or the first Ctrl-C, saves it, and returns its last snapshot.
    fn follow(&mut self, stopped: &Receiver<()>) -> anyhow::Result<Arc<Snapshot>> {
        let mut interrupted = false;
        // Events and snapshots come by two channels, in no order between them: the end is reached when both
        // have told of the same step.
        let mut latest: Option<Arc<Snapshot>> = None;
        loop {
            select! {
                recv(self.worker.events()) -> event => {
                    self.hear(event.context("the training thread has ended without a word")?)?;
                }
                recv(self.worker.snapshots()) -> panorama => {
                    let panorama = panorama.context("the training thread has ended without a word")?;
                    latest = panorama.lanes.into_iter().next();
                }
                recv(stopped) -> _ => {
                    if interrupted {
                        bail!("stopped at once");
                    }
                    interrupted = true;
                    self.bar.println("Stopping after this step; press Ctrl-C again to give up what there is");
                    self.finish();
                }
            }
            let agreed = |snapshot: &mut Arc<Snapshot>| snapshot.step == self.step;
            if self.stage == Stage::Saved
                && let Some(snapshot) = latest.take_if(agreed)
            {
                self.bar.finish_and_clear();
                return Ok(snapshot);
            }
        }
    }

    fn epochs_done(&self) -> u64 {
        self.evaluations.last().map_or(0, |last| last.epoch)
    }

    /// Asks for another epoch; saves the run if none is left.
    fn train_on(&mut self) {
        if self.epochs_done() >= self.args.epochs {
            self.finish();
        } else if self.stage == Stage::Training {
            self.worker.send(Command::Epoch);
        }
    }

    /// Stops training where it stands, and saves the run.
    fn finish(&mut self) {
        if self.stage == Stage::Training {
            self.stage = Stage::Saving;
            self.worker.send(Command::Pause);
            self.worker.send(Command::Save(self.target()));
        }
    }

    /// Takes the folder for this run: of a run that it replaces no file stays that could be taken for one of
    /// this, and of two runs that begin at the same time in one folder the second is refused.
    fn take_folder(&mut self) -> anyhow::Result<()> {
        if self.in_place {
            return Ok(());
        }
        for name in FILES.iter().filter(|_| self.args.overwrite.overwrite) {
            let path = self.args.out.join(name);
            remove_output(&path)
                .map_err(|error| anyhow!("cannot remove {}: {error}", path.display()))?;
        }
        write_metrics(&self.metrics_file(), &self.evaluations, Existing::Keep)?;
        self.has_folder = true;
        Ok(())
    }

    /// Leaves the folder as free as it was if nothing has come of the run.
    fn release_folder(&self) {
        if self.has_folder && self.evaluations.is_empty() {
            let _ = remove_output(&self.metrics_file());
        }
    }

    /// Where the run is kept.
    fn target(&self) -> SavePaths {
        SavePaths {
            file: self.args.out.join(LAST),
            best: Some(self.args.out.join(BEST)),
            source: self.source.clone(),
        }
    }

    /// The files of the run that are there.
    fn saved_files(&self) -> Vec<PathBuf> {
        let target = self.target();
        let files = std::iter::once(target.file).chain(target.best);
        files.filter(|file| file.is_file()).collect()
    }

    fn hear(&mut self, event: Event) -> anyhow::Result<()> {
        match event {
            Event::Started {
                device,
                steps_per_epoch,
                parameters,
                latent,
                ..
            } => {
                self.device = format!("{} ({})", device.name, device.why);
                self.steps_per_epoch = steps_per_epoch;
                self.mortal_units = latent.relu_units();
                self.bar.set_length(steps_per_epoch * self.args.epochs);
                self.bar.println(format!(
                    "{} {latent}, {parameters} parameters, λ = {}, on {}",
                    self.config.architecture, self.config.lambda, self.device
                ));
                self.take_folder()?;
                self.worker.send(Command::Autosave(self.target()));
                let last = self.evaluations.last().copied();
                if let Some(last) = &last {
                    self.bar.println(line(last));
                }
                // Between two epochs an evaluation that is due comes by itself, and training follows it.
                let is_due = self.step.is_multiple_of(steps_per_epoch)
                    && last.is_none_or(|last| last.step != self.step);
                if !is_due {
                    self.train_on();
                }
            }
            Event::Losses {
                losses,
                images_per_second,
                ..
            } => self.show(&losses, images_per_second),
            Event::Evaluated { evaluation, .. } => {
                self.step = evaluation.step;
                self.bar.println(line(&evaluation));
                self.evaluations.push(evaluation);
                // It was decided before what may be replaced.
                write_metrics(&self.metrics_file(), &self.evaluations, Existing::Replace)?;
                self.train_on();
            }
            Event::Error { error: problem, .. } => bail!(match problem {
                RunError::NotFinite { step, .. } => format!(
                    "loss became NaN or infinite at step {step}; try a lower --learning-rate or another --seed"
                ),
                RunError::CannotStart { reason } | RunError::CannotSave { reason } => reason,
                RunError::Crashed { reason } => format!("training broke off: {reason}"),
            }),
            Event::EvaluationProgress { share, .. } => {
                self.bar
                    .set_message(format!("testing {:.0} %", share * 100.0));
            }
            Event::Saved { .. } => self.stage = Stage::Saved,
            Event::Marked { .. } | Event::State { .. } | Event::RolledBack { .. } => {}
        }
        Ok(())
    }

    fn show(&mut self, losses: &[StepLosses], images_per_second: f64) {
        let Some(last) = losses.last() else { return };
        self.step = last.step;
        let epoch = last.step.div_ceil(self.steps_per_epoch.max(1));
        self.bar.set_prefix(format!("{epoch}/{}", self.args.epochs));
        self.bar.set_message(format!(
            "MSE {:.4}  CE {:.4} nats  accuracy {:5.1} %  {images_per_second:.0} images/s",
            last.mse,
            last.ce,
            last.accuracy * 100.0
        ));
        self.bar.set_position(last.step);
    }

    fn metrics_file(&self) -> PathBuf {
        self.args.out.join(METRICS)
    }

    fn write_config(&self) -> anyhow::Result<PathBuf> {
        let path = self.args.out.join(CONFIG);
        let text = toml::to_string_pretty(&ConfigFile {
            program: concat!("cre-lab ", env!("CARGO_PKG_VERSION")),
            data: &self.source,
            epochs: self.epochs_done(),
            device_used: self.device.clone(),
            run: self.config.clone(),
        })?;
        write(&path, text.as_bytes(), Existing::Replace)?;
        Ok(path)
    }

    /// Draws the cloud and the reconstructions of `snapshot`.
    fn write_figures(
        &self,
        snapshot: &Snapshot,
        dataset: &Dataset,
    ) -> anyhow::Result<[PathBuf; 2]> {
        let (config, evaluations) = (self.config.clone(), self.evaluations.clone());
        let data = FigureData {
            networks: vec![NetworkState::new(
                &self.source,
                config,
                dataset,
                evaluations,
                Some(snapshot),
            )],
            shown: 0,
        };
        let paths = [CLOUD, RECONSTRUCTIONS].map(|name| self.args.out.join(name));
        for (kind, path) in [FigureKind::Cloud, FigureKind::Reconstructions]
            .into_iter()
            .zip(&paths)
        {
            let figure = data.figure(kind, DeadRuns::default());
            let figure = figure.map_err(|why| anyhow!("cannot draw {}: {why}", path.display()))?;
            save(&*figure, path)?;
        }
        Ok(paths)
    }

    fn summarise(&self) {
        if let Some(last) = self.evaluations.last()
            && last.dead_units > 0
        {
            eprintln!(
                "{} of {} latent units are dead (zero for every probe image); another --seed may live",
                last.dead_units, self.mortal_units
            );
        }
    }
}

fn line(evaluation: &Evaluation) -> String {
    format!(
        "epoch {:>3}  test MSE {:.4}  CE {:.4} nats  accuracy {:5.1} %  L {:.4}  {:.0} images/s",
        evaluation.epoch,
        evaluation.test.mse,
        evaluation.test.ce,
        evaluation.test.accuracy * 100.0,
        evaluation.test.loss(evaluation.lambda),
        evaluation.images_per_second
    )
}

fn write_metrics(
    path: &Path,
    evaluations: &[Evaluation],
    existing: Existing,
) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let names = columns::MOMENT.iter().chain(&["lambda"]);
    writer.write_record(names.chain(&columns::FOUND))?;
    for evaluation in evaluations {
        let mut row = columns::moment(evaluation).to_vec();
        row.push(evaluation.lambda.to_string());
        row.extend(columns::found(evaluation));
        writer.write_record(row)?;
    }
    write(path, &writer.into_inner()?, existing)
}

fn write(path: &Path, bytes: &[u8], existing: Existing) -> anyhow::Result<()> {
    write_whole(path, bytes, existing)
        .map_err(|error| anyhow!("cannot write {}: {error}", path.display()))
}
