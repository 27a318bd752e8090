//! The convolutional networks: their layers, and what training changes that evaluation does not.

use std::sync::Arc;

use crate::common::{assert_trains_alike_on_wgpu, dataset, parameters, statistics};
use burn::{
    module::Module as _,
    tensor::{Device, Tensor, TensorData},
};
use cre_lab::{
    data::{ImageShape, pixel_to_unit},
    model::{Architecture, ForwardContext, LatentLayout, LatentSize, ModelSpec, VitOptions},
    train::{RunConfig, Trainer, trainer::floats},
};

const CLASSES: usize = 10;
const SMALL: Architecture = Architecture::CnnSmall;
const LARGE: Architecture = Architecture::CnnLarge;

fn model_spec(shape: ImageShape) -> ModelSpec {
    ModelSpec {
        shape,
        classes: CLASSES,
        latent: LatentSize::default(),
        vit: VitOptions::default(),
    }
}

fn images(shape: ImageShape, count: usize) -> Tensor<2> {
    let noise = dataset(shape, CLASSES, count, 1).train;
    let pixels: Vec<f32> = noise
        .images(0..count)
        .iter()
        .map(|&byte| pixel_to_unit(byte))
        .collect();
    let shape = [count, shape.pixels()];
    Tensor::from_data(TensorData::new(pixels, shape), &Device::flex())
}

#[test]
fn every_layer_has_its_size_for_grey_and_colour_images() {
    let (grey, colour) = (ImageShape::GREY_28, ImageShape::COLOUR_32);
    for (architecture, shape, layers) in [
        (
            SMALL,
            grey,
            "Encoder 1×28×28 → 16×14×14 → 16×8×8 → 16×4×4\n\
             Decoder 16×4×4 → 16×8×8 → 16×14×14 → 1×28×28\n\
             Classifier 16×4×4 → 10",
        ),
        (
            SMALL,
            colour,
            "Encoder 3×32×32 → 16×16×16 → 16×8×8 → 16×4×4\n\
             Decoder 16×4×4 → 16×8×8 → 16×16×16 → 3×32×32\n\
             Classifier 16×4×4 → 10",
        ),
        (
            LARGE,
            colour,
            "Encoder 3×32×32 → 64×32×32 → 64×32×32 → 128×16×16 → 128×8×8 → 128×4×4\n\
             Decoder 128×4×4 → 128×8×8 → 128×16×16 → 64×32×32 → 64×32×32 → 3×32×32\n\
             Classifier 128×4×4 → 256×4×4 → 256×2×2 → 10",
        ),
        (
            LARGE,
            grey,
            "Encoder 1×28×28 → 64×28×28 → 64×28×28 → 128×14×14 → 128×8×8 → 128×4×4\n\
             Decoder 128×4×4 → 128×8×8 → 128×14×14 → 64×28×28 → 64×28×28 → 1×28×28\n\
             Classifier 128×4×4 → 256×4×4 → 256×2×2 → 10",
        ),
    ] {
        let spec = model_spec(shape);
        assert_eq!(architecture.describe(&spec).unwrap(), layers);
        assert_eq!(
            architecture.is_outside_paper(shape),
            (architecture == SMALL) == (shape == colour)
        );
        let channels = if architecture == SMALL { 16 } else { 128 };
        let layout = architecture.latent_layout(&spec).unwrap();
        assert_eq!(
            layout,
            LatentLayout::Map {
                channels,
                height: 4,
                width: 4
            }
        );
        let model = architecture.build(&spec, 0, &Device::flex()).unwrap();
        let output = model.forward(images(shape, 2));
        assert_eq!(output.latent.dims(), [2, layout.values()]);
        assert_eq!(output.reconstruction.dims(), [2, shape.pixels()]);
        assert_eq!(output.logits.dims(), [2, CLASSES]);
        assert!(floats(output.latent).unwrap().iter().all(|z| *z >= 0.0));
    }
}

