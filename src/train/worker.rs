//! The thread that owns a model, and the channels to it.

use std::{
    any::Any,
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded, unbounded};

use super::{
    Command, Evaluation, Event, Mark, Metrics, Probe, Problem, RunId, RunState, Snapshot, Start,
    StepLosses,
    checkpoint::{
        CheckpointError, Saved,
        diary::{Diary, Target},
        notes::{Exact, Progress},
    },
    device,
    observer::{Observer, dead_units},
    trainer::{Checkpoint, TrainError, Trainer},
};

/// Losses are told this often at most: once a frame.
const LOSS_INTERVAL: Duration = Duration::from_millis(33);
/// Snapshots are made this often at most…
const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(100);
/// …and may take this share of the time at most, so that a large cloud does not stop the training.
const SNAPSHOT_SHARE: f64 = 0.2;
/// How long a paused worker waits before it looks again whether its last snapshot was taken.
const RETRY: Duration = Duration::from_millis(15);

/// A training thread seen from outside: commands in, events and snapshots out.
///
/// Dropping it stops the thread at the next step and waits for it.
#[derive(Debug)]
pub struct Worker {
    commands: Sender<Command>,
    events: Receiver<Event>,
    snapshots: Receiver<Snapshot>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts the thread. `wake` is called whenever something new can be received.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn spawn(wake: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (commands, inbox) = unbounded();
        let (outbox, events) = unbounded();
        let (slot, snapshots) = bounded(1);
        let thread = std::thread::Builder::new()
            .name("training".to_owned())
            .spawn(move || {
                let told = Told {
                    events: outbox,
                    slot,
                    wake: Box::new(wake),
                    diary: RefCell::default(),
                };
                let mut seat = Seat::new(&told);
                let ended = catch_unwind(AssertUnwindSafe(|| seat.work(&inbox)));
                let run = seat.run_id();
                let reason = match ended {
                    Ok(Ok(())) => return,
                    Ok(Err(error)) => error.to_string(),
                    Err(panic) => panic_message(panic.as_ref()),
                };
                told.event(Event::Problem {
                    run,
                    problem: Problem::Crashed { reason },
                });
            })?;
        Ok(Self {
            commands,
            events,
            snapshots,
            thread: Some(thread),
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

    /// The latest snapshot, if there is a new one.
    pub fn snapshots(&self) -> &Receiver<Snapshot> {
        &self.snapshots
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "unknown reason".to_owned())
}

/// The worker's mouth; what it tells is also written down.
struct Told {
    events: Sender<Event>,
    slot: Sender<Snapshot>,
    wake: Box<dyn Fn() + Send>,
    diary: RefCell<Diary>,
}

impl Told {
    fn event(&self, event: Event) {
        self.diary.borrow_mut().hear(&event);
        // Nobody listens any more: the watcher is gone, and Stop follows.
        let _ = self.events.send(event);
        (self.wake)();
    }

    fn snapshot(&self, snapshot: Snapshot) {
        if self.slot.try_send(snapshot).is_ok() {
            (self.wake)();
        }
    }
}

/// How far to go before the next pause.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Paused,
    OneStep,
    OneEpoch,
    Endless,
}

/// Everything that belongs to the run in hand.
struct Run {
    id: RunId,
    trainer: Trainer,
    observer: Observer,
    probe: Probe,
    pace: Pace,
    told_state: Option<RunState>,
    epoch: EpochSums,
    speed: Speed,
    losses_due: Instant,
    snapshot_due: Instant,
    /// Whether the model or the probe changed since the last snapshot.
    unseen: bool,
    last_good: Option<(Checkpoint, u64)>,
}

/// Sums over the steps of the running epoch.
#[derive(Default)]
struct EpochSums {
    steps: u64,
    mse: f64,
    ce: f64,
    accuracy: f64,
    training: Duration,
}

impl From<&Progress> for EpochSums {
    fn from(progress: &Progress) -> Self {
        Self {
            steps: progress.steps,
            mse: progress.mse.0,
            ce: progress.ce.0,
            accuracy: progress.accuracy.0,
            training: Duration::try_from_secs_f64(progress.seconds.0).unwrap_or_default(),
        }
    }
}

impl EpochSums {
    fn progress(&self) -> Progress {
        Progress {
            steps: self.steps,
            mse: Exact(self.mse),
            ce: Exact(self.ce),
            accuracy: Exact(self.accuracy),
            seconds: Exact(self.training.as_secs_f64()),
        }
    }

    fn add(&mut self, losses: &[StepLosses]) {
        for step in losses {
            self.steps += 1;
            self.mse += f64::from(step.mse);
            self.ce += f64::from(step.ce);
            self.accuracy += f64::from(step.accuracy);
        }
    }

    fn means(&self) -> Option<Metrics> {
        let steps = self.steps as f64;
        (self.steps > 0).then(|| Metrics {
            mse: self.mse / steps,
            ce: self.ce / steps,
            accuracy: self.accuracy / steps,
        })
    }
}

/// Images per second as a moving average over about a second.
#[derive(Default)]
struct Speed {
    images: f64,
    seconds: f64,
}

impl Speed {
    fn add(&mut self, images: usize, time: Duration) {
        let seconds = time.as_secs_f64();
        let keep = (-seconds).exp();
        self.images = self.images * keep + images as f64;
        self.seconds = self.seconds * keep + seconds;
    }

    fn images_per_second(&self) -> f64 {
        if self.seconds > 0.0 {
            self.images / self.seconds
        } else {
            0.0
        }
    }
}

/// The worker at its place: a run in hand, or none yet.
struct Seat<'a> {
    told: &'a Told,
    run: Option<Run>,
}

impl<'a> Seat<'a> {
    fn new(told: &'a Told) -> Self {
        Self { told, run: None }
    }

