//! A sweep: the grid, the status of each of its runs, and the thread that trains them.

mod picture;
mod preview;
mod run_status;
mod running;
mod store_query;

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    gui::commands::SweepCommand,
    jobs::{Job, Signal, Wake, take_finished},
    sweep::{
        Grid, RunSpec, SweepCommand as RunnerCommand, SweepEnd, SweepEvent, SweepRunner,
        grid::GridError,
        runner::{SweepEstimate, SweepOptions},
        store::default_file,
    },
};

pub use self::{
    picture::RunPicture,
    preview::Preview,
    run_status::{Finished, RunStatus},
    running::{RunningSweep, Stage},
};

/// How long a grid must stay unchanged before its cost is estimated.
const SETTLE_TIME: Duration = Duration::from_millis(700);

/// A grid of runs and their status.
#[derive(Debug)]
pub struct SweepState {
    wake: Wake,
    /// The results file; `None` where the system has no folder for it.
    pub file: Option<PathBuf>,
    pub grid: Option<Grid>,
    /// Why the grid is invalid.
    pub grid_error: Option<GridError>,
    /// Every run of the grid.
    pub runs: Arc<[RunSpec]>,
    /// One per run.
    pub statuses: Vec<RunStatus>,
    /// Indices of the runs by data set, network, λ and seed.
    pub order: Vec<usize>,
    /// When the grid was last changed.
    changed: Instant,
    /// The query for the runs that the file has.
    query: Option<Job<Result<Vec<RunStatus>, String>>>,
    /// Whether `statuses` are those of the file.
    pub is_store_queried: bool,
    estimating: Option<SweepRunner>,
    /// Time and memory of the remaining runs, once they have been estimated.
    pub estimate: Option<SweepEstimate>,
    /// Whether to estimate the cost without a request: once per grid.
    auto_estimate: bool,
    pub running: Option<RunningSweep>,
    /// How the last sweep ended.
    pub end: Option<SweepEnd>,
    /// Why the file cannot be used, or a sweep or an estimate failed.
    pub error: Option<String>,
    pub preview: Option<Preview>,
}

/// What a visible grid needs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preparation {
    QueryStore,
    /// An estimate after this time, if the grid stays as it is.
    EstimateIn(Duration),
    Estimate,
}

impl SweepState {
    pub fn new(wake: Wake) -> Self {
        Self {
            wake,
            file: default_file(),
            grid: None,
            grid_error: None,
            runs: Arc::default(),
            statuses: Vec::new(),
            order: Vec::new(),
            changed: Instant::now(),
            query: None,
            is_store_queried: false,
            estimating: None,
            estimate: None,
            auto_estimate: true,
            running: None,
            end: None,
            error: None,
            preview: None,
        }
    }

    /// Number of runs whose status matches.
    pub fn count(&self, predicate: impl Fn(&RunStatus) -> bool) -> usize {
        let statuses = self.statuses.iter();
        statuses.filter(|status| predicate(status)).count()
    }

    pub fn is_estimating(&self) -> bool {
        self.estimating.is_some()
    }

    /// What a pane that shows the grid should request next.
    pub fn preparation(&self) -> Option<Preparation> {
        if self.running.is_some() || self.runs.is_empty() || self.file.is_none() {
            return None;
        }
        if !self.is_store_queried {
            return self.query.is_none().then_some(Preparation::QueryStore);
        }
        let is_needed = self.auto_estimate
            && self.estimate.is_none()
            && self.estimating.is_none()
            && self.count(RunStatus::is_open) > 0;
        is_needed.then(|| match SETTLE_TIME.checked_sub(self.changed.elapsed()) {
            Some(left) => Preparation::EstimateIn(left),
            None => Preparation::Estimate,
        })
    }

    // ---- commands ----

    pub fn execute(&mut self, command: SweepCommand) {
        match command {
            SweepCommand::SetGrid(grid) => self.set_grid(*grid),
            SweepCommand::QueryStore => self.query_store(),
            SweepCommand::Estimate => self.start_estimate(),
            SweepCommand::StopEstimate => self.stop_estimate(),
            SweepCommand::Start => self.start((0..self.runs.len()).collect(), false),
            SweepCommand::Retry => {
                let has_failed = |index: &usize| self.statuses[*index].is_failed();
                let failed = (0..self.runs.len()).filter(has_failed).collect();
                self.start(failed, true);
            }
            SweepCommand::SetPaused(paused) => {
                let command = if paused {
                    RunnerCommand::Pause
                } else {
                    RunnerCommand::Resume
                };
                if let Some(running) = &self.running {
                    running.runner.send(command);
                }
            }
            SweepCommand::Cancel => self.cancel(),
            SweepCommand::Skip(index) => {
                if let Some(running) = &self.running {
                    running.skip(index);
                }
            }
            SweepCommand::OpenPreview(index) => self.open_preview(index),
            SweepCommand::ClosePreview => self.preview = None,
        }
    }

    /// Stores results in another file.
    pub fn set_file(&mut self, file: PathBuf) {
        self.file = Some(file);
        self.is_store_queried = false;
        self.query = None;
    }

    /// Requests all threads to stop, without waiting for them.
    pub fn close(&mut self) {
        self.cancel();
        self.stop_estimate();
    }

