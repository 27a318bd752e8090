//! What finished runs say of the trade-off's width, and which spectra they make up, read again whenever their file changes.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant, SystemTime},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};
use eframe::egui::Context;

use super::stored_spectra::{StoredSpectrum, spectra};
use crate::{
    figures::{CapacityFigure, CapacityMeasure},
    sweep::{
        Store,
        series::{series, with_common_sources},
        store::StoredRun,
    },
};

/// How often it is looked whether the file has changed.
const INTERVAL: Duration = Duration::from_secs(2);

/// What is known of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum ResultsState {
    /// It has not been looked into yet.
    Unread,
    /// There is no such file.
    Missing,
    /// It cannot be read; one sentence.
    Trouble(String),
    /// It holds so many runs, which say this.
    Read {
        runs: usize,
        /// Against n, and against the number of parameters.
        latent_size: Option<CapacityFigure>,
        parameters: Option<CapacityFigure>,
        /// Every spectrum among them.
        spectra: Vec<StoredSpectrum>,
    },
}

/// Reads the file of finished runs on a thread of its own, never to write to it.
#[derive(Debug)]
pub struct Results {
    ctx: Context,
    /// None where the platform keeps no such files.
    file: Option<PathBuf>,
    state: ResultsState,
    /// The thread that looks, from the first wish on: it is asked to look again, and tells.
    watch: Option<(Sender<()>, Receiver<ResultsState>)>,
}

impl Results {
    /// `ctx` is woken when there is something new.
    pub fn new(ctx: Context, file: Option<PathBuf>) -> Self {
        Self {
            ctx,
            file,
            state: ResultsState::Unread,
            watch: None,
        }
    }

    /// Where it lies.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// What is known of it.
    pub fn state(&self) -> &ResultsState {
        &self.state
    }

    /// The trade-off's width, where there are runs that tell it.
    pub fn widths(&self, against: CapacityMeasure) -> Option<&CapacityFigure> {
        match (&self.state, against) {
            (ResultsState::Read { latent_size, .. }, CapacityMeasure::LatentSize) => {
                latent_size.as_ref()
            }
            (ResultsState::Read { parameters, .. }, CapacityMeasure::Parameters) => {
                parameters.as_ref()
            }
            _ => None,
        }
    }

    /// The spectra among the runs.
    pub fn spectra(&self) -> &[StoredSpectrum] {
        match &self.state {
            ResultsState::Read { spectra, .. } => spectra,
            _ => &[],
        }
    }

    /// Begins to look into the file, and to notice its changes.
    pub fn watch(&mut self) {
        if self.watch.is_some() {
            return;
        }
        let Some(file) = self.file.clone() else {
            self.state = ResultsState::Missing;
            return;
        };
        let (asks, asked) = unbounded();
        let (tells, told) = unbounded();
        let ctx = self.ctx.clone();
        let spawned = thread::Builder::new()
            .name("results".to_owned())
            .spawn(move || look_for_ever(&file, &asked, &tells, &ctx));
        match spawned {
            Ok(_) => self.watch = Some((asks, told)),
            Err(error) => {
                self.state = ResultsState::Trouble(format!("the system refuses a thread: {error}"));
            }
        }
    }

    /// Reads the file again, whether it has changed or not.
    pub fn refresh(&mut self) {
        self.watch();
        if let Some((asks, _)) = &self.watch {
            let _ = asks.send(());
        }
    }

    /// Takes in everything that has arrived.
    pub fn receive(&mut self) {
        if let Some((_, told)) = &self.watch
            && let Some(state) = told.try_iter().last()
        {
            self.state = state;
        }
    }
}

/// Ends when nobody listens any more.
fn look_for_ever(file: &Path, asked: &Receiver<()>, tells: &Sender<ResultsState>, ctx: &Context) {
    let mut known = None;
    loop {
        let begun = Instant::now();
        let stamp = stamp(file);
        if known.as_ref() != Some(&stamp) {
            if tells.send(read(file)).is_err() {
                return;
            }
            ctx.request_repaint();
            known = Some(stamp);
        }
        // A file that takes long to read is read less often while a sweep writes to it.
        match asked.recv_timeout(INTERVAL.max(10 * begun.elapsed())) {
            Ok(()) => known = None,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Tells whether the file, or the log of what is new in it, has changed.
fn stamp(file: &Path) -> [Option<(u64, SystemTime)>; 2] {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    [file, Path::new(&log)].map(|file| {
        let facts = fs::metadata(file).ok()?;
        Some((facts.len(), facts.modified().ok()?))
    })
}

fn read(file: &Path) -> ResultsState {
    if !file.exists() {
        return ResultsState::Missing;
    }
    // A file that breaks the reader must not end the looking.
    match std::panic::catch_unwind(|| runs(file)) {
        Ok(Ok(stored)) => {
            let ids: Vec<i64> = stored.iter().map(|run| run.id).collect();
            let records = with_common_sources(stored);
            let series = series(&records);
            ResultsState::Read {
                runs: records.len(),
                latent_size: CapacityFigure::new(&series, CapacityMeasure::LatentSize),
                parameters: CapacityFigure::new(&series, CapacityMeasure::Parameters),
                spectra: spectra(&ids, &records),
            }
        }
        Ok(Err(reason)) => ResultsState::Trouble(reason),
        Err(_) => ResultsState::Trouble(format!("{} cannot be read", file.display())),
    }
}

/// Every run without its pictures, which would fill the memory.
fn runs(file: &Path) -> Result<Vec<StoredRun>, String> {
    let store = Store::open_to_read(file).map_err(|error| error.to_string())?;
    let mut runs = Vec::new();
    for id in store.ids().map_err(|error| error.to_string())? {
        let run = store.run(id).map_err(|error| error.to_string())?;
        runs.extend(run.map(|mut stored| {
            let portrait = &mut stored.record.eval_sample;
            portrait.points = Vec::new();
            portrait.labels = Vec::new();
            portrait.predicted = Vec::new();
            portrait.reconstructions = Vec::new();
            stored
        }));
    }
    Ok(runs)
}
