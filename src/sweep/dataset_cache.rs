//! The data sets and devices of a sweep, each opened once.

use std::{collections::HashMap, sync::Arc};

use burn::tensor::Device;

use super::{RunKey, RunSpec};
use crate::{
    data::{DataSource, Dataset, LoadError},
    train::{
        DeviceChoice,
        device::{self, DeviceError, DeviceReport},
    },
};

/// Opened data sets and devices.
#[derive(Default)]
pub struct DatasetCache {
    data: HashMap<DataSource, (Arc<Dataset>, RunKey)>,
    devices: HashMap<DeviceChoice, (Device, DeviceReport)>,
}

/// A run that fits its data set.
pub struct FittedRun {
    pub spec: RunSpec,
    pub dataset: Arc<Dataset>,
    /// Key of the data set.
    pub data: RunKey,
    /// What has been changed, if anything.
    pub note: Option<String>,
}

impl DatasetCache {
    /// A data set and its key.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub fn data(&mut self, source: &DataSource) -> Result<(Arc<Dataset>, RunKey), LoadError> {
        if let Some(cached) = self.data.get(source) {
            return Ok(cached.clone());
        }
        let dataset = Arc::new(source.load()?);
        let loaded = (dataset.clone(), RunKey::from_dataset(&dataset));
        self.data.insert(source.clone(), loaded.clone());
        Ok(loaded)
    }

    /// The run as it is trained, with its data set, the key of the data, and the sentence that says what
    /// has been changed so that it fits the data.
    ///
    /// # Errors
    /// When the data set cannot be loaded.
    pub fn fitted(&mut self, spec: &RunSpec) -> Result<FittedRun, LoadError> {
        let (dataset, data) = self.data(&spec.data)?;
        let mut spec = spec.clone();
        let note = spec.config.limit_batch(&dataset);
        Ok(FittedRun {
            spec,
            dataset,
            data,
            note,
        })
    }

    /// A device and its description.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn device(&mut self, choice: DeviceChoice) -> Result<(Device, DeviceReport), DeviceError> {
        if let Some(cached) = self.devices.get(&choice) {
            return Ok(cached.clone());
        }
        let opened = device::open(choice)?;
        self.devices.insert(choice, opened.clone());
        Ok(opened)
    }
}
