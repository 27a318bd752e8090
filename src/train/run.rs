//! The training loop: steps, evaluations and the best model of several networks. No channels, no
//! files.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use super::{
    Evaluation, Lanes, Metrics, StepLosses, Trainer,
    epoch_stats::{EpochStats, Throughput},
    observer::dead_units,
    pools::locked,
    trainer::{EvaluationSums, RestorePoint, TrainError},
};
use crate::model::Cre;

/// Networks in training, each evaluated at exactly its own epoch ends.
///
/// [`Self::train`] and [`Self::evaluate`] work for a time slice and return what happened. The caller
/// decides what becomes of a network whose losses are no longer finite.
pub struct Run {
    lanes: Lanes,
    states: Vec<LaneState>,
    throughput: Throughput,
    /// Duration of one step of every lane in the last time slice.
    step_time: Duration,
    /// Whether the last state with finite losses is kept.
    can_roll_back: bool,
}

/// What a run keeps of a lane beside its trainer.
#[derive(Default)]
struct LaneState {
    epoch: EpochStats,
    /// Steps at the last evaluation.
    evaluated: Option<u64>,
    /// The evaluation in progress. Locked by the one thread that evaluates the lane.
    sums: Mutex<EvaluationSums>,
    best: Option<BestModel>,
    /// The last evaluated state whose losses were finite; kept only where it can be returned to.
    last_finite: Option<RestorePoint>,
}

/// The model with the lowest test L(λ) so far.
#[derive(Clone, Debug)]
pub struct BestModel {
    pub evaluation: Evaluation,
    /// The network at that moment, without autodiff.
    pub model: Cre,
}

/// What happened to a lane.
#[derive(Clone, Debug, PartialEq)]
pub enum LaneEvent {
    /// Training losses of its steps, oldest first.
    Trained(Vec<StepLosses>),
    /// Test metrics at an epoch end, or before the first step.
    Evaluated(Evaluation),
    /// A loss became NaN or infinite at this step.
    NotFinite { step: u64 },
}

/// Events of a time slice, each with the index of its lane, in order.
pub type LaneEvents = Vec<(usize, LaneEvent)>;

impl Run {
    /// Takes over `lanes` as they are.
    pub fn new(lanes: Lanes) -> Self {
        let states = lanes.trainers().iter().map(|_| LaneState::default());
        Self {
            states: states.collect(),
            lanes,
            throughput: Throughput::default(),
            step_time: Duration::ZERO,
            can_roll_back: false,
        }
    }

    /// Keeps the last evaluated state of each lane with finite losses for [`Self::roll_back`].
    #[must_use]
    pub fn with_roll_back(mut self) -> Self {
        self.can_roll_back = true;
        self
    }

    pub fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    /// The networks, to change λ, learning rate or which of them are paused.
    pub fn lanes_mut(&mut self) -> &mut Lanes {
        &mut self.lanes
    }

    /// Removes a lane; the others are not affected.
    pub fn remove(&mut self, lane: usize) {
        self.lanes.remove(lane);
        self.states.remove(lane);
    }

    /// Training speed of all lanes together, in images per second.
    pub fn images_per_second(&self) -> f64 {
        self.throughput.images_per_second()
    }

    /// Duration of one step of every lane in the last time slice; 0 before the first.
    pub fn step_time(&self) -> Duration {
        self.step_time
    }

    /// Losses and time of a lane's epoch in progress.
    pub fn epoch_stats(&self, lane: usize) -> &EpochStats {
        &self.states[lane].epoch
    }

    /// The best model of a lane, once it has been evaluated.
    pub fn best(&self, lane: usize) -> Option<&BestModel> {
        self.states[lane].best.as_ref()
    }

    /// Whether [`Self::roll_back`] has a state to return to.
    pub fn can_roll_back(&self, lane: usize) -> bool {
        self.states[lane].last_finite.is_some()
    }

    /// Continues a lane in the middle of an epoch; `evaluated` is the step of its last evaluation.
    pub fn resume(
        &mut self,
        lane: usize,
        epoch: EpochStats,
        evaluated: Option<u64>,
        best: Option<BestModel>,
    ) {
        self.states[lane] = LaneState {
            epoch,
            evaluated,
            best,
            ..LaneState::default()
        };
    }

    /// Takes steps while `proceed` returns true, at least one. Each lane stops at the end of its own
    /// epoch and at step `last`.
    ///
    /// # Errors
    /// When the device has failed.
    pub fn train(
        &mut self,
        last: u64,
        proceed: impl Fn() -> bool + Sync,
    ) -> Result<LaneEvents, TrainError> {
        let begun = Instant::now();
        let per_epoch = self.lanes.steps_per_epoch();
        let (front, total) = (self.lanes.steps(), self.total_steps());
        self.lanes
            .advance_each(|steps| epoch_end(steps, per_epoch).min(last), proceed);
        let losses = self.lanes.take_losses()?;
        // Reading losses waits for the device, so it belongs to the steps' time.
        let time = begun.elapsed();
        let rounds = self.lanes.steps().saturating_sub(front).max(1);
        self.step_time = time / u32::try_from(rounds).unwrap_or(u32::MAX);
        let batch = self.lanes.trainers().first().map_or(0, Trainer::batch_size);
        self.throughput
            .add((self.total_steps() - total) * batch as u64, time);
        let mut events = Vec::new();
        for (lane, (state, losses)) in self.states.iter_mut().zip(losses).enumerate() {
            state.epoch.seconds.0 += time.as_secs_f64();
            if losses.is_empty() {
                continue;
            }
            state.epoch.add(&losses);
            // A weight of 0 hides a loss from L(λ), but not from the read-out that learns from it.
            let diverged = losses.iter().find(|step| !step.is_finite());
            let diverged = diverged.map(|step| LaneEvent::NotFinite { step: step.step });
            events.push((lane, LaneEvent::Trained(losses)));
            events.extend(diverged.map(|event| (lane, event)));
        }
        Ok(events)
    }

