//! A training run without a window: follows the worker and shows its progress in the terminal.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Context as _, anyhow, bail};
use crossbeam_channel::{Receiver, select};
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    Setup,
    run_files::{ConfigFile, write_metrics},
    run_folder::{CLOUD, CONFIG, METRICS, RECONSTRUCTIONS, RunFolder},
};
use crate::cli::terminal::{print_above, progress_bar};
use crate::{
    data::{DataSource, Dataset},
    figures::{DeadRuns, FigureData, FigureKind, NetworkState, save},
    format::plural,
    fs::Existing,
    train::{
        AxisChoice, Command, Evaluation, Event, Probe, RunConfig, RunError, RunId, RunStart,
        Snapshot, StepLosses, Worker,
    },
};

/// Images per class in the latent cloud: 50, as in the paper's Figure 4.
const CLOUD_PER_CLASS: usize = 50;
/// Images per class among the reconstructions.
const GRID_PER_CLASS: usize = 1;
const WORKER_ENDED: &str = "the training thread ended unexpectedly";

#[derive(Debug)]
pub(super) struct HeadlessRun {
    /// Epochs to complete, counted from the first step of the run.
    epochs: u64,
    folder: RunFolder,
    config: RunConfig,
    source: DataSource,
    worker: Worker,
    bar: ProgressBar,
    /// The device in use, and why it was chosen.
    device: String,
    steps_per_epoch: u64,
    /// Latent units that can die.
    relu_units: usize,
    step: u64,
    evaluations: Vec<Evaluation>,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Training,
    /// Training has ended and the checkpoints are being written.
    Saving,
    /// The checkpoints are written.
    Saved,
}

impl HeadlessRun {
    /// Starts the worker. Training begins in [`Self::follow`].
    pub fn start(epochs: u64, folder: RunFolder, setup: Setup) -> anyhow::Result<Self> {
        let (config, source, dataset) = (setup.config, setup.source, setup.dataset);
        let worker = Worker::spawn(|| {}).context("cannot start the training thread")?;
        let start = Box::new(RunStart {
            run: RunId(1),
            lanes: vec![config.lane()],
            config: config.clone(),
            probe: Probe {
                axes: AxisChoice::Independent,
                ..Probe::first_of_each_class(&dataset, CLOUD_PER_CLASS, GRID_PER_CLASS)
            },
            dataset,
            paused: true,
        });
        let (mut step, mut evaluations) = (0, Vec::new());
        worker.send(match setup.checkpoint {
            Some(checkpoint) => {
                step = checkpoint.metadata.step;
                evaluations = checkpoint.history.evaluations().to_vec();
                Command::ResumeRun(start, Arc::new(checkpoint))
            }
            None => Command::Reset(start),
        });
        let style = ProgressStyle::with_template("{bar:24} epoch {prefix}  {msg}  {eta} left")?;
        let bar = progress_bar(0, style.progress_chars("━━─"));
        Ok(Self {
            epochs,
            folder,
            config,
            source,
            worker,
            bar,
            device: String::new(),
            steps_per_epoch: 0,
            relu_units: 0,
            step,
            evaluations,
            stage: Stage::Training,
        })
    }

    /// Trains until all epochs are complete or the first message of `interrupts`, saves the run, and
    /// returns its last snapshot. An error or the second interrupt releases the folder of a run
    /// without results.
    pub fn follow(&mut self, interrupts: &Receiver<()>) -> anyhow::Result<Arc<Snapshot>> {
        let result = self.run_to_end(interrupts);
        if result.is_err() && self.evaluations.is_empty() {
            self.folder.release();
        }
        result
    }

    fn run_to_end(&mut self, interrupts: &Receiver<()>) -> anyhow::Result<Arc<Snapshot>> {
        let mut is_interrupted = false;
        // Events and snapshots arrive on two channels in no fixed order: the run has ended when both
        // have reached the same step.
        let mut latest: Option<Arc<Snapshot>> = None;
        loop {
            select! {
                recv(self.worker.events()) -> event => {
                    self.on_event(event.context(WORKER_ENDED)?)?;
                }
                recv(self.worker.snapshots()) -> snapshots => {
                    latest = snapshots.context(WORKER_ENDED)?.lanes.into_iter().next();
                }
                recv(interrupts) -> _ => {
                    if is_interrupted {
                        bail!("interrupted before the run was saved");
                    }
                    is_interrupted = true;
                    print_above(&self.bar, "Stopping after this step. Press Ctrl-C again to quit without saving");
                    self.finish();
                }
            }
            if self.stage == Stage::Saved
                && let Some(snapshot) = latest.take_if(|snapshot| snapshot.step == self.step)
            {
                self.bar.finish_and_clear();
                return Ok(snapshot);
            }
        }
    }

