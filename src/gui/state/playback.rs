//! Playback of a spectrum: λ runs from the first to the last network and back.

use std::time::Duration;

/// Time per network, in which its points move to their positions and then rest.
const FRAME: Duration = Duration::from_millis(400);

/// A playback that began at a time on the window's clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Playback {
    /// Seconds.
    since: f64,
}

impl Playback {
    /// How often the window must be drawn.
    pub const INTERVAL: Duration = Duration::from_millis(100);

    pub fn new(now: f64) -> Self {
        Self { since: now }
    }

    /// Index of the network to show of `count` at `now`, in seconds.
    pub fn index(self, now: f64, count: usize) -> usize {
        let Some(last) = count.checked_sub(1).filter(|last| *last > 0) else {
            return 0;
        };
        let frame = ((now - self.since).max(0.0) / FRAME.as_secs_f64()) as usize;
        let index = frame % (2 * last);
        if index <= last {
            index
        } else {
            2 * last - index
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_to_the_last_network_and_back_without_end() {
        let playback = Playback::new(5.0);
        let indices: Vec<usize> = (0..9)
            .map(|frame| playback.index(5.01 + f64::from(frame) * FRAME.as_secs_f64(), 4))
            .collect();
        assert_eq!(indices, [0, 1, 2, 3, 2, 1, 0, 1, 2]);
        assert_eq!((playback.index(99.0, 1), playback.index(99.0, 0)), (0, 0));
        assert_eq!(playback.index(0.0, 4), 0, "before it began");
    }
}
