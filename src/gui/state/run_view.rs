//! The view of a run: all that the window shows of it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::LaneView;
use crate::{
    data::{DataSource, Dataset},
    format,
    model::{Lambda, LatentLayout, ModelSpec},
    sweep::Outcome,
    train::{
        Alignment, Event, Lane, RunConfig, RunId, RunState, SnapshotSet, checkpoint::Checkpoint,
        device::DeviceReport,
    },
};

/// One run, as its events report it.
#[derive(Debug)]
pub struct RunView {
    pub id: RunId,
    /// Settings at its start; λ and learning rate may have changed since.
    pub config: RunConfig,
    pub source: DataSource,
    pub dataset: Arc<Dataset>,
    pub device: DeviceReport,
    pub steps_per_epoch: u64,
    /// Trainable parameters of one network.
    pub parameters: usize,
    pub state: RunState,
    /// Never empty.
    lanes: Vec<LaneView>,
    shown: usize,
    /// Per network the rotation that aligns its cloud with that of the previous one; empty before the
    /// first snapshots.
    alignments: Vec<Alignment>,
    /// Training speed, summed over all networks.
    pub images_per_second: f64,
    /// Share of the test images that the running evaluation has processed, 0–1; training waits for it.
    pub evaluation_progress: Option<f32>,
    trained: Duration,
    training_since: Option<Instant>,
}

