//! Statistics over runs: box plots, medians, the Pareto front, the trade-off's width.
//!
//! NaN and infinite values are left out everywhere. The order of the runs does not matter.

use super::Record;
use crate::model::Lambda;

/// Largest distance of a whisker from its quartile, in interquartile ranges (Tukey's rule).
const WHISKER: f64 = 1.5;

/// A run as a point of the trade-off plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Weight of reconstruction.
    pub lambda: Lambda,
    pub seed: u64,
    /// Share of test images classified correctly (arg-max), 0–1.
    pub accuracy: f64,
    /// Mean squared error over all pixels of the test images, in [−1, 1] units.
    pub mse: f64,
    /// Whether every latent unit is dead.
    pub dead: bool,
}

impl Outcome {
    /// The metrics of the kept model of a run; `None` if it was never evaluated.
    pub fn from_record(record: &Record) -> Option<Self> {
        record.metrics().map(|metrics| Self {
            lambda: record.lambda(),
            seed: record.spec.config.seed,
            accuracy: metrics.accuracy,
            mse: metrics.mse,
            dead: record.is_dead(),
        })
    }

    /// Whether neither metric is NaN or infinite.
    pub fn is_finite(&self) -> bool {
        self.accuracy.is_finite() && self.mse.is_finite()
    }

    /// Whether it is usable: not dead, and both metrics finite.
    pub fn is_living(&self) -> bool {
        !self.dead && self.is_finite()
    }
}

/// A box plot of some values.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxPlot {
    pub count: usize,
    pub median: f64,
    /// First and third quartile.
    pub quartiles: [f64; 2],
    /// Smallest and largest value within 1.5 interquartile ranges of their quartile; the quartile
    /// itself if there is none.
    pub whiskers: [f64; 2],
    /// Values beyond the whiskers, ascending.
    pub outliers: Vec<f64>,
}

impl BoxPlot {
    /// The box plot of the finite `values`; `None` if there are none.
    ///
    /// Quantiles are interpolated linearly between the two nearest values, at position (count − 1)
    /// · p from 0 (type 7 of Hyndman and Fan, *Sample Quantiles in Statistical Packages*, 1996: the
    /// default of R and numpy).
    pub fn from_values(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let sorted = sorted(values);
        let quartiles = [quantile(&sorted, 0.25)?, quantile(&sorted, 0.75)?];
        let reach = WHISKER * (quartiles[1] - quartiles[0]);
        let fences = [quartiles[0] - reach, quartiles[1] + reach];
        let is_inside = |value: f64| (fences[0]..=fences[1]).contains(&value);
        let mut inside = sorted.iter().copied().filter(|value| is_inside(*value));
        let lowest = inside.next()?;
        let highest = inside.next_back().unwrap_or(lowest);
        Some(Self {
            count: sorted.len(),
            median: quantile(&sorted, 0.5)?,
            quartiles,
            whiskers: [lowest.min(quartiles[0]), highest.max(quartiles[1])],
            outliers: sorted.into_iter().filter(|v| !is_inside(*v)).collect(),
        })
    }
}

/// The median of the finite `values`, the mean of the middle two for an even number; `None` if
/// there are none.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(&sorted(values), 0.5)
}

fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The quantile `p` of `sorted`.
fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let place = sorted.len().checked_sub(1)? as f64 * p;
    let below = *sorted.get(place.floor() as usize)?;
    let above = *sorted.get(place.ceil() as usize)?;
    let share = place.fract();
    // Two products do not overflow where a difference could. The clamp corrects their rounding.
    Some((below * (1.0 - share) + above * share).clamp(below, above))
}

/// All runs with the same λ.
#[derive(Clone, Debug, PartialEq)]
pub struct LambdaGroup {
    /// λ of the runs.
    pub lambda: Lambda,
    /// The runs, by seed.
    pub outcomes: Vec<Outcome>,
}

/// The runs of each λ, λ ascending.
pub fn by_lambda(outcomes: &[Outcome]) -> Vec<LambdaGroup> {
    let mut outcomes = outcomes.to_vec();
    outcomes.sort_by(|a, b| {
        a.lambda
            .value()
            .total_cmp(&b.lambda.value())
            .then(a.seed.cmp(&b.seed))
            .then(a.dead.cmp(&b.dead))
            .then(a.accuracy.total_cmp(&b.accuracy))
            .then(a.mse.total_cmp(&b.mse))
    });
    outcomes
        .chunk_by(|a, b| a.lambda == b.lambda)
        .map(|group| LambdaGroup {
            lambda: group[0].lambda,
            outcomes: group.to_vec(),
        })
        .collect()
}

