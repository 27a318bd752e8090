//! Everything that the user interface and background jobs can request, as values.
//!
//! Panes, menus, keys and the buttons of notifications read the state and push commands; the app
//! executes them between the parts of a frame. Nothing changes while a pane is drawn.

use std::{collections::VecDeque, path::PathBuf, sync::Arc};

use eframe::egui::ThemePreference;

use super::{
    panes::PaneId,
    state::{Export, Notification, NotificationId, ProbeSelection},
};
use crate::{
    data::{BundledSet, DataSource, Dataset, DatasetLocator, ImageShape},
    model::Lambda,
    sweep::{Grid, RunSpec, Spectrum},
    train::{RunConfig, checkpoint::Checkpoint, device::Backend},
};

/// A request, by the part that executes it.
#[derive(Clone, Debug)]
pub enum Command {
    Run(RunCommand),
    Data(DataCommand),
    Download(DownloadCommand),
    Probe(ProbeCommand),
    Sweep(SweepCommand),
    Export(ExportCommand),
    Results(ResultsCommand),
    Recovery(RecoveryCommand),
    Notification(NotificationCommand),
    View(ViewCommand),
    /// Measure the memory that is free on a device.
    MeasureMemory(Backend),
}

/// Requests to the run on show.
#[derive(Clone, Debug)]
pub enum RunCommand {
    /// Weight the losses by another λ without a restart; of a spectrum, show the network with the
    /// nearest λ.
    SetLambda(Lambda),
    /// Show a network of the spectrum, by index.
    ShowLane(usize),
    /// Change Adam's step size without a restart.
    SetLearningRate(f64),
    /// Pause or resume.
    ToggleTraining,
    /// Take one step, then pause.
    Step,
    /// Train to the end of the epoch, then pause.
    Epoch,
    /// Start again with the same settings.
    Restart,
    /// Start again with the same settings on the CPU.
    RestartOnCpu,
    /// Start again with the next seed and, if its latent units die, with the one after it.
    NewSeed,
    /// Keep the seed that is being tried.
    StopSeedSearch,
    /// Do not report dead units of the run on show again.
    IgnoreDeadUnits,
    /// Start again with these networks, or with a single one.
    SetSpectrum(Option<Spectrum>),
    /// Start again with other settings, and possibly other data.
    Apply {
        config: Box<RunConfig>,
        source: DataSource,
    },
    /// Start again with the settings of a run of a sweep, and show the latent cloud.
    TrainLive(Box<RunSpec>),
    /// Start a run on a data set that has been loaded.
    Start(Box<NewRun>),
    /// Continue a run that has been read from a file.
    Resume(SavedRun),
    /// Return one network to its last evaluation with finite losses.
    RollBack { lane: usize },
    /// Write the run to a file.
    Save(PathBuf),
    /// Play the networks of a spectrum from the first λ to the last and back, or stop that.
    TogglePlayback,
}

/// Requests to load data sets, runs and images.
#[derive(Clone, Debug)]
pub enum DataCommand {
    /// Let the user choose a folder of images, then start a run on it.
    ChooseFolder,
    /// Load a data set, then start a run on it.
    Load {
        source: DataSource,
        settings: StartSettings,
    },
    /// Open what was dropped on the window: a folder is a data set, a safetensors file a run, any
    /// other file an image.
    OpenDropped(PathBuf),
    /// Let the user choose a saved run, then continue it.
    ChooseRun,
    /// Read a saved run, then continue it.
    OpenRun(PathBuf),
    /// Let the user choose where to save the run on show.
    ChooseSaveFile,
}

/// Requests about full data sets.
#[derive(Clone, Debug)]
pub enum DownloadCommand {
    /// Search this machine for every full set.
    FindSets,
    /// Load an example of each class of every set.
    LoadExamples,
    /// Download a set, or resume its download.
    Fetch(BundledSet),
    /// Stop a download; what has arrived is kept.
    Stop(BundledSet),
    /// Show the folder of a set in the file manager.
    Reveal(BundledSet),
    /// Search for full sets elsewhere.
    SetLocator(DatasetLocator),
}

/// Requests about the test images of snapshots.
#[derive(Clone, Debug)]
pub enum ProbeCommand {
    /// Change the images of cloud and grid.
    SetSelection(ProbeSelection),
    /// Inspect one test image, or none.
    Select(Option<u32>),
    /// Process an image that is not in the data set, or none; see
    /// [`crate::train::Probe::custom_image`].
    SetCustomImage(Option<Arc<[u8]>>),
}