#[test]
fn the_parameter_counts_are_those_of_the_paper() {
    let block = |inputs: usize, outputs: usize, kernel: usize| {
        inputs * outputs * kernel * kernel + outputs + 2 * outputs
    };
    let up = |inputs: usize, outputs: usize| inputs * outputs * 9 + outputs;
    let small = block(1, 16, 3)
        + 2 * block(16, 16, 3)
        + 2 * up(16, 16)
        + up(16, 1)
        + (256 * CLASSES + CLASSES);
    let large = (block(3, 64, 7) + block(64, 64, 7))
        + (block(64, 128, 5) + block(128, 128, 5) + block(128, 128, 3))
        + (2 * up(128, 128) + up(128, 64) + up(64, 64) + up(64, 3))
        + (block(128, 256, 3) + block(256, 256, 1) + (1024 * CLASSES + CLASSES));
    for (architecture, shape, expected) in [
        (SMALL, ImageShape::GREY_28, small),
        (LARGE, ImageShape::COLOUR_32, large),
    ] {
        let spec = model_spec(shape);
        assert_eq!(architecture.parameter_count(&spec), Ok(expected));
        let model = architecture.build(&spec, 0, &Device::flex()).unwrap();
        let running: usize = statistics(&model).iter().map(Vec::len).sum();
        assert_eq!(model.num_params() - running, expected, "{architecture}");
    }
}

#[test]
fn sides_that_cannot_be_halved_are_refused_with_the_reason() {
    for side in [27, 6] {
        let shape = ImageShape {
            channels: 1,
            height: 28,
            width: side,
        };
        let reason = SMALL
            .build(&model_spec(shape), 0, &Device::flex())
            .unwrap_err();
        assert!(reason.to_string().contains(&shape.to_string()), "{reason}");
    }
}

#[test]
fn training_and_evaluation_differ() {
    let shape = ImageShape::GREY_28;
    for architecture in [SMALL, LARGE] {
        let model = architecture
            .build(&model_spec(shape), 1, &Device::flex())
            .unwrap();
        let images = images(shape, 3);
        let latent = |pass: &mut ForwardContext| {
            floats(model.forward_in(images.clone(), pass).latent).unwrap()
        };
        let evaluated = latent(&mut ForwardContext::evaluation());
        assert_eq!(evaluated, latent(&mut ForwardContext::evaluation()));
        let trained = latent(&mut ForwardContext::training(1, 0, 0..3));
        assert_ne!(evaluated, trained, "{architecture}");
        assert_eq!(trained, latent(&mut ForwardContext::training(1, 0, 0..3)));
        // Only the large one drops channels out.
        let later = latent(&mut ForwardContext::training(1, 1, 0..3));
        assert_eq!(trained == later, architecture == SMALL);
    }
}

/// A run in batches of 16.
fn trainer(architecture: Architecture, device: &Device) -> Trainer {
    let config = RunConfig {
        architecture,
        batch_size: 16,
        ..RunConfig::default()
    };
    let noise = Arc::new(dataset(ImageShape::GREY_28, CLASSES, 40, 8));
    Trainer::new(&config, noise, device).unwrap()
}

fn bits(trainer: &Trainer) -> Vec<Vec<u32>> {
    parameters(trainer.model())
        .into_iter()
        .map(|values| values.into_iter().map(f32::to_bits).collect())
        .collect()
}

#[test]
fn a_checkpoint_contains_the_running_statistics() {
    let mut trainer = trainer(SMALL, &Device::flex());
    let fresh = statistics(trainer.model());
    trainer.step();
    let checkpoint = trainer.restore_point();
    let (then, metrics) = (bits(&trainer), trainer.evaluate().unwrap());
    assert_ne!(fresh, statistics(trainer.model()));
    trainer.step();
    let next = bits(&trainer);
    assert_ne!(then, next);
    trainer.restore(checkpoint);
    assert_eq!(bits(&trainer), then);
    assert_eq!(trainer.evaluate().unwrap(), metrics);
    trainer.step();
    assert_eq!(bits(&trainer), next, "going on repeats what came before");
}

#[test]
fn runs_are_reproducible_bit_for_bit_with_any_number_of_threads() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let mut trainer = trainer(LARGE, &Device::flex());
            trainer.step();
            trainer.step();
            bits(&trainer)
        })
    };
    let one = run(1);
    assert!(run(3) == one, "three threads differ from one");
}

#[test]
fn burn_operations_and_cpu_kernels_train_alike() {
    // Evaluation sees the drift of biases that have no gradient but rounding errors.
    assert_trains_alike_on_wgpu(|device| trainer(SMALL, device), 1e-4, 1e-2);
}
