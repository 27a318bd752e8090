//! Test metrics, at once or in parts.

use std::ops::Range;

use burn::tensor::Tensor;

use super::{TrainError, Trainer, chunks, floats};
use crate::{
    model::loss,
    train::{Metrics, batch},
};

/// What an evaluation that is made in parts has found so far: squared error, cross-entropy and right answers
/// of each chunk of test images.
#[derive(Debug, Default)]
pub struct EvaluationSums(Vec<f32>);

impl EvaluationSums {
    fn means(&self, images: usize) -> Metrics {
        let mean = |place: usize| {
            let of_chunks = self.0.iter().skip(place).step_by(3);
            let total: f64 = of_chunks.copied().map(f64::from).sum();
            total / images as f64
        };
        Metrics {
            mse: mean(0),
            ce: mean(1),
            accuracy: mean(2),
        }
    }
}

impl Trainer {
    /// Means over the whole test half, dropout and the like switched off.
    ///
    /// # Errors
    /// When the device has failed.
    pub fn evaluate(&self) -> Result<Metrics, TrainError> {
        let images = self.dataset.test.len();
        Ok(EvaluationSums(self.evaluation_sums(chunks(images))?).means(images))
    }

    /// Goes on with an evaluation while `go_on` says so, at least a little; gives the metrics once `sums`
    /// has seen all test images, and begins a new one then. They are those of [`Self::evaluate`], bit for bit, if
    /// the model has stayed the same meanwhile.
    ///
    /// # Errors
    /// When the device has failed.
    pub fn continue_evaluation(
        &self,
        sums: &mut EvaluationSums,
        go_on: impl Fn() -> bool,
    ) -> Result<Option<Metrics>, TrainError> {
        let chunks = chunks(self.dataset.test.len());
        loop {
            let seen = sums.0.len() / 3;
            let rest = &chunks[seen.min(chunks.len())..];
            let next = rest.len().min(self.batch_split.parallel_parts());
            sums.0.extend(self.evaluation_sums(rest[..next].to_vec())?);
            if next == rest.len() {
                let sums = std::mem::take(sums);
                return Ok(Some(sums.means(self.dataset.test.len())));
            }
            if !go_on() {
                return Ok(None);
            }
        }
    }

    /// Share of the test images that `sums` has seen, 0–1.
    pub fn evaluated_share(&self, sums: &EvaluationSums) -> f32 {
        let chunks = chunks(self.dataset.test.len()).len();
        (sums.0.len() / 3) as f32 / chunks.max(1) as f32
    }

    /// Squared error, cross-entropy and right answers, summed over the images of each range.
    fn evaluation_sums(&self, ranges: Vec<Range<usize>>) -> Result<Vec<f32>, TrainError> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let test = &self.dataset.test;
        let sums = self.batch_split.map(ranges, |range| {
            let (images, labels) = batch::slice(test, range, &self.device);
            let output = self.state.model.forward(images.clone());
            Tensor::cat(
                vec![
                    loss::squared_error(output.reconstruction, images, output.weight),
                    loss::cross_entropy(output.logits.clone(), labels.clone()),
                    loss::correct(output.logits, labels),
                ],
                0,
            )
        });
        floats(Tensor::cat(sums, 0))
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, sync::Arc};

    use burn::tensor::Device;

    use super::*;
    use crate::{
        data::{BundledSet, DataSource},
        model::Architecture,
        train::RunConfig,
    };

    #[test]
    fn an_evaluation_in_parts_is_the_one_at_once() {
        let dataset = Arc::new(DataSource::Bundled(BundledSet::Mnist).load().unwrap());
        let config = RunConfig {
            architecture: Architecture::FcSmall,
            ..RunConfig::default()
        };
        let trainer = Trainer::new(&config, dataset, &Device::flex())
            .and_then(|trainer| trainer.with_cores(1))
            .unwrap();
        let at_once = trainer.evaluate().unwrap();
        let mut sums = EvaluationSums::default();
        // Twice, since the second must begin anew.
        for _ in 0..2 {
            let turns = Cell::new(0);
            let in_parts = loop {
                assert_eq!(trainer.evaluated_share(&sums), turns.get() as f32 / 8.0);
                turns.set(turns.get() + 1);
                if let Some(metrics) = trainer.continue_evaluation(&mut sums, || false).unwrap() {
                    break metrics;
                }
            };
            assert_eq!(turns.get(), 8, "2,000 images, 250 at a time");
            assert_eq!(in_parts, at_once);
        }
    }
}
