//! Batch normalisation, 2×2 max-pooling and ReLU of feature maps in one operation.

use std::ops::Range;

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

use super::{
    activation::relu,
    operation::{Kernel, Operand, is_cpu, run},
    sums::{sum, sum_over_chunks},
};

/// Mean and biased variance of each channel of `x`, `[batch, channels, height, width]`, over batch,
/// rows and columns: `[channels]` each, without gradient.
pub fn batch_statistics(x: &Tensor<4>) -> Option<[Tensor<1>; 2]> {
    let device = x.device().inner();
    if !is_cpu(&device) {
        return None;
    }
    let maps = Maps::new(x.dims());
    let x = Operand::new(x.clone().inner())?;
    let (mean, variance) = mean_and_variance(x.values(), maps);
    Some(
        [mean, variance]
            .map(|values| Tensor::from_data(TensorData::new(values, [maps.channels]), &device)),
    )
}

/// Parameters and statistics of a batch normalisation, `[channels]` each.
#[derive(Clone, Debug)]
pub struct BatchNormParameters {
    pub weight: Tensor<1>,
    pub bias: Tensor<1>,
    pub mean: Tensor<1>,
    pub variance: Tensor<1>,
    pub epsilon: f64,
}

/// Normalises `x`, `[batch, channels, height, width]`; then, with a padding in `pool` (0 or 1 for
/// height and width, which must be even), max-pools windows of 2×2; then applies ReLU.
///
/// The gradient is that of training: mean and variance are taken to be those of `x` itself.
pub fn bn_pool_relu(
    x: Tensor<4>,
    parameters: BatchNormParameters,
    pool: Option<[usize; 2]>,
) -> Option<Tensor<4>> {
    let maps = Maps::new(x.dims());
    let x = Operand::new(x)?;
    let mean = Operand::new(parameters.mean.inner())?;
    let variance = Operand::new(parameters.variance.inner())?;
    let kernel = BnPoolRelu {
        maps,
        pool,
        mean: mean.values().to_vec(),
        inverse_deviation: variance
            .values()
            .iter()
            .map(|variance| {
                let variance = f64::from(*variance) + parameters.epsilon;
                variance.sqrt().recip() as f32
            })
            .collect(),
        sources: Vec::new(),
    };
    let operands = [
        x,
        Operand::new(parameters.weight)?,
        Operand::new(parameters.bias)?,
    ];
    Some(run(kernel, operands))
}

/// Sizes of the maps of a batch. A plane is one channel of one image.
#[derive(Clone, Copy, Debug)]
struct Maps {
    batch: usize,
    channels: usize,
    height: usize,
    width: usize,
}

impl Maps {
    fn new([batch, channels, height, width]: [usize; 4]) -> Self {
        Self {
            batch,
            channels,
            height,
            width,
        }
    }

    /// Number of planes.
    fn planes(self) -> usize {
        self.batch * self.channels
    }

    /// Values of a plane.
    fn plane_size(self) -> usize {
        self.height * self.width
    }

    /// Values of one channel in the whole batch.
    fn channel_size(self) -> f32 {
        (self.batch * self.plane_size()).max(1) as f32
    }

