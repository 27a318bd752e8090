//! Convolutional layers as operations that autodiff knows.

use std::borrow::Cow;

use burn::tensor::Tensor;
use rayon::prelude::*;

use super::{Kernel, fold::Fold, is_cpu, operand, run, sum_over_chunks, tanh::tanh_all};
use crate::{kernels::sums, model::conv::Activation};

/// A convolution of stride 1 over `x`, `[batch, inputs, height, width]`, with `weight`
/// `[outputs, inputs, kernel, kernel]` and `bias` `[outputs]`; the kernel is square and odd, and
/// `padding` its half.
pub fn convolve(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>) -> Option<Tensor<4>> {
    let [_, inputs, height, width] = x.dims();
    let [outputs, _, kernel, _] = weight.dims();
    layer(
        Fold {
            outside: [inputs, height, width],
            inside: [outputs, height, width],
            kernel,
            stride: 1,
            padding: [kernel / 2; 2],
        },
        (Way::Inwards, Activation::None),
        x,
        weight,
        bias,
    )
}

/// Sizes of a transposed convolution.
#[derive(Clone, Copy, Debug)]
pub struct Transposed {
    pub stride: usize,
    pub padding: [usize; 2],
    /// Height and width of the output.
    pub size: [usize; 2],
}

/// A transposed convolution over `x`, `[batch, inputs, height, width]`, with `weight`
/// `[inputs, outputs, kernel, kernel]` and `bias` `[outputs]`, to `[outputs, height, width]` =
/// `size`, `padding` having been cut off on each side; then `activation`.
pub fn convolve_transposed(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    geometry: Transposed,
    activation: Activation,
) -> Option<Tensor<4>> {
    let Transposed {
        stride,
        padding,
        size: [to_height, to_width],
    } = geometry;
    let [_, inputs, height, width] = x.dims();
    let [_, outputs, kernel, _] = weight.dims();
    layer(
        Fold {
            outside: [outputs, to_height, to_width],
            inside: [inputs, height, width],
            kernel,
            stride,
            padding,
        },
        (Way::Outwards, activation),
        x,
        weight,
        bias,
    )
}

fn layer(
    fold: Fold,
    (way, activation): (Way, Activation),
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
) -> Option<Tensor<4>> {
    if !is_cpu(&x.device()) {
        return None;
    }
    let tracked = x.is_autodiff() || weight.is_autodiff() || bias.is_autodiff();
    let operands = [
        operand(x, tracked)?,
        operand(weight, tracked)?,
        operand(bias, tracked)?,
    ];
    let layer = Layer {
        fold,
        way,
        activation,
    };
    Some(run(layer, operands))
}

/// Whether a layer goes from the outside of a fold to its inside, as a convolution does, or back,
/// as a transposed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Inwards,
    Outwards,
}

#[derive(Clone, Debug)]
struct Layer {
    fold: Fold,
    way: Way,
    activation: Activation,
}

impl Kernel<3> for Layer {
    fn forward(&mut self, [x, weight, bias]: [&[f32]; 3]) -> (Vec<f32>, Vec<usize>) {
        let fold = &self.fold;
        let to = match self.way {
            Way::Inwards => fold.inside,
            Way::Outwards => fold.outside,
        };
        let size = to[1] * to[2];
        let begin = |image: &mut [f32]| {
            for (plane, bias) in image.chunks_exact_mut(size).zip(bias) {
                plane.fill(*bias);
            }
        };
        let finish = |image: &mut [f32]| activate(self.activation, image);
        let values = match self.way {
            Way::Inwards => fold.inwards(x, weight, begin, finish),
            Way::Outwards => fold.outwards(x, weight, begin, finish),
        };
        let images = values.len() / to.iter().product::<usize>().max(1);
        let [channels, height, width] = to;
        (values, vec![images, channels, height, width])
    }

    fn backward(
        &self,
        [x, weight, _]: [&[f32]; 3],
        output: &[f32],
        gradient: &[f32],
        wanted: [bool; 3],
    ) -> [Option<Vec<f32>>; 3] {
        let gradient = &*before_activation(self.activation, output, gradient);
        let fold = &self.fold;
        let (outside, inside, to) = match self.way {
            Way::Inwards => (x, gradient, fold.inside),
            Way::Outwards => (gradient, x, fold.outside),
        };
        let nothing = |_: &mut [f32]| {};
        [
            wanted[0].then(|| match self.way {
                Way::Inwards => fold.outwards(gradient, weight, nothing, nothing),
                Way::Outwards => fold.inwards(gradient, weight, nothing, nothing),
            }),
            wanted[1].then(|| fold.weight_gradient(outside, inside)),
            wanted[2].then(|| sum_of_channels(gradient, to)),
        ]
    }
}

fn activate(activation: Activation, image: &mut [f32]) {
    match activation {
        Activation::None => {}
        Activation::Relu => {
            for x in image {
                // What is no number stays so.
                *x = if *x < 0.0 { 0.0 } else { *x };
            }
        }
        Activation::Tanh => tanh_all(image),
    }
}

/// The gradient of an activation's input, given its output and the gradient of that.
fn before_activation<'a>(
    activation: Activation,
    output: &[f32],
    gradient: &'a [f32],
) -> Cow<'a, [f32]> {
    let pairs = gradient.par_iter().zip(output).with_min_len(1 << 14);
    match activation {
        Activation::None => Cow::Borrowed(gradient),
        Activation::Relu => Cow::Owned(
            pairs
                .map(|(g, y)| if *y > 0.0 { *g } else { 0.0 })
                .collect(),
        ),
        Activation::Tanh => Cow::Owned(pairs.map(|(g, y)| g * (1.0 - y * y)).collect()),
    }
}

/// Sum over images and places of each channel.
fn sum_of_channels(maps: &[f32], [channels, height, width]: [usize; 3]) -> Vec<f32> {
    let size = channels * height * width;
    sum_over_chunks(maps.len() / size.max(1), |images| {
        let mut sums = vec![0.0; channels];
        for image in maps[images.start * size..images.end * size].chunks_exact(size) {
            for (sum, plane) in sums.iter_mut().zip(image.chunks_exact(height * width)) {
                *sum += sums::sum(plane, plane, |x, _| x);
            }
        }
        sums
    })
}
