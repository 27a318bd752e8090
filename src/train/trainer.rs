//! The training state of one network: model, optimiser, data and step.

mod evaluation;

use std::{ops::Range, sync::Arc};

use burn::{
    module::Module as _,
    optim::{GradientsAccumulator, GradientsParams},
    tensor::{Device, ExecutionError, Tensor},
};

use super::{
    RunConfig, StepLosses,
    adam::Adam,
    batch::{self, Batch, Part},
    batch_split::BatchSplit,
    batches::Batches,
    device::available_threads,
};
use crate::{
    data::Dataset,
    model::{Cre, ForwardContext, InvalidArchitecture, Lambda, LatentLayout, loss},
};

pub use evaluation::EvaluationSums;

/// Images per forward pass of an evaluation: large enough for an efficient matrix product, small
/// enough to be distributed over the cores and to keep memory low.
const EVALUATION_CHUNK: usize = 250;

/// Why a run cannot start or continue.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    #[error("batch size {batch_size} is larger than the {images} training images")]
    BatchSize { batch_size: usize, images: usize },
    #[error("learning rate {0} is not a positive number")]
    LearningRate(f64),
    #[error(transparent)]
    Network(#[from] InvalidArchitecture),
    #[error("a run needs at least one λ")]
    NoLanes,
    #[error("the data set has no test images")]
    NoTestImages,
    #[error("could not start a background thread: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    #[error("the device failed: {0}")]
    Device(String),
}

impl From<ExecutionError> for TrainError {
    fn from(error: ExecutionError) -> Self {
        Self::Device(error.to_string())
    }
}

/// Everything that a step changes. Cloning is cheap, since tensors are shared until written.
#[derive(Clone)]
pub struct RestorePoint {
    /// The network, without autodiff.
    pub model: Cre,
    pub optimizer: Adam,
    pub step: u64,
}

/// Trains one CRE, step by step.
pub struct Trainer {
    dataset: Arc<Dataset>,
    layout: LatentLayout,
    seed: u64,
    device: Device,
    batch_split: BatchSplit,
    batches: Batches,
    batch_size: usize,
    learning_rate: f64,
    lambda: Lambda,
    state: RestorePoint,
    /// Losses still on the device: `[Σ MSE, Σ CE, correct]` of each step since they were last read.
    pending: Vec<(u64, Tensor<1>)>,
}

impl Trainer {
    /// Builds the network. The seed determines initial weights and the order of images.
    ///
    /// # Errors
    /// When network, batch size or learning rate do not fit the data.
    pub fn new(
        config: &RunConfig,
        dataset: Arc<Dataset>,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let spec = config.model_spec(dataset.shape, dataset.classes());
        let model = config.architecture.build(&spec, config.seed, device)?;
        Self::with_model(config, dataset, device, model)
    }

