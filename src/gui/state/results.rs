//! The results file: the trade-off in its runs, read again whenever it changes.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, unbounded};

use super::stored_spectra::{Clouds, StoredSpectrum, read_clouds, spectra};
use crate::{
    figures::{CapacityFigure, CapacityMeasure},
    gui::commands::ResultsCommand,
    jobs::{Job, JobContext, Wake, take_finished},
    sweep::{
        Store,
        series::{series, with_common_sources},
        store::{StoredRun, default_file},
    },
};

/// How often the file is checked for changes.
const INTERVAL: Duration = Duration::from_secs(2);

#[derive(Clone, Debug, PartialEq)]
pub enum ResultsState {
    /// Not read yet.
    Unread,
    /// There is no such file.
    Missing,
    /// It cannot be read, for this reason.
    Error(String),
    Read {
        runs: usize,
        /// Trade-off width against n, and against the number of parameters.
        latent_size: Option<CapacityFigure>,
        parameters: Option<CapacityFigure>,
        spectra: Vec<StoredSpectrum>,
    },
}

/// Reads the results file in the background, and never writes to it.
#[derive(Debug)]
pub struct Results {
    wake: Wake,
    /// `None` where the system has no folder for it.
    file: Option<PathBuf>,
    pub state: ResultsState,
    watcher: Option<Watcher>,
    /// The runs whose clouds were requested last.
    cloud_runs: Vec<i64>,
    clouds_job: Option<Job<Result<Clouds, String>>>,
    /// The clouds that were requested last, once they have been read; the error is one sentence.
    pub clouds: Option<Result<Clouds, String>>,
}

/// The job that watches the file. It ends when the sender is dropped.
#[derive(Debug)]
struct Watcher {
    job: Job<(), ResultsState>,
    refresh: Sender<()>,
}

impl Results {
    pub fn new(wake: Wake) -> Self {
        Self {
            wake,
            file: default_file(),
            state: ResultsState::Unread,
            watcher: None,
            cloud_runs: Vec::new(),
            clouds_job: None,
            clouds: None,
        }
    }

    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Whether the file is read after every change.
    pub fn is_watched(&self) -> bool {
        self.watcher.is_some() || self.state == ResultsState::Missing
    }

    pub fn widths(&self, measure: CapacityMeasure) -> Option<&CapacityFigure> {
        match (&self.state, measure) {
            (ResultsState::Read { latent_size, .. }, CapacityMeasure::LatentSize) => {
                latent_size.as_ref()
            }
            (ResultsState::Read { parameters, .. }, CapacityMeasure::Parameters) => {
                parameters.as_ref()
            }
            _ => None,
        }
    }

    pub fn spectra(&self) -> &[StoredSpectrum] {
        match &self.state {
            ResultsState::Read { spectra, .. } => spectra,
            _ => &[],
        }
    }

    /// Whether the clouds of exactly these runs have been requested.
    pub fn has_requested_clouds(&self, runs: &[i64]) -> bool {
        self.cloud_runs == runs
    }

    pub fn execute(&mut self, command: ResultsCommand) {
        match command {
            ResultsCommand::Watch => self.watch(),
            ResultsCommand::Refresh => self.refresh(),
            ResultsCommand::LoadClouds(runs) => self.load_clouds(runs),
            ResultsCommand::SetFile(file) => {
                *self = Self {
                    file: Some(file),
                    ..Self::new(self.wake.clone())
                }
            }
        }
    }

    fn watch(&mut self) {
        if self.watcher.is_some() {
            return;
        }
        let Some(file) = self.file.clone() else {
            self.state = ResultsState::Missing;
            return;
        };
        let (refresh, requests) = unbounded();
        let job = Job::start("results", &self.wake, move |job| {
            watch_file(&file, &requests, job);
        });
        self.watcher = Some(Watcher { job, refresh });
    }

    /// Reads the file now, also by a new watcher where the old one has crashed.
    fn refresh(&mut self) {
        if self
            .watcher
            .take_if(|watcher| watcher.refresh.send(()).is_err())
            .is_some()
        {
            self.state = ResultsState::Unread;
        }
        self.watch();
    }

    fn load_clouds(&mut self, runs: Vec<i64>) {
        let Some(file) = self.file.clone() else {
            return;
        };
        self.clouds = None;
        self.cloud_runs.clone_from(&runs);
        self.clouds_job = Some(Job::start("clouds", &self.wake, move |_| {
            read_clouds(&file, &runs)
        }));
    }

    pub fn receive(&mut self) {
        if let Some(watcher) = &self.watcher {
            if let Some(state) = watcher.job.progress().last() {
                self.state = state;
            }
            if let Some(Err(error)) = watcher.job.poll() {
                self.state = ResultsState::Error(error.to_string());
            }
        }
        if let Some(result) = take_finished(&mut self.clouds_job) {
            self.clouds = Some(result.unwrap_or_else(|error| Err(error.to_string())));
        }
    }
}

/// Reads the file at first, after every change and on request, until the sender is dropped.
fn watch_file(file: &Path, requests: &Receiver<()>, job: &JobContext<ResultsState>) {
    let mut read_version = None;
    loop {
        let start = Instant::now();
        let version = version(file);
        if read_version.as_ref() != Some(&version) {
            job.progress(read(file));
            read_version = Some(version);
        }
        // A file that takes long to read is read less often while a sweep writes to it.
        match requests.recv_timeout(INTERVAL.max(10 * start.elapsed())) {
            Ok(()) => read_version = None,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Sizes and times of the file and its write-ahead log, which change with its content.
fn version(file: &Path) -> [Option<(u64, SystemTime)>; 2] {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    [file, Path::new(&log)].map(|file| {
        let metadata = fs::metadata(file).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    })
}

fn read(file: &Path) -> ResultsState {
    if !file.exists() {
        return ResultsState::Missing;
    }
    let stored = match runs(file) {
        Ok(stored) => stored,
        Err(reason) => return ResultsState::Error(reason),
    };
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

/// Reads every run without its images and points, which would take too much memory.
fn runs(file: &Path) -> Result<Vec<StoredRun>, String> {
    let store = Store::open_to_read(file).map_err(|error| error.to_string())?;
    let mut runs = Vec::new();
    for id in store.ids().map_err(|error| error.to_string())? {
        let run = store.run(id).map_err(|error| error.to_string())?;
        runs.extend(run.map(|mut stored| {
            let sample = &mut stored.record.eval_sample;
            sample.points = Vec::new();
            sample.labels = Vec::new();
            sample.predicted = Vec::new();
            sample.reconstructions = Vec::new();
            stored
        }));
    }
    Ok(runs)
}
