//! What many runs say together: boxes, medians, the Pareto front, the trade-off's width.
//!
//! Numbers that are not finite are left out everywhere; the order of the runs never matters.

use super::Record;
use crate::model::Lambda;

/// How far a whisker may reach beyond its quartile, in interquartile ranges (Tukey's rule).
const WHISKER: f64 = 1.5;

/// A run as one point of the trade-off plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Weight of reconstruction.
    pub lambda: Lambda,
    /// Seed of the run.
    pub seed: u64,
    /// Share of test images whose arg-max is right, 0–1.
    pub accuracy: f64,
    /// Mean squared error over all pixels of the test images, in [−1, 1] units.
    pub mse: f64,
    /// Whether every latent unit is dead.
    pub dead: bool,
}

impl Outcome {
    /// What the kept model of a run reaches; `None` if it was never evaluated.
    pub fn of(record: &Record) -> Option<Self> {
        record.metrics().map(|metrics| Self {
            lambda: record.lambda(),
            seed: record.spec.config.seed,
            accuracy: metrics.accuracy,
            mse: metrics.mse,
            dead: record.is_dead(),
        })
    }

    /// Whether both numbers are finite.
    pub fn is_finite(&self) -> bool {
        self.accuracy.is_finite() && self.mse.is_finite()
    }

    /// Whether it can say something about λ: not dead, and both numbers finite.
    pub fn is_living(&self) -> bool {
        !self.dead && self.is_finite()
    }
}

/// A box plot of some values.
#[derive(Clone, Debug, PartialEq)]
pub struct BoxPlot {
    /// Number of values.
    pub count: usize,
    /// Half of the values are below.
    pub median: f64,
    /// First and third quartile.
    pub quartiles: [f64; 2],
    /// Smallest and largest value that are not further than 1.5 interquartile ranges from their
    /// quartile; the quartile itself where no value lies between.
    pub whiskers: [f64; 2],
    /// Values beyond the whiskers, ascending.
    pub outliers: Vec<f64>,
}

impl BoxPlot {
    /// The box of the finite ones among `values`; `None` if there is none.
    ///
    /// Quantiles are interpolated linearly between the two nearest values, at place (count − 1) · p
    /// from 0 (type 7 of Hyndman and Fan, *Sample Quantiles in Statistical Packages*, 1996: the
    /// default of R and numpy).
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
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

/// The median of the finite ones among `values`, the mean of the middle two where their number is
/// even; `None` if there is none.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    quantile(&sorted(values), 0.5)
}

fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The value below which the share `p` of `sorted` lies.
fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let place = sorted.len().checked_sub(1)? as f64 * p;
    let below = *sorted.get(place.floor() as usize)?;
    let above = *sorted.get(place.ceil() as usize)?;
    let share = place.fract();
    // Two products cannot overflow where a difference could; the clamp takes their rounding back.
    Some((below * (1.0 - share) + above * share).clamp(below, above))
}

/// All runs with the same λ.
#[derive(Clone, Debug, PartialEq)]
pub struct LambdaGroup {
    /// λ of all of them.
    pub lambda: Lambda,
    /// The runs, by seed.
    pub outcomes: Vec<Outcome>,
}

impl LambdaGroup {
    /// Box over the accuracies.
    pub fn accuracy(&self) -> Option<BoxPlot> {
        BoxPlot::of(self.outcomes.iter().map(|outcome| outcome.accuracy))
    }

    /// Box over the reconstruction errors.
    pub fn mse(&self) -> Option<BoxPlot> {
        BoxPlot::of(self.outcomes.iter().map(|outcome| outcome.mse))
    }
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

/// What the living runs of one λ reach.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LambdaMedians {
    /// λ of the runs.
    pub lambda: Lambda,
    /// Median accuracy over the living runs; `None` if none lives.
    pub accuracy: Option<f64>,
    /// Median reconstruction error over the living runs; `None` if none lives.
    pub mse: Option<f64>,
    /// Number of living runs.
    pub living: usize,
    /// Number of dead runs, which the medians leave out.
    pub dead: usize,
}

