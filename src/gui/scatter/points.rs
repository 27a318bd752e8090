//! The points of one scatter as the GPU reads them, and the callback that draws them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytemuck::{Pod, Zeroable};
use eframe::{
    egui::{Color32, PaintCallbackInfo, Painter, Rect, Ui},
    egui_wgpu::{Callback, CallbackResources, CallbackTrait, ScreenDescriptor},
    wgpu,
};
use glam::Vec3;

use super::{camera::View, fit::is_drawable, renderer::Renderer};
use crate::{figures::marker::Marker, gui::theme};

/// Stands for "no point" in [`Scene::selected`] and [`Scene::hovered`].
const NO_POINT: u32 = u32::MAX;

/// One point as the GPU reads it; positions in the coordinates of the data.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Instance {
    from: [f32; 3],
    /// Index into the cloud.
    pub point: u32,
    to: [f32; 3],
    /// sRGB, and the index of the marker in [`Marker::ALL`].
    colour: [u8; 4],
}

impl Instance {
    /// A point that moves between two positions; `None` if the second cannot be drawn.
    pub fn new(point: u32, class: u8, from: Vec3, to: Vec3) -> Option<Self> {
        let [red, green, blue, _] = theme::class(class).to_array();
        is_drawable(to).then(|| Self {
            from: from.to_array(),
            point,
            to: to.to_array(),
            colour: [red, green, blue, Marker::of(class) as u8],
        })
    }
}

/// Uniform data of all points; laid out as `Scene` in the shader, which documents the fields.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Scene {
    projection: [[f32; 4]; 4],
    scale: [f32; 3],
    radius: f32,
    shift: [f32; 3],
    progress: f32,
    background: [f32; 3],
    focal: f32,
    ring: [f32; 3],
    pixels_per_point: f32,
    pub size: [f32; 2],
    centre_depth: f32,
    order_bits: u32,
    selected: u32,
    hovered: u32,
    padding: [u32; 2],
}

/// Identifies a canvas of the window's [`Renderer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CanvasId(u64);

impl CanvasId {
    /// A new id, unique in this process.
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// A paint callback that draws points on their canvas and copies it to the window.
pub struct Points {
    pub canvas: CanvasId,
    pub scene: Scene,
    pub instances: Arc<Vec<Instance>>,
    /// Where the canvas appears, in points of the window.
    rect: Rect,
}

impl Points {
    /// Points at the end of their transition, none marked. `to_scene` is scale and shift from data
    /// to scene; `count` is the size of the cloud, which decides how large points are.
    pub fn new(
        ui: &Ui,
        canvas: CanvasId,
        view: &View,
        to_scene: (Vec3, Vec3),
        count: usize,
        instances: &Arc<Vec<Instance>>,
    ) -> Self {
        let pixels_per_point = ui.pixels_per_point();
        let rgb = |colour: Color32| {
            [colour.r(), colour.g(), colour.b()].map(|channel| f32::from(channel) / 255.0)
        };
        let scene = Scene {
            projection: view.clip_matrix().to_cols_array_2d(),
            scale: to_scene.0.to_array(),
            radius: view.point_radius(count),
            shift: to_scene.1.to_array(),
            progress: 1.0,
            background: rgb(ui.visuals().panel_fill),
            focal: view.focal * pixels_per_point,
            ring: rgb(ui.visuals().strong_text_color()),
            pixels_per_point,
            size: [0.0; 2],
            centre_depth: view.depth(Vec3::ZERO),
            order_bits: count.max(2).next_power_of_two().trailing_zeros().min(15),
            selected: NO_POINT,
            hovered: NO_POINT,
            padding: [0; 2],
        };
        Self {
            canvas,
            scene,
            instances: Arc::clone(instances),
            rect: view.rect,
        }
    }

    /// The same points, `progress` (0–1) of the way from their old positions to the new ones.
    pub fn with_progress(mut self, progress: f32) -> Self {
        self.scene.progress = progress;
        self
    }

    /// The same points with rings around two of them, given by index into the cloud.
    pub fn with_rings(mut self, selected: Option<usize>, hovered: Option<usize>) -> Self {
        let index = |point: Option<usize>| {
            point.map_or(NO_POINT, |point| u32::try_from(point).unwrap_or(NO_POINT))
        };
        (self.scene.selected, self.scene.hovered) = (index(selected), index(hovered));
        self
    }

    /// Adds the callback to a painter.
    pub fn add_to(self, painter: &Painter) {
        painter.add(Callback::new_paint_callback(self.rect, self));
    }
}

impl CallbackTrait for Points {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(renderer) = resources.get_mut::<Renderer>() {
            let viewport = PaintCallbackInfo {
                viewport: self.rect,
                clip_rect: self.rect,
                pixels_per_point: screen.pixels_per_point,
                screen_size_px: screen.size_in_pixels,
            }
            .viewport_in_pixels();
            let limit = device.limits().max_texture_dimension_2d;
            let pixels = |length: i32| u32::try_from(length).unwrap_or(0).clamp(1, limit);
            let size = [pixels(viewport.width_px), pixels(viewport.height_px)];
            renderer.draw(self, size, device, queue, encoder);
        }
        Vec::new()
    }

    fn paint(
        &self,
        _info: PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &CallbackResources,
    ) {
        if let Some(renderer) = resources.get::<Renderer>() {
            renderer.copy_to_window(self.canvas, pass);
        }
    }
}
