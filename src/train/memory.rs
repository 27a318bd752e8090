//! What several networks take of the memory, known before they take it.

use crate::train::device::Backend;

/// Numbers of four bytes that training keeps of each parameter: itself and Adam's two moments.
const KEPT: u64 = 3;
/// Available memory where the system does not say: on a GPU, and on systems without `/proc/meminfo`.
pub const ASSUMED: u64 = 4 << 30;

/// What the networks of a run need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Networks.
    pub lanes: usize,
    /// Trainable parameters of one of them.
    pub parameters: usize,
}

impl Need {
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
    pub fn check(self, available: u64) -> Result<(), TooLarge> {
        if self.peak() <= available {
            return Ok(());
        }
        let one = Self { lanes: 1, ..self };
        Err(TooLarge {
            need: self,
            available,
            fitting: available / one.peak().max(1),
        })
    }
}

impl std::fmt::Display for Need {
    /// "11 lanes × 971,781 parameters with optimiser state: 128 MB".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lanes = if self.lanes == 1 { "lane" } else { "lanes" };
        write!(
            f,
            "{} {lanes} × {} parameters with optimiser state: {}",
            self.lanes,
            grouped(self.parameters),
            size(self.state())
        )
    }
}

/// The networks of a run do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge {
    need: Need,
    available: u64,
    /// Networks that would.
    fitting: u64,
}

impl std::error::Error for TooLarge {}

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            need,
            available,
            fitting,
        } = self;
        write!(
            f,
            "{need}, {} with the state to roll back to and a step's gradients, but {} are free; ",
            size(need.peak()),
            size(*available)
        )?;
        match fitting {
            0 => write!(f, "choose a smaller network"),
            1 => write!(f, "choose a smaller network, or a single λ"),
            _ => write!(f, "choose a smaller network, or {fitting} lanes at most"),
        }
    }
}

/// Bytes that a run may take on such a device: what Linux calls available for the CPU, [`ASSUMED`] where
/// nobody says.
pub fn available(backend: Backend) -> u64 {
    let known = match backend {
        Backend::Cpu => std::fs::read_to_string("/proc/meminfo").ok(),
        Backend::Wgpu => None,
    };
    known.as_deref().and_then(mem_available).unwrap_or(ASSUMED)
}

/// The bytes in the line `MemAvailable:   24132548 kB` of `/proc/meminfo`.
fn mem_available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

fn size(bytes: u64) -> String {
    match bytes as f64 {
        bytes if bytes < 999.5e6 => format!("{:.0} MB", (bytes / 1e6).max(1.0)),
        bytes => format!("{:.1} GB", bytes / 1e9),
    }
}

fn grouped(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_before_it_is_taken() {
        let spectrum = Need {
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
        let endless = Need {
            lanes: usize::MAX,
            parameters: 1 << 60,
        };
        assert!(endless.check(u64::MAX - 1).is_err(), "no overflow");
    }

    #[test]
    fn the_system_is_asked_and_nonsense_is_not_believed() {
        let text = "MemTotal:       24689132 kB\nMemAvailable:   1000 kB\n";
        assert_eq!(mem_available(text), Some(1_024_000));
        for nonsense in [
            "",
            "MemAvailable:",
            "MemAvailable: many kB",
            "MemAvailable: -1 kB",
            "MemAvailable: 99999999999999999999 kB",
            "MemAvailable: 18446744073709551615 kB",
        ] {
            assert_eq!(mem_available(nonsense), None, "{nonsense}");
        }
        assert!(available(Backend::Cpu) > 0);
        assert_eq!(available(Backend::Wgpu), ASSUMED);
    }
}
