//! Kernels for the CPU against burn's own operations.

use burn::{
    module::{ModuleMapper, ModuleVisitor},
    tensor::Gradients,
};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use super::*;
use crate::{data::ImageShape, model::LatentSize};

/// Moves every parameter somewhere, so that none is 0 or 1.
struct Shake(ChaCha8Rng);

impl ModuleMapper for Shake {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let way = noise(param.dims(), &mut self.0).mul_scalar(0.3);
        param.map(|old| old + way)
    }
}

/// Numbers within ±1.
fn noise<const D: usize>(shape: [usize; D], rng: &mut ChaCha8Rng) -> Tensor<D> {
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as().unwrap()
}

/// The gradient of every parameter of a part; zero where there is none.
fn gradients(part: &impl Module, grads: &Gradients) -> Vec<Vec<f32>> {
    struct Read<'a>(&'a Gradients, Vec<Vec<f32>>);
    impl ModuleVisitor for Read<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let none = vec![0.0; param.dims().iter().product()];
            self.1.push(param.val().grad(self.0).map_or(none, floats));
        }
    }
    let mut read = Read(grads, Vec::new());
    part.visit(&mut read);
    read.1
}

#[track_caller]
fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let scale = expected
        .iter()
        .fold(0.1, |scale: f32, x| scale.max(x.abs()));
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance * scale,
            "{what}, value {place}: {found} instead of {expected} (of {scale})"
        );
    }
}

/// `batch` images through encoder and decoder on either way, and back.
fn check(vit: VitOptions, shape: ImageShape, batch: usize) {
    let device = Device::flex();
    let plan = ModelSpec {
        shape,
        classes: 10,
        latent: LatentSize::default(),
        vit,
    };
    let mut rng = rng::from_stream(7, 0);
    let (encoder, decoder, _) = Vit::parts(&plan, 1, &device).unwrap();
    let encoder = encoder.map(&mut Shake(rng::from_stream(8, 0))).train();
    let decoder = decoder.map(&mut Shake(rng::from_stream(9, 0))).train();
    let images = noise([batch, shape.pixels()], &mut rng);
    let hiding = encoder.hiding(&mut ForwardContext::training(1, 0, 0..batch));
    assert_eq!(hiding.is_some(), vit.mask_ratio > 0.0);
    let masked = hiding
        .as_ref()
        .map(|hiding| hiding.masked(&encoder.sizes.patches, &device));
    // What the loss makes of every pixel.
    let slopes = noise([batch, shape.pixels()], &mut rng);

    let way = |on_cpu: bool| {
        let values = if on_cpu {
            encoder.encode_on_cpu(&images, hiding.as_ref()).unwrap()
        } else {
            encoder.encode(images.clone(), hiding.as_ref())
        };
        let latent = Latent {
            values: values.clone(),
            masked: masked.clone(),
        };
        let rebuilt = if on_cpu {
            decoder.decode_on_cpu(&latent).unwrap()
        } else {
            decoder.decode(latent)
        };
        let grads = (rebuilt.clone() * slopes.clone()).sum().backward();
        let mut found = vec![floats(values), floats(rebuilt)];
        found.extend(gradients(&encoder, &grads));
        found.extend(gradients(&decoder, &grads));
        found
    };
    for (place, (kernel, burn)) in way(true).iter().zip(&way(false)).enumerate() {
        let what = format!("{vit:?}, {shape}, batch {batch}, tensor {place}");
        let tolerance = if place < 2 { 3e-6 } else { 2e-5 };
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
