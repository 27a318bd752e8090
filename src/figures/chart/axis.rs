//! Axes: ranges, ticks and their labels.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};

use super::{INK, SMALL, Ticks};
use crate::figures::{backend::text_width, palette::Rgb};

/// An axis with its ticks and its name.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub range: Range<f64>,
    /// Values of the ticks, ascending, with their labels.
    pub ticks: Vec<(f64, String)>,
    pub name: String,
    /// Colour of name and labels.
    pub colour: Rgb,
}

impl Axis {
    /// An axis with ticks at round numbers.
    pub fn with_round_ticks(range: Range<f64>, name: &str, colour: Rgb) -> Self {
        let ticks = Ticks::between(range.start, range.end);
        let labelled = |value: &f64| (*value, ticks.label(*value));
        Self {
            ticks: ticks.values.iter().map(labelled).collect(),
            range,
            name: name.to_owned(),
            colour,
        }
    }

    /// An axis with ticks at `values`, or at every second, every third … of them where its
    /// `length` in points is too short for all labels.
    pub fn with_ticks_at(range: Range<f64>, values: &[f64], length: f64, name: &str) -> Self {
        let widths = values
            .iter()
            .map(|value| text_width(&format_number(*value), SMALL));
        let distance = widths.fold(0.0, f64::max) + 2.0;
        let values = thin_out(values, &range, length, distance);
        let labelled = values.into_iter().map(|at| (at, format_number(at)));
        Self {
            ticks: labelled.collect(),
            range,
            name: name.to_owned(),
            colour: INK,
        }
    }

    /// The label of a tick; empty for any other value.
    pub fn label(&self, value: f64) -> String {
        let tick = self.ticks.iter().find(|(at, _)| *at == value);
        tick.map_or_else(String::new, |(_, text)| text.clone())
    }

    /// Width of name and labels beside a vertical axis, in points.
    pub fn label_width(&self) -> f64 {
        let widths = self.ticks.iter().map(|(_, text)| text_width(text, SMALL));
        widths.fold(8.0, f64::max) + 16.0
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        limit.0 + (f64::from(limit.1 - limit.0) * share).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.iter().map(|(at, _)| *at).collect()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

/// The range of the finite values, with a margin on both sides. Never empty.
pub fn padded_range(values: impl IntoIterator<Item = f64>) -> Range<f64> {
    /// Share of the range, on each side.
    const MARGIN: f64 = 0.06;
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.into_iter().filter(|value| value.is_finite()) {
        (low, high) = (low.min(value), high.max(value));
    }
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

/// A number rounded to six decimals, without trailing zeros.
pub fn format_number(value: f64) -> String {
    // Adding 0 turns −0 into 0.
    let value = (value * 1e6).round() / 1e6 + 0.0;
    format!("{value}").replace('-', "−")
}

/// Every n-th of `values` (ascending, within `range`), with the smallest n for which neighbours are
/// at least `distance` points apart on an axis of `length` points.
fn thin_out(values: &[f64], range: &Range<f64>, length: f64, distance: f64) -> Vec<f64> {
    let pos = |value: f64| (value - range.start) / (range.end - range.start) * length;
    let fits = |stride: &usize| {
        let kept: Vec<f64> = values.iter().step_by(*stride).copied().collect();
        kept.is_sorted_by(|a, b| pos(*b) - pos(*a) >= distance)
    };
    let stride = (1..=values.len()).find(fits).unwrap_or(1);
    values.iter().step_by(stride).copied().collect()
}

/// Removes those of `ticks` (ascending) whose labels would overlap the label before, on an axis of
/// `length` points.
pub fn remove_overlaps(
    mut ticks: Vec<(f64, String)>,
    range: &Range<f64>,
    length: f64,
) -> Vec<(f64, String)> {
    let mut end = f64::NEG_INFINITY;
    ticks.retain(|(value, text)| {
        let middle = (value - range.start) / (range.end - range.start) * length;
        let width = text_width(text, SMALL) + 2.0;
        let half = width / 2.0;
        let fits = middle - half >= end;
        if fits {
            end = middle + half;
        }
        fits
    });
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_never_empty_and_contain_all_finite_values() {
        for values in [
            vec![],
            vec![f64::NAN, f64::INFINITY],
            vec![0.0],
            vec![-3.0, -3.0],
            vec![0.1, 0.9, f64::NAN],
        ] {
            let range = padded_range(values.clone());
            assert!(range.start < range.end, "{values:?}: {range:?}");
            let finite = values.into_iter().filter(|value| value.is_finite());
            assert!(finite.into_iter().all(|value| range.contains(&value)));
        }
    }

    #[test]
    fn ticks_are_thinned_out_where_labels_would_overlap() {
        let ticks: Vec<f64> = (0..=10).map(|tick| f64::from(tick) / 10.0).collect();
        assert_eq!(thin_out(&ticks, &(0.0..1.0), 100.0, 9.0), ticks);
        assert_eq!(thin_out(&ticks, &(0.0..1.0), 100.0, 11.0).len(), 6);
        assert_eq!(thin_out(&ticks, &(0.0..1.0), 5.0, 11.0), [0.0]);
        assert_eq!(thin_out(&[], &(0.0..1.0), 5.0, 11.0), [0.0; 0]);
    }

    #[test]
    fn numbers_have_no_rounding_errors_and_a_minus_sign() {
        for (value, text) in [
            (0.1 + 0.2, "0.3"),
            (-0.0, "0"),
            (-2.5, "−2.5"),
            (1e2, "100"),
        ] {
            assert_eq!(format_number(value), text);
        }
    }
}
