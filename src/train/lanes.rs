//! Several networks trained side by side.

use std::{
    collections::HashMap,
    panic::resume_unwind,
    sync::{Arc, Mutex, PoisonError},
};

use burn::tensor::{Device, Tensor};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{
    Lane, RunConfig, StepLosses, Trainer,
    batch::Batch,
    device::available_threads,
    trainer::{TrainError, floats},
};
use crate::data::Dataset;

/// Trainers that differ in λ, and perhaps in their seed, and see the same batches in the same order.
///
/// One network keeps several cores busy only in parts of a step, so every core trains a network of its
/// own while there are enough of them. What comes out is the same, bit for bit on the CPU, as if each had
/// been trained alone.
pub struct Lanes {
    trainers: Vec<Trainer>,
    /// Which of them take no steps.
    paused: Vec<bool>,
    /// One for each network that is trained at a time; none where the device itself is parallel.
    pools: Vec<ThreadPool>,
}

impl Lanes {
    /// One trainer for each of `lanes`, which overrule λ and seed of `config`.
    ///
    /// # Errors
    /// As for [`Trainer::new`]; there must be at least one lane.
    pub fn new(
        config: &RunConfig,
        lanes: &[Lane],
        dataset: &Arc<Dataset>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        Self::on_threads(available_threads(), config, lanes, dataset, device)
    }

