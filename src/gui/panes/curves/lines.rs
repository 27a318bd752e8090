//! Reduces a history to the few points that a screen can show.

use std::ops::RangeInclusive;

use super::scale::Scale;
use crate::train::{
    Evaluation,
    history::{Bucket, History, Quantity},
};

/// Maximum number of points of a line, about one per column of the screen.
pub const MAX_POINTS: usize = 2_000;

/// The buckets within `epochs` and one more at each side, merged until there are at most `limit`.
fn visible(history: &History, epochs: &RangeInclusive<f64>, limit: usize) -> Vec<Bucket> {
    let per_epoch = history.steps_per_epoch() as f64;
    let buckets = history.buckets();
    let first = buckets.partition_point(|b| (b.steps.1 as f64) < epochs.start() * per_epoch);
    let end = buckets.partition_point(|b| (b.steps.0 as f64) <= epochs.end() * per_epoch);
    let visible = &buckets[first.saturating_sub(1)..(end + 1).min(buckets.len()).max(first)];
    visible
        .chunks(visible.len().div_ceil(limit.max(1)).max(1))
        .filter_map(|chunk| {
            let (first, rest) = chunk.split_first()?;
            Some(rest.iter().fold(*first, |mut joined, next| {
                joined.join(next);
                joined
            }))
        })
        .collect()
}

/// The raw training line through the minimum and the maximum of every bucket.
pub fn raw(
    history: &History,
    quantity: Quantity,
    scale: Scale,
    epochs: &RangeInclusive<f64>,
) -> Vec<[f64; 2]> {
    let per_epoch = history.steps_per_epoch() as f64;
    let mut points = Vec::new();
    for bucket in visible(history, epochs, MAX_POINTS / 2) {
        let summary = bucket.summary(quantity);
        if summary.mean().is_none() {
            continue;
        }
        let epoch = bucket.middle() / per_epoch;
        let low = scale.height(f64::from(summary.min));
        let high = scale.height(f64::from(summary.max));
        points.extend(low.map(|height| [epoch, height]));
        if summary.max > summary.min {
            points.extend(high.map(|height| [epoch, height]));
        }
    }
    points
}

/// The training line as an exponential moving average of the bucket means, with a time constant of
/// `smoothing` epochs.
pub fn smooth(
    history: &History,
    quantity: Quantity,
    scale: Scale,
    smoothing: f64,
    epochs: &RangeInclusive<f64>,
) -> Vec<[f64; 2]> {
    let per_epoch = history.steps_per_epoch() as f64;
    let mut average: Option<f64> = None;
    let mut last_epoch = 0.0;
    let mut points = Vec::new();
    // The average starts at the first step, so that the line does not depend on the visible range.
    for bucket in visible(history, &(f64::NEG_INFINITY..=f64::INFINITY), MAX_POINTS) {
        let Some(mean) = bucket.summary(quantity).mean() else {
            continue;
        };
        let epoch = bucket.middle() / per_epoch;
        let weight = 1.0 - (-(epoch - last_epoch) / smoothing).exp();
        let value = average.map_or(mean, |average| average + weight * (mean - average));
        average = Some(value);
        last_epoch = epoch;
        if epochs.contains(&epoch) {
            points.extend(scale.height(value).map(|height| [epoch, height]));
        }
    }
    points
}

/// The test line, thinned to the point limit.
pub fn test(history: &History, quantity: Quantity, scale: Scale) -> Vec<[f64; 2]> {
    let per_epoch = history.steps_per_epoch() as f64;
    let evaluations = history.evaluations();
    let stride = evaluations.len().div_ceil(MAX_POINTS).max(1);
    let newest = evaluations.len().saturating_sub(1);
    evaluations
        .iter()
        .enumerate()
        .filter(|(index, _)| index % stride == 0 || *index == newest)
        .filter_map(|(_, evaluation)| {
            let height = scale.height(test_value(quantity, evaluation))?;
            Some([evaluation.step as f64 / per_epoch, height])
        })
        .collect()
}

