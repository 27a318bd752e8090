//! Checkpoints: weights, Adam's state, curves and settings of a run in one file, from which it
//! continues as if it had never stopped.
//!
//! The file is safetensors. Its metadata contains the texts `format`, `version` and `run`, a JSON
//! object, [`metadata::Metadata`]. Its tensors are
//!
//! - the parameters and running statistics by their [`names`], as PyTorch loads them;
//! - `adam.first.NAME`, `adam.second.NAME`, `adam.step.NAME`: Adam's moments and number of updates;
//! - `best.NAME`: the parameters at the evaluation with the lowest test L(λ);
//! - `history.losses`: the buckets of the curves, see [`History::bucket_numbers`].

pub mod arrays;
pub mod authors;
pub mod autosave;
mod encoding;
pub mod metadata;
pub mod names;
pub mod recorder;
mod validate;
mod writer;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use burn::tensor::{Device, Tensor, TensorData};

use self::{
    arrays::{Array, NamedArrays},
    metadata::{DatasetMetadata, ExactF64, Metadata},
    names::ParameterSlot,
    validate::{check_finite, check_fit},
};
use super::{
    Run, RunConfig, Trainer,
    adam::{Adam, Moments},
    epoch_stats::EpochStats,
    history::History,
    run::BestModel,
    trainer::{RestorePoint, TrainError, floats},
};
use crate::{
    data::DataSource,
    fs::{Existing, write_whole},
};

/// Why a checkpoint cannot be read or written, as one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {reason}", file.display())]
pub struct CheckpointError {
    pub file: PathBuf,
    pub reason: String,
}

impl CheckpointError {
    fn new(file: &Path, reason: String) -> Self {
        Self {
            file: file.to_owned(),
            reason,
        }
    }
}

/// The state of a run in plain numbers, which have been checked to fit its network.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    pub metadata: Metadata,
    pub history: History,
    weights: NamedArrays,
    adam: AdamState,
    /// Weights at the best evaluation.
    best: Option<NamedArrays>,
}

/// Adam's state by parameter, without parameters that were never updated.
#[derive(Clone, Debug, Default, PartialEq)]
struct AdamState {
    first: NamedArrays,
    second: NamedArrays,
    steps: BTreeMap<String, usize>,
}

impl AdamState {
    /// The state of one parameter.
    fn moments(&self, slot: &ParameterSlot, device: &Device) -> Option<Moments> {
        let flat = |array: &Array| {
            let values = slot.from_file(&array.values);
            let size = values.len();
            Tensor::from_data(TensorData::new(values, [size]), device)
        };
        Some(Moments {
            steps: *self.steps.get(&slot.name)?,
            first: flat(self.first.get(&slot.name)?),
            second: flat(self.second.get(&slot.name)?),
        })
    }
}

/// What a checkpoint contains beside the state of the run's network.
#[derive(Clone, Copy, Debug)]
pub struct CheckpointContext<'a> {
    /// Settings at the start of the run.
    pub config: &'a RunConfig,
    pub source: &'a DataSource,
    pub history: &'a History,
}

impl Checkpoint {
    /// The current state of the first lane of `run`.
    ///
    /// # Errors
    /// When the device has failed, or a weight is NaN or infinite; the reason.
    pub fn new(run: &Run, context: CheckpointContext<'_>) -> Result<Self, String> {
        let failed = |error: TrainError| error.to_string();
        let trainer = run.lanes().trainers().first();
        let trainer = trainer.ok_or_else(|| TrainError::NoLanes.to_string())?;
        let (state, best) = (trainer.restore_point(), run.best(0));
        let weights = names::values(&state.model).map_err(failed)?;
        check_finite(&weights)?;
        let mut adam = AdamState::default();
        for slot in names::slots(&state.model) {
            let Some(moments) = state.optimizer.moments(slot.id) else {
                continue;
            };
            let array = |moment: &Tensor<1>| -> Result<Array, String> {
                Ok(slot.to_file(floats(moment.clone()).map_err(failed)?))
            };
            let name = || slot.name.clone();
            adam.first.insert(name(), array(&moments.first)?);
            adam.second.insert(name(), array(&moments.second)?);
            adam.steps.insert(name(), moments.steps);
        }
        check_finite(&adam.first)?;
        check_finite(&adam.second)?;
        let metadata = Metadata {
            program: concat!("cre-lab ", env!("CARGO_PKG_VERSION")).to_owned(),
            config: context.config.clone(),
            data: DatasetMetadata::new(context.source, trainer.dataset()),
            step: state.step,
            lambda: ExactF64(trainer.lambda().value()),
            learning_rate: ExactF64(trainer.learning_rate()),
            epoch: run.epoch_stats(0).clone(),
            history: context.history.metadata(),
            best: best.map(|best| (&best.evaluation).into()),
        };
        let best_weights = best.map(|best| names::values(&best.model).map_err(failed));
        Ok(Self {
            metadata,
            history: context.history.clone(),
            weights,
            adam,
            best: best_weights.transpose()?,
        })
    }

