//! What the charts share: ranges, numbers, ticks.

use std::ops::Range;

/// From the smallest to the largest finite value with a margin on both sides; something sensible when
/// there is no interval.
pub fn span(values: impl IntoIterator<Item = f64>) -> Range<f64> {
    /// Of the range, on each side.
    const MARGIN: f64 = 0.06;
    let (low, high) = values
        .into_iter()
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    if low < high {
        let margin = (high - low) * MARGIN;
        low - margin..high + margin
    } else if low.is_finite() {
        let margin = if low == 0.0 { 1.0 } else { low.abs() * MARGIN };
        low - margin..low + margin
    } else {
        0.0..1.0
    }
}

/// A tick's value without digits that say nothing.
pub fn number(value: f64) -> String {
    // Rounding away what binary fractions leave behind, and the sign of −0.
    let value = (value * 1e6).round() / 1e6 + 0.0;
    format!("{value}").replace('-', "−")
}

/// Those of `ticks` (ascending, within `range`) that can carry a label `needed` points wide along an
/// axis of `length` points: every one, every second, …
pub fn thinned(ticks: &[f64], range: &Range<f64>, length: f64, needed: f64) -> Vec<f64> {
    let place = |value: f64| (value - range.start) / (range.end - range.start) * length;
    let fits = |stride: &usize| {
        let kept: Vec<f64> = ticks.iter().step_by(*stride).copied().collect();
        kept.is_sorted_by(|a, b| place(*b) - place(*a) >= needed)
    };
    let stride = (1..=ticks.len()).find(fits).unwrap_or(1);
    ticks.iter().step_by(stride).copied().collect()
}

/// Those of `ticks` (ascending, with their labels) whose labels do not touch along an axis of `length`
/// points, a label being `width` points wide.
pub fn apart(
    ticks: Vec<(f64, String)>,
    range: &Range<f64>,
    length: f64,
    width: impl Fn(&str) -> f64,
) -> Vec<(f64, String)> {
    let mut free = f64::NEG_INFINITY;
    let fits = |tick: &(f64, String)| {
        let (value, text) = tick;
        let middle = (value - range.start) / (range.end - range.start) * length;
        let half = width(text) / 2.0;
        let is_free = middle - half >= free;
        if is_free {
            free = middle + half;
        }
        is_free
    };
    let mut ticks = ticks;
    ticks.retain(fits);
    ticks
}

/// A place between −0.5 and 0.5 for the `rank`th of some dots that would lie upon one another: the same
/// every time, neighbours far apart.
pub fn jitter(rank: usize) -> f64 {
    /// The golden ratio's fractional part leaves the widest gaps.
    const STEP: f64 = 0.618_033_988_749_895;
    ((rank as f64 + 0.5) * STEP).fract() - 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_sound_whatever_the_values() {
        for values in [
            vec![],
            vec![f64::NAN, f64::INFINITY],
            vec![0.0],
            vec![-3.0, -3.0],
            vec![0.1, 0.9, f64::NAN],
        ] {
            let range = span(values.clone());
            assert!(range.start < range.end, "{values:?}: {range:?}");
            let finite = values.into_iter().filter(|value| value.is_finite());
            assert!(finite.into_iter().all(|value| range.contains(&value)));
        }
    }

    #[test]
    fn labels_that_would_overlap_are_thinned_out() {
        let ticks: Vec<f64> = (0..=10).map(|tick| f64::from(tick) / 10.0).collect();
        assert_eq!(thinned(&ticks, &(0.0..1.0), 100.0, 9.0), ticks);
        assert_eq!(thinned(&ticks, &(0.0..1.0), 100.0, 11.0).len(), 6);
        assert_eq!(thinned(&ticks, &(0.0..1.0), 5.0, 11.0), [0.0]);
        assert_eq!(thinned(&[], &(0.0..1.0), 5.0, 11.0), [0.0; 0]);
    }

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.1 + 0.2, "0.3"),
            (-0.0, "0"),
            (-2.5, "−2.5"),
            (100.0, "100"),
        ];
        for (value, text) in cases {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn dots_are_spread_and_stay_in_their_lane() {
        let places: Vec<f64> = (0..50).map(jitter).collect();
        assert!(places.iter().all(|place| place.abs() <= 0.5));
        for (rank, place) in places.iter().enumerate() {
            assert!(
                places[..rank]
                    .iter()
                    .all(|other| (place - other).abs() > 0.005)
            );
        }
    }
}
