//! Several networks trained side by side.

use std::{
    collections::HashMap,
    panic::resume_unwind,
    sync::{Arc, Mutex, PoisonError},
};

use burn::tensor::Device;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{
    Lane, RunConfig, Trainer, batch::Batch, device::available_threads, trainer::TrainError,
};
use crate::data::Dataset;

/// Trainers that differ in λ, and perhaps in their seed, and see the same batches in the same order.
///
/// One network keeps several cores busy only in parts of a step, so every core trains a network of its
/// own while there are enough of them. What comes out is the same, bit for bit on the CPU, as if each had
/// been trained alone.
pub struct Lanes {
    trainers: Vec<Trainer>,
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
    }

    /// Steps that every lane has taken.
    pub fn steps(&self) -> u64 {
        self.trainers.first().map_or(0, Trainer::steps)
    }

    /// Trains while `go_on` says so, but at least one step and not beyond step `last`. Afterwards all
    /// lanes have taken the same number of steps.
    pub fn advance(&mut self, last: u64, go_on: impl Fn() -> bool + Sync) {
        let queue = Queue::new(&mut self.trainers, last);
        let feed = Feed::default();
        let train = || {
            while let Some(trainer) = queue.take(&go_on) {
                let batch = feed.batch(trainer);
                trainer.learn(&batch);
                queue.put(trainer);
            }
        };
        on_every_pool(&self.pools, &train);
    }

    /// `look` at every trainer, results in order.
    pub fn map<R: Send>(&self, look: impl Fn(usize, &Trainer) -> R + Sync) -> Vec<R> {
        let next = Mutex::new(self.trainers.iter().enumerate());
        let results = Mutex::new(Vec::with_capacity(self.trainers.len()));
        on_every_pool(&self.pools, &|| {
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
fn on_every_pool(pools: &[ThreadPool], work: &(impl Fn() + Sync)) {
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

/// The trainers that wait for their next step.
struct Queue<'t>(Mutex<Waiting<'t>>);

struct Waiting<'t> {
    trainers: Vec<&'t mut Trainer>,
    /// The step that the one that is ahead of all others has taken or is taking.
    front: u64,
    /// Where all are to arrive.
    last: u64,
}

impl<'t> Queue<'t> {
    fn new(trainers: &'t mut [Trainer], last: u64) -> Self {
        let trainers: Vec<_> = trainers.iter_mut().collect();
        let steps = trainers.first().map_or(0, |trainer| trainer.steps());
        Self(Mutex::new(Waiting {
            trainers,
            front: steps + 1,
            last: last.max(steps + 1),
        }))
    }

    /// The trainer that is farthest behind; none where all have arrived, or others bring the rest.
    fn take(&self, go_on: impl Fn() -> bool) -> Option<&'t mut Trainer> {
        let mut waiting = locked(&self.0);
        let place = (0..waiting.trainers.len()).min_by_key(|&i| waiting.trainers[i].steps())?;
        let next = waiting.trainers[place].steps() + 1;
        if next > waiting.front && next <= waiting.last && !go_on() {
            waiting.last = waiting.front;
        }
        if next > waiting.last {
            return None;
        }
        waiting.front = waiting.front.max(next);
        Some(waiting.trainers.swap_remove(place))
    }

    fn put(&self, trainer: &'t mut Trainer) {
        locked(&self.0).trainers.push(trainer);
    }
}

/// The batches of the steps under way, each put together once for all that learn from it.
#[derive(Default)]
struct Feed(Mutex<HashMap<(u64, u64), Arc<Batch>>>);

impl Feed {
    /// What `trainer` learns from next.
    fn batch(&self, trainer: &mut Trainer) -> Arc<Batch> {
        let (seed, step) = (trainer.seed(), trainer.steps());
        let mut batches = locked(&self.0);
        if let Some(batch) = batches.get(&(seed, step)) {
            return batch.clone();
        }
        // No lane falls more than two steps behind another; if one did, it would make its own.
        batches.retain(|(of, old), _| *of != seed || *old + 2 >= step);
        let batch = Arc::new(trainer.next_batch());
        batches.insert((seed, step), batch.clone());
        batch
    }
}
