//! Adam with readable and writable state.

use std::collections::HashMap;

use burn::{
    module::{Module as _, ModuleMapper, Param, ParamId},
    optim::{
        Adam as Rule, AdamConfig, AdamState, AdaptiveMomentumState, GradientsParams, Optimizer as _,
    },
    tensor::Tensor,
};

use crate::model::Cre;

/// burn's Adam with PyTorch's settings, and its state per parameter.
#[derive(Clone)]
pub struct Adam {
    rule: Rule,
    moments: HashMap<ParamId, Moments>,
}

/// Adam's state of one parameter.
#[derive(Clone, Debug)]
pub struct Moments {
    /// Number of updates.
    pub steps: usize,
    /// Running mean of the gradient, flattened.
    pub first: Tensor<1>,
    /// Running mean of its square, flattened.
    pub second: Tensor<1>,
}

impl Default for Adam {
    /// No updates yet.
    fn default() -> Self {
        Self::with_moments(HashMap::new())
    }
}

impl Adam {
    /// Continues with the state of each parameter.
    pub fn with_moments(moments: HashMap<ParamId, Moments>) -> Self {
        Self {
            // burn's default ε is 1e-5; PyTorch's, and so the authors', is 1e-8.
            rule: AdamConfig::new().with_epsilon(1e-8).build(),
            moments,
        }
    }

    /// The state of a parameter, once it has been updated.
    pub fn moments(&self, id: ParamId) -> Option<&Moments> {
        self.moments.get(&id)
    }

    /// `model`, which is without autodiff, after one update. Parameters without gradient are kept.
    pub fn step(&mut self, rate: f64, model: Cre, gradients: GradientsParams) -> Cre {
        model.map(&mut Update {
            adam: self,
            rate,
            gradients,
        })
    }
}

struct Update<'a> {
    adam: &'a mut Adam,
    rate: f64,
    gradients: GradientsParams,
}

impl ModuleMapper for Update<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(param.id) else {
            return param;
        };
        let id = param.id;
        let Adam { rule, moments } = &mut *self.adam;
        let rate = self.rate;
        param.map(|value| {
            let dims = value.dims();
            let state = moments.remove(&id).map(|moments| {
                AdamState::new(AdaptiveMomentumState::new(
                    moments.steps,
                    moments.first.reshape(dims),
                    moments.second.reshape(dims),
                ))
            });
            let (value, state) = rule.step(rate, value, gradient, state);
            if let Some(AdamState { momentum }) = state {
                let size: usize = dims.iter().product();
                let updated = Moments {
                    steps: momentum.time,
                    first: momentum.moment_1.reshape([size]),
                    second: momentum.moment_2.reshape([size]),
                };
                moments.insert(id, updated);
            }
            value
        })
    }
}
