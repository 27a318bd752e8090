//! The cost of a run, from a short measurement.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use burn::tensor::Device;

use crate::{
    data::Dataset,
    memory,
    model::lambda,
    train::{Lane, Lanes, RunConfig, Trainer, trainer::TrainError},
};

/// Time to measure steps, if a single one does not take longer, in rounds of which the fastest
/// counts: other processes may be busy for a moment.
const ROUND: Duration = Duration::from_millis(100);
const ROUNDS: usize = 4;

/// The cost of one network while all threads train networks like it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunCost {
    /// Seconds per step, as a share of the time of all threads.
    pub step: f64,
    /// Seconds per evaluation, as a share of the time of all threads.
    pub evaluation: f64,
    /// Steps per epoch.
    pub steps_per_epoch: u64,
    /// Bytes of a network from its first step to its last.
    pub held: u64,
    /// Additional bytes while a thread works on it, at most; 0 if the system does not report
    /// memory.
    pub working: u64,
}

impl RunCost {
    /// Trains as many networks with these settings as there are threads, and as fit into memory,
    /// for a moment.
    ///
    /// # Errors
    /// When network and data do not fit together, or the device fails.
    pub fn measure(
        config: &RunConfig,
        dataset: &Arc<Dataset>,
        device: &Device,
        threads: usize,
    ) -> Result<Self, TrainError> {
        let parameters = config
            .architecture
            .parameter_count(&config.model_spec(dataset.shape, dataset.classes()))?;
        let begin = |networks: usize, threads: usize| {
            let lanes: Vec<Lane> = lambda::evenly_spaced(networks)
                .into_iter()
                .map(|lambda| Lane {
                    lambda,
                    seed: config.seed,
                })
                .collect();
            let mut lanes = Lanes::with_threads(threads, config, &lanes, dataset, device)?;
            // The first step is a warm-up.
            lanes.advance(1, || false);
            read_back(&mut lanes)?;
            Ok::<_, TrainError>(lanes)
        };
        // One network first, to find out how many fit into memory.
        let before = memory::resident();
        let alone = begin(1, 1)?;
        let working = before
            .zip(memory::resident())
            .map_or(0, |(before, after)| after.saturating_sub(before));
        let held = held(parameters);
        drop(alone);
        let fit = memory::budget() / (held + working).max(1);
        let networks = usize::try_from(fit)
            .unwrap_or(threads)
            .clamp(1, threads.max(1));
        let mut lanes = begin(networks, threads)?;
        let count = networks as f64;
        let mut step = f64::INFINITY;
        let all = Instant::now();
        for _ in 0..ROUNDS {
            let (begun, first) = (Instant::now(), lanes.steps());
            lanes.advance(u64::MAX, || begun.elapsed() < ROUND);
            read_back(&mut lanes)?;
            let steps = (lanes.steps() - first) as f64;
            step = step.min(begun.elapsed().as_secs_f64() / steps / count);
            if all.elapsed() > ROUND * ROUNDS as u32 {
                break;
            }
        }
        let begun = Instant::now();
        lanes
            .map(|_, trainer| trainer.evaluate())
            .into_iter()
            .try_for_each(|metrics| metrics.map(drop))?;
        let evaluation = begun.elapsed().as_secs_f64() / count;
        Ok(Self {
            step,
            evaluation,
            steps_per_epoch: lanes.trainers().first().map_or(1, Trainer::steps_per_epoch),
            held,
            working,
        })
    }

    /// Seconds of a run, as a share of the time of all threads.
    pub fn run(&self, epochs: u64) -> f64 {
        let epoch = self.step * self.steps_per_epoch as f64 + self.evaluation;
        self.evaluation + epoch * epochs as f64
    }

    /// Bytes of `networks` trained side by side, `threads` at a time.
    pub fn bytes(&self, networks: usize, threads: usize) -> u64 {
        self.held * networks as u64 + self.working * networks.min(threads) as u64
    }
}

/// Bytes of a network: weights, gradient, Adam's two moments, their successors during a step, and
/// the weights of the best epoch.
pub fn held(parameters: usize) -> u64 {
    const COPIES: u64 = 8;
    COPIES * size_of::<f32>() as u64 * parameters as u64
}

fn read_back(lanes: &mut Lanes) -> Result<(), TrainError> {
    let mut trainers = lanes.trainers_mut().iter_mut();
    trainers.try_for_each(|trainer| trainer.take_losses().map(drop))
}
