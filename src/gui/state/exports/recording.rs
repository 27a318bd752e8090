//! A recording of training: snapshots of one network, for an animation.

use crate::{
    figures::{Film, Scene},
    gui::state::RunView,
    train::RunId,
};

/// The largest number of frames. Beyond it every second frame is removed, and half as many are added
/// from then on.
pub const MAX_SCENES: usize = 240;

/// Snapshots of one network of a run.
#[derive(Debug)]
pub struct Recording {
    run: RunId,
    /// Index of the network.
    lane: usize,
    title: String,
    /// Frames with the step that each shows, ascending.
    scenes: Vec<(u64, Scene)>,
    /// One in `stride` snapshots is recorded.
    stride: usize,
    /// Snapshots since the last one recorded.
    skipped: usize,
}

impl Recording {
    /// Begins with the current snapshot of the network on show.
    pub fn new(run: &RunView) -> Self {
        let name = run.figure_data().title();
        let mut recording = Self {
            run: run.id,
            lane: run.shown_index(),
            title: format!("{name}, seed {}", run.shown().lane.seed),
            scenes: Vec::new(),
            stride: 1,
            skipped: 0,
        };
        recording.push(run);
        recording
    }

    /// Number of frames.
    pub fn count(&self) -> usize {
        self.scenes.len()
    }

    /// First and last recorded step.
    pub fn steps(&self) -> (u64, u64) {
        let step = |scene: Option<&(u64, Scene)>| scene.map_or(0, |(step, _)| *step);
        (step(self.scenes.first()), step(self.scenes.last()))
    }

    /// Whether it records this run.
    pub fn is_of(&self, run: &RunView) -> bool {
        self.run == run.id
    }

    /// Adds the latest snapshot of the recorded network.
    pub fn push(&mut self, run: &RunView) {
        let lane = run.lanes().get(self.lane).filter(|_| self.is_of(run));
        let Some(snapshot) = lane.and_then(|lane| lane.snapshot.as_ref()) else {
            return;
        };
        // A roll-back discards later steps.
        self.scenes.retain(|(step, _)| *step < snapshot.step);
        self.skipped += 1;
        if self.skipped < self.stride && !self.scenes.is_empty() {
            return;
        }
        self.skipped = 0;
        let scene = Scene::from_snapshot(&self.title, snapshot, &run.dataset, 0.0);
        self.scenes.push((snapshot.step, scene));
        if self.scenes.len() > MAX_SCENES {
            let mut index = 0;
            self.scenes.retain(|_| {
                index += 1;
                index % 2 == 1
            });
            self.stride *= 2;
        }
    }

    /// The animation so far; `None` with fewer than two frames.
    pub fn animation(&self) -> Option<Film> {
        let (first, last) = self.steps();
        let length = last.saturating_sub(first).max(1) as f64;
        let scenes = self.scenes.iter().map(|(step, scene)| {
            let mut scene = scene.clone();
            scene.progress = (step - first) as f64 / length;
            scene
        });
        (self.count() > 1).then(|| Film::from_training(scenes.collect()))
    }
}