    /// The same, but keeps no more than `threads` cores busy: they change the speed, never a bit of the outcome.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn on_threads(
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
        let pools = if *device == Device::flex() {
            at_a_time
        } else {
            0
        };
        Ok(Self {
            paused: vec![false; lanes.len()],
            trainers: lanes
                .iter()
                .map(|lane| {
                    let config = RunConfig {
                        lambda: lane.lambda,
                        seed: lane.seed,
                        ..config.clone()
                    };
                    Trainer::new(&config, dataset.clone(), device)?.with_cores(cores)
                })
                .collect::<Result<_, _>>()?,
            pools: (0..pools)
                .map(|_| ThreadPoolBuilder::new().num_threads(cores).build())
                .collect::<Result<_, _>>()?,
        })
    }

    /// Every trainer, in order; none only where all were removed.
    pub fn trainers(&self) -> &[Trainer] {
        &self.trainers
    }

    /// Every trainer, in order.
    pub fn trainers_mut(&mut self) -> &mut [Trainer] {
        &mut self.trainers
    }

    /// Lets go of one trainer; the others go on as if nothing had happened.
    pub fn remove(&mut self, place: usize) {
        self.trainers.remove(place);
        self.paused.remove(place);
    }

    /// Steps in an epoch, the same for every lane.
    pub fn steps_per_epoch(&self) -> u64 {
        let first = self.trainers.first();
        first.map_or(1, Trainer::steps_per_epoch)
    }

    /// Steps of the lane that is ahead of all others.
    pub fn steps(&self) -> u64 {
        self.trainers.iter().map(Trainer::steps).max().unwrap_or(0)
    }

    /// Whether the lane at `place` takes part in [`Self::advance`].
    pub fn is_paused(&self, place: usize) -> bool {
        self.paused.get(place).copied().unwrap_or(true)
    }

    /// Leaves the lane at `place` out from now on, or takes it in again.
    pub fn set_paused(&mut self, place: usize, resting: bool) {
        if let Some(rests) = self.paused.get_mut(place) {
            *rests = resting;
        }
    }

    /// Trains while `go_on` returns true, but at least one step and not beyond step `last`. Lanes that were
    /// level with the foremost one are level with it afterwards.
    pub fn advance(&mut self, last: u64, go_on: impl Fn() -> bool + Sync) {
        self.advance_each(|_| last, go_on);
    }

    /// The same, where `last` says for every lane, by the steps it has taken, how far it may go.
    ///
    /// A lane that is behind, since it stood still for a while, takes more than its share of the time until
    /// it is level again.
    pub fn advance_each(&mut self, last: impl Fn(u64) -> u64, go_on: impl Fn() -> bool + Sync) {
        let awake = self
            .trainers
            .iter_mut()
            .zip(&self.paused)
            .filter(|(_, resting)| !**resting)
            .map(|(trainer, _)| (last(trainer.steps()), trainer));
        let queue = StepQueue::new(awake.collect());
        let feed = BatchCache::default();
        let train = || {
            while let Some(runner) = queue.take(&go_on) {
                let batch = feed.batch(runner.trainer);
                runner.trainer.train_on(&batch);
                queue.put(runner);
            }
        };
        run_on_pools(&self.pools, &train);
    }

    /// Training losses of each lane since the last call, oldest first. All are read back at once.
    ///
    /// # Errors
    /// When the device has failed.
    pub fn take_losses(&mut self) -> Result<Vec<Vec<StepLosses>>, TrainError> {
        let mut sums = Vec::new();
        let steps: Vec<Vec<u64>> = self
            .trainers
            .iter_mut()
            .map(|trainer| {
                let (steps, of_lane): (Vec<_>, Vec<_>) = trainer.take_pending().into_iter().unzip();
                sums.extend(of_lane);
                steps
            })
            .collect();
        if sums.is_empty() {
            return Ok(vec![Vec::new(); self.trainers.len()]);
        }
        let sums = floats(Tensor::cat(sums, 0))?;
        let mut sums = sums.as_chunks::<3>().0.iter();
        Ok(self
            .trainers
            .iter()
            .zip(steps)
            .map(|(trainer, steps)| {
                steps
                    .into_iter()
                    .zip(&mut sums)
                    .map(|(step, sums)| trainer.losses(step, *sums))
                    .collect()
            })
            .collect())
    }

    /// `look` at every trainer, results in order.
    pub fn map<R: Send>(&self, look: impl Fn(usize, &Trainer) -> R + Sync) -> Vec<R> {
        let next = Mutex::new(self.trainers.iter().enumerate());
        let results = Mutex::new(Vec::with_capacity(self.trainers.len()));
        run_on_pools(&self.pools, &|| {
            loop {
                let Some((place, trainer)) = locked(&next).next() else {
                    break;
                };
                let result = look(place, trainer);
                locked(&results).push((place, result));
            }
        });
        let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_unstable_by_key(|(place, _)| *place);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

/// Runs `work` in all pools at a time, or in the calling thread where there is none.
fn run_on_pools(pools: &[ThreadPool], work: &(impl Fn() + Sync)) {
    match pools {
        [] => work(),
        [pool] => pool.install(work),
        pools => std::thread::scope(|scope| {
            let threads: Vec<_> = pools
                .iter()
                .map(|pool| scope.spawn(move || pool.install(work)))
                .collect();
            for thread in threads {
                if let Err(panic) = thread.join() {
                    resume_unwind(panic);
                }
            }
        }),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
    /// Whether it takes another step in a time slice that is ending with the foremost trainer at `front`.
    fn catches_up(&self, front: u64) -> bool {
        let steps = self.trainer.steps();
        // A trainer that begins far behind, since it stood still for a while, does not delay the others.
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
    runners: Vec<Pending<'t>>,
    /// The step that the one that is ahead of all others has taken or is taking.
    front: u64,
    /// Whether nobody goes beyond the front any more.
    ending: bool,
    /// Whether a step has been given out.
    begun: bool,
}

impl<'t> StepQueue<'t> {
    /// The trainers, each with the step at which it stops.
    fn new(trainers: Vec<(u64, &'t mut Trainer)>) -> Self {
        let steps = trainers.iter().map(|(_, trainer)| trainer.steps());
        let front = steps.max().unwrap_or(0);
        let runners = trainers.into_iter().map(|(last, trainer)| Pending {
            last,
            level: trainer.steps() == front,
            trainer,
        });
        Self(Mutex::new(QueueState {
            runners: runners.collect(),
            front,
            ending: false,
            begun: false,
        }))
    }

    /// The trainer that is farthest behind; none where all have arrived, or other threads have the rest.
    ///
    /// A thread that waits for a core keeps its trainer back while the others go on. At the end of the time
    /// slice that trainer catches up, however far behind it has fallen.
    fn take(&self, go_on: impl Fn() -> bool) -> Option<Pending<'t>> {
        let mut waiting = locked(&self.0);
        let QueueState {
            runners,
            front,
            ending,
            begun,
        } = &mut *waiting;
        let next = |runners: &[Pending<'_>], ending: bool, front: u64| {
            (0..runners.len())
                .filter(|&i| runners[i].trainer.steps() < runners[i].last)
                .filter(|&i| !ending || runners[i].catches_up(front))
                .min_by_key(|&i| runners[i].trainer.steps())
        };
        let mut index = next(runners, *ending, *front)?;
        if *begun && !*ending && !runners[index].catches_up(*front) && !go_on() {
            *ending = true;
            index = next(runners, true, *front)?;
        }
        *begun = true;
        *front = (*front).max(runners[index].trainer.steps() + 1);
        Some(runners.swap_remove(index))
    }

    fn put(&self, runner: Pending<'t>) {
        locked(&self.0).runners.push(runner);
    }
}

/// The batches of the steps under way, each put together once for all that learn from it.
#[derive(Default)]
struct BatchCache(Mutex<HashMap<(u64, u64), Arc<Batch>>>);

impl BatchCache {
    /// What `trainer` learns from next.
    fn batch(&self, trainer: &mut Trainer) -> Arc<Batch> {
        let (seed, step) = (trainer.seed(), trainer.steps());
        let mut batches = locked(&self.0);
        if let Some(batch) = batches.get(&(seed, step)) {
            return batch.clone();
        }
        // Few lanes fall more than two steps behind another; one that does makes its own.
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
    fn every_lane_is_the_network_trained_alone_on_any_number_of_threads() {
        let dataset = Arc::new(DataSource::Bundled(BundledSet::Mnist).load().unwrap());
        let device = Device::flex();
        let alone: Vec<_> = lanes()
            .into_iter()
            .map(|lane| {
                let config = RunConfig {
                    lambda: lane.lambda,
                    seed: lane.seed,
                    ..config()
                };
                let mut trainer = Trainer::new(&config, dataset.clone(), &device).unwrap();
                for _ in 0..25 {
                    trainer.step();
                }
                outcome(&mut trainer)
            })
            .collect();
        for threads in [1, 2, 3, 8] {
            let mut together =
                Lanes::on_threads(threads, &config(), &lanes(), &dataset, &device).unwrap();
            // In several turns, over the end of an epoch.
            together.advance(7, || true);
            together.advance(8, || false);
            together.advance(25, || true);
            for (trainer, alone) in together.trainers_mut().iter_mut().zip(&alone) {
                assert_eq!(&outcome(trainer), alone, "{threads} threads");
            }
        }
    }

    #[test]
    fn who_rests_stands_still_and_catches_up_later() {
        let dataset = Arc::new(DataSource::Bundled(BundledSet::Mnist).load().unwrap());
        let mut together =
            Lanes::on_threads(2, &config(), &lanes(), &dataset, &Device::flex()).unwrap();
        let steps =
            |lanes: &Lanes| -> Vec<u64> { lanes.trainers().iter().map(Trainer::steps).collect() };
        together.set_paused(1, true);
        together.advance(4, || true);
        assert_eq!(steps(&together), [4, 0, 4, 4, 4]);
        let told: Vec<usize> = together
            .take_losses()
            .unwrap()
            .iter()
            .map(Vec::len)
            .collect();
        assert_eq!(told, [4, 0, 4, 4, 4]);
        together.set_paused(1, false);
        assert_eq!(together.steps(), 4);
        // Each as far as it may.
        together.advance_each(|steps| steps + 2, || true);
        assert_eq!(steps(&together), [6, 2, 6, 6, 6]);
        together.advance(6, || true);
        assert_eq!(steps(&together), [6; 5]);
        together.advance(u64::MAX, || false);
        assert_eq!(steps(&together), [7; 5], "one step at least, and level");
        assert!(matches!(
            Lanes::new(&config(), &[], &dataset, &Device::flex()),
            Err(TrainError::NoLanes)
        ));
    }

    #[test]
    fn a_lane_that_its_thread_keeps_back_is_level_again_at_the_end_of_the_time_slice() {
        let dataset = Arc::new(DataSource::Bundled(BundledSet::Mnist).load().unwrap());
        let mut together =
            Lanes::on_threads(1, &config(), &lanes()[..3], &dataset, &Device::flex()).unwrap();
        let batch = together.trainers_mut()[0].next_batch();
        let step = |queue: &StepQueue<'_>, go_on: bool| -> bool {
            let Some(runner) = queue.take(|| go_on) else {
                return false;
            };
            runner.trainer.train_on(&batch);
            queue.put(runner);
            true
        };
        let queue = StepQueue::new(together.trainers.iter_mut().map(|t| (100, t)).collect());
        // What happens when the system takes the core away from the thread that has this lane.
        let kept_back = queue.take(|| true).unwrap();
        for _ in 0..2 * 23 {
            assert!(step(&queue, true));
        }
        assert!(!step(&queue, false), "the other two are level");
        queue.put(kept_back);
        for _ in 0..23 {
            assert!(step(&queue, false));
        }
        assert!(!step(&queue, false));
        drop(queue);
        let steps: Vec<u64> = together.trainers().iter().map(Trainer::steps).collect();
        assert_eq!(steps, [23; 3]);
    }
}
