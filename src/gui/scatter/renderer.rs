//! The points on the GPU: drawn with a depth buffer into a picture of their own whenever something
//! has changed, and laid over the window in every frame.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytemuck::{Pod, Zeroable};
use eframe::{
    egui::{PaintCallbackInfo, Rect},
    egui_wgpu::{CallbackResources, CallbackTrait, RenderState, ScreenDescriptor},
    wgpu,
};

use super::pipeline::{COLOUR, DEPTH, Steps};

/// Stands for "no point" in [`Scene::selected`] and [`Scene::hovered`].
pub const NO_POINT: u32 = u32::MAX;

/// One point as the GPU reads it; places in the coordinates of the data.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Instance {
    pub from: [f32; 3],
    /// Index into the cloud.
    pub point: u32,
    pub to: [f32; 3],
    /// sRGB with alpha.
    pub colour: [u8; 4],
}

/// What all points share; laid out as `Scene` in the shader, where the fields are explained.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Scene {
    pub projection: [[f32; 4]; 4],
    pub scale: [f32; 3],
    pub radius: f32,
    pub shift: [f32; 3],
    pub glide: f32,
    pub background: [f32; 3],
    pub focal: f32,
    pub ring: [f32; 3],
    pub pixels_per_point: f32,
    pub size: [f32; 2],
    pub centre_depth: f32,
    pub order_bits: u32,
    pub selected: u32,
    pub hovered: u32,
    pub padding: [u32; 2],
}

/// Tells the canvases of a window apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CanvasId(u64);

impl CanvasId {
    /// An id that nobody else has.
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// Draws a scene where the callback is painted.
pub struct Points {
    /// Which canvas of the window's [`Renderer`] they are drawn on.
    pub canvas: CanvasId,
    /// Where, in points of the window.
    pub rect: Rect,
    pub scene: Scene,
    pub instances: Arc<Vec<Instance>>,
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
        if let Some(renderer) = resources.get::<Renderer>()
            && let Some(canvas) = renderer.canvases.get(&self.canvas)
        {
            pass.set_pipeline(&renderer.overlay);
            pass.set_bind_group(0, &canvas.picture, &[]);
            pass.draw(0..3, 0..1);
        }
    }
}

/// Pipelines, and one canvas for each scatter that was painted.
pub struct Renderer {
    core: wgpu::RenderPipeline,
    rim: wgpu::RenderPipeline,
    overlay: wgpu::RenderPipeline,
    scene_layout: wgpu::BindGroupLayout,
    picture_layout: wgpu::BindGroupLayout,
    canvases: HashMap<CanvasId, Canvas>,
}

/// A picture, and what it was last drawn from.
struct Canvas {
    size: [u32; 2],
    colour: wgpu::TextureView,
    depth: wgpu::TextureView,
    picture: wgpu::BindGroup,
    scene_buffer: wgpu::Buffer,
    scene_group: wgpu::BindGroup,
    instance_buffer: wgpu::Buffer,
    instances: Arc<Vec<Instance>>,
    scene: Option<Scene>,
}

impl Renderer {
    /// Puts a renderer into the resources of the window, unless one is there.
    ///
    /// The window's render pass is expected to be eframe's default: no depth buffer of its own, no
    /// multisampling. Points need neither there, since they are drawn elsewhere.
    pub fn install(state: &RenderState) {
        let mut egui_renderer = state.renderer.write();
        if !egui_renderer.callback_resources.contains::<Self>() {
            let renderer = Self::new(&state.device, state.target_format);
            egui_renderer.callback_resources.insert(renderer);
        }
    }

