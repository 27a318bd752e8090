//! A sweep in progress, as its thread reports it.

use super::{Finished, RunStatus};
use crate::sweep::{
    SweepCommand, SweepEnd, SweepEvent, SweepRunner,
    runner::{Progress, SweepEstimate},
};

/// What a sweep is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Reading data and measuring how many runs to train side by side.
    Preparing,
    Running,
    Paused,
    /// Requested to end.
    Ending,
}

#[derive(Debug)]
pub struct RunningSweep {
    pub(super) runner: SweepRunner,
    /// Indices in the grid of the requested runs.
    indices: Vec<usize>,
    pub stage: Stage,
    /// Time and memory, once they have been measured.
    pub estimate: Option<SweepEstimate>,
    pub progress: Option<Progress>,
    /// Runs that have ended in any way.
    pub ended: usize,
}

impl RunningSweep {
    pub fn new(runner: SweepRunner, indices: Vec<usize>) -> Self {
        Self {
            runner,
            indices,
            stage: Stage::Preparing,
            estimate: None,
            progress: None,
            ended: 0,
        }
    }

    /// Abandons the run at `index` in the grid.
    pub fn skip(&self, index: usize) {
        if let Some(run) = self.indices.iter().position(|other| *other == index) {
            self.runner.send(SweepCommand::Skip(run));
        }
    }

    /// Takes everything that has arrived; returns how the sweep ended, if it has.
    pub fn receive(&mut self, statuses: &mut [RunStatus]) -> Option<SweepEnd> {
        while let Ok(event) = self.runner.events().try_recv() {
            if let SweepEvent::Ended(end) = event {
                return Some(end);
            }
            self.on_event(event, statuses);
        }
        None
    }

    fn on_event(&mut self, event: SweepEvent, statuses: &mut [RunStatus]) {
        self.ended += usize::from(matches!(
            event,
            SweepEvent::Finished { .. } | SweepEvent::Failed { .. } | SweepEvent::Skipped { .. }
        ));
        let mut set = |run: usize, new: RunStatus| {
            let index = self.indices.get(run);
            if let Some(status) = index.and_then(|index| statuses.get_mut(*index)) {
                *status = new;
            }
        };
        match event {
            SweepEvent::Prepared(estimate) => {
                if self.stage == Stage::Preparing {
                    self.stage = Stage::Running;
                }
                self.estimate = Some(estimate);
            }
            SweepEvent::Started { runs } => {
                // The last report is about earlier runs.
                if let Some(progress) = &mut self.progress {
                    progress.steps[0] = 0;
                }
                for run in runs {
                    set(run, RunStatus::Running(None));
                }
            }
            SweepEvent::Progress(progress) => self.progress = Some(progress),
            SweepEvent::Evaluated { run, evaluation } => {
                set(run, RunStatus::Running(Some(evaluation)));
            }
            SweepEvent::Finished { run, id, record } => {
                if let Some(done) = Finished::new(id, &record) {
                    set(run, RunStatus::Done(done));
                }
            }
            SweepEvent::Failed { run, reason } => set(run, RunStatus::Failed(reason)),
            SweepEvent::Skipped { run } => set(run, RunStatus::Skipped),
            SweepEvent::Paused(paused) => match (self.stage, paused) {
                (Stage::Running | Stage::Preparing, true) => self.stage = Stage::Paused,
                (Stage::Paused, false) => self.stage = Stage::Running,
                _ => {}
            },
            SweepEvent::Ended(_) => {}
        }
    }
}
