//! The order in which a run sees its training images.

use rand::seq::SliceRandom as _;

use crate::model::init;

/// Whole batches of shuffled indices; the last, partial batch of an epoch is dropped.
///
/// The order of an epoch depends on seed and epoch alone.
#[derive(Clone, Debug)]
pub struct Batches {
    seed: u64,
    batch_size: usize,
    order: Vec<u32>,
    epoch: u64,
    next: usize,
}

impl Batches {
    /// Begins at epoch 0 of `images` images. `None` when not even one batch can be filled.
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
            next: 0,
        };
        batches.shuffle();
        Some(batches)
    }

    fn shuffle(&mut self) {
        // From the sorted order, so that it does not depend on the epochs before.
        self.order.sort_unstable();
        self.order.shuffle(&mut init::generator(
            self.seed,
            init::order_stream(self.epoch),
        ));
        self.next = 0;
    }

    /// Steps in one epoch.
    pub fn per_epoch(&self) -> usize {
        self.order.len() / self.batch_size
    }

    /// Indices of the next batch.
    pub fn next_batch(&mut self) -> &[u32] {
        if self.next == self.per_epoch() {
            self.epoch += 1;
            self.shuffle();
        }
        let start = self.next * self.batch_size;
        self.next += 1;
        &self.order[start..start + self.batch_size]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn an_epoch_sees_no_image_twice_and_drops_the_rest() {
        let mut batches = Batches::new(103, 10, 7).unwrap();
        let epoch = |batches: &mut Batches| -> Vec<u32> {
            (0..10)
                .flat_map(|_| batches.next_batch().to_vec())
                .collect()
        };
        let (first, second) = (epoch(&mut batches), epoch(&mut batches));
        assert_eq!(first.iter().collect::<HashSet<_>>().len(), 100);
        assert_eq!(second.iter().collect::<HashSet<_>>().len(), 100);
        assert_ne!(first, second, "every epoch has its own order");

        let again = epoch(&mut Batches::new(103, 10, 7).unwrap());
        assert_eq!(first, again, "the seed decides");
        assert_ne!(first, epoch(&mut Batches::new(103, 10, 8).unwrap()));
    }

    #[test]
    fn a_batch_larger_than_the_data_is_refused() {
        assert!(Batches::new(10, 11, 0).is_none());
        assert!(Batches::new(10, 0, 0).is_none());
        assert!(Batches::new(0, 1, 0).is_none());
    }
}
