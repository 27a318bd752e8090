//! Batch normalisation as PyTorch defines it.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor, activation, module::max_pool2d, ops::MaxPoolOptions},
};

use super::ForwardContext;
use crate::kernels::{self, BatchNormParameters};

/// Weight of a new batch in the running statistics.
const MOMENTUM: f64 = 0.1;

/// Normalises each channel over the batch and, for images, over rows and columns.
///
/// Training uses mean and biased variance of the batch and updates the running mean and variance
/// (unbiased) with weight 0.1; evaluation uses the running statistics, which are parameters without
/// gradient.
#[derive(Module, Debug)]
pub struct BatchNorm {
    weight: Option<Param<Tensor<1>>>,
    bias: Option<Param<Tensor<1>>>,
    running_mean: Param<Tensor<1>>,
    running_variance: Param<Tensor<1>>,
    epsilon: f64,
}

impl BatchNorm {
    /// With a trained weight and bias for each channel, and ε = 1e-5.
    pub fn new(channels: usize, device: &Device) -> Self {
        let trained = |value: Tensor<1>| Some(Param::from_tensor(value));
        Self {
            weight: trained(Tensor::ones([channels], device)),
            bias: trained(Tensor::zeros([channels], device)),
            ..Self::without_affine(channels, 1e-5, device)
        }
    }

    /// Without weight and bias.
    pub fn without_affine(channels: usize, epsilon: f64, device: &Device) -> Self {
        let running = |value: Tensor<1>| Param::from_tensor(value).set_require_grad(false);
        Self {
            weight: None,
            bias: None,
            running_mean: running(Tensor::zeros([channels], device)),
            running_variance: running(Tensor::ones([channels], device)),
            epsilon,
        }
    }

    /// Normalises `x`, `[batch, channels, …]`; same shape.
    pub fn forward<const D: usize>(&self, x: Tensor<D>, context: &mut ForwardContext) -> Tensor<D> {
        let dims = x.dims();
        let mut shape = [1; D];
        shape[1] = dims[1];
        let (centred, variance) = if context.is_training() {
            let mean = mean_of_channels(x.clone());
            let centred = x - mean.clone();
            let variance = mean_of_channels(centred.clone().square());
            self.update_statistics(
                mean.reshape([dims[1]]),
                variance.clone().reshape([dims[1]]),
                dims,
                context,
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

    /// [`Self::forward`] of `[batch, channels, height, width]`; then, with a padding in `pool` (0 or
    /// 1 for height and width, which must be even), max-pooling of windows of 2×2; then ReLU.
    pub fn forward_pool_relu(
        &self,
        x: Tensor<4>,
        pool: Option<[usize; 2]>,
        context: &mut ForwardContext,
    ) -> Tensor<4> {
        self.forward_pool_relu_on_cpu(&x, pool, context)
            .unwrap_or_else(|| {
                let x = self.forward(x, context);
                activation::relu(match pool {
                    Some(padding) => {
                        max_pool2d(x, MaxPoolOptions::new([2, 2]).with_padding(padding))
                    }
                    None => x,
                })
            })
    }

    fn forward_pool_relu_on_cpu(
        &self,
        x: &Tensor<4>,
        pool: Option<[usize; 2]>,
        context: &mut ForwardContext,
    ) -> Option<Tensor<4>> {
        let (weight, bias) = (self.weight.as_ref()?.val(), self.bias.as_ref()?.val());
        let [mean, variance] = if context.is_training() {
            let [mean, variance] = kernels::batch_statistics(x)?;
            self.update_statistics(mean.clone(), variance.clone(), x.dims(), context);
            [mean, variance]
        } else if weight.is_autodiff() || x.is_autodiff() {
            // The gradient of the kernel is that of training.
            return None;
        } else {
            [self.running_mean.val(), self.running_variance.val()]
        };
        let parameters = BatchNormParameters {
            weight,
            bias,
            mean,
            variance,
            epsilon: self.epsilon,
        };
        kernels::bn_pool_relu(x.clone(), parameters, pool)
    }

    /// Updates the running statistics with those of a batch of shape `dims`.
    fn update_statistics<const D: usize>(
        &self,
        mean: Tensor<1>,
        variance: Tensor<1>,
        dims: [usize; D],
        context: &mut ForwardContext,
    ) {
        let count = dims.iter().product::<usize>() / dims[1].max(1);
        // A single value has no unbiased variance: an error in PyTorch, here the biased one is used.
        let unbiased = count as f64 / (count.max(2) - 1) as f64;
        let mut update = |running: &Param<Tensor<1>>, batch: Tensor<1>| {
            let old = running.val().inner().mul_scalar(1.0 - MOMENTUM);
            context.update_statistic(running, old + batch.inner().mul_scalar(MOMENTUM));
        };
        update(&self.running_mean, mean);
        update(&self.running_variance, variance.mul_scalar(unbiased));
    }
}

/// Mean over every dimension but the second; the others keep size 1.
fn mean_of_channels<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    (0..D).filter(|&dim| dim != 1).fold(x, Tensor::mean_dim)
}