    /// The run at its best evaluation: the weights of that step, without Adam's state.
    pub fn at_best(&self) -> Option<Self> {
        let best = self.metadata.best.as_ref()?.evaluation().ok()?;
        let mut history = self.history.clone();
        history.truncate_after(best.step);
        Some(Self {
            metadata: Metadata {
                step: best.step,
                lambda: ExactF64(best.lambda.value()),
                epoch: EpochStats::default(),
                history: history.metadata(),
                ..self.metadata.clone()
            },
            history,
            weights: self.best.clone()?,
            adam: AdamState::default(),
            best: self.best.clone(),
        })
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// When the file cannot be read, is not a checkpoint, is of a newer version, or is
    /// inconsistent.
    pub fn load(file: &Path) -> Result<Self, CheckpointError> {
        arrays::read(file)
            .and_then(|bytes| Self::from_bytes(&bytes))
            .map_err(|reason| CheckpointError::new(file, reason))
    }

    /// Writes the checkpoint, completely or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, file: &Path) -> Result<(), CheckpointError> {
        let write = |bytes: Vec<u8>| {
            let written = write_whole(file, &bytes, Existing::Replace);
            written.map_err(|error| format!("cannot be written: {error}"))
        };
        self.to_bytes()
            .and_then(write)
            .map_err(|reason| CheckpointError::new(file, reason))
            .inspect(|()| tracing::debug!(file = %file.display(), "checkpoint written"))
            .inspect_err(|error| tracing::error!(%error, "checkpoint not written"))
    }

    /// Sets the first lane of `run`, which was built with [`Self::config`], to this state.
    ///
    /// # Errors
    /// As for [`Self::restore`].
    pub fn resume(&self, run: &mut Run) -> Result<(), String> {
        if let Some(trainer) = run.lanes_mut().trainers_mut().first_mut() {
            self.restore(trainer)?;
            let best = self.best_model(trainer)?;
            let evaluated = self.history.evaluations().last().map(|last| last.step);
            let mut epoch = self.metadata.epoch.clone();
            if Duration::try_from_secs_f64(epoch.seconds.0).is_err() {
                epoch.seconds = ExactF64::default();
            }
            run.resume(0, epoch, evaluated, best);
        }
        Ok(())
    }

    /// The best model, with the structure of `trainer`'s network.
    fn best_model(&self, trainer: &Trainer) -> Result<Option<BestModel>, String> {
        let (Some(evaluation), Some(weights)) = (&self.metadata.best, &self.best) else {
            return Ok(None);
        };
        let slots = names::slots(trainer.model());
        Ok(Some(BestModel {
            evaluation: evaluation.evaluation()?,
            model: names::with_values(trainer.model().clone(), &slots, weights),
        }))
    }

    /// Sets `trainer`, which was built with [`Self::config`], to this state.
    ///
    /// # Errors
    /// When its data set is not that of the run; the reason.
    pub fn restore(&self, trainer: &mut Trainer) -> Result<(), String> {
        let metadata = &self.metadata;
        metadata
            .data
            .fits(&metadata.data.source, trainer.dataset())?;
        let lambda = metadata.lambda.lambda()?;
        let set = trainer.set_learning_rate(metadata.learning_rate.0);
        set.map_err(|error| error.to_string())?;
        trainer.set_lambda(lambda);
        let slots = names::slots(trainer.model());
        check_fit(&self.weights, &slots, "")?;
        let model = names::with_values(trainer.model().clone(), &slots, &self.weights);
        let device = trainer.device().clone();
        let moments = slots
            .iter()
            .filter_map(|slot| Some((slot.id, self.adam.moments(slot, &device)?)));
        trainer.restore(RestorePoint {
            model,
            optimizer: Adam::with_moments(moments.collect()),
            step: metadata.step,
        });
        Ok(())
    }

    /// Weights and running statistics at the best evaluation, if there was one.
    pub fn best_weights(&self) -> Option<&NamedArrays> {
        self.best.as_ref()
    }

    /// Weights and running statistics by their [`names`].
    pub fn weights(&self) -> &NamedArrays {
        &self.weights
    }

    /// The current settings: those of the start of the run, with the current λ and learning rate.
    pub fn config(&self) -> RunConfig {
        let metadata = &self.metadata;
        let config = &metadata.config;
        RunConfig {
            lambda: metadata.lambda.lambda().unwrap_or(config.lambda),
            learning_rate: metadata.learning_rate.0,
            ..config.clone()
        }
    }
}