impl RunView {
    /// A run that has just started. Without `lanes` it has the one of `config`.
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
            alignments: Vec::new(),
            images_per_second: 0.0,
            evaluation_progress: None,
            trained: Duration::ZERO,
            training_since: None,
        }
    }

    /// Takes the curves of the run that it continues.
    pub fn restore(&mut self, checkpoint: &Checkpoint) {
        self.update_lane(0, |lane| lane.restore(checkpoint));
    }

    // ---- networks ----

    /// Every network, by λ, then by seed.
    pub fn lanes(&self) -> &[LaneView] {
        &self.lanes
    }

    /// Whether several networks are trained side by side.
    pub fn is_spectrum(&self) -> bool {
        self.lanes.len() > 1
    }

    pub fn shown_index(&self) -> usize {
        self.shown
    }

    /// The network that the panes show.
    pub fn shown(&self) -> &LaneView {
        &self.lanes[self.shown]
    }

    /// Shows another network; the last one if there are fewer.
    pub fn show(&mut self, index: usize) {
        self.shown = index.min(self.lanes.len() - 1);
    }

    /// Index of the network with the nearest λ; of several, one with the seed on show.
    pub fn nearest(&self, lambda: Lambda) -> usize {
        let seed = self.shown().lane.seed;
        let distance = |index: &usize| {
            let lane = self.lanes[*index].lane;
            let distance = (lane.lambda.value() - lambda.value()).abs();
            (distance, lane.seed != seed)
        };
        (0..self.lanes.len())
            .min_by(|a, b| {
                let ((a, other_a), (b, other_b)) = (distance(a), distance(b));
                a.total_cmp(&b).then(other_a.cmp(&other_b))
            })
            .unwrap_or(0)
    }

    /// Per λ the index of the network with the seed on show, if there is one, else of another.
    pub fn lanes_by_lambda(&self) -> Vec<usize> {
        let mut indices: Vec<usize> = Vec::new();
        for lane in &self.lanes {
            let index = self.nearest(lane.lane.lambda);
            if indices.last() != Some(&index) {
                indices.push(index);
            }
        }
        indices
    }

    /// The rotation that aligns the cloud of a network with that of the previous one.
    pub fn alignment(&self, index: usize) -> Alignment {
        self.alignments.get(index).copied().unwrap_or_default()
    }

    /// Name of a network: "λ = 0.30", with its seed if seeds differ.
    pub fn lane_name(&self, index: usize) -> String {
        let Some(LaneView { lane, .. }) = self.lanes.get(index) else {
            return String::new();
        };
        let lambda = format::lambda(lane.lambda.value());
        if self.lanes.iter().all(|other| other.lane.seed == lane.seed) {
            return format!("λ = {lambda}");
        }
        format!("λ = {lambda}, seed {}", lane.seed)
    }

    /// The latest test metrics of every evaluated network, with its index.
    pub fn outcomes(&self) -> Vec<(usize, Outcome)> {
        let relu_units = self.relu_units();
        let lanes = self.lanes.iter().enumerate();
        lanes
            .filter_map(|(index, lane)| Some((index, lane.outcome(relu_units)?)))
            .collect()
    }

    // ---- the model ----

    /// What determines the network's layers.
    pub fn model_spec(&self) -> ModelSpec {
        self.config
            .model_spec(self.dataset.shape, self.dataset.classes())
    }

    /// Size and layout of z; `None` where the settings do not fit the images.
    pub fn layout(&self) -> Option<LatentLayout> {
        self.config
            .architecture
            .latent_layout(&self.model_spec())
            .ok()
    }

    /// Size of z: "n = 3", or "z = 16×4×4" where the network determines it.
    pub fn latent_size(&self) -> String {
        self.layout()
            .map_or_else(String::new, |layout| layout.to_string())
    }

    /// Number of units of z that can die.
    pub fn relu_units(&self) -> usize {
        self.layout().map_or(0, LatentLayout::relu_units)
    }

    // ---- progress ----

    /// Number of reported steps of the network on show.
    pub fn step(&self) -> u64 {
        self.shown().step()
    }

    /// The current epoch from 0, and its completed share, 0–1.
    pub fn epoch(&self) -> (u64, f32) {
        let per_epoch = self.steps_per_epoch.max(1);
        let step = self.step();
        (
            step / per_epoch,
            (step % per_epoch) as f32 / per_epoch as f32,
        )
    }

    /// Training time without pauses.
    pub fn elapsed(&self) -> Duration {
        self.trained
            + self
                .training_since
                .map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Whether at least an epoch would be lost with this run.
    pub fn has_progress(&self) -> bool {
        self.step() >= self.steps_per_epoch
    }

    // ---- events ----

    pub fn on_event(&mut self, event: Event) {
        self.evaluation_progress = match event {
            Event::EvaluationProgress { share, .. } => Some(share),
            Event::Losses { .. } | Event::Evaluated { .. } | Event::RolledBack { .. } => None,
            _ => self.evaluation_progress,
        };
        match event {
            Event::Losses {
                lane,
                losses,
                images_per_second,
                ..
            } => {
                self.images_per_second = images_per_second;
                self.update_lane(lane, |lane| lane.push_losses(&losses));
            }
            Event::Evaluated {
                lane, evaluation, ..
            } => self.update_lane(lane, |lane| lane.push_evaluation(evaluation)),
            Event::Marked {
                lane, step, mark, ..
            } => self.update_lane(lane, |lane| lane.push_mark(step, mark)),
            Event::State { state, .. } => self.set_state(state),
            Event::RolledBack { lane, step, .. } => {
                self.update_lane(lane, |lane| lane.roll_back(step));
            }
            Event::Started { .. }
            | Event::EvaluationProgress { .. }
            | Event::Saved { .. }
            | Event::Error { .. } => {}
        }
    }

    /// Takes new snapshots of all networks.
    pub fn apply_snapshots(&mut self, snapshots: SnapshotSet) {
        self.alignments = snapshots.alignments;
        for (lane, snapshot) in self.lanes.iter_mut().zip(snapshots.lanes) {
            lane.snapshot = Some(snapshot);
        }
    }

    /// Changes the state; only [`RunState::Training`] counts as training time.
    pub fn set_state(&mut self, state: RunState) {
        if let Some(since) = self.training_since.take() {
            self.trained += since.elapsed();
        }
        if state == RunState::Training {
            self.training_since = Some(Instant::now());
        }
        self.state = state;
    }

    fn update_lane(&mut self, index: usize, update: impl FnOnce(&mut LaneView)) {
        if let Some(lane) = self.lanes.get_mut(index) {
            update(lane);
        }
    }
}
