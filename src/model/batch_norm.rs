//! Batch normalisation as PyTorch defines it.

use burn::{
    module::{Module, Param},
    tensor::{Device, Tensor},
};

use super::Pass;

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
    pub fn forward<const D: usize>(&self, x: Tensor<D>, pass: &mut Pass) -> Tensor<D> {
        let dims = x.dims();
        let mut shape = [1; D];
        shape[1] = dims[1];
        let (centred, variance) = if pass.is_training() {
            let count = dims.iter().product::<usize>() / dims[1].max(1);
            let mean = mean_of_channels(x.clone());
            let centred = x - mean.clone();
            let variance = mean_of_channels(centred.clone().square());
            // A batch of one value has no unbiased variance: PyTorch refuses it, here it stays biased.
            let unbiased = count as f64 / (count.max(2) - 1) as f64;
            self.remember(
                mean.clone().reshape([dims[1]]),
                variance.clone().reshape([dims[1]]).mul_scalar(unbiased),
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

    fn remember(&self, mean: Tensor<1>, variance: Tensor<1>, pass: &mut Pass) {
        for (running, batch) in [
            (&self.running_mean, mean),
            (&self.running_variance, variance),
        ] {
            let old = running.val().inner().mul_scalar(1.0 - MOMENTUM);
            pass.renew(running, old + batch.inner().mul_scalar(MOMENTUM));
        }
    }
}

/// Mean over every dimension but the second, which keeps their places with size 1.
fn mean_of_channels<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    (0..D).filter(|&dim| dim != 1).fold(x, Tensor::mean_dim)
}
