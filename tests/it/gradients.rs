//! Which parts get which gradient, whether the gradients are correct, and that runs are reproducible.

use std::sync::Arc;

use crate::common::{dataset, parameters};
use burn::{
    module::{Module as _, ModuleVisitor, Param},
    tensor::{Device, Gradients, Int, Tensor, TensorData},
};
use cre_lab::{
    data::{Dataset, ImageShape, Split, pixel_to_unit},
    model::{
        Architecture, Cre, ForwardContext, Lambda, LatentSize, ModelSpec, Output, VitOptions, loss,
    },
    train::{DeviceChoice, RunConfig, Trainer, device, trainer::floats},
};

const CLASSES: usize = 10;

/// `architecture` for `shape` with a latent of `n` units.
fn build(architecture: Architecture, shape: ImageShape, n: usize, seed: u64) -> Cre {
    let spec = model_spec(shape, CLASSES, n);
    architecture.build(&spec, seed, &Device::flex()).unwrap()
}

fn model_spec(shape: ImageShape, classes: usize, n: usize) -> ModelSpec {
    ModelSpec {
        shape,
        classes,
        latent: LatentSize::new(n).unwrap(),
        vit: VitOptions::default(),
    }
}

/// The first step of training of a whole batch.
fn pass(images: &Tensor<2>) -> ForwardContext {
    ForwardContext::training(1, 0, 0..images.dims()[0])
}

/// The three parts, in the order of a model's parameters.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Part {
    Encoder,
    Decoder,
    Classifier,
}

/// One parameter's gradient.
struct Gradient {
    part: Part,
    values: Vec<f32>,
}

/// The gradients of all parameters, in the order of [`parameters`].
fn gradients(model: &Cre, grads: &Gradients) -> Vec<Gradient> {
    struct Read<'a> {
        grads: &'a Gradients,
        part: Part,
        found: Vec<Gradient>,
    }
    impl ModuleVisitor for Read<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            match name {
                "encoder" => self.part = Part::Encoder,
                "decoder" => self.part = Part::Decoder,
                "classifier" => self.part = Part::Classifier,
                _ => {}
            }
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if !param.is_require_grad() {
                return;
            }
            let count = param.dims().iter().product();
            // What a loss does not depend on has no gradient: zero.
            let values = param
                .val()
                .grad(self.grads)
                .map_or(vec![0.0; count], |gradient| floats(gradient).unwrap());
            self.found.push(Gradient {
                part: self.part,
                values,
            });
        }
    }
    let mut read = Read {
        grads,
        part: Part::Encoder,
        found: Vec::new(),
    };
    model.visit(&mut read);
    read.found
}

/// A split as one batch.
fn batch(split: &Split, device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
    let pixels = split.images(0..split.len());
    let shape = [split.len(), pixels.len() / split.len()];
    let pixels: Vec<f32> = pixels.iter().map(|&byte| pixel_to_unit(byte)).collect();
    let labels: Vec<i32> = split.labels().iter().copied().map(i32::from).collect();
    (
        Tensor::from_data(TensorData::new(pixels, shape), device),
        Tensor::from_data(TensorData::new(labels, [split.len()]), device),
    )
}

/// Means over the batch.
fn losses(output: Output, images: Tensor<2>, labels: Tensor<1, Int>) -> (Tensor<1>, Tensor<1>) {
    let count = images.dims()[0] as f64;
    (
        loss::squared_error(output.reconstruction, images, output.weight).div_scalar(count),
        loss::cross_entropy(output.logits, labels).div_scalar(count),
    )
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |largest, x| largest.max(x.abs()))
}

/// The largest gradient of a part; zero would prove nothing.
#[track_caller]
fn largest_of(gradients: &[Gradient], part: Part) -> f32 {
    let of_part = gradients.iter().filter(|gradient| gradient.part == part);
    let largest = of_part.fold(0.0, |found: f32, gradient| {
        found.max(largest(&gradient.values))
    });
    assert!(largest > 0.0, "the {part:?} has no gradient");
    largest
}

