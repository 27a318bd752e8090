//! A training as a film: looks at one network, kept from now on.

use super::RunView;
use crate::{
    figures::{Film, Scene},
    train::RunId,
};

/// The most pictures kept; when they are there, every second goes, and from then on half as many come.
pub const MAX_SCENES: usize = 240;

/// Looks at one network of a run.
#[derive(Debug)]
pub struct Recording {
    run: RunId,
    /// Place of its lane.
    lane: usize,
    title: String,
    /// Pictures with the step that each shows, ascending.
    scenes: Vec<(u64, Scene)>,
    /// Of so many looks one is kept.
    stride: usize,
    /// Looks since the last one kept.
    skipped: usize,
}

impl Recording {
    /// Begins with the lane on show, as it is now.
    pub fn new(run: &RunView) -> Self {
        let name = run.figure_data().title();
        let mut recording = Self {
            run: run.id,
            lane: run.place(),
            title: format!("{name}, seed {}", run.shown().lane.seed),
            scenes: Vec::new(),
            stride: 1,
            skipped: 0,
        };
        recording.look(run);
        recording
    }

    /// Number of pictures, and the first and last step.
    pub fn extent(&self) -> (usize, u64, u64) {
        let step = |scene: Option<&(u64, Scene)>| scene.map_or(0, |(step, _)| *step);
        (
            self.scenes.len(),
            step(self.scenes.first()),
            step(self.scenes.last()),
        )
    }

    /// Whether it is of this run, so that more may come.
    pub fn goes_on(&self, run: &RunView) -> bool {
        self.run == run.id
    }

    /// Takes in a look, if it is one at the network that is recorded.
    pub fn look(&mut self, run: &RunView) {
        let lane = run.lanes().get(self.lane).filter(|_| self.goes_on(run));
        let Some(snapshot) = lane.and_then(|lane| lane.snapshot.as_ref()) else {
            return;
        };
        // After a step back, what was to come is no longer true.
        self.scenes.retain(|(step, _)| *step < snapshot.step);
        self.skipped += 1;
        if self.skipped < self.stride && !self.scenes.is_empty() {
            return;
        }
        self.skipped = 0;
        let scene = Scene::from_snapshot(&self.title, snapshot, &run.dataset, 0.0);
        self.scenes.push((snapshot.step, scene));
        if self.scenes.len() > MAX_SCENES {
            let mut place = 0;
            self.scenes.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.stride *= 2;
        }
    }

    /// The film so far; none with fewer than two pictures.
    pub fn film(&self) -> Option<Film> {
        let (count, first, last) = self.extent();
        let length = last.saturating_sub(first).max(1) as f64;
        let scenes = self.scenes.iter().map(|(step, scene)| {
            let mut scene = scene.clone();
            scene.progress = (step - first) as f64 / length;
            scene
        });
        (count > 1).then(|| Film::from_training(scenes.collect()))
    }
}
