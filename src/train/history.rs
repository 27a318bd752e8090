//! The data of the curves of a run, in bounded memory for runs of any length.

mod rows;

pub use rows::BUCKET_NUMBERS;

use super::{Evaluation, Mark, StepLosses};

/// Limit of buckets of training losses. At the limit, neighbours merge and each covers twice the
/// steps.
pub const MAX_BUCKETS: usize = 4096;
/// Limit of test evaluations. At the limit, every second one is removed.
pub const MAX_EVALUATIONS: usize = 4096;
/// Limit of marks. At the limit, marks farther apart merge.
pub const MAX_MARKS: usize = 200;

/// A quantity with a training curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantity {
    /// Mean squared error, in [−1, 1] units.
    Mse,
    /// Cross-entropy, in nats.
    Ce,
    /// Accuracy, 0–1.
    Accuracy,
}

impl Quantity {
    pub const ALL: [Self; 3] = [Self::Mse, Self::Ce, Self::Accuracy];

    fn value(self, losses: &StepLosses) -> f32 {
        match self {
            Self::Mse => losses.mse,
            Self::Ce => losses.ce,
            Self::Accuracy => losses.accuracy,
        }
    }
}

/// Minimum, maximum and mean of a quantity over some steps; NaN and infinite values are left out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    pub min: f32,
    pub max: f32,
    sum: f64,
    count: u32,
}

impl Summary {
    const EMPTY: Self = Self {
        min: f32::INFINITY,
        max: f32::NEG_INFINITY,
        sum: 0.0,
        count: 0,
    };

    fn add(&mut self, value: f32) {
        if value.is_finite() {
            self.min = self.min.min(value);
            self.max = self.max.max(value);
            self.sum += f64::from(value);
            self.count += 1;
        }
    }

    /// Adds the values of another summary.
    pub fn join(&mut self, other: &Self) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        self.count += other.count;
    }

    /// The mean, if there is any value.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / f64::from(self.count))
    }
}

/// Consecutive steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// First and last step.
    pub steps: (u64, u64),
    summaries: [Summary; 3],
}

impl Bucket {
    fn new(step: u64) -> Self {
        Self {
            steps: (step, step),
            summaries: [Summary::EMPTY; 3],
        }
    }

    /// The summary of a quantity over these steps.
    pub fn summary(&self, quantity: Quantity) -> &Summary {
        &self.summaries[quantity as usize]
    }

    /// Adds the bucket that follows.
    pub fn join(&mut self, next: &Self) {
        self.steps.1 = next.steps.1;
        for (summary, other) in self.summaries.iter_mut().zip(&next.summaries) {
            summary.join(other);
        }
    }

    pub fn middle(&self) -> f64 {
        f64::midpoint(self.steps.0 as f64, self.steps.1 as f64)
    }
}

/// A change that the curves show. Changes in quick succession, as while a slider is dragged, are
/// merged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarkRange {
    /// Steps of the first and of the last merged change.
    pub steps: (u64, u64),
    pub mark: Mark,
}

#[derive(Clone, Debug, PartialEq)]
pub struct History {
    steps_per_epoch: u64,
    /// Steps per bucket, a power of two.
    width: u64,
    buckets: Vec<Bucket>,
    evaluations: Vec<Evaluation>,
    /// Every stride-th evaluation is kept.
    stride: u64,
    marks: Vec<MarkRange>,
    /// Marks of the same kind within this many steps merge.
    mark_span: u64,
}

impl History {
    pub fn new(steps_per_epoch: u64) -> Self {
        let steps_per_epoch = steps_per_epoch.max(1);
        Self {
            steps_per_epoch,
            width: 1,
            buckets: Vec::new(),
            evaluations: Vec::new(),
            stride: 1,
            marks: Vec::new(),
            mark_span: (steps_per_epoch / 4).max(4),
        }
    }

    /// Appends training losses, oldest first.
    pub fn push_losses(&mut self, losses: &[StepLosses]) {
        for step in losses {
            let index = |step: u64| step.saturating_sub(1) / self.width;
            match self.buckets.last_mut() {
                Some(last) if index(last.steps.0) == index(step.step) => last.steps.1 = step.step,
                _ => {
                    if self.buckets.len() == MAX_BUCKETS {
                        self.halve();
                        // The last of the merged buckets may have room for this step.
                        self.push_losses(std::slice::from_ref(step));
                        continue;
                    }
                    self.buckets.push(Bucket::new(step.step));
                }
            }
            if let Some(last) = self.buckets.last_mut() {
                for quantity in Quantity::ALL {
                    last.summaries[quantity as usize].add(quantity.value(step));
                }
            }
        }
    }

