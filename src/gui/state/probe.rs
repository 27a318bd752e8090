//! The test images of snapshots: what the user has selected.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    data::Dataset,
    gui::commands::ProbeCommand,
    train::{AxisChoice, Probe, TokenView},
};

/// The images that each snapshot of the run on show processes.
#[derive(Debug, Default)]
pub struct ProbeState {
    /// The images of cloud and grid.
    pub selection: ProbeSelection,
    /// Test index of the inspected image.
    pub selected: Option<u32>,
    /// The image that is not in the data set, bytes `[channels, height, width]`.
    pub custom_image: Option<Arc<[u8]>>,
}

impl ProbeState {
    pub fn new(selection: ProbeSelection) -> Self {
        Self {
            selection,
            ..Self::default()
        }
    }

    /// The images of a snapshot on `dataset`. A selected or custom image that does not fit the data set
    /// is left out.
    pub fn probe(&self, dataset: &Dataset) -> Probe {
        let (selection, classes) = (self.selection, dataset.classes());
        let mut by_class = vec![Vec::new(); classes];
        for (index, &label) in (0u32..).zip(dataset.test.labels()) {
            if let Some(indices) = by_class.get_mut(usize::from(label)) {
                indices.push(index);
            }
        }
        let grid = by_class
            .iter()
            .filter(|indices| !indices.is_empty())
            .flat_map(|indices| {
                let count = selection.grid_per_class.min(indices.len());
                (0..count).map(|index| indices[(selection.grid_offset + index) % indices.len()])
            })
            .collect();
        Probe {
            cloud: dataset
                .test
                .first_of_each_class(classes, selection.cloud_per_class)
                .into(),
            grid,
            selected: self
                .selected
                .filter(|index| (*index as usize) < dataset.test.len()),
            custom_image: self
                .custom_image
                .clone()
                .filter(|pixels| pixels.len() == dataset.shape.pixels()),
            tokens: selection.tokens,
            axes: AxisChoice::Continuous,
        }
    }

    /// Returns whether something has changed.
    pub fn execute(&mut self, command: ProbeCommand) -> bool {
        match command {
            ProbeCommand::SetSelection(selection) => replace(&mut self.selection, selection),
            ProbeCommand::Select(image) => replace(&mut self.selected, image),
            ProbeCommand::SetCustomImage(image) => replace(&mut self.custom_image, image),
        }
    }
}

fn replace<T: PartialEq>(value: &mut T, new: T) -> bool {
    let changed = *value != new;
    *value = new;
    changed
}

/// The images of cloud and grid, independent of the data set; stored in the preferences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProbeSelection {
    /// Points of the cloud per class.
    pub cloud_per_class: usize,
    /// Reconstructions per class.
    pub grid_per_class: usize,
    /// Index, within its class, of the first image of the grid.
    pub grid_offset: usize,
    /// The part of a z made of tokens that the cloud shows.
    pub tokens: TokenView,
}

impl Default for ProbeSelection {
    /// 50 points per class, as in the paper's figure 4, and one reconstruction.
    fn default() -> Self {
        Self {
            cloud_per_class: 50,
            grid_per_class: 1,
            grid_offset: 0,
            tokens: TokenView::default(),
        }
    }
}

impl ProbeSelection {
    /// Number of test images of the largest class.
    pub fn max_per_class(dataset: &Dataset) -> usize {
        let mut counts = vec![0usize; dataset.classes()];
        for &label in dataset.test.labels() {
            if let Some(count) = counts.get_mut(usize::from(label)) {
                *count += 1;
            }
        }
        counts.into_iter().max().unwrap_or(0)
    }
}
