//! Batch normalisation, max-pool and ReLU of maps in one go.

use std::ops::Range;

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use super::{Kernel, is_cpu, operand, run, sum_over_chunks, values};
use crate::kernels::sums::sum;

/// Mean and (biased) variance of each channel of `x`, `[batch, channels, height, width]`, over the
/// batch and all places; `[channels]` each, constants for autodiff.
pub fn statistics(x: &Tensor<4>) -> Option<[Tensor<1>; 2]> {
    let device = x.device().inner();
    if !is_cpu(&device) {
        return None;
    }
    let shape = x.dims();
    let x = operand(x.clone().inner(), false)?;
    let (mean, variance) = mean_and_variance(values(&x.values), maps(shape));
    Some(
        [mean, variance]
            .map(|values| Tensor::from_data(TensorData::new(values, [shape[1]]), &device)),
    )
}

/// What there is to know of a normalisation beside its input.
#[derive(Clone, Debug)]
pub struct Normalisation {
    /// `[channels]`
    pub weight: Tensor<1>,
    /// `[channels]`
    pub bias: Tensor<1>,
    /// Mean and variance, `[channels]` each.
    pub statistics: [Tensor<1>; 2],
    pub epsilon: f64,
}

/// `x`, `[batch, channels, height, width]`, normalised, then pooled by windows of 2×2 if there is a
/// `pool` padding (0 or 1, of even sides), then cut off below 0.
///
/// Gradients are those of training: the statistics are taken to be those of `x` itself.
pub fn normalise(x: Tensor<4>, by: Normalisation, pool: Option<[usize; 2]>) -> Option<Tensor<4>> {
    if !is_cpu(&x.device()) {
        return None;
    }
    let shape = x.dims();
    let [mean, variance] = by.statistics;
    let plain = |tensor: Tensor<1>| operand(tensor.inner(), false);
    let variance = plain(variance)?;
    let kernel = Normalise {
        maps: maps(shape),
        pool,
        mean: values(&plain(mean)?.values).to_vec(),
        inverse_deviation: values(&variance.values)
            .iter()
            .map(|variance| (f64::from(*variance) + by.epsilon).sqrt().recip() as f32)
            .collect(),
        sources: Vec::new(),
    };
    let tracked = x.is_autodiff() || by.weight.is_autodiff() || by.bias.is_autodiff();
    let operands = [
        operand(x, tracked)?,
        operand(by.weight, tracked)?,
        operand(by.bias, tracked)?,
    ];
    Some(run(kernel, operands))
}

/// Maps of a batch.
#[derive(Clone, Copy, Debug)]
struct Maps {
    batch: usize,
    channels: usize,
    height: usize,
    width: usize,
}

fn maps([batch, channels, height, width]: [usize; 4]) -> Maps {
    Maps {
        batch,
        channels,
        height,
        width,
    }
}

impl Maps {
    /// Places of one channel of one image.
    fn plane(self) -> usize {
        self.height * self.width
    }

    /// Values of one channel in the whole batch.
    fn count(self) -> f32 {
        (self.batch * self.plane()).max(1) as f32
    }

    /// Sums over all images of what `of` makes of a plane, given its channel and its number.
    fn sums<const N: usize>(self, of: impl Fn(usize, usize) -> [f32; N] + Sync) -> Vec<[f32; N]> {
        let sums = sum_over_chunks(self.batch, |images| {
            let mut sums = vec![0.0; self.channels * N];
            for image in images {
                for (channel, sums) in sums.chunks_exact_mut(N).enumerate() {
                    let found = of(channel, image * self.channels + channel);
                    for (sum, x) in sums.iter_mut().zip(found) {
                        *sum += x;
                    }
                }
            }
            sums
        });
        sums.as_chunks().0.to_vec()
    }
}

fn mean_and_variance(x: &[f32], maps: Maps) -> (Vec<f32>, Vec<f32>) {
    let count = maps.count();
    let mean = maps.sums(|_, plane| {
        let plane = &x[range(plane, maps.plane())];
        [sum(plane, plane, |x, _| x)]
    });
    let mean: Vec<f32> = mean.into_iter().map(|[sum]| sum / count).collect();
    let variance = maps.sums(|channel, plane| {
        let (plane, mean) = (&x[range(plane, maps.plane())], mean[channel]);
        [sum(plane, plane, |x, _| (x - mean) * (x - mean))]
    });
    let variance = variance.into_iter().map(|[sum]| sum / count).collect();
    (mean, variance)
}

