//! Test metrics, in one call or in several.

use std::ops::Range;

use burn::tensor::Tensor;

use super::{TrainError, Trainer, chunks, floats};
use crate::{
    model::loss,
    train::{Metrics, batch},
};

/// Partial results of an evaluation: sums of squared error, cross-entropy and correct images of
/// each chunk of test images.
#[derive(Debug, Default)]
pub struct EvaluationSums(Vec<f32>);

impl EvaluationSums {
    fn means(&self, images: usize) -> Metrics {
        let mean = |index: usize| {
            let of_chunks = self.0.iter().skip(index).step_by(3);
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
    /// Means over all test images, in evaluation mode.
    ///
    /// # Errors
    /// When the device has failed.
    pub fn evaluate(&self) -> Result<Metrics, TrainError> {
        let images = self.dataset.test.len();
        Ok(EvaluationSums(self.evaluation_sums(chunks(images))?).means(images))
    }

    /// Continues an evaluation while `proceed` returns true, by at least one chunk. Returns the
    /// metrics once all test images are processed, and resets `sums`. The result equals that of
    /// [`Self::evaluate`] bit for bit if the model has not changed meanwhile.
    ///
    /// # Errors
    /// When the device has failed.
    pub fn continue_evaluation(
        &self,
        sums: &mut EvaluationSums,
        proceed: impl Fn() -> bool,
    ) -> Result<Option<Metrics>, TrainError> {
        let chunks = chunks(self.dataset.test.len());
        loop {
            let processed = sums.0.len() / 3;
            let rest = &chunks[processed.min(chunks.len())..];
            let next = rest.len().min(self.batch_split.parallel_parts());
            sums.0.extend(self.evaluation_sums(rest[..next].to_vec())?);
            if next == rest.len() {
                let sums = std::mem::take(sums);
                return Ok(Some(sums.means(self.dataset.test.len())));
            }
            if !proceed() {
                return Ok(None);
            }
        }
    }

    /// Processed share of the test images, 0–1.
    pub fn evaluated_share(&self, sums: &EvaluationSums) -> f32 {
        let chunks = chunks(self.dataset.test.len()).len();
        (sums.0.len() / 3) as f32 / chunks.max(1) as f32
    }

    /// Sums of squared error, cross-entropy and correct images of each range.
    fn evaluation_sums(&self, ranges: Vec<Range<usize>>) -> Result<Vec<f32>, TrainError> {
        if ranges.is_empty() {
            return Ok(Vec::new());
        }
        let test = &self.dataset.test;
        let sums = self.batch_split.map(ranges, |range| {
            let (images, labels) = batch::slice(test, range, &self.device);
            let output = self.state.model.forward(images.clone());
            let mse = loss::squared_error(output.reconstruction, images, output.weight);
            let ce = loss::cross_entropy(output.logits.clone(), labels.clone());
            Tensor::cat(vec![mse, ce, loss::correct(output.logits, labels)], 0)
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
    fn an_evaluation_in_parts_equals_one_in_a_single_call() {
        let dataset = Arc::new(DataSource::Bundled(BundledSet::Mnist).load().unwrap());
        let config = RunConfig {
            architecture: Architecture::FcSmall,
            ..RunConfig::default()
        };
        let trainer = Trainer::new(&config, dataset, &Device::flex())
            .and_then(|trainer| trainer.with_cores(1))
            .unwrap();
        let in_one_call = trainer.evaluate().unwrap();
        let mut sums = EvaluationSums::default();
        // Twice, since the second evaluation must start over.
        for _ in 0..2 {
            let calls = Cell::new(0);
            let in_parts = loop {
                assert_eq!(trainer.evaluated_share(&sums), calls.get() as f32 / 8.0);
                calls.set(calls.get() + 1);
                if let Some(metrics) = trainer.continue_evaluation(&mut sums, || false).unwrap() {
                    break metrics;
                }
            };
            assert_eq!(calls.get(), 8, "2,000 images, 250 at a time");
            assert_eq!(in_parts, in_one_call);
        }
    }
}
