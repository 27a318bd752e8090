//! Offsets of dots that would otherwise hide each other.

/// Offset of the `index`-th dot, from −0.5 to 0.5. Deterministic; neighbours are far apart.
pub fn jitter(index: u64) -> f64 {
    /// The fractional part of the golden ratio, times 2⁶⁴: its multiples leave the widest gaps.
    const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
    let fraction = index.wrapping_mul(STEP).wrapping_add(STEP / 2) >> 11;
    fraction as f64 / (1u64 << 53) as f64 - 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_are_spread_over_the_whole_range_and_apart_from_each_other() {
        let offsets: Vec<f64> = (0..50).map(jitter).collect();
        let extremes = offsets.iter().map(|offset| offset.abs());
        assert!((0.45..=0.5).contains(&extremes.fold(0.0, f64::max)));
        for (index, offset) in offsets.iter().enumerate() {
            let before = &offsets[..index];
            assert!(before.iter().all(|other| (offset - other).abs() > 0.005));
        }
        // Seeds are indices too, and may be large.
        assert!((jitter(u64::MAX) - jitter(u64::MAX - 1)).abs() > 0.3);
    }
}