/// Place of plane number `plane` among planes of `size` values.
fn range(plane: usize, size: usize) -> Range<usize> {
    plane * size..(plane + 1) * size
}

/// The source of an output that was cut off at 0.
const NOWHERE: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct Normalise {
    maps: Maps,
    pool: Option<[usize; 2]>,
    mean: Vec<f32>,
    /// 1 / √(variance + ε)
    inverse_deviation: Vec<f32>,
    /// With a pool: for each output the place within its plane that it came from.
    sources: Vec<u32>,
}

impl Kernel<3> for Normalise {
    fn forward(&mut self, [x, weight, bias]: [&[f32]; 3]) -> (Vec<f32>, Vec<usize>) {
        let (maps, from) = (self.maps, self.maps.plane());
        let [height, width] = self.to();
        let to = height * width;
        let mut output = vec![0.0; maps.batch * maps.channels * to];
        if let Some(padding) = self.pool {
            let mut sources = vec![0; output.len()];
            (
                output.par_chunks_exact_mut(to),
                sources.par_chunks_exact_mut(to),
            )
                .into_par_iter()
                .enumerate()
                .for_each(|(plane, (output, sources))| {
                    let line = self.line(plane % maps.channels, weight, bias);
                    largest(
                        maps,
                        padding,
                        &x[range(plane, from)],
                        line,
                        (output, sources),
                    );
                });
            self.sources = sources;
        } else {
            let planes = output.par_chunks_exact_mut(to).enumerate();
            planes.for_each(|(plane, output)| {
                let (factor, offset) = self.line(plane % maps.channels, weight, bias);
                for (y, x) in output.iter_mut().zip(&x[range(plane, from)]) {
                    *y = cut(x * factor + offset);
                }
            });
        }
        (output, vec![maps.batch, maps.channels, height, width])
    }

    fn backward(
        &self,
        [x, weight, bias]: [&[f32]; 3],
        _: &[f32],
        gradient: &[f32],
        [to_x, ..]: [bool; 3],
    ) -> [Option<Vec<f32>>; 3] {
        let (maps, size) = (self.maps, self.maps.plane());
        let seen = |plane: usize| Seen {
            x: &x[range(plane, size)],
            gradient: &gradient[range(plane, gradient.len() / (maps.batch * maps.channels))],
            sources: self.pool.map(|_| {
                &self.sources[range(plane, self.sources.len() / (maps.batch * maps.channels))]
            }),
            line: self.line(plane % maps.channels, weight, bias),
        };
        // Of each channel Σ g and Σ g · x̂, g being the gradient where ReLU and pool let it through.
        let sums: Vec<[f32; 2]> = maps.sums(|channel, plane| {
            let [sum, product] = seen(plane).sums(self.mean[channel]);
            [sum, product * self.inverse_deviation[channel]]
        });
        let found = to_x.then(|| {
            let mut found = vec![0.0; x.len()];
            let planes = found.par_chunks_exact_mut(size).enumerate();
            planes.for_each(|(plane, found)| {
                let channel = plane % maps.channels;
                let inverse = self.inverse_deviation[channel];
                let factor = weight[channel] * inverse;
                let [shared, along] = sums[channel].map(|sum| sum / maps.count());
                // factor · (g − shared − x̂ · along)
                let slope = -factor * along * inverse;
                let offset = -factor * shared - slope * self.mean[channel];
                seen(plane).spread(factor, (slope, offset), found);
            });
            found
        });
        let [to_bias, to_weight] = [0, 1].map(|n| sums.iter().map(|sums| sums[n]).collect());
        [found, Some(to_weight), Some(to_bias)]
    }
}

impl Normalise {
    /// Height and width of the output.
    fn to(&self) -> [usize; 2] {
        let from = [self.maps.height, self.maps.width];
        match self.pool {
            Some(padding) => [0, 1].map(|axis| from[axis] / 2 + padding[axis]),
            None => from,
        }
    }

