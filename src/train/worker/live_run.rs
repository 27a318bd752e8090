//! The run in progress: executes its commands, reports its events, publishes snapshots, saves it.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crossbeam_channel::Receiver;

use super::Output;
use crate::{
    jobs::panic_message,
    train::{
        Command, Event, Lanes, Mark, Probe, Run, RunError, RunId, RunStart, RunState, Snapshot,
        SnapshotSet, Trainer, alignment,
        checkpoint::{
            Checkpoint, CheckpointError,
            recorder::{RunRecorder, SavePaths},
        },
        device::{self, Backend},
        memory::{self, MemoryEstimate},
        observer::Observer,
        pools::locked,
        run::{LaneEvent, LaneEvents, epoch_end},
        trainer::TrainError,
    },
};

/// Longest time slice of a single network: losses are reported about once per frame.
const LOSS_INTERVAL: Duration = Duration::from_millis(33);
/// Steps of each of several networks per time slice. At its end all wait for the last one…
const STEPS_PER_SLICE: u32 = 2;
/// …but losses are reported at least this often.
const LONGEST_SLICE: Duration = Duration::from_millis(500);
/// Longest time slice of an evaluation.
const EVALUATION_SLICE: Duration = Duration::from_millis(500);
/// Shortest time between two snapshots…
const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(100);
/// …and the largest share of the time that they take, so that a large cloud does not stop training.
const SNAPSHOT_SHARE: f64 = 0.2;

/// When to pause.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RunTarget {
    Paused,
    /// After this step.
    Until(u64),
    Endless,
}

impl RunTarget {
    fn last_step(self) -> u64 {
        match self {
            Self::Paused => 0,
            Self::Until(step) => step,
            Self::Endless => u64::MAX,
        }
    }
}

pub struct LiveRun {
    pub id: RunId,
    run: Run,
    /// None for several lanes, which a file cannot hold.
    recorder: Option<RunRecorder>,
    /// One per lane. Locked by the one thread that takes the lane's snapshot.
    observers: Vec<Mutex<Observer>>,
    probe: Probe,
    target: RunTarget,
    emitted_state: Option<RunState>,
    snapshot_due: Instant,
    /// Whether a model or the probe has changed since the last published snapshots.
    pub is_changed: bool,
}

impl Drop for LiveRun {
    fn drop(&mut self) {
        tracing::info!(
            run = self.id.0,
            steps = self.run.lanes().steps(),
            "run ended"
        );
    }
}

impl LiveRun {
    /// Builds the networks, from `checkpoint` if there is one, and reports [`Event::Started`].
    ///
    /// # Errors
    /// [`RunError::CannotStart`].
    pub fn start(
        start: RunStart,
        checkpoint: Option<&Checkpoint>,
        output: &Output,
    ) -> Result<Self, RunError> {
        let (id, config, lanes, dataset) = (start.run, start.config, start.lanes, start.dataset);
        let spec = config.model_spec(dataset.shape, dataset.classes());
        let parameters = config.architecture.parameter_count(&spec);
        let parameters = parameters.map_err(|invalid| RunError::cannot_start(&invalid, false))?;
        let (device, report) =
            device::open(config.device).map_err(|error| RunError::cannot_start(&error, true))?;
        let is_on_gpu = report.backend != Backend::Cpu;
        let estimate = MemoryEstimate {
            lanes: lanes.len(),
            parameters,
        };
        let available = memory::available(report.backend);
        tracing::info!(
            need = estimate.peak(),
            available,
            "memory estimated, in bytes"
        );
        let checked = estimate.check(available);
        checked.map_err(|error| RunError::cannot_start(&error, is_on_gpu))?;
        let build = || -> Result<Run, String> {
            let networks = Lanes::new(&config, &lanes, &dataset, &device);
            let mut run = Run::new(networks.map_err(|error| error.to_string())?).with_roll_back();
            if let Some(checkpoint) = checkpoint {
                checkpoint.resume(&mut run)?;
            }
            Ok(run)
        };
        let built = catch_unwind(AssertUnwindSafe(build)).map_err(|panic| {
            let reason = format!("{} failed: {}", report.name, panic_message(panic.as_ref()));
            RunError::cannot_start(&reason, is_on_gpu)
        })?;
        let run = built.map_err(|reason| RunError::cannot_start(&reason, false))?;
        let Some(first) = run.lanes().trainers().first() else {
            return Err(RunError::cannot_start(&TrainError::NoLanes, false));
        };
        let (steps_per_epoch, latent) = (first.steps_per_epoch(), first.layout());
        let recorder = (lanes.len() == 1).then(|| match checkpoint {
            Some(checkpoint) => RunRecorder::resume(checkpoint, config.device),
            None => RunRecorder::new(config.clone(), steps_per_epoch),
        });
        output.events.emit(Event::Started {
            run: id,
            steps_per_epoch,
            latent,
            config,
            device: report,
            parameters,
            lanes: lanes.clone(),
        });
        Ok(Self {
            id,
            run,
            recorder,
            observers: lanes.iter().map(|_| Mutex::default()).collect(),
            probe: start.probe,
            target: if start.paused {
                RunTarget::Paused
            } else {
                RunTarget::Endless
            },
            emitted_state: None,
            snapshot_due: Instant::now(),
            is_changed: true,
        })
    }

