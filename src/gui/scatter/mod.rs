//! The three-dimensional latent scatter: one point for each test image looked at.

mod axes;
mod camera;
mod cloud;
mod cloud_view;
mod fit;
mod legend;
mod pick;
mod pipeline;
mod renderer;
mod small_multiples;
mod toolbar;
mod transition;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use eframe::{
    egui::{
        self, Color32, CursorIcon, EventFilter, Key, Modifiers, PointerButton, Pos2, Response,
        Role, ScrollArea, Sense, StrokeKind, Ui, UiBuilder, Vec2, WidgetInfo,
    },
    egui_wgpu,
};
use serde::{Deserialize, Serialize};

use self::{
    axes::Axes,
    camera::{Camera, View},
    cloud::Cloud,
    fit::{Bounds, Fit},
    legend::Visibility,
    renderer::{CanvasId, NO_POINT, Points, Renderer, Scene},
};
use crate::{data::Dataset, train::Projection};

pub use self::{cloud_view::CloudView, small_multiples::SmallMultiples};

/// Radians of a turn for each point of the screen that is dragged.
const DRAG_TURN: f32 = 0.008;
/// Radians of a turn for each press of an arrow key.
const KEY_TURN: f32 = 0.09;
/// Radians per second of the slow rotation.
const AUTO_TURN: f32 = 0.18;

/// How the user looks at the scatter; outlives the program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewPreferences {
    /// Where the viewer stands.
    camera: Camera,
    /// The number of axes that `camera` was chosen for.
    axes: usize,
    /// Whether the scene turns slowly by itself.
    pub auto_rotate: bool,
    /// Whether the box stays as it is when the data change.
    pub lock_fit: bool,
    /// Whether the cloud of each lane of a spectrum is turned towards that of the lane before it.
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
    /// What to store between two starts of the program.
    pub preferences: ViewPreferences,
    /// What of z the cloud shows, for the caption; all of it if none.
    pub part: Option<String>,
    /// Where points are drawn; none without a GPU.
    canvas: Option<CanvasId>,
    cloud: Option<Cloud>,
    fit: Option<Fit>,
    /// The tightest box around all clouds that share it.
    bounds: Option<Bounds>,
    visibility: Visibility,
    class_names: Vec<String>,
}

/// What the user pointed at in this frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ScatterOutput {
    /// The point under the pointer, as an index into the snapshot's cloud.
    pub hovered: Option<usize>,
    /// Where that point is on the screen.
    pub hovered_at: Option<Pos2>,
    /// Test index of the image whose point was clicked.
    pub clicked: Option<u32>,
    /// Where the image from outside the data set is on the screen, if there is one.
    pub own_at: Option<Pos2>,
    /// Whether the click hit no point.
    pub background_clicked: bool,
    /// The widget that has the focus when keys steer the camera.
    pub canvas: Option<egui::Id>,
}

impl Scatter {
    /// A scatter with default preferences. Without a render state the box and the texts are drawn,
    /// but no points.
    ///
    /// The window is expected to have eframe's default render pass: no depth buffer, no multisampling.
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