    fn run_id(&self) -> RunId {
        self.run.as_ref().map_or(RunId::default(), |run| run.id)
    }

    /// Works until told to stop, or until nobody can tell anything any more.
    fn work(&mut self, inbox: &Receiver<Command>) -> Result<(), TrainError> {
        loop {
            let mut next = match self.patience() {
                Patience::None => inbox.try_recv(),
                Patience::Some(time) => inbox.recv_timeout(time).map_err(|error| match error {
                    RecvTimeoutError::Timeout => TryRecvError::Empty,
                    RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
                }),
                Patience::Endless => inbox.recv().map_err(|_| TryRecvError::Disconnected),
            };
            loop {
                match next {
                    Ok(Command::Stop) | Err(TryRecvError::Disconnected) => return Ok(()),
                    Ok(command) => self.obey(command),
                    Err(TryRecvError::Empty) => break,
                }
                next = inbox.try_recv();
            }
            if let Some(run) = &mut self.run {
                run.go_on(self.told)?;
            }
        }
    }

    fn patience(&self) -> Patience {
        match &self.run {
            Some(run) if run.pace != Pace::Paused => Patience::None,
            Some(run) if run.unseen => Patience::Some(RETRY),
            Some(_) | None => Patience::Endless,
        }
    }

    fn obey(&mut self, command: Command) {
        let command = match command {
            Command::Reset(start) => return self.begin(*start, None),
            Command::Continue(start, saved) => return self.begin(*start, Some(&saved)),
            command => command,
        };
        let Some(run) = &mut self.run else { return };
        match command {
            Command::SetLambda(lambda) if lambda != run.trainer.lambda() => {
                run.trainer.set_lambda(lambda);
                run.mark(Mark::Lambda(lambda), self.told);
            }
            Command::SetLearningRate(rate) => {
                if run.trainer.set_learning_rate(rate).is_ok() {
                    run.mark(Mark::LearningRate(rate), self.told);
                }
            }
            Command::Pause => run.pace = Pace::Paused,
            Command::Resume => run.pace = Pace::Endless,
            Command::Step => run.pace = Pace::OneStep,
            Command::Epoch => run.pace = Pace::OneEpoch,
            Command::Probe(probe) => {
                run.probe = probe;
                run.unseen = true;
                run.snapshot_due = Instant::now();
            }
            Command::Rollback => run.roll_back(self.told),
            Command::Save(target) => run.save(&target, self.told),
            Command::Autosave(target) => run.autosave(target, self.told),
            Command::SetLambda(_) | Command::Reset(_) | Command::Continue(..) | Command::Stop => {}
        }
    }

