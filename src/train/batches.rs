//! The order of the training images.

use rand::seq::SliceRandom as _;

use crate::rng;

/// Complete batches of shuffled indices. The last, partial batch of an epoch is dropped.
///
/// The order of an epoch depends on seed and epoch only.
#[derive(Clone, Debug)]
pub struct Batches {
    seed: u64,
    batch_size: usize,
    order: Vec<u32>,
    epoch: u64,
}

impl Batches {
    /// Batches of `images` images; `None` if not one can be filled.
    pub fn new(images: usize, batch_size: usize, seed: u64) -> Option<Self> {
        let count = u32::try_from(images).ok()?;
        if batch_size == 0 || batch_size > images {
            return None;
        }
        let mut batches = Self {
            seed,
            batch_size,
            order: (0..count).collect(),
            epoch: 0,
        };
        batches.shuffle();
        Some(batches)
    }

    fn shuffle(&mut self) {
        // From the sorted order, so that it does not depend on earlier epochs.
        self.order.sort_unstable();
        let stream = rng::order_stream(self.epoch);
        self.order.shuffle(&mut rng::from_stream(self.seed, stream));
    }

    pub fn per_epoch(&self) -> usize {
        self.order.len() / self.batch_size
    }

    /// Indices of the batch after `steps` steps. Fast within an epoch.
    pub fn after(&mut self, steps: u64) -> &[u32] {
        let per_epoch = self.per_epoch() as u64;
        let (epoch, index) = (steps / per_epoch, (steps % per_epoch) as usize);
        if epoch != self.epoch {
            self.epoch = epoch;
            self.shuffle();
        }
        &self.order[index * self.batch_size..][..self.batch_size]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_epoch_contains_each_image_at_most_once_and_drops_the_rest() {
        let mut batches = Batches::new(103, 10, 7).unwrap();
        let epoch = |batches: &mut Batches, epoch: u64| -> Vec<u32> {
            (0..10)
                .flat_map(|step| batches.after(10 * epoch + step).to_vec())
                .collect()
        };
        let (first, second) = (epoch(&mut batches, 0), epoch(&mut batches, 1));
        assert_eq!(first.iter().collect::<HashSet<_>>().len(), 100);
        assert_eq!(second.iter().collect::<HashSet<_>>().len(), 100);
        assert_ne!(first, second, "each epoch has its own order");

        assert_eq!(first, epoch(&mut batches, 0), "any step can be repeated");
        let fresh = Batches::new(103, 10, 7).unwrap();
        assert_eq!(
            first,
            epoch(&mut fresh.clone(), 0),
            "the seed determines it"
        );
        assert_eq!(second, epoch(&mut fresh.clone(), 1), "in any epoch");
        assert_ne!(first, epoch(&mut Batches::new(103, 10, 8).unwrap(), 0));
    }

    #[test]
    fn a_batch_larger_than_the_data_is_refused() {
        for (images, batch_size) in [(10, 11), (10, 0), (0, 1)] {
            assert!(Batches::new(images, batch_size, 0).is_none());
        }
    }
}
