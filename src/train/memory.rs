//! What several networks take of the memory, known before they take it.

use crate::{
    format::{self, count},
    memory::{self, UNKNOWN},
    train::device::Backend,
};

/// Numbers of four bytes that training keeps of each parameter: itself and Adam's two moments.
const KEPT: u64 = 3;

/// What the networks of a run need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// Networks.
    pub lanes: usize,
    /// Trainable parameters of one of them.
    pub parameters: usize,
}

impl MemoryEstimate {
    /// Bytes of all parameters with the state of their optimisers.
    pub fn state(self) -> u64 {
        let one = (self.parameters as u64).saturating_mul(KEPT * size_of::<f32>() as u64);
        one.saturating_mul(self.lanes as u64)
    }

    /// Bytes at the most, but for images and activations: the state, the state that a rollback returns to,
    /// and a gradient and a copy of the parameters for a step.
    pub fn peak(self) -> u64 {
        let step = (self.parameters as u64)
            .saturating_mul(2 * size_of::<f32>() as u64)
            .saturating_mul(self.lanes as u64);
        self.state().saturating_mul(2).saturating_add(step)
    }

    /// # Errors
    /// When they would not fit into `available` bytes; the sentence says what would.
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
    /// "11 lanes × 971,781 parameters with optimiser state: 128 MB".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lanes = if self.lanes == 1 { "lane" } else { "lanes" };
        write!(
            f,
            "{} {lanes} × {} parameters with optimiser state: {}",
            self.lanes,
            count(self.parameters),
            format::bytes(self.state())
        )
    }
}

/// The networks of a run do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotEnoughMemory {
    need: MemoryEstimate,
    available: u64,
    /// Networks that would.
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
            "{need}, {} with the state to roll back to and a step's gradients, but {} are free; ",
            format::bytes(need.peak()),
            format::bytes(*available)
        )?;
        match fitting {
            0 => write!(f, "choose a smaller network"),
            1 => write!(f, "choose a smaller network, or a single λ"),
            _ => write!(f, "choose a smaller network, or {fitting} lanes at most"),
        }
    }
}

/// Bytes that a run may take on such a device: what the system tells for the CPU, [`UNKNOWN`] where nobody
/// tells, as on a GPU.
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
    fn it_is_said_before_it_is_taken() {
        let spectrum = MemoryEstimate {
            lanes: 11,
            parameters: 971_781,
        };
        assert_eq!(
            spectrum.to_string(),
            "11 lanes × 971,781 parameters with optimiser state: 128 MB"
        );
        assert_eq!(spectrum.check(u64::MAX), Ok(()));
        let refused = spectrum.check(100 << 20).unwrap_err().to_string();
        assert!(
            refused.contains("342 MB") && refused.ends_with("or 3 lanes at most"),
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