    fn begin(&mut self, start: Start, saved: Option<&Saved>) {
        let id = start.run;
        match Run::start(start, saved, self.told) {
            Ok(run) => self.run = Some(run),
            Err(reason) => self.told.event(Event::Problem {
                run: id,
                problem: Problem::CannotStart { reason },
            }),
        }
    }
}

/// How long to wait for the next command.
enum Patience {
    None,
    Some(Duration),
    Endless,
}

impl Run {
    /// Builds the run, as `saved` left it if that is there, and tells its beginning; the error is a
    /// sentence.
    fn start(start: Start, saved: Option<&Saved>, told: &Told) -> Result<Self, String> {
        let Start {
            run: id,
            config,
            dataset,
            probe,
            paused,
        } = start;
        let (device, report) = device::open(config.device).map_err(|error| error.to_string())?;
        let build = || match saved {
            Some(saved) => saved.trainer(dataset, &device),
            None => Trainer::new(&config, dataset, &device).map_err(|error| error.to_string()),
        };
        let trainer = catch_unwind(AssertUnwindSafe(build)).map_err(|panic| {
            format!("{} failed: {}", report.name, panic_message(panic.as_ref()))
        })??;
        let data = trainer.dataset();
        let parameters = config
            .architecture
            .parameters(&config.plan(data.shape, data.classes()))
            .map_err(|unfit| unfit.to_string())?;
        let now = Instant::now();
        let mut run = Self {
            id,
            trainer,
            observer: Observer::default(),
            probe,
            pace: if paused { Pace::Paused } else { Pace::Endless },
            told_state: None,
            epoch: saved.map_or_else(EpochSums::default, |saved| (&saved.notes.epoch).into()),
            speed: Speed::default(),
            losses_due: now,
            snapshot_due: now,
            unseen: true,
            last_good: None,
        };
        told.event(Event::Started {
            run: id,
            steps_per_epoch: run.trainer.steps_per_epoch(),
            config,
            device: report,
            parameters,
            latent: run.trainer.layout(),
        });
        if let Some(saved) = saved {
            told.diary.borrow_mut().adopt(saved);
        }
        if saved.is_none_or(|saved| saved.history.evaluations().is_empty()) {
            run.evaluate(told).map_err(|error| error.to_string())?;
        }
        Ok(run)
    }

    /// One turn: a step if not paused, then what is due.
    fn go_on(&mut self, told: &Told) -> Result<(), TrainError> {
        if self.pace != Pace::Paused {
            let begun = Instant::now();
            self.trainer.step();
            self.unseen = true;
            let epoch_ends = self
                .trainer
                .steps()
                .is_multiple_of(self.trainer.steps_per_epoch());
            let pauses = match self.pace {
                Pace::OneStep => true,
                Pace::OneEpoch => epoch_ends,
                Pace::Paused | Pace::Endless => false,
            };
            if pauses || epoch_ends || begun >= self.losses_due {
                self.tell_losses(told)?;
            }
            // Reading losses waits for the device, so it belongs to the step's time.
            let time = begun.elapsed();
            self.epoch.training += time;
            self.speed.add(self.trainer.batch_size(), time);
            if pauses && self.pace != Pace::Paused {
                self.pace = Pace::Paused;
            }
            if epoch_ends {
                self.evaluate(told)?;
            }
        }
        let now = Instant::now();
        let paused = self.pace == Pace::Paused;
        if paused {
            // Who hears of the pause has heard of every step before it.
            self.tell_losses(told)?;
        }
        self.tell_state(told);
        if self.unseen && told.slot.is_empty() && (paused || now >= self.snapshot_due) {
            let snapshot = self.observer.observe(self.id, &self.trainer, &self.probe)?;
            told.snapshot(snapshot);
            self.unseen = false;
            let rest = now.elapsed().mul_f64(1.0 / SNAPSHOT_SHARE);
            self.snapshot_due = now + rest.max(SNAPSHOT_INTERVAL);
        }
        Ok(())
    }

