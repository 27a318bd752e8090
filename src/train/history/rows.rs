//! Converts a history to the form in checkpoints and back.

use super::{
    Bucket, Evaluation, History, MAX_BUCKETS, MAX_EVALUATIONS, MAX_MARKS, MarkRange, Quantity,
    Summary,
};
use crate::train::checkpoint::metadata::{EvaluationMetadata, HistoryMetadata, MarkMetadata};

/// Numbers per bucket: first and last step, then minimum, maximum, sum and count of each quantity.
pub const BUCKET_NUMBERS: usize = 2 + 4 * Quantity::ALL.len();

impl History {
    /// The buckets as [`BUCKET_NUMBERS`] each, oldest first.
    pub fn bucket_numbers(&self) -> Vec<f64> {
        let numbers = |bucket: &Bucket| {
            let summaries = bucket.summaries.iter();
            let summaries =
                summaries.flat_map(|s| [s.min.into(), s.max.into(), s.sum, s.count.into()]);
            let steps = [bucket.steps.0 as f64, bucket.steps.1 as f64];
            steps.into_iter().chain(summaries).collect::<Vec<f64>>()
        };
        self.buckets.iter().flat_map(numbers).collect()
    }

    /// Everything except the buckets.
    pub fn metadata(&self) -> HistoryMetadata {
        HistoryMetadata {
            steps_per_epoch: self.steps_per_epoch,
            width: self.width,
            stride: self.stride,
            mark_span: self.mark_span,
            evaluations: self.evaluations.iter().map(Into::into).collect(),
            marks: self.marks.iter().map(Into::into).collect(),
        }
    }

    /// The inverse of [`Self::metadata`] and [`Self::bucket_numbers`].
    ///
    /// # Errors
    /// When no history has these numbers; the reason.
    pub fn from_parts(metadata: &HistoryMetadata, buckets: &[f64]) -> Result<Self, String> {
        let scales = [
            metadata.steps_per_epoch,
            metadata.width,
            metadata.stride,
            metadata.mark_span,
        ];
        let [steps_per_epoch, width, stride, mark_span] = scales;
        let evaluations = metadata.evaluations.iter();
        let evaluations = evaluations.map(EvaluationMetadata::evaluation);
        let evaluations = evaluations.collect::<Result<Vec<Evaluation>, _>>()?;
        let marks = metadata.marks.iter().map(MarkMetadata::range);
        let marks = marks.collect::<Result<Vec<MarkRange>, _>>()?;
        let is_within_limits = buckets.len().is_multiple_of(BUCKET_NUMBERS)
            && buckets.len() <= MAX_BUCKETS * BUCKET_NUMBERS
            && evaluations.len() <= MAX_EVALUATIONS
            && marks.len() <= MAX_MARKS;
        if !is_within_limits {
            return Err("its curves exceed the limits of this program".to_owned());
        }
        // Each of them doubles at its limit. No run is long enough for these.
        let is_plausible = |number: u64| (1..1 << 48).contains(&number);
        let are_plausible = scales.into_iter().all(is_plausible);
        if !are_plausible || !width.is_power_of_two() || !stride.is_power_of_two() {
            return Err("its curves have an impossible scale".to_owned());
        }
        let buckets = buckets.as_chunks::<BUCKET_NUMBERS>().0.iter().map(bucket);
        let buckets: Vec<Bucket> = buckets
            .collect::<Option<_>>()
            .ok_or("its curves contain impossible values")?;
        let is_ordered = buckets.is_sorted_by(|a, b| a.steps.1 < b.steps.0)
            && evaluations.is_sorted_by(|a, b| a.step < b.step)
            && marks.is_sorted_by_key(|mark| mark.steps.0);
        if !is_ordered {
            return Err("its curves are not in order".to_owned());
        }
        Ok(Self {
            steps_per_epoch,
            width,
            buckets,
            evaluations,
            stride,
            marks,
            mark_span,
        })
    }
}

fn bucket(row: &[f64; BUCKET_NUMBERS]) -> Option<Bucket> {
    let whole = |number: f64, most: f64| {
        (number >= 0.0 && number <= most && number.fract() == 0.0).then_some(number)
    };
    let step = |number: f64| whole(number, (1u64 << 48) as f64).map(|number| number as u64);
    let steps = (step(row[0])?, step(row[1])?);
    let mut summaries = [Summary::EMPTY; 3];
    for (summary, row) in summaries.iter_mut().zip(row[2..].as_chunks::<4>().0) {
        let [min, max, sum, count] = *row;
        let count = whole(count, f64::from(u32::MAX))? as u32;
        if count == 0 {
            continue;
        }
        let (min, max) = (min as f32, max as f32);
        if !(min.is_finite() && max.is_finite() && sum.is_finite() && min <= max) {
            return None;
        }
        *summary = Summary {
            min,
            max,
            sum,
            count,
        };
    }
    (1 <= steps.0 && steps.0 <= steps.1).then_some(Bucket { steps, summaries })
}
