//! What encoder and classifier of the convolutional networks are made of.

use burn::{
    module::Module,
    tensor::{Tensor, module::max_pool2d, ops::MaxPoolOptions},
};

use super::{ForwardContext, batch_norm::BatchNorm, conv::Conv};

/// Where a block halves height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pool {
    None,
    BeforeNorm,
    AfterNorm,
}

/// What a pool makes of an even side: its half, rounded up to an even number.
pub fn halved(side: usize) -> usize {
    side / 2 + pool_padding(side)
}

/// What a pool adds on both ends of a side, so that half of it is even.
fn pool_padding(side: usize) -> usize {
    side / 2 % 2
}

/// Convolution, dropout of whole channels, normalisation, perhaps a max-pool, ReLU.
#[derive(Module, Debug)]
pub struct Block {
    pub conv: Conv,
    pub norm: BatchNorm,
    #[module(skip)]
    pub pool: Pool,
    /// Share of channels that training silences.
    pub dropout: f64,
}

impl Block {
    /// `[batch, channels, height, width]`; the sides even where there is a pool.
    pub fn forward(&self, x: Tensor<4>, pass: &mut ForwardContext) -> Tensor<4> {
        let x = drop_channels(self.conv.forward(x), self.dropout, pass);
        let [_, _, height, width] = x.dims();
        let padding = [pool_padding(height), pool_padding(width)];
        match self.pool {
            Pool::None => self.norm.activate(x, None, pass),
            Pool::AfterNorm => self.norm.activate(x, Some(padding), pass),
            Pool::BeforeNorm => {
                let x = max_pool2d(x, MaxPoolOptions::new([2, 2]).with_padding(padding));
                self.norm.activate(x, None, pass)
            }
        }
    }
}

/// Training silences each channel of each image with this probability, and raises the others so
/// that their mean stays.
fn drop_channels(x: Tensor<4>, probability: f64, pass: &mut ForwardContext) -> Tensor<4> {
    if probability == 0.0 {
        return x;
    }
    let [batch, channels, _, _] = x.dims();
    match pass.uniform(channels, &x.device()) {
        Some(draws) => {
            let kept = draws
                .greater_equal_elem(probability)
                .float()
                .div_scalar(1.0 - probability)
                .reshape([batch, channels, 1, 1]);
            x * kept
        }
        None => x,
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[test]
    fn training_silences_whole_channels_and_keeps_the_mean() {
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
        let silent = channels().filter(|channel| is(channel, 0.0)).count();
        let share = silent as f64 / (5 * CHANNELS) as f64;
        // Four standard deviations of 2,000 draws.
        assert!((share - 0.2).abs() < 0.036, "{share}");
    }

    #[test]
    fn what_is_random_for_an_image_depends_on_seed_step_and_place_alone() {
        let draws = |pass: &mut ForwardContext| -> Vec<f32> {
            let draws = pass.uniform(3, &Device::flex()).unwrap();
            draws.try_into_vec_as().unwrap()
        };
        let whole = draws(&mut ForwardContext::training(1, 7, 0..4));
        let mut parts = draws(&mut ForwardContext::training(1, 7, 0..1));
        parts.extend(draws(&mut ForwardContext::training(1, 7, 1..4)));
        assert_eq!(parts, whole);
        let mut all = whole.clone();
        all.extend(draws(&mut ForwardContext::training(1, 8, 0..4)));
        all.extend(draws(&mut ForwardContext::training(2, 7, 0..4)));
        all.sort_by(f32::total_cmp);
        all.dedup();
        assert_eq!(all.len(), 3 * whole.len(), "some draws repeat");
    }
}