/// λ, median accuracy and median reconstruction error over the living runs of each λ that has some,
/// λ ascending.
fn medians_by_lambda(outcomes: &[Outcome]) -> Vec<(Lambda, f64, f64)> {
    let medians_of = |group: LambdaGroup| {
        let living = || group.outcomes.iter().filter(|outcome| outcome.is_living());
        let accuracy = median(living().map(|outcome| outcome.accuracy))?;
        let mse = median(living().map(|outcome| outcome.mse))?;
        Some((group.lambda, accuracy, mse))
    };
    by_lambda(outcomes)
        .into_iter()
        .filter_map(medians_of)
        .collect()
}

/// Indices in `outcomes` of the runs on the Pareto front, reconstruction error ascending.
///
/// A run dominates another if its accuracy is not lower, its error not higher, and one of the two
/// is better. Runs with equal metrics are all on the front or all behind it.
pub fn pareto_front(outcomes: &[Outcome]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..outcomes.len())
        .filter(|place| outcomes[*place].is_finite())
        .collect();
    order.sort_by(|&a, &b| {
        let (a, b) = (&outcomes[a], &outcomes[b]);
        a.mse
            .total_cmp(&b.mse)
            .then(b.accuracy.total_cmp(&a.accuracy))
    });
    let mut front: Vec<usize> = Vec::new();
    for place in order {
        let run = &outcomes[place];
        let is_on_it = front.last().is_none_or(|last| {
            let last = &outcomes[*last];
            run.accuracy > last.accuracy || (run.accuracy == last.accuracy && run.mse == last.mse)
        });
        if is_on_it {
            front.push(place);
        }
    }
    front
}

/// The trade-off's width: how much the two tasks cost each other in one network.
///
/// Let A(λ) and M(λ) be the medians of accuracy and reconstruction error over the living runs of λ
/// (over its seeds), `λ_A` the λ with the highest A and `λ_M` the λ with the lowest M. The width is
/// `A(λ_A) − A(λ_M)`, the accuracy lost for the best reconstruction, and `M(λ_A) − M(λ_M)`, the
/// reconstruction lost for the best accuracy. Both are 0 if one λ is best for both tasks, and never
/// negative. Of several λ that are equally good at one task, the one better at the other task
/// counts, and of those the smallest.
#[derive(Clone, Debug, PartialEq)]
pub struct TradeOff {
    /// `λ_A`, the λ with the highest median accuracy.
    pub best_accuracy: Lambda,
    /// `λ_M`, the λ with the lowest median reconstruction error.
    pub best_mse: Lambda,
    /// `A(λ_A) − A(λ_M)`, 0–1: the median of [`Self::accuracy_losses`].
    pub accuracy_loss: f64,
    /// `M(λ_A) − M(λ_M)`, in [−1, 1] units: the median of [`Self::mse_losses`].
    pub mse_loss: f64,
    /// `A(λ_A)` − accuracy of every living run at `λ_M`, ascending.
    pub accuracy_losses: Vec<f64>,
    /// Error − `M(λ_M)` of every living run at `λ_A`, ascending.
    pub mse_losses: Vec<f64>,
}

/// The trade-off's width over runs of one network that differ in λ and seed only; `None` with
/// living runs at fewer than two λ.
pub fn trade_off(outcomes: &[Outcome]) -> Option<TradeOff> {
    let medians = medians_by_lambda(outcomes);
    if medians.len() < 2 {
        return None;
    }
    // Of equal ones, `min_by` takes the first: the smallest λ.
    let (best_accuracy, highest, mse_there) = *medians
        .iter()
        .min_by(|a, b| b.1.total_cmp(&a.1).then(a.2.total_cmp(&b.2)))?;
    let (best_mse, accuracy_there, lowest) = *medians
        .iter()
        .min_by(|a, b| a.2.total_cmp(&b.2).then(b.1.total_cmp(&a.1)))?;
    let living_at = |lambda: Lambda| {
        let at = move |outcome: &&Outcome| outcome.lambda == lambda && outcome.is_living();
        outcomes.iter().filter(at)
    };
    let accuracy_losses = sorted(living_at(best_mse).map(|run| highest - run.accuracy));
    let mse_losses = sorted(living_at(best_accuracy).map(|run| run.mse - lowest));
    Some(TradeOff {
        best_accuracy,
        best_mse,
        accuracy_loss: highest - accuracy_there,
        mse_loss: mse_there - lowest,
        accuracy_losses,
        mse_losses,
    })
}

#[cfg(test)]
mod tests;
