//! Layer normalisation of tokens of images that lie abreast.

use super::{Wide, ZERO, bias_gradient, sum};

/// Remembers of the tokens it has normalised what the way back needs.
#[derive(Clone, Debug, Default)]
pub struct Norm {
    /// What scale and shift were applied to, `[tokens, embed]`.
    plain: Vec<Wide>,
    /// 1 / √(variance + ε) of each token.
    inverse: Vec<Wide>,
}

impl Norm {
    /// Normalises every token of `x` over its values, then multiplies by `scale` and adds `shift`.
    pub fn forward(
        &mut self,
        x: &[Wide],
        [scale, shift]: [&[f32]; 2],
        epsilon: f32,
        to: &mut [Wide],
    ) {
        let embed = scale.len();
        self.plain.resize(x.len(), ZERO);
        self.inverse.resize(x.len() / embed, ZERO);
        let tokens = x
            .chunks_exact(embed)
            .zip(self.plain.chunks_exact_mut(embed))
            .zip(to.chunks_exact_mut(embed))
            .zip(&mut self.inverse);
        for (((x, plain), to), inverse) in tokens {
            let mean = mean(x, |x| *x);
            for (plain, x) in plain.iter_mut().zip(x) {
                *plain = each(|lane| x[lane] - mean[lane]);
            }
            let variance = self::mean(plain, |x| each(|lane| x[lane] * x[lane]));
            *inverse = each(|lane| 1.0 / (variance[lane] + epsilon).sqrt());
            let factors = scale.iter().zip(shift);
            for ((plain, to), (scale, shift)) in plain.iter_mut().zip(to).zip(factors) {
                *plain = each(|lane| plain[lane] * inverse[lane]);
                *to = each(|lane| plain[lane] * scale + shift);
            }
        }
    }

    /// Adds to `to` the gradient of the tokens that were normalised last, and to `sums` (scale, then
    /// shift) those of the parameters. `gradient` is overwritten.
    pub fn backward(
        &self,
        gradient: &mut [Wide],
        scale: &[f32],
        sums: &mut [f32],
        to: &mut [Wide],
    ) {
        let embed = scale.len();
        let (to_scale, to_shift) = sums.split_at_mut(embed);
        bias_gradient(gradient, to_shift);
        for (value, to_scale) in to_scale.iter_mut().enumerate() {
            let mut total = ZERO;
            let pairs = gradient[value..].iter().zip(&self.plain[value..]);
            for (g, plain) in pairs.step_by(embed) {
                total = each(|lane| total[lane] + g[lane] * plain[lane]);
            }
            *to_scale += sum(total);
        }
        let tokens = gradient
            .chunks_exact_mut(embed)
            .zip(self.plain.chunks_exact(embed))
            .zip(to.chunks_exact_mut(embed))
            .zip(&self.inverse);
        for (((gradient, plain), to), inverse) in tokens {
            let mut along = ZERO;
            for ((g, plain), scale) in gradient.iter_mut().zip(plain).zip(scale) {
                *g = each(|lane| g[lane] * scale);
                along = each(|lane| along[lane] + g[lane] * plain[lane]);
            }
            let shared = mean(gradient, |g| *g);
            let along: Wide = each(|lane| along[lane] / embed as f32);
            for ((to, g), plain) in to.iter_mut().zip(gradient).zip(plain) {
                *to = each(|lane| {
                    let own = g[lane] - shared[lane] - plain[lane] * along[lane];
                    to[lane] + inverse[lane] * own
                });
            }
        }
    }
}

/// One value for each image.
#[inline]
fn each(value: impl Fn(usize) -> f32) -> Wide {
    let mut wide = ZERO;
    for (lane, to) in wide.iter_mut().enumerate() {
        *to = value(lane);
    }
    wide
}

#[inline]
fn mean(values: &[Wide], of: impl Fn(&Wide) -> Wide) -> Wide {
    let mut total = ZERO;
    for x in values {
        let x = of(x);
        total = each(|lane| total[lane] + x[lane]);
    }
    each(|lane| total[lane] / values.len() as f32)
}
