//! The run in hand: one network or several, trained side by side.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use crossbeam_channel::Receiver;

use super::{EventSink, panic_message};
use crate::train::{
    Command, Evaluation, Event, Lanes, Mark, Probe, RunError, RunId, RunStart, RunState, Snapshot,
    SnapshotSet, StepLosses, Trainer, alignment,
    checkpoint::Checkpoint,
    device,
    epoch_stats::{EpochStats, Throughput},
    memory::{self, MemoryEstimate},
    observer::{Observer, dead_units},
    trainer::{EvaluationSums, RestorePoint, TrainError},
};

/// Losses are told this often at most: once a frame.
const LOSS_INTERVAL: Duration = Duration::from_millis(33);
/// Of several lanes they are told after so many steps of each, since all wait for the last one then…
const ROUNDS: u32 = 2;
/// …but not seldomer than this.
const LONGEST_TURN: Duration = Duration::from_millis(500);
/// A slow evaluation is interrupted this often, to hear what is asked for.
const TEST_TURN: Duration = Duration::from_millis(500);
/// Panoramas are made this often at most…
const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(100);
/// …and may take this share of the time at most, so that a large cloud does not stop the training.
const SNAPSHOT_SHARE: f64 = 0.2;

/// How far to go before the next pause.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RunTarget {
    Paused,
    /// To the end of this step.
    Until(u64),
    Endless,
}

/// Everything that belongs to the run in hand.
pub struct Run {
    pub(super) id: RunId,
    pub(super) lanes: Lanes,
    pub(super) lane_states: Vec<LaneState>,
    probe: Probe,
    target: RunTarget,
    emitted_state: Option<RunState>,
    speed: Throughput,
    /// How long a step of every lane took last time.
    round: Duration,
    snapshot_due: Instant,
    /// Whether a model or the probe changed since the last panorama.
    unseen: bool,
}

/// What belongs to one lane beside its trainer.
#[derive(Default)]
pub(super) struct LaneState {
    /// Only ever locked by the one who looks at this lane.
    observer: Mutex<Observer>,
    pub(super) epoch: EpochStats,
    /// Steps at its last evaluation.
    pub(super) evaluated: Option<u64>,
    /// Of the evaluation under way, if there is one; locked like the observer.
    tests: Mutex<EvaluationSums>,
    last_good: Option<(RestorePoint, u64)>,
}

impl Run {
    /// Builds the run, as `saved` left it if that is there, and tells its beginning; the error is a
    /// sentence.
    pub fn start(
        start: RunStart,
        saved: Option<&Checkpoint>,
        told: &EventSink,
    ) -> Result<Self, String> {
        let RunStart {
            run: id,
            config,
            lanes: plans,
            dataset,
            probe,
            paused,
        } = start;
        let parameters = config
            .architecture
            .parameters(&config.model_spec(dataset.shape, dataset.classes()))
            .map_err(|unfit| unfit.to_string())?;
        let (device, report) = device::open(config.device).map_err(|error| error.to_string())?;
        let need = MemoryEstimate {
            lanes: plans.len(),
            parameters,
        };
        need.check(memory::available(report.backend))
            .map_err(|error| error.to_string())?;
        let build = || -> Result<Lanes, String> {
            let lanes = Lanes::new(&config, &plans, &dataset, &device);
            let mut lanes = lanes.map_err(|error| error.to_string())?;
            if let (Some(saved), [trainer]) = (saved, lanes.trainers_mut()) {
                saved.restore(trainer)?;
            }
            Ok(lanes)
        };
        let lanes = catch_unwind(AssertUnwindSafe(build)).map_err(|panic| {
            format!("{} failed: {}", report.name, panic_message(panic.as_ref()))
        })??;
        let mut run = Self {
            id,
            lane_states: plans.iter().map(|_| LaneState::default()).collect(),
            lanes,
            probe,
            target: if paused {
                RunTarget::Paused
            } else {
                RunTarget::Endless
            },
            emitted_state: None,
            speed: Throughput::default(),
            round: Duration::ZERO,
            snapshot_due: Instant::now(),
            unseen: true,
        };
        let Some(first) = run.lanes.trainers().first() else {
            return Err(TrainError::NoLanes.to_string());
        };
        told.emit(Event::Started {
            run: id,
            steps_per_epoch: first.steps_per_epoch(),
            latent: first.layout(),
            config,
            lanes: plans,
            device: report,
            parameters,
        });
        if let Some(saved) = saved {
            run.resume_from(saved, told);
        }
        Ok(run)
    }

