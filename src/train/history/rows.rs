//! A history as plain numbers, and back.

use super::{
    Bucket, Evaluation, History, MAX_BUCKETS, MAX_EVALUATIONS, MAX_MARKS, MarkRange, Quantity,
    Summary,
};

/// Numbers of a bucket: first and last step, then smallest, largest, sum and count of each quantity.
pub const BUCKET_NUMBERS: usize = 2 + 4 * Quantity::ALL.len();

/// Everything a history consists of, in plain numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryRows {
    pub steps_per_epoch: u64,
    /// Steps that a bucket covers.
    pub width: u64,
    /// Every how many evaluations one is kept.
    pub stride: u64,
    /// Steps within which marks of the same kind merge.
    pub mark_span: u64,
    /// [`BUCKET_NUMBERS`] for each bucket, oldest first.
    pub buckets: Vec<f64>,
    pub evaluations: Vec<Evaluation>,
    pub marks: Vec<MarkRange>,
}

impl History {
    /// All of it in plain numbers.
    pub fn to_rows(&self) -> HistoryRows {
        let numbers = |bucket: &Bucket| {
            let spreads = bucket
                .spreads
                .iter()
                .flat_map(|s| [s.min.into(), s.max.into(), s.sum, s.count.into()]);
            [bucket.steps.0 as f64, bucket.steps.1 as f64]
                .into_iter()
                .chain(spreads)
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

    /// The history that [`Self::to_rows`] told of.
    ///
    /// # Errors
    /// When no history can have these numbers, the reason.
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
        let fits = buckets.len().is_multiple_of(BUCKET_NUMBERS)
            && buckets.len() <= MAX_BUCKETS * BUCKET_NUMBERS
            && evaluations.len() <= MAX_EVALUATIONS
            && marks.len() <= MAX_MARKS;
        if !fits {
            return Err("its curves are larger than any this program draws");
        }
        // Each of them doubles when it is full: where a double has no room, no run has ever been.
        let sane = |number: u64| (1..1 << 48).contains(&number);
        if ![steps_per_epoch, width, stride, mark_span]
            .into_iter()
            .all(sane)
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
            .ok_or("its curves hold impossible numbers")?;
        let ordered = buckets.is_sorted_by(|a, b| a.steps.1 < b.steps.0)
            && evaluations.is_sorted_by(|a, b| a.step < b.step)
            && marks.is_sorted_by_key(|mark| mark.steps.0);
        if !ordered {
            return Err("its curves run backwards");
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
    let mut spreads = [Summary::EMPTY; 3];
    for (spread, row) in spreads.iter_mut().zip(row[2..].as_chunks::<4>().0) {
        let [min, max, sum, count] = *row;
        let count = whole(count, f64::from(u32::MAX))? as u32;
        if count == 0 {
            continue;
        }
        let (min, max) = (min as f32, max as f32);
        if !(min.is_finite() && max.is_finite() && sum.is_finite() && min <= max) {
            return None;
        }
        *spread = Summary {
            min,
            max,
            sum,
            count,
        };
    }
    (1 <= steps.0 && steps.0 <= steps.1).then_some(Bucket { steps, spreads })
}
