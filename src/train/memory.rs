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
        let one = (self.parameters as u64).saturating_mul(KEPT * size_of::<f32>() as u64);
        one.saturating_mul(self.lanes as u64)
    }

    /// Upper limit in bytes, without images and activations: the state, the state for a rollback,
    /// and a gradient and a copy of the parameters during a step.
    pub fn peak(self) -> u64 {
        let step = (self.parameters as u64)
            .saturating_mul(2 * size_of::<f32>() as u64)
            .saturating_mul(self.lanes as u64);
        self.state().saturating_mul(2).saturating_add(step)
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
        let networks = if self.lanes == 1 {
            "network"
        } else {
            "networks"
        };
        write!(
            f,
            "{} {networks} of {} parameters: {}",
            self.lanes,
            count(self.parameters),
            format::bytes(self.state())
        )
    }
}

/// The networks of a run do not fit into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotEnoughMemory {
    need: MemoryEstimate,
    available: u64,
    /// Number of networks that fit.
    fitting: u64,
}

impl std::error::Error for NotEnoughMemory {}

impl std::fmt::Display for NotEnoughMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            need,
            available,
            fitting,
        } = self;
        write!(
            f,
            "{need}, {} with gradients and the state for a rollback, but {} are free; ",
            format::bytes(need.peak()),
            format::bytes(*available)
        )?;
        match fitting {
            0 => write!(f, "choose a smaller network"),
            1 => write!(f, "choose a smaller network, or a single λ"),
            _ => write!(f, "choose a smaller network, or at most {fitting} networks"),
        }
    }
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
        assert_eq!(
            spectrum.to_string(),
            "11 networks of 971,781 parameters: 128 MB"
        );
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