/// Medians over the living runs of each λ, λ ascending.
pub fn medians_by_lambda(outcomes: &[Outcome]) -> Vec<LambdaMedians> {
    let medians_of = |group: LambdaGroup| {
        let living = || group.outcomes.iter().filter(|outcome| outcome.is_living());
        LambdaMedians {
            lambda: group.lambda,
            accuracy: median(living().map(|outcome| outcome.accuracy)),
            mse: median(living().map(|outcome| outcome.mse)),
            living: living().count(),
            dead: group.outcomes.iter().filter(|outcome| outcome.dead).count(),
        }
    };
    by_lambda(outcomes).into_iter().map(medians_of).collect()
}

/// Places in `outcomes` of the runs that no other run beats, reconstruction error ascending.
///
/// A run beats another when its accuracy is not lower and its error not higher, and one of the two
/// is better. Runs that reach exactly the same are all on the front or all behind it.
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

/// How much the two tasks cost each other in one network: the trade-off's width.
///
/// Let A(λ) and M(λ) be the medians of accuracy and reconstruction error over the living runs of λ
/// (over its seeds), `λ_A` the λ with the highest A and `λ_M` the λ with the lowest M. The width is
/// `A(λ_A) − A(λ_M)`, the accuracy lost by whoever wants the best reconstruction, and
/// `M(λ_A) − M(λ_M)`, the reconstruction lost by whoever wants the best accuracy. Both are 0 where one
/// λ is best at both, and never negative. Where several λ are equally good at one task, the one that is
/// better at the other task counts, and of those the smallest.
#[derive(Clone, Debug, PartialEq)]
pub struct TradeOff {
    /// `λ_A`, the λ with the highest median accuracy.
    pub best_accuracy: Lambda,
    /// `λ_M`, the λ with the lowest median reconstruction error.
    pub best_mse: Lambda,
    /// `A(λ_A) − A(λ_M)`, 0–1: the middle of [`Self::accuracy_losses`].
    pub accuracy_loss: f64,
    /// `M(λ_A) − M(λ_M)`, in [−1, 1] units: the middle of [`Self::mse_losses`].
    pub mse_loss: f64,
    /// `A(λ_A)` − accuracy, of every living run at `λ_M`, ascending.
    pub accuracy_losses: Vec<f64>,
    /// Error − `M(λ_M)`, of every living run at `λ_A`, ascending.
    pub mse_losses: Vec<f64>,
}

