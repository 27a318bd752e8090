//! The window's side of an experiment: what it wants, what it was told, what it asks for.

pub mod downloads;
mod events;
pub mod export;
mod export_all;
pub mod exports;
mod figure_data;
pub mod lane_view;
pub mod loader;
pub mod notification;
pub mod playback;
pub mod probe_selection;
pub mod recording;
pub mod results;
pub mod run_view;
pub mod runs;
pub mod seed_search;
pub mod stored_spectra;
pub mod sweep;

use std::{path::PathBuf, sync::Arc};

use eframe::egui::Context;

pub use export::{All, Export};
pub use lane_view::LaneView;
pub use notification::{Action, Notification};
pub use probe_selection::ProbeSelection;
pub use run_view::RunView;

use self::{
    downloads::Downloads, export::Exporting, loader::Loader, playback::Playback, results::Results,
    runs::Autosave, seed_search::SeedSearch, sweep::SweepState,
};
use crate::{
    data::{DataSource, Dataset, DatasetLocator, ImageShape, picture::is_image},
    model::Lambda,
    sweep::{RunSpec, Spectrum, store::default_file},
    train::{Command, DeviceChoice, RunConfig, RunId, RunState, Worker, checkpoint::Checkpoint},
};

/// Everything about the experiment that panes read and change. Nothing here ever waits.
#[derive(Debug)]
pub struct State {
    ctx: Context,
    worker: Option<Worker>,
    loader: Loader,
    downloads: Downloads,
    experiment: SweepState,
    /// Whether the window of data sets was asked for.
    wants_data_sets: bool,
    /// Settings in force: those of the run that was asked for last.
    config: RunConfig,
    /// Settings that wait for their data set.
    waiting: Option<RunConfig>,
    /// λ of a finished run that is to be trained again; else λ stays as it is.
    wanted_lambda: Option<Lambda>,
    /// Whether the live run is to be seen.
    wants_live: bool,
    /// The networks of the run that was asked for last; none for the one of `config`.
    spectrum: Option<Spectrum>,
    /// Whether λ moves by itself.
    playback: Option<Playback>,
    probe_selection: ProbeSelection,
    selected: Option<u32>,
    /// An image from outside the data set.
    own: Option<Arc<[u8]>>,
    /// An image file that has been read and not been taken yet.
    arrived: Option<(ImageShape, Vec<u8>)>,
    ids: u64,
    /// The run that was asked for and has not started yet.
    pending: Option<Pending>,
    /// The run on show.
    run: Option<RunView>,
    notifications: Vec<Notification>,
    /// The run whose dead units the user has chosen to ignore.
    ignored: Option<RunId>,
    seed_search: Option<SeedSearch>,
    autosave_files: Autosave,
    exporting: Exporting,
    results: Results,
}

/// A run on its way.
#[derive(Debug)]
struct Pending {
    id: RunId,
    source: DataSource,
    dataset: Arc<Dataset>,
    /// What it goes on from; none for a new one.
    saved: Option<Arc<Checkpoint>>,
}

impl State {
    /// Starts the worker and begins to load `source`; training starts as soon as it is there.
    pub fn new(
        ctx: &Context,
        config: RunConfig,
        source: DataSource,
        sample: ProbeSelection,
    ) -> Self {
        let mut session = Self {
            ctx: ctx.clone(),
            worker: None,
            loader: Loader::new(ctx.clone()),
            downloads: Downloads::new(ctx.clone(), DatasetLocator::with_default_folders(None)),
            experiment: SweepState::new(ctx.clone()),
            wants_data_sets: false,
            config,
            waiting: None,
            wanted_lambda: None,
            wants_live: false,
            spectrum: None,
            playback: None,
            probe_selection: sample,
            selected: None,
            own: None,
            arrived: None,
            ids: 0,
            pending: None,
            run: None,
            notifications: Vec::new(),
            ignored: None,
            seed_search: None,
            autosave_files: Autosave::default(),
            exporting: Exporting::new(ctx.clone()),
            results: Results::new(ctx.clone(), default_file()),
        };
        session.load(source);
        session
    }

    // ---- what panes read ----

    /// The run on show, once one has started.
    pub fn run(&self) -> Option<&RunView> {
        self.run.as_ref()
    }

