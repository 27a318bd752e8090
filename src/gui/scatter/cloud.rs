//! The points of the latest snapshot, ready to draw and to pick.

use std::sync::Arc;

use glam::Vec3;

use super::{
    cloud_view::CloudView, fit::is_drawable, legend::Visibility, points::Instance,
    transition::Transition,
};
use crate::{
    data::Dataset,
    gui::shared::Shared,
    train::{Alignment, Projection, Snapshot},
};

/// The points of a snapshot, in transition from those of the snapshot before.
pub struct Cloud {
    /// Number of axes in use, 1–3.
    pub axes: usize,
    /// How the coordinates were computed.
    pub projection: Projection,
    /// Number of latent units that are zero for every point.
    pub dead_units: usize,
    /// Whether it is rotated to match other clouds.
    pub aligned: bool,
    alignment: Alignment,
    snapshot: Shared<Snapshot>,
    /// Class of every point; `None` for an image that is not in the data set.
    classes: Vec<Option<u8>>,
    /// Old and new positions of the points.
    pub transition: Transition,
    visibility: Visibility,
    /// The visible points, for the GPU.
    pub instances: Arc<Vec<Instance>>,
}

impl Cloud {
    /// A cloud without transition: the first, or one unrelated to the last.
    pub fn new(view: &CloudView<'_>, dataset: &Dataset) -> Self {
        let snapshot = view.snapshot;
        let mut cloud = Self {
            axes: view.axes(),
            aligned: view.aligned,
            alignment: view.alignment,
            projection: snapshot.projection,
            dead_units: snapshot.dead_units(),
            snapshot: snapshot.into(),
            classes: classes(view, dataset),
            transition: Transition::new(Arc::clone(&snapshot.probe.cloud), view.positions()),
            visibility: Visibility::default(),
            instances: Arc::default(),
        };
        cloud.build_instances();
        cloud
    }

    /// Whether `view` is of the same run in the same space, so that points may move to it.
    pub fn is_continued_by(&self, view: &CloudView<'_>) -> bool {
        let snapshot = view.snapshot;
        self.snapshot.run == snapshot.run
            && self.axes == view.axes()
            && self.is_projected() == matches!(snapshot.projection, Projection::Pca { .. })
    }

    /// Whether this is the cloud of `view`.
    pub fn is_current(&self, view: &CloudView<'_>) -> bool {
        self.snapshot == view.snapshot.into()
            && (self.alignment, self.aligned) == (view.alignment, view.aligned)
    }

    /// Starts the transition to the positions of a later snapshot at `now`, in seconds.
    pub fn update(&mut self, view: &CloudView<'_>, dataset: &Dataset, now: f64) {
        let snapshot = view.snapshot;
        (self.alignment, self.aligned) = (view.alignment, view.aligned);
        self.projection = snapshot.projection;
        self.dead_units = snapshot.dead_units();
        self.snapshot = snapshot.into();
        self.classes = classes(view, dataset);
        let images = Arc::clone(&snapshot.probe.cloud);
        self.transition.retarget(images, view.positions(), now);
        self.build_instances();
    }

    /// Shows and hides classes.
    pub fn set_visibility(&mut self, visibility: &Visibility) {
        if self.visibility != *visibility {
            self.visibility = visibility.clone();
            self.build_instances();
        }
    }

    /// Number of points, visible or not.
    pub fn len(&self) -> usize {
        self.snapshot.points.len()
    }

    /// Number of points that cannot be drawn because a coordinate is not finite.
    pub fn not_finite(&self) -> usize {
        let positions = self.transition.to().iter();
        positions
            .filter(|&&position| !is_drawable(position))
            .count()
    }

    /// Whether the axes are principal components.
    pub fn is_projected(&self) -> bool {
        matches!(self.projection, Projection::Pca { .. })
    }

    /// Test index of the image of a point.
    pub fn image(&self, point: usize) -> Option<u32> {
        self.snapshot.probe.cloud.get(point).copied()
    }

    /// Index of the point of a test image.
    pub fn point_index(&self, image: u32) -> Option<usize> {
        let images = &self.snapshot.probe.cloud;
        images.iter().position(|&other| other == image)
    }

    /// Index and current position of every visible point, in the coordinates of the data.
    pub fn visible_points(&self, now: f64) -> impl Iterator<Item = (usize, Vec3)> {
        let progress = self.transition.progress(now);
        self.instances.iter().map(move |instance| {
            let point = instance.point as usize;
            (point, self.transition.position(point, progress))
        })
    }

    fn build_instances(&mut self) {
        let moves = std::iter::zip(self.transition.from(), self.transition.to());
        let instances = (0u32..)
            .zip(std::iter::zip(moves, &self.classes))
            .filter_map(|(point, ((from, to), class))| {
                let class = class.filter(|&class| self.visibility.shows(class))?;
                Instance::new(point, class, *from, *to)
            })
            .collect();
        self.instances = Arc::new(instances);
    }
}

/// Class of every point; `None` for an image that is not in the data set.
pub fn classes(view: &CloudView<'_>, dataset: &Dataset) -> Vec<Option<u8>> {
    let labels = dataset.test.labels();
    let class = |image: &u32| labels.get(*image as usize).copied();
    let mut classes: Vec<_> = view.snapshot.probe.cloud.iter().map(class).collect();
    classes.resize(view.snapshot.points.len(), None);
    classes
}
