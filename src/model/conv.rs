//! Convolutions, forward and transposed, over `[batch, channels, height, width]`.

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
use crate::kernels::{self, Transposed};

/// A square convolution of stride 1 that keeps height and width (odd kernel, padded by its half).
#[derive(Module, Debug)]
pub struct Conv {
    /// `[outputs, inputs, kernel, kernel]`
    weight: Param<Tensor<4>>,
    /// `[outputs]`
    bias: Param<Tensor<1>>,
}

impl Conv {
    /// Fresh weights as PyTorch draws them, uniform in ±1/√(inputs · kernel²).
    pub fn new(
        [inputs, outputs]: [usize; 2],
        kernel: usize,
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let fan_in = inputs * kernel * kernel;
        Self {
            weight: init::uniform([outputs, inputs, kernel, kernel], fan_in, rng, device),
            bias: init::uniform([outputs], fan_in, rng, device),
        }
    }

    /// `[batch, inputs, height, width]` → `[batch, outputs, height, width]`.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = (self.weight.val(), self.bias.val());
        kernels::convolve(x.clone(), weight.clone(), bias.clone()).unwrap_or_else(|| {
            let padding = weight.dims()[2] / 2;
            let options = ConvOptions::new([1, 1], [padding; 2], [1, 1], 1);
            conv2d(x, weight, Some(bias), options)
        })
    }
}

/// Kernel of every transposed convolution here.
const UP_KERNEL: usize = 3;

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
    /// Fresh weights as PyTorch draws them, uniform in ±1/√(outputs · 9): it takes a transposed
    /// convolution's outputs for its inputs.
    pub fn new(
        [inputs, outputs]: [usize; 2],
        stride: usize,
        crop: [usize; 2],
        rng: &mut ChaCha8Rng,
        device: &Device,
    ) -> Self {
        let fan_in = outputs * UP_KERNEL * UP_KERNEL;
        Self {
            weight: init::uniform([inputs, outputs, UP_KERNEL, UP_KERNEL], fan_in, rng, device),
            bias: init::uniform([outputs], fan_in, rng, device),
            stride,
            crop,
        }
    }

    /// `[batch, inputs, height, width]` → `[batch, outputs, stride · height, stride · width]`, each
    /// side less twice its crop; then `activation`.
    pub fn forward(&self, x: Tensor<4>, activation: Activation) -> Tensor<4> {
        let (weight, bias, stride) = (self.weight.val(), self.bias.val(), self.stride);
        let [_, _, height, width] = x.dims();
        let [rows, columns] = self.crop;
        let geometry = Transposed {
            stride,
            padding: self.crop.map(|crop| 1 + crop),
            size: [height * stride - 2 * rows, width * stride - 2 * columns],
        };
        let on_cpu = kernels::convolve_transposed(
            x.clone(),
            weight.clone(),
            bias.clone(),
            geometry,
            activation,
        );
        on_cpu.unwrap_or_else(|| {
            let added = [stride - 1; 2];
            let options =
                ConvTransposeOptions::new([stride; 2], geometry.padding, added, [1, 1], 1);
            let x = conv_transpose2d(x, weight, Some(bias), options);
            match activation {
                Activation::None => x,
                Activation::Relu => activation::relu(x),
                Activation::Tanh => activation::tanh(x),
            }
        })
    }
}

/// What follows a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    None,
    Relu,
    Tanh,
}
