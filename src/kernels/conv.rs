//! 2-D convolution and transposed convolution: im2col and matrix products, image by image.

use burn::tensor::Tensor;

use super::{
    Activation,
    im2col::ConvGeometry,
    operation::{Kernel, Operand, run},
    sums::sum_of_channels,
};

/// Convolution of stride 1 that keeps height and width: `x` `[batch, inputs, height, width]`,
/// `weight` `[outputs, inputs, kernel, kernel]` with an odd kernel, `bias` `[outputs]`.
pub fn conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>) -> Option<Tensor<4>> {
    let [_, inputs, height, width] = x.dims();
    let [outputs, _, kernel, _] = weight.dims();
    let conv = Conv {
        geometry: ConvGeometry {
            large: [inputs, height, width],
            small: [outputs, height, width],
            kernel,
            stride: 1,
            padding: [kernel / 2; 2],
        },
        direction: Direction::Forward,
        activation: Activation::None,
    };
    Some(run(conv, operands(x, weight, bias)?))
}

/// Transposed convolution, then `activation`: `x` `[batch, inputs, height, width]`, `weight`
/// `[inputs, outputs, kernel, kernel]`, `bias` `[outputs]`.
///
/// Each side of the output has stride · side − 2 · padding + kernel − 1 pixels: its output padding is
/// stride − 1.
pub fn conv_transpose2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    stride: usize,
    padding: [usize; 2],
    activation: Activation,
) -> Option<Tensor<4>> {
    let [_, inputs, height, width] = x.dims();
    let [_, outputs, kernel, _] = weight.dims();
    let output_side = |side: usize, padding: usize| stride * side + kernel - 1 - 2 * padding;
    let conv = Conv {
        geometry: ConvGeometry {
            large: [
                outputs,
                output_side(height, padding[0]),
                output_side(width, padding[1]),
            ],
            small: [inputs, height, width],
            kernel,
            stride,
            padding,
        },
        direction: Direction::Transposed,
        activation,
    };
    Some(run(conv, operands(x, weight, bias)?))
}

fn operands(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>) -> Option<[Operand; 3]> {
    Some([Operand::new(x)?, Operand::new(weight)?, Operand::new(bias)?])
}

/// Direction between the large and the small map of a [`ConvGeometry`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    /// From large to small: a convolution.
    Forward,
    /// From small to large: a transposed convolution.
    Transposed,
}

#[derive(Clone, Debug)]
struct Conv {
    geometry: ConvGeometry,
    direction: Direction,
    activation: Activation,
}

impl Conv {
    /// `[channels, height, width]` of the output.
    fn output_shape(&self) -> [usize; 3] {
        match self.direction {
            Direction::Forward => self.geometry.small,
            Direction::Transposed => self.geometry.large,
        }
    }
}

impl Kernel<3> for Conv {
    fn forward(&mut self, [x, weight, bias]: [&[f32]; 3]) -> (Vec<f32>, Vec<usize>) {
        let [channels, height, width] = self.output_shape();
        let fill_with_bias = |image: &mut [f32]| {
            for (plane, bias) in image.chunks_exact_mut(height * width).zip(bias) {
                plane.fill(*bias);
            }
        };
        let activate = |image: &mut [f32]| self.activation.apply(image);
        let geometry = &self.geometry;
        let values = match self.direction {
            Direction::Forward => geometry.conv2d(x, weight, fill_with_bias, activate),
            Direction::Transposed => geometry.conv_transpose2d(x, weight, fill_with_bias, activate),
        };
        let images = values.len() / (channels * height * width).max(1);
        (values, vec![images, channels, height, width])
    }

    fn backward(
        &self,
        [x, weight, _]: [&[f32]; 3],
        output: &[f32],
        output_gradient: &[f32],
        needed: [bool; 3],
    ) -> [Option<Vec<f32>>; 3] {
        let gradient = &*self.activation.backward(output, output_gradient);
        let geometry = &self.geometry;
        let (large, small) = match self.direction {
            Direction::Forward => (x, gradient),
            Direction::Transposed => (gradient, x),
        };
        let unchanged = |_: &mut [f32]| {};
        [
            needed[0].then(|| match self.direction {
                Direction::Forward => {
                    geometry.conv_transpose2d(gradient, weight, unchanged, unchanged)
                }
                Direction::Transposed => geometry.conv2d(gradient, weight, unchanged, unchanged),
            }),
            needed[1].then(|| geometry.weight_gradient(large, small)),
            needed[2].then(|| sum_of_channels(gradient, self.output_shape())),
        ]
    }
}
