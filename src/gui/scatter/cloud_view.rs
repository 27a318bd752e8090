//! The cloud that a scatter shows.

use std::sync::Arc;

use glam::Vec3;

use super::fit::Bounds;
use crate::train::{Alignment, Projection, Snapshot};

/// One network's cloud, and those that it is compared with.
pub struct CloudView<'a> {
    pub snapshot: &'a Arc<Snapshot>,
    /// The rotation applied to its points.
    pub alignment: Alignment,
    /// All clouds that share its box, including itself; empty for a single cloud.
    pub reference_clouds: Vec<(&'a Arc<Snapshot>, Alignment)>,
    /// Whether the clouds are rotated to match each other.
    pub aligned: bool,
    /// Its name among the others; empty for a single cloud.
    pub name: String,
}

impl<'a> CloudView<'a> {
    /// A single cloud, not compared with others.
    pub fn alone(snapshot: &'a Arc<Snapshot>) -> Self {
        Self {
            snapshot,
            alignment: Alignment::default(),
            reference_clouds: Vec::new(),
            aligned: false,
            name: String::new(),
        }
    }

    /// Number of axes in use, 1–3.
    pub fn axes(&self) -> usize {
        match self.snapshot.projection {
            Projection::Coordinates => self.snapshot.latent_size.clamp(1, 3),
            Projection::Pca { .. } => 3,
        }
    }

    /// Positions of the points, in the coordinates of the data.
    pub fn positions(&self) -> Vec<Vec3> {
        positions(self.snapshot, self.alignment).collect()
    }

    /// Position of the image that is not in the data set.
    pub fn custom_image(&self) -> Option<Vec3> {
        let image = self.snapshot.custom_image.as_ref()?;
        Some(self.alignment.apply(image.point).into())
    }

    /// The tightest box around all clouds that share it; `None` if there is no point.
    pub fn bounds(&self) -> Option<Bounds> {
        // A rectified latent begins at zero, unless it is rotated.
        let from_zero = self.snapshot.projection == Projection::Coordinates && !self.aligned;
        let alone = [(self.snapshot, self.alignment)];
        let clouds = if self.reference_clouds.is_empty() {
            &alone[..]
        } else {
            &self.reference_clouds
        };
        let points = clouds
            .iter()
            .flat_map(|(cloud, alignment)| positions(cloud, *alignment));
        Bounds::around(points, from_zero)
    }
}

/// Positions of the points of a cloud after its rotation.
fn positions(snapshot: &Snapshot, alignment: Alignment) -> impl Iterator<Item = Vec3> {
    let points = snapshot.points.iter();
    points.map(move |point| alignment.apply(*point).into())
}