    /// Shows the pane in all the space there is. `selected` is the test index of the image to ring.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        seen: Option<&CloudView<'_>>,
        dataset: &Dataset,
        selected: Option<u32>,
    ) -> ScatterOutput {
        let Some(seen) = seen else {
            ui.centered_and_justified(|ui| ui.weak("Waiting for the first snapshot…"));
            return ScatterOutput::default();
        };
        let now = ui.input(|input| input.time);
        self.receive(seen, dataset, now);
        if let Some(cloud) = &self.cloud
            && toolbar::toolbar(ui, &mut self.preferences, cloud, seen, self.part.as_deref())
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
        let stage = body.with_min_x(legend.response.rect.right() + ui.spacing().item_spacing.x);
        let response = ui.allocate_rect(stage, Sense::click_and_drag());
        let own = seen.own();
        self.stage(ui, &response, selected, own, now)
    }

    /// Shows the scene alone, without tools and legend, in all the space there is.
    pub fn bare(&mut self, ui: &mut Ui, seen: &CloudView<'_>, dataset: &Dataset) {
        let now = ui.input(|input| input.time);
        self.receive(seen, dataset, now);
        let space = ui.available_rect_before_wrap();
        let response = ui.allocate_rect(space, Sense::click_and_drag());
        self.stage(ui, &response, None, None, now);
    }

    /// Takes over what is new.
    pub fn receive(&mut self, seen: &CloudView<'_>, dataset: &Dataset, now: f64) {
        if self.class_names != dataset.class_names {
            self.class_names.clone_from(&dataset.class_names);
            self.visibility = Visibility::default();
        }
        match &mut self.cloud {
            Some(cloud) if cloud.has(seen) => {}
            Some(cloud) if cloud.continues(seen) => {
                cloud.follow(seen, dataset, now);
                self.bounds = seen.bounds();
                self.refit(false, now);
            }
            _ => {
                let cloud = Cloud::new(seen, dataset);
                let same_space = self.cloud.as_ref().is_some_and(|old| {
                    (old.axes, old.is_projected()) == (cloud.axes, cloud.is_projected())
                });
                if self.preferences.axes != cloud.axes {
                    self.preferences.axes = cloud.axes;
                    self.preferences.camera = Camera::home(cloud.axes);
                }
                self.cloud = Some(cloud);
                self.bounds = seen.bounds();
                self.refit(!same_space, now);
            }
        }
    }

    /// Fits the box to the clouds, unless it is locked; in another space it always must.
    fn refit(&mut self, other_space: bool, now: f64) {
        match (&mut self.fit, self.bounds) {
            (Some(fit), Some(bounds)) if !other_space => {
                if !self.preferences.lock_fit {
                    fit.follow(bounds, now);
                }
            }
            (fit, Some(bounds)) => *fit = Some(Fit::at(bounds)),
            (_, None) => {}
        }
    }

    /// The scene itself: input, then paint.
    fn stage(
        &mut self,
        ui: &Ui,
        response: &Response,
        selected: Option<u32>,
        own: Option<[f32; 3]>,
        now: f64,
    ) -> ScatterOutput {
        let Some(cloud) = &mut self.cloud else {
            return ScatterOutput::default();
        };
        cloud.show(&self.visibility);
        let count = cloud.len();
        response.widget_info(|| {
            let label = format!("Latent scatter, {}", toolbar::points(count));
            WidgetInfo::labeled(Role::Canvas, ui.is_enabled(), label)
        });
        let rect = response.rect;
        if !ui.is_rect_visible(rect) {
            return ScatterOutput::default();
        }
        let turning = steer(&mut self.preferences, ui, response, cloud.axes, true);
        let view = self.preferences.camera.view(rect, cloud.axes);

        let Some(fit) = self.fit else {
            // Not one of the points has a place.
            return ScatterOutput::default();
        };
        let shown = fit.shown(now);
        let (scale, shift) = shown.to_scene(cloud.axes);
        let radius = view.point_radius(count);
        let aim = response.hover_pos().filter(|_| !response.dragged());
        let own_at = own
            .map(glam::Vec3::from)
            .filter(|&place| fit::drawable(place))
            .and_then(|place| view.project(place * scale + shift))
            .map(|(at, _)| at)
            .filter(|at| rect.contains(*at));
        let hovered = aim.and_then(|aim| {
            let scene = cloud
                .drawn(now)
                .map(|(point, place)| (point, place * scale + shift));
            pick::pick(scene, &view, radius, aim)
        });

        let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
        let axes = Axes::new(
            &view,
            cloud.axes,
            shown,
            fit.goal(),
            names(cloud.projection, cloud.aligned),
        );
        axes.paint_walls(&painter, ui.visuals());
        if let Some(canvas) = self.canvas {
            let glide = cloud.glide.progress(now);
            let selected = selected.and_then(|image| cloud.point_of(image));
            let scene = Scene {
                scale: scale.to_array(),
                shift: shift.to_array(),
                glide,
                radius,
                selected: number(selected),
                hovered: number(hovered.map(|(point, _)| point)),
                order_bits: count.max(2).next_power_of_two().trailing_zeros().min(15),
                ..look(ui, &view)
            };
            let instances = Arc::clone(&cloud.instances);
            let callback = Points {
                canvas,
                rect,
                scene,
                instances,
            };
            painter.add(egui_wgpu::Callback::new_paint_callback(rect, callback));
        }
        axes.paint_labels(&painter, ui.visuals());
        // Whoever works with the mouse here needs no sign of the keyboard.
        if response.has_focus() && !response.contains_pointer() {
            let stroke =
                egui::Stroke::new(1.0, ui.visuals().selection.stroke.color.gamma_multiply(0.5));
            painter.rect_stroke(rect.shrink(0.5), 4.0, stroke, StrokeKind::Inside);
        }
        if turning || fit.moving(now) || cloud.glide.moving(now) {
            ui.ctx().request_repaint();
        }
        if hovered.is_some() {
            ui.ctx().set_cursor_icon(CursorIcon::PointingHand);
        }
        ScatterOutput {
            hovered: hovered.map(|(point, _)| point),
            hovered_at: hovered.map(|(_, at)| at),
            own_at,
            clicked: hovered
                .filter(|_| response.clicked())
                .and_then(|(point, _)| cloud.image(point)),
            background_clicked: response.clicked() && hovered.is_none(),
            canvas: Some(response.id),
        }
    }
}

