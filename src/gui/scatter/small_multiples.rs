//! Small scatters of many clouds, which share the camera of the large one.

use std::sync::Arc;

use eframe::egui::{Response, Ui};

use super::{
    Scatter,
    axes::{Axes, axis_names},
    cloud::classes,
    cloud_view::CloudView,
    fit::Fit,
    input::handle_pointer,
    legend::Visibility,
    points::{CanvasId, Instance, Points},
};
use crate::{data::Dataset, gui::shared::Shared, train::Snapshot};

/// Points of each class in a small cloud, as in the paper's figure 4.
const PER_CLASS: usize = 50;
/// Margin around a small box in points; it has no labels.
const MARGIN: f32 = 4.0;

/// What the small clouds were made from: snapshots, whether they are aligned, and visible classes.
type Key = (Vec<Shared<Snapshot>>, bool, Visibility);

/// Small scatters, one for each of several clouds.
#[derive(Default)]
pub struct SmallMultiples {
    cells: Vec<Cell>,
    key: Option<Key>,
    /// The space they share; that of the large scatter if `None`.
    own_space: Option<Space>,
}

/// Axes and the box around the points.
#[derive(Clone, Copy)]
struct Space {
    axes: usize,
    names: [&'static str; 3],
    fit: Fit,
}

struct Cell {
    canvas: CanvasId,
    instances: Arc<Vec<Instance>>,
}

impl SmallMultiples {
    /// Updates the clouds, which share the space of the large scatter.
    pub fn receive(&mut self, clouds: &[CloudView<'_>], scatter: &Scatter, dataset: &Dataset) {
        let clouds: Vec<_> = clouds.iter().map(|cloud| (cloud, dataset)).collect();
        self.update(&clouds, scatter);
    }

    /// Updates the clouds, which share a space of their own, that of the first of them.
    pub fn receive_apart(&mut self, clouds: &[(CloudView<'_>, &Dataset)], scatter: &Scatter) {
        let clouds: Vec<_> = clouds.iter().map(|(cloud, data)| (cloud, *data)).collect();
        if self.update(&clouds, scatter) {
            self.own_space = clouds.first().and_then(|(cloud, _)| {
                Some(Space {
                    axes: cloud.axes(),
                    names: axis_names(cloud.snapshot.projection, cloud.aligned),
                    fit: Fit::new(cloud.bounds()?),
                })
            });
        }
    }

    /// Returns whether something has changed.
    fn update(&mut self, clouds: &[(&CloudView<'_>, &Dataset)], scatter: &Scatter) -> bool {
        let snapshots = clouds.iter().map(|(cloud, _)| cloud.snapshot.into());
        let key = (
            snapshots.collect(),
            scatter.preferences.align,
            scatter.visibility.clone(),
        );
        if self.key.as_ref() == Some(&key) {
            return false;
        }
        self.cells.resize_with(clouds.len(), || Cell {
            canvas: CanvasId::unique(),
            instances: Arc::default(),
        });
        for (cell, (cloud, dataset)) in self.cells.iter_mut().zip(clouds) {
            cell.instances = Arc::new(instances(cloud, &scatter.visibility, dataset));
        }
        self.key = Some(key);
        true
    }

    /// Shows the cloud at `index` in the rectangle of `response`, which moves the shared camera.
    pub fn ui(&self, ui: &Ui, index: usize, response: &Response, scatter: &mut Scatter) {
        let shared_space = || {
            let cloud = scatter.cloud.as_ref()?;
            Some(Space {
                axes: cloud.axes,
                names: axis_names(cloud.projection, cloud.aligned),
                fit: scatter.fit?,
            })
        };
        let (Some(cell), Some(Space { axes, names, fit })) =
            (self.cells.get(index), self.own_space.or_else(shared_space))
        else {
            return;
        };
        let rect = response.rect;
        if !ui.is_rect_visible(rect) {
            return;
        }
        let camera = &mut scatter.preferences.camera;
        handle_pointer(camera, ui, response, axes);
        let view = camera.view_with_margin(rect, axes, MARGIN);
        let bounds = fit.bounds(ui.input(|input| input.time));
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        Axes::new(&view, axes, bounds, fit.target(), names).paint_walls(&painter, ui.visuals());
        if scatter.canvas.is_some() {
            let (to_scene, count) = (bounds.to_scene(axes), cell.instances.len());
            Points::new(ui, cell.canvas, &view, to_scene, count, &cell.instances).add_to(&painter);
        }
    }
}

/// The first points of each visible class.
fn instances(cloud: &CloudView<'_>, visibility: &Visibility, dataset: &Dataset) -> Vec<Instance> {
    let mut remaining = [PER_CLASS; 256];
    (0u32..)
        .zip(cloud.positions().into_iter().zip(classes(cloud, dataset)))
        .filter_map(|(point, (position, class))| {
            let class = class.filter(|class| visibility.shows(*class))?;
            let remaining = &mut remaining[usize::from(class)];
            *remaining = remaining.checked_sub(1)?;
            Instance::new(point, class, position, position)
        })
        .collect()
}
