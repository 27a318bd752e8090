//! What a run keeps of itself while it goes on: curves, its best weights, and where to write them.

use std::{path::PathBuf, time::Duration};

use super::{
    Checkpoint, CheckpointContext, CheckpointError, arrays::NamedArrays, metadata::EpochProgress,
    names,
};
use crate::{
    data::DataSource,
    jobs::Job,
    train::{Evaluation, Event, RunConfig, Trainer, history::History, worker::panic_message},
};

/// How long a save waits for the one before it, whose disk may not respond.
const WRITE_LIMIT: Duration = Duration::from_mins(1);

/// Where a run is written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavePaths {
    /// The run as it is.
    pub file: PathBuf,
    /// The run at its best evaluation, beside it.
    pub best: Option<PathBuf>,
    /// Where its data come from.
    pub source: DataSource,
}

impl SavePaths {
    /// Writes the files.
    fn write(&self, saved: &Checkpoint) -> Result<(), CheckpointError> {
        saved.save(&self.file)?;
        match (&self.best, saved.at_best()) {
            (Some(file), Some(best)) => best.save(file),
            _ => Ok(()),
        }
    }
}

/// Kept by the worker for the run in hand.
#[derive(Debug)]
pub struct RunRecorder {
    config: RunConfig,
    history: History,
    best: Option<Best>,
    /// Where to write after each epoch.
    target: Option<SavePaths>,
    writer: Writer,
}

/// The model with the lowest test L(λ) so far.
#[derive(Debug)]
struct Best {
    evaluation: Evaluation,
    weights: NamedArrays,
}

impl Default for RunRecorder {
    fn default() -> Self {
        Self {
            config: RunConfig::default(),
            history: History::new(1),
            best: None,
            target: None,
            writer: Writer::default(),
        }
    }
}

impl RunRecorder {
    /// Writes down what the worker tells.
    pub fn on_event(&mut self, event: &Event) {
        match event {
            Event::Started {
                config,
                steps_per_epoch,
                ..
            } => {
                self.config = config.clone();
                self.history = History::new(*steps_per_epoch);
                self.best = None;
                self.target = None;
            }
            Event::Losses { losses, .. } => self.history.push_losses(losses),
            Event::Evaluated { evaluation, .. } => self.history.push_evaluation(*evaluation),
            Event::Marked { step, mark, .. } => self.history.push_mark(*step, *mark),
            Event::RolledBack { step, .. } => self.history.truncate_after(*step),
            Event::EvaluationProgress { .. }
            | Event::State { .. }
            | Event::Saved { .. }
            | Event::Error { .. } => {}
        }
    }

    /// Takes over what an earlier run has kept.
    pub fn resume_from(&mut self, saved: &Checkpoint) {
        // It may compute elsewhere now.
        self.config = RunConfig {
            device: self.config.device,
            ..saved.metadata.config.clone()
        };
        self.history = saved.history.clone();
        self.best = saved.best().map(|(evaluation, weights)| Best {
            evaluation,
            weights: weights.clone(),
        });
    }

    /// From now on writes to `target` after each epoch, and at once if an epoch is done.
    ///
    /// # Errors
    /// As for [`Self::save`].
    pub fn autosave(
        &mut self,
        target: SavePaths,
        trainer: &Trainer,
        epoch: &EpochProgress,
    ) -> Result<(), CheckpointError> {
        self.target = Some(target);
        self.write_soon(trainer, epoch)
    }