    /// The settings in force.
    pub fn config(&self) -> &RunConfig {
        &self.config
    }

    /// Which test images are looked at.
    pub fn probe_selection(&self) -> ProbeSelection {
        self.probe_selection
    }

    /// The image looked at closely.
    pub fn selected(&self) -> Option<u32> {
        self.selected
    }

    /// λ as the user has set it: of a spectrum that of the lane on show.
    pub fn lambda(&self) -> Lambda {
        match self.shown_spectrum() {
            Some(run) => run.shown().lane.lambda,
            None => self.config.lambda,
        }
    }

    /// The networks that were asked for last; none where it is a single one.
    pub fn spectrum(&self) -> Option<&Spectrum> {
        self.spectrum.as_ref()
    }

    /// The run on show, if it is a spectrum.
    pub fn shown_spectrum(&self) -> Option<&RunView> {
        self.run.as_ref().filter(|run| run.is_spectrum())
    }

    /// Whether steps are being taken.
    pub fn is_training(&self) -> bool {
        self.run
            .as_ref()
            .is_some_and(|run| run.state == RunState::Training)
    }

    /// Whether a data set is being read or a run prepared.
    pub fn is_preparing(&self) -> bool {
        self.loader.is_busy() || (self.pending.is_some() && self.worker.is_some())
    }

    /// The full data sets.
    pub fn downloads(&self) -> &Downloads {
        &self.downloads
    }

    /// Many runs at once.
    pub fn experiment(&self) -> &SweepState {
        &self.experiment
    }

    /// What to tell the user now.
    pub fn notifications(&self) -> Vec<Notification> {
        let mut notices = self.notifications.clone();
        notices.extend(self.exporting.notice());
        if let Some(hunt) = self.seed_search {
            notices.push(Notification::Hunting {
                seed: self.config.seed,
                tried: hunt.tried,
            });
        } else if let Some(run) = &self.run
            && self.ignored != Some(run.id)
            && !run.is_spectrum()
            && let Some(snapshot) = &run.shown().snapshot
            && seed_search::is_flat(snapshot)
        {
            notices.push(Notification::DeadUnits {
                dead: snapshot.dead_units(),
                of: snapshot.dead.len(),
            });
        }
        notices
    }

    // ---- what panes ask for ----

    /// Weighs the losses anew; the run goes on. Of a spectrum it shows the lane that is nearest.
    pub fn set_lambda(&mut self, lambda: Lambda) {
        if let Some(run) = self.run.as_mut().filter(|run| run.is_spectrum()) {
            if lambda != run.shown().lane.lambda {
                self.playback = None;
                run.show(run.nearest(lambda));
            }
        } else if lambda != self.config.lambda {
            self.config.lambda = lambda;
            self.send(Command::SetLambda(lambda));
        }
    }

    /// Whether λ moves by itself.
    pub fn is_playing(&self) -> bool {
        self.playback.is_some() && self.shown_spectrum().is_some()
    }

    /// Lets λ of a spectrum run from 0 to 1 and back, or stops it.
    pub fn toggle_film(&mut self) {
        self.playback = match self.playback {
            None if self.shown_spectrum().is_some() => Some(Playback {
                since: self.ctx.input(|input| input.time),
            }),
            _ => None,
        };
    }

    /// Shows the lane whose turn it is while λ moves by itself. Called once before each frame.
    pub fn play(&mut self) {
        if let (Some(film), Some(run)) = (self.playback, &mut self.run) {
            let now = self.ctx.input(|input| input.time);
            run.show(film.place(now, run.lanes().len()));
            self.ctx.request_repaint_after(playback::FRAME / 4);
        }
    }

    /// Shows a lane of the spectrum.
    pub fn show_lane(&mut self, place: usize) {
        self.playback = None;
        if let Some(run) = &mut self.run {
            run.show(place);
        }
    }

    /// Begins anew with these networks, or with a single one.
    pub fn set_spectrum(&mut self, spectrum: Option<Spectrum>) {
        self.seed_search = None;
        self.playback = None;
        // Whoever goes back to a single λ keeps the one on show.
        self.config.lambda = self.lambda();
        self.spectrum = spectrum;
        self.begin_again(self.config.clone());
    }

