//! The thread that runs a sweep, and its channels.

mod control;
mod cost_model;
mod event_log;
mod run_batch;
mod schedule;
mod sweep_loop;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::{Record, RunSpec, dataset_cache::DatasetCache};
use crate::{
    jobs::{Job, STOP_LIMIT, panic_message},
    train::{Evaluation, device::available_threads, event_sink::EventSink},
};

/// How a sweep is run. No option changes the result of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepOptions {
    pub jobs: usize,
    /// Whether to repeat runs that are done or have failed.
    pub again: bool,
    /// Whether to only estimate time and memory. No results file is created then.
    pub estimate_only: bool,
}

impl Default for SweepOptions {
    fn default() -> Self {
        Self {
            jobs: available_threads(),
            again: false,
            estimate_only: false,
        }
    }
}

/// A request to a sweep. A run is identified by its index among the requested runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepCommand {
    /// Stop after the current step.
    Pause,
    /// Continue.
    Resume,
    /// Skip this run, whether it has started or not.
    Skip(usize),
    /// Abandon the runs in training and end.
    Cancel,
}

/// What a sweep reports: in order, none left out.
#[derive(Clone, Debug)]
pub enum SweepEvent {
    /// The estimate of what is to be done. The first run starts now.
    Prepared(SweepEstimate),
    /// These runs start, side by side.
    Started { runs: Vec<usize> },
    /// Progress of the runs in training.
    Progress(Progress),
    /// Test metrics of a run in training.
    Evaluated { run: usize, evaluation: Evaluation },
    /// A run is complete and stored under this id.
    Finished {
        run: usize,
        id: i64,
        record: Box<Record>,
    },
    /// A run has failed. The sweep continues.
    Failed { run: usize, reason: String },
    /// A run was skipped as requested.
    Skipped { run: usize },
    /// Training has paused or continues.
    Paused(bool),
    /// The sweep has ended. Nothing follows.
    Ended(SweepEnd),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SweepEnd {
    /// Every run is complete, has failed or was skipped; or only an estimate was requested.
    Complete,
    /// As requested. The runs in training are lost, the others are stored.
    Cancelled,
    /// The sweep could not start or continue, for this reason. What was complete is stored.
    Failed(String),
}

/// A sweep before its first run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SweepEstimate {
    /// Requested runs.
    pub runs: usize,
    /// Those that are stored already, complete or failed, or that are equal to another requested run.
    pub stored: usize,
    /// Those that are stored as failed.
    pub failed: usize,
    /// Seconds that the others will take, approximately.
    pub seconds: f64,
    /// Bytes of memory that networks will take at most, approximately.
    pub bytes: u64,
    /// Largest number of networks trained side by side.
    pub side_by_side: usize,
    pub devices: Vec<String>,
    /// What is left out of the data sets and what has been changed so that runs fit their data, a
    /// sentence each.
    pub notes: Vec<String>,
}

impl SweepEstimate {
    pub fn to_do(&self) -> usize {
        self.runs - self.stored
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub running: Vec<usize>,
    /// Steps that each of them has taken at least, and steps of a whole run.
    pub steps: [u64; 2],
    /// Training speed of all of them together, in images per second.
    pub images_per_second: f64,
    /// Runs that have ended in any way.
    pub ended: usize,
    /// Completed share of the work, 0–1.
    pub share: f64,
    /// Remaining seconds, approximately.
    pub seconds_left: f64,
}

/// Handle of a sweep's thread: commands in, events out.
///
/// Dropping it abandons the runs in training and waits for the thread at most [`STOP_LIMIT`]; a thread that
/// hangs ends with the process. A run that was reported as finished is never lost: each is committed in a
/// transaction of its own.
#[derive(Debug)]
pub struct SweepRunner {
    commands: Sender<SweepCommand>,
    events: Receiver<SweepEvent>,
    thread: Job<()>,
}

impl SweepRunner {
    /// Starts to run `specs`, with results stored in `file`. `wake` is called whenever there is an event
    /// to receive.
    ///
    /// # Errors
    /// When the system cannot start a thread. Everything else is reported by [`SweepEnd::Failed`].
    pub fn spawn(
        specs: Vec<RunSpec>,
        file: PathBuf,
        options: SweepOptions,
        wake: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (commands, inbox) = unbounded();
        let (sender, events) = unbounded();
        let thread = Job::spawn("sweep", move || {
            let events = EventSink::new(sender, wake);
            let mut datasets = DatasetCache::default();
            let result = catch_unwind(AssertUnwindSafe(|| {
                sweep_loop::run_sweep(&specs, &file, options, &mut datasets, &inbox, &events)
            }));
            events.emit(SweepEvent::Ended(match result {
                Ok(Ok(end)) => end,
                Ok(Err(error)) => SweepEnd::Failed(error.to_string()),
                Err(panic) => SweepEnd::Failed(panic_message(panic.as_ref())),
            }));
        })?;
        Ok(Self {
            commands,
            events,
            thread,
        })
    }

    /// Sends a command without waiting. A sweep that has ended ignores it.
    pub fn send(&self, command: SweepCommand) {
        let _ = self.commands.send(command);
    }

    /// Events, in order.
    pub fn events(&self) -> &Receiver<SweepEvent> {
        &self.events
    }
}

impl Drop for SweepRunner {
    fn drop(&mut self) {
        self.send(SweepCommand::Cancel);
        let _ = self.thread.join_within(STOP_LIMIT);
    }
}