    pub fn id(&self) -> RunId {
        self.id
    }

    pub fn is_paused(&self) -> bool {
        self.target == RunTarget::Paused
    }

    /// Whether an evaluation is due or under way, which training waits for.
    pub fn is_testing(&self) -> bool {
        (0..self.lane_states.len()).any(|lane| self.is_due(lane))
    }

    /// Whether this lane is at the beginning or at the end of an epoch, and was not evaluated there.
    fn is_due(&self, lane: usize) -> bool {
        self.is_between_epochs(lane)
            && self.lane_states[lane].evaluated != Some(self.lanes.trainers()[lane].steps())
    }

    fn is_between_epochs(&self, lane: usize) -> bool {
        let trainer = &self.lanes.trainers()[lane];
        !self.lanes.is_paused(lane) && trainer.steps().is_multiple_of(trainer.steps_per_epoch())
    }

    /// Whether there is something that no panorama shows yet.
    pub fn is_unseen(&self) -> bool {
        self.unseen
    }

    pub fn handle_command(&mut self, command: Command, told: &EventSink) {
        let front = self.lanes.steps();
        match command {
            Command::SetLambda(lambda) => {
                if let [trainer] = self.lanes.trainers_mut()
                    && lambda != trainer.lambda()
                {
                    trainer.set_lambda(lambda);
                    self.mark(Mark::Lambda(lambda), told);
                }
            }
            Command::SetLearningRate(rate) => {
                let mut trainers = self.lanes.trainers_mut().iter_mut();
                if trainers.all(|trainer| trainer.set_learning_rate(rate).is_ok()) {
                    self.mark(Mark::LearningRate(rate), told);
                }
            }
            Command::Pause => self.target = RunTarget::Paused,
            Command::Resume => self.target = RunTarget::Endless,
            Command::Step => self.target = RunTarget::Until(front + 1),
            Command::Epoch => self.target = RunTarget::Until(self.epoch_end(front)),
            Command::Probe(probe) => {
                self.probe = probe;
                self.unseen = true;
                self.snapshot_due = Instant::now();
            }
            Command::Rollback { lane } => self.roll_back(lane, told),
            Command::Save(target) => self.save(&target, told),
            Command::Autosave(target) => self.autosave(target, told),
            Command::Reset(_) | Command::ResumeRun(..) | Command::Stop => {}
        }
    }

    /// The first step after `steps` at which an epoch ends.
    fn epoch_end(&self, steps: u64) -> u64 {
        let per_epoch = self.lanes.trainers().first();
        let per_epoch = per_epoch.map_or(1, Trainer::steps_per_epoch);
        (steps / per_epoch + 1) * per_epoch
    }

    /// One turn: some steps if not paused, then what is due.
    pub fn run_time_slice(
        &mut self,
        told: &EventSink,
        inbox: &Receiver<Command>,
    ) -> Result<(), TrainError> {
        if self.emitted_state.is_none() {
            // A beginning is seen before it is measured, which may take long.
            self.emit_state(told);
            self.show(told)?;
        }
        self.evaluate(told, inbox)?;
        if self.target != RunTarget::Paused && !self.is_testing() {
            self.train(told, inbox)?;
            if self.has_arrived() {
                self.target = RunTarget::Paused;
            }
            self.evaluate(told, inbox)?;
        }
        self.emit_state(told);
        self.show(told)
    }

    /// Makes a panorama if one is due.
    fn show(&mut self, told: &EventSink) -> Result<(), TrainError> {
        let now = Instant::now();
        let paused = self.target == RunTarget::Paused;
        if self.unseen && told.slot.is_empty() && (paused || now >= self.snapshot_due) {
            told.publish(self.take_snapshots()?);
            self.unseen = false;
            let rest = now.elapsed().mul_f64(1.0 / SNAPSHOT_SHARE);
            self.snapshot_due = now + rest.max(SNAPSHOT_INTERVAL);
        }
        Ok(())
    }

