//! The vision transformer: its layers, and what training changes that evaluation does not.

use std::sync::Arc;

use crate::common::{assert_trains_alike_on_wgpu, dataset, parameters, statistics};
use burn::{
    module::Module as _,
    tensor::{Device, Tensor, TensorData},
};
use cre_lab::{
    data::{ImageShape, pixel_to_unit},
    model::{Architecture, Cre, ForwardContext, LatentLayout, LatentSize, ModelSpec, VitOptions},
    train::{RunConfig, Trainer, trainer::floats},
};

const CLASSES: usize = 10;
const VIT: Architecture = Architecture::Vit;
const GREY: ImageShape = ImageShape::GREY_28;
const COLOUR: ImageShape = ImageShape::COLOUR_32;

fn model_spec(shape: ImageShape, vit: VitOptions) -> ModelSpec {
    ModelSpec {
        shape,
        classes: CLASSES,
        latent: LatentSize::default(),
        vit,
    }
}

fn build(shape: ImageShape, vit: VitOptions) -> Cre {
    VIT.build(&model_spec(shape, vit), 1, &Device::flex())
        .unwrap()
}

fn masking(mask_ratio: f64) -> VitOptions {
    VitOptions {
        mask_ratio,
        ..VitOptions::default()
    }
}

/// Every option away from its default.
const OTHER: VitOptions = VitOptions {
    patch: Some(8),
    embed: 12,
    depth: 2,
    heads: 3,
    mlp_ratio: 2,
    mask_ratio: 0.5,
};

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
    for (shape, options, tokens, embed, layers) in [
        (
            GREY,
            VitOptions::default(),
            17,
            8,
            "Encoder 16 patches of 1×7×7 → 17×8 → 1 block (4 heads, MLP 32) → 17×8\n\
             Decoder 17×8 → 1 block (4 heads, MLP 32) → 16 patches of 1×7×7\n\
             Classifier mean of 16×8 → 8 → 10",
        ),
        (
            COLOUR,
            VitOptions::default(),
            65,
            8,
            "Encoder 64 patches of 3×4×4 → 65×8 → 1 block (4 heads, MLP 32) → 65×8\n\
             Decoder 65×8 → 1 block (4 heads, MLP 32) → 64 patches of 3×4×4\n\
             Classifier mean of 64×8 → 8 → 10",
        ),
        (
            COLOUR,
            OTHER,
            17,
            12,
            "Encoder 16 patches of 3×8×8 → 17×12 → 2 blocks (3 heads, MLP 24) → 17×12\n\
             Decoder 17×12 → 2 blocks (3 heads, MLP 24) → 16 patches of 3×8×8\n\
             Classifier mean of 16×12 → 12 → 10\n\
             Training hides 8 of 16 patches",
        ),
    ] {
        let spec = model_spec(shape, options);
        assert_eq!(VIT.describe(&spec).unwrap(), layers);
        assert!(!VIT.is_outside_paper(shape));
        let layout = VIT.latent_layout(&spec).unwrap();
        let (count, width) = (tokens, embed);
        assert_eq!(layout, LatentLayout::Tokens { count, width });
        assert_eq!(layout.relu_units(), 0);
        let model = build(shape, options);
        let output = model.forward(images(shape, 2));
        assert_eq!(output.latent.dims(), [2, layout.values()]);
        assert_eq!(output.reconstruction.dims(), [2, shape.pixels()]);
        assert_eq!(output.logits.dims(), [2, CLASSES]);
        assert!(output.weight.is_none(), "evaluation hides nothing");

        let trained = model.forward_in(images(shape, 2), &mut ForwardContext::training(1, 0, 0..2));
        let visible = if options.mask_ratio > 0.0 {
            1 + 8
        } else {
            count
        };
        assert_eq!(trained.latent.dims(), [2, visible * embed]);
        assert_eq!(trained.reconstruction.dims(), [2, shape.pixels()]);
        assert_eq!(trained.logits.dims(), [2, CLASSES]);
    }
}

#[test]
fn parameter_counts_equal_the_sum_of_the_layers() {
    let expected = |values: usize, d: usize, depth: usize, hidden: usize| {
        let norm = 2 * d;
        let attention = (d * 3 * d + 3 * d) + (d * d + d);
        let mlp = (d * hidden + hidden) + (hidden * d + d);
        let blocks = depth * (norm + attention + norm + mlp);
        let encoder = (values * d + d) + d + blocks + norm;
        let decoder = (d * d + d) + d + blocks + norm + (d * values + values);
        encoder + decoder + (d * CLASSES + CLASSES)
    };
    for (shape, options, expected) in [
        (GREY, VitOptions::default(), expected(49, 8, 1, 32)),
        (COLOUR, VitOptions::default(), expected(48, 8, 1, 32)),
        (COLOUR, OTHER, expected(192, 12, 2, 24)),
    ] {
        assert_eq!(
            VIT.parameter_count(&model_spec(shape, options)),
            Ok(expected)
        );
        let model = build(shape, options);
        let running: usize = statistics(&model).iter().map(Vec::len).sum();
        assert_eq!(running, 2 * options.embed);
        assert_eq!(model.num_params() - running, expected);
    }
}

