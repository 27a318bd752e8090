//! Mean losses of an epoch, and training speed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::train::{Metrics, StepLosses, checkpoint::metadata::ExactF64};

/// Sums over the steps of the current epoch of a lane, as checkpoints hold them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochStats {
    steps: u64,
    mse: ExactF64,
    ce: ExactF64,
    accuracy: ExactF64,
    /// Training time of the run in this epoch.
    pub seconds: ExactF64,
}

impl EpochStats {
    pub fn add(&mut self, losses: &[StepLosses]) {
        for step in losses {
            self.steps += 1;
            self.mse.0 += f64::from(step.mse);
            self.ce.0 += f64::from(step.ce);
            self.accuracy.0 += f64::from(step.accuracy);
        }
    }

    pub fn means(&self) -> Option<Metrics> {
        let steps = self.steps as f64;
        (self.steps > 0).then(|| Metrics {
            mse: self.mse.0 / steps,
            ce: self.ce.0 / steps,
            accuracy: self.accuracy.0 / steps,
        })
    }

    /// Steps per second; 0 without time.
    pub fn steps_per_second(&self) -> f64 {
        per_second(self.steps as f64, self.seconds.0)
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
        per_second(self.images, self.seconds)
    }
}

/// A rate; 0 without time.
fn per_second(count: f64, seconds: f64) -> f64 {
    if seconds > 0.0 { count / seconds } else { 0.0 }
}
