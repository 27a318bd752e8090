//! What the window knows of the run it shows.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    data::{DataSource, Dataset},
    model::{Lambda, LatentLayout},
    sweep::Outcome,
    train::{
        Alignment, Event, Lane, RunConfig, RunId, RunState, SnapshotSet, checkpoint::Checkpoint,
        device::DeviceReport,
    },
};

use super::LaneView;

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
    /// Never none.
    lanes: Vec<LaneView>,
    /// The lane that the panes show.
    shown: usize,
    /// How the cloud of each lane is turned to resemble that of the lane before it; empty before the first
    /// look.
    turns: Vec<Alignment>,
    /// Training speed, summed over all lanes.
    pub images_per_second: f64,
    /// Share of the test images that an evaluation has seen for which training waits, 0–1.
    pub testing: Option<f32>,
    trained: Duration,
    training_since: Option<Instant>,
}

impl RunView {
    /// Size and order of z; none where the settings do not fit the images.
    pub fn layout(&self) -> Option<LatentLayout> {
        let plan = self
            .config
            .model_spec(self.dataset.shape, self.dataset.classes());
        self.config.architecture.latent_layout(&plan).ok()
    }

    /// Size of z in words: "n = 3", or "z = 16×4×4" where the network decides it.
    pub fn latent_size(&self) -> String {
        self.layout()
            .map_or_else(String::new, |layout| layout.to_string())
    }

    /// A run that has just started; with `lanes` left out it has the one of `config`.
    pub fn new(
        id: RunId,
        config: RunConfig,
        lanes: &[Lane],
        (source, dataset): (DataSource, Arc<Dataset>),
        device: DeviceReport,
        steps_per_epoch: u64,
        parameters: usize,
    ) -> Self {
        let mut lanes: Vec<LaneView> = lanes
            .iter()
            .map(|lane| LaneView::new(*lane, steps_per_epoch))
            .collect();
        if lanes.is_empty() {
            lanes.push(LaneView::new(config.lane(), steps_per_epoch));
        }
        Self {
            id,
            config,
            source,
            dataset,
            device,
            steps_per_epoch,
            parameters,
            state: RunState::Preparing,
            lanes,
            shown: 0,
            turns: Vec::new(),
            images_per_second: 0.0,
            testing: None,
            trained: Duration::ZERO,
            training_since: None,
        }
    }

    /// Takes over the curves of the run that it goes on from.
    pub fn restore(&mut self, saved: &Checkpoint) {
        self.with(0, |lane| lane.restore(saved));
    }

    /// Every lane, by λ, then by seed.
    pub fn lanes(&self) -> &[LaneView] {
        &self.lanes
    }

    /// Whether several networks are trained side by side.
    pub fn is_spectrum(&self) -> bool {
        self.lanes.len() > 1
    }

    /// Place of the lane that the panes show.
    pub fn place(&self) -> usize {
        self.shown
    }

    /// The lane that the panes show.
    pub fn shown(&self) -> &LaneView {
        &self.lanes[self.shown]
    }

    /// Shows another lane; the last one where there are fewer.
    pub fn show(&mut self, place: usize) {
        self.shown = place.min(self.lanes.len() - 1);
    }

    /// Place of the lane whose λ is nearest; of several, the one most like the shown one.
    pub fn nearest(&self, lambda: Lambda) -> usize {
        let seed = self.shown().lane.seed;
        let distance = |place: &usize| {
            let lane = self.lanes[*place].lane;
            let off = (lane.lambda.value() - lambda.value()).abs();
            (off, lane.seed != seed)
        };
        (0..self.lanes.len())
            .min_by(|a, b| {
                let ((a, other_a), (b, other_b)) = (distance(a), distance(b));
                a.total_cmp(&b).then(other_a.cmp(&other_b))
            })
            .unwrap_or(0)
    }

