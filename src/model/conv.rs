//! Convolutions and transposed convolutions over `[batch, channels, height, width]`.

use burn::{
    module::{Module, Param},
    tensor::{
        Device, Tensor, activation,
        module::{conv_transpose2d, conv2d},
        ops::{ConvOptions, ConvTransposeOptions},
    },
};
use rand_chacha::ChaCha8Rng;

use super::init;
use crate::kernels::{self, Activation};

/// A square convolution of stride 1 that keeps height and width (odd kernel, padded by its half).
#[derive(Module, Debug)]
pub struct Conv {
    /// `[outputs, inputs, kernel, kernel]`
    weight: Param<Tensor<4>>,
    /// `[outputs]`
    bias: Param<Tensor<1>>,
}

impl Conv {
    /// New weights as PyTorch initialises them, uniform in ±1/√(inputs · kernel²).
    pub fn new(
        [inputs, outputs]: [usize; 2],
        kernel: usize,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let fan_in = inputs * kernel * kernel;
        Self {
            weight: init::kaiming_uniform([outputs, inputs, kernel, kernel], fan_in, rng, device),
            bias: init::kaiming_uniform([outputs], fan_in, rng, device),
        }
    }

    /// `[batch, inputs, height, width]` → `[batch, outputs, height, width]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = (self.weight.val(), self.bias.val());
        kernels::conv2d(x.clone(), weight.clone(), bias.clone()).unwrap_or_else(|| {
            let padding = weight.dims()[2] / 2;
            let options = ConvOptions::new([1, 1], [padding; 2], [1, 1], 1);
            conv2d(x, weight, Some(bias), options)
        })
    }
}

/// Kernel size of every transposed convolution here.
const TRANSPOSED_KERNEL: usize = 3;

/// A transposed 3×3 convolution that keeps the size (stride 1) or doubles it (stride 2), less two
/// rows and columns where `crop` is 1.
#[derive(Module, Debug)]
pub struct ConvTranspose {
    /// `[inputs, outputs, 3, 3]`
    weight: Param<Tensor<4>>,
    /// `[outputs]`
    bias: Param<Tensor<1>>,
    stride: usize,
    #[module(skip)]
    crop: [usize; 2],
}

impl ConvTranspose {
    /// New weights as PyTorch initialises them, uniform in ±1/√(outputs · 9): its fan-in of a
    /// transposed convolution counts the outputs.
    pub fn new(
        [inputs, outputs]: [usize; 2],
        stride: usize,
        crop: [usize; 2],
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let kernel = TRANSPOSED_KERNEL;
        let fan_in = outputs * kernel * kernel;
        Self {
            weight: init::kaiming_uniform([inputs, outputs, kernel, kernel], fan_in, rng, device),
            bias: init::kaiming_uniform([outputs], fan_in, rng, device),
            stride,
            crop,
        }
    }

    /// `[batch, inputs, height, width]` → `[batch, outputs, stride · height, stride · width]`, each
    /// side less twice its crop; then `activation`.
    pub fn forward(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        let (weight, bias, stride) = (self.weight.val(), self.bias.val(), self.stride);
        let padding = self.crop.map(|crop| 1 + crop);
        let on_cpu = kernels::conv_transpose2d(
            x.clone(),
            weight.clone(),
            bias.clone(),
            stride,
            padding,
            activation,
        );
        on_cpu.unwrap_or_else(|| {
            let output_padding = [stride - 1; 2];
            let options =
                ConvTransposeOptions::new([stride; 2], padding, output_padding, [1, 1], 1);
            let x = conv_transpose2d(x, weight, Some(bias), options);
            match activation {
                Activation::None => x,
                Activation::Relu => activation::relu(x),
                Activation::Tanh => activation::tanh(x),
            }
        })
    }
}
