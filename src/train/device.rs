//! Selects the device: a real GPU through wgpu, or the CPU.

use burn::tensor::{Device, DeviceKind};
use burn_wgpu::{WgpuInitError, wgpu};
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeviceChoice {
    /// A real GPU if there is one, else the CPU.
    #[default]
    Auto,
    /// wgpu, even if its only adapter is a software rasteriser.
    Wgpu,
    Cpu,
}

impl DeviceChoice {
    /// All choices, the default first.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Wgpu, Self::Cpu];

    /// Name on the command line and in files.
    pub fn id(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Wgpu => "wgpu",
            Self::Cpu => "cpu",
        }
    }
}

impl std::fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Auto => "Automatic",
            Self::Wgpu => "GPU (wgpu)",
            Self::Cpu => "CPU",
        })
    }
}

impl std::str::FromStr for DeviceChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let choice = Self::ALL.into_iter().find(|choice| choice.id() == text);
        choice.ok_or_else(|| {
            let valid = Self::ALL.map(Self::id).join(", ");
            format!("unknown device “{text}”; available: {valid}")
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    Wgpu,
    Cpu,
}

/// The device in use, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceReport {
    pub backend: Backend,
    /// "CPU, 2 threads", or name and graphics API of the adapter.
    pub name: String,
    /// The reason for this device.
    pub why: String,
}

impl DeviceReport {
    fn new(backend: Backend, name: String, why: &str) -> Self {
        let why = why.to_owned();
        Self { backend, name, why }
    }
}

/// The requested device could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    #[error(
        "wgpu found no adapter: install a Vulkan, Metal or DirectX 12 driver, or choose the CPU"
    )]
    NoAdapter,
    #[error("wgpu cannot open {adapter}: {reason}. Choose the CPU")]
    Refused { adapter: String, reason: String },
}

/// Opens the device that `choice` asks for.
///
/// # Errors
/// When wgpu was requested and there is no adapter, or it cannot be opened. `Auto` falls back to
/// the CPU and reports why.
pub fn open(choice: DeviceChoice) -> Result<(Device, DeviceReport), DeviceError> {
    select(choice)
        .inspect(|(_, report)| {
            tracing::info!(device = report.name, reason = report.why, "device opened");
        })
        .inspect_err(|error| tracing::error!(%error, "device could not be opened"))
}

fn select(choice: DeviceChoice) -> Result<(Device, DeviceReport), DeviceError> {
    match choice {
        DeviceChoice::Cpu => Ok(cpu("requested")),
        DeviceChoice::Wgpu => {
            let adapter = best_adapter().ok_or(DeviceError::NoAdapter)?;
            open_adapter(&adapter, "requested")
        }
        DeviceChoice::Auto => Ok(match best_adapter() {
            None => cpu("wgpu found no adapter"),
            Some(adapter) if adapter.info.device_type == wgpu::DeviceType::Cpu => cpu(&format!(
                "the only wgpu adapter, {}, is a software rasteriser",
                adapter.info.name
            )),
            Some(adapter) => open_adapter(&adapter, "a real GPU was found")
                .unwrap_or_else(|error| cpu(&error.to_string())),
        }),
    }
}

fn cpu(why: &str) -> (Device, DeviceReport) {
    let threads = available_threads();
    let ending = if threads == 1 { "" } else { "s" };
    let name = format!("CPU, {threads} thread{ending}");
    (Device::flex(), DeviceReport::new(Backend::Cpu, name, why))
}

/// Number of threads that this process may use.
pub fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// An adapter and its selector in burn.
struct Adapter {
    info: wgpu::AdapterInfo,
    kind: DeviceKind,
}

/// The adapter that is probably the fastest: discrete, integrated, virtual, software, in this
/// order.
fn best_adapter() -> Option<Adapter> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let backends = wgpu::Backends::PRIMARY;
    let adapters = pollster::block_on(instance.enumerate_adapters(backends));
    let ranked = adapters.into_iter().map(|adapter| {
        let info = adapter.get_info();
        let (rank, kind) = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => (0, DeviceKind::DiscreteGpu(0)),
            wgpu::DeviceType::IntegratedGpu => (1, DeviceKind::IntegratedGpu(0)),
            wgpu::DeviceType::VirtualGpu => (2, DeviceKind::VirtualGpu(0)),
            wgpu::DeviceType::Other => (3, DeviceKind::DefaultDevice),
            wgpu::DeviceType::Cpu => (4, DeviceKind::Cpu),
        };
        (rank, Adapter { info, kind })
    });
    Some(ranked.min_by_key(|(rank, _)| *rank)?.1)
}

fn open_adapter(adapter: &Adapter, why: &str) -> Result<(Device, DeviceReport), DeviceError> {
    let name = format!("{}, {}", adapter.info.name, adapter.info.backend);
    let options = Device::wgpu_options().device_kind(adapter.kind.clone());
    let device = match options.init() {
        Ok(device) => device,
        // The runtime lives as long as the process: a second run finds it registered.
        Err(WgpuInitError::Registration { .. }) => Device::wgpu(adapter.kind.clone()),
        Err(error) => {
            let (adapter, reason) = (name, error.to_string());
            return Err(DeviceError::Refused { adapter, reason });
        }
    };
    Ok((device, DeviceReport::new(Backend::Wgpu, name, why)))
}
