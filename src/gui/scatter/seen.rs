//! What the scatter is given to show.

use std::sync::Arc;

use glam::Vec3;

use super::fit::Bounds;
use crate::train::{Projection, Snapshot, Turn};

/// One network's cloud, and those that it is to be compared with.
pub struct Seen<'a> {
    pub snapshot: &'a Arc<Snapshot>,
    /// How its cloud is turned.
    pub turn: Turn,
    /// Every cloud that shares the box with it, itself among them; empty where it is alone.
    pub company: Vec<(&'a Arc<Snapshot>, Turn)>,
    /// Whether clouds are turned towards each other.
    pub aligned: bool,
    /// What to call it among the others; empty where it is alone.
    pub name: String,
}

impl<'a> Seen<'a> {
    /// A cloud that is compared with nothing.
    pub fn alone(snapshot: &'a Arc<Snapshot>) -> Self {
        Self {
            snapshot,
            turn: Turn::default(),
            company: Vec::new(),
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
        places(self.snapshot, self.turn).collect()
    }

    /// Where the image from outside the data set stands.
    pub fn own(&self) -> Option<[f32; 3]> {
        let own = self.snapshot.own.as_ref()?;
        Some(self.turn.apply(own.point))
    }

    /// The tightest box around all clouds; `None` if there is no point.
    pub fn bounds(&self) -> Option<Bounds> {
        // A rectified latent begins at zero, unless it is turned.
        let from_zero = self.snapshot.projection == Projection::Coordinates && !self.aligned;
        let alone = [(self.snapshot, self.turn)];
        let company = if self.company.is_empty() {
            &alone[..]
        } else {
            &self.company
        };
        let points = company
            .iter()
            .flat_map(|(cloud, turn)| places(cloud, *turn));
        Bounds::of(points, from_zero)
    }
}

/// Where the points of a cloud stand when it is turned.
pub fn places(snapshot: &Snapshot, turn: Turn) -> impl Iterator<Item = Vec3> {
    let points = snapshot.points.iter();
    points.map(move |point| Vec3::from_array(turn.apply(*point)))
}
