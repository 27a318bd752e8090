//! The thread that owns the models of a run, and the channels to it.

mod autosave;
mod run;

use std::{
    any::Any,
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded, unbounded};

use super::{
    Command, Event, RunError, RunId, RunStart, SnapshotSet,
    checkpoint::{Checkpoint, recorder::RunRecorder},
    trainer::TrainError,
};
use crate::jobs::{Job, STOP_LIMIT};
use run::Run;

/// How long a paused worker waits before it looks again whether its last snapshot was taken.
const RETRY: Duration = Duration::from_millis(15);

/// A training thread seen from outside: commands in, events and panoramas out.
///
/// Dropping it stops the thread at the next step and waits for it at most [`STOP_LIMIT`]: a thread that
/// hangs, as inside a device, ends with the process.
#[derive(Debug)]
pub struct Worker {
    commands: Sender<Command>,
    events: Receiver<Event>,
    panoramas: Receiver<SnapshotSet>,
    thread: Job<()>,
}

impl Worker {
    /// Starts the thread. `wake` is called whenever something new can be received.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn spawn(wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (commands, inbox) = unbounded();
        let (outbox, events) = unbounded();
        let (slot, panoramas) = bounded(1);
        let thread = Job::spawn("training", move || {
            let told = EventSink {
                events: outbox,
                slot,
                wake: Box::new(wake),
                recorder: RefCell::default(),
            };
            let mut seat = WorkerLoop::new(&told);
            let ended = catch_unwind(AssertUnwindSafe(|| seat.work(&inbox)));
            let run = seat.run_id();
            let reason = match ended {
                Ok(Ok(())) => return,
                Ok(Err(error)) => error.to_string(),
                Err(panic) => panic_message(panic.as_ref()),
            };
            told.emit(Event::Error {
                run,
                error: RunError::Crashed { reason },
            });
        })?;
        Ok(Self {
            commands,
            events,
            panoramas,
            thread,
        })
    }

    /// Asks for something. Never waits; a command to an ended worker is lost, and its end has
    /// been told by [`Problem::Crashed`].
    pub fn send(&self, command: Command) {
        let _ = self.commands.send(command);
    }

    /// Events in order, as they come.
    pub fn events(&self) -> &Receiver<Event> {
        &self.events
    }

    /// The latest look at all lanes, if there is a new one.
    pub fn snapshots(&self) -> &Receiver<SnapshotSet> {
        &self.panoramas
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.send(Command::Stop);
        let _ = self.thread.join_within(STOP_LIMIT);
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown reason".to_owned())
}

/// The worker's mouth; what it tells is also written down.
struct EventSink {
    events: Sender<Event>,
    slot: Sender<SnapshotSet>,
    wake: Box<dyn Fn() + Send>,
    recorder: RefCell<RunRecorder>,
}

impl EventSink {
    fn emit(&self, event: Event) {
        self.recorder.borrow_mut().on_event(&event);
        // Nobody listens any more: the watcher is gone, and Stop follows.
        let _ = self.events.send(event);
        (self.wake)();
    }

    fn publish(&self, panorama: SnapshotSet) {
        if self.slot.try_send(panorama).is_ok() {
            (self.wake)();
        }
    }
}

/// The worker at its place: a run in hand, or none yet.
struct WorkerLoop<'a> {
    told: &'a EventSink,
    run: Option<Run>,
}

impl<'a> WorkerLoop<'a> {
    fn new(told: &'a EventSink) -> Self {
        Self { told, run: None }
    }

    fn run_id(&self) -> RunId {
        self.run.as_ref().map_or(RunId::default(), Run::id)
    }

    /// Works until told to stop, or until nobody can tell anything any more.
    fn work(&mut self, inbox: &Receiver<Command>) -> Result<(), TrainError> {
        loop {
            let mut next = match self.wait_time() {
                WaitTime::None => inbox.try_recv(),
                WaitTime::Some(time) => inbox.recv_timeout(time).map_err(|error| match error {
                    RecvTimeoutError::Timeout => TryRecvError::Empty,
                    RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
                }),
                WaitTime::Endless => inbox.recv().map_err(|_| TryRecvError::Disconnected),
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
                run.run_time_slice(self.told, inbox)?;
            }
        }
    }

    fn wait_time(&self) -> WaitTime {
        match &self.run {
            Some(run) if !run.is_paused() || run.is_testing() => WaitTime::None,
            Some(run) if run.is_unseen() => WaitTime::Some(RETRY),
            Some(_) | None => WaitTime::Endless,
        }
    }

    fn handle_command(&mut self, command: Command) {
        match command {
            Command::Reset(start) => self.begin(*start, None),
            Command::ResumeRun(start, saved) => self.begin(*start, Some(&saved)),
            command => {
                if let Some(run) = &mut self.run {
                    run.handle_command(command, self.told);
                }
            }
        }
    }

    fn begin(&mut self, start: RunStart, saved: Option<&Checkpoint>) {
        let id = start.run;
        match Run::start(start, saved, self.told) {
            Ok(run) => self.run = Some(run),
            Err(reason) => self.told.emit(Event::Error {
                run: id,
                error: RunError::CannotStart { reason },
            }),
        }
    }
}

/// How long to wait for the next command.
enum WaitTime {
    None,
    Some(Duration),
    Endless,
}
