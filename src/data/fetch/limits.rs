//! When a mirror is given up: silent for too long, or slow for too long.

use std::time::{Duration, Instant};

/// What is borne with in a mirror.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransferLimits {
    /// How long it may stay silent, in connecting and at any time after it.
    pub max_silence: Duration,
    /// In every stretch of this length…
    pub window: Duration,
    /// …at least so many bytes have to arrive.
    pub min_bytes: u64,
}

/// What is borne with by default: 20 s of silence, and 1 kB/s on average over a minute, which is a
/// fraction of what a telephone line carries.
pub const PATIENCE: TransferLimits = TransferLimits {
    max_silence: Duration::from_secs(20),
    window: Duration::from_mins(1),
    min_bytes: 60_000,
};

/// Counts what arrives, stretch by stretch.
pub(super) struct ThroughputGuard {
    patience: TransferLimits,
    /// When the stretch began.
    since: Instant,
    /// Bytes of the stretch.
    got: u64,
}

impl ThroughputGuard {
    pub(super) fn new(patience: TransferLimits, now: Instant) -> Self {
        Self {
            patience,
            since: now,
            got: 0,
        }
    }

    /// Counts `bytes` that have arrived `now`; at the end of a stretch with too few, gives how many
    /// there were.
    pub(super) fn count(&mut self, bytes: u64, now: Instant) -> Option<u64> {
        self.got += bytes;
        if now.duration_since(self.since) < self.patience.window {
            return None;
        }
        let got = std::mem::take(&mut self.got);
        self.since = now;
        (got < self.patience.min_bytes).then_some(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_stretch_with_too_few_bytes_is_too_slow() {
        let begun = Instant::now();
        let at = |seconds| begun + Duration::from_secs(seconds);
        let mut pace = ThroughputGuard::new(PATIENCE, begun);
        for second in 1..60 {
            assert_eq!(pace.count(1, at(second)), None, "the stretch is not over");
        }
        assert_eq!(pace.count(59_941, at(60)), None, "just enough");
        assert_eq!(pace.count(1_000_000, at(61)), None);
        assert_eq!(pace.count(0, at(125)), None, "all in one go counts as well");
        assert_eq!(pace.count(59_999, at(184)), None);
        assert_eq!(pace.count(0, at(185)), Some(59_999));
    }
}
