//! Limits at which a mirror is given up: silence, and low throughput.

use std::time::{Duration, Instant};

/// Limits at which a mirror is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferLimits {
    /// The longest time without data, while connecting and afterwards.
    pub max_silence: Duration,
    /// Length of the windows in which throughput is measured.
    pub window: Duration,
    /// The fewest bytes to be received in a window.
    pub min_bytes: u64,
}

impl TransferLimits {
    /// 20 s of silence, or less than 1 kB/s on average over a minute.
    pub const DEFAULT: Self = Self {
        max_silence: Duration::from_secs(20),
        window: Duration::from_mins(1),
        min_bytes: 60_000,
    };
}

/// Measures throughput in consecutive windows.
pub(super) struct ThroughputGuard {
    limits: TransferLimits,
    window_start: Instant,
    /// Bytes received in the window.
    received: u64,
}

impl ThroughputGuard {
    pub(super) fn new(limits: TransferLimits, now: Instant) -> Self {
        Self {
            limits,
            window_start: now,
            received: 0,
        }
    }

    /// Adds `bytes` received at the time `now`. At the end of a window with fewer than
    /// [`TransferLimits::min_bytes`], returns the number of its bytes.
    pub(super) fn add(&mut self, bytes: u64, now: Instant) -> Option<u64> {
        self.received += bytes;
        if now.duration_since(self.window_start) < self.limits.window {
            return None;
        }
        let received = std::mem::take(&mut self.received);
        self.window_start = now;
        (received < self.limits.min_bytes).then_some(received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throughput_is_too_low_only_after_a_whole_window_with_too_few_bytes() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut guard = ThroughputGuard::new(TransferLimits::DEFAULT, start);
        for second in 1..60 {
            assert_eq!(guard.add(1, at(second)), None, "the window is not over");
        }
        assert_eq!(guard.add(59_941, at(60)), None, "just enough");
        assert_eq!(guard.add(1_000_000, at(61)), None);
        assert_eq!(guard.add(0, at(125)), None, "one burst is enough");
        assert_eq!(guard.add(59_999, at(184)), None);
        assert_eq!(guard.add(0, at(185)), Some(59_999));
    }
}
