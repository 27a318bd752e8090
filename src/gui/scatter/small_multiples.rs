//! Small pictures of many clouds, all seen by the camera of the large one.

use std::sync::Arc;

use eframe::{
    egui::{Rect, Response, Ui},
    egui_wgpu,
};

use super::{
    NO_POINT, Scatter,
    axes::Axes,
    cloud::classes,
    cloud_view::CloudView,
    fit::{Fit, drawable},
    legend::Visibility,
    look, names,
    renderer::{CanvasId, Instance, Points, Scene},
    steer,
};
use crate::{
    data::Dataset,
    gui::{shared::Shared, theme},
    train::Snapshot,
};

/// Points of each class in a small cloud, as in the paper's figure 4.
const PER_CLASS: usize = 50;
/// Points of the screen kept free around a small box, which has no labels.
const MARGIN: f32 = 4.0;

/// What the small clouds were made of: snapshots, whether clouds are turned, and the classes shown.
type Key = (Vec<Shared<Snapshot>>, bool, Visibility);

/// The small clouds of one look at all lanes.
#[derive(Default)]
pub struct SmallMultiples {
    cells: Vec<Cell>,
    key: Option<Key>,
    /// The space that they share where it is not that of the large one.
    own: Option<Space>,
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
    /// Takes over what is new.
    pub fn receive(&mut self, clouds: &[CloudView<'_>], scatter: &Scatter, dataset: &Dataset) {
        let clouds: Vec<_> = clouds.iter().map(|seen| (seen, dataset)).collect();
        self.take(&clouds, scatter);
    }

    /// The same for clouds that have nothing to do with the large one but its camera: they share a box of their own.
    pub fn receive_apart(&mut self, clouds: &[(CloudView<'_>, &Dataset)], scatter: &Scatter) {
        let clouds: Vec<_> = clouds.iter().map(|(seen, of)| (seen, *of)).collect();
        if self.take(&clouds, scatter) {
            let first = clouds.first().map(|(seen, _)| *seen);
            self.own = first.and_then(|seen| {
                Some(Space {
                    axes: seen.axes(),
                    names: names(seen.snapshot.projection, seen.aligned),
                    fit: Fit::at(seen.bounds()?),
                })
            });
        }
    }

    /// Returns whether something was new.
    fn take(&mut self, clouds: &[(&CloudView<'_>, &Dataset)], scatter: &Scatter) -> bool {
        let snapshots = clouds.iter().map(|(seen, _)| seen.snapshot.into());
        let key = (
            snapshots.collect(),
            scatter.preferences.align,
            scatter.visibility.clone(),
        );
        if self.key.as_ref() == Some(&key) {
            return false;
        }
        self.cells.truncate(clouds.len());
        for (place, (seen, dataset)) in clouds.iter().enumerate() {
            let instances = Arc::new(instances(seen, &scatter.visibility, dataset));
            match self.cells.get_mut(place) {
                Some(cell) => cell.instances = instances,
                None => self.cells.push(Cell {
                    canvas: CanvasId::unique(),
                    instances,
                }),
            }
        }
        self.key = Some(key);
        true
    }

    /// Shows the cloud at `place` where `response` is, which turns the camera of all.
    pub fn ui(&self, ui: &Ui, place: usize, response: &Response, scatter: &mut Scatter) {
        let shared = scatter.cloud.as_ref().zip(scatter.fit);
        let shared = shared.map(|(cloud, fit)| Space {
            axes: cloud.axes,
            names: names(cloud.projection, cloud.aligned),
            fit,
        });
        let (
            Some(cell),
            Some(Space {
                axes: used,
                names,
                fit,
            }),
        ) = (self.cells.get(place), self.own.or(shared))
        else {
            return;
        };
        let rect: Rect = response.rect;
        if !ui.is_rect_visible(rect) {
            return;
        }
        let now = ui.input(|input| input.time);
        steer(&mut scatter.preferences, ui, response, used, false);
        let camera = &scatter.preferences.camera;
        let view = camera.view_with_margin(rect, used, MARGIN);
        let shown = fit.shown(now);
        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        let axes = Axes::new(&view, used, shown, fit.goal(), names);
        axes.paint_walls(&painter, ui.visuals());
        if scatter.canvas.is_some() {
            let (scale, shift) = shown.to_scene(used);
            let count = cell.instances.len();
            let scene = Scene {
                scale: scale.to_array(),
                shift: shift.to_array(),
                glide: 1.0,
                radius: view.point_radius(count),
                selected: NO_POINT,
                hovered: NO_POINT,
                order_bits: count.max(2).next_power_of_two().trailing_zeros().min(15),
                ..look(ui, &view)
            };
            let callback = Points {
                canvas: cell.canvas,
                rect,
                scene,
                instances: Arc::clone(&cell.instances),
            };
            painter.add(egui_wgpu::Callback::new_paint_callback(rect, callback));
        }
    }
}

/// The first points of each class, where they stand.
fn instances(seen: &CloudView<'_>, visibility: &Visibility, dataset: &Dataset) -> Vec<Instance> {
    let mut left = [PER_CLASS; 256];
    let places = seen.places();
    (0u32..)
        .zip(places.iter().zip(classes(seen, dataset)))
        .filter_map(|(point, (place, class))| {
            let class = class.filter(|class| visibility.shows(*class))?;
            let left = &mut left[usize::from(class)];
            *left = left.checked_sub(1)?;
            drawable(*place).then(|| Instance {
                from: place.to_array(),
                point,
                to: place.to_array(),
                colour: theme::class(class).to_array(),
            })
        })
        .collect()
}
