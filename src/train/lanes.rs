//! Several networks trained side by side.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use burn::tensor::Device;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{
    Lane, RunConfig, StepLosses, Trainer,
    batch::Batch,
    device::available_threads,
    pools::{self, locked},
    trainer::{TrainError, take_losses},
};
use crate::data::Dataset;

/// Trainers that differ in λ, and perhaps in their seed, and train on the same batches in the same
/// order.
///
/// One network uses several cores in parts of a step only, so each core trains one network while
/// there are enough of them. On the CPU the results equal those of each network trained alone, bit
/// for bit.
pub struct Lanes {
    trainers: Vec<Trainer>,
    /// Per trainer whether it takes no steps.
    paused: Vec<bool>,
    /// One per network that is trained at a time; none where the device itself is parallel.
    pools: Vec<ThreadPool>,
}

impl Lanes {
    /// Builds one trainer per lane. λ and seed of the lanes replace those of `config`.
    ///
    /// # Errors
    /// As for [`Trainer::new`], and when there is no lane.
    pub fn new(
        config: &RunConfig,
        lanes: &[Lane],
        dataset: &Arc<Dataset>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        Self::with_threads(available_threads(), config, lanes, dataset, device)
    }

    /// Like [`Self::new`], on at most `threads` cores. Their number changes the speed, not the
    /// result.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn with_threads(
        threads: usize,
        config: &RunConfig,
        lanes: &[Lane],
        dataset: &Arc<Dataset>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        if lanes.is_empty() {
            return Err(TrainError::NoLanes);
        }
        let threads = threads.max(1);
        let at_a_time = lanes.len().min(threads);
        let cores = threads / at_a_time;
        let is_cpu = *device == Device::flex();
        let pools = if is_cpu { at_a_time } else { 0 };
        Ok(Self {
            paused: vec![false; lanes.len()],
            trainers: lanes
                .iter()
                .map(|lane| {
                    let config = lane.config(config);
                    Trainer::new(&config, dataset.clone(), device)?.with_cores(cores)
                })
                .collect::<Result<_, _>>()?,
            pools: (0..pools)
                .map(|_| ThreadPoolBuilder::new().num_threads(cores).build())
                .collect::<Result<_, _>>()?,
        })
    }

    /// All trainers, in order; empty only if all were removed.
    pub fn trainers(&self) -> &[Trainer] {
        &self.trainers
    }

    pub fn trainers_mut(&mut self) -> &mut [Trainer] {
        &mut self.trainers
    }

    /// Removes a trainer; the others are not affected.
    pub fn remove(&mut self, lane: usize) {
        self.trainers.remove(lane);
        self.paused.remove(lane);
    }

    /// Steps per epoch, the same for every lane.
    pub fn steps_per_epoch(&self) -> u64 {
        self.trainers.first().map_or(1, Trainer::steps_per_epoch)
    }

    /// Steps of the foremost lane.
    pub fn steps(&self) -> u64 {
        self.trainers.iter().map(Trainer::steps).max().unwrap_or(0)
    }

    /// Whether a lane is left out of [`Self::advance`].
    pub fn is_paused(&self, lane: usize) -> bool {
        self.paused.get(lane).copied().unwrap_or(true)
    }

    /// Pauses a lane, or lets it continue.
    pub fn set_paused(&mut self, lane: usize, paused: bool) {
        if let Some(state) = self.paused.get_mut(lane) {
            *state = paused;
        }
    }

    /// Trains while `proceed` returns true, at least one step and at most to step `last`. Lanes
    /// that were level with the foremost one are level with it afterwards.
    pub fn advance(&mut self, last: u64, proceed: impl Fn() -> bool + Sync) {
        self.advance_each(|_| last, proceed);
    }

    /// Like [`Self::advance`], where `last` returns the step at which a lane stops, from the steps
    /// it has taken.
    ///
    /// A lane that is behind, since it was paused, takes more than its share of the time until it
    /// is level again.
    pub fn advance_each(&mut self, last: impl Fn(u64) -> u64, proceed: impl Fn() -> bool + Sync) {
        let active = self
            .trainers
            .iter_mut()
            .zip(&self.paused)
            .filter(|(_, paused)| !**paused)
            .map(|(trainer, _)| (last(trainer.steps()), trainer));
        let queue = StepQueue::new(active.collect());
        let batches = BatchCache::default();
        pools::run(&self.pools, &|| {
            while let Some(pending) = queue.take(&proceed) {
                let batch = batches.batch(pending.trainer);
                pending.trainer.train_on(&batch);
                queue.put(pending);
            }
        });
    }

    /// Training losses of each lane since the last call, oldest first, read from the device
    /// together.
    ///
    /// # Errors
    /// When the device has failed.
    pub fn take_losses(&mut self) -> Result<Vec<Vec<StepLosses>>, TrainError> {
        take_losses(&mut self.trainers)
    }

    /// Applies `work` to every trainer, in parallel; results in order.
    pub fn map<R: Send>(&self, work: impl Fn(usize, &Trainer) -> R + Sync) -> Vec<R> {
        let trainers = self.trainers.iter().enumerate();
        pools::map(&self.pools, trainers, |(lane, trainer)| work(lane, trainer))
    }
}

