//! Images and labels on their way to the device.

use std::{
    ops::Range,
    sync::{Arc, OnceLock},
};

use burn::tensor::{Device, Int, Tensor, TensorData};
use rand::RngExt as _;

use crate::{
    data::{Dataset, Split, pixel_to_unit, rotation},
    rng,
};

/// What one step learns from, cut into parts. A part is put together when it is first asked for,
/// and only once, however many networks learn from it.
#[derive(Debug)]
pub struct Batch {
    dataset: Arc<Dataset>,
    device: Device,
    seed: u64,
    step: u64,
    indices: Vec<u32>,
    cut: Vec<Range<usize>>,
    parts: Vec<OnceLock<Part>>,
}

/// Some images of a batch.
#[derive(Clone, Debug)]
pub struct Part {
    /// Their places in the batch.
    pub places: Range<usize>,
    /// What the encoder sees, `[images, pixels]` in [−1, 1]: perhaps turned.
    pub inputs: Tensor<2>,
    /// What the decoder is to rebuild, `[images, pixels]` in [−1, 1]: never turned.
    pub images: Tensor<2>,
    /// Classes, `[images]`.
    pub labels: Tensor<1, Int>,
}

impl Batch {
    /// The training images `indices` for step `step` of a run, cut at the places `cut`.
    pub fn new(
        dataset: Arc<Dataset>,
        device: &Device,
        (seed, step): (u64, u64),
        indices: &[u32],
        cut: Vec<Range<usize>>,
    ) -> Self {
        Self {
            dataset,
            device: device.clone(),
            seed,
            step,
            indices: indices.to_vec(),
            parts: cut.iter().map(|_| OnceLock::new()).collect(),
            cut,
        }
    }

    /// Number of parts.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// One part.
    pub fn part(&self, place: usize) -> &Part {
        self.parts[place].get_or_init(|| self.assemble(self.cut[place].clone()))
    }

    fn assemble(&self, places: Range<usize>) -> Part {
        let indices = &self.indices[places.clone()];
        let (images, labels) = gather(&self.dataset.train, indices, &self.device);
        let inputs = if self.dataset.rotation > 0.0 {
            self.turned(places.clone())
        } else {
            images.clone()
        };
        Part {
            places,
            inputs,
            images,
            labels,
        }
    }

    /// Images each turned by a random angle that depends on seed, step and place in the batch alone.
    fn turned(&self, places: Range<usize>) -> Tensor<2> {
        let Dataset {
            rotation, shape, ..
        } = *self.dataset;
        let mut pixels = Vec::with_capacity(places.len() * shape.pixels());
        for place in places.clone() {
            let mut generator = rng::from_stream(self.seed, rng::rotation_stream(self.step, place));
            let angle = generator.random_range(-rotation..=rotation);
            let image = self.dataset.train.image(self.indices[place] as usize);
            rotation::rotate(image, shape, angle, &mut pixels);
        }
        images(pixels.iter(), places.len(), &self.device)
    }
}

/// Images `[images, pixels]` in [−1, 1] and labels `[images]` that lie side by side.
pub fn slice(split: &Split, range: Range<usize>, device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
    let labels = &split.labels()[range.clone()];
    (
        images(split.images(range).iter(), labels.len(), device),
        classes(labels.iter().copied(), device),
    )
}

/// The same for images picked by index.
pub fn gather(split: &Split, indices: &[u32], device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
    let places = || indices.iter().map(|&index| index as usize);
    let pixels = places().flat_map(|index| split.image(index));
    (
        images(pixels, indices.len(), device),
        classes(places().map(|index| split.label(index)), device),
    )
}

/// Bytes as `count` images `[count, pixels]` in [−1, 1].
pub fn images<'a>(bytes: impl Iterator<Item = &'a u8>, count: usize, device: &Device) -> Tensor<2> {
    let pixels: Vec<f32> = bytes.map(|&byte| pixel_to_unit(byte)).collect();
    let shape = [count, pixels.len() / count.max(1)];
    Tensor::from_data(TensorData::new(pixels, shape), device)
}

fn classes(labels: impl Iterator<Item = u8>, device: &Device) -> Tensor<1, Int> {
    let labels: Vec<i32> = labels.map(i32::from).collect();
    let count = labels.len();
    Tensor::from_data(TensorData::new(labels, [count]), device)
}