    fn new(device: &wgpu::Device, window_format: wgpu::TextureFormat) -> Self {
        let shader = device.create_shader_module(wgpu::include_wgsl!("scatter.wgsl"));
        let layout = |binding, visibility, ty| {
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
                label: Some("scatter"),
                entries: &[wgpu::BindGroupLayoutEntry {
                    binding,
                    visibility,
                    ty,
                    count: None,
                }],
            })
        };
        let scene_layout = layout(
            0,
            wgpu::ShaderStages::VERTEX_FRAGMENT,
            wgpu::BindingType::Buffer {
                ty: wgpu::BufferBindingType::Uniform,
                has_dynamic_offset: false,
                min_binding_size: wgpu::BufferSize::new(size_of::<Scene>() as u64),
            },
        );
        let picture_layout = layout(
            1,
            wgpu::ShaderStages::FRAGMENT,
            wgpu::BindingType::Texture {
                sample_type: wgpu::TextureSampleType::Float { filterable: false },
                view_dimension: wgpu::TextureViewDimension::D2,
                multisampled: false,
            },
        );
        let pipeline = |steps: &Steps<'_>| steps.pipeline(device, &shader);
        let points = Steps {
            layout: &scene_layout,
            vertex: "vs_point",
            fragment: "fs_core",
            instanced: true,
            target: COLOUR,
            writes_depth: Some(true),
        };
        Self {
            core: pipeline(&points),
            rim: pipeline(&Steps {
                fragment: "fs_rim",
                writes_depth: Some(false),
                ..points
            }),
            overlay: pipeline(&Steps {
                layout: &picture_layout,
                vertex: "vs_overlay",
                fragment: if window_format.is_srgb() {
                    "fs_overlay_linear"
                } else {
                    "fs_overlay"
                },
                instanced: false,
                target: window_format,
                writes_depth: None,
            }),
            scene_layout,
            picture_layout,
            canvases: HashMap::new(),
        }
    }

    /// Brings the canvas of these points up to date; does nothing if it is.
    fn draw(
        &mut self,
        points: &Points,
        size: [u32; 2],
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        encoder: &mut wgpu::CommandEncoder,
    ) {
        #[expect(clippy::cast_precision_loss, reason = "a texture is smaller than 2^24")]
        let scene = Scene {
            size: size.map(|length| length as f32),
            ..points.scene
        };
        let (scene_layout, picture_layout) = (&self.scene_layout, &self.picture_layout);
        let canvas = self
            .canvases
            .entry(points.canvas)
            .or_insert_with(|| Canvas::new(device, size, scene_layout, picture_layout));
        if canvas.size != size {
            canvas.resize(device, size, picture_layout);
        }
        let same_points = Arc::ptr_eq(&canvas.instances, &points.instances);
        if same_points && canvas.scene == Some(scene) {
            return;
        }
        if !same_points {
            let bytes: &[u8] = bytemuck::cast_slice(&points.instances);
            if canvas.instance_buffer.size() < bytes.len() as u64 {
                canvas.instance_buffer = instance_buffer(device, bytes.len().next_power_of_two());
            }
            queue.write_buffer(&canvas.instance_buffer, 0, bytes);
            canvas.instances = Arc::clone(&points.instances);
        }
        queue.write_buffer(&canvas.scene_buffer, 0, bytemuck::bytes_of(&scene));
        canvas.scene = Some(scene);
        self.encode(&self.canvases[&points.canvas], encoder);
    }

    fn encode(&self, canvas: &Canvas, encoder: &mut wgpu::CommandEncoder) {
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("scatter"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &canvas.colour,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load: wgpu::LoadOp::Clear(wgpu::Color::TRANSPARENT),
                    store: wgpu::StoreOp::Store,
                },
            })],
            depth_stencil_attachment: Some(wgpu::RenderPassDepthStencilAttachment {
                view: &canvas.depth,
                depth_ops: Some(wgpu::Operations {
                    load: wgpu::LoadOp::Clear(1.0),
                    store: wgpu::StoreOp::Discard,
                }),
                stencil_ops: None,
            }),
            ..Default::default()
        });
        let Ok(count @ 1..) = u32::try_from(canvas.instances.len()) else {
            return; // cleared is all there is to see
        };
        pass.set_bind_group(0, &canvas.scene_group, &[]);
        pass.set_vertex_buffer(0, canvas.instance_buffer.slice(..));
        for pipeline in [&self.core, &self.rim] {
            pass.set_pipeline(pipeline);
            pass.draw(0..4, 0..count);
        }
    }
}

impl Canvas {
    fn new(
        device: &wgpu::Device,
        size: [u32; 2],
        scene_layout: &wgpu::BindGroupLayout,
        picture_layout: &wgpu::BindGroupLayout,
    ) -> Self {
        let scene_buffer = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("scatter scene"),
            size: size_of::<Scene>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let scene_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("scatter scene"),
            layout: scene_layout,
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: scene_buffer.as_entire_binding(),
            }],
        });
        let (colour, depth, picture) = targets(device, size, picture_layout);
        Self {
            size,
            colour,
            depth,
            picture,
            scene_buffer,
            scene_group,
            instance_buffer: instance_buffer(device, 1024 * size_of::<Instance>()),
            instances: Arc::default(),
            scene: None,
        }
    }

    fn resize(&mut self, device: &wgpu::Device, size: [u32; 2], layout: &wgpu::BindGroupLayout) {
        (self.colour, self.depth, self.picture) = targets(device, size, layout);
        self.size = size;
        self.scene = None;
    }
}

fn instance_buffer(device: &wgpu::Device, bytes: usize) -> wgpu::Buffer {
    device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("scatter points"),
        size: bytes as u64,
        usage: wgpu::BufferUsages::VERTEX | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

/// Colour and depth to draw into, and the colour to read from.
fn targets(
    device: &wgpu::Device,
    [width, height]: [u32; 2],
    layout: &wgpu::BindGroupLayout,
) -> (wgpu::TextureView, wgpu::TextureView, wgpu::BindGroup) {
    let view = |format, usage| {
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("scatter"),
            size: wgpu::Extent3d {
                width,
                height,
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | usage,
            view_formats: &[],
        });
        texture.create_view(&wgpu::TextureViewDescriptor::default())
    };
    let colour = view(COLOUR, wgpu::TextureUsages::TEXTURE_BINDING);
    let picture = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("scatter picture"),
        layout,
        entries: &[wgpu::BindGroupEntry {
            binding: 1,
            resource: wgpu::BindingResource::TextureView(&colour),
        }],
    });
    (colour, view(DEPTH, wgpu::TextureUsages::empty()), picture)
}
