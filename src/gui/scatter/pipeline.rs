//! The three render pipelines, which differ in a few steps.

use eframe::wgpu;

use super::renderer::Instance;

/// What points are drawn into.
pub const COLOUR: wgpu::TextureFormat = wgpu::TextureFormat::Rgba8Unorm;
/// What keeps near points before far ones.
pub const DEPTH: wgpu::TextureFormat = wgpu::TextureFormat::Depth32Float;

/// What tells one pipeline from another.
#[derive(Clone, Copy)]
pub struct Steps<'a> {
    pub layout: &'a wgpu::BindGroupLayout,
    pub vertex: &'a str,
    pub fragment: &'a str,
    /// Whether it reads [`Instance`]s.
    pub instanced: bool,
    pub target: wgpu::TextureFormat,
    /// `None` without a depth buffer.
    pub writes_depth: Option<bool>,
}

impl Steps<'_> {
    /// Builds it.
    pub fn pipeline(
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
