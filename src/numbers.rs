//! Numbers as people read them.

/// 12,345 for 12345.4.
pub fn thousands(value: f64) -> String {
    grouped(&format!("{:.0}", value.max(0.0)))
}

/// 12,345 for 12345.
pub fn count(value: usize) -> String {
    grouped(&value.to_string())
}

fn grouped(digits: &str) -> String {
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
    fn thousands_are_set_apart() {
        assert_eq!(thousands(999.4), "999");
        assert_eq!(thousands(12_345.4), "12,345");
        assert_eq!(thousands(f64::NAN), "0");
        assert_eq!(count(1_234_567), "1,234,567");
    }
}
