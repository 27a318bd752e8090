//! The block of encoder and classifier of the convolutional networks.

use burn::{
    module::Module,
    tensor::{Tensor, module::max_pool2d, ops::MaxPoolOptions},
};

use crate::model::{ForwardContext, batch_norm::BatchNorm, conv::Conv};

/// Position of the max-pool that halves height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    None,
    BeforeNorm,
    AfterNorm,
}

/// Output side of a max-pool for an even `side`: half of it, rounded up to an even number.
pub fn pooled_side(side: usize) -> usize {
    side / 2 + pool_padding(side)
}

/// Padding at both ends of a side that makes the output side even.
fn pool_padding(side: usize) -> usize {
    side / 2 % 2
}

/// Convolution, dropout of whole channels, batch normalisation, optional max-pool, ReLU.
#[derive(Module, Debug)]
pub struct Block {
    pub conv: Conv,
    pub norm: BatchNorm,
    #[module(skip)]
    pub pool: Pool,
    /// Probability that training sets a channel of an image to zero.
    pub dropout: f64,
}

impl Block {
    /// `[batch, channels, height, width]`; height and width must be even where there is a pool.
    pub fn forward(&self, x: Tensor<4>, context: &mut ForwardContext) -> Tensor<4> {
        let x = drop_channels(self.conv.forward(x), self.dropout, context);
        let [_, _, height, width] = x.dims();
        let padding = [pool_padding(height), pool_padding(width)];
        match self.pool {
            Pool::None => self.norm.forward_pool_relu(x, None, context),
            Pool::AfterNorm => self.norm.forward_pool_relu(x, Some(padding), context),
            Pool::BeforeNorm => {
                let x = max_pool2d(x, MaxPoolOptions::new([2, 2]).with_padding(padding));
                self.norm.forward_pool_relu(x, None, context)
            }
        }
    }
}

/// In training, sets each channel of each image to zero with `probability` and scales the others so
/// that the mean stays.
fn drop_channels(x: Tensor<4>, probability: f64, context: &mut ForwardContext) -> Tensor<4> {
    if probability == 0.0 {
        return x;
    }
    let [batch, channels, _, _] = x.dims();
    match context.uniform(channels, &x.device()) {
        Some(uniform) => {
            let factors = uniform
                .greater_equal_elem(probability)
                .float()
                .div_scalar(1.0 - probability)
                .reshape([batch, channels, 1, 1]);
            x * factors
        }
        None => x,
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn dropout_zeroes_whole_channels_and_keeps_the_mean() {
        const CHANNELS: usize = 400;
        let ones = Tensor::ones([5, CHANNELS, 2, 3], &Device::flex());
        let evaluated = drop_channels(ones.clone(), 0.2, &mut ForwardContext::evaluation());
        let values = |x: Tensor<4>| -> Vec<f32> { x.try_into_vec_as().unwrap() };
        assert!(values(evaluated).iter().all(|x| *x == 1.0));

        let trained = drop_channels(ones, 0.2, &mut ForwardContext::training(1, 0, 0..5));
        let trained = values(trained);
        let is = |channel: &&[f32], value: f32| channel.iter().all(|x| *x == value);
        let channels = || trained.chunks(6);
        assert!(channels().all(|channel| is(&channel, 0.0) || is(&channel, 1.25)));
        let dropped = channels().filter(|channel| is(channel, 0.0)).count();
        let share = dropped as f64 / (5 * CHANNELS) as f64;
        // Four standard deviations of 2,000 samples.
        assert!((share - 0.2).abs() < 0.036, "{share}");
    }

    #[test]
    fn random_values_of_an_image_depend_on_seed_step_and_index_only() {
        let uniform = |mut context: ForwardContext| context.uniform_values(3).unwrap();
        let whole = uniform(ForwardContext::training(1, 7, 0..4));
        let mut parts = uniform(ForwardContext::training(1, 7, 0..1));
        parts.extend(uniform(ForwardContext::training(1, 7, 1..4)));
        assert_eq!(parts, whole);
        let mut all = whole.clone();
        all.extend(uniform(ForwardContext::training(1, 8, 0..4)));
        all.extend(uniform(ForwardContext::training(2, 7, 0..4)));
        all.sort_by(f32::total_cmp);
        all.dedup();
        assert_eq!(all.len(), 3 * whole.len(), "values repeat");
    }
}
