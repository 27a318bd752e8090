//! The view of one network of a run.

use std::sync::Arc;

use crate::{
    sweep::Outcome,
    train::{
        Evaluation, Lane, Mark, Snapshot, StepLosses,
        checkpoint::Checkpoint,
        history::{History, Quantity},
    },
};

/// One network, as its events report it.
#[derive(Debug)]
pub struct LaneView {
    /// Current λ, and the seed.
    pub lane: Lane,
    pub history: History,
    pub snapshot: Option<Arc<Snapshot>>,
    pub last_losses: Option<StepLosses>,
    pub last_evaluation: Option<Evaluation>,
}

impl LaneView {
    /// A network before its first step.
    pub fn new(lane: Lane, steps_per_epoch: u64) -> Self {
        Self {
            lane,
            history: History::new(steps_per_epoch),
            snapshot: None,
            last_losses: None,
            last_evaluation: None,
        }
    }

    /// Takes the curves of the run that it continues.
    pub fn restore(&mut self, checkpoint: &Checkpoint) {
        self.history = checkpoint.history.clone();
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

    /// Adds training losses, oldest first.
    pub fn push_losses(&mut self, losses: &[StepLosses]) {
        self.history.push_losses(losses);
        self.last_losses = losses.last().copied().or(self.last_losses);
    }

    pub fn push_evaluation(&mut self, evaluation: Evaluation) {
        self.history.push_evaluation(evaluation);
        self.last_evaluation = Some(evaluation);
    }

    /// Adds a change made by the user.
    pub fn push_mark(&mut self, step: u64, mark: Mark) {
        self.history.push_mark(step, mark);
        if let Mark::Lambda(lambda) = mark {
            self.lane.lambda = lambda;
        }
    }

    /// Removes everything after `step`.
    pub fn roll_back(&mut self, step: u64) {
        self.history.truncate_after(step);
        self.last_losses = None;
        self.last_evaluation = self.history.evaluations().last().copied();
    }

    /// Number of reported steps.
    pub fn step(&self) -> u64 {
        let losses = self.last_losses.map_or(0, |losses| losses.step);
        let evaluation = self.last_evaluation.map_or(0, |evaluation| evaluation.step);
        losses.max(evaluation)
    }

    /// The latest test metrics, where z has `relu_units` units that can die.
    pub fn outcome(&self, relu_units: usize) -> Option<Outcome> {
        let evaluation = self.last_evaluation?;
        Some(Outcome {
            lambda: self.lane.lambda,
            seed: self.lane.seed,
            accuracy: evaluation.test.accuracy,
            mse: evaluation.test.mse,
            dead: relu_units > 0 && evaluation.dead_units == relu_units,
        })
    }
}