    /// Tells what was trained since the last time, if anything.
    fn tell_losses(&mut self, told: &Told) -> Result<(), TrainError> {
        let losses = self.trainer.take_losses()?;
        self.losses_due = Instant::now() + LOSS_INTERVAL;
        if losses.is_empty() {
            return Ok(());
        }
        self.epoch.add(&losses);
        let broken = losses
            .iter()
            .find(|step| !(step.mse.is_finite() && step.ce.is_finite()))
            .map(|step| step.step);
        told.event(Event::Losses {
            run: self.id,
            losses,
            images_per_second: self.speed.images_per_second(),
        });
        if let Some(step) = broken {
            self.not_finite(step, told);
        }
        Ok(())
    }

    /// Test metrics now: at the beginning and after each epoch.
    fn evaluate(&mut self, told: &Told) -> Result<(), TrainError> {
        let sums = std::mem::take(&mut self.epoch);
        let test = self.trainer.evaluate()?;
        let seconds = sums.training.as_secs_f64();
        let step = self.trainer.steps();
        let images = self.trainer.steps_per_epoch() * self.trainer.batch_size() as u64;
        let evaluation = Evaluation {
            epoch: step / self.trainer.steps_per_epoch(),
            step,
            lambda: self.trainer.lambda(),
            train: sums.means(),
            test,
            dead_units: dead_units(&self.trainer, &self.probe.cloud)?,
            images_per_second: if seconds > 0.0 {
                images as f64 / seconds
            } else {
                0.0
            },
        };
        told.event(Event::Evaluated {
            run: self.id,
            evaluation,
        });
        if test.is_finite() {
            self.last_good = Some((self.trainer.checkpoint(), step));
        } else if self.pace != Pace::Paused {
            self.not_finite(step, told);
        }
        let kept = told
            .diary
            .borrow_mut()
            .evaluated(&evaluation, &self.trainer);
        self.tell_kept(kept, told);
        Ok(())
    }

    /// Writes the run to a file.
    fn save(&mut self, target: &Target, told: &Told) {
        let written = self.tell_losses(told).map_err(|error| CheckpointError {
            file: target.file.clone(),
            reason: error.to_string(),
        });
        let written = written.and_then(|()| {
            let mut diary = told.diary.borrow_mut();
            diary.save(target, &self.trainer, &self.epoch.progress())
        });
        if written.is_ok() {
            told.event(Event::Saved {
                run: self.id,
                file: target.file.clone(),
            });
        }
        self.tell_kept(written, told);
    }

    /// Writes the run to a file after each epoch from now on.
    fn autosave(&mut self, target: Target, told: &Told) {
        let mut diary = told.diary.borrow_mut();
        let written = diary.autosave(target, &self.trainer, &self.epoch.progress());
        drop(diary);
        self.tell_kept(written, told);
    }

    /// Tells why the run could not be written, if so.
    fn tell_kept(&self, written: Result<(), CheckpointError>, told: &Told) {
        if let Err(error) = written {
            told.event(Event::Problem {
                run: self.id,
                problem: Problem::CannotSave {
                    reason: error.to_string(),
                },
            });
        }
    }

    fn not_finite(&mut self, step: u64, told: &Told) {
        self.pace = Pace::Paused;
        told.event(Event::Problem {
            run: self.id,
            problem: Problem::NotFinite {
                step,
                can_roll_back: self.last_good.is_some(),
            },
        });
    }

    fn roll_back(&mut self, told: &Told) {
        if let Some((checkpoint, step)) = self.last_good.clone() {
            self.trainer.restore(checkpoint);
            self.epoch = EpochSums::default();
            self.pace = Pace::Paused;
            self.unseen = true;
            told.event(Event::RolledBack { run: self.id, step });
        }
    }

    fn mark(&self, mark: Mark, told: &Told) {
        told.event(Event::Marked {
            run: self.id,
            step: self.trainer.steps(),
            mark,
        });
    }

    fn tell_state(&mut self, told: &Told) {
        let state = if self.pace == Pace::Paused {
            RunState::Paused
        } else {
            RunState::Training
        };
        if self.told_state != Some(state) {
            self.told_state = Some(state);
            told.event(Event::State {
                run: self.id,
                state,
            });
        }
    }
}