    /// Takes steps until something is due, and tells of them.
    fn train(&mut self, told: &EventSink, inbox: &Receiver<Command>) -> Result<(), TrainError> {
        let begun = Instant::now();
        let turn = if self.lane_states.len() == 1 {
            LOSS_INTERVAL
        } else {
            LOSS_INTERVAL.max((self.round * ROUNDS).min(LONGEST_TURN))
        };
        let last = match self.target {
            RunTarget::Until(step) => step,
            RunTarget::Paused | RunTarget::Endless => u64::MAX,
        };
        let per_epoch = self.epoch_end(0);
        let epoch_end = |steps: u64| (steps / per_epoch + 1) * per_epoch;
        let (before, steps_before) = (self.lanes.steps(), self.steps_of_all());
        self.lanes.advance_each(
            |steps| epoch_end(steps).min(last),
            || inbox.is_empty() && begun.elapsed() < turn,
        );
        self.unseen = true;
        let losses = self.lanes.take_losses()?;
        // Reading losses waits for the device, so it belongs to the steps' time.
        let time = begun.elapsed();
        let rounds = self.lanes.steps().saturating_sub(before).max(1);
        self.round = time / u32::try_from(rounds).unwrap_or(u32::MAX);
        let batch = self.lanes.trainers().first().map_or(0, Trainer::batch_size);
        let images = (self.steps_of_all() - steps_before) * batch as u64;
        self.speed.add(images, time);
        for side in &mut self.lane_states {
            side.epoch.training += time;
        }
        for (lane, losses) in losses.into_iter().enumerate() {
            self.emit_losses(lane, losses, told);
        }
        Ok(())
    }

    fn steps_of_all(&self) -> u64 {
        self.lanes.trainers().iter().map(Trainer::steps).sum()
    }

    /// Whether there is no step left to take before the next pause.
    fn has_arrived(&self) -> bool {
        let last = match self.target {
            RunTarget::Paused => 0,
            RunTarget::Until(step) => step,
            RunTarget::Endless => u64::MAX,
        };
        let mut trainers = self.lanes.trainers().iter().enumerate();
        trainers.all(|(lane, trainer)| self.lanes.is_paused(lane) || trainer.steps() >= last)
    }

    /// Tells what a lane was trained since the last time, if anything.
    fn emit_losses(&mut self, lane: usize, losses: Vec<StepLosses>, told: &EventSink) {
        if losses.is_empty() {
            return;
        }
        self.lane_states[lane].epoch.add(&losses);
        let broken = losses
            .iter()
            .find(|step| !(step.mse.is_finite() && step.ce.is_finite()))
            .map(|step| step.step);
        told.emit(Event::Losses {
            run: self.id,
            lane,
            losses,
            images_per_second: self.speed.images_per_second(),
        });
        if let Some(step) = broken {
            self.not_finite(lane, step, told);
        }
    }

    /// Test metrics of the lanes for which they are due; what takes long is gone on with in the next turn.
    fn evaluate(&mut self, told: &EventSink, inbox: &Receiver<Command>) -> Result<(), TrainError> {
        let due: Vec<bool> = (0..self.lane_states.len())
            .map(|lane| self.is_due(lane))
            .collect();
        let Some(first) = due.iter().position(|due| *due) else {
            return Ok(());
        };
        let begun = Instant::now();
        let go_on = || inbox.is_empty() && begun.elapsed() < TEST_TURN;
        let measure = |lane: usize, trainer: &Trainer| -> Result<Option<_>, TrainError> {
            // One lane at least gets on.
            if !due[lane] || (lane != first && !go_on()) {
                return Ok(None);
            }
            let tests = &self.lane_states[lane].tests;
            let mut tests = tests.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(metrics) = trainer.continue_evaluation(&mut tests, go_on)? else {
                return Ok(None);
            };
            Ok(Some((metrics, dead_units(trainer, &self.probe.cloud)?)))
        };
        let found = self.lanes.map(measure);
        for (lane, found) in found.into_iter().enumerate() {
            let Some((test, dead_units)) = found? else {
                continue;
            };
            let trainer = &self.lanes.trainers()[lane];
            let step = trainer.steps();
            let side = &mut self.lane_states[lane];
            let sums = std::mem::take(&mut side.epoch);
            side.evaluated = Some(step);
            if test.is_finite() {
                side.last_good = Some((trainer.restore_point(), step));
            }
            told.emit(Event::Evaluated {
                run: self.id,
                lane,
                evaluation: Evaluation {
                    epoch: step / trainer.steps_per_epoch(),
                    step,
                    lambda: trainer.lambda(),
                    train: sums.means(),
                    test,
                    dead_units,
                    images_per_second: sums.steps_per_second() * trainer.batch_size() as f64,
                },
            });
            self.record_evaluation(told);
            if !test.is_finite() && (self.lane_states.len() > 1 || self.target != RunTarget::Paused)
            {
                self.not_finite(lane, step, told);
            }
        }
        if self.is_testing() {
            self.emit_evaluation_progress(told);
        }
        Ok(())
    }

