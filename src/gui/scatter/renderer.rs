//! Draws points with a depth buffer into textures of their own, whenever something has changed;
//! every frame copies these textures to the window.

use std::{collections::HashMap, sync::Arc};

use eframe::{egui_wgpu::RenderState, wgpu};

use super::{
    pipeline::{COLOUR, DEPTH, PipelineSpec},
    points::{CanvasId, Instance, Points, Scene},
};

/// The render pipelines, and one canvas per scatter that has been painted.
pub struct Renderer {
    core: wgpu::RenderPipeline,
    rim: wgpu::RenderPipeline,
    overlay: wgpu::RenderPipeline,
    scene_layout: wgpu::BindGroupLayout,
    texture_layout: wgpu::BindGroupLayout,
    canvases: HashMap<CanvasId, Canvas>,
}

/// The texture of one scatter, and what was last drawn into it.
struct Canvas {
    size: [u32; 2],
    colour: wgpu::TextureView,
    depth: wgpu::TextureView,
    texture_group: wgpu::BindGroup,
    scene_buffer: wgpu::Buffer,
    scene_group: wgpu::BindGroup,
    instance_buffer: wgpu::Buffer,
    instances: Arc<Vec<Instance>>,
    scene: Option<Scene>,
}

impl Renderer {
    /// Adds a renderer to the resources of the window, unless there is one.
    ///
    /// The window's render pass must be eframe's default: no depth buffer, no multisampling.
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
        let texture_layout = layout(
            1,
            wgpu::ShaderStages::FRAGMENT,
            wgpu::BindingType::Texture {
                sample_type: wgpu::TextureSampleType::Float { filterable: false },
                view_dimension: wgpu::TextureViewDimension::D2,
                multisampled: false,
            },
        );
        let pipeline = |spec: &PipelineSpec<'_>| spec.build(device, &shader);
        let points = PipelineSpec {
            layout: &scene_layout,
            vertex: "vs_point",
            fragment: "fs_core",
            instanced: true,
            target: COLOUR,
            writes_depth: Some(true),
        };
        Self {
            core: pipeline(&points),
            rim: pipeline(&PipelineSpec {
                fragment: "fs_rim",
                writes_depth: Some(false),
                ..points
            }),
            overlay: pipeline(&PipelineSpec {
                layout: &texture_layout,
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
            texture_layout,
            canvases: HashMap::new(),
        }
    }

    /// Draws the points on their canvas, `size` physical pixels, unless it is up to date.
    pub fn draw(
        &mut self,
        points: &Points,
        size: [u32; 2],
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        encoder: &mut wgpu::CommandEncoder,
    ) {
        #[expect(clippy::cast_precision_loss, reason = "a texture is smaller than 2^24")]
        let scene_size = size.map(|length| length as f32);
        let mut scene = points.scene;
        scene.size = scene_size;
        let (scene_layout, texture_layout) = (&self.scene_layout, &self.texture_layout);
        let canvas = self
            .canvases
            .entry(points.canvas)
            .or_insert_with(|| Canvas::new(device, size, scene_layout, texture_layout));
        if canvas.size != size {
            canvas.resize(device, size, texture_layout);
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

    /// Copies a canvas to the viewport of `pass`, if it has been drawn.
    pub fn copy_to_window(&self, canvas: CanvasId, pass: &mut wgpu::RenderPass<'static>) {
        if let Some(canvas) = self.canvases.get(&canvas) {
            pass.set_pipeline(&self.overlay);
            pass.set_bind_group(0, &canvas.texture_group, &[]);
            pass.draw(0..3, 0..1);
        }
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
            return; // no points: the canvas stays cleared
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
        texture_layout: &wgpu::BindGroupLayout,
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
        let (colour, depth, texture_group) = targets(device, size, texture_layout);
        Self {
            size,
            colour,
            depth,
            texture_group,
            scene_buffer,
            scene_group,
            instance_buffer: instance_buffer(device, 1024 * size_of::<Instance>()),
            instances: Arc::default(),
            scene: None,
        }
    }

    fn resize(&mut self, device: &wgpu::Device, size: [u32; 2], layout: &wgpu::BindGroupLayout) {
        (self.colour, self.depth, self.texture_group) = targets(device, size, layout);
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

/// Colour and depth targets, and the bind group that reads the colour.
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
    let texture_group = device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some("scatter texture"),
        layout,
        entries: &[wgpu::BindGroupEntry {
            binding: 1,
            resource: wgpu::BindingResource::TextureView(&colour),
        }],
    });
    (
        colour,
        view(DEPTH, wgpu::TextureUsages::empty()),
        texture_group,
    )
}
