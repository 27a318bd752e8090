//! Reading data sets and images without holding up the window.

use std::{
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use crossbeam_channel::{Receiver, Sender, unbounded};
use eframe::egui::Context;

use super::runs::Opened;
use crate::{
    data::{DataSource, Dataset, DatasetLocator, ImageShape, picture::read_image},
    train::{
        RunConfig,
        checkpoint::{
            Checkpoint,
            authors::{ImportContext, load_any},
        },
    },
};

/// What came of a request; the error is one sentence.
pub type Loaded = Result<Answer, String>;

/// What a request asked for.
#[derive(Debug)]
pub enum Answer {
    /// A data set and where it came from.
    DataSet(DataSource, Arc<Dataset>),
    /// One image, bytes of this shape.
    Image(ImageShape, Vec<u8>),
    /// A run and its images.
    Run(Opened),
    /// There is no such run; one sentence.
    NoRun(String),
    /// The file that the run on show is to be saved to.
    SaveTo(PathBuf),
}

/// Settings and images of the run on show.
pub type Shown = (RunConfig, DataSource, Arc<Dataset>);

/// Loads data sets and images on threads of their own.
#[derive(Debug)]
pub struct Loader {
    ctx: Context,
    results: Receiver<Option<Loaded>>,
    sender: Sender<Option<Loaded>>,
    /// Requests that are not answered yet.
    pending: usize,
}

impl Loader {
    /// `ctx` is woken when something is there.
    pub fn new(ctx: Context) -> Self {
        let (sender, results) = unbounded();
        Self {
            ctx,
            results,
            sender,
            pending: 0,
        }
    }

    /// Whether a request is under way.
    pub fn is_busy(&self) -> bool {
        self.pending > 0
    }

    /// Begins to read `source`, a full set from `shelf`.
    pub fn load(&mut self, source: DataSource, shelf: DatasetLocator) {
        self.begin(move || Some(read_data_set(source, &shelf)));
    }

    /// Begins to read one image, to be shown in `shape`; a folder that is called like an image is a data
    /// set.
    pub fn load_image(&mut self, file: PathBuf, shape: ImageShape, shelf: DatasetLocator) {
        self.begin(move || {
            // Asked here, since a network share may not answer.
            if file.is_dir() {
                return Some(read_data_set(DataSource::Folder(file), &shelf));
            }
            let result = std::panic::catch_unwind(|| read_image(&file, shape))
                .map_err(|_| format!("{} could not be read", file.display()))
                .and_then(|read| read.map_err(|error| error.to_string()))
                .map(|pixels| Answer::Image(shape, pixels));
            Some(result)
        });
    }

    /// Asks for a folder with the system's own dialog, then reads it.
    pub fn choose_folder(&mut self) {
        // The dialog must be asked for on the window's own thread, and awaited elsewhere.
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Open a folder of images")
            .pick_folder();
        self.begin(move || {
            let folder: PathBuf = pollster::block_on(dialog)?.path().to_owned();
            Some(read_data_set(
                DataSource::Folder(folder),
                &DatasetLocator::with_default_folders(None),
            ))
        });
    }

    /// Begins to read a run and its images; weights of the authors' modules get the settings of `shown`.
    pub fn load_run(&mut self, file: PathBuf, shown: Option<Shown>, shelf: DatasetLocator) {
        self.begin(move || Some(Ok(read_run(&file, shown.as_ref(), &shelf))));
    }

    /// Asks for a run with the system's own dialog, then reads it.
    pub fn choose_run(&mut self, shown: Option<Shown>, shelf: DatasetLocator) {
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Open a run")
            .add_filter("Runs and weights", &["safetensors"])
            .pick_file();
        self.begin(move || {
            let file = pollster::block_on(dialog)?.path().to_owned();
            Some(Ok(read_run(&file, shown.as_ref(), &shelf)))
        });
    }

    /// Asks with the system's own dialog where to save the run.
    pub fn choose_where_to_save(&mut self, name: String) {
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Save the run")
            .add_filter("Runs", &["safetensors"])
            .set_file_name(name)
            .save_file();
        self.begin(move || {
            let file = pollster::block_on(dialog)?.path().to_owned();
            Some(Ok(Answer::SaveTo(file)))
        });
    }

    fn begin(&mut self, work: impl FnOnce() -> Option<Loaded> + Send + 'static) {
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        let spawned = thread::Builder::new()
            .name("loading".to_owned())
            .spawn(move || {
                // The window may be gone by now; then nobody waits for the answer.
                let _ = sender.send(work());
                ctx.request_repaint();
            });
        self.pending += 1;
        if let Err(error) = spawned {
            let reason = format!("the system refuses a thread to read data: {error}");
            let _ = self.sender.send(Some(Err(reason)));
        }
    }

    /// The next finished request; a dialog that was cancelled gives nothing.
    pub fn take_next(&mut self) -> Option<Loaded> {
        loop {
            let answer = self.results.try_recv().ok()?;
            self.pending = self.pending.saturating_sub(1);
            if answer.is_some() {
                return answer;
            }
        }
    }
}

fn read_data_set(source: DataSource, shelf: &DatasetLocator) -> Loaded {
    // A parser that panics must not leave the window waiting for ever.
    std::panic::catch_unwind(|| source.load_from(shelf))
        .map_err(|_| format!("{source} could not be read"))
        .and_then(|loaded| loaded.map_err(|error| error.to_string()))
        .map(|dataset| Answer::DataSet(source, Arc::new(dataset)))
}

fn read_run(file: &Path, shown: Option<&Shown>, shelf: &DatasetLocator) -> Answer {
    // A parser that panics must not leave the window waiting for ever.
    let read = std::panic::catch_unwind(AssertUnwindSafe(|| try_to_read_run(file, shown, shelf)));
    match read {
        Ok(Ok(opened)) => Answer::Run(opened),
        Ok(Err(reason)) => Answer::NoRun(reason),
        Err(_) => Answer::NoRun(format!("{} could not be read", file.display())),
    }
}

fn try_to_read_run(
    file: &Path,
    shown: Option<&Shown>,
    shelf: &DatasetLocator,
) -> Result<Opened, String> {
    let saved = match shown {
        Some((config, source, dataset)) => {
            let base = ImportContext {
                config,
                source,
                dataset,
            };
            load_any(file, base)
        }
        None => Checkpoint::load(file),
    }
    .map_err(|error| error.to_string())?;
    let data = &saved.metadata.data;
    let dataset = match shown {
        Some((_, source, dataset)) if *source == data.source => dataset.clone(),
        _ => {
            let loaded = data.source.load_from(shelf).map_err(|error| {
                format!(
                    "{} needs the data set {}: {error}",
                    file.display(),
                    data.name
                )
            })?;
            Arc::new(loaded)
        }
    };
    data.fits(&dataset)
        .map_err(|reason| format!("{} cannot go on: {reason}", file.display()))?;
    Ok(Opened {
        source: data.source.clone(),
        saved: Arc::new(saved),
        dataset,
    })
}
