//! The history of a run in progress, and saving the run.

use super::{Checkpoint, CheckpointContext, CheckpointError, writer::Writer};
use crate::train::{DeviceChoice, Evaluation, Event, Run, RunConfig, Trainer, history::History};

pub use super::writer::SavePaths;

/// Records the events of a run of one lane and saves it.
#[derive(Debug)]
pub struct RunRecorder {
    /// Settings at the start of the run.
    config: RunConfig,
    history: History,
    /// Where to save after each epoch.
    autosave: Option<SavePaths>,
    writer: Writer,
}

impl RunRecorder {
    /// Starts with an empty history.
    pub fn new(config: RunConfig, steps_per_epoch: u64) -> Self {
        Self {
            config,
            history: History::new(steps_per_epoch),
            autosave: None,
            writer: Writer::default(),
        }
    }

    /// Continues the history of a checkpoint, perhaps on another device.
    pub fn resume(checkpoint: &Checkpoint, device: DeviceChoice) -> Self {
        let history = checkpoint.history.clone();
        let config = checkpoint.metadata.config.clone();
        let config = RunConfig { device, ..config };
        let recorder = Self::new(config, history.steps_per_epoch());
        Self {
            history,
            ..recorder
        }
    }

    /// Adds an event of the run to its history.
    pub fn on_event(&mut self, event: &Event) {
        match event {
            Event::Losses { losses, .. } => self.history.push_losses(losses),
            Event::Evaluated { evaluation, .. } => self.history.push_evaluation(*evaluation),
            Event::Marked { step, mark, .. } => self.history.push_mark(*step, *mark),
            Event::RolledBack { step, .. } => self.history.truncate_after(*step),
            _ => {}
        }
    }

    /// Saves to `paths` after each epoch from now on, and at once if an epoch is complete.
    ///
    /// # Errors
    /// As for [`Self::save`].
    pub fn autosave(&mut self, paths: SavePaths, run: &Run) -> Result<(), CheckpointError> {
        self.autosave = Some(paths);
        self.save_in_background(run)
    }

    /// Saves the run in the background after an evaluation, if autosave is on.
    ///
    /// # Errors
    /// When the run cannot be read, or an earlier save has failed.
    pub fn save_epoch(
        &mut self,
        evaluation: &Evaluation,
        run: &Run,
    ) -> Result<(), CheckpointError> {
        if !evaluation.test.is_finite() {
            return Ok(());
        }
        self.save_in_background(run)
    }

    /// Saves the run and waits until it is written.
    ///
    /// # Errors
    /// When a file cannot be written, a weight is NaN or infinite, or the device has failed.
    pub fn save(&mut self, paths: &SavePaths, run: &Run) -> Result<(), CheckpointError> {
        // A file that is still being written is older.
        self.writer.finish()?;
        paths.write(&self.checkpoint(paths, run)?)
    }

    fn save_in_background(&mut self, run: &Run) -> Result<(), CheckpointError> {
        let Some(paths) = self.autosave.clone() else {
            return Ok(());
        };
        let is_epoch_complete = |trainer: &Trainer| trainer.steps() >= trainer.steps_per_epoch();
        let first = run.lanes().trainers().first();
        // A disk slower than the training misses an epoch and does not delay training.
        if first.is_some_and(is_epoch_complete) && self.writer.is_ready()? {
            let checkpoint = self.checkpoint(&paths, run)?;
            self.writer.start(paths, checkpoint);
        }
        Ok(())
    }

    fn checkpoint(&self, paths: &SavePaths, run: &Run) -> Result<Checkpoint, CheckpointError> {
        let context = CheckpointContext {
            config: &self.config,
            source: &paths.source,
            history: &self.history,
        };
        Checkpoint::new(run, context).map_err(|reason| CheckpointError::new(&paths.file, reason))
    }
}
