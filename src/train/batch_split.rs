//! Splits work over the cores.
//!
//! A matrix product of one batch is too small for several cores, so a batch is split into parts and
//! each core processes whole parts. The split depends on the batch alone, and results come back in
//! order: the number of cores changes the speed, not the result.

use std::ops::Range;

use burn::tensor::Device;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::pools;

/// Parts of a training batch on the CPU.
const CPU_PARTS: usize = 4;

/// One small thread pool per part that is processed at a time; none where the device itself is
/// parallel or there is only one core.
#[derive(Debug)]
pub struct BatchSplit {
    pools: Vec<ThreadPool>,
    count: usize,
}

impl BatchSplit {
    /// A split that suits `device` on `cores` cores. With one core the calling thread does
    /// everything.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn new(device: &Device, cores: usize) -> Result<Self, rayon::ThreadPoolBuildError> {
        let count = if *device == Device::flex() {
            CPU_PARTS
        } else {
            1
        };
        let threads = if cores < 2 || count == 1 {
            0
        } else {
            count.min(cores)
        };
        let size = (cores / CPU_PARTS).max(1);
        let pools = (0..threads)
            .map(|_| ThreadPoolBuilder::new().num_threads(size).build())
            .collect::<Result<_, _>>()?;
        Ok(Self { pools, count })
    }

    /// Splits `0..length` into at most [`CPU_PARTS`] ranges of nearly equal length, or into one if
    /// it is not `splittable`.
    pub fn ranges(&self, length: usize, splittable: bool) -> Vec<Range<usize>> {
        let count = if splittable { self.count } else { 1 }.min(length);
        (0..count)
            .map(|part| part * length / count..(part + 1) * length / count)
            .collect()
    }

    /// Number of parts of other work per call of [`Self::map`] if the call is to be short.
    pub fn parallel_parts(&self) -> usize {
        match self.count {
            // A parallel device is called rarely.
            1 => 16,
            _ => self.pools.len().max(1),
        }
    }

    /// Applies `work` to every part; results in the order of `parts`. A single part may use all
    /// cores.
    pub fn map<P: Send, R: Send>(&self, parts: Vec<P>, work: impl Fn(P) -> R + Sync) -> Vec<R> {
        if self.pools.is_empty() || parts.len() < 2 {
            return parts.into_iter().map(work).collect();
        }
        pools::map(&self.pools, parts.into_iter(), work)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_processed_once_and_results_are_in_order() {
        let split = BatchSplit::new(&Device::flex(), 2).unwrap();
        for length in [0, 1, 3, 4, 511, 512] {
            let ranges = split.ranges(length, true);
            assert!(ranges.len() <= CPU_PARTS);
            let joined = split.map(ranges, Iterator::collect::<Vec<_>>).concat();
            assert_eq!(joined, (0..length).collect::<Vec<_>>());
        }
    }
}
