//! What the numerical tests share: data that needs no random generator, and the parameters of a
//! model in plain numbers.

pub mod program;
pub mod server;
pub mod small_set;
#[cfg(feature = "gui")]
pub mod window;

use std::time::Duration;

use burn::{
    module::{Module as _, ModuleVisitor, Param},
    tensor::{Device, Tensor},
};
use cre_lab::{
    data::{Dataset, ImageShape, LoadReport, Split},
    model::Cre,
    train::{DeviceChoice, Trainer, device},
};
use crossbeam_channel::bounded;

/// First words of the hash for the two halves of the data.
const TRAIN_STREAM: u32 = 0x7261_696E;
const TEST_STREAM: u32 = 0x7465_7374;

/// A permutation of the 32-bit integers without visible pattern; `reference/make_fc_reference.py`
/// holds the same one.
fn mix(mut x: u32) -> u32 {
    x ^= x >> 16;
    x = x.wrapping_mul(0x7FEB_352D);
    x ^= x >> 15;
    x = x.wrapping_mul(0x846C_A68B);
    x ^ x >> 16
}

/// Hashed integers without end.
pub fn stream(first_word: u32) -> impl Iterator<Item = u32> {
    let start = mix(first_word);
    (0u32..).map(move |index| mix(start.wrapping_add(index)))
}

/// Noise images; image i is of class i mod `classes`.
pub fn dataset(shape: ImageShape, classes: usize, train: usize, test: usize) -> Dataset {
    let split = |first_word: u32, images: usize| {
        let noise = stream(first_word).map(|word| (word >> 24) as u8);
        let pixels = noise.take(images * shape.pixels()).collect();
        let labels = (0..images).map(|image| (image % classes) as u8).collect();
        Split::new(shape, pixels, labels).unwrap()
    };
    Dataset {
        name: "noise".to_owned(),
        shape,
        class_names: (0..classes).map(|class| class.to_string()).collect(),
        rotation: 0.0,
        left_out: LoadReport::default(),
        train: split(TRAIN_STREAM, train),
        test: split(TEST_STREAM, test),
    }
}

/// Every parameter, row-major, in the order encoder, decoder, classifier; of each layer first the
/// weight (of a linear one `[inputs, outputs]`), then the bias, then running statistics.
pub fn parameters(model: &Cre) -> Vec<Vec<f32>> {
    let named = named_parameters(model).into_iter();
    named.map(|(_, values)| values).collect()
}

/// Those that no gradient reaches.
pub fn statistics(model: &Cre) -> Vec<Vec<f32>> {
    let named = named_parameters(model).into_iter();
    named
        .filter(|(name, _)| name.starts_with("running_"))
        .map(|(_, values)| values)
        .collect()
}

/// Last name and values of every parameter.
fn named_parameters(model: &Cre) -> Vec<(String, Vec<f32>)> {
    #[derive(Default)]
    struct Read {
        name: String,
        found: Vec<(String, Vec<f32>)>,
    }
    impl ModuleVisitor for Read {
        fn enter_module(&mut self, name: &str, _: &str) {
            name.clone_into(&mut self.name);
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let values = param.val().try_into_vec_as().unwrap();
            self.found.push((self.name.clone(), values));
        }
    }
    let mut read = Read::default();
    model.visit(&mut read);
    read.found
}

/// Checks that two steps of `trainer`, and the evaluation after them, give the same metrics on the
/// CPU and on a GPU, up to these differences.
pub fn assert_trains_alike_on_wgpu(
    trainer: impl Fn(&Device) -> Trainer,
    max_loss_gap: f32,
    max_evaluation_gap: f64,
) {
    let (wgpu, report) = device::open(DeviceChoice::Wgpu).expect(
        "this test needs a Vulkan driver: install mesa-vulkan-drivers (scripts/setup test does)",
    );
    let after = |device: &Device| {
        let mut trainer = trainer(device);
        for _ in 0..2 {
            trainer.step();
        }
        let losses = trainer.take_losses().unwrap();
        (losses, trainer.evaluate().unwrap())
    };
    let (cpu, gpu) = (after(&Device::flex()), after(&wgpu));
    for (cpu, gpu) in cpu.0.iter().zip(&gpu.0) {
        let gap = (cpu.mse - gpu.mse).abs().max((cpu.ce - gpu.ce).abs());
        assert!(gap < max_loss_gap, "{}: {cpu:?}, {gpu:?}", report.name);
    }
    let (mse, ce) = (cpu.1.mse - gpu.1.mse, cpu.1.ce - gpu.1.ce);
    let gap = mse.abs().max(ce.abs());
    assert!(
        gap < max_evaluation_gap,
        "{}: {:?}, {:?}",
        report.name,
        cpu.1,
        gpu.1
    );
}

/// Checks that dropping `value` ends within `limit`.
pub fn assert_drop_ends<T: Send + 'static>(value: T, limit: Duration) {
    let (drops, dropped) = bounded(1);
    std::thread::spawn(move || {
        drop(value);
        let _ = drops.send(());
    });
    dropped.recv_timeout(limit).expect("dropping ends");
}
