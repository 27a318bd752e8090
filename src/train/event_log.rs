//! Writes the events of a training thread to the log.

use super::{Event, RunError, RunId, RunState, event_sink::LogEvent};

impl LogEvent for Event {
    fn log(&self) {
        let RunId(run) = self.run();
        match self {
            Self::Started {
                config,
                lanes,
                device,
                parameters,
                ..
            } => tracing::info!(
                run,
                network = %config.architecture,
                parameters,
                lanes = lanes.len(),
                lambdas = ?lanes.iter().map(|lane| lane.lambda.value()).collect::<Vec<_>>(),
                seed = config.seed,
                batch_size = config.batch_size,
                learning_rate = config.learning_rate,
                device = device.name,
                "run started"
            ),
            Self::Evaluated {
                lane, evaluation, ..
            } => tracing::debug!(
                run,
                lane,
                epoch = evaluation.epoch,
                step = evaluation.step,
                mse = evaluation.test.mse,
                ce = evaluation.test.ce,
                accuracy = evaluation.test.accuracy,
                "evaluated"
            ),
            Self::State { state, .. } => match state {
                RunState::Training => tracing::debug!(run, "training"),
                RunState::Paused => tracing::debug!(run, "paused"),
                RunState::Preparing => {}
            },
            Self::RolledBack { lane, step, .. } => tracing::info!(run, lane, step, "rolled back"),
            Self::Error { error, .. } => match error {
                RunError::NotFinite { lane, step, .. } => {
                    tracing::error!(run, lane, step, "loss became NaN or infinite");
                }
                RunError::CannotStart { reason, .. } => {
                    tracing::error!(run, reason, "run could not start");
                }
                RunError::CannotSave { reason } => {
                    tracing::error!(run, reason, "run could not be saved");
                }
                RunError::Crashed { reason } => tracing::error!(run, reason, "run failed"),
            },
            // Checkpoints are logged where they are written.
            Self::Saved { .. }
            | Self::Losses { .. }
            | Self::EvaluationProgress { .. }
            | Self::Marked { .. } => {}
        }
    }
}
