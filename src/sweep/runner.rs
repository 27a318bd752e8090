//! The thread that carries out a sweep, and the channels to it.

mod control;
mod cost_model;
mod run_batch;
mod schedule;
mod sweep;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
};

use crossbeam_channel::{Receiver, Sender, unbounded};

use super::{Record, RunSpec, dataset_cache::DatasetCache};
use crate::{
    jobs::{Job, STOP_LIMIT},
    train::{Evaluation, device::available_threads, worker::panic_message},
};

/// How a sweep is carried out; nothing of it changes what comes of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SweepOptions {
    /// Threads that train.
    pub jobs: usize,
    /// Whether to do again what is done or has failed.
    pub again: bool,
    /// Whether to tell the outlook and leave it at that; then no file is made.
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

/// What a watcher asks of a sweep. A run is named by its place among the runs that were asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SweepCommand {
    /// Stop between two steps.
    Pause,
    /// Go on.
    Resume,
    /// Give up this run, whether it has begun or not.
    Skip(usize),
    /// Give up the runs under way and end.
    Cancel,
}

/// What a sweep tells, in order, none left out.
#[derive(Clone, Debug)]
pub enum SweepEvent {
    /// What is to be done; the first run begins now.
    Prepared(SweepEstimate),
    /// These runs begin, side by side.
    Started { runs: Vec<usize> },
    /// How far it is.
    Progress(Progress),
    /// Test metrics of a run under way.
    Evaluated { run: usize, evaluation: Evaluation },
    /// A run is done and in the file, under this number.
    Finished {
        run: usize,
        id: i64,
        record: Box<Record>,
    },
    /// A run has come to nothing; the sweep goes on.
    Failed { run: usize, reason: String },
    /// A run was given up as asked.
    Skipped { run: usize },
    /// It stands still, or goes on.
    Paused(bool),
    /// It has ended; nothing follows.
    Ended(SweepEnd),
}

/// How a sweep ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SweepEnd {
    /// Every run is done, has failed or was skipped; or the outlook was all that was asked for.
    Complete,
    /// As asked; the runs that were under way are lost, the others are in the file.
    Cancelled,
    /// It could not begin or go on: one sentence. What was done is in the file.
    Failed(String),
}

/// A sweep before its first run.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepEstimate {
    /// Runs that were asked for.
    pub runs: usize,
    /// Those of them that the file has already, done or failed; or that are the same as another one of them.
    pub known: usize,
    /// Those of them that the file has as failed.
    pub failed: usize,
    /// Seconds that the rest will take, roughly.
    pub seconds: f64,
    /// Bytes of memory that networks will take at most, roughly.
    pub bytes: u64,
    /// The most networks that are trained side by side.
    pub side_by_side: usize,
    /// What computes.
    pub devices: Vec<String>,
    /// Files of the data sets that could not be read and are left out.
    pub left_out: Vec<PathBuf>,
}

impl SweepEstimate {
    /// Runs that are to be done.
    pub fn to_do(&self) -> usize {
        self.runs - self.known
    }
}

/// How far a sweep is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// The runs under way.
    pub running: Vec<usize>,
    /// Steps that each of them has taken at least, and is to take.
    pub steps: [u64; 2],
    /// Training speed of all of them together.
    pub images_per_second: f64,
    /// Runs that have ended, in whatever way.
    pub ended: usize,
    /// Share of the work that is done, 0–1.
    pub share: f64,
    /// Seconds left, roughly.
    pub seconds_left: f64,
}

/// A sweep seen from outside: commands in, events out.
///
/// Dropping it gives up the runs under way and waits for the thread at most [`STOP_LIMIT`]; one that hangs
/// ends with the process. At no moment can a run be lost that was told to be finished: each is committed in a
/// transaction.
#[derive(Debug)]
pub struct SweepRunner {
    commands: Sender<SweepCommand>,
    events: Receiver<SweepEvent>,
    thread: Job<()>,
}

impl SweepRunner {
    /// Begins to carry out `specs`; what is done goes into `file`. `wake` is called whenever there is
    /// an event to receive.
    ///
    /// # Errors
    /// When the system refuses a thread; all else is told by [`SweepEnd::Broken`].
    pub fn spawn(
        specs: Vec<RunSpec>,
        file: PathBuf,
        options: SweepOptions,
        wake: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let (commands, inbox) = unbounded();
        let (outbox, events) = unbounded();
        let thread = Job::spawn("sweep", move || {
            let told = EventSink {
                events: outbox,
                wake: Box::new(wake),
            };
            let mut library = DatasetCache::default();
            let ended = catch_unwind(AssertUnwindSafe(|| {
                sweep::run_sweep(&specs, &file, options, &mut library, &inbox, &told)
            }));
            told.emit(SweepEvent::Ended(match ended {
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

    /// Asks for something. Never waits; a command to an ended sweep is lost.
    pub fn send(&self, command: SweepCommand) {
        let _ = self.commands.send(command);
    }

    /// Events in order, as they come.
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

/// The sweep's mouth.
struct EventSink {
    events: Sender<SweepEvent>,
    wake: Box<dyn Fn() + Send>,
}

impl EventSink {
    fn emit(&self, event: SweepEvent) {
        // Nobody listens any more: the watcher is gone, and Cancel follows.
        let _ = self.events.send(event);
        (self.wake)();
    }
}
