//! The points of the latest snapshot, ready to draw and to pick.

use std::sync::Arc;

use glam::Vec3;

use super::{
    cloud_view::CloudView, fit::drawable, legend::Visibility, renderer::Instance,
    transition::Transition,
};
use crate::{
    data::Dataset,
    gui::{shared::Shared, theme},
    train::{Alignment, Projection, Snapshot},
};

/// What the scatter keeps of a snapshot.
pub struct Cloud {
    /// Number of axes in use, 1–3.
    pub axes: usize,
    /// How the coordinates came about.
    pub projection: Projection,
    /// Latent units that are zero for every point.
    pub dead_units: usize,
    /// Whether it is turned towards its neighbour.
    pub aligned: bool,
    turn: Alignment,
    /// Where the points come from.
    snapshot: Shared<Snapshot>,
    /// Class of every point; `None` if the data set does not know the image.
    classes: Vec<Option<u8>>,
    /// Where the points are and where they go.
    pub glide: Transition,
    shown: Visibility,
    /// What the GPU draws.
    pub instances: Arc<Vec<Instance>>,
}

impl Cloud {
    /// The cloud of a first snapshot, or of one that has nothing to do with the last.
    pub fn new(seen: &CloudView<'_>, dataset: &Dataset) -> Self {
        let snapshot = seen.snapshot;
        let mut cloud = Self {
            axes: seen.axes(),
            aligned: seen.aligned,
            turn: seen.alignment,
            projection: snapshot.projection,
            dead_units: snapshot.dead_units(),
            snapshot: snapshot.into(),
            classes: classes(seen, dataset),
            glide: Transition::resting(Arc::clone(&snapshot.probe.cloud), seen.places()),
            shown: Visibility::default(),
            instances: Arc::default(),
        };
        cloud.build_instances();
        cloud
    }

    /// Whether this snapshot belongs to the same run in the same space, so that points may glide.
    pub fn continues(&self, seen: &CloudView<'_>) -> bool {
        let snapshot = seen.snapshot;
        self.snapshot.run == snapshot.run
            && self.axes == seen.axes()
            && self.is_projected() == matches!(snapshot.projection, Projection::Pca { .. })
    }

    /// Whether all of this snapshot is here already.
    pub fn has(&self, seen: &CloudView<'_>) -> bool {
        self.snapshot == seen.snapshot.into()
            && (self.turn, self.aligned) == (seen.alignment, seen.aligned)
    }

    /// Sends the points to the places of a later snapshot.
    pub fn follow(&mut self, seen: &CloudView<'_>, dataset: &Dataset, now: f64) {
        let snapshot = seen.snapshot;
        (self.turn, self.aligned) = (seen.alignment, seen.aligned);
        self.projection = snapshot.projection;
        self.dead_units = snapshot.dead_units();
        self.snapshot = snapshot.into();
        self.classes = classes(seen, dataset);
        let images = Arc::clone(&snapshot.probe.cloud);
        self.glide.head_for(images, seen.places(), now);
        self.build_instances();
    }

    /// Shows and hides classes.
    pub fn show(&mut self, visibility: &Visibility) {
        if self.shown != *visibility {
            self.shown = visibility.clone();
            self.build_instances();
        }
    }

    /// Number of points, drawn or not.
    pub fn len(&self) -> usize {
        self.snapshot.points.len()
    }

    /// Number of points that have no place because a coordinate is not a number.
    pub fn nowhere(&self) -> usize {
        self.glide
            .to()
            .iter()
            .filter(|&&place| !drawable(place))
            .count()
    }

    /// Whether the axes are principal components.
    pub fn is_projected(&self) -> bool {
        matches!(self.projection, Projection::Pca { .. })
    }

    /// Test index of a point.
    pub fn image(&self, point: usize) -> Option<u32> {
        self.snapshot.probe.cloud.get(point).copied()
    }

    /// The point that shows this test image.
    pub fn point_of(&self, image: u32) -> Option<usize> {
        let images = &self.snapshot.probe.cloud;
        images.iter().position(|&other| other == image)
    }

    /// Index and present place of every point that is drawn, in the coordinates of the data.
    pub fn drawn(&self, now: f64) -> impl Iterator<Item = (usize, Vec3)> {
        let progress = self.glide.progress(now);
        self.instances.iter().map(move |instance| {
            let point = instance.point as usize;
            (point, self.glide.place(point, progress))
        })
    }

    fn build_instances(&mut self) {
        let ways = std::iter::zip(self.glide.from(), self.glide.to());
        let instances = (0u32..)
            .zip(std::iter::zip(ways, &self.classes))
            .filter_map(|(point, ((from, to), class))| {
                let class = class.filter(|&class| self.shown.shows(class))?;
                drawable(*to).then(|| Instance {
                    from: from.to_array(),
                    point,
                    to: to.to_array(),
                    colour: theme::class(class).to_array(),
                })
            })
            .collect();
        self.instances = Arc::new(instances);
    }
}

/// Class of every point; `None` if the data set does not know the image.
pub fn classes(seen: &CloudView<'_>, dataset: &Dataset) -> Vec<Option<u8>> {
    let labels = dataset.test.labels();
    let class = |image: &u32| labels.get(*image as usize).copied();
    let mut classes: Vec<_> = seen.snapshot.probe.cloud.iter().map(class).collect();
    classes.resize(seen.snapshot.points.len(), None);
    classes
}