    pub fn is_paused(&self) -> bool {
        self.target == RunTarget::Paused
    }

    /// Whether an evaluation is due or in progress, which training waits for.
    pub fn is_evaluating(&self) -> bool {
        self.run.is_evaluation_due()
    }

    /// Executes a command that concerns the run in progress.
    pub fn handle_command(&mut self, command: Command, output: &Output) {
        let front = self.run.lanes().steps();
        match command {
            Command::SetLambda(lambda) => {
                if let [trainer] = self.run.lanes_mut().trainers_mut()
                    && lambda != trainer.lambda()
                {
                    trainer.set_lambda(lambda);
                    self.mark(Mark::Lambda(lambda), output);
                }
            }
            Command::SetLearningRate(rate) => {
                let mut trainers = self.run.lanes_mut().trainers_mut().iter_mut();
                if trainers.all(|trainer| trainer.set_learning_rate(rate).is_ok()) {
                    self.mark(Mark::LearningRate(rate), output);
                }
            }
            Command::Pause => self.target = RunTarget::Paused,
            Command::Resume => self.target = RunTarget::Endless,
            Command::Step => self.target = RunTarget::Until(front + 1),
            Command::Epoch => {
                let end = epoch_end(front, self.run.lanes().steps_per_epoch());
                self.target = RunTarget::Until(end);
            }
            Command::Probe(probe) => {
                self.probe = probe;
                self.is_changed = true;
                self.snapshot_due = Instant::now();
            }
            Command::RollBack { lane } => {
                if let Some(step) = self.run.roll_back(lane) {
                    self.target = RunTarget::Paused;
                    self.is_changed = true;
                    let run = self.id;
                    self.emit(Event::RolledBack { run, lane, step }, output);
                }
            }
            Command::Save(paths) => self.save(&paths, output),
            Command::Autosave(paths) => {
                if let Some(recorder) = &mut self.recorder {
                    let started = recorder.autosave(paths, &self.run);
                    self.report_save(started, output);
                }
            }
            Command::Reset(_) | Command::ResumeRun(..) | Command::Stop => {}
        }
    }

    /// Trains, evaluates and publishes for one time slice.
    pub fn run_time_slice(
        &mut self,
        output: &Output,
        inbox: &Receiver<Command>,
    ) -> Result<(), TrainError> {
        if self.emitted_state.is_none() {
            // Shows the initial network before its evaluation, which may take long.
            self.emit_state(output);
            self.publish_snapshots(output)?;
        }
        self.evaluate(output, inbox)?;
        if !self.is_paused() && !self.is_evaluating() {
            self.train(output, inbox)?;
            if self.is_target_reached() {
                self.target = RunTarget::Paused;
            }
            self.evaluate(output, inbox)?;
        }
        self.emit_state(output);
        self.publish_snapshots(output)
    }

    fn train(&mut self, output: &Output, inbox: &Receiver<Command>) -> Result<(), TrainError> {
        let begun = Instant::now();
        let slice = match self.observers.len() {
            1 => LOSS_INTERVAL,
            _ => (self.run.step_time() * STEPS_PER_SLICE).clamp(LOSS_INTERVAL, LONGEST_SLICE),
        };
        let proceed = || inbox.is_empty() && begun.elapsed() < slice;
        let events = self.run.train(self.target.last_step(), proceed)?;
        self.is_changed = true;
        self.emit_lane_events(events, output);
        Ok(())
    }

    fn evaluate(&mut self, output: &Output, inbox: &Receiver<Command>) -> Result<(), TrainError> {
        if !self.is_evaluating() {
            return Ok(());
        }
        let begun = Instant::now();
        let proceed = || inbox.is_empty() && begun.elapsed() < EVALUATION_SLICE;
        let events = self.run.evaluate(&self.probe.cloud, proceed)?;
        self.emit_lane_events(events, output);
        if self.is_evaluating() {
            let (run, share) = (self.id, self.run.evaluated_share());
            output.events.emit(Event::EvaluationProgress { run, share });
        }
        Ok(())
    }

