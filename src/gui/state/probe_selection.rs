//! Which test images the window looks at.

use std::sync::Arc;

use crate::{
    data::Dataset,
    train::{AxisChoice, Probe, TokenView},
};

/// The choice of images, in terms that outlive a change of data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default)]
pub struct ProbeSelection {
    /// Points of the cloud for each class.
    pub cloud_per_class: usize,
    /// Reconstructions for each class.
    pub grid_per_class: usize,
    /// The grid begins with this image of each class.
    pub grid_offset: usize,
    /// What the cloud shows of a z made of tokens.
    pub tokens: TokenView,
}

impl Default for ProbeSelection {
    /// Fifty points a class, as in the paper's figure 4, and one reconstruction.
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
    /// The images themselves.
    pub fn probe(&self, dataset: &Dataset, selected: Option<u32>, own: Option<Arc<[u8]>>) -> Probe {
        let classes = dataset.classes();
        let mut by_class = vec![Vec::new(); classes];
        for (index, &label) in (0u32..).zip(dataset.test.labels()) {
            if let Some(of_class) = by_class.get_mut(usize::from(label)) {
                of_class.push(index);
            }
        }
        let grid = by_class
            .iter()
            .filter(|of_class| !of_class.is_empty())
            .flat_map(|of_class| {
                let count = self.grid_per_class.min(of_class.len());
                (0..count).map(|place| of_class[(self.grid_offset + place) % of_class.len()])
            })
            .collect();
        Probe {
            cloud: dataset
                .test
                .first_of_each_class(classes, self.cloud_per_class)
                .into(),
            grid,
            selected: selected.filter(|index| (*index as usize) < dataset.test.len()),
            custom_image: own.filter(|pixels| pixels.len() == dataset.shape.pixels()),
            tokens: self.tokens,
            axes: AxisChoice::Continuous,
        }
    }

    /// Images of the largest class: the end of the slider, where all images are shown.
    pub fn most_per_class(dataset: &Dataset) -> usize {
        let mut counts = vec![0usize; dataset.classes()];
        for &label in dataset.test.labels() {
            if let Some(count) = counts.get_mut(usize::from(label)) {
                *count += 1;
            }
        }
        counts.into_iter().max().unwrap_or(0)
    }
}
