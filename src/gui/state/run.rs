//! The run on show: its settings, its training thread, and the run that is about to replace it.

mod events;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Notification, RunView, loader::ImportSettings, playback::Playback, probe::ProbeState,
    seed_search::SeedSearch,
};
use crate::{
    data::{DataSource, Dataset},
    gui::commands::{
        Commands, DataCommand, NewRun, RunCommand, SavedRun, StartSettings, ViewCommand,
    },
    gui::panes::PaneId,
    jobs::{Signal, Wake},
    model::Lambda,
    sweep::{RunSpec, Spectrum},
    train::{
        Command as WorkerCommand, DeviceChoice, RunConfig, RunId, RunStart, RunState, Worker,
        checkpoint::{Checkpoint, recorder::SavePaths},
    },
};

/// The run on show and everything that changes or replaces it.
#[derive(Debug)]
pub struct RunControl {
    wake: Wake,
    /// `None` before the first run, and after the thread has crashed.
    worker: Option<Worker>,
    last_id: u64,
    /// Settings in force: those of the run that was requested last.
    config: RunConfig,
    /// What its images come from.
    source: DataSource,
    /// The networks of that run; `None` for the one of `config`.
    spectrum: Option<Spectrum>,
    pending: Option<PendingRun>,
    view: Option<RunView>,
    playback: Option<Playback>,
    seed_search: SeedSearch,
}

/// A run that has been requested and has not started yet.
#[derive(Debug)]
struct PendingRun {
    id: RunId,
    source: DataSource,
    dataset: Arc<Dataset>,
    /// The checkpoint from which it continues; `None` for a new run.
    checkpoint: Option<Arc<Checkpoint>>,
}

/// What a run needs from other parts of the state.
pub struct RunContext<'a> {
    pub probe: &'a ProbeState,
    /// The file to which the run is saved in case of a crash.
    pub autosave: Option<&'a Path>,
    /// Seconds on the window's clock.
    pub now: f64,
}

impl RunControl {
    /// Without a run; `config` and `source` are those of the first one.
    pub fn new(wake: Wake, config: RunConfig, source: DataSource) -> Self {
        Self {
            wake,
            worker: None,
            last_id: 0,
            config,
            source,
            spectrum: None,
            pending: None,
            view: None,
            playback: None,
            seed_search: SeedSearch::default(),
        }
    }

    // ---- reading ----

    /// The run on show, once one has started.
    pub fn view(&self) -> Option<&RunView> {
        self.view.as_ref()
    }

    pub fn shown_spectrum(&self) -> Option<&RunView> {
        self.view.as_ref().filter(|view| view.is_spectrum())
    }

    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// The data set that was requested last.
    pub fn source(&self) -> &DataSource {
        &self.source
    }

    /// The λ that the user has set; of a spectrum that of the network on show.
    pub fn lambda(&self) -> Lambda {
        match self.shown_spectrum() {
            Some(view) => view.shown().lane.lambda,
            None => self.config.lambda,
        }
    }

    /// The networks that were requested last; `None` for a single one.
    pub fn spectrum(&self) -> Option<&Spectrum> {
        self.spectrum.as_ref()
    }

    /// Whether steps are being taken.
    pub fn is_training(&self) -> bool {
        let view = self.view.as_ref();
        view.is_some_and(|view| view.state == RunState::Training)
    }

    /// Whether a run has been requested and has not started yet.
    pub fn is_starting(&self) -> bool {
        self.pending.is_some() && self.worker.is_some()
    }

    /// Whether the networks of the spectrum are shown one after the other.
    pub fn is_playing(&self) -> bool {
        self.playback.is_some() && self.shown_spectrum().is_some()
    }

    /// Whether the run on show can be saved to a file.
    pub fn can_save(&self) -> bool {
        self.worker.is_some() && self.view.as_ref().is_some_and(|view| !view.is_spectrum())
    }

    /// Name of a file for the run on show, if it can be saved.
    pub fn file_name(&self) -> Option<String> {
        let view = self.view.as_ref().filter(|_| self.can_save())?;
        Some(format!(
            "{} {} λ {} step {}.safetensors",
            view.dataset.name,
            view.config.architecture,
            self.lambda(),
            view.step()
        ))
    }

    /// Settings and images that complete a file of weights.
    pub fn import_settings(&self) -> Option<ImportSettings> {
        let view = self.view.as_ref()?;
        Some(ImportSettings {
            config: self.config.clone(),
            source: view.source.clone(),
            dataset: view.dataset.clone(),
        })
    }