/// The trade-off's width over runs of one network that differ in λ and seed only; `None` with living
/// runs at fewer than two λ.
pub fn trade_off(outcomes: &[Outcome]) -> Option<TradeOff> {
    let medians: Vec<(Lambda, f64, f64)> = medians_by_lambda(outcomes)
        .into_iter()
        .filter_map(|at| Some((at.lambda, at.accuracy?, at.mse?)))
        .collect();
    if medians.len() < 2 {
        return None;
    }
    // Of equals, `min_by` takes the first: the smallest λ.
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(lambda: f64, seed: u64, accuracy: f64, mse: f64) -> Outcome {
        Outcome {
            lambda: Lambda::new(lambda).unwrap(),
            seed,
            accuracy,
            mse,
            dead: false,
        }
    }

    #[track_caller]
    fn assert_near(found: &[f64], wanted: &[f64]) {
        assert_eq!(found.len(), wanted.len(), "{found:?} is not {wanted:?}");
        for (f, w) in found.iter().zip(wanted) {
            assert!((f - w).abs() < 1e-12, "{found:?} is not {wanted:?}");
        }
    }

    /// Median, quartiles, whiskers and outliers as `matplotlib.cbook.boxplot_stats` 3.11 gives them,
    /// which takes its quantiles from `numpy.percentile` 2.4.
    #[test]
    fn boxes_are_those_of_matplotlib_and_numpy() {
        type Wanted<'a> = ([f64; 5], &'a [f64]);
        let cases: [(&[f64], Wanted<'_>); 5] = [
            (
                &[0.93, 0.941, 0.944, 0.949, 0.114, 0.937, 0.95],
                ([0.93, 0.9335, 0.941, 0.9465, 0.95], &[0.114]),
            ),
            (
                &[7.0, 15.0, 36.0, 39.0, 40.0, 41.0],
                ([7.0, 20.25, 37.5, 39.75, 41.0], &[]),
            ),
            // The upper whisker has no value of its own.
            (
                &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 100.0, 100.0],
                ([0.0, 0.0, 0.0, 25.0, 25.0], &[100.0, 100.0]),
            ),
            (
                &[0.215, 0.211, 0.27, 0.209],
                ([0.209, 0.2105, 0.213, 0.22875, 0.22875], &[0.27]),
            ),
            (&[0.5], ([0.5; 5], &[])),
        ];
        for (values, (numbers, outliers)) in cases {
            let found = BoxPlot::of(values.iter().copied()).unwrap();
            let [low, high] = found.whiskers;
            let [first, third] = found.quartiles;
            assert_near(&[low, first, found.median, third, high], &numbers);
            assert_near(&found.outliers, outliers);
            assert_eq!(found.count, values.len());
        }
    }

    #[test]
    fn what_is_not_finite_is_left_out_and_nothing_gives_nothing() {
        assert_eq!(BoxPlot::of([]), None);
        assert_eq!(BoxPlot::of([f64::NAN, f64::INFINITY]), None);
        assert_eq!(
            BoxPlot::of([f64::NAN, 1.0, f64::NEG_INFINITY]),
            BoxPlot::of([1.0])
        );
        assert_eq!(median([f64::MAX, f64::NAN, f64::MIN]), Some(0.0));
        let diverged = [
            run(0.0, 1, f64::NAN, 0.1),
            run(1.0, 1, 0.5, f64::INFINITY),
            run(1.0, 2, f64::NAN, f64::NAN),
        ];
        for none in [&[][..], &diverged] {
            assert!(pareto_front(none).is_empty());
            assert_eq!(trade_off(none), None);
        }
        let medians = medians_by_lambda(&diverged);
        assert_eq!(medians.len(), 2);
        assert!(medians.iter().all(|at| at.living == 0 && at.mse.is_none()));
    }

    #[test]
    fn medians_leave_dead_runs_out_and_count_them() {
        let mut runs = vec![
            run(1.0, 0, 0.6, 0.18),
            run(0.0, 0, 0.944, 0.215),
            run(0.0, 1, 0.114, 0.270),
            run(0.0, 2, 0.950, 0.213),
            run(0.0, 3, 0.947, 0.217),
        ];
        runs[2].dead = true;
        let medians = medians_by_lambda(&runs);
        let [pure, auto] = medians[..] else {
            panic!("two λ: {medians:?}")
        };
        assert_eq!(
            (pure.lambda, auto.lambda),
            (Lambda::CLASSIFIER, Lambda::AUTOENCODER)
        );
        assert_eq!((pure.living, pure.dead), (3, 1));
        assert_eq!((pure.accuracy, pure.mse), (Some(0.947), Some(0.215)));
        assert_eq!((auto.living, auto.dead), (1, 0));
        let groups = by_lambda(&runs);
        let seeds: Vec<u64> = groups[0].outcomes.iter().map(|run| run.seed).collect();
        assert_eq!(seeds, [0, 1, 2, 3]);
        assert_eq!(groups[0].accuracy().unwrap().outliers, [0.114]);
    }

    #[test]
    fn the_width_is_measured_between_the_best_lambda_of_each_task() {
        let runs = [
            run(0.0, 0, 0.95, 0.220),
            run(0.0, 1, 0.93, 0.230),
            run(0.5, 0, 0.96, 0.200),
            run(0.5, 1, 0.94, 0.210),
            run(0.5, 2, 0.95, 0.190),
            run(1.0, 0, 0.60, 0.170),
            run(1.0, 1, 0.50, 0.180),
        ];
        let width = trade_off(&runs).unwrap();
        assert_eq!(width.best_accuracy, Lambda::BALANCED);
        assert_eq!(width.best_mse, Lambda::AUTOENCODER);
        // A = 0.95 at 0.5 and 0.55 at 1; M = 0.2 at 0.5 and 0.175 at 1.
        assert_near(&[width.accuracy_loss, width.mse_loss], &[0.40, 0.025]);
        assert_near(&width.accuracy_losses, &[0.35, 0.45]);
        assert_near(&width.mse_losses, &[0.015, 0.025, 0.035]);

        let allies = [run(0.0, 0, 0.9, 0.2), run(0.5, 0, 0.95, 0.1)];
        let width = trade_off(&allies).unwrap();
        assert_eq!((width.accuracy_loss, width.mse_loss), (0.0, 0.0));
        assert_eq!(trade_off(&runs[..2]), None, "one λ is no trade-off");
    }

    fn number() -> impl Strategy<Value = f64> {
        // Few values, so that ties are common.
        prop_oneof![
            6 => (0u8..12).prop_map(|step| f64::from(step) / 11.0),
            1 => Just(f64::NAN),
            1 => Just(f64::INFINITY),
        ]
    }

    fn runs() -> impl Strategy<Value = Vec<Outcome>> {
        let one = (
            0u8..4,
            0u64..3,
            number(),
            number(),
            prop::bool::weighted(0.2),
        );
        let outcome = one.prop_map(|(lambda, seed, accuracy, mse, dead)| Outcome {
            dead,
            ..run(f64::from(lambda) / 3.0, seed, accuracy, mse)
        });
        prop::collection::vec(outcome, 0..25)
    }

    proptest! {
        #[test]
        fn a_box_is_in_order_and_loses_no_value(
            values in prop::collection::vec(prop_oneof![-1e9f64..1e9, -1.0f64..1.0], 1..60),
        ) {
            let found = BoxPlot::of(values.iter().copied()).unwrap();
            let ([low, high], [first, third]) = (found.whiskers, found.quartiles);
            prop_assert!(low <= first && first <= found.median);
            prop_assert!(found.median <= third && third <= high);
            let within = values.iter().filter(|v| (low..=high).contains(*v)).count();
            prop_assert_eq!(within + found.outliers.len(), values.len());
            let below = values.iter().filter(|v| **v < found.median).count();
            let above = values.iter().filter(|v| **v > found.median).count();
            prop_assert!(2 * below <= values.len() && 2 * above <= values.len());
        }

        #[test]
        fn the_front_is_what_no_run_beats(runs in runs()) {
            let beats = |a: &Outcome, b: &Outcome| {
                a.accuracy >= b.accuracy
                    && a.mse <= b.mse
                    && (a.accuracy > b.accuracy || a.mse < b.mse)
            };
            let finite: Vec<&Outcome> = runs.iter().filter(|run| run.is_finite()).collect();
            let mut wanted: Vec<usize> = (0..runs.len())
                .filter(|i| runs[*i].is_finite() && !finite.iter().any(|run| beats(run, &runs[*i])))
                .collect();
            let mut found = pareto_front(&runs);
            prop_assert!(found.is_sorted_by(|a, b| runs[*a].mse <= runs[*b].mse));
            found.sort_unstable();
            wanted.sort_unstable();
            prop_assert_eq!(found, wanted);
        }

        #[test]
        fn the_order_of_the_runs_does_not_matter(
            (runs, shuffled) in runs().prop_flat_map(|r| (Just(r.clone()), Just(r).prop_shuffle())),
        ) {
            // NaN is not equal to itself; its print is.
            let print = |runs: &[Outcome]| {
                let front = pareto_front(runs);
                let mut front: Vec<String> =
                    front.into_iter().map(|i| format!("{:?}", runs[i])).collect();
                front.sort_unstable();
                format!("{front:?} {:?} {:?}", by_lambda(runs), medians_by_lambda(runs))
            };
            prop_assert_eq!(print(&runs), print(&shuffled));
            let width = trade_off(&runs);
            prop_assert_eq!(&width, &trade_off(&shuffled));
            if let Some(width) = width {
                prop_assert!(width.accuracy_loss >= 0.0 && width.mse_loss >= 0.0);
            }
        }
    }
}
