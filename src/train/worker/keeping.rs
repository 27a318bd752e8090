//! How a run of one lane gets into files, and out of them.

use super::{Told, run::Run};
use crate::train::{
    Event, Problem, Trainer,
    checkpoint::{
        CheckpointError, Saved,
        diary::{Diary, Target},
        notes::Progress,
    },
};

impl Run {
    /// Takes over curves and sums from the saved run that its network has been taken from.
    pub fn take_over(&mut self, saved: &Saved, told: &Told) {
        told.diary.borrow_mut().adopt(saved);
        if let [side] = &mut self.sides[..] {
            side.epoch = (&saved.notes.epoch).into();
            side.evaluated = saved.history.evaluations().last().map(|last| last.step);
        }
    }

    /// Writes the run to a file.
    pub fn save(&self, target: &Target, told: &Told) {
        let written = match self.with_diary(told, |diary, trainer, epoch| {
            diary.save(target, trainer, epoch)
        }) {
            Some(written) => written,
            None => Err(CheckpointError {
                file: target.file.clone(),
                reason: "cannot hold a run of several networks side by side".to_owned(),
            }),
        };
        if written.is_ok() {
            told.event(Event::Saved {
                run: self.id,
                file: target.file.clone(),
            });
        }
        self.tell_failure(written, told);
    }

    /// Writes the run to a file after each epoch from now on; not one of several lanes.
    pub fn autosave(&self, target: Target, told: &Told) {
        let written = self.with_diary(told, |diary, trainer, epoch| {
            diary.autosave(target, trainer, epoch)
        });
        self.tell_failure(written.unwrap_or(Ok(())), told);
    }

    /// Lets the diary know that the evaluation it has just heard of is complete.
    pub fn keep_evaluated(&self, told: &Told) {
        let written = self.with_diary(told, |diary, trainer, _| diary.evaluated(trainer));
        self.tell_failure(written.unwrap_or(Ok(())), told);
    }

    fn with_diary<R>(
        &self,
        told: &Told,
        act: impl FnOnce(&mut Diary, &Trainer, &Progress) -> R,
    ) -> Option<R> {
        let ([trainer], [side]) = (self.lanes.trainers(), &self.sides[..]) else {
            return None;
        };
        Some(act(
            &mut told.diary.borrow_mut(),
            trainer,
            &side.epoch.progress(),
        ))
    }

    fn tell_failure(&self, written: Result<(), CheckpointError>, told: &Told) {
        if let Err(error) = written {
            told.event(Event::Problem {
                run: self.id,
                problem: Problem::CannotSave {
                    reason: error.to_string(),
                },
            });
        }
    }
}