    /// Changes Adam's step size; the run goes on.
    pub fn set_learning_rate(&mut self, learning_rate: f64) {
        if learning_rate != self.config.learning_rate {
            self.config.learning_rate = learning_rate;
            self.send(Command::SetLearningRate(learning_rate));
        }
    }

    pub fn toggle_training(&mut self) {
        self.send(if self.is_training() {
            Command::Pause
        } else {
            Command::Resume
        });
    }

    pub fn step(&mut self) {
        self.send(Command::Step);
    }

    pub fn epoch(&mut self) {
        self.send(Command::Epoch);
    }

    /// Begins anew with the same settings.
    pub fn reset(&mut self) {
        self.seed_search = None;
        self.begin_again(self.config.clone());
    }

    /// Begins anew with other settings, and perhaps other data.
    pub fn apply(&mut self, config: RunConfig, source: DataSource) {
        self.seed_search = None;
        if self.run.as_ref().is_some_and(|run| run.source == source) {
            self.begin_again(config);
        } else {
            self.waiting = Some(config);
            self.load(source);
        }
    }

    /// Many runs at once, to steer them.
    pub fn experiment_mut(&mut self) -> &mut SweepState {
        &mut self.experiment
    }

    /// Begins anew with the settings of a run of an experiment, and wants to be seen.
    pub fn train_live(&mut self, spec: &RunSpec) {
        self.playback = None;
        self.spectrum = None;
        self.wanted_lambda = Some(spec.config.lambda);
        self.wants_live = true;
        let device = self.config.device;
        let config = RunConfig {
            device,
            ..spec.config.clone()
        };
        self.apply(config, spec.data.clone());
    }

    /// Whether the live run is to be seen, once.
    pub fn take_live_wish(&mut self) -> bool {
        std::mem::take(&mut self.wants_live)
    }

    /// Begins anew with the next seed and, where that one dies, the one after it.
    pub fn new_seed(&mut self) {
        let tried = self.seed_search.map_or(0, |hunt| hunt.tried);
        self.notifications
            .retain(|notice| !matches!(notice, Notification::Found { .. }));
        // Of a spectrum, with its many λ, no seed is the right one.
        self.seed_search = self
            .spectrum
            .is_none()
            .then_some(SeedSearch { tried: tried + 1 });
        self.begin_again(RunConfig {
            seed: self.config.seed.wrapping_add(1),
            ..self.config.clone()
        });
    }

    /// Asks the user for a folder of images.
    pub fn open_data_set(&mut self) {
        self.loader.choose_folder();
    }

    /// Reads a data set, to learn from it as soon as it is there.
    pub fn load(&mut self, source: DataSource) {
        self.loader.load(source, self.downloads.shelf().clone());
    }

    /// The full data sets, to look for them and to download them.
    pub fn downloads_mut(&mut self) -> &mut Downloads {
        &mut self.downloads
    }

    /// Takes full data sets from another shelf.
    pub fn set_shelf(&mut self, shelf: DatasetLocator) {
        self.downloads = Downloads::new(self.ctx.clone(), shelf);
    }

    /// What the file of finished runs says.
    pub fn results(&self) -> &Results {
        &self.results
    }

    /// What the file of finished runs says, to look into it.
    pub fn results_mut(&mut self) -> &mut Results {
        &mut self.results
    }

    /// Reads and keeps finished runs in another file than the user's own.
    pub fn set_results(&mut self, file: PathBuf) {
        self.experiment.set_file(file.clone());
        self.results = Results::new(self.ctx.clone(), Some(file));
    }

    /// Asks for the window of data sets.
    pub fn show_data_sets(&mut self) {
        self.wants_data_sets = true;
    }

    /// Whether the window of data sets was asked for, once.
    pub fn take_data_sets_wish(&mut self) -> bool {
        std::mem::take(&mut self.wants_data_sets)
    }

    /// Takes in what was dropped on the window: a folder is a data set, a run goes on, an image
    /// file is looked at.
    pub fn take_dropped(&mut self, path: PathBuf) {
        match &self.run {
            _ if path
                .extension()
                .is_some_and(|extension| extension == "safetensors") =>
            {
                self.open_run(path);
            }
            Some(run) if is_image(&path) => {
                let shelf = self.downloads.shelf().clone();
                self.loader.load_image(path, run.dataset.shape, shelf);
            }
            _ => self.load(DataSource::Folder(path)),
        }
    }

