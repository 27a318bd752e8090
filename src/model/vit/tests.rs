//! Compares the CPU kernels with burn's own operations.

use burn::{
    module::{ModuleMapper, ModuleVisitor, Param},
    tensor::{Gradients, TensorData},
};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{
    data::ImageShape,
    model::{LatentSize, VitOptions},
};

/// Adds noise to every parameter, so that none is 0 or 1.
struct AddNoise(ChaCha8Rng);

impl ModuleMapper for AddNoise {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let noise = noise(param.dims(), &mut self.0).mul_scalar(0.3);
        param.map(|old| old + noise)
    }
}

/// Random values within ±1.
fn noise<const D: usize>(shape: [usize; D], rng: &mut ChaCha8Rng) -> Tensor<D> {
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().unwrap()
}

/// The gradient of every parameter of a module; zero where there is none.
fn gradients(module: &impl Module, grads: &Gradients) -> Vec<Vec<f32>> {
    struct GradientVisitor<'a>(&'a Gradients, Vec<Vec<f32>>);
    impl ModuleVisitor for GradientVisitor<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let none = vec![0.0; param.dims().iter().product()];
            self.1.push(param.val().grad(self.0).map_or(none, floats));
        }
    }
    let mut visitor = GradientVisitor(grads, Vec::new());
    module.visit(&mut visitor);
    visitor.1
}

#[track_caller]
fn assert_close(what: &str, values: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(values.len(), expected.len(), "{what}");
    let scale = expected
        .iter()
        .fold(0.1, |scale: f32, x| scale.max(x.abs()));
    for (index, (value, expected)) in values.iter().zip(expected).enumerate() {
        assert!(
            (value - expected).abs() <= tolerance * scale,
            "{what}, value {index}: {value} instead of {expected} (scale {scale})"
        );
    }
}

/// Compares forward and backward pass of `batch` images through encoder and decoder.
fn check(vit: VitOptions, shape: ImageShape, batch: usize) {
    let device = Device::flex();
    let spec = ModelSpec {
        shape,
        classes: 10,
        latent: LatentSize::default(),
        vit,
    };
    let mut rng = rng::from_stream(7, 0);
    let (encoder, decoder, _) = build(&spec, 1, &device).unwrap();
    let encoder = encoder.map(&mut AddNoise(rng::from_stream(8, 0))).train();
    let decoder = decoder.map(&mut AddNoise(rng::from_stream(9, 0))).train();
    let images = noise([batch, shape.pixels()], &mut rng);
    let mask = encoder.random_mask(&mut ForwardContext::training(1, 0, 0..batch));
    assert_eq!(mask.is_some(), vit.mask_ratio > 0.0);
    let masked = mask
        .as_ref()
        .map(|mask| mask.to_masked(&encoder.sizes.grid, &device));
    // The loss is the sum of all pixels with these weights.
    let weights = noise([batch, shape.pixels()], &mut rng);

    let results = |on_cpu: bool| {
        let values = if on_cpu {
            encoder.encode_on_cpu(&images, mask.as_ref()).unwrap()
        } else {
            encoder.encode(images.clone(), mask.as_ref())
        };
        let latent = Latent {
            values: values.clone(),
            masked: masked.clone(),
        };
        let reconstruction = if on_cpu {
            decoder.decode_on_cpu(&latent).unwrap()
        } else {
            decoder.decode(latent)
        };
        let grads = (reconstruction.clone() * weights.clone()).sum().backward();
        let mut results = vec![floats(values), floats(reconstruction)];
        results.extend(gradients(&encoder, &grads));
        results.extend(gradients(&decoder, &grads));
        results
    };
    for (index, (kernel, burn)) in results(true).iter().zip(&results(false)).enumerate() {
        let what = format!("{vit:?}, {shape}, batch {batch}, tensor {index}");
        let tolerance = if index < 2 { 3e-6 } else { 2e-5 };
        assert_close(&what, kernel, burn, tolerance);
    }
}

#[test]
fn kernels_agree_with_burns_operations() {
    let masking = |mask_ratio| VitOptions {
        mask_ratio,
        ..VitOptions::default()
    };
    let other = VitOptions {
        patch: Some(8),
        embed: 12,
        depth: 2,
        heads: 3,
        mlp_ratio: 3,
        mask_ratio: 0.3,
    };
    for batch in [1, 16, 21] {
        check(masking(0.0), ImageShape::GREY_28, batch);
        check(masking(0.75), ImageShape::GREY_28, batch);
        check(other, ImageShape::COLOUR_32, batch);
    }
}
