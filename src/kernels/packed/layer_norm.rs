//! Layer normalisation of the tokens of packed images.

use super::{Packed, ZERO, add_bias_gradient, sum_slots};

/// ε of a layer normalisation, added to the variance.
pub const LAYER_NORM_EPSILON: f64 = 1e-5;

/// Layer normalisation that keeps what its gradient needs.
#[derive(Clone, Debug, Default)]
pub struct LayerNorm {
    /// The last tokens before scale and shift, `[tokens, embed]`.
    normalized: Vec<Packed>,
    /// 1 / √(variance + ε) of each token.
    inverse_deviation: Vec<Packed>,
}

impl LayerNorm {
    /// Normalises every token of `x`, `[tokens, embed]`, multiplies it by `scale`, adds `shift` and
    /// writes it to `output`.
    pub fn forward(&mut self, x: &[Packed], [scale, shift]: [&[f32]; 2], output: &mut [Packed]) {
        let embed = scale.len();
        self.normalized.resize(x.len(), ZERO);
        self.inverse_deviation.resize(x.len() / embed, ZERO);
        let tokens = x
            .chunks_exact(embed)
            .zip(self.normalized.chunks_exact_mut(embed))
            .zip(output.chunks_exact_mut(embed))
            .zip(&mut self.inverse_deviation);
        for (((x, normalized), output), inverse) in tokens {
            let mean = mean(x, |x| *x);
            for (centred, x) in normalized.iter_mut().zip(x) {
                *centred = each(|slot| x[slot] - mean[slot]);
            }
            let variance = self::mean(normalized, |x| each(|slot| x[slot] * x[slot]));
            *inverse = each(|slot| 1.0 / (variance[slot] + LAYER_NORM_EPSILON as f32).sqrt());
            let parameters = scale.iter().zip(shift);
            for ((x, y), (scale, shift)) in normalized.iter_mut().zip(output).zip(parameters) {
                *x = each(|slot| x[slot] * inverse[slot]);
                *y = each(|slot| x[slot] * scale + shift);
            }
        }
    }

    /// Adds the gradient of the last tokens to `x_gradient`, and those of scale and shift to
    /// `parameter_gradient`, one after the other. Overwrites `output_gradient`.
    pub fn backward(
        &self,
        output_gradient: &mut [Packed],
        scale: &[f32],
        parameter_gradient: &mut [f32],
        x_gradient: &mut [Packed],
    ) {
        let embed = scale.len();
        let (scale_gradient, shift_gradient) = parameter_gradient.split_at_mut(embed);
        add_bias_gradient(output_gradient, shift_gradient);
        for (index, to) in scale_gradient.iter_mut().enumerate() {
            let mut total = ZERO;
            let pairs = output_gradient[index..]
                .iter()
                .zip(&self.normalized[index..]);
            for (g, x) in pairs.step_by(embed) {
                total = each(|slot| total[slot] + g[slot] * x[slot]);
            }
            *to += sum_slots(total);
        }
        let tokens = output_gradient
            .chunks_exact_mut(embed)
            .zip(self.normalized.chunks_exact(embed))
            .zip(x_gradient.chunks_exact_mut(embed))
            .zip(&self.inverse_deviation);
        for (((gradient, normalized), x_gradient), inverse) in tokens {
            let mut product = ZERO;
            for ((g, x), scale) in gradient.iter_mut().zip(normalized).zip(scale) {
                *g = each(|slot| g[slot] * scale);
                product = each(|slot| product[slot] + g[slot] * x[slot]);
            }
            let mean_g = mean(gradient, |g| *g);
            let mean_product: Packed = each(|slot| product[slot] / embed as f32);
            for ((to, g), x) in x_gradient.iter_mut().zip(gradient).zip(normalized) {
                *to = each(|slot| {
                    let centred = g[slot] - mean_g[slot] - x[slot] * mean_product[slot];
                    to[slot] + inverse[slot] * centred
                });
            }
        }
    }
}

/// Computes a value for each image.
#[inline]
fn each(value: impl Fn(usize) -> f32) -> Packed {
    let mut packed = ZERO;
    for (slot, to) in packed.iter_mut().enumerate() {
        *to = value(slot);
    }
    packed
}

/// Mean of `term` over `values`, for each image.
#[inline]
fn mean(values: &[Packed], term: impl Fn(&Packed) -> Packed) -> Packed {
    let mut total = ZERO;
    for x in values {
        let x = term(x);
        total = each(|slot| total[slot] + x[slot]);
    }
    each(|slot| total[slot] / values.len() as f32)
}