    /// Test metrics of every lane that is due, while `proceed` returns true, at least a part. An
    /// evaluation that takes longer continues in the next call. `cloud` are the test images by which dead
    /// units are counted.
    ///
    /// # Errors
    /// When the device has failed.
    pub fn evaluate(
        &mut self,
        cloud: &[u32],
        proceed: impl Fn() -> bool + Sync,
    ) -> Result<LaneEvents, TrainError> {
        let lanes = 0..self.states.len();
        let due: Vec<bool> = lanes.map(|lane| self.is_due(lane)).collect();
        let Some(first) = due.iter().position(|due| *due) else {
            return Ok(Vec::new());
        };
        let states = &self.states;
        let evaluated = self.lanes.map(|lane, trainer| {
            // One lane at least makes progress.
            if !due[lane] || (lane != first && !proceed()) {
                return Ok(None);
            }
            let mut sums = locked(&states[lane].sums);
            let Some(metrics) = trainer.continue_evaluation(&mut sums, &proceed)? else {
                return Ok(None);
            };
            Ok::<_, TrainError>(Some((metrics, dead_units(trainer, cloud)?)))
        });
        let mut events = Vec::new();
        for (lane, evaluated) in evaluated.into_iter().enumerate() {
            let Some((test, dead_units)) = evaluated? else {
                continue;
            };
            let trainer = &self.lanes.trainers()[lane];
            let state = &mut self.states[lane];
            let evaluation = state.complete(trainer, test, dead_units);
            if self.can_roll_back && test.is_finite() {
                state.last_finite = Some(trainer.restore_point());
            }
            events.push((lane, LaneEvent::Evaluated(evaluation)));
            if !test.is_finite() {
                let step = evaluation.step;
                events.push((lane, LaneEvent::NotFinite { step }));
            }
        }
        Ok(events)
    }

    /// Whether an evaluation is due or in progress; training waits for it.
    pub fn is_evaluation_due(&self) -> bool {
        (0..self.states.len()).any(|lane| self.is_due(lane))
    }

    /// Share of the test images that the evaluations in progress have covered, 0–1, over all lanes at an
    /// epoch end.
    pub fn evaluated_share(&self) -> f32 {
        let share = |lane| {
            if !self.is_due(lane) {
                return 1.0;
            }
            let sums = locked(&self.states[lane].sums);
            self.lanes.trainers()[lane].evaluated_share(&sums)
        };
        let lanes = (0..self.states.len()).filter(|lane| self.is_at_epoch_end(*lane));
        let shares: Vec<f32> = lanes.map(share).collect();
        shares.iter().sum::<f32>() / shares.len().max(1) as f32
    }

    /// Returns a lane to its last evaluation with finite losses; its steps then, if there was one.
    pub fn roll_back(&mut self, lane: usize) -> Option<u64> {
        let state = self.states.get_mut(lane)?;
        let restore_point = state.last_finite.clone()?;
        let step = restore_point.step;
        state.epoch = EpochStats::default();
        state.sums = Mutex::default();
        state.evaluated = Some(step);
        self.lanes.trainers_mut()[lane].restore(restore_point);
        self.lanes.set_paused(lane, false);
        Some(step)
    }

    fn is_due(&self, lane: usize) -> bool {
        let steps = self.lanes.trainers()[lane].steps();
        self.is_at_epoch_end(lane) && self.states[lane].evaluated != Some(steps)
    }

    fn is_at_epoch_end(&self, lane: usize) -> bool {
        let trainer = &self.lanes.trainers()[lane];
        !self.lanes.is_paused(lane) && trainer.steps().is_multiple_of(trainer.steps_per_epoch())
    }

    fn total_steps(&self) -> u64 {
        self.lanes.trainers().iter().map(Trainer::steps).sum()
    }
}

impl LaneState {
    /// Completes an evaluation: closes the epoch and keeps the model if it is the best so far.
    ///
    /// λ may have moved since the best model was evaluated: both are compared by their MSE and CE
    /// weighted with the present λ, so that no model is preferred only because it was evaluated at another λ.
    fn complete(&mut self, trainer: &Trainer, test: Metrics, dead_units: usize) -> Evaluation {
        let epoch = std::mem::take(&mut self.epoch);
        let (step, lambda) = (trainer.steps(), trainer.lambda());
        let evaluation = Evaluation {
            epoch: step / trainer.steps_per_epoch(),
            step,
            lambda,
            train: epoch.means(),
            test,
            dead_units,
            images_per_second: epoch.steps_per_second() * trainer.batch_size() as f64,
        };
        self.evaluated = Some(step);
        if test.is_finite() {
            let best = self.best.as_ref().map(|best| best.evaluation.test);
            if best.is_none_or(|best| test.loss(lambda) < best.loss(lambda)) {
                self.best = Some(BestModel {
                    evaluation,
                    model: trainer.model().clone(),
                });
            }
        }
        evaluation
    }
}

/// The first epoch end after `steps`.
pub fn epoch_end(steps: u64, per_epoch: u64) -> u64 {
    (steps / per_epoch + 1) * per_epoch
}