    fn set_grid(&mut self, grid: Grid) {
        if self.running.is_some() {
            return;
        }
        self.stop_estimate();
        let runs = grid.runs();
        self.grid = Some(grid);
        self.grid_error = runs.as_ref().err().cloned();
        self.runs = runs.unwrap_or_default().into();
        self.statuses = vec![RunStatus::Waiting; self.runs.len()];
        self.order = run_status::order(&self.runs);
        self.changed = Instant::now();
        self.query = None;
        self.is_store_queried = false;
        self.estimate = None;
        self.auto_estimate = true;
        self.end = None;
        self.error = None;
    }

    fn query_store(&mut self) {
        let Some(file) = self.file.clone() else {
            return;
        };
        let runs = self.runs.clone();
        self.is_store_queried = false;
        self.query = Some(Job::start("query results", &self.wake, move |_| {
            store_query::statuses(&file, &runs)
        }));
    }

    fn start_estimate(&mut self) {
        if self.file.is_some() {
            self.auto_estimate = false;
            let options = SweepOptions {
                estimate_only: true,
                ..SweepOptions::default()
            };
            self.estimating = self.spawn(self.runs.to_vec(), options);
        }
    }

    fn stop_estimate(&mut self) {
        self.auto_estimate = false;
        if let Some(runner) = self.estimating.take() {
            self.shut_down(runner);
        }
    }

    /// Trains the runs at `indices` that the file does not have; `again` also those that it has.
    fn start(&mut self, indices: Vec<usize>, again: bool) {
        if self.file.is_none() || self.running.is_some() || indices.is_empty() {
            return;
        }
        self.stop_estimate();
        let specs = indices.iter().map(|index| self.runs[*index].clone());
        let options = SweepOptions {
            again,
            ..SweepOptions::default()
        };
        self.end = None;
        let runner = self.spawn(specs.collect(), options);
        self.running = runner.map(|runner| RunningSweep::new(runner, indices));
    }

    /// Starts a sweep; `None` without a file, or where it cannot start, with the reason in `error`.
    fn spawn(&mut self, specs: Vec<RunSpec>, options: SweepOptions) -> Option<SweepRunner> {
        let (file, wake) = (self.file.clone()?, self.wake.clone());
        let wake = move || wake.signal(Signal::Finished);
        let spawned = SweepRunner::spawn(specs, file, options, wake);
        let reason = |error| format!("Could not start a background thread: {error}");
        self.error = spawned.as_ref().err().map(reason);
        spawned.ok()
    }

    fn cancel(&mut self) {
        if let Some(running) = &mut self.running {
            running.stage = Stage::Ending;
            running.runner.send(RunnerCommand::Cancel);
        }
    }

    fn open_preview(&mut self, index: usize) {
        let (Some(RunStatus::Done(done)), Some(spec), Some(file)) =
            (self.statuses.get(index), self.runs.get(index), &self.file)
        else {
            return;
        };
        let preview = Preview::open(done.id, spec.to_string(), file.clone(), &self.wake);
        self.preview = Some(preview);
    }

    // ---- events ----

    pub fn receive(&mut self) {
        if let Some(result) = take_finished(&mut self.query) {
            self.on_store_query(result.unwrap_or_else(|error| Err(error.to_string())));
        }
        if let Some(preview) = &mut self.preview {
            preview.receive();
        }
        if let Some(runner) = self.estimating.take() {
            self.receive_estimate(runner);
        }
        if let Some(mut running) = self.running.take() {
            match running.receive(&mut self.statuses) {
                None => self.running = Some(running),
                Some(end) => self.on_end(running, end),
            }
        }
    }

    fn on_store_query(&mut self, result: Result<Vec<RunStatus>, String>) {
        if self.running.is_some() {
            return;
        }
        self.is_store_queried = true;
        match result {
            Ok(stored) => {
                for (status, stored) in self.statuses.iter_mut().zip(stored) {
                    // Some failures, and runs that were skipped, are not stored.
                    let is_unstored = matches!(status, RunStatus::Failed(_) | RunStatus::Skipped);
                    if stored != RunStatus::Waiting || !is_unstored {
                        *status = stored;
                    }
                }
            }
            Err(reason) => {
                self.auto_estimate = false;
                self.error = Some(reason);
            }
        }
    }

    fn receive_estimate(&mut self, runner: SweepRunner) {
        while let Ok(event) = runner.events().try_recv() {
            match event {
                SweepEvent::Prepared(estimate) => self.estimate = Some(estimate),
                SweepEvent::Ended(end) => {
                    if let SweepEnd::Failed(reason) = end {
                        self.error = Some(reason);
                    }
                    self.shut_down(runner);
                    return;
                }
                _ => {}
            }
        }
        self.estimating = Some(runner);
    }

    fn on_end(&mut self, running: RunningSweep, end: SweepEnd) {
        self.shut_down(running.runner);
        for status in &mut self.statuses {
            if status.is_running() {
                *status = RunStatus::Waiting;
            }
        }
        self.end = Some(end);
        self.estimate = None;
        self.changed = Instant::now();
        self.auto_estimate = true;
        // Equal runs are trained once; the file has the status of the others.
        self.is_store_queried = false;
        self.query = None;
    }

    /// Lets a runner end on another thread, since dropping it waits for its own.
    fn shut_down(&self, runner: SweepRunner) {
        runner.send(RunnerCommand::Cancel);
        drop(Job::<(), ()>::start("end sweep", &self.wake, move |_| {
            drop(runner);
        }));
    }
}
