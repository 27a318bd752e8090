//! Numbers and times as people read them.

use std::time::Duration;

pub use crate::numbers::{count, thousands};

/// 1:01 min for 61 seconds.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02} h")
    } else {
        format!("{minutes}:{seconds:02} min")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_well() {
        assert_eq!(clock(Duration::from_secs(61)), "1:01 min");
        assert_eq!(clock(Duration::from_secs(3_661)), "1:01:01 h");
    }
}
