//! State of one forward pass: evaluation, or one step of training.

use std::ops::Range;

use burn::{
    module::{Module, ModuleMapper, Param, ParamId},
    tensor::{Device, Tensor, TensorData},
};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::rng;

/// Random generators for the layers, and the running statistics that they compute.
#[derive(Debug, Default)]
pub struct ForwardContext {
    /// One generator for each image of the batch; `None` in evaluation.
    rngs: Option<Vec<ChaCha8Rng>>,
    /// New values of running statistics.
    statistics: Vec<(ParamId, Tensor<1>)>,
}

impl ForwardContext {
    /// A pass without randomness that uses the running statistics.
    pub fn evaluation() -> Self {
        Self::default()
    }

    /// Step `step` of a run for the images at `indices` of its batch. Random values of an image depend
    /// on seed, step and index only, however the batch is split.
    pub fn training(seed: u64, step: u64, indices: Range<usize>) -> Self {
        Self {
            rngs: Some(
                indices
                    .map(|index| rng::from_stream(seed, rng::noise_stream(step, index)))
                    .collect(),
            ),
            statistics: Vec::new(),
        }
    }

    /// Whether this is a step of training.
    pub fn is_training(&self) -> bool {
        self.rngs.is_some()
    }

    /// `count` values uniform in [0, 1) for each image, `[batch, count]`; `None` in evaluation.
    pub fn uniform(&mut self, count: usize, device: &Device) -> Option<Tensor<2>> {
        let values = self.uniform_values(count)?;
        let shape = [values.len() / count.max(1), count];
        Some(Tensor::from_data(TensorData::new(values, shape), device))
    }

    /// [`Self::uniform`] as plain values, image by image.
    pub fn uniform_values(&mut self, count: usize) -> Option<Vec<f32>> {
        let values = self
            .rngs
            .as_mut()?
            .iter_mut()
            .flat_map(|rng| (0..count).map(|_| rng.random()));
        Some(values.collect())
    }

    /// Stores the value of a running statistic after this step.
    pub fn update_statistic(&mut self, statistic: &Param<Tensor<1>>, value: Tensor<1>) {
        self.statistics.push((statistic.id, value));
    }

    /// Returns `module` with the running statistics of this step.
    pub fn update_statistics<M: Module>(self, module: M) -> M {
        if self.statistics.is_empty() {
            return module;
        }
        module.map(&mut StatisticsMapper(self.statistics))
    }
}

struct StatisticsMapper(Vec<(ParamId, Tensor<1>)>);

impl ModuleMapper for StatisticsMapper {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.iter().position(|(id, _)| *id == param.id) {
            Some(index) => {
                let (_, value) = self.0.swap_remove(index);
                param.map(|old| value.reshape(old.dims()))
            }
            None => param,
        }
    }
}
