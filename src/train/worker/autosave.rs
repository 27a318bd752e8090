//! How a run of one lane gets into files, and out of them.

use super::{EventSink, run::Run};
use crate::train::{
    Event, RunError, Trainer,
    checkpoint::{
        Checkpoint, CheckpointError,
        metadata::EpochProgress,
        recorder::{RunRecorder, SavePaths},
    },
};

impl Run {
    /// Takes over curves and sums from the saved run that its network has been taken from.
    pub fn resume_from(&mut self, saved: &Checkpoint, told: &EventSink) {
        told.recorder.borrow_mut().resume_from(saved);
        if let [side] = &mut self.lane_states[..] {
            side.epoch = (&saved.metadata.epoch).into();
            side.evaluated = saved.history.evaluations().last().map(|last| last.step);
        }
    }

    /// Writes the run to a file.
    pub fn save(&self, target: &SavePaths, told: &EventSink) {
        let written = match self.with_recorder(told, |diary, trainer, epoch| {
            diary.save(target, trainer, epoch)
        }) {
            Some(written) => written,
            None => Err(CheckpointError {
                file: target.file.clone(),
                reason: "cannot hold a run of several networks side by side".to_owned(),
            }),
        };
        if written.is_ok() {
            told.emit(Event::Saved {
                run: self.id,
                file: target.file.clone(),
            });
        }
        self.emit_save_error(written, told);
    }

    /// Writes the run to a file after each epoch from now on; not one of several lanes.
    pub fn autosave(&self, target: SavePaths, told: &EventSink) {
        let written = self.with_recorder(told, |diary, trainer, epoch| {
            diary.autosave(target, trainer, epoch)
        });
        self.emit_save_error(written.unwrap_or(Ok(())), told);
    }

    /// Lets the diary know that the evaluation it has just heard of is complete.
    pub fn record_evaluation(&self, told: &EventSink) {
        let written = self.with_recorder(told, |diary, trainer, _| diary.evaluated(trainer));
        self.emit_save_error(written.unwrap_or(Ok(())), told);
    }

    fn with_recorder<R>(
        &self,
        told: &EventSink,
        act: impl FnOnce(&mut RunRecorder, &Trainer, &EpochProgress) -> R,
    ) -> Option<R> {
        let ([trainer], [side]) = (self.lanes.trainers(), &self.lane_states[..]) else {
            return None;
        };
        Some(act(
            &mut told.recorder.borrow_mut(),
            trainer,
            &side.epoch.progress(),
        ))
    }

    fn emit_save_error(&self, written: Result<(), CheckpointError>, told: &EventSink) {
        if let Err(error) = written {
            told.emit(Event::Error {
                run: self.id,
                error: RunError::CannotSave {
                    reason: error.to_string(),
                },
            });
        }
    }
}