    fn on_event(&mut self, event: Event) -> anyhow::Result<()> {
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
                self.relu_units = latent.relu_units();
                self.bar.set_length(steps_per_epoch * self.epochs);
                print_above(
                    &self.bar,
                    format!(
                        "{} {latent}, {parameters} parameters, λ = {}, on {}",
                        self.config.architecture, self.config.lambda, self.device
                    ),
                );
                self.on_started()?;
            }
            Event::Losses {
                losses,
                images_per_second,
                ..
            } => self.show_losses(&losses, images_per_second),
            Event::EvaluationProgress { share, .. } => {
                let message = format!("evaluating {:.0} %", share * 100.0);
                self.bar.set_message(message);
            }
            Event::Evaluated { evaluation, .. } => {
                self.step = evaluation.step;
                print_above(&self.bar, evaluation_line(&evaluation));
                self.evaluations.push(evaluation);
                // The folder has been claimed, so this replaces the run's own file.
                self.write_metrics()?;
                self.continue_training();
            }
            Event::Saved { .. } => self.stage = Stage::Saved,
            Event::Error { error, .. } => bail!(error_message(error)),
            Event::Marked { .. } | Event::State { .. } | Event::RolledBack { .. } => {}
        }
        Ok(())
    }

    /// Claims the folder and starts training.
    fn on_started(&mut self) -> anyhow::Result<()> {
        self.folder.claim(&self.evaluations)?;
        self.worker
            .send(Command::Autosave(self.folder.save_paths(&self.source)));
        let last = self.evaluations.last();
        if let Some(last) = last {
            print_above(&self.bar, evaluation_line(last));
            if last.epoch >= self.epochs {
                let (done, more) = (plural(last.epoch, "epoch"), last.epoch.saturating_add(1));
                let note =
                    format!("The run has {done} already; --epochs {more} or more continues it");
                print_above(&self.bar, note);
            }
        }
        // Between two epochs the worker makes an evaluation that is due without a command, and
        // training continues after it.
        let is_evaluation_due = self.step.is_multiple_of(self.steps_per_epoch)
            && last.is_none_or(|last| last.step != self.step);
        if !is_evaluation_due {
            self.continue_training();
        }
        Ok(())
    }

    /// Trains another epoch, or saves the run if all are complete.
    fn continue_training(&mut self) {
        if self.epochs_done() >= self.epochs {
            self.finish();
        } else if self.stage == Stage::Training {
            self.worker.send(Command::Epoch);
        }
    }

    /// Stops after the current step and saves the run.
    fn finish(&mut self) {
        if self.stage == Stage::Training {
            self.stage = Stage::Saving;
            self.worker.send(Command::Pause);
            self.worker
                .send(Command::Save(self.folder.save_paths(&self.source)));
        }
    }

    fn epochs_done(&self) -> u64 {
        self.evaluations.last().map_or(0, |last| last.epoch)
    }

    fn show_losses(&mut self, losses: &[StepLosses], images_per_second: f64) {
        let Some(last) = losses.last() else { return };
        self.step = last.step;
        let epoch = last.step.div_ceil(self.steps_per_epoch.max(1));
        self.bar.set_prefix(format!("{epoch}/{}", self.epochs));
        self.bar.set_message(format!(
            "MSE {:.4}  CE {:.4} nats  accuracy {:5.1} %  {images_per_second:.0} images/s",
            last.mse,
            last.ce,
            last.accuracy * 100.0
        ));
        self.bar.set_position(last.step);
    }

    /// Writes metrics, settings and figures, and returns the paths of all files of the run.
    pub fn write_files(
        &self,
        snapshot: &Snapshot,
        dataset: &Dataset,
    ) -> anyhow::Result<Vec<PathBuf>> {
        let mut paths = vec![self.write_metrics()?, self.write_config()?];
        paths.extend(self.write_figures(snapshot, dataset)?);
        paths.extend(self.folder.checkpoints());
        Ok(paths)
    }

    fn write_metrics(&self) -> anyhow::Result<PathBuf> {
        let path = self.folder.file(METRICS);
        write_metrics(&path, &self.evaluations, Existing::Replace)?;
        Ok(path)
    }

    fn write_config(&self) -> anyhow::Result<PathBuf> {
        let path = self.folder.file(CONFIG);
        let config = ConfigFile {
            program: concat!("cre-lab ", env!("CARGO_PKG_VERSION")),
            data: &self.source,
            epochs: self.epochs_done(),
            device_used: &self.device,
            run: &self.config,
        };
        config.write(&path)?;
        Ok(path)
    }

    /// Draws the latent cloud and the reconstructions of `snapshot`.
    fn write_figures(
        &self,
        snapshot: &Snapshot,
        dataset: &Dataset,
    ) -> anyhow::Result<[PathBuf; 2]> {
        let (config, evaluations) = (self.config.clone(), self.evaluations.clone());
        let network = NetworkState::new(&self.source, config, dataset, evaluations, Some(snapshot));
        let (networks, shown) = (vec![network], 0);
        let data = FigureData { networks, shown };
        let paths = [CLOUD, RECONSTRUCTIONS].map(|name| self.folder.file(name));
        let kinds = [FigureKind::Cloud, FigureKind::Reconstructions];
        for (kind, path) in kinds.into_iter().zip(&paths) {
            let figure = data.figure(kind, DeadRuns::default());
            let figure = figure.map_err(|why| anyhow!("cannot draw {}: {why}", path.display()))?;
            save(&*figure, path)?;
        }
        Ok(paths)
    }

    /// A warning if latent units of the trained network are dead.
    pub fn dead_units_warning(&self) -> Option<String> {
        let last = self.evaluations.last()?;
        (last.dead_units > 0).then(|| {
            format!(
                "{} of {} latent units are dead (0 for every image in {CLOUD}). Try another --seed",
                last.dead_units, self.relu_units
            )
        })
    }
}

fn evaluation_line(evaluation: &Evaluation) -> String {
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

fn error_message(error: RunError) -> String {
    match error {
        RunError::NotFinite { step, .. } => format!(
            "loss became NaN or infinite at step {step}; try a lower --learning-rate or another --seed"
        ),
        RunError::CannotStart { reason, .. } | RunError::CannotSave { reason } => reason,
        RunError::Crashed { reason } => format!("training stopped: {reason}"),
    }
}
