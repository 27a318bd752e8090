//! What the window knows of the run it shows.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    data::{DataSource, Dataset},
    model::LatentLayout,
    train::{
        Evaluation, Event, RunConfig, RunId, RunState, Snapshot, StepLosses, device::DeviceReport,
        history::History,
    },
};

/// One run as its messages tell it.
#[derive(Debug)]
pub struct RunView {
    pub id: RunId,
    /// Settings at its start; λ and learning rate may have moved since.
    pub config: RunConfig,
    pub source: DataSource,
    pub dataset: Arc<Dataset>,
    pub device: DeviceReport,
    pub steps_per_epoch: u64,
    pub parameters: usize,
    pub state: RunState,
    pub history: History,
    /// The latest look at the model.
    pub snapshot: Option<Snapshot>,
    pub last_losses: Option<StepLosses>,
    pub last_evaluation: Option<Evaluation>,
    pub images_per_second: f64,
    trained: Duration,
    training_since: Option<Instant>,
}

impl RunView {
    /// Size of z in words: "n = 3", or "z 16×4×4" where the network decides it.
    pub fn latent_size(&self) -> String {
        let plan = self.config.plan(self.dataset.shape, self.dataset.classes());
        match self.config.architecture.latent_layout(&plan) {
            Ok(LatentLayout::Units(n)) => format!("n = {n}"),
            Ok(layout) => format!("z {layout}"),
            Err(unfit) => unfit.to_string(),
        }
    }

    /// A run that has just started.
    pub fn new(
        id: RunId,
        config: RunConfig,
        source: DataSource,
        dataset: Arc<Dataset>,
        device: DeviceReport,
        steps_per_epoch: u64,
        parameters: usize,
    ) -> Self {
        Self {
            id,
            config,
            source,
            dataset,
            device,
            steps_per_epoch,
            parameters,
            state: RunState::Preparing,
            history: History::new(steps_per_epoch),
            snapshot: None,
            last_losses: None,
            last_evaluation: None,
            images_per_second: 0.0,
            trained: Duration::ZERO,
            training_since: None,
        }
    }

    /// Takes in a message about this run.
    pub fn hear(&mut self, event: Event) {
        match event {
            Event::Losses {
                losses,
                images_per_second,
                ..
            } => {
                self.history.push_losses(&losses);
                self.last_losses = losses.last().copied().or(self.last_losses);
                self.images_per_second = images_per_second;
            }
            Event::Evaluated { evaluation, .. } => {
                self.history.push_evaluation(evaluation);
                self.last_evaluation = Some(evaluation);
            }
            Event::Marked { step, mark, .. } => self.history.push_mark(step, mark),
            Event::State { state, .. } => self.enter(state),
            Event::RolledBack { step, .. } => {
                self.history.truncate_after(step);
                self.last_losses = None;
                self.last_evaluation = self.history.evaluations().last().copied();
            }
            Event::Started { .. } | Event::Saved { .. } | Event::Problem { .. } => {}
        }
    }

    /// Notes that training goes on or stands still, for the clock.
    pub fn enter(&mut self, state: RunState) {
        if let Some(since) = self.training_since.take() {
            self.trained += since.elapsed();
        }
        if state == RunState::Training {
            self.training_since = Some(Instant::now());
        }
        self.state = state;
    }

    /// Steps taken, as far as told.
    pub fn step(&self) -> u64 {
        let losses = self.last_losses.map_or(0, |losses| losses.step);
        let evaluation = self.last_evaluation.map_or(0, |evaluation| evaluation.step);
        losses.max(evaluation)
    }

    /// The running epoch from 0, and how much of it is done, 0–1.
    pub fn epoch(&self) -> (u64, f32) {
        let per_epoch = self.steps_per_epoch.max(1);
        let step = self.step();
        (
            step / per_epoch,
            (step % per_epoch) as f32 / per_epoch as f32,
        )
    }

    /// Time spent training, pauses left out.
    pub fn elapsed(&self) -> Duration {
        self.trained
            + self
                .training_since
                .map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Whether something would be lost by leaving this run.
    pub fn has_progress(&self) -> bool {
        self.step() >= self.steps_per_epoch
    }
}
