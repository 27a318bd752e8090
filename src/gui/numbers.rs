//! Numbers as people read them.

use std::time::Duration;

/// 12,345 for 12345.4.
pub fn thousands(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// 12,345 for 12345.
pub fn count(value: usize) -> String {
    thousands(value as f64)
}

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
    fn numbers_read_well() {
        assert_eq!(thousands(999.4), "999");
        assert_eq!(thousands(12_345.4), "12,345");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(clock(Duration::from_secs(61)), "1:01 min");
        assert_eq!(clock(Duration::from_secs(3_661)), "1:01:01 h");
    }
}
