//! Batch normalisation as PyTorch defines it.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, activation, module::max_pool2d, ops::MaxPoolOptions},
};

use super::ForwardContext;
use crate::kernels;

/// Weight of a new batch in the running statistics.
const MOMENTUM: f64 = 0.1;

/// Normalises each channel over the whole batch and, for images, over all places.
///
/// In training with the mean and (biased) variance of the batch; in evaluation with the running
/// mean and variance, into which every training batch enters with weight 0.1, the variance
/// unbiased. The running statistics are parameters that no gradient reaches.
#[derive(Module, Debug)]
pub struct BatchNorm {
    weight: Option<Param<Tensor<1>>>,
    bias: Option<Param<Tensor<1>>>,
    running_mean: Param<Tensor<1>>,
    running_variance: Param<Tensor<1>>,
    epsilon: f64,
}

impl BatchNorm {
    /// With a trained scale and shift, and ε = 1e-5.
    pub fn new(channels: usize, device: &Device) -> Self {
        let trained = |value: Tensor<1>| Some(Param::from_tensor(value));
        Self {
            weight: trained(Tensor::ones([channels], device)),
            bias: trained(Tensor::zeros([channels], device)),
            ..Self::plain(channels, 1e-5, device)
        }
    }

    /// Without scale and shift.
    pub fn plain(channels: usize, epsilon: f64, device: &Device) -> Self {
        let running = |value: Tensor<1>| Param::from_tensor(value).set_require_grad(false);
        Self {
            weight: None,
            bias: None,
            running_mean: running(Tensor::zeros([channels], device)),
            running_variance: running(Tensor::ones([channels], device)),
            epsilon,
        }
    }

    /// Same shape; channels are dimension 1 of `x`, `[batch, channels, …]`.
    pub fn forward<const D: usize>(&self, x: Tensor<D>, pass: &mut ForwardContext) -> Tensor<D> {
        let dims = x.dims();
        let mut shape = [1; D];
        shape[1] = dims[1];
        let (centred, variance) = if pass.is_training() {
            let mean = mean_of_channels(x.clone());
            let centred = x - mean.clone();
            let variance = mean_of_channels(centred.clone().square());
            self.remember(
                mean.reshape([dims[1]]),
                variance.clone().reshape([dims[1]]),
                dims,
                pass,
            );
            (centred, variance)
        } else {
            let mean = self.running_mean.val().reshape(shape);
            (x - mean, self.running_variance.val().reshape(shape))
        };
        let scale = variance.add_scalar(self.epsilon).sqrt().recip();
        let scale = match &self.weight {
            Some(weight) => scale * weight.val().reshape(shape),
            None => scale,
        };
        match &self.bias {
            Some(bias) => centred * scale + bias.val().reshape(shape),
            None => centred * scale,
        }
    }

    /// [`Self::forward`] of maps `[batch, channels, height, width]`, then a max-pool over windows of
    /// 2×2 where there is a `pool` padding (0 or 1, of even sides), then a ReLU.
    pub fn activate(
        &self,
        x: Tensor<4>,
        pool: Option<[usize; 2]>,
        pass: &mut ForwardContext,
    ) -> Tensor<4> {
        self.activate_on_cpu(&x, pool, pass).unwrap_or_else(|| {
            let x = self.forward(x, pass);
            activation::relu(match pool {
                Some(padding) => max_pool2d(x, MaxPoolOptions::new([2, 2]).with_padding(padding)),
                None => x,
            })
        })
    }

    fn activate_on_cpu(
        &self,
        x: &Tensor<4>,
        pool: Option<[usize; 2]>,
        pass: &mut ForwardContext,
    ) -> Option<Tensor<4>> {
        let (weight, bias) = (self.weight.as_ref()?.val(), self.bias.as_ref()?.val());
        let statistics = if pass.is_training() {
            let [mean, variance] = kernels::statistics(x)?;
            self.remember(mean.clone(), variance.clone(), x.dims(), pass);
            [mean, variance]
        } else if weight.is_autodiff() || x.is_autodiff() {
            // Nobody trains with fixed statistics here; burn would know the gradients.
            return None;
        } else {
            [self.running_mean.val(), self.running_variance.val()]
        };
        let by = kernels::Normalisation {
            weight,
            bias,
            statistics,
            epsilon: self.epsilon,
        };
        kernels::normalise(x.clone(), by, pool)
    }

    /// Lets the statistics of a batch of shape `dims` flow into the running ones.
    fn remember<const D: usize>(
        &self,
        mean: Tensor<1>,
        variance: Tensor<1>,
        dims: [usize; D],
        pass: &mut ForwardContext,
    ) {
        let count = dims.iter().product::<usize>() / dims[1].max(1);
        // A single value has no unbiased variance: PyTorch refuses it, here it stays biased.
        let unbiased = count as f64 / (count.max(2) - 1) as f64;
        let mut renew = |running: &Param<Tensor<1>>, batch: Tensor<1>| {
            let old = running.val().inner().mul_scalar(1.0 - MOMENTUM);
            pass.update_statistic(running, old + batch.inner().mul_scalar(MOMENTUM));
        };
        renew(&self.running_mean, mean);
        renew(&self.running_variance, variance.mul_scalar(unbiased));
    }
}

/// Mean over every dimension but the second, which keeps their places with size 1.
fn mean_of_channels<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    (0..D).filter(|&dim| dim != 1).fold(x, Tensor::mean_dim)
}
