//! A sweep under way, as its thread tells it.

use super::{Finished, RunStatus};
use crate::sweep::{
    SweepCommand, SweepEnd, SweepEvent, SweepRunner,
    runner::{Progress, SweepEstimate},
};

/// How far a sweep is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Data are read, and a short measurement tells how many runs go side by side.
    Preparing,
    Running,
    Paused,
    /// It was told to end.
    Ending,
}

/// A sweep under way.
#[derive(Debug)]
pub struct RunningSweep {
    conductor: SweepRunner,
    /// Places in the grid of the runs that were asked for.
    places: Vec<usize>,
    pub stage: Stage,
    /// Once it is prepared.
    pub outlook: Option<SweepEstimate>,
    pub progress: Option<Progress>,
    /// Runs that have ended, in whatever way.
    pub ended: usize,
}

impl RunningSweep {
    pub fn new(conductor: SweepRunner, places: Vec<usize>) -> Self {
        Self {
            conductor,
            places,
            stage: Stage::Preparing,
            outlook: None,
            progress: None,
            ended: 0,
        }
    }

    pub fn send(&self, command: SweepCommand) {
        self.conductor.send(command);
    }

    /// Gives up the run at `place` in the grid.
    pub fn skip(&self, place: usize) {
        if let Some(run) = self.places.iter().position(|other| *other == place) {
            self.send(SweepCommand::Skip(run));
        }
    }

    pub fn into_conductor(self) -> SweepRunner {
        self.conductor
    }

    /// Takes in all that was told; returns how it ended, if it has.
    pub fn receive(&mut self, fates: &mut [RunStatus]) -> Option<SweepEnd> {
        while let Ok(event) = self.conductor.events().try_recv() {
            if let SweepEvent::Ended(end) = event {
                return Some(end);
            }
            self.on_event(event, fates);
        }
        None
    }

    fn on_event(&mut self, event: SweepEvent, fates: &mut [RunStatus]) {
        self.ended += usize::from(matches!(
            event,
            SweepEvent::Finished { .. } | SweepEvent::Failed { .. } | SweepEvent::Skipped { .. }
        ));
        let mut set = |run: usize, fate: RunStatus| {
            let place = self.places.get(run);
            if let Some(known) = place.and_then(|place| fates.get_mut(*place)) {
                *known = fate;
            }
        };
        match event {
            SweepEvent::Prepared(outlook) => {
                if self.stage == Stage::Preparing {
                    self.stage = Stage::Running;
                }
                self.outlook = Some(outlook);
            }
            SweepEvent::Started { runs } => {
                // What was told is about the runs before them.
                if let Some(progress) = &mut self.progress {
                    progress.steps[0] = 0;
                }
                for run in runs {
                    set(run, RunStatus::UnderWay(None));
                }
            }
            SweepEvent::Progress(progress) => self.progress = Some(progress),
            SweepEvent::Evaluated { run, evaluation } => {
                set(run, RunStatus::UnderWay(Some(evaluation)));
            }
            SweepEvent::Finished { run, id, record } => {
                if let Some(done) = Finished::of(id, &record) {
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
