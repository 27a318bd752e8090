//! What the scatter is given to show.

use std::sync::Arc;

use glam::Vec3;

use super::fit::Bounds;
use crate::train::{Alignment, Projection, Snapshot};

/// One network's cloud, and those that it is to be compared with.
pub struct CloudView<'a> {
    pub snapshot: &'a Arc<Snapshot>,
    /// How its cloud is turned.
    pub alignment: Alignment,
    /// Every cloud that shares the box with it, itself among them; empty where it is alone.
    pub reference_clouds: Vec<(&'a Arc<Snapshot>, Alignment)>,
    /// Whether clouds are turned towards each other.
    pub aligned: bool,
    /// What to call it among the others; empty where it is alone.
    pub name: String,
}

impl<'a> CloudView<'a> {
    /// A cloud that is compared with nothing.
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

    /// Where the points stand, in the coordinates of the data.
    pub fn places(&self) -> Vec<Vec3> {
        places(self.snapshot, self.alignment).collect()
    }

    /// Where the image from outside the data set stands.
    pub fn own(&self) -> Option<[f32; 3]> {
        let own = self.snapshot.custom_image.as_ref()?;
        Some(self.alignment.apply(own.point))
    }

    /// The tightest box around all clouds; `None` if there is no point.
    pub fn bounds(&self) -> Option<Bounds> {
        // A rectified latent begins at zero, unless it is turned.
        let from_zero = self.snapshot.projection == Projection::Coordinates && !self.aligned;
        let alone = [(self.snapshot, self.alignment)];
        let company = if self.reference_clouds.is_empty() {
            &alone[..]
        } else {
            &self.reference_clouds
        };
        let points = company
            .iter()
            .flat_map(|(cloud, turn)| places(cloud, *turn));
        Bounds::of(points, from_zero)
    }
}

/// Where the points of a cloud stand when it is turned.
pub fn places(snapshot: &Snapshot, turn: Alignment) -> impl Iterator<Item = Vec3> {
    let points = snapshot.points.iter();
    points.map(move |point| Vec3::from_array(turn.apply(*point)))
}
