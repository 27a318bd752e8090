//! Writes the events of a sweep to the log, and of its runs with their keys.

use super::{SweepEnd, SweepEvent, schedule::Task};
use crate::{sweep::RunKey, train::event_sink::LogEvent};

impl LogEvent for SweepEvent {
    fn log(&self) {
        match self {
            Self::Prepared(estimate) => tracing::info!(
                runs = estimate.runs,
                stored = estimate.stored,
                to_do = estimate.to_do(),
                seconds = estimate.seconds,
                bytes = estimate.bytes,
                side_by_side = estimate.side_by_side,
                devices = ?estimate.devices,
                "sweep prepared"
            ),
            Self::Evaluated { run, evaluation } => tracing::debug!(
                run,
                epoch = evaluation.epoch,
                mse = evaluation.test.mse,
                accuracy = evaluation.test.accuracy,
                "evaluated"
            ),
            Self::Finished { run, id, .. } => tracing::info!(run, id, "run stored"),
            Self::Failed { run, reason } => tracing::error!(run, reason, "run failed"),
            Self::Skipped { run } => tracing::info!(run, "run skipped"),
            Self::Paused(paused) => tracing::debug!(paused, "sweep paused or resumed"),
            Self::Ended(end) => match end {
                SweepEnd::Complete => tracing::info!("sweep complete"),
                SweepEnd::Cancelled => tracing::info!("sweep cancelled"),
                SweepEnd::Failed(reason) => tracing::error!(reason, "sweep failed"),
            },
            // Runs are logged by `run_started`, with their keys.
            Self::Started { .. } | Self::Progress(_) => {}
        }
    }
}

/// Logs that a run starts. Later messages refer to it by its index.
pub(super) fn run_started(task: &Task) {
    tracing::info!(
        run = task.run,
        key = %RunKey::from_run(&task.spec, &task.data),
        spec = %task.spec,
        "run started"
    );
}