    /// Tells how far an evaluation has come over all lanes between two epochs.
    fn emit_evaluation_progress(&self, told: &EventSink) {
        let lanes = (0..self.lane_states.len()).filter(|lane| self.is_between_epochs(*lane));
        let shares: Vec<f32> = lanes
            .map(|lane| {
                if !self.is_due(lane) {
                    return 1.0;
                }
                let tests = self.lane_states[lane].tests.lock();
                let tests = tests.unwrap_or_else(PoisonError::into_inner);
                self.lanes.trainers()[lane].evaluated_share(&tests)
            })
            .collect();
        told.emit(Event::EvaluationProgress {
            run: self.id,
            share: shares.iter().sum::<f32>() / shares.len().max(1) as f32,
        });
    }

    /// A run of one lane pauses, since λ and learning rate may still save it; of several, the others need
    /// not wait for this one.
    fn not_finite(&mut self, lane: usize, step: u64, told: &EventSink) {
        if self.lane_states.len() == 1 {
            self.target = RunTarget::Paused;
        } else {
            self.lanes.set_paused(lane, true);
        }
        told.emit(Event::Error {
            run: self.id,
            error: RunError::NotFinite {
                lane,
                step,
                can_roll_back: self.lane_states[lane].last_good.is_some(),
            },
        });
    }

    fn roll_back(&mut self, lane: usize, told: &EventSink) {
        let Some(side) = self.lane_states.get_mut(lane) else {
            return;
        };
        if let Some((checkpoint, step)) = side.last_good.clone() {
            side.epoch = EpochStats::default();
            side.tests = Mutex::default();
            side.evaluated = Some(step);
            self.lanes.trainers_mut()[lane].restore(checkpoint);
            self.lanes.set_paused(lane, false);
            self.target = RunTarget::Paused;
            self.unseen = true;
            told.emit(Event::RolledBack {
                run: self.id,
                lane,
                step,
            });
        }
    }

    /// All lanes as the probe sees them now.
    fn take_snapshots(&self) -> Result<SnapshotSet, TrainError> {
        let lanes: Vec<Arc<Snapshot>> = self
            .lanes
            .map(|lane, trainer| {
                let observer = &self.lane_states[lane].observer;
                let mut observer = observer.lock().unwrap_or_else(PoisonError::into_inner);
                observer
                    .take_snapshot(self.id, trainer, &self.probe)
                    .map(Arc::new)
            })
            .into_iter()
            .collect::<Result<_, _>>()?;
        let clouds: Vec<&[[f32; 3]]> = lanes.iter().map(|lane| &*lane.points).collect();
        let axes = lanes.first().map_or(0, |lane| lane.latent_size);
        Ok(SnapshotSet {
            run: self.id,
            alignments: alignment::chain(&clouds, axes),
            lanes,
        })
    }

    /// Tells of a change that all lanes share.
    fn mark(&self, mark: Mark, told: &EventSink) {
        for (lane, trainer) in self.lanes.trainers().iter().enumerate() {
            told.emit(Event::Marked {
                run: self.id,
                lane,
                step: trainer.steps(),
                mark,
            });
        }
    }

    fn emit_state(&mut self, told: &EventSink) {
        let state = if self.target == RunTarget::Paused {
            RunState::Paused
        } else {
            RunState::Training
        };
        if self.emitted_state != Some(state) {
            self.emitted_state = Some(state);
            told.emit(Event::State {
                run: self.id,
                state,
            });
        }
    }
}
