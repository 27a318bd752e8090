//! Assembles images and labels as tensors on the device.

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

/// The images and labels of one step, in parts. Each part is assembled when it is first needed, and
/// once for all networks.
#[derive(Debug)]
pub struct Batch {
    dataset: Arc<Dataset>,
    device: Device,
    seed: u64,
    step: u64,
    indices: Vec<u32>,
    ranges: Vec<Range<usize>>,
    parts: Vec<OnceLock<Part>>,
}

#[derive(Clone, Debug)]
pub struct Part {
    /// Their indices in the batch.
    pub positions: Range<usize>,
    /// Input of the encoder, `[images, pixels]` in [−1, 1], rotated if the data set is augmented.
    pub inputs: Tensor<2>,
    /// Target of the decoder, `[images, pixels]` in [−1, 1], never rotated.
    pub images: Tensor<2>,
    /// Classes, `[images]`.
    pub labels: Tensor<1, Int>,
}

impl Batch {
    /// The training images `indices` for a step of a run, split into `ranges`.
    pub fn new(
        dataset: Arc<Dataset>,
        device: &Device,
        (seed, step): (u64, u64),
        indices: &[u32],
        ranges: Vec<Range<usize>>,
    ) -> Self {
        Self {
            dataset,
            device: device.clone(),
            seed,
            step,
            indices: indices.to_vec(),
            parts: ranges.iter().map(|_| OnceLock::new()).collect(),
            ranges,
        }
    }

    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    pub fn part(&self, index: usize) -> &Part {
        self.parts[index].get_or_init(|| self.assemble(self.ranges[index].clone()))
    }

    fn assemble(&self, positions: Range<usize>) -> Part {
        let indices = &self.indices[positions.clone()];
        let (images, labels) = gather(&self.dataset.train, indices, &self.device);
        let rotated = (self.dataset.rotation > 0.0).then(|| self.rotated(positions.clone()));
        let inputs = rotated.unwrap_or_else(|| images.clone());
        Part {
            positions,
            inputs,
            images,
            labels,
        }
    }

    /// Images rotated by random angles that depend on seed, step and index in the batch only.
    fn rotated(&self, positions: Range<usize>) -> Tensor<2> {
        let (rotation, shape) = (self.dataset.rotation, self.dataset.shape);
        let mut pixels = Vec::with_capacity(positions.len() * shape.pixels());
        for position in positions.clone() {
            let stream = rng::rotation_stream(self.step, position);
            let mut generator = rng::from_stream(self.seed, stream);
            let angle = generator.random_range(-rotation..=rotation);
            let image = self.dataset.train.image(self.indices[position] as usize);
            rotation::rotate(image, shape, angle, &mut pixels);
        }
        images(pixels.iter(), positions.len(), &self.device)
    }
}

/// Consecutive images `[images, pixels]` in [−1, 1] and their labels `[images]`.
pub fn slice(split: &Split, range: Range<usize>, device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
    let labels = &split.labels()[range.clone()];
    (
        images(split.images(range).iter(), labels.len(), device),
        classes(labels.iter().copied(), device),
    )
}

/// Images and labels by index, like [`slice`].
pub fn gather(split: &Split, indices: &[u32], device: &Device) -> (Tensor<2>, Tensor<1, Int>) {
    let positions = || indices.iter().map(|&index| index as usize);
    let pixels = positions().flat_map(|index| split.image(index));
    (
        images(pixels, indices.len(), device),
        classes(positions().map(|index| split.label(index)), device),
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
