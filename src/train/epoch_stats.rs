//! Mean losses of an epoch, and training speed.

use std::time::Duration;

use crate::train::{
    Metrics, StepLosses,
    checkpoint::metadata::{EpochProgress, ExactF64},
};

/// Sums over the steps of the current epoch of a lane.
#[derive(Default)]
pub struct EpochStats {
    steps: u64,
    mse: f64,
    ce: f64,
    accuracy: f64,
    /// Training time of the run in this epoch.
    pub training: Duration,
}

impl From<&EpochProgress> for EpochStats {
    fn from(progress: &EpochProgress) -> Self {
        Self {
            steps: progress.steps,
            mse: progress.mse.0,
            ce: progress.ce.0,
            accuracy: progress.accuracy.0,
            training: Duration::try_from_secs_f64(progress.seconds.0).unwrap_or_default(),
        }
    }
}

impl EpochStats {
    /// The sums as stored in a checkpoint.
    pub fn progress(&self) -> EpochProgress {
        EpochProgress {
            steps: self.steps,
            mse: ExactF64(self.mse),
            ce: ExactF64(self.ce),
            accuracy: ExactF64(self.accuracy),
            seconds: ExactF64(self.training.as_secs_f64()),
        }
    }

    pub fn add(&mut self, losses: &[StepLosses]) {
        for step in losses {
            self.steps += 1;
            self.mse += f64::from(step.mse);
            self.ce += f64::from(step.ce);
            self.accuracy += f64::from(step.accuracy);
        }
    }

    pub fn means(&self) -> Option<Metrics> {
        let steps = self.steps as f64;
        (self.steps > 0).then(|| Metrics {
            mse: self.mse / steps,
            ce: self.ce / steps,
            accuracy: self.accuracy / steps,
        })
    }

    /// Steps per second; 0 without time.
    pub fn steps_per_second(&self) -> f64 {
        let seconds = self.training.as_secs_f64();
        if seconds > 0.0 {
            self.steps as f64 / seconds
        } else {
            0.0
        }
    }
}

/// Images per second, as an exponential moving average over about one second.
#[derive(Default)]
pub struct Throughput {
    images: f64,
    seconds: f64,
}

impl Throughput {
    pub fn add(&mut self, images: u64, time: Duration) {
        let seconds = time.as_secs_f64();
        let keep = (-seconds).exp();
        self.images = self.images * keep + images as f64;
        self.seconds = self.seconds * keep + seconds;
    }

    pub fn images_per_second(&self) -> f64 {
        if self.seconds > 0.0 {
            self.images / self.seconds
        } else {
            0.0
        }
    }
}
