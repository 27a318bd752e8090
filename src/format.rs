//! Numbers, sizes and durations as text.

use std::{fmt::Display, time::Duration};

/// 12,345 for 12345.4.
pub fn thousands(value: f64) -> String {
    grouped(&format!("{:.0}", value.max(0.0)))
}

/// 12,345 for 12345.
pub fn count(value: usize) -> String {
    grouped(&value.to_string())
}

/// A count with its noun: "1 run", "12,345 runs".
pub fn plural<N: Copy + Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    let ending = if count == N::from(1) { "" } else { "s" };
    format!("{} {noun}{ending}", grouped(&count.to_string()))
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// λ, or the weight 1 − λ, with the digits that it needs, from two to four: "0.30", "0.0625".
pub fn lambda(weight: f64) -> String {
    let rounded = (weight * 1e4).round() / 1e4;
    let text = rounded.to_string();
    let digits = text.split_once('.').map_or(0, |(_, digits)| digits.len());
    format!("{rounded:.*}", digits.clamp(2, 4))
}

/// A number of bytes in decimal units, to two or three digits: "9.9 MB", "128 MB", "1.2 GB".
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    // 999.5 would be rounded to 1000.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = usize::from(value < 9.95);
    format!("{value:.digits$} {}", UNITS[unit])
}

/// A running time: "1:01" for 61 seconds, "1:01:01" above an hour.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, minutes, seconds) => format!("{minutes}:{seconds:02} min"),
        (hours, minutes, seconds) => format!("{hours}:{minutes:02}:{seconds:02} h"),
    }
}

/// A rough duration in seconds: "99 s", "2 min", "2 h 1 min", "5 days".
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..100 => format!("{whole} s"),
        100..6000 => format!("{} min", (whole + 30) / 60),
        6000..172_800 => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
        _ => format!("{} days", (whole + 43_200) / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_and_one_is_singular() {
        assert_eq!(thousands(999.4), "999");
        assert_eq!(thousands(12_345.4), "12,345");
        assert_eq!(thousands(f64::NAN), "0");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(plural(0u64, "run"), "0 runs");
        assert_eq!(plural(1u64, "run"), "1 run");
        assert_eq!(plural(1_234usize, "run"), "1,234 runs");
    }

    #[test]
    fn lambda_has_two_to_four_digits() {
        for (weight, text) in [
            (0.0, "0.00"),
            (0.3, "0.30"),
            (1.0 - 0.9, "0.10"),
            (0.0625, "0.0625"),
            (1.0 / 3.0, "0.3333"),
        ] {
            assert_eq!(lambda(weight), text);
        }
    }

    #[test]
    fn sizes_have_two_or_three_digits() {
        for (size, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (9_949_999, "9.9 MB"),
            (11_594_722, "12 MB"),
            (999_499_999, "999 MB"),
            (999_500_000, "1.0 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn running_times_have_seconds_and_durations_are_rounded_to_their_unit() {
        assert_eq!(clock(Duration::from_secs(61)), "1:01 min");
        assert_eq!(clock(Duration::from_secs(3_661)), "1:01:01 h");
        for (seconds, text) in [
            (-1.0, "0 s"),
            (99.4, "99 s"),
            (125.0, "2 min"),
            (7260.0, "2 h 1 min"),
            (400_000.0, "5 days"),
            (f64::NAN, "0 s"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