    /// The search for a seed, or the dead units of the run on show.
    pub fn notification(&self) -> Option<Notification> {
        let view = self.view.as_ref().filter(|view| !view.is_spectrum())?;
        let snapshot = view.shown().snapshot.as_deref();
        self.seed_search
            .notification(view.id, self.config.seed, snapshot)
    }

    // ---- commands ----

    pub fn execute(
        &mut self,
        command: RunCommand,
        context: &RunContext<'_>,
        commands: &mut Commands,
    ) {
        match command {
            RunCommand::SetLambda(lambda) => self.set_lambda(lambda),
            RunCommand::ShowLane(index) => {
                self.playback = None;
                if let Some(view) = &mut self.view {
                    view.show(index);
                }
            }
            RunCommand::SetLearningRate(rate) => {
                if rate != self.config.learning_rate {
                    self.config.learning_rate = rate;
                    self.send(WorkerCommand::SetLearningRate(rate));
                }
            }
            RunCommand::ToggleTraining => self.send(if self.is_training() {
                WorkerCommand::Pause
            } else {
                WorkerCommand::Resume
            }),
            RunCommand::Step => self.send(WorkerCommand::Step),
            RunCommand::Epoch => self.send(WorkerCommand::Epoch),
            RunCommand::RollBack { lane } => self.send(WorkerCommand::RollBack { lane }),
            RunCommand::Restart => {
                self.seed_search.stop();
                self.restart(self.config.clone(), context, commands);
            }
            RunCommand::RestartOnCpu => {
                let config = RunConfig {
                    device: DeviceChoice::Cpu,
                    ..self.config.clone()
                };
                self.restart(config, context, commands);
            }
            RunCommand::NewSeed => self.try_next_seed(context, commands),
            RunCommand::StopSeedSearch => self.seed_search.stop(),
            RunCommand::IgnoreDeadUnits => {
                let run = self.view.as_ref().map(|view| view.id);
                self.seed_search.ignore(run);
            }
            RunCommand::SetSpectrum(spectrum) => {
                self.seed_search.stop();
                self.playback = None;
                // A single network continues with the λ on show.
                self.config.lambda = self.lambda();
                self.spectrum = spectrum;
                self.restart(self.config.clone(), context, commands);
            }
            RunCommand::Apply { config, source } => {
                let settings = StartSettings {
                    config: Some(config),
                    lambda: None,
                };
                self.apply(settings, source, context, commands);
            }
            RunCommand::TrainLive(spec) => {
                let RunSpec { data, config, .. } = *spec;
                self.playback = None;
                self.spectrum = None;
                let settings = StartSettings {
                    lambda: Some(config.lambda),
                    config: Some(Box::new(RunConfig {
                        device: self.config.device,
                        ..config
                    })),
                };
                commands.push(ViewCommand::ShowPane(PaneId::Latent));
                self.apply(settings, data, context, commands);
            }
            RunCommand::Start(run) => self.start(*run, context, commands),
            RunCommand::Resume(saved) => self.resume(saved, context, commands),
            RunCommand::Save(file) => self.save(file),
            RunCommand::TogglePlayback => {
                self.playback = match self.playback {
                    None if self.shown_spectrum().is_some() => Some(Playback::new(context.now)),
                    _ => None,
                };
            }
        }
    }

    /// Takes snapshots of other images from now on.
    pub fn set_probe(&self, probe: &ProbeState) {
        let dataset = match (&self.pending, &self.view) {
            (Some(pending), _) => &pending.dataset,
            (None, Some(view)) => &view.dataset,
            (None, None) => return,
        };
        self.send(WorkerCommand::Probe(probe.probe(dataset)));
    }

    /// Shows the network that playback has reached; returns whether a spectrum is being played.
    pub fn advance_playback(&mut self, now: f64) -> bool {
        if let (Some(playback), Some(view)) = (self.playback, &mut self.view) {
            view.show(playback.index(now, view.lanes().len()));
        }
        self.playback.is_some()
    }

    /// Stops the training thread; waits a limited time for it.
    pub fn close(&mut self) {
        self.worker = None;
    }

    fn set_lambda(&mut self, lambda: Lambda) {
        if let Some(view) = self.view.as_mut().filter(|view| view.is_spectrum()) {
            if lambda != view.shown().lane.lambda {
                self.playback = None;
                view.show(view.nearest(lambda));
            }
        } else if lambda != self.config.lambda {
            self.config.lambda = lambda;
            self.send(WorkerCommand::SetLambda(lambda));
        }
    }

    fn save(&self, file: PathBuf) {
        if let Some(view) = self.view.as_ref().filter(|_| self.can_save()) {
            self.send(WorkerCommand::Save(SavePaths {
                file,
                best: None,
                source: view.source.clone(),
            }));
        }
    }

    // ---- starting runs ----