    /// Factor and offset that normalise, scale and shift a value of `channel`.
    fn line(&self, channel: usize, weight: &[f32], bias: &[f32]) -> (f32, f32) {
        let factor = self.inverse_deviation[channel] * weight[channel];
        (factor, bias[channel] - self.mean[channel] * factor)
    }
}

/// ReLU that lets through what is no number.
fn cut(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

/// Fills `largest` with the largest of each 2×2 window of `factor` · plane + `offset`, cut off
/// below 0, and `sources` with where it stood: of equals the first.
fn largest(
    maps: Maps,
    padding: [usize; 2],
    plane: &[f32],
    (factor, offset): (f32, f32),
    (largest, sources): (&mut [f32], &mut [u32]),
) {
    let Maps { height, width, .. } = maps;
    let to_width = width / 2 + padding[1];
    let rows = largest
        .chunks_exact_mut(to_width)
        .zip(sources.chunks_exact_mut(to_width));
    for (row, (largest, sources)) in rows.enumerate() {
        // At a padded edge a window sees one row or column alone: to look at it twice does no harm.
        let top = (2 * row).saturating_sub(padding[0]);
        let bottom = (2 * row + 1 - padding[0]).min(height - 1);
        let above = &plane[range(top, width)];
        let below = &plane[range(bottom, width)];
        let mut put = |column: usize, left: usize, right: usize, [a, b, c, d]: [f32; 4]| {
            let value = |x: f32| x * factor + offset;
            let (mut best, mut place) = (value(a), top * width + left);
            let mut unordered = best.is_nan();
            let mut look = |x: f32, at: usize| {
                let value = value(x);
                let better = value > best;
                best = if better { value } else { best };
                place = if better { at } else { place };
                unordered |= value.is_nan();
            };
            look(b, top * width + right);
            look(c, bottom * width + left);
            look(d, bottom * width + right);
            // What is no number must not get lost.
            largest[column] = cut(if unordered { f32::NAN } else { best });
            sources[column] = if best <= 0.0 { NOWHERE } else { place as u32 };
        };
        if padding[1] == 0 {
            let pairs = above.as_chunks().0.iter().zip(below.as_chunks().0);
            for (column, (&[a, b], &[c, d])) in pairs.enumerate() {
                put(column, 2 * column, 2 * column + 1, [a, b, c, d]);
            }
        } else {
            for column in 0..to_width {
                let left = (2 * column).saturating_sub(padding[1]);
                let right = (2 * column + 1 - padding[1]).min(width - 1);
                let window = [above[left], above[right], below[left], below[right]];
                put(column, left, right, window);
            }
        }
    }
}

/// A plane on the way back.
struct Seen<'a> {
    x: &'a [f32],
    gradient: &'a [f32],
    sources: Option<&'a [u32]>,
    line: (f32, f32),
}

impl Seen<'_> {
    /// Σ g and Σ g · (x − mean).
    fn sums(&self, mean: f32) -> [f32; 2] {
        let Some(sources) = self.sources else {
            let (factor, offset) = self.line;
            let through = |g: f32, x: f32| if x * factor + offset > 0.0 { g } else { 0.0 };
            return [
                sum(self.gradient, self.x, through),
                sum(self.gradient, self.x, |g, x| through(g, x) * (x - mean)),
            ];
        };
        let mut sums = [0.0; 2];
        for (source, g) in sources.iter().zip(self.gradient) {
            if *source != NOWHERE {
                sums[0] += g;
                sums[1] += g * (self.x[*source as usize] - mean);
            }
        }
        sums
    }

    /// `found` = factor · g + slope · x + offset.
    fn spread(&self, factor: f32, (slope, offset): (f32, f32), found: &mut [f32]) {
        let Some(sources) = self.sources else {
            let (forth, up) = self.line;
            for (found, (g, x)) in found.iter_mut().zip(self.gradient.iter().zip(self.x)) {
                let g = if x * forth + up > 0.0 { *g } else { 0.0 };
                *found = factor * g + slope * x + offset;
            }
            return;
        };
        for (found, x) in found.iter_mut().zip(self.x) {
            *found = slope * x + offset;
        }
        for (source, g) in sources.iter().zip(self.gradient) {
            if *source != NOWHERE {
                found[*source as usize] += factor * g;
            }
        }
    }
}
