//! Checks that the values of a checkpoint fit the network of its settings.

use burn::tensor::Device;

use super::{
    AdamState, Checkpoint,
    arrays::{Array, NamedArrays},
    encoding::{BEST, FIRST, SECOND},
    metadata::{DatasetMetadata, Metadata},
    names::{self, ParameterSlot},
};
use crate::{
    model::{Cre, InvalidArchitecture},
    train::{RunConfig, trainer::TrainError},
};

impl Checkpoint {
    /// Checks that all values fit the network of the settings.
    pub(super) fn check(&self) -> Result<(), String> {
        let Metadata {
            config, data, step, ..
        } = &self.metadata;
        data.check()?;
        self.metadata.lambda.lambda()?;
        let per_epoch = data.train_images.checked_div(config.batch_size);
        let per_epoch = per_epoch.unwrap_or(0) as u64;
        if per_epoch == 0 {
            return Err(TrainError::BatchSize {
                batch_size: config.batch_size,
                images: data.train_images,
            }
            .to_string());
        }
        let rate = self.metadata.learning_rate.0;
        if !(rate.is_finite() && rate > 0.0) {
            return Err(TrainError::LearningRate(rate).to_string());
        }
        if *step >= 1 << 40 || self.history.steps_per_epoch() != per_epoch {
            return Err("has an invalid number of steps".to_owned());
        }
        let evaluations = self.history.evaluations().iter().map(|e| e.step);
        let buckets = self.history.buckets().iter().map(|bucket| bucket.steps.1);
        if evaluations.chain(buckets).any(|at| at > *step) {
            return Err("has curves beyond its last step".to_owned());
        }
        let slots = network_of(config, data, &self.weights)?;
        check_fit(&self.weights, &slots, "")?;
        if let Some(best) = &self.best {
            check_fit(best, &slots, BEST)?;
        }
        let AdamState {
            first,
            second,
            steps,
        } = &self.adam;
        let updated: Vec<ParameterSlot> = slots
            .into_iter()
            .filter(|slot| steps.contains_key(&slot.name))
            .collect();
        if updated.len() != steps.len() {
            return Err(
                "contains Adam's state of parameters that the network does not have".to_owned(),
            );
        }
        check_fit(first, &updated, FIRST)?;
        check_fit(second, &updated, SECOND)
    }
}

/// The parameters of the network of the settings. It is built only if `weights` contain at least as
/// many values as it has, so that no file makes the program build a network larger than the file.
pub(super) fn network_of(
    config: &RunConfig,
    data: &DatasetMetadata,
    weights: &NamedArrays,
) -> Result<Vec<ParameterSlot>, String> {
    let invalid = |invalid: InvalidArchitecture| invalid.to_string();
    let spec = config.model_spec(data.shape(), data.classes.len());
    let needed = config
        .architecture
        .parameter_count(&spec)
        .map_err(invalid)?;
    let held: usize = weights.values().map(|array| array.values.len()).sum();
    if held < needed {
        return Err(format!(
            "contains {held} weights, but {} has {needed}",
            config.architecture
        ));
    }
    let build = |device| config.architecture.build(&spec, config.seed, device);
    let model: Cre = build(&Device::flex()).map_err(invalid)?;
    Ok(names::slots(&model))
}

/// Checks that `named` contains exactly the parameters of `slots`, with finite values.
pub(super) fn check_fit(
    named: &NamedArrays,
    slots: &[ParameterSlot],
    prefix: &str,
) -> Result<(), String> {
    for slot in slots {
        let Some(array) = named.get(&slot.name) else {
            return Err(format!("lacks tensor “{prefix}{}”", slot.name));
        };
        if array.shape != slot.shape() {
            return Err(format!(
                "contains tensor “{prefix}{}” with shape {:?}, but the network needs {:?}",
                slot.name,
                array.shape,
                slot.shape()
            ));
        }
    }
    if let Some(name) = named
        .keys()
        .find(|name| slots.iter().all(|slot| slot.name != **name))
    {
        return Err(format!(
            "contains tensor “{prefix}{name}”, which the network does not have"
        ));
    }
    check_finite(named)
}

pub(super) fn check_finite(named: &NamedArrays) -> Result<(), String> {
    let broken = |array: &Array| array.values.iter().any(|value| !value.is_finite());
    match named.iter().find(|(_, array)| broken(array)) {
        None => Ok(()),
        Some((name, _)) => Err(format!(
            "contains NaN or infinite values in tensor “{name}”"
        )),
    }
}