#[test]
fn invalid_sizes_are_refused_with_the_reason() {
    let heads = VitOptions {
        heads: 3,
        ..VitOptions::default()
    };
    let patch = VitOptions {
        patch: Some(5),
        ..VitOptions::default()
    };
    for (options, named) in [(heads, "3 heads"), (patch, "1×28×28")] {
        let spec = model_spec(GREY, options);
        let reason = VIT.build(&spec, 0, &Device::flex()).unwrap_err();
        assert!(reason.to_string().contains(named), "{reason}");
        assert_eq!(VIT.latent_layout(&spec), Err(reason.clone()));
        assert_eq!(VIT.parameter_count(&spec), Err(reason));
    }
}

#[test]
fn normalisation_differs_between_training_and_evaluation() {
    let model = build(GREY, VitOptions::default());
    let through = |pass: &mut ForwardContext| {
        let output = model.forward_in(images(GREY, 3), pass);
        [output.latent, output.reconstruction, output.logits].map(|x| floats(x).unwrap())
    };
    let evaluated = through(&mut ForwardContext::evaluation());
    assert_eq!(evaluated, through(&mut ForwardContext::evaluation()));
    let trained = through(&mut ForwardContext::training(1, 0, 0..3));
    // Only the classifier's normalisation tells the two apart.
    assert_eq!(trained[..2], evaluated[..2]);
    assert_ne!(trained[2], evaluated[2]);
    // It has neither scale nor shift: class scores have the biases as their means.
    let biases = parameters(&model).pop().unwrap();
    for (class, bias) in biases.iter().enumerate() {
        let mean = trained[2]
            .chunks(CLASSES)
            .map(|row| row[class])
            .sum::<f32>()
            / 3.0;
        assert!((mean - bias).abs() < 1e-6, "{mean}, not {bias}");
    }
}

#[test]
fn masks_depend_on_seed_step_and_index() {
    let model = build(GREY, masking(0.75));
    let through = |seed: u64, step: u64, places: std::ops::Range<usize>| {
        let visible = images(GREY, 4).slice(places.clone());
        let output = model.forward_in(visible, &mut ForwardContext::training(seed, step, places));
        (
            floats(output.latent).unwrap(),
            floats(output.weight.unwrap()).unwrap(),
        )
    };
    let (latent, weight) = through(1, 5, 0..4);
    for image in weight.chunks(GREY.pixels()) {
        assert_eq!(image.iter().sum::<f32>(), 12.0 * 49.0);
    }
    assert_eq!(through(1, 5, 0..4), (latent.clone(), weight.clone()));
    for other in [through(2, 5, 0..4), through(1, 6, 0..4)] {
        assert_ne!(other.1, weight);
    }
    // However the batch is cut.
    let (first, second) = (through(1, 5, 0..1), through(1, 5, 1..4));
    assert_eq!([first.0, second.0].concat(), latent);
    assert_eq!([first.1, second.1].concat(), weight);
}

#[test]
fn masked_patches_do_not_affect_the_output() {
    let model = build(GREY, masking(0.5));
    let through = |images: Tensor<2>| {
        let output = model.forward_in(images, &mut ForwardContext::training(1, 0, 0..2));
        (floats(output.reconstruction).unwrap(), output.weight)
    };
    let visible = images(GREY, 2);
    let (reconstruction, weight) = through(visible.clone());
    let hidden = weight.unwrap();
    let (other, _) = through(visible.clone() + hidden.clone());
    assert_eq!(reconstruction, other, "hidden pixels reach the encoder");
    let (other, _) = through(visible + hidden.mul_scalar(-1.0).add_scalar(1.0));
    assert_ne!(
        reconstruction, other,
        "visible pixels do not reach the encoder"
    );
}

/// A run in batches of 40: two chunks and a half of those that kernels work on.
fn trainer(vit: VitOptions, shape: ImageShape, device: &Device) -> Trainer {
    let config = RunConfig {
        architecture: VIT,
        batch_size: 40,
        vit,
        ..RunConfig::default()
    };
    let noise = Arc::new(dataset(shape, CLASSES, 80, 8));
    Trainer::new(&config, noise, device).unwrap()
}

#[test]
fn runs_are_reproducible_bit_for_bit_with_any_number_of_threads() {
    let run = |threads: usize| -> Vec<Vec<u32>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let mut trainer = trainer(masking(0.25), GREY, &Device::flex());
            for _ in 0..3 {
                trainer.step();
            }
            let bits = |values: Vec<f32>| values.into_iter().map(f32::to_bits).collect();
            parameters(trainer.model()).into_iter().map(bits).collect()
        })
    };
    let one = run(1);
    for threads in [2, 3] {
        assert!(run(threads) == one, "{threads} threads differ from one");
    }
}

#[test]
fn burn_operations_and_cpu_kernels_train_alike() {
    assert_trains_alike_on_wgpu(|device| trainer(OTHER, COLOUR, device), 1e-5, 1e-4);
}