    /// Like [`Self::new`], starting from `model`, which must fit the data.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn with_model(
        config: &RunConfig,
        dataset: Arc<Dataset>,
        device: &Device,
        model: Cre,
    ) -> Result<Self, TrainError> {
        let (images, batch_size) = (dataset.train.len(), config.batch_size);
        let batches = Batches::new(images, batch_size, config.seed)
            .ok_or(TrainError::BatchSize { batch_size, images })?;
        if dataset.test.is_empty() {
            return Err(TrainError::NoTestImages);
        }
        let spec = config.model_spec(dataset.shape, dataset.classes());
        let layout = config.architecture.latent_layout(&spec)?;
        let mut trainer = Self {
            layout,
            seed: config.seed,
            device: device.clone(),
            batch_split: BatchSplit::new(device, available_threads())?,
            batches,
            batch_size,
            learning_rate: 0.0,
            lambda: config.lambda,
            state: RestorePoint {
                model,
                optimizer: Adam::default(),
                step: 0,
            },
            pending: Vec::new(),
            dataset,
        };
        trainer.set_learning_rate(config.learning_rate)?;
        Ok(trainer)
    }

    /// Uses `cores` cores from now on. Their number changes the speed, not the result.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn with_cores(mut self, cores: usize) -> Result<Self, TrainError> {
        self.batch_split = BatchSplit::new(&self.device, cores)?;
        Ok(self)
    }

    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The current network, without autodiff.
    pub fn model(&self) -> &Cre {
        &self.state.model
    }

    pub fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    pub fn seed(&self) -> u64 {
        self.seed
    }

    pub fn layout(&self) -> LatentLayout {
        self.layout
    }

    pub fn steps(&self) -> u64 {
        self.state.step
    }

    pub fn steps_per_epoch(&self) -> u64 {
        self.batches.per_epoch() as u64
    }

    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// λ of the next step.
    pub fn lambda(&self) -> Lambda {
        self.lambda
    }

    pub fn set_lambda(&mut self, lambda: Lambda) {
        self.lambda = lambda;
    }

    /// Sets the learning rate from the next step on.
    ///
    /// # Errors
    /// When it is not a positive, finite number.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<(), TrainError> {
        if !(learning_rate.is_finite() && learning_rate > 0.0) {
            return Err(TrainError::LearningRate(learning_rate));
        }
        self.learning_rate = learning_rate;
        Ok(())
    }

    /// Takes one step. Losses stay on the device until [`Self::take_losses`].
    pub fn step(&mut self) {
        let batch = self.next_batch();
        self.train_on(&batch);
    }

    /// The batch of the next step: the same for every trainer with the same data, network, batch
    /// size, seed and number of steps.
    pub fn next_batch(&mut self) -> Batch {
        let step = self.state.step;
        let indices = self.batches.after(step);
        let is_splittable = self.state.model.is_batch_splittable();
        let ranges = self.batch_split.ranges(indices.len(), is_splittable);
        let (dataset, seed) = (self.dataset.clone(), self.seed);
        Batch::new(dataset, &self.device, (seed, step), indices, ranges)
    }

    /// Takes one step with a batch of this or an equal trainer.
    pub fn train_on(&mut self, batch: &Batch) {
        let state = &mut self.state;
        let (model, batch_size, lambda) = (&state.model, self.batch_size, self.lambda);
        let (seed, step) = (self.seed, state.step);
        let outcomes = self.batch_split.map((0..batch.parts()).collect(), |part| {
            let Part {
                positions,
                inputs,
                images,
                labels,
            } = batch.part(part).clone();
            // Each part trains its own leaves, so that no autodiff graph is shared.
            let model = model.clone().train();
            let mut pass = ForwardContext::training(seed, step, positions);
            let output = model.forward_split(inputs, lambda, &mut pass);
            let mse = loss::squared_error(output.reconstruction, images, output.weight);
            let ce = loss::cross_entropy(output.logits.clone(), labels.clone());
            let correct = loss::correct(output.logits.inner(), labels);
            let sums = Tensor::cat(vec![mse.clone().inner(), ce.clone().inner(), correct], 0);
            // Sums over the parts, divided by the batch size, are the means over the batch.
            let loss = (mse + ce).div_scalar(batch_size as f64);
            let gradients = GradientsParams::from_grads(loss.backward(), &model);
            (gradients, sums, pass)
        });

        let mut accumulator = GradientsAccumulator::new();
        let mut sums: Option<Tensor<1>> = None;
        let mut contexts = Vec::new();
        for (gradients, part_sums, pass) in outcomes {
            contexts.push(pass);
            accumulator.accumulate(&state.model, gradients);
            sums = Some(match sums {
                None => part_sums,
                Some(sums) => sums + part_sums,
            });
        }
        state.step += 1;
        self.pending.extend(sums.map(|sums| (state.step, sums)));
        let (model, gradients) = (state.model.clone(), accumulator.grads());
        let model = state.optimizer.step(self.learning_rate, model, gradients);
        let update = |model, pass: ForwardContext| pass.update_statistics(model);
        state.model = contexts.into_iter().fold(model, update);
    }

    /// Training losses of the steps since the last call, oldest first.
    ///
    /// # Errors
    /// When the device has failed.
    pub fn take_losses(&mut self) -> Result<Vec<StepLosses>, TrainError> {
        Ok(take_losses(std::slice::from_mut(self))?.concat())
    }

    /// Means over the batch from the sums of a step.
    fn losses(&self, step: u64, [mse, ce, correct]: [f32; 3]) -> StepLosses {
        let batch = self.batch_size as f32;
        StepLosses {
            step,
            mse: mse / batch,
            ce: ce / batch,
            accuracy: correct / batch,
        }
    }

    /// Applies `forward` to the test images `indices`, [`EVALUATION_CHUNK`] at a time, on all
    /// cores. `forward` receives the model and images `[images, pixels]` and returns one row per
    /// image.
    ///
    /// # Errors
    /// When the device has failed.
    pub fn map_test_images<R: Send>(
        &self,
        indices: &[u32],
        forward: impl Fn(&Cre, Tensor<2>) -> Result<Vec<R>, TrainError> + Sync,
    ) -> Result<Vec<R>, TrainError> {
        let rows = self.batch_split.map(chunks(indices.len()), |range| {
            let (images, _) = batch::gather(&self.dataset.test, &indices[range], &self.device);
            forward(&self.state.model, images)
        });
        let rows: Vec<Vec<R>> = rows.into_iter().collect::<Result<_, _>>()?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Applies `forward` to one image that is not in the data set, `pixels` bytes of its shape;
    /// `None` for any other size.
    ///
    /// # Errors
    /// When the device has failed.
    pub fn map_custom_image<R>(
        &self,
        pixels: &[u8],
        forward: impl Fn(&Cre, Tensor<2>) -> Result<Vec<R>, TrainError>,
    ) -> Result<Option<R>, TrainError> {
        if pixels.len() != self.dataset.shape.pixels() {
            return Ok(None);
        }
        let image = batch::images(pixels.iter(), 1, &self.device);
        forward(&self.state.model, image).map(|mut rows| rows.pop())
    }

    /// Replaces the network's parameters; optimiser and step are kept.
    pub fn set_model(&mut self, model: Cre) {
        self.state.model = model;
    }

    /// The current state, to return to with [`Self::restore`].
    pub fn restore_point(&self) -> RestorePoint {
        self.state.clone()
    }

    /// Returns to an earlier state, or continues from that of another trainer of the same kind.
    pub fn restore(&mut self, state: RestorePoint) {
        self.state = state;
        self.pending.clear();
    }
}