fn norm(values: impl IntoIterator<Item = f32>) -> f64 {
    let squares = values.into_iter().map(|x| f64::from(x).powi(2));
    squares.sum::<f64>().sqrt()
}

#[test]
fn one_backward_pass_equals_three_separate_ones() {
    let device = Device::flex();
    let noise = dataset(ImageShape::GREY_28, CLASSES, 12, 1);
    for architecture in Architecture::ALL {
        let model = build(architecture, noise.shape, 3, 1).train();
        let (images, labels) = batch(&noise.train, &device);
        // Every pass has a graph of its own.
        let backward = |weigh: &dyn Fn(Tensor<1>, Tensor<1>) -> Tensor<1>| {
            let output = model.forward_in(images.clone(), &mut pass(&images));
            let (mse, ce) = losses(output, images.clone(), labels.clone());
            gradients(&model, &weigh(mse, ce).backward())
        };
        let of_decoder = backward(&|mse, _| mse);
        let of_classifier = backward(&|_, ce| ce);
        for lambda in [0.0, 0.3, 1.0].map(|value| Lambda::new(value).unwrap()) {
            let of_encoder = backward(&|mse, ce| {
                mse.mul_scalar(lambda.value()) + ce.mul_scalar(lambda.complement())
            });
            let output = model.forward_split(images.clone(), lambda, &mut pass(&images));
            let (mse, ce) = losses(output, images.clone(), labels.clone());
            let split = gradients(&model, &(mse + ce).backward());

            let expected_of = |part| match part {
                Part::Encoder => &of_encoder,
                Part::Decoder => &of_decoder,
                Part::Classifier => &of_classifier,
            };
            for (tensor, found) in split.iter().enumerate() {
                let expected = &expected_of(found.part)[tensor];
                // A bias that batch normalisation takes away again has none but rounding errors for
                // a gradient: the whole part is the measure.
                let scale = largest_of(expected_of(found.part), found.part);
                let pairs = found.values.iter().zip(&expected.values);
                let gaps: Vec<f32> = pairs.map(|(a, b)| a - b).collect();
                // λ is multiplied in at another point: a few roundings, no more.
                assert!(
                    largest(&gaps) <= 2e-6 * scale,
                    "{architecture}, λ = {lambda}, {:?}, parameter {tensor}: off by {} of {scale}",
                    found.part,
                    largest(&gaps)
                );
            }
        }
    }
}

#[test]
fn splitting_the_gradient_preserves_the_output() {
    let device = Device::flex();
    let noise = dataset(ImageShape::GREY_28, CLASSES, 20, 1);
    let (images, _) = batch(&noise.train, &device);
    let bits = |output: Output| -> Vec<Vec<u32>> {
        [output.latent, output.reconstruction, output.logits]
            .into_iter()
            .map(|tensor| floats(tensor).unwrap())
            .map(|values| values.into_iter().map(f32::to_bits).collect())
            .collect()
    };
    for architecture in Architecture::ALL {
        let model = build(architecture, noise.shape, 8, 2).train();
        let plain = bits(model.forward_in(images.clone(), &mut pass(&images)));
        for lambda in [0.0, 0.1, 0.3, 0.5, 0.9, 1.0] {
            let lambda = Lambda::new(lambda).unwrap();
            let split = bits(model.forward_split(images.clone(), lambda, &mut pass(&images)));
            assert_eq!(split, plain, "{architecture}, λ = {lambda}");
        }
    }
}

/// FC Medium once more, in float64 and in the plainest way.
struct Plain {
    /// As [`parameters`] gives them: weight, bias, weight, bias, …, two layers a part.
    parameters: Vec<Vec<f64>>,
    images: Vec<Vec<f64>>,
    labels: Vec<usize>,
}

impl Plain {
    /// Layer `layer` of six, of one image.
    fn linear(&self, layer: usize, input: &[f64]) -> Vec<f64> {
        let (weight, bias) = (&self.parameters[2 * layer], &self.parameters[2 * layer + 1]);
        let mut output = bias.clone();
        for (x, row) in input.iter().zip(weight.chunks(bias.len())) {
            for (y, w) in output.iter_mut().zip(row) {
                *y += x * w;
            }
        }
        output
    }