    /// Remembers the model, whose evaluation has just been told, if it is the best so far, and writes the run where that is asked for.
    ///
    /// The authors keep the model with the lowest test L(λ) after an epoch. Here λ may move: both models are
    /// compared by their MSE and cross-entropy weighed with the present λ, so that a model is never
    /// preferred only because it was measured with another λ.
    ///
    /// # Errors
    /// When the run cannot be written, or the device has failed.
    pub fn evaluated(&mut self, trainer: &Trainer) -> Result<(), CheckpointError> {
        let Some(evaluation) = self.history.evaluations().last().copied() else {
            return Ok(());
        };
        if evaluation.epoch == 0 || !evaluation.test.is_finite() {
            return Ok(());
        }
        let lambda = evaluation.lambda;
        let is_best = self
            .best
            .as_ref()
            .is_none_or(|best| evaluation.test.loss(lambda) < best.evaluation.test.loss(lambda));
        if is_best {
            let weights =
                names::values(trainer.model()).map_err(|error| self.failed(error.to_string()))?;
            self.best = Some(Best {
                evaluation,
                weights,
            });
        }
        self.write_soon(trainer, &EpochProgress::default())
    }

    /// Writes the run to `target` and waits until it is there.
    ///
    /// # Errors
    /// When a file cannot be written, a weight is no longer a number, or the device has failed.
    pub fn save(
        &mut self,
        target: &SavePaths,
        trainer: &Trainer,
        epoch: &EpochProgress,
    ) -> Result<(), CheckpointError> {
        // Whatever is still on its way is older.
        self.writer.finish()?;
        target.write(&self.saved(target, trainer, epoch)?)
    }

    fn write_soon(
        &mut self,
        trainer: &Trainer,
        epoch: &EpochProgress,
    ) -> Result<(), CheckpointError> {
        let Some(target) = self.target.clone() else {
            return Ok(());
        };
        let is_worth_it = trainer.steps() >= trainer.steps_per_epoch();
        // A disk that is slower than the training misses an epoch rather than hold it up.
        if is_worth_it && self.writer.is_ready()? {
            let saved = self.saved(&target, trainer, epoch)?;
            self.writer.begin(target, saved);
        }
        Ok(())
    }

    /// The run as it is now, in plain numbers.
    fn saved(
        &self,
        target: &SavePaths,
        trainer: &Trainer,
        epoch: &EpochProgress,
    ) -> Result<Checkpoint, CheckpointError> {
        let around = CheckpointContext {
            config: &self.config,
            source: &target.source,
            history: &self.history,
            epoch,
            best: self
                .best
                .as_ref()
                .map(|best| (&best.evaluation, &best.weights)),
        };
        Checkpoint::of(trainer, around).map_err(|reason| CheckpointError::new(&target.file, reason))
    }

    fn failed(&self, reason: String) -> CheckpointError {
        let file = self.target.as_ref().map(|target| target.file.clone());
        CheckpointError {
            file: file.unwrap_or_default(),
            reason,
        }
    }
}

/// Turns a run into bytes and files in the background, one at a time.
#[derive(Debug, Default)]
struct Writer {
    job: Option<Job<Result<(), CheckpointError>>>,
    /// Of the job.
    file: PathBuf,
}

impl Writer {
    /// Whether nothing is under way; tells how the last one ended.
    fn is_ready(&mut self) -> Result<bool, CheckpointError> {
        if self.job.as_ref().is_some_and(|job| !job.is_finished()) {
            return Ok(false);
        }
        self.finish().map(|()| true)
    }

    /// Waits for the file under way, at most [`WRITE_LIMIT`].
    fn finish(&mut self) -> Result<(), CheckpointError> {
        let Some(job) = &self.job else { return Ok(()) };
        let failed = |reason: String| Err(CheckpointError::new(&self.file, reason));
        let written = match job.join_within(WRITE_LIMIT) {
            // It stays under way: two at a time could leave the older run in the file.
            None => {
                return failed(format!(
                    "is still being written after {} s; the disk may not respond",
                    WRITE_LIMIT.as_secs()
                ));
            }
            Some(Ok(written)) => written,
            Some(Err(panic)) => failed(format!(
                "cannot be written: {}",
                panic_message(panic.as_ref())
            )),
        };
        self.job = None;
        written
    }

    fn begin(&mut self, target: SavePaths, saved: Checkpoint) {
        self.file.clone_from(&target.file);
        // Where there is no thread to be had, this epoch is not written; the next one tries again.
        self.job = Job::spawn("saving", move || target.write(&saved)).ok();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.finish();
    }
}
