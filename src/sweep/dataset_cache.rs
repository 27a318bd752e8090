//! The data sets and devices of a sweep, each opened once.

use std::{collections::HashMap, sync::Arc};

use burn::tensor::Device;

use super::RunKey;
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