/// A trainer that waits for its next step.
struct Pending<'t> {
    /// The step at which it stops.
    last: u64,
    /// Whether it was level with the foremost trainer when the time slice began.
    level: bool,
    trainer: &'t mut Trainer,
}

impl Pending<'_> {
    /// Whether it takes another step at the end of a time slice, with the foremost trainer at
    /// `front`.
    fn catches_up(&self, front: u64) -> bool {
        let steps = self.trainer.steps();
        // A trainer that starts far behind, since it was paused, does not delay the others.
        if self.level {
            steps < front
        } else {
            steps + 1 == front
        }
    }
}

/// The trainers that wait for their next step.
struct StepQueue<'t>(Mutex<QueueState<'t>>);

struct QueueState<'t> {
    waiting: Vec<Pending<'t>>,
    /// The step that the foremost trainer has taken or is taking.
    front: u64,
    /// Whether the time slice is ending, so that no trainer goes beyond the front.
    ending: bool,
    /// Whether a trainer has been taken.
    started: bool,
}

impl<'t> StepQueue<'t> {
    /// `trainers`, each with the step at which it stops.
    fn new(trainers: Vec<(u64, &'t mut Trainer)>) -> Self {
        let steps = trainers.iter().map(|(_, trainer)| trainer.steps());
        let front = steps.max().unwrap_or(0);
        let waiting = trainers.into_iter().map(|(last, trainer)| Pending {
            last,
            level: trainer.steps() == front,
            trainer,
        });
        Self(Mutex::new(QueueState {
            waiting: waiting.collect(),
            front,
            ending: false,
            started: false,
        }))
    }

    /// The rearmost trainer; `None` when all have arrived or other threads have the rest.
    ///
    /// A thread that waits for a core holds its trainer while others go on. At the end of the time
    /// slice that trainer catches up, however far it has fallen behind.
    fn take(&self, proceed: impl Fn() -> bool) -> Option<Pending<'t>> {
        let mut queue = locked(&self.0);
        let next = |queue: &QueueState<'_>| {
            let waiting = queue.waiting.iter().enumerate();
            waiting
                .filter(|(_, pending)| pending.trainer.steps() < pending.last)
                .filter(|(_, pending)| !queue.ending || pending.catches_up(queue.front))
                .min_by_key(|(_, pending)| pending.trainer.steps())
                .map(|(index, _)| index)
        };
        let mut index = next(&queue)?;
        let catches_up = queue.waiting[index].catches_up(queue.front);
        if queue.started && !queue.ending && !catches_up && !proceed() {
            queue.ending = true;
            index = next(&queue)?;
        }
        let pending = queue.waiting.swap_remove(index);
        queue.started = true;
        queue.front = queue.front.max(pending.trainer.steps() + 1);
        Some(pending)
    }

    fn put(&self, pending: Pending<'t>) {
        locked(&self.0).waiting.push(pending);
    }
}

/// The batches of the current steps, each assembled once for all trainers.
#[derive(Default)]
struct BatchCache(Mutex<HashMap<(u64, u64), Arc<Batch>>>);

impl BatchCache {
    fn batch(&self, trainer: &mut Trainer) -> Arc<Batch> {
        let (seed, step) = (trainer.seed(), trainer.steps());
        let mut batches = locked(&self.0);
        if let Some(batch) = batches.get(&(seed, step)) {
            return batch.clone();
        }
        // Few lanes fall more than two steps behind; one that does assembles its own batch.
        batches.retain(|(of, old), _| *of != seed || *old + 2 >= step);
        let batch = Arc::new(trainer.next_batch());
        batches.insert((seed, step), batch.clone());
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{BundledSet, DataSource},
        model::{Architecture, Lambda},
    };