    /// Doubles the width of all buckets.
    fn halve(&mut self) {
        self.width *= 2;
        let width = self.width;
        let index = |bucket: &Bucket| bucket.steps.0.saturating_sub(1) / width;
        self.buckets.dedup_by(|next, kept| {
            let same = index(next) == index(kept);
            if same {
                kept.join(next);
            }
            same
        });
    }

    /// Appends test metrics.
    pub fn push_evaluation(&mut self, evaluation: Evaluation) {
        // The newest is always kept, so one that is off the stride is replaced by its successor.
        if let Some(last) = self.evaluations.last()
            && !last.epoch.is_multiple_of(self.stride)
        {
            self.evaluations.pop();
        }
        self.evaluations.push(evaluation);
        if self.evaluations.len() > MAX_EVALUATIONS {
            self.stride *= 2;
            let (stride, newest) = (self.stride, evaluation.step);
            self.evaluations
                .retain(|kept| kept.epoch.is_multiple_of(stride) || kept.step == newest);
        }
    }

    /// Appends a change at `step`.
    pub fn push_mark(&mut self, step: u64, mark: Mark) {
        self.marks.push(MarkRange {
            steps: (step, step),
            mark,
        });
        self.merge_marks();
        // Ends: with the largest span one mark of each kind is left.
        while self.marks.len() > MAX_MARKS {
            self.mark_span = self.mark_span.saturating_mul(2);
            self.merge_marks();
        }
    }

    /// Merges each mark with the previous one of its kind, also across marks of other kinds.
    fn merge_marks(&mut self) {
        let mut merged: Vec<MarkRange> = Vec::with_capacity(self.marks.len());
        for next in std::mem::take(&mut self.marks) {
            let is_same_kind = |kept: &&mut MarkRange| {
                std::mem::discriminant(&next.mark) == std::mem::discriminant(&kept.mark)
            };
            match merged.iter_mut().rev().find(is_same_kind) {
                Some(kept) if next.steps.0.saturating_sub(kept.steps.1) < self.mark_span => {
                    kept.steps.1 = next.steps.1;
                    kept.mark = next.mark;
                }
                _ => merged.push(next),
            }
        }
        self.marks = merged;
    }

    /// Removes everything after `step`. A bucket that ends later is removed completely.
    pub fn truncate_after(&mut self, step: u64) {
        self.buckets.retain(|bucket| bucket.steps.1 <= step);
        self.evaluations
            .retain(|evaluation| evaluation.step <= step);
        self.marks.retain(|mark| mark.steps.1 <= step);
    }

    pub fn steps_per_epoch(&self) -> u64 {
        self.steps_per_epoch
    }

    /// Training losses, oldest first.
    pub fn buckets(&self) -> &[Bucket] {
        &self.buckets
    }

    /// Test metrics, oldest first.
    pub fn evaluations(&self) -> &[Evaluation] {
        &self.evaluations
    }

