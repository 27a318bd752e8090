//! The spectrum as a film: λ runs from 0 to 1 and back.

use std::time::Duration;

/// Time on each lane: the points glide, then stand for a moment.
pub const FRAME: Duration = Duration::from_millis(400);

/// A film that plays, in time since it began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Playback {
    /// Seconds on the window's clock when it began.
    pub since: f64,
}

impl Playback {
    /// The lane to show of `count` at `now`.
    pub fn place(self, now: f64, count: usize) -> usize {
        let Some(last) = count.checked_sub(1).filter(|last| *last > 0) else {
            return 0;
        };
        let frame = ((now - self.since).max(0.0) / FRAME.as_secs_f64()) as usize;
        let place = frame % (2 * last);
        if place <= last {
            place
        } else {
            2 * last - place
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_there_and_back_without_end() {
        let film = Playback { since: 5.0 };
        let places: Vec<usize> = (0..9)
            .map(|frame| film.place(5.01 + f64::from(frame) * FRAME.as_secs_f64(), 4))
            .collect();
        assert_eq!(places, [0, 1, 2, 3, 2, 1, 0, 1, 2]);
        assert_eq!((film.place(99.0, 1), film.place(99.0, 0)), (0, 0));
        assert_eq!(
            film.place(0.0, 4),
            0,
            "a clock that goes back breaks nothing"
        );
    }
}
