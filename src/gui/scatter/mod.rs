//! The three-dimensional latent scatter: one point per test image of the probe.

mod axes;
mod camera;
mod cloud;
mod cloud_view;
mod fit;
mod input;
mod legend;
mod pick;
mod pipeline;
mod points;
mod renderer;
mod small_multiples;
mod toolbar;
mod transition;

#[cfg(test)]
mod tests;

use eframe::{
    egui::{
        CursorIcon, Pos2, Response, Role, ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder,
        WidgetInfo,
    },
    egui_wgpu,
};
use glam::Vec3;
use serde::{Deserialize, Serialize};

use self::{
    axes::{Axes, axis_names},
    camera::Camera,
    cloud::Cloud,
    fit::{Bounds, Fit},
    legend::Visibility,
    points::{CanvasId, Points},
    renderer::Renderer,
};
use crate::data::Dataset;

pub use self::{cloud_view::CloudView, small_multiples::SmallMultiples};

/// View of the scatter, stored between two starts of the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewPreferences {
    camera: Camera,
    /// Number of axes that `camera` was chosen for.
    axes: usize,
    /// Whether the scene rotates slowly.
    pub auto_rotate: bool,
    /// Whether the box stays the same when the data change.
    pub lock_fit: bool,
    /// Whether each cloud of a spectrum is rotated to match that of the previous λ.
    pub align: bool,
}

impl Default for ViewPreferences {
    fn default() -> Self {
        Self {
            camera: Camera::home(3),
            axes: 3,
            auto_rotate: false,
            lock_fit: false,
            align: false,
        }
    }
}

/// The scatter pane.
pub struct Scatter {
    pub preferences: ViewPreferences,
    /// Name of the part of z that the cloud shows, for the caption; all of z if `None`.
    pub part: Option<String>,
    /// Where points are drawn; `None` without a GPU.
    canvas: Option<CanvasId>,
    cloud: Option<Cloud>,
    fit: Option<Fit>,
    /// The tightest box around all clouds that share it.
    bounds: Option<Bounds>,
    visibility: Visibility,
    class_names: Vec<String>,
}

/// What the user pointed at or clicked in this frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ScatterOutput {
    /// The point under the pointer, as an index into the snapshot's cloud.
    pub hovered: Option<usize>,
    /// Screen position of that point.
    pub hovered_at: Option<Pos2>,
    /// Test index of the image whose point was clicked.
    pub clicked: Option<u32>,
    /// Screen position of the image that is not in the data set, if there is one in the view.
    pub own_at: Option<Pos2>,
    /// Whether a click hit no point.
    pub background_clicked: bool,
}

impl Scatter {
    /// A scatter with default preferences; without a render state it draws no points.
    ///
    /// The window must have eframe's default render pass: no depth buffer, no multisampling.
    pub fn new(render_state: Option<&egui_wgpu::RenderState>) -> Self {
        if let Some(state) = render_state {
            Renderer::install(state);
        }
        Self {
            preferences: ViewPreferences::default(),
            part: None,
            canvas: render_state.map(|_| CanvasId::unique()),
            cloud: None,
            fit: None,
            bounds: None,
            visibility: Visibility::default(),
            class_names: Vec::new(),
        }
    }

