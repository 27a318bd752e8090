//! Whether the numbers of a run belong to the network that its settings build.

use burn::tensor::Device;

use super::{
    AdamState, Checkpoint,
    arrays::{Array, NamedArrays},
    encoding::{BEST, FIRST, SECOND},
    metadata::{DatasetMetadata, Metadata},
    names::{self, Slot},
};
use crate::{
    model::{Cre, InvalidArchitecture},
    train::{RunConfig, trainer::TrainError},
};

impl Checkpoint {
    /// Whether all numbers belong to the network that the settings build.
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
            return Err("counts its steps wrongly".to_owned());
        }
        let evaluations = self.history.evaluations().iter().map(|e| e.step);
        let buckets = self.history.buckets().iter().map(|bucket| bucket.steps.1);
        if evaluations.chain(buckets).any(|told| told > *step) {
            return Err("has curves that go beyond its last step".to_owned());
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
        let remembered: Vec<Slot> = slots
            .into_iter()
            .filter(|slot| steps.contains_key(&slot.name))
            .collect();
        if remembered.len() != steps.len() {
            return Err(
                "remembers updates of parameters that the network does not have".to_owned(),
            );
        }
        check_fit(first, &remembered, FIRST)?;
        check_fit(second, &remembered, SECOND)
    }
}

/// The parameters of the network that the settings build. It is built only where `weights` hold as
/// many numbers as it has, so that no file makes a network larger than itself.
pub(super) fn network_of(
    config: &RunConfig,
    data: &DatasetMetadata,
    weights: &NamedArrays,
) -> Result<Vec<Slot>, String> {
    let unfit = |unfit: InvalidArchitecture| unfit.to_string();
    let plan = config.model_spec(data.shape(), data.classes.len());
    let needed = config.architecture.parameters(&plan).map_err(unfit)?;
    let held: usize = weights.values().map(|array| array.values.len()).sum();
    if held < needed {
        return Err(format!(
            "holds {held} weights, but {} has {needed}",
            config.architecture
        ));
    }
    let build = |device| config.architecture.build(&plan, config.seed, device);
    let model: Cre = build(&Device::flex()).map_err(unfit)?;
    Ok(names::slots(&model))
}

/// Whether `named` has exactly the parameters of `slots`, and finite numbers.
pub(super) fn check_fit(named: &NamedArrays, slots: &[Slot], prefix: &str) -> Result<(), String> {
    for slot in slots {
        let Some(array) = named.get(&slot.name) else {
            return Err(format!("lacks “{prefix}{}”", slot.name));
        };
        if array.shape != slot.shape() {
            return Err(format!(
                "holds “{prefix}{}” in the shape {:?}, but the network needs {:?}",
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
            "holds “{prefix}{name}”, which the network does not have"
        ));
    }
    check_finite(named)
}

pub(super) fn check_finite(named: &NamedArrays) -> Result<(), String> {
    let broken = |array: &Array| array.values.iter().any(|value| !value.is_finite());
    match named.iter().find(|(_, array)| broken(array)) {
        None => Ok(()),
        Some((name, _)) => Err(format!("has infinite values, or none at all, in “{name}”")),
    }
}