    /// Starts again with the next seed. For a spectrum there is no search, since no seed suits all
    /// λ.
    fn try_next_seed(&mut self, context: &RunContext<'_>, commands: &mut Commands) {
        match self.spectrum {
            None => self.seed_search.try_next(),
            Some(_) => self.seed_search.stop(),
        }
        let config = RunConfig {
            seed: self.config.seed.wrapping_add(1),
            ..self.config.clone()
        };
        self.restart(config, context, commands);
    }

    /// Starts a run on `source`, which is loaded first if it is not that of the run on show.
    fn apply(
        &mut self,
        settings: StartSettings,
        source: DataSource,
        context: &RunContext<'_>,
        commands: &mut Commands,
    ) {
        self.seed_search.stop();
        if self.view.as_ref().is_some_and(|view| view.source == source) {
            self.start_on_current_images(settings, context, commands);
        } else {
            commands.push(DataCommand::Load { source, settings });
        }
    }

    /// Starts again on the same images with these settings and the λ on show.
    fn restart(&mut self, config: RunConfig, context: &RunContext<'_>, commands: &mut Commands) {
        let settings = StartSettings {
            config: Some(Box::new(config)),
            lambda: None,
        };
        self.start_on_current_images(settings, context, commands);
    }

    fn start_on_current_images(
        &mut self,
        settings: StartSettings,
        context: &RunContext<'_>,
        commands: &mut Commands,
    ) {
        let (source, dataset) = match (&self.pending, &self.view) {
            (Some(pending), _) => (pending.source.clone(), pending.dataset.clone()),
            (None, Some(view)) => (view.source.clone(), view.dataset.clone()),
            (None, None) => return,
        };
        let run = NewRun {
            source,
            dataset,
            settings,
        };
        self.start(run, context, commands);
    }

    fn start(&mut self, run: NewRun, context: &RunContext<'_>, commands: &mut Commands) {
        let lambda = run.settings.lambda.unwrap_or_else(|| self.lambda());
        if let Some(config) = run.settings.config {
            self.config = *config;
        }
        self.config.lambda = lambda;
        if let Some(note) = self.config.limit_batch(&run.dataset) {
            commands.push(
                Notification::warning(note)
                    .about("batch size")
                    .with_dismiss(),
            );
        }
        self.source = run.source.clone();
        let start = self.run_start(&run.dataset, context.probe);
        self.pending = Some(PendingRun {
            id: start.run,
            source: run.source,
            dataset: run.dataset,
            checkpoint: None,
        });
        self.launch(WorkerCommand::Reset(Box::new(start)), context, commands);
    }

    fn resume(&mut self, saved: SavedRun, context: &RunContext<'_>, commands: &mut Commands) {
        self.seed_search.stop();
        self.playback = None;
        self.spectrum = None;
        let checkpoint = saved.checkpoint;
        self.config = checkpoint.config();
        self.source = saved.source.clone();
        let start = self.run_start(&saved.dataset, context.probe);
        self.pending = Some(PendingRun {
            id: start.run,
            source: saved.source,
            dataset: saved.dataset,
            checkpoint: Some(checkpoint.clone()),
        });
        let command = WorkerCommand::ResumeRun(Box::new(start), checkpoint);
        self.launch(command, context, commands);
    }

    /// What the worker needs for a run with the settings in force.
    fn run_start(&mut self, dataset: &Arc<Dataset>, probe: &ProbeState) -> RunStart {
        self.last_id += 1;
        RunStart {
            run: RunId(self.last_id),
            lanes: match &self.spectrum {
                Some(spectrum) => spectrum.lanes(self.config.seed),
                None => vec![self.config.lane()],
            },
            config: self.config.clone(),
            probe: probe.probe(dataset),
            dataset: dataset.clone(),
            paused: false,
        }
    }

    /// Sends the command that starts the pending run, to a new worker if there is none.
    fn launch(
        &mut self,
        command: WorkerCommand,
        context: &RunContext<'_>,
        commands: &mut Commands,
    ) {
        if self.worker.is_none() {
            let wake = self.wake.clone();
            match Worker::spawn(move || wake.signal(Signal::Finished)) {
                Ok(worker) => self.worker = Some(worker),
                Err(error) => commands.push(events::crashed(&error.to_string())),
            }
        }
        self.send(command);
        if let (Some(file), Some(pending)) = (context.autosave, &self.pending) {
            self.send(WorkerCommand::Autosave(SavePaths {
                file: file.to_owned(),
                best: None,
                source: pending.source.clone(),
            }));
        }
    }

    fn send(&self, command: WorkerCommand) {
        if let Some(worker) = &self.worker {
            worker.send(command);
        }
    }
}