    /// Shows the pane in all available space. `selected` is the test index of the image to ring.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        view: Option<&CloudView<'_>>,
        dataset: &Dataset,
        selected: Option<u32>,
    ) -> ScatterOutput {
        let Some(view) = view else {
            ui.centered_and_justified(|ui| ui.weak("Waiting for the first snapshot…"));
            return ScatterOutput::default();
        };
        let now = ui.input(|input| input.time);
        self.receive(view, dataset, now);
        if let Some(cloud) = &self.cloud
            && toolbar::toolbar(
                ui,
                &mut self.preferences,
                &mut self.fit,
                cloud,
                view,
                self.part.as_deref(),
            )
        {
            self.refit(false, now);
        }

        let body = ui.available_rect_before_wrap();
        let column = body.with_max_x(body.left() + 0.4 * body.width());
        let legend = ui.scope_builder(UiBuilder::new().max_rect(column), |ui| {
            ScrollArea::vertical().id_salt("legend").show(ui, |ui| {
                legend::legend(ui, &dataset.class_names, &mut self.visibility);
            });
        });
        let rect = body.with_min_x(legend.response.rect.right() + ui.spacing().item_spacing.x);
        let response = ui.allocate_rect(rect, Sense::click_and_drag());
        self.scene(ui, &response, selected, view.custom_image(), now)
    }

    /// Shows the scene without toolbar and legend in all available space.
    pub fn scene_only(&mut self, ui: &mut Ui, view: &CloudView<'_>, dataset: &Dataset) {
        let now = ui.input(|input| input.time);
        self.receive(view, dataset, now);
        let rect = ui.available_rect_before_wrap();
        let response = ui.allocate_rect(rect, Sense::click_and_drag());
        self.scene(ui, &response, None, None, now);
    }

    /// Updates the cloud, the class names and the box if they have changed; `now` is in seconds.
    pub fn receive(&mut self, view: &CloudView<'_>, dataset: &Dataset, now: f64) {
        if self.class_names != dataset.class_names {
            self.class_names.clone_from(&dataset.class_names);
            self.visibility = Visibility::default();
        }
        match &mut self.cloud {
            Some(cloud) if cloud.is_current(view) => {}
            Some(cloud) if cloud.is_continued_by(view) => {
                cloud.update(view, dataset, now);
                self.bounds = view.bounds();
                self.refit(false, now);
            }
            _ => {
                let cloud = Cloud::new(view, dataset);
                let same_space = self.cloud.as_ref().is_some_and(|old| {
                    (old.axes, old.is_projected()) == (cloud.axes, cloud.is_projected())
                });
                if self.preferences.axes != cloud.axes {
                    self.preferences.axes = cloud.axes;
                    self.preferences.camera = Camera::home(cloud.axes);
                }
                self.cloud = Some(cloud);
                self.bounds = view.bounds();
                self.refit(!same_space, now);
            }
        }
    }

    /// Fits the box to the clouds, unless it is locked; in another space it is always new.
    fn refit(&mut self, other_space: bool, now: f64) {
        match (&mut self.fit, self.bounds) {
            (Some(fit), Some(bounds)) if !other_space => {
                if !self.preferences.lock_fit {
                    fit.update(bounds, now);
                }
            }
            (fit, Some(bounds)) => *fit = Some(Fit::new(bounds)),
            (_, None) => {}
        }
    }

    /// Handles input, then paints the scene into the rectangle of `response`.
    fn scene(
        &mut self,
        ui: &Ui,
        response: &Response,
        selected: Option<u32>,
        custom_image: Option<Vec3>,
        now: f64,
    ) -> ScatterOutput {
        let Some(cloud) = &mut self.cloud else {
            return ScatterOutput::default();
        };
        cloud.set_visibility(&self.visibility);
        let (count, axis_count) = (cloud.len(), cloud.axes);
        response.widget_info(|| {
            let label = format!("Latent scatter, {}", toolbar::points(count));
            WidgetInfo::labeled(Role::Canvas, ui.is_enabled(), label)
        });
        let rect = response.rect;
        if !ui.is_rect_visible(rect) {
            return ScatterOutput::default();
        }
        input::handle_pointer(&mut self.preferences.camera, ui, response, axis_count);
        input::handle_keys(&mut self.preferences.camera, ui, response, axis_count);
        let rotating = input::auto_rotate(&mut self.preferences, ui, response, axis_count);
        let view = self.preferences.camera.view(rect, axis_count);

        let Some(fit) = self.fit else {
            // No point can be drawn.
            return ScatterOutput::default();
        };
        let bounds = fit.bounds(now);
        let (scale, shift) = bounds.to_scene(axis_count);
        let custom_image_pos = custom_image
            .filter(|&position| fit::is_drawable(position))
            .and_then(|position| view.project(position * scale + shift))
            .map(|(pos, _)| pos)
            .filter(|pos| rect.contains(*pos));
        let pointer = response.hover_pos().filter(|_| !response.dragged());
        let hovered = pointer.and_then(|pointer| {
            let points = cloud.visible_points(now);
            let points = points.map(|(point, position)| (point, position * scale + shift));
            pick::pick(points, &view, view.point_radius(count), pointer)
        });

        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        let names = axis_names(cloud.projection, cloud.aligned);
        let axes = Axes::new(&view, axis_count, bounds, fit.target(), names);
        axes.paint_walls(&painter, ui.visuals());
        if let Some(canvas) = self.canvas {
            let selected = selected.and_then(|image| cloud.point_index(image));
            Points::new(ui, canvas, &view, (scale, shift), count, &cloud.instances)
                .with_progress(cloud.transition.progress(now))
                .with_rings(selected, hovered.map(|(point, _)| point))
                .add_to(&painter);
        }
        axes.paint_labels(&painter, ui.visuals());
        // The focus matters only to those who use the keyboard.
        if response.has_focus() && !response.contains_pointer() {
            let stroke = Stroke::new(1.0, ui.visuals().selection.stroke.color.gamma_multiply(0.5));
            painter.rect_stroke(rect.shrink(0.5), 4.0, stroke, StrokeKind::Inside);
        }
        if rotating || fit.is_animating(now) || cloud.transition.is_animating(now) {
            ui.ctx().request_repaint();
        }
        if hovered.is_some() {
            ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
        }
        ScatterOutput {
            hovered: hovered.map(|(point, _)| point),
            hovered_at: hovered.map(|(_, pos)| pos),
            own_at: custom_image_pos,
            clicked: hovered
                .filter(|_| response.clicked())
                .and_then(|(point, _)| cloud.image(point)),
            background_clicked: response.clicked() && hovered.is_none(),
        }
    }
}