    /// How the cloud of a lane is turned to resemble that of the lane before it.
    pub fn turn(&self, place: usize) -> Alignment {
        self.turns.get(place).copied().unwrap_or_default()
    }

    /// For each λ the lane with the seed of the shown one, or the one like it.
    pub fn one_for_each_lambda(&self) -> Vec<usize> {
        let mut places: Vec<usize> = Vec::new();
        for lane in &self.lanes {
            let place = self.nearest(lane.lane.lambda);
            if places.last() != Some(&place) {
                places.push(place);
            }
        }
        places
    }

    /// Units of z that can die.
    pub fn mortal_units(&self) -> usize {
        let plan = self
            .config
            .model_spec(self.dataset.shape, self.dataset.classes());
        let layout = self.config.architecture.latent_layout(&plan);
        layout.map_or(0, LatentLayout::relu_units)
    }

    /// What every lane reached at its latest evaluation, with its place; lanes without one are left out.
    pub fn outcomes(&self) -> Vec<(usize, Outcome)> {
        let mortal = self.mortal_units();
        let lanes = self.lanes.iter().enumerate();
        lanes
            .filter_map(|(place, lane)| Some((place, lane.outcome(mortal)?)))
            .collect()
    }

    /// A lane in words: "λ = 0.30", with its seed where lanes differ in it.
    pub fn name(&self, place: usize) -> String {
        let Some(LaneView { lane, .. }) = self.lanes.get(place) else {
            return String::new();
        };
        let lambda = lambda_text(lane.lambda);
        if self.lanes.iter().all(|other| other.lane.seed == lane.seed) {
            return format!("λ = {lambda}");
        }
        format!("λ = {lambda}, seed {}", lane.seed)
    }

    /// Takes in a message about this run.
    pub fn hear(&mut self, event: Event) {
        self.testing = match event {
            Event::EvaluationProgress { share, .. } => Some(share),
            Event::Losses { .. } | Event::Evaluated { .. } | Event::RolledBack { .. } => None,
            _ => self.testing,
        };
        match event {
            Event::Losses {
                lane,
                losses,
                images_per_second,
                ..
            } => {
                self.images_per_second = images_per_second;
                self.with(lane, |lane| lane.hear_losses(&losses));
            }
            Event::Evaluated {
                lane, evaluation, ..
            } => self.with(lane, |lane| lane.hear_evaluation(evaluation)),
            Event::Marked {
                lane, step, mark, ..
            } => self.with(lane, |lane| lane.hear_mark(step, mark)),
            Event::State { state, .. } => self.enter(state),
            Event::RolledBack { lane, step, .. } => self.with(lane, |lane| lane.roll_back(step)),
            Event::Started { .. }
            | Event::EvaluationProgress { .. }
            | Event::Saved { .. }
            | Event::Error { .. } => {}
        }
    }

    /// Notes that a loss of a lane is no longer a number.
    pub fn hear_not_finite(&mut self, lane: usize) {
        let stands = self.is_spectrum();
        self.with(lane, |lane| lane.stands = stands);
    }

    /// Takes in a look at all lanes.
    pub fn see(&mut self, panorama: SnapshotSet) {
        self.turns = panorama.alignments;
        for (lane, snapshot) in self.lanes.iter_mut().zip(panorama.lanes) {
            lane.snapshot = Some(snapshot);
        }
    }

    fn with(&mut self, place: usize, act: impl FnOnce(&mut LaneView)) {
        if let Some(lane) = self.lanes.get_mut(place) {
            act(lane);
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

    /// Steps that the shown lane has taken, as far as told.
    pub fn step(&self) -> u64 {
        self.shown().step()
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

/// A λ with the digits it needs, two at least.
pub fn lambda_text(lambda: Lambda) -> String {
    let text = lambda.to_string();
    let digits = text.split_once('.').map_or(0, |(_, digits)| digits.len());
    format!("{:.*}", digits.clamp(2, 4), lambda.value())
}
