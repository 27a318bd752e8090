//! Loads data sets, runs and images, and opens the dialogs that ask for them.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::Notification;
use crate::{
    data::{
        DataSource, Dataset, DatasetLocator, ImageShape,
        picture::{is_image, read_image},
    },
    gui::commands::{
        Command, Commands, DataCommand, NewRun, ProbeCommand, RecoveryCommand, RunCommand,
        SavedRun, StartSettings, ViewCommand,
    },
    jobs::{Job, Wake},
    train::{
        RunConfig,
        checkpoint::{
            Checkpoint,
            authors::{ImportContext, load_any},
        },
    },
};

/// Settings and images that complete a file of weights.
#[derive(Clone, Debug)]
pub struct ImportSettings {
    pub config: RunConfig,
    pub source: DataSource,
    pub dataset: Arc<Dataset>,
}

/// What the loader needs from other parts of the state.
pub struct LoadContext {
    pub locator: DatasetLocator,
    /// Those of the run on show, once there is one.
    pub import: Option<ImportSettings>,
    /// Name of a file for the run on show, if it can be saved.
    pub file_name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RequestKind {
    /// A data set or an image.
    Images,
    Run,
}

/// The commands that follow from a loaded file, none after a cancelled dialog. The error is one
/// sentence.
type Loaded = Result<Vec<Command>, String>;

#[derive(Debug)]
struct Request {
    kind: RequestKind,
    /// Name of what is loaded, for messages.
    name: String,
    job: Job<Loaded>,
}

/// Executes each request on a background thread.
#[derive(Debug)]
pub struct Loader {
    wake: Wake,
    requests: Vec<Request>,
}

impl Loader {
    pub fn new(wake: Wake) -> Self {
        Self {
            wake,
            requests: Vec::new(),
        }
    }

    pub fn is_busy(&self) -> bool {
        !self.requests.is_empty()
    }

    pub fn execute(&mut self, command: DataCommand, context: LoadContext) {
        let (locator, import) = (context.locator, context.import);
        match command {
            DataCommand::Load { source, settings } => {
                self.start(RequestKind::Images, source.to_string(), move || {
                    load_data_set(source, settings, &locator)
                });
            }
            DataCommand::OpenDropped(path) => self.open_dropped(path, locator, import),
            DataCommand::OpenRun(file) => {
                self.start(RequestKind::Run, file.display().to_string(), move || {
                    load_run(&file, import, &locator)
                });
            }
            // Dialogs are opened on the main thread and awaited on another.
            DataCommand::ChooseFolder => {
                let dialog = rfd::AsyncFileDialog::new()
                    .set_title("Open a folder of images")
                    .pick_folder();
                self.start(RequestKind::Images, "the folder".to_owned(), move || {
                    let Some(folder) = pollster::block_on(dialog) else {
                        return Ok(Vec::new());
                    };
                    let source = DataSource::Folder(folder.path().to_owned());
                    load_data_set(source, StartSettings::default(), &locator)
                });
            }
            DataCommand::ChooseRun => {
                let dialog = rfd::AsyncFileDialog::new()
                    .set_title("Open a run")
                    .add_filter("Runs and weights", &["safetensors"])
                    .pick_file();
                self.start(RequestKind::Run, "the run".to_owned(), move || {
                    let Some(file) = pollster::block_on(dialog) else {
                        return Ok(Vec::new());
                    };
                    load_run(file.path(), import, &locator)
                });
            }
            DataCommand::ChooseSaveFile => {
                let Some(name) = context.file_name else {
                    return;
                };
                let dialog = rfd::AsyncFileDialog::new()
                    .set_title("Save the run")
                    .add_filter("Runs", &["safetensors"])
                    .set_file_name(&name)
                    .save_file();
                self.start(RequestKind::Run, name, move || {
                    let file = pollster::block_on(dialog);
                    let save = file.map(|file| RunCommand::Save(file.path().to_owned()).into());
                    Ok(save.into_iter().collect())
                });
            }
        }
    }

