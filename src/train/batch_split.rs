//! Splitting work over the cores.
//!
//! A matrix product of one batch is too small to keep several cores busy, so a batch is cut into
//! shards and every core works through whole shards on its own. How a batch is cut depends on the
//! batch alone, and results come back in order: the number of cores changes the speed, never a bit
//! of the outcome.

use std::{
    ops::Range,
    panic::resume_unwind,
    sync::{Mutex, PoisonError},
};

use burn::tensor::Device;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Shards of a training batch on the CPU.
const CPU_SHARDS: usize = 4;

/// One small thread pool per shard that runs at a time; none where the device itself is parallel, or where
/// there is only one core.
#[derive(Debug)]
pub struct BatchSplit {
    pools: Vec<ThreadPool>,
    count: usize,
}

impl BatchSplit {
    /// As many shards as suit `device`, of whose cores it may keep `cores` busy. With a single one all is
    /// done by the thread that calls.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn new(device: &Device, cores: usize) -> Result<Self, rayon::ThreadPoolBuildError> {
        if *device != Device::flex() {
            return Ok(Self {
                pools: Vec::new(),
                count: 1,
            });
        }
        let threads = if cores < 2 { 0 } else { CPU_SHARDS.min(cores) };
        let pools = (0..threads)
            .map(|_| {
                ThreadPoolBuilder::new()
                    .num_threads((cores / CPU_SHARDS).max(1))
                    .build()
            })
            .collect::<Result<_, _>>()?;
        Ok(Self {
            pools,
            count: CPU_SHARDS,
        })
    }

    /// Cuts `0..length` into at most [`CPU_SHARDS`] ranges of nearly equal length; into one where
    /// it is not `separable`.
    pub fn ranges(&self, length: usize, separable: bool) -> Vec<Range<usize>> {
        let count = if separable { self.count } else { 1 }.min(length);
        (0..count)
            .map(|shard| shard * length / count..(shard + 1) * length / count)
            .collect()
    }

    /// How many parts of some other work suit one call of [`Self::map`] if that is to be over soon.
    pub fn parallel_parts(&self) -> usize {
        match (self.pools.len(), self.count) {
            // A device that is parallel itself is asked seldom.
            (_, 1) => 16,
            (pools, _) => pools.max(1),
        }
    }

    /// `work` on every part, results in the order of `parts`. A part that comes alone has all the
    /// cores for itself.
    pub fn map<P: Send, R: Send>(&self, parts: Vec<P>, work: impl Fn(P) -> R + Sync) -> Vec<R> {
        if self.pools.is_empty() || parts.len() < 2 {
            return parts.into_iter().map(work).collect();
        }
        let queue = Mutex::new(parts.into_iter().enumerate());
        let take = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let drain = || -> Vec<(usize, R)> {
            std::iter::from_fn(take)
                .map(|(place, part)| (place, work(part)))
                .collect()
        };
        let drain = &drain;
        let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
            let threads: Vec<_> = self
                .pools
                .iter()
                .map(|pool| scope.spawn(move || pool.install(drain)))
                .collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
                .collect()
        });
        results.sort_unstable_by_key(|(place, _)| *place);
        results.into_iter().map(|(_, result)| result).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_worked_on_once_and_in_order() {
        let shards = BatchSplit::new(&Device::flex(), 2).unwrap();
        for length in [0, 1, 3, 4, 511, 512] {
            let cut = shards.ranges(length, true);
            assert!(cut.len() <= CPU_SHARDS);
            let joined: Vec<usize> = shards
                .map(cut, Iterator::collect::<Vec<_>>)
                .into_iter()
                .flatten()
                .collect();
            assert_eq!(joined, (0..length).collect::<Vec<_>>());
        }
    }
}
