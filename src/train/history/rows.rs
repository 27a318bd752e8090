//! Converts a history to plain numbers and back.

use super::{
    Bucket, Evaluation, History, MAX_BUCKETS, MAX_EVALUATIONS, MAX_MARKS, MarkRange, Quantity,
    Summary,
};

/// Numbers per bucket: first and last step, then minimum, maximum, sum and count of each quantity.
pub const BUCKET_NUMBERS: usize = 2 + 4 * Quantity::ALL.len();

/// A history as plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryRows {
    pub steps_per_epoch: u64,
    /// Steps per bucket.
    pub width: u64,
    /// Every stride-th evaluation is kept.
    pub stride: u64,
    /// Marks of the same kind within this many steps merge.
    pub mark_span: u64,
    /// [`BUCKET_NUMBERS`] per bucket, oldest first.
    pub buckets: Vec<f64>,
    pub evaluations: Vec<Evaluation>,
    pub marks: Vec<MarkRange>,
}

impl History {
    /// Converts the history to plain numbers.
    pub fn to_rows(&self) -> HistoryRows {
        let numbers = |bucket: &Bucket| {
            let summaries = bucket
                .summaries
                .iter()
                .flat_map(|s| [s.min.into(), s.max.into(), s.sum, s.count.into()]);
            [bucket.steps.0 as f64, bucket.steps.1 as f64]
                .into_iter()
                .chain(summaries)
                .collect::<Vec<f64>>()
        };
        HistoryRows {
            steps_per_epoch: self.steps_per_epoch,
            width: self.width,
            stride: self.stride,
            mark_span: self.mark_span,
            buckets: self.buckets.iter().flat_map(numbers).collect(),
            evaluations: self.evaluations.clone(),
            marks: self.marks.clone(),
        }
    }

    /// Converts the result of [`Self::to_rows`] back.
    ///
    /// # Errors
    /// When no history has these numbers; the reason.
    pub fn from_rows(rows: HistoryRows) -> Result<Self, &'static str> {
        let HistoryRows {
            steps_per_epoch,
            width,
            stride,
            mark_span,
            buckets,
            evaluations,
            marks,
        } = rows;
        let is_within_limits = buckets.len().is_multiple_of(BUCKET_NUMBERS)
            && buckets.len() <= MAX_BUCKETS * BUCKET_NUMBERS
            && evaluations.len() <= MAX_EVALUATIONS
            && marks.len() <= MAX_MARKS;
        if !is_within_limits {
            return Err("its curves exceed the limits of this program");
        }
        // Each of them doubles at its limit. No run is long enough for these.
        let is_plausible = |number: u64| (1..1 << 48).contains(&number);
        if ![steps_per_epoch, width, stride, mark_span]
            .into_iter()
            .all(is_plausible)
            || !width.is_power_of_two()
            || !stride.is_power_of_two()
        {
            return Err("its curves have an impossible scale");
        }
        let buckets: Vec<Bucket> = buckets
            .as_chunks::<BUCKET_NUMBERS>()
            .0
            .iter()
            .map(bucket)
            .collect::<Option<_>>()
            .ok_or("its curves contain impossible values")?;
        let is_ordered = buckets.is_sorted_by(|a, b| a.steps.1 < b.steps.0)
            && evaluations.is_sorted_by(|a, b| a.step < b.step)
            && marks.is_sorted_by_key(|mark| mark.steps.0);
        if !is_ordered {
            return Err("its curves are not in order");
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
