//! Builds the three render pipelines, which differ in a few settings.

use eframe::wgpu;

use super::points::Instance;

/// Format of the texture that points are drawn into.
pub const COLOUR: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
/// Format of the depth buffer.
pub const DEPTH: wgpu::TextureFormat = wgpu::TextureFormat::Depth32Float;

/// The settings in which the pipelines differ.
#[derive(Clone, Copy)]
pub struct PipelineSpec<'a> {
    pub layout: &'a wgpu::BindGroupLayout,
    /// Entry points of the shader.
    pub vertex: &'a str,
    pub fragment: &'a str,
    /// Draws [`Instance`]s as quads; otherwise triangles without vertex data.
    pub instanced: bool,
    pub target: wgpu::TextureFormat,
    /// Whether the depth test also writes; `None` without a depth buffer.
    pub writes_depth: Option<bool>,
}

impl PipelineSpec<'_> {
    /// Creates the pipeline on the GPU.
    pub fn build(
        &self,
        device: &wgpu::Device,
        module: &wgpu::ShaderModule,
    ) -> wgpu::RenderPipeline {
        let instances = Some(wgpu::VertexBufferLayout {
            array_stride: size_of::<Instance>() as u64,
            step_mode: wgpu::VertexStepMode::Instance,
            attributes: &wgpu::vertex_attr_array![0 => Float32x3, 1 => Uint32, 2 => Float32x3, 3 => Unorm8x4],
        });
        device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some(self.fragment),
            layout: Some(
                &device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                    label: Some(self.fragment),
                    bind_group_layouts: &[Some(self.layout)],
                    immediate_size: 0,
                }),
            ),
            vertex: wgpu::VertexState {
                module,
                entry_point: Some(self.vertex),
                buffers: if self.instanced {
                    std::slice::from_ref(&instances)
                } else {
                    &[]
                },
                compilation_options: wgpu::PipelineCompilationOptions::default(),
            },
            primitive: wgpu::PrimitiveState {
                topology: if self.instanced {
                    wgpu::PrimitiveTopology::TriangleStrip
                } else {
                    wgpu::PrimitiveTopology::TriangleList
                },
                ..Default::default()
            },
            depth_stencil: self.writes_depth.map(|writes| wgpu::DepthStencilState {
                format: DEPTH,
                depth_write_enabled: Some(writes),
                depth_compare: Some(wgpu::CompareFunction::Less),
                stencil: wgpu::StencilState::default(),
                bias: wgpu::DepthBiasState::default(),
            }),
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module,
                entry_point: Some(self.fragment),
                targets: &[Some(wgpu::ColorTargetState {
                    format: self.target,
                    blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                    write_mask: wgpu::ColorWrites::ALL,
                })],
                compilation_options: wgpu::PipelineCompilationOptions::default(),
            }),
            multiview_mask: None,
            cache: None,
        })
    }
}
