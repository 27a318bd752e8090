//! Checks that the values of a checkpoint fit the network of its settings.

use burn::tensor::Device;

use super::{
    Checkpoint,
    arrays::{Array, NamedArrays},
    encoding::{BEST, FIRST, SECOND},
    metadata::DatasetMetadata,
    names::{self, ParameterSlot},
};
use crate::{
    model::InvalidArchitecture,
    train::{RunConfig, trainer::TrainError},
};

impl Checkpoint {
    /// Checks that all values fit the network of the settings.
    pub(super) fn check(&self) -> Result<(), String> {
        let metadata = &self.metadata;
        let (config, data, step) = (&metadata.config, &metadata.data, metadata.step);
        data.check()?;
        metadata.lambda.lambda()?;
        let (batch_size, images) = (config.batch_size, data.train_images);
        let per_epoch = images.checked_div(batch_size).unwrap_or(0) as u64;
        if per_epoch == 0 {
            return Err(TrainError::BatchSize { batch_size, images }.to_string());
        }
        let rate = metadata.learning_rate.0;
        if !(rate.is_finite() && rate > 0.0) {
            return Err(TrainError::LearningRate(rate).to_string());
        }
        if step >= 1 << 40 || self.history.steps_per_epoch() != per_epoch {
            return Err("has an invalid number of steps".to_owned());
        }
        let evaluations = self.history.evaluations().iter().map(|e| e.step);
        let buckets = self.history.buckets().iter().map(|bucket| bucket.steps.1);
        if evaluations.chain(buckets).any(|at| at > step) {
            return Err("has curves beyond its last step".to_owned());
        }
        let slots = network_of(config, data, &self.weights, size(&self.weights))?;
        check_fit(&self.weights, &slots, "")?;
        if let Some(best) = &self.best {
            check_fit(best, &slots, BEST)?;
        }
        let adam = &self.adam;
        let is_updated = |slot: &ParameterSlot| adam.steps.contains_key(&slot.name);
        let updated: Vec<ParameterSlot> = slots.into_iter().filter(is_updated).collect();
        if updated.len() != adam.steps.len() {
            let reason = "contains Adam's state of parameters that the network does not have";
            return Err(reason.to_owned());
        }
        check_fit(&adam.first, &updated, FIRST)?;
        check_fit(&adam.second, &updated, SECOND)
    }
}

/// Number of values in `weights`.
pub(super) fn size(weights: &NamedArrays) -> usize {
    weights.values().map(|array| array.values.len()).sum()
}

/// The parameters of the network of the settings. It is built only if it has at most `most`, so that no
/// small file makes the program build a large network.
pub(super) fn network_of(
    config: &RunConfig,
    data: &DatasetMetadata,
    weights: &NamedArrays,
    most: usize,
) -> Result<Vec<ParameterSlot>, String> {
    let invalid = |invalid: InvalidArchitecture| invalid.to_string();
    let spec = config.model_spec(data.shape(), data.classes.len());
    let network = config.architecture;
    let needed = network.parameter_count(&spec).map_err(invalid)?;
    if needed > most {
        let held = size(weights);
        return Err(format!(
            "contains {held} weights, but {network} has {needed}"
        ));
    }
    let model = network.build(&spec, config.seed, &Device::flex());
    Ok(names::slots(&model.map_err(invalid)?))
}

/// Checks that `named` contains exactly the parameters of `slots`, with finite values.
pub(super) fn check_fit(
    named: &NamedArrays,
    slots: &[ParameterSlot],
    prefix: &str,
) -> Result<(), String> {
    check_fit_as(named, slots, &|name| format!("{prefix}{name}"))
}

/// As [`check_fit`]; `in_file` returns the name of a parameter in the file.
pub(super) fn check_fit_as(
    named: &NamedArrays,
    slots: &[ParameterSlot],
    in_file: &dyn Fn(&str) -> String,
) -> Result<(), String> {
    for slot in slots {
        let name = || in_file(&slot.name);
        let Some(array) = named.get(&slot.name) else {
            return Err(format!("lacks tensor “{}”", name()));
        };
        let (found, needed) = (&array.shape, slot.shape());
        if *found != needed {
            return Err(format!(
                "contains tensor “{}” with shape {found:?}, but the network needs {needed:?}",
                name()
            ));
        }
    }
    let is_unknown = |name: &&String| slots.iter().all(|slot| slot.name != **name);
    if let Some(name) = named.keys().find(is_unknown) {
        let tensor = in_file(name);
        return Err(format!(
            "contains tensor “{tensor}”, which the network does not have"
        ));
    }
    check_finite_as(named, in_file)
}

pub(super) fn check_finite(named: &NamedArrays) -> Result<(), String> {
    check_finite_as(named, &str::to_owned)
}

fn check_finite_as(named: &NamedArrays, in_file: &dyn Fn(&str) -> String) -> Result<(), String> {
    let broken = |array: &Array| array.values.iter().any(|value| !value.is_finite());
    match named.iter().find(|(_, array)| broken(array)) {
        None => Ok(()),
        Some((name, _)) => Err(format!(
            "contains NaN or infinite values in tensor “{}”",
            in_file(name)
        )),
    }
}
