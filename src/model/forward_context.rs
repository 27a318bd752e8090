//! One way through a network: evaluation, or one step of training.

use std::ops::Range;

use burn::{
    module::{Module, ModuleMapper, Param, ParamId},
    tensor::{Device, Tensor, TensorData},
};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::rng;

/// Carries through the layers what training needs beside the images: randomness on the way in,
/// new running statistics on the way out.
#[derive(Debug, Default)]
pub struct ForwardContext {
    /// One generator for each image of the batch; none in evaluation.
    chance: Option<Vec<ChaCha8Rng>>,
    renewed: Vec<(ParamId, Tensor<1>)>,
}

impl ForwardContext {
    /// Nothing is random, and running statistics are used as they are.
    pub fn evaluation() -> Self {
        Self::default()
    }

    /// Step number `step` of a run, seen by the images at `places` of its batch. What is random
    /// for an image depends on seed, step and place alone, however the batch is cut.
    pub fn training(seed: u64, step: u64, places: Range<usize>) -> Self {
        Self {
            chance: Some(
                places
                    .map(|place| rng::from_stream(seed, rng::noise_stream(step, place)))
                    .collect(),
            ),
            renewed: Vec::new(),
        }
    }

    /// Whether weights are being trained.
    pub fn is_training(&self) -> bool {
        self.chance.is_some()
    }

    /// `count` numbers uniform in [0, 1) for every image, `[batch, count]`; `None` in evaluation.
    pub fn uniform(&mut self, count: usize, device: &Device) -> Option<Tensor<2>> {
        let numbers = self.numbers(count)?;
        let shape = [numbers.len() / count.max(1), count];
        Some(Tensor::from_data(TensorData::new(numbers, shape), device))
    }

    /// The same as plain numbers, image by image.
    pub fn numbers(&mut self, count: usize) -> Option<Vec<f32>> {
        let numbers = self
            .chance
            .as_mut()?
            .iter_mut()
            .flat_map(|generator| (0..count).map(|_| generator.random()));
        Some(numbers.collect())
    }

    /// Notes the value that `statistic` shall have after this step.
    pub fn update_statistic(&mut self, statistic: &Param<Tensor<1>>, value: Tensor<1>) {
        self.renewed.push((statistic.id, value));
    }

    /// `module` with the statistics that this pass has noted.
    pub fn update_statistics<M: Module>(self, module: M) -> M {
        if self.renewed.is_empty() {
            return module;
        }
        module.map(&mut Renew(self.renewed))
    }
}

struct Renew(Vec<(ParamId, Tensor<1>)>);

impl ModuleMapper for Renew {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        match self.0.iter().position(|(id, _)| *id == param.id) {
            Some(place) => {
                let (_, value) = self.0.swap_remove(place);
                param.map(|old| value.reshape(old.dims()))
            }
            None => param,
        }
    }
}