/// The ranges of epochs and heights that show a whole run. Once there is more to show, heights
/// leave out the first epoch, whose steep fall would flatten the rest.
pub fn view_range(
    history: &History,
    quantity: Quantity,
    scale: Scale,
) -> (RangeInclusive<f64>, RangeInclusive<f64>) {
    let per_epoch = history.steps_per_epoch() as f64;
    let buckets = history.buckets();
    let end = buckets.last().map_or(0.0, |last| last.steps.1 as f64) / per_epoch;
    let from = if end > 2.0 { 1.0 } else { 0.0 };
    let trained = buckets
        .iter()
        .filter(|bucket| bucket.steps.0 as f64 >= from * per_epoch)
        .flat_map(|bucket| {
            let summary = bucket.summary(quantity);
            [f64::from(summary.min), f64::from(summary.max)]
        });
    let tested = history
        .evaluations()
        .iter()
        .filter(|evaluation| evaluation.epoch as f64 >= from)
        .map(|evaluation| test_value(quantity, evaluation));
    let (low, high) = trained
        .chain(tested)
        .filter_map(|value| scale.height(value))
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), height| {
            (low.min(height), high.max(height))
        });
    let heights = if low <= high {
        let margin = ((high - low) * 0.08).max(1e-3 * high.abs().max(1e-3));
        low - margin..=high + margin
    } else {
        0.0..=1.0
    };
    (-0.01 * end.max(1.0)..=end.max(1.0) * 1.02, heights)
}

/// The value of a quantity on the test set.
pub fn test_value(quantity: Quantity, evaluation: &Evaluation) -> f64 {
    match quantity {
        Quantity::Mse => evaluation.test.mse,
        Quantity::Ce => evaluation.test.ce,
        Quantity::Accuracy => evaluation.test.accuracy,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::StepLosses;

    const ALL: RangeInclusive<f64> = f64::NEG_INFINITY..=f64::INFINITY;

    fn history(steps: u64) -> History {
        let mut history = History::new(100);
        for step in 1..=steps {
            history.push_losses(&[StepLosses {
                step,
                mse: if step % 2 == 0 { 1.0 } else { 3.0 },
                ce: 0.0,
                accuracy: 0.25,
            }]);
        }
        history
    }

    #[test]
    fn a_million_steps_draw_few_points_and_keep_the_extremes() {
        let history = history(1_000_000);
        for range in [ALL, 10.0..=20.0, 9_990.0..=20_000.0] {
            let raw = raw(&history, Quantity::Mse, Scale::Linear, &range);
            let smooth = smooth(&history, Quantity::Mse, Scale::Linear, 0.5, &range);
            assert!(
                !raw.is_empty() && raw.len() <= MAX_POINTS + 4,
                "{}",
                raw.len()
            );
            assert!(smooth.len() <= MAX_POINTS + 4);
            assert!(raw.iter().any(|p| p[1] == 1.0) && raw.iter().any(|p| p[1] == 3.0));
            assert!(smooth.iter().all(|p| (p[1] - 2.0).abs() < 1.0));
        }
    }

    #[test]
    fn a_range_without_steps_draws_almost_nothing() {
        let history = history(500);
        assert!(raw(&history, Quantity::Mse, Scale::Linear, &(50.0..=60.0)).len() <= 2);
        assert!(raw(&History::new(3), Quantity::Ce, Scale::Linear, &ALL).is_empty());
    }

    #[test]
    fn the_view_contains_the_run_without_the_fall_of_the_first_epoch() {
        let mut history = History::new(10);
        for step in 1..=50 {
            history.push_losses(&[StepLosses {
                step,
                mse: if step < 5 { 9.0 } else { 0.25 },
                ce: 1.0,
                accuracy: 0.5,
            }]);
        }
        let (epochs, heights) = view_range(&history, Quantity::Mse, Scale::Linear);
        assert!(epochs.contains(&0.0) && epochs.contains(&5.0));
        assert!(heights.contains(&0.25) && !heights.contains(&1.0));
        // Ranges are never empty, even for a constant or without data.
        assert!(heights.end() > heights.start());
        let (epochs, heights) = view_range(&History::new(10), Quantity::Ce, Scale::Log);
        assert!(epochs.end() > epochs.start() && heights.end() > heights.start());
    }

    #[test]
    fn values_without_a_logarithm_are_left_out() {
        let history = history(10);
        assert!(raw(&history, Quantity::Ce, Scale::Log, &ALL).is_empty());
    }
}