/// Moves the camera as the user wishes; returns whether it goes on moving by itself.
/// Keys are only heard on a `main` stage.
fn steer(
    preferences: &mut ViewPreferences,
    ui: &Ui,
    response: &Response,
    axes: usize,
    main: bool,
) -> bool {
    let rect = response.rect;
    let camera = &mut preferences.camera;
    if main && (response.clicked() || response.drag_started()) {
        response.request_focus();
    }
    let shift = ui.input(|input| input.modifiers.shift);
    let drag = response.drag_delta();
    if drag != Vec2::ZERO {
        if response.dragged_by(PointerButton::Primary) && !shift {
            camera.orbit(-drag.x * DRAG_TURN, drag.y * DRAG_TURN);
        } else if let Some(to) = response.interact_pointer_pos() {
            let view = camera.view(rect, axes);
            camera.pan(&view, to - drag, to);
        }
    }
    if response.contains_pointer() {
        let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        camera.zoom((scroll * 0.004).exp() * pinch);
    }
    if main && response.has_focus() {
        let arrows = EventFilter {
            horizontal_arrows: true,
            vertical_arrows: true,
            ..Default::default()
        };
        ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
        let pressed = |key| {
            let count = ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key));
            f32::from(u8::try_from(count).unwrap_or(u8::MAX))
        };
        let right = pressed(Key::ArrowRight) - pressed(Key::ArrowLeft);
        let up = pressed(Key::ArrowUp) - pressed(Key::ArrowDown);
        camera.orbit(right * KEY_TURN, up * KEY_TURN);
        camera.zoom(1.15f32.powf(pressed(Key::Plus) + pressed(Key::Equals) - pressed(Key::Minus)));
        if pressed(Key::Home) > 0.0 {
            *camera = Camera::home(axes);
        }
    }
    if response.double_clicked() {
        *camera = Camera::home(axes);
    }
    let turning = main && preferences.auto_rotate && axes == 3;
    if turning && !response.dragged() {
        camera.orbit(AUTO_TURN * ui.input(|input| input.stable_dt.min(0.1)), 0.0);
    }
    turning
}

/// The part of the scene that depends on camera and theme alone.
fn look(ui: &Ui, view: &View) -> Scene {
    let pixels_per_point = ui.pixels_per_point();
    let rgb = |colour: Color32| [colour.r(), colour.g(), colour.b()].map(|c| f32::from(c) / 255.0);
    Scene {
        projection: view.clip_matrix().to_cols_array_2d(),
        background: rgb(ui.visuals().panel_fill),
        focal: view.focal * pixels_per_point,
        ring: rgb(ui.visuals().strong_text_color()),
        pixels_per_point,
        centre_depth: view.depth(glam::Vec3::ZERO),
        ..bytemuck::Zeroable::zeroed()
    }
}

fn number(point: Option<usize>) -> u32 {
    point
        .and_then(|point| u32::try_from(point).ok())
        .unwrap_or(NO_POINT)
}

fn names(projection: Projection, aligned: bool) -> [&'static str; 3] {
    match projection {
        Projection::Coordinates if aligned => ["axis 1", "axis 2", "axis 3"],
        Projection::Coordinates => ["z₁", "z₂", "z₃"],
        Projection::Pca { .. } => ["PC 1", "PC 2", "PC 3"],
    }
}