    fn emit_lane_events(&mut self, events: LaneEvents, output: &Output) {
        let run = self.id;
        for (lane, event) in events {
            match event {
                LaneEvent::Trained(losses) => {
                    let event = Event::Losses {
                        run,
                        lane,
                        losses,
                        images_per_second: self.run.images_per_second(),
                    };
                    self.emit(event, output);
                }
                LaneEvent::Evaluated(evaluation) => {
                    let event = Event::Evaluated {
                        run,
                        lane,
                        evaluation,
                    };
                    self.emit(event, output);
                    if let Some(recorder) = &mut self.recorder {
                        let saved = recorder.save_epoch(&evaluation, &self.run);
                        self.report_save(saved, output);
                    }
                }
                LaneEvent::NotFinite { step } => self.stop_lane(lane, step, output),
            }
        }
    }

    /// Pauses a run of one lane, since another λ or learning rate may still rescue it. Of several lanes, only
    /// this one stops.
    fn stop_lane(&mut self, lane: usize, step: u64, output: &Output) {
        if self.observers.len() > 1 {
            self.run.lanes_mut().set_paused(lane, true);
        } else if self.is_paused() {
            // Reported when it was paused.
            return;
        } else {
            self.target = RunTarget::Paused;
        }
        let error = RunError::NotFinite {
            lane,
            step,
            can_roll_back: self.run.can_roll_back(lane),
        };
        output.emit_error(self.id, error);
    }

    /// Whether no lane has a step left before the next pause.
    fn is_target_reached(&self) -> bool {
        let last = self.target.last_step();
        let lanes = self.run.lanes();
        let mut trainers = lanes.trainers().iter().enumerate();
        trainers.all(|(lane, trainer)| lanes.is_paused(lane) || trainer.steps() >= last)
    }

    fn save(&mut self, paths: &SavePaths, output: &Output) {
        let saved = match &mut self.recorder {
            Some(recorder) => recorder.save(paths, &self.run),
            None => Err(CheckpointError {
                file: paths.file.clone(),
                reason: "cannot hold a run of several networks side by side".to_owned(),
            }),
        };
        if saved.is_ok() {
            let (run, file) = (self.id, paths.file.clone());
            output.events.emit(Event::Saved { run, file });
        }
        self.report_save(saved, output);
    }

    fn report_save(&self, saved: Result<(), CheckpointError>, output: &Output) {
        if let Err(error) = saved {
            let reason = error.to_string();
            output.emit_error(self.id, RunError::CannotSave { reason });
        }
    }

    /// Publishes snapshots if they are due and the last ones were received.
    fn publish_snapshots(&mut self, output: &Output) -> Result<(), TrainError> {
        let now = Instant::now();
        let is_due = self.is_paused() || now >= self.snapshot_due;
        if self.is_changed && is_due && output.wants_snapshots() {
            output.publish(self.take_snapshots()?);
            self.is_changed = false;
            let rest = now.elapsed().mul_f64(1.0 / SNAPSHOT_SHARE);
            self.snapshot_due = now + rest.max(SNAPSHOT_INTERVAL);
        }
        Ok(())
    }

    fn take_snapshots(&self) -> Result<SnapshotSet, TrainError> {
        let snapshot = |lane: usize, trainer: &Trainer| {
            locked(&self.observers[lane]).take_snapshot(self.id, trainer, &self.probe)
        };
        let lanes = self.run.lanes().map(snapshot).into_iter();
        let lanes = lanes.map(|snapshot| snapshot.map(Arc::new));
        let lanes: Vec<Arc<Snapshot>> = lanes.collect::<Result<_, _>>()?;
        let clouds: Vec<&[[f32; 3]]> = lanes.iter().map(|lane| &*lane.points).collect();
        let axes = lanes.first().map_or(0, |lane| lane.latent_size);
        Ok(SnapshotSet {
            run: self.id,
            alignments: alignment::align_each_to_previous(&clouds, axes),
            lanes,
        })
    }

    /// Reports a change that concerns all lanes.
    fn mark(&mut self, mark: Mark, output: &Output) {
        let steps = self.run.lanes().trainers().iter().map(Trainer::steps);
        let steps: Vec<u64> = steps.collect();
        let run = self.id;
        for (lane, step) in steps.into_iter().enumerate() {
            let event = Event::Marked {
                run,
                lane,
                step,
                mark,
            };
            self.emit(event, output);
        }
    }

    fn emit_state(&mut self, output: &Output) {
        let state = if self.is_paused() {
            RunState::Paused
        } else {
            RunState::Training
        };
        if self.emitted_state.replace(state) != Some(state) {
            let run = self.id;
            output.events.emit(Event::State { run, state });
        }
    }

    /// Records an event that belongs to the run's history, and reports it.
    fn emit(&mut self, event: Event, output: &Output) {
        if let Some(recorder) = &mut self.recorder {
            recorder.on_event(&event);
        }
        output.events.emit(event);
    }
}