    fn relu(values: Vec<f64>) -> Vec<f64> {
        values.into_iter().map(|x| x.max(0.0)).collect()
    }

    /// Mean MSE and mean cross-entropy.
    fn losses(&self) -> (f64, f64) {
        let (mut mse, mut ce) = (0.0, 0.0);
        for (image, &label) in self.images.iter().zip(&self.labels) {
            let hidden = Self::relu(self.linear(0, image));
            let z = Self::relu(self.linear(1, &hidden));
            let reconstruction = self.linear(3, &Self::relu(self.linear(2, &z)));
            let squares = reconstruction
                .iter()
                .zip(image)
                .map(|(y, x)| (y.tanh() - x).powi(2));
            mse += squares.sum::<f64>() / image.len() as f64;
            let logits = self.linear(5, &Self::relu(self.linear(4, &z)));
            let total: f64 = logits.iter().map(|x| x.exp()).sum();
            ce += total.ln() - logits[label];
        }
        let count = self.images.len() as f64;
        (mse / count, ce / count)
    }
}

#[test]
fn gradients_equal_finite_differences() {
    const STEP: f64 = 1e-6;
    let shape = ImageShape {
        channels: 1,
        height: 2,
        width: 3,
    };
    let classes = 4;
    let lambda = Lambda::new(0.3).unwrap();
    let noise = dataset(shape, classes, 5, 1);
    let device = Device::flex();
    let model = Architecture::FcMedium
        .build(&model_spec(shape, classes, 2), 3, &device)
        .unwrap()
        .train();
    let (images, labels) = batch(&noise.train, &device);
    let output = model.forward_split(images.clone(), lambda, &mut pass(&images));
    let (mse, ce) = losses(output, images.clone(), labels);
    let analytic = gradients(&model, &(mse.clone() + ce.clone()).backward());

    let widen = |values: &[f32]| -> Vec<f64> { values.iter().copied().map(f64::from).collect() };
    let mut plain = Plain {
        parameters: parameters(&model)
            .iter()
            .map(|values| widen(values))
            .collect(),
        images: floats(images)
            .unwrap()
            .chunks(shape.pixels())
            .map(widen)
            .collect(),
        labels: noise
            .train
            .labels()
            .iter()
            .copied()
            .map(usize::from)
            .collect(),
    };
    let (plain_mse, plain_ce) = plain.losses();
    assert!((f64::from(floats(mse).unwrap()[0]) - plain_mse).abs() < 1e-6);
    assert!((f64::from(floats(ce).unwrap()[0]) - plain_ce).abs() < 1e-6);

    for (tensor, gradient) in analytic.iter().enumerate() {
        let scale = f64::from(largest(&gradient.values));
        assert!(scale > 0.0, "a gradient of zero would prove nothing");
        for (index, &found) in gradient.values.iter().enumerate() {
            let middle = plain.parameters[tensor][index];
            let mut at = |value: f64| {
                plain.parameters[tensor][index] = value;
                let (mse, ce) = plain.losses();
                match gradient.part {
                    Part::Encoder => lambda.mix(mse, ce),
                    Part::Decoder => mse,
                    Part::Classifier => ce,
                }
            };
            let slope = (at(middle + STEP) - at(middle - STEP)) / (2.0 * STEP);
            at(middle);
            assert!(
                (slope - f64::from(found)).abs() <= 2e-6 * scale,
                "{:?}, parameter {tensor}, value {index}: {found} instead of {slope} (of {scale})",
                gradient.part
            );
        }
    }
}