    /// Changes, oldest first.
    pub fn marks(&self) -> &[MarkRange] {
        &self.marks
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{model::Lambda, train::Metrics};

    fn losses(step: u64, mse: f32) -> StepLosses {
        StepLosses {
            step,
            mse,
            ce: 2.0 * mse,
            accuracy: 0.5,
        }
    }

    fn evaluation(epoch: u64) -> Evaluation {
        Evaluation {
            epoch,
            step: epoch * 10,
            lambda: Lambda::BALANCED,
            train: None,
            test: Metrics {
                mse: 0.2,
                ce: 1.0,
                accuracy: 0.5,
            },
            dead_units: 0,
            images_per_second: 1.0,
        }
    }

    proptest! {
        #[test]
        fn buckets_contain_every_step_and_keep_the_extremes(
            values in prop::collection::vec(
                prop_oneof![9 => -10.0f32..10.0, 1 => Just(f32::NAN), 1 => Just(f32::INFINITY)],
                0..9_000,
            ),
        ) {
            let mut history = History::new(19);
            let steps: Vec<StepLosses> = (1u64..).zip(&values).map(|(s, v)| losses(s, *v)).collect();
            for chunk in steps.chunks(7) {
                history.push_losses(chunk);
            }
            prop_assert!(history.buckets().len() <= MAX_BUCKETS);
            let mut next = 1;
            for bucket in history.buckets() {
                prop_assert_eq!(bucket.steps.0, next, "no gap, no overlap");
                let inside = &values[next as usize - 1..bucket.steps.1 as usize];
                next = bucket.steps.1 + 1;
                let finite = || inside.iter().copied().filter(|value| value.is_finite());
                let summary = bucket.summary(Quantity::Mse);
                let Some(mean) = summary.mean() else {
                    prop_assert_eq!(finite().count(), 0);
                    continue;
                };
                let expected = finite().map(f64::from).sum::<f64>() / finite().count() as f64;
                prop_assert!((mean - expected).abs() < 1e-6);
                prop_assert_eq!(summary.min, finite().fold(f32::MAX, f32::min));
                prop_assert_eq!(summary.max, finite().fold(f32::MIN, f32::max));
            }
            prop_assert_eq!(next as usize, values.len() + 1, "every step is in a bucket");
        }
    }

    #[test]
    fn a_million_steps_need_bounded_memory() {
        let mut history = History::new(117);
        for step in 1..=1_000_000 {
            history.push_losses(&[losses(step, 0.2)]);
        }
        assert!(history.buckets().len() <= MAX_BUCKETS);
        assert!(history.buckets().len() >= MAX_BUCKETS / 4, "detail is kept");
        for epoch in 0..20_000 {
            history.push_evaluation(evaluation(epoch));
        }
        let evaluations = history.evaluations();
        assert!(evaluations.len() <= MAX_EVALUATIONS);
        assert_eq!(evaluations[0].epoch, 0, "the first is kept");
        assert_eq!(evaluations.last().unwrap().epoch, 19_999, "and the newest");
        assert!(evaluations.is_sorted_by_key(|evaluation| evaluation.step));
    }

    #[test]
    fn dragging_the_slider_gives_one_mark() {
        let mut history = History::new(100);
        let lambda = |value: f64| Mark::Lambda(Lambda::new(value).unwrap());
        for tick in 0..50u32 {
            history.push_mark(1_000 + u64::from(tick), lambda(f64::from(tick) / 50.0));
        }
        history.push_mark(1_030, Mark::LearningRate(1e-4));
        history.push_mark(5_000, lambda(0.1));
        let marks = history.marks();
        assert_eq!(marks.len(), 3);
        assert_eq!(marks[0].steps, (1_000, 1_049));
        assert_eq!(marks[0].mark, lambda(0.98));
        for step in 0..100_000 {
            history.push_mark(step * 1_000, lambda(0.5));
        }
        assert!(history.marks().len() <= MAX_MARKS);
    }

    #[test]
    fn marks_of_alternating_kinds_merge_as_well() {
        let (done, marks) = crossbeam_channel::bounded(1);
        std::thread::spawn(move || {
            let mut history = History::new(10);
            for step in (0..10_000).step_by(10) {
                history.push_mark(step, Mark::Lambda(Lambda::BALANCED));
                history.push_mark(step + 5, Mark::LearningRate(1e-3));
            }
            let _ = done.send(history.marks().to_vec());
        });
        let marks = marks.recv_timeout(std::time::Duration::from_mins(1));
        let marks = marks.expect("merging ends");
        assert!((2..=MAX_MARKS).contains(&marks.len()), "{}", marks.len());
        assert!(marks.is_sorted_by_key(|mark| mark.steps.0));
        assert_eq!(marks.iter().map(|mark| mark.steps.1).max(), Some(9_995));
    }

    #[test]
    fn a_rollback_removes_later_data() {
        let mut history = History::new(10);
        for step in 1..=30 {
            history.push_losses(&[losses(step, step as f32)]);
        }
        for epoch in 0..=3 {
            history.push_evaluation(evaluation(epoch));
        }
        history.push_mark(25, Mark::LearningRate(1e-3));
        history.truncate_after(20);
        assert_eq!(history.buckets().last().unwrap().steps.1, 20);
        assert_eq!(history.evaluations().last().unwrap().epoch, 2);
        assert!(history.marks().is_empty());
        history.push_losses(&[losses(21, 7.0)]);
        assert_eq!(history.buckets().last().unwrap().steps, (21, 21));
    }
}