    /// Sums over all images of `terms(channel, plane)`, for each channel.
    fn sums<const N: usize>(
        self,
        terms: impl Fn(usize, usize) -> [f32; N] + Sync,
    ) -> Vec<[f32; N]> {
        let sums = sum_over_chunks(self.batch, |images| {
            let mut sums = vec![0.0; self.channels * N];
            for image in images {
                for (channel, sums) in sums.chunks_exact_mut(N).enumerate() {
                    let terms = terms(channel, image * self.channels + channel);
                    for (sum, x) in sums.iter_mut().zip(terms) {
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
    let count = maps.channel_size();
    let sums = maps.sums(|_, plane| {
        let plane = &x[range(plane, maps.plane_size())];
        [sum(plane, plane, |x, _| x)]
    });
    let mean: Vec<f32> = sums.into_iter().map(|[sum]| sum / count).collect();
    let squares = maps.sums(|channel, plane| {
        let (plane, mean) = (&x[range(plane, maps.plane_size())], mean[channel]);
        [sum(plane, plane, |x, _| (x - mean) * (x - mean))]
    });
    let variance = squares.into_iter().map(|[sum]| sum / count).collect();
    (mean, variance)
}

/// Indices of piece `index` among pieces of `size` values.
fn range(index: usize, size: usize) -> Range<usize> {
    index * size..(index + 1) * size
}

/// Source of an output that ReLU has set to 0.
const NO_SOURCE: u32 = u32::MAX;

#[derive(Clone, Debug)]
struct BnPoolRelu {
    maps: Maps,
    pool: Option<[usize; 2]>,
    mean: Vec<f32>,
    /// 1 / √(variance + ε)
    inverse_deviation: Vec<f32>,
    /// With pooling: for each output the index of its source within the plane.
    sources: Vec<u32>,
}

impl Kernel<3> for BnPoolRelu {
    fn forward(&mut self, [x, weight, bias]: [&[f32]; 3]) -> (Vec<f32>, Vec<usize>) {
        let (maps, plane_size) = (self.maps, self.maps.plane_size());
        let [height, width] = self.output_size();
        let output_size = height * width;
        let mut output = vec![0.0; maps.planes() * output_size];
        if let Some(padding) = self.pool {
            let mut sources = vec![0; output.len()];
            (
                output.par_chunks_exact_mut(output_size),
                sources.par_chunks_exact_mut(output_size),
            )
                .into_par_iter()
                .enumerate()
                .for_each(|(plane, (output, sources))| {
                    let affine = self.affine(plane % maps.channels, weight, bias);
                    let x = &x[range(plane, plane_size)];
                    max_pool_relu(x, maps, padding, affine, (output, sources));
                });
            self.sources = sources;
        } else {
            let planes = output.par_chunks_exact_mut(output_size).enumerate();
            planes.for_each(|(plane, output)| {
                let (scale, shift) = self.affine(plane % maps.channels, weight, bias);
                for (y, x) in output.iter_mut().zip(&x[range(plane, plane_size)]) {
                    *y = relu(x * scale + shift);
                }
            });
        }
        (output, vec![maps.batch, maps.channels, height, width])
    }

    fn backward(
        &self,
        [x, weight, bias]: [&[f32]; 3],
        _: &[f32],
        output_gradient: &[f32],
        [x_needed, ..]: [bool; 3],
    ) -> [Option<Vec<f32>>; 3] {
        let (maps, plane_size) = (self.maps, self.maps.plane_size());
        let plane_gradient = |plane: usize| PlaneGradient {
            x: &x[range(plane, plane_size)],
            output_gradient: &output_gradient[range(plane, output_gradient.len() / maps.planes())],
            sources: self
                .pool
                .map(|_| &self.sources[range(plane, self.sources.len() / maps.planes())]),
            affine: self.affine(plane % maps.channels, weight, bias),
        };
        // Of each channel Σ g and Σ g · x̂, where g is the gradient that ReLU and pooling let through
        // and x̂ the normalised x.
        let sums: Vec<[f32; 2]> = maps.sums(|channel, plane| {
            let [sum, product] = plane_gradient(plane).sums(self.mean[channel]);
            [sum, product * self.inverse_deviation[channel]]
        });
        let x_gradient = x_needed.then(|| {
            let mut x_gradient = vec![0.0; x.len()];
            let planes = x_gradient.par_chunks_exact_mut(plane_size).enumerate();
            planes.for_each(|(plane, x_gradient)| {
                let channel = plane % maps.channels;
                let inverse = self.inverse_deviation[channel];
                let factor = weight[channel] * inverse;
                let [mean_g, mean_product] = sums[channel].map(|sum| sum / maps.channel_size());
                // factor · (g − mean of g − x̂ · mean of g · x̂) as factor · g + slope · x + offset.
                let slope = -factor * mean_product * inverse;
                let offset = -factor * mean_g - slope * self.mean[channel];
                plane_gradient(plane).write(factor, (slope, offset), x_gradient);
            });
            x_gradient
        });
        let [bias_gradient, weight_gradient] =
            [0, 1].map(|index| sums.iter().map(|sums| sums[index]).collect());
        [x_gradient, Some(weight_gradient), Some(bias_gradient)]
    }
}

impl BnPoolRelu {
    /// Height and width of the output.
    fn output_size(&self) -> [usize; 2] {
        let size = [self.maps.height, self.maps.width];
        match self.pool {
            Some(padding) => [0, 1].map(|axis| size[axis] / 2 + padding[axis]),
            None => size,
        }
    }

    /// Scale and shift that normalise a value of `channel` and apply weight and bias.
    fn affine(&self, channel: usize, weight: &[f32], bias: &[f32]) -> (f32, f32) {
        let scale = self.inverse_deviation[channel] * weight[channel];
        (scale, bias[channel] - self.mean[channel] * scale)
    }
}

/// Writes the ReLU of the maximum of each 2×2 window of `scale` · plane + `shift` to `output`, and the
/// index of the maximum (the first of equal ones) to `sources`. NaN propagates.
fn max_pool_relu(
    plane: &[f32],
    maps: Maps,
    padding: [usize; 2],
    (scale, shift): (f32, f32),
    (output, sources): (&mut [f32], &mut [u32]),
) {
    let Maps { height, width, .. } = maps;
    let output_width = width / 2 + padding[1];
    let rows = output
        .chunks_exact_mut(output_width)
        .zip(sources.chunks_exact_mut(output_width));
    for (row, (output, sources)) in rows.enumerate() {
        // At a padded edge a window has one row or column, which is then taken twice.
        let top = (2 * row).saturating_sub(padding[0]);
        let bottom = (2 * row + 1 - padding[0]).min(height - 1);
        let above = &plane[range(top, width)];
        let below = &plane[range(bottom, width)];
        let mut pool_window = |column: usize, left: usize, right: usize, [a, b, c, d]: [f32; 4]| {
            let value = |x: f32| x * scale + shift;
            let (mut maximum, mut source) = (value(a), top * width + left);
            let mut has_nan = maximum.is_nan();
            let mut compare = |x: f32, index: usize| {
                let value = value(x);
                let is_larger = value > maximum;
                maximum = if is_larger { value } else { maximum };
                source = if is_larger { index } else { source };
                has_nan |= value.is_nan();
            };
            compare(b, top * width + right);
            compare(c, bottom * width + left);
            compare(d, bottom * width + right);
            output[column] = relu(if has_nan { f32::NAN } else { maximum });
            sources[column] = if maximum <= 0.0 {
                NO_SOURCE
            } else {
                source as u32
            };
        };
        if padding[1] == 0 {
            let pairs = above.as_chunks().0.iter().zip(below.as_chunks().0);
            for (column, (&[a, b], &[c, d])) in pairs.enumerate() {
                pool_window(column, 2 * column, 2 * column + 1, [a, b, c, d]);
            }
        } else {
            for column in 0..output_width {
                let left = (2 * column).saturating_sub(padding[1]);
                let right = (2 * column + 1 - padding[1]).min(width - 1);
                let window = [above[left], above[right], below[left], below[right]];
                pool_window(column, left, right, window);
            }
        }
    }
}

/// Inputs of the gradient of one plane.
struct PlaneGradient<'a> {
    x: &'a [f32],
    output_gradient: &'a [f32],
    sources: Option<&'a [u32]>,
    /// Scale and shift from x to the input of the ReLU.
    affine: (f32, f32),
}

impl PlaneGradient<'_> {
    /// Σ g and Σ g · (x − mean), where g is the gradient that ReLU and pooling let through.
    fn sums(&self, mean: f32) -> [f32; 2] {
        let Some(sources) = self.sources else {
            let (scale, shift) = self.affine;
            let masked = |g: f32, x: f32| if x * scale + shift > 0.0 { g } else { 0.0 };
            return [
                sum(self.output_gradient, self.x, masked),
                sum(self.output_gradient, self.x, |g, x| {
                    masked(g, x) * (x - mean)
                }),
            ];
        };
        let mut sums = [0.0; 2];
        for (source, g) in sources.iter().zip(self.output_gradient) {
            if *source != NO_SOURCE {
                sums[0] += g;
                sums[1] += g * (self.x[*source as usize] - mean);
            }
        }
        sums
    }

    /// Writes factor · g + slope · x + offset to `x_gradient`.
    fn write(&self, factor: f32, (slope, offset): (f32, f32), x_gradient: &mut [f32]) {
        let Some(sources) = self.sources else {
            let (scale, shift) = self.affine;
            let pairs = self.output_gradient.iter().zip(self.x);
            for (to, (g, x)) in x_gradient.iter_mut().zip(pairs) {
                let g = if x * scale + shift > 0.0 { *g } else { 0.0 };
                *to = factor * g + slope * x + offset;
            }
            return;
        };
        for (to, x) in x_gradient.iter_mut().zip(self.x) {
            *to = slope * x + offset;
        }
        for (source, g) in sources.iter().zip(self.output_gradient) {
            if *source != NO_SOURCE {
                x_gradient[*source as usize] += factor * g;
            }
        }
    }
}