    /// Opens a run, an image in the shape of the run on show, or a folder.
    fn open_dropped(
        &mut self,
        path: PathBuf,
        locator: DatasetLocator,
        import: Option<ImportSettings>,
    ) {
        let name = path.display().to_string();
        if path.extension().is_some_and(|ext| ext == "safetensors") {
            self.start(RequestKind::Run, name, move || {
                load_run(&path, import, &locator)
            });
            return;
        }
        let shape = import.map(|import| import.dataset.shape);
        self.start(RequestKind::Images, name, move || match shape {
            // A folder may have the name of an image. Checked on this thread, since a network share
            // may not respond.
            Some(shape) if is_image(&path) && !path.is_dir() => load_image(&path, shape),
            _ => load_data_set(DataSource::Folder(path), StartSettings::default(), &locator),
        });
    }

    fn start(
        &mut self,
        kind: RequestKind,
        name: String,
        work: impl FnOnce() -> Loaded + Send + 'static,
    ) {
        let job = Job::start("loading", &self.wake, move |_| work());
        self.requests.push(Request { kind, name, job });
    }

    pub fn receive(&mut self, commands: &mut Commands) {
        self.requests.retain(|Request { kind, name, job }| {
            let Some(result) = job.poll() else {
                return true;
            };
            let result =
                result.unwrap_or_else(|error| Err(format!("Could not read {name}: {error}")));
            match result {
                Ok(loaded) => commands.extend(loaded),
                Err(reason) => {
                    if *kind == RequestKind::Run {
                        commands.push(RecoveryCommand::ResumeFailed);
                    }
                    commands.push(failed(*kind, reason));
                }
            }
            false
        });
    }
}

fn failed(kind: RequestKind, reason: String) -> Notification {
    let notification = Notification::error(reason);
    let notification = match kind {
        RequestKind::Images => notification
            .with_action(
                "Open another…",
                "Choose another folder",
                DataCommand::ChooseFolder,
            )
            .with_action(
                "Data sets…",
                "Show the data sets on this machine and those to download",
                ViewCommand::OpenDataSets,
            ),
        RequestKind::Run => notification.with_action(
            "Open another…",
            "Choose another file",
            DataCommand::ChooseRun,
        ),
    };
    notification.with_dismiss()
}

/// Loads a data set and starts a run on it.
fn load_data_set(source: DataSource, settings: StartSettings, locator: &DatasetLocator) -> Loaded {
    let dataset = source
        .load_from(locator)
        .map_err(|error| error.to_string())?;
    let mut commands = Vec::new();
    if !dataset.left_out.is_empty() {
        let text = dataset.left_out.to_string();
        commands.push(Notification::warning(text).with_dismiss().into());
    }
    commands.push(ProbeCommand::Select(None).into());
    let run = NewRun {
        source,
        dataset: Arc::new(dataset),
        settings,
    };
    commands.push(RunCommand::Start(Box::new(run)).into());
    Ok(commands)
}

/// Reads one image, scaled to `shape`, into the drawing window.
fn load_image(file: &Path, shape: ImageShape) -> Loaded {
    let pixels = read_image(file, shape).map_err(|error| error.to_string())?;
    Ok(vec![ViewCommand::ShowImage(shape, pixels.into()).into()])
}

/// Reads a run and its images, and continues it.
fn load_run(file: &Path, import: Option<ImportSettings>, locator: &DatasetLocator) -> Loaded {
    let checkpoint = match &import {
        Some(ImportSettings {
            config,
            source,
            dataset,
        }) => {
            let context = ImportContext {
                config,
                source,
                dataset,
            };
            load_any(file, context)
        }
        None => Checkpoint::load(file),
    }
    .map_err(|error| error.to_string())?;
    let data = &checkpoint.metadata.data;
    let dataset = match import {
        Some(import) if import.source == data.source => import.dataset,
        _ => {
            let loaded = data.source.load_from(locator).map_err(|error| {
                format!(
                    "{} needs the data set {}: {error}",
                    file.display(),
                    data.name
                )
            })?;
            Arc::new(loaded)
        }
    };
    data.fits(&data.source, &dataset)
        .map_err(|reason| format!("{} cannot be continued: {reason}", file.display()))?;
    let saved = SavedRun {
        source: data.source.clone(),
        checkpoint: Arc::new(checkpoint),
        dataset,
    };
    Ok(vec![
        ProbeCommand::Select(None).into(),
        RunCommand::Resume(saved).into(),
    ])
}