    /// The image file that was read last, bytes of its shape, once.
    pub fn take_image(&mut self) -> Option<(ImageShape, Vec<u8>)> {
        self.arrived.take()
    }

    /// Looks at other test images.
    pub fn set_probe_selection(&mut self, sample: ProbeSelection) {
        if sample != self.probe_selection {
            self.probe_selection = sample;
            self.send_probe();
        }
    }

    /// Looks closely at one test image, or at none.
    pub fn select(&mut self, image: Option<u32>) {
        if image != self.selected {
            self.selected = image;
            self.send_probe();
        }
    }

    /// Looks at an image from outside the data set, or at none; see [`crate::train::Probe::own`].
    pub fn set_own(&mut self, own: Option<Arc<[u8]>>) {
        if own != self.own {
            self.own = own;
            self.send_probe();
        }
    }

    /// Does what a button of a notice promised.
    pub fn act_on(&mut self, notice: &Notification, remedy: Action) {
        self.notifications.retain(|other| other != notice);
        match remedy {
            Action::NewSeed => self.new_seed(),
            Action::StopHunting => self.seed_search = None,
            Action::RollBack => {
                if let Notification::NotFinite { lane, .. } = notice {
                    self.send(Command::RollBack { lane: *lane });
                }
            }
            Action::Restart => self.reset(),
            Action::RestartOnCpu => self.begin_again(RunConfig {
                device: DeviceChoice::Cpu,
                ..self.config.clone()
            }),
            Action::OpenDataSet => self.open_data_set(),
            Action::DataSets => self.show_data_sets(),
            Action::OpenRun => self.choose_run(),
            Action::GoOn => self.take_up(),
            Action::CancelExport => self.exporting.cancel(),
            Action::Dismiss => {
                if matches!(notice, Notification::DeadUnits { .. }) {
                    self.ignored = self.run.as_ref().map(|run| run.id);
                }
                if matches!(notice, Notification::LeftOver { .. }) {
                    self.forget_left_over();
                }
            }
        }
    }

    // ---- inside ----

    /// Begins with the images that are there already.
    fn begin_again(&mut self, config: RunConfig) {
        let known = match (&self.pending, &self.run) {
            (Some(pending), _) => Some((pending.source.clone(), pending.dataset.clone())),
            (None, Some(run)) => Some((run.source.clone(), run.dataset.clone())),
            (None, None) => None,
        };
        if let Some((source, dataset)) = known {
            self.begin(config, source, dataset);
        }
    }

    fn begin(&mut self, mut config: RunConfig, source: DataSource, dataset: Arc<Dataset>) {
        config.lambda = self.wanted_lambda.take().unwrap_or_else(|| self.lambda());
        self.config = config;
        let start = self.start(&dataset);
        self.pending = Some(Pending {
            id: start.run,
            source,
            dataset,
            saved: None,
        });
        self.launch(Command::Reset(Box::new(start)));
    }

    /// Sends what begins a run to the worker, which is made if there is none.
    fn launch(&mut self, command: Command) {
        if self.worker.is_none() {
            let ctx = self.ctx.clone();
            match Worker::spawn(move || ctx.request_repaint()) {
                Ok(worker) => self.worker = Some(worker),
                Err(error) => self.notify(Notification::Crashed {
                    reason: error.to_string(),
                }),
            }
        }
        self.send(command);
        self.autosave();
    }

    fn send(&self, command: Command) {
        if let Some(worker) = &self.worker {
            worker.send(command);
        }
    }

    fn send_probe(&self) {
        let dataset = match (&self.pending, &self.run) {
            (Some(pending), _) => &pending.dataset,
            (None, Some(run)) => &run.dataset,
            (None, None) => return,
        };
        self.send(Command::Probe(self.probe_selection.probe(
            dataset,
            self.selected,
            self.own.clone(),
        )));
    }

    fn notify(&mut self, notice: Notification) {
        if !self.notifications.contains(&notice) {
            self.notifications.push(notice);
        }
    }
}
