//! The training thread and its channels.

mod live_run;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded, unbounded};

use super::{
    Command, Event, RunError, RunId, RunStart, SnapshotSet, checkpoint::Checkpoint,
    event_sink::EventSink, trainer::TrainError,
};
use crate::jobs::{Job, STOP_LIMIT, panic_message};
use live_run::LiveRun;

/// How long a paused worker waits before it checks again whether its last snapshots were received.
const RETRY: Duration = Duration::from_millis(15);

/// Handle of the training thread: commands in, events and snapshots out.
///
/// Dropping it stops the thread after the current step and waits at most [`STOP_LIMIT`]. A thread that
/// hangs, for example in a device driver, ends with the process.
#[derive(Debug)]
pub struct Worker {
    commands: Sender<Command>,
    events: Receiver<Event>,
    snapshots: Receiver<SnapshotSet>,
    thread: Job<()>,
}

impl Worker {
    /// Starts the thread. `wake` is called whenever there is something to receive.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn spawn(wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (commands, inbox) = unbounded();
        let (events_sender, events) = unbounded();
        let (snapshots_sender, snapshots) = bounded(1);
        let thread = Job::spawn("training", move || {
            let output = Output {
                events: EventSink::new(events_sender, wake),
                snapshots: snapshots_sender,
            };
            let mut worker = WorkerLoop {
                output: &output,
                run: None,
            };
            let result = catch_unwind(AssertUnwindSafe(|| worker.run(&inbox)));
            let run = worker.run.as_ref().map_or(RunId::default(), |run| run.id);
            let reason = match result {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(panic) => panic_message(panic.as_ref()),
            };
            output.emit_error(run, RunError::Crashed { reason });
        })?;
        Ok(Self {
            commands,
            events,
            snapshots,
            thread,
        })
    }

    /// Sends a command without waiting. A worker that has ended ignores it and has reported
    /// [`RunError::Crashed`].
    pub fn send(&self, command: Command) {
        let _ = self.commands.send(command);
    }

    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }

    /// The latest snapshots of all lanes, if there are new ones.
    pub fn snapshots(&self) -> &Receiver<SnapshotSet> {
        &self.snapshots
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.send(Command::Stop);
        let _ = self.thread.join_within(STOP_LIMIT);
    }
}

/// The sending ends of the worker's channels.
struct Output {
    events: EventSink<Event>,
    /// Holds one set, which the receiver has not taken yet.
    snapshots: Sender<SnapshotSet>,
}

impl Output {
    fn emit_error(&self, run: RunId, error: RunError) {
        self.events.emit(Event::Error { run, error });
    }

    /// Whether the receiver has taken the last snapshots.
    fn wants_snapshots(&self) -> bool {
        self.snapshots.is_empty()
    }

    fn publish(&self, snapshots: SnapshotSet) {
        if self.snapshots.try_send(snapshots).is_ok() {
            self.events.wake();
        }
    }
}

/// Executes commands and trains the current run between them.
struct WorkerLoop<'a> {
    output: &'a Output,
    run: Option<LiveRun>,
}

impl WorkerLoop<'_> {
    /// Runs until [`Command::Stop`] or until the sender of commands is gone.
    fn run(&mut self, inbox: &Receiver<Command>) -> Result<(), TrainError> {
        loop {
            let mut next = match self.wait_time() {
                Duration::ZERO => inbox.try_recv(),
                limit => inbox.recv_timeout(limit).map_err(|error| match error {
                    RecvTimeoutError::Timeout => TryRecvError::Empty,
                    RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
                }),
            };
            loop {
                match next {
                    Ok(Command::Stop) | Err(TryRecvError::Disconnected) => return Ok(()),
                    Ok(command) => self.handle_command(command),
                    Err(TryRecvError::Empty) => break,
                }
                next = inbox.try_recv();
            }
            if let Some(run) = &mut self.run {
                run.run_time_slice(self.output, inbox)?;
            }
        }
    }

    /// How long to wait for the next command; without limit for [`Duration::MAX`].
    fn wait_time(&self) -> Duration {
        match &self.run {
            Some(run) if !run.is_paused() || run.is_evaluating() => Duration::ZERO,
            Some(run) if run.is_changed => RETRY,
            Some(_) | None => Duration::MAX,
        }
    }

    fn handle_command(&mut self, command: Command) {
        match command {
            Command::Reset(start) => self.start_run(*start, None),
            Command::ResumeRun(start, checkpoint) => self.start_run(*start, Some(&checkpoint)),
            command => {
                if let Some(run) = &mut self.run {
                    run.handle_command(command, self.output);
                }
            }
        }
    }

    fn start_run(&mut self, start: RunStart, checkpoint: Option<&Checkpoint>) {
        let id = start.run;
        match LiveRun::start(start, checkpoint, self.output) {
            Ok(run) => self.run = Some(run),
            Err(error) => self.output.emit_error(id, error),
        }
    }
}