/// Training losses of each trainer since the last call, oldest first, read from the device together.
pub(super) fn take_losses(trainers: &mut [Trainer]) -> Result<Vec<Vec<StepLosses>>, TrainError> {
    let pending = trainers
        .iter_mut()
        .map(|trainer| std::mem::take(&mut trainer.pending));
    let pending: Vec<Vec<(u64, Tensor<1>)>> = pending.collect();
    let sums = pending.iter().flatten().map(|(_, sums)| sums.clone());
    let sums: Vec<Tensor<1>> = sums.collect();
    if sums.is_empty() {
        return Ok(vec![Vec::new(); trainers.len()]);
    }
    let sums = floats(Tensor::cat(sums, 0))?;
    let mut sums = sums.as_chunks::<3>().0.iter();
    let losses = |(trainer, pending): (&Trainer, Vec<(u64, Tensor<1>)>)| {
        let steps = pending.iter().zip(&mut sums);
        steps
            .map(|((step, _), sums)| trainer.losses(*step, *sums))
            .collect()
    };
    Ok(trainers.iter().zip(pending).map(losses).collect())
}

/// Reads the values of a tensor.
///
/// # Errors
/// When the device has failed.
pub fn floats<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, TrainError> {
    tensor
        .try_into_vec_as::<f32>()
        .map_err(|error| TrainError::Device(error.to_string()))
}

fn chunks(length: usize) -> Vec<Range<usize>> {
    (0..length)
        .step_by(EVALUATION_CHUNK)
        .map(|start| start..(start + EVALUATION_CHUNK).min(length))
        .collect()
}
