//! Saves runs in the background, one at a time.

use std::{path::PathBuf, time::Duration};

use super::{Checkpoint, CheckpointError};
use crate::{data::DataSource, jobs::Job};

/// How long a save waits for the previous one, whose disk may not respond.
const WRITE_LIMIT: Duration = Duration::from_mins(1);

/// The files to which a run is saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavePaths {
    /// The run in its current state.
    pub file: PathBuf,
    /// The run at its best evaluation.
    pub best: Option<PathBuf>,
    pub source: DataSource,
}

impl SavePaths {
    pub(super) fn write(&self, checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
        checkpoint.save(&self.file)?;
        match (&self.best, checkpoint.at_best()) {
            (Some(file), Some(best)) => best.save(file),
            _ => Ok(()),
        }
    }
}

/// Writes checkpoints on a background thread.
#[derive(Debug, Default)]
pub(super) struct Writer {
    job: Option<Job<Result<(), CheckpointError>>>,
    file: PathBuf,
}

impl Writer {
    /// Whether no file is being written; the error is that of the last file.
    pub fn is_ready(&mut self) -> Result<bool, CheckpointError> {
        if self.job.as_ref().is_some_and(|job| !job.is_finished()) {
            return Ok(false);
        }
        self.finish().map(|()| true)
    }

    /// Waits for the file that is being written, at most [`WRITE_LIMIT`].
    pub fn finish(&mut self) -> Result<(), CheckpointError> {
        let Some(job) = &self.job else { return Ok(()) };
        let failed = |reason: String| Err(CheckpointError::new(&self.file, reason));
        let written = match job.join_within(WRITE_LIMIT) {
            // The job is kept: two at a time could leave the older run in the file.
            None => {
                let limit = WRITE_LIMIT.as_secs();
                let reason = "the disk may not respond";
                return failed(format!("is still being written after {limit} s; {reason}"));
            }
            Some(Ok(written)) => written,
            Some(Err(error)) => failed(format!("cannot be written: {error}")),
        };
        self.job = None;
        written
    }

    /// Starts writing. If no thread can be started, this checkpoint is skipped and the next one is tried.
    pub fn start(&mut self, paths: SavePaths, checkpoint: Checkpoint) {
        self.file.clone_from(&paths.file);
        self.job = Job::spawn("saving", move || paths.write(&checkpoint)).ok();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.finish();
    }
}
