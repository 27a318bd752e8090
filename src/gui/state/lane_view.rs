//! What the window knows of one network of the run it shows.

use std::sync::Arc;

use crate::{
    sweep::Outcome,
    train::{
        Evaluation, Lane, Mark, Snapshot, StepLosses,
        checkpoint::Checkpoint,
        history::{History, Quantity},
    },
};

/// One lane as its messages tell it.
#[derive(Debug)]
pub struct LaneView {
    /// λ as it is now, and the seed.
    pub lane: Lane,
    pub history: History,
    /// The latest look at the model.
    pub snapshot: Option<Arc<Snapshot>>,
    pub last_losses: Option<StepLosses>,
    pub last_evaluation: Option<Evaluation>,
    /// Whether it stands still, since a loss is no longer a number, while the others go on.
    pub stands: bool,
}

impl LaneView {
    /// A lane that has just started.
    pub fn new(lane: Lane, steps_per_epoch: u64) -> Self {
        Self {
            lane,
            history: History::new(steps_per_epoch),
            snapshot: None,
            last_losses: None,
            last_evaluation: None,
            stands: false,
        }
    }

    /// Takes over the curves of the run that it goes on from.
    pub fn restore(&mut self, saved: &Checkpoint) {
        self.history = saved.history.clone();
        self.last_evaluation = self.history.evaluations().last().copied();
        self.last_losses = self.history.buckets().last().and_then(|bucket| {
            let mean = |quantity| bucket.summary(quantity).mean().map(|mean| mean as f32);
            Some(StepLosses {
                step: bucket.steps.1,
                mse: mean(Quantity::Mse)?,
                ce: mean(Quantity::Ce)?,
                accuracy: mean(Quantity::Accuracy)?,
            })
        });
    }

    /// Takes in training losses, oldest first.
    pub fn hear_losses(&mut self, losses: &[StepLosses]) {
        self.history.push_losses(losses);
        self.last_losses = losses.last().copied().or(self.last_losses);
    }

    /// Takes in test metrics.
    pub fn hear_evaluation(&mut self, evaluation: Evaluation) {
        self.history.push_evaluation(evaluation);
        self.last_evaluation = Some(evaluation);
    }

    /// Takes in a change made by hand.
    pub fn hear_mark(&mut self, step: u64, mark: Mark) {
        self.history.push_mark(step, mark);
        if let Mark::Lambda(lambda) = mark {
            self.lane.lambda = lambda;
        }
    }

    /// Forgets what came after `step`.
    pub fn roll_back(&mut self, step: u64) {
        self.history.truncate_after(step);
        self.last_losses = None;
        self.last_evaluation = self.history.evaluations().last().copied();
        self.stands = false;
    }

    /// Steps taken, as far as told.
    pub fn step(&self) -> u64 {
        let losses = self.last_losses.map_or(0, |losses| losses.step);
        let evaluation = self.last_evaluation.map_or(0, |evaluation| evaluation.step);
        losses.max(evaluation)
    }

    /// What it reached at its latest evaluation, if there was one; `mortal` is the number of units of z that
    /// can die.
    pub fn outcome(&self, mortal: usize) -> Option<Outcome> {
        let evaluation = self.last_evaluation?;
        Some(Outcome {
            lambda: self.lane.lambda,
            seed: self.lane.seed,
            accuracy: evaluation.test.accuracy,
            mse: evaluation.test.mse,
            dead: mortal > 0 && evaluation.dead_units == mortal,
        })
    }
}