/// Requests to the sweep.
#[derive(Clone, Debug)]
pub enum SweepCommand {
    /// Use another grid, unless one is being run.
    SetGrid(Box<Grid>),
    /// Read which runs of the grid are done.
    QueryStore,
    /// Estimate time and memory of the remaining runs.
    Estimate,
    /// Stop estimating.
    StopEstimate,
    /// Run everything that is not done.
    Start,
    /// Run again what has failed.
    Retry,
    /// Pause or resume.
    SetPaused(bool),
    /// Abandon the runs in training; finished ones are stored.
    Cancel,
    /// Skip one run, by index.
    Skip(usize),
    /// Show a finished run, by index.
    OpenPreview(usize),
    ClosePreview,
}

/// Requests to write figures and animations.
#[derive(Clone, Debug)]
pub enum ExportCommand {
    /// Write to a file or folder, in the format of its extension.
    Write { export: Export, path: PathBuf },
    /// Let the user choose the file or folder; `format` is its name and extension.
    Choose {
        export: Export,
        format: (&'static str, &'static str),
    },
    /// Stop the running export.
    Cancel,
    /// Record the network on show from now on; an earlier recording is discarded.
    Record,
    /// Stop recording and discard it.
    DiscardRecording,
}

/// Requests about the results file.
#[derive(Clone, Debug)]
pub enum ResultsCommand {
    /// Read the file, and again after every change.
    Watch,
    /// Read the file again now.
    Refresh,
    /// Read the clouds of these runs.
    LoadClouds(Vec<i64>),
    /// Read from and store results in another file.
    SetFile(PathBuf),
}

/// Requests about a run that a crash has left behind.
#[derive(Clone, Debug)]
pub enum RecoveryCommand {
    /// Continue it.
    Resume,
    /// Delete it.
    Discard,
    /// It could not be continued and stays where it is.
    ResumeFailed,
    /// The run on show has been evaluated, and saved before.
    RunEvaluated,
}

/// Requests about notifications.
#[derive(Clone, Debug)]
pub enum NotificationCommand {
    Show(Box<Notification>),
    Dismiss(NotificationId),
    /// Remove those that belong to the previous run.
    RunStarted,
}

/// Requests to the window itself.
#[derive(Clone, Debug)]
pub enum ViewCommand {
    /// Show a pane, or remove it from the layout.
    TogglePane(PaneId),
    /// Bring a pane to the front.
    ShowPane(PaneId),
    ResetLayout,
    ToggleDrawing,
    /// Open the drawing window with an image, bytes `[channels, height, width]`.
    ShowImage(ImageShape, Arc<[u8]>),
    OpenDataSets,
    ToggleDataSets,
    OpenExport(Export),
    ToggleHelp,
    /// Close the window in front or, if none is open, deselect the image.
    CloseTopmost,
    SetTheme(ThemePreference),
    ZoomIn,
    ZoomOut,
    ResetZoom,
    Quit,
}

/// A run to start on a data set that has been loaded.
#[derive(Clone, Debug)]
pub struct NewRun {
    pub source: DataSource,
    pub dataset: Arc<Dataset>,
    pub settings: StartSettings,
}

/// Settings of a run that starts when its data set has been loaded.
#[derive(Clone, Debug, Default)]
pub struct StartSettings {
    /// `None` for the settings in force at that time.
    pub config: Option<Box<RunConfig>>,
    /// `None` for the λ on show at that time.
    pub lambda: Option<Lambda>,
}

/// A run that has been read from a file, and its images.
#[derive(Clone, Debug)]
pub struct SavedRun {
    pub checkpoint: Arc<Checkpoint>,
    pub source: DataSource,
    pub dataset: Arc<Dataset>,
}

macro_rules! into_command {
    ($($variant:ident($request:ty)),* $(,)?) => {
        $(impl From<$request> for Command {
            fn from(request: $request) -> Self {
                Self::$variant(request)
            }
        })*
    };
}

into_command! {
    Run(RunCommand),
    Data(DataCommand),
    Download(DownloadCommand),
    Probe(ProbeCommand),
    Sweep(SweepCommand),
    Export(ExportCommand),
    Results(ResultsCommand),
    Recovery(RecoveryCommand),
    Notification(NotificationCommand),
    View(ViewCommand),
}

impl From<Notification> for Command {
    fn from(notification: Notification) -> Self {
        NotificationCommand::Show(Box::new(notification)).into()
    }
}

/// Commands that wait to be executed, in order.
#[derive(Debug, Default)]
pub struct Commands(VecDeque<Command>);

impl Commands {
    /// Adds a command at the end.
    pub fn push(&mut self, command: impl Into<Command>) {
        self.0.push_back(command.into());
    }

    /// Removes the first command.
    pub fn pop(&mut self) -> Option<Command> {
        self.0.pop_front()
    }
}

impl Extend<Command> for Commands {
    fn extend<I: IntoIterator<Item = Command>>(&mut self, commands: I) {
        self.0.extend(commands);
    }
}