    fn config() -> RunConfig {
        RunConfig {
            architecture: Architecture::FcSmall,
            ..RunConfig::default()
        }
    }

    fn lanes() -> Vec<Lane> {
        [(0.0, 1), (0.4, 1), (1.0, 1), (0.4, 2), (0.7, 1)]
            .map(|(lambda, seed)| Lane {
                lambda: Lambda::new(lambda).unwrap(),
                seed,
            })
            .into()
    }

    /// Losses of every step, and the test metrics afterwards.
    fn outcome(trainer: &mut Trainer) -> (Vec<StepLosses>, crate::train::Metrics) {
        (trainer.take_losses().unwrap(), trainer.evaluate().unwrap())
    }

    #[test]
    fn each_lane_equals_a_network_trained_alone_on_any_number_of_threads() {
        let dataset = Arc::new(DataSource::Bundled(BundledSet::Mnist).load().unwrap());
        let device = Device::flex();
        let alone = lanes().into_iter().map(|lane| {
            let config = lane.config(&config());
            let mut trainer = Trainer::new(&config, dataset.clone(), &device).unwrap();
            for _ in 0..25 {
                trainer.step();
            }
            outcome(&mut trainer)
        });
        let alone: Vec<_> = alone.collect();
        for threads in [1, 2, 3, 8] {
            let mut together =
                Lanes::with_threads(threads, &config(), &lanes(), &dataset, &device).unwrap();
            // In several calls, beyond the end of an epoch.
            together.advance(7, || true);
            together.advance(8, || false);
            together.advance(25, || true);
            for (trainer, alone) in together.trainers_mut().iter_mut().zip(&alone) {
                assert_eq!(&outcome(trainer), alone, "{threads} threads");
            }
        }
    }

    #[test]
    fn a_paused_lane_takes_no_steps_and_catches_up_later() {
        let dataset = Arc::new(DataSource::Bundled(BundledSet::Mnist).load().unwrap());
        let mut together =
            Lanes::with_threads(2, &config(), &lanes(), &dataset, &Device::flex()).unwrap();
        let steps =
            |lanes: &Lanes| -> Vec<u64> { lanes.trainers().iter().map(Trainer::steps).collect() };
        together.set_paused(1, true);
        together.advance(4, || true);
        assert_eq!(steps(&together), [4, 0, 4, 4, 4]);
        let losses = together.take_losses().unwrap();
        let counts: Vec<usize> = losses.iter().map(Vec::len).collect();
        assert_eq!(counts, [4, 0, 4, 4, 4]);
        together.set_paused(1, false);
        assert_eq!(together.steps(), 4);
        // Each lane to its own limit.
        together.advance_each(|steps| steps + 2, || true);
        assert_eq!(steps(&together), [6, 2, 6, 6, 6]);
        together.advance(6, || true);
        assert_eq!(steps(&together), [6; 5]);
        together.advance(u64::MAX, || false);
        assert_eq!(steps(&together), [7; 5], "at least one step, and level");
        assert!(matches!(
            Lanes::new(&config(), &[], &dataset, &Device::flex()),
            Err(TrainError::NoLanes)
        ));
    }

    #[test]
    fn a_lane_held_by_a_waiting_thread_catches_up_at_the_end_of_the_time_slice() {
        let dataset = Arc::new(DataSource::Bundled(BundledSet::Mnist).load().unwrap());
        let mut together =
            Lanes::with_threads(1, &config(), &lanes()[..3], &dataset, &Device::flex()).unwrap();
        let batch = together.trainers_mut()[0].next_batch();
        let step = |queue: &StepQueue<'_>, proceed: bool| -> bool {
            let Some(pending) = queue.take(|| proceed) else {
                return false;
            };
            pending.trainer.train_on(&batch);
            queue.put(pending);
            true
        };
        let queue = StepQueue::new(together.trainers.iter_mut().map(|t| (100, t)).collect());
        // As when the system takes the core away from the thread that holds this lane.
        let held = queue.take(|| true).unwrap();
        for _ in 0..2 * 23 {
            assert!(step(&queue, true));
        }
        assert!(!step(&queue, false), "the other two are level");
        queue.put(held);
        for _ in 0..23 {
            assert!(step(&queue, false));
        }
        assert!(!step(&queue, false));
        drop(queue);
        let steps: Vec<u64> = together.trainers().iter().map(Trainer::steps).collect();
        assert_eq!(steps, [23; 3]);
    }
}
