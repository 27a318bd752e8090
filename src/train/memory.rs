//! Memory of several networks, estimated before they are built.

use crate::{
    format::{self, count},
    memory::{self, UNKNOWN},
    train::device::Backend,
};

/// Values that training keeps per parameter: the parameter and two moments of Adam.
const KEPT: u64 = 3;

/// Memory of the networks of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// Number of networks.
    pub lanes: usize,
    /// Trainable parameters per network.
    pub parameters: usize,
}

impl MemoryEstimate {
    /// Bytes of all parameters with optimiser state.
    pub fn state(self) -> u64 {
        self.parameter_bytes(KEPT)
    }

    /// Bytes of `copies` values for each parameter.
    fn parameter_bytes(self, copies: u64) -> u64 {
        let one = (self.parameters as u64).saturating_mul(copies * size_of::<f32>() as u64);
        one.saturating_mul(self.lanes as u64)
    }

    /// Upper limit in bytes, without images and activations: the state, the state for a rollback,
    /// and a gradient and a copy of the parameters during a step.
    pub fn peak(self) -> u64 {
        let state = self.state().saturating_mul(2);
        state.saturating_add(self.parameter_bytes(2))
    }

    /// # Errors
    /// When the networks do not fit into `available` bytes; the message says what fits.
    pub fn check(self, available: u64) -> Result<(), NotEnoughMemory> {
        if self.peak() <= available {
            return Ok(());
        }
        let one = Self { lanes: 1, ..self };
        Err(NotEnoughMemory {
            need: self,
            available,
            fitting: available / one.peak().max(1),
        })
    }
}

impl std::fmt::Display for MemoryEstimate {
    /// "11 networks of 971,781 parameters: 128 MB"
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { lanes, parameters } = *self;
        let ending = if lanes == 1 { "" } else { "s" };
        let (parameters, state) = (count(parameters), format::bytes(self.state()));
        write!(
            f,
            "{lanes} network{ending} of {parameters} parameters: {state}"
        )
    }
}

/// The networks of a run do not fit into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{need}, {} with gradients and the state for a rollback, but {} are free; choose a smaller network{}",
    format::bytes(need.peak()),
    format::bytes(*available),
    match fitting {
        0 => String::new(),
        1 => ", or a single λ".to_owned(),
        _ => format!(", or at most {fitting} networks"),
    }
)]
pub struct NotEnoughMemory {
    need: MemoryEstimate,
    available: u64,
    /// Number of networks that fit.
    fitting: u64,
}

/// Bytes available to a run: as reported by the system for the CPU, [`UNKNOWN`] on a GPU or where
/// the system does not report it.
pub fn available(backend: Backend) -> u64 {
    match backend {
        Backend::Cpu => memory::available(),
        Backend::Wgpu => None,
    }
    .unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_refused_with_a_way_on() {
        let spectrum = MemoryEstimate {
            lanes: 11,
            parameters: 971_781,
        };
        let text = "11 networks of 971,781 parameters: 128 MB";
        assert_eq!(spectrum.to_string(), text);
        assert_eq!(spectrum.check(u64::MAX), Ok(()));
        let refused = spectrum.check(100 << 20).unwrap_err().to_string();
        assert!(
            refused.contains("342 MB") && refused.ends_with("or at most 3 networks"),
            "{refused}"
        );
        let refused = spectrum.check(1 << 20).unwrap_err().to_string();
        assert!(refused.ends_with("choose a smaller network"), "{refused}");
        let endless = MemoryEstimate {
            lanes: usize::MAX,
            parameters: 1 << 60,
        };
        assert!(endless.check(u64::MAX - 1).is_err(), "no overflow");
    }
}