#[test]
fn the_parameter_counts_are_those_of_the_paper() {
    for n in [3, 512] {
        let small = (784 * n + n) + (n * 784 + 784) + (n * 10 + 10);
        let medium = (784 * 616 + 616 + 616 * n + n)
            + (n * 616 + 616 + 616 * 784 + 784)
            + (n * 12 + 12 + 12 * 10 + 10);
        let large = (784 * 716 + 716 + 716 * 684 + 684 + 684 * 616 + 616 + 616 * n + n)
            + (n * 616 + 616 + 616 * 684 + 684 + 684 * 716 + 716 + 716 * 784 + 784)
            + (n * 64 + 64 + 64 * 10 + 10);
        for (architecture, expected) in [
            (Architecture::FcSmall, small),
            (Architecture::FcMedium, medium),
            (Architecture::FcLarge, large),
        ] {
            let model = build(architecture, ImageShape::GREY_28, n, 0);
            assert_eq!(model.num_params(), expected, "{architecture}, n = {n}");
            let spec = model_spec(ImageShape::GREY_28, CLASSES, n);
            assert_eq!(architecture.parameter_count(&spec), Ok(expected));
        }
    }
}

/// The parameters after `steps` steps of a short run in batches of 32.
fn trained(seed: u64, steps: usize, noise: &Arc<Dataset>, device: &Device) -> Vec<Vec<f32>> {
    let config = RunConfig {
        batch_size: 32,
        seed,
        ..RunConfig::default()
    };
    let mut trainer = Trainer::new(&config, noise.clone(), device).unwrap();
    for _ in 0..steps {
        trainer.step();
    }
    parameters(trainer.model())
}

#[test]
fn a_seed_determines_every_bit_on_the_cpu() {
    let noise = Arc::new(dataset(ImageShape::GREY_28, CLASSES, 100, 1));
    // Three batches make an epoch, so that the second epoch's order matters too.
    let run = |seed| -> Vec<Vec<u32>> {
        trained(seed, 7, &noise, &Device::flex())
            .into_iter()
            .map(|values| values.into_iter().map(f32::to_bits).collect())
            .collect()
    };
    let first = run(5);
    assert_eq!(first, run(5));
    let other = run(6);
    for (tensor, (a, b)) in first.iter().zip(&other).enumerate() {
        assert_ne!(a, b, "parameter {tensor} does not depend on the seed");
    }
}

#[test]
fn results_are_independent_of_the_number_of_threads() {
    let device = Device::flex();
    let noise = dataset(ImageShape::GREY_28, CLASSES, 128, 1);
    let model = build(Architecture::FcMedium, noise.shape, 3, 1).train();
    let (images, labels) = batch(&noise.train, &device);
    let with_threads = |threads: usize| -> Vec<Vec<u32>> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let output = model.forward_split(images.clone(), Lambda::BALANCED, &mut pass(&images));
            let (mse, ce) = losses(output, images.clone(), labels.clone());
            gradients(&model, &(mse + ce).backward())
                .into_iter()
                .map(|gradient| gradient.values.into_iter().map(f32::to_bits).collect())
                .collect()
        })
    };
    let one = with_threads(1);
    for threads in [2, 3, 8] {
        assert!(
            with_threads(threads) == one,
            "{threads} threads differ from one"
        );
    }
}

#[test]
fn wgpu_and_cpu_train_alike() {
    let (wgpu, report) = device::open(DeviceChoice::Wgpu).expect(
        "this test needs a Vulkan driver: install mesa-vulkan-drivers (scripts/setup test does)",
    );
    let noise = Arc::new(dataset(ImageShape::GREY_28, CLASSES, 64, 1));
    let steps = 4;
    let start = trained(1, 0, &noise, &Device::flex());
    let cpu = trained(1, steps, &noise, &Device::flex());
    let gpu = trained(1, steps, &noise, &wgpu);
    for (tensor, ((start, cpu), gpu)) in start.iter().zip(&cpu).zip(&gpu).enumerate() {
        let gap = norm(cpu.iter().zip(gpu).map(|(a, b)| a - b));
        let way = norm(cpu.iter().zip(start).map(|(a, b)| a - b));
        assert!(
            way > 0.0 && gap <= 1e-3 * way,
            "{}: parameter {tensor} is off by {gap} after moving by {way}",
            report.name
        );
    }
}
