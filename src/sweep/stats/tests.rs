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
fn assert_near(actual: &[f64], expected: &[f64]) {
    assert_eq!(
        actual.len(),
        expected.len(),
        "{actual:?} is not {expected:?}"
    );
    for (f, w) in actual.iter().zip(expected) {
        assert!((f - w).abs() < 1e-12, "{actual:?} is not {expected:?}");
    }
}

/// Median, quartiles, whiskers and outliers as `matplotlib.cbook.boxplot_stats` 3.11 gives them,
/// which takes its quantiles from `numpy.percentile` 2.4.
#[test]
fn box_plots_equal_those_of_matplotlib_and_numpy() {
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
        // No value lies between the upper quartile and its limit.
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
        let actual = BoxPlot::from_values(values.iter().copied()).unwrap();
        let [low, high] = actual.whiskers;
        let [first, third] = actual.quartiles;
        assert_near(&[low, first, actual.median, third, high], &numbers);
        assert_near(&actual.outliers, outliers);
        assert_eq!(actual.count, values.len());
    }
}

#[test]
fn non_finite_values_are_left_out_and_no_values_give_no_result() {
    assert_eq!(BoxPlot::from_values([]), None);
    assert_eq!(BoxPlot::from_values([f64::NAN, f64::INFINITY]), None);
    assert_eq!(
        BoxPlot::from_values([f64::NAN, 1.0, f64::NEG_INFINITY]),
        BoxPlot::from_values([1.0])
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
    assert_eq!(medians_by_lambda(&diverged), []);
}

#[test]
fn medians_leave_out_dead_runs() {
    let mut runs = vec![
        run(1.0, 0, 0.6, 0.18),
        run(0.0, 0, 0.944, 0.215),
        run(0.0, 1, 0.114, 0.270),
        run(0.0, 2, 0.950, 0.213),
        run(0.0, 3, 0.947, 0.217),
    ];
    runs[2].dead = true;
    let pure = (Lambda::CLASSIFIER, 0.947, 0.215);
    let auto = (Lambda::AUTOENCODER, 0.6, 0.18);
    assert_eq!(medians_by_lambda(&runs), [pure, auto]);
    let groups = by_lambda(&runs);
    let seeds: Vec<u64> = groups[0].outcomes.iter().map(|run| run.seed).collect();
    assert_eq!(seeds, [0, 1, 2, 3]);
    let accuracies = groups[0].outcomes.iter().map(|run| run.accuracy);
    assert_eq!(BoxPlot::from_values(accuracies).unwrap().outliers, [0.114]);
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
    fn a_box_plot_is_ordered_and_contains_every_value(
        values in prop::collection::vec(prop_oneof![-1e9f64..1e9, -1.0f64..1.0], 1..60),
    ) {
        let actual = BoxPlot::from_values(values.iter().copied()).unwrap();
        let ([low, high], [first, third]) = (actual.whiskers, actual.quartiles);
        prop_assert!(low <= first && first <= actual.median);
        prop_assert!(actual.median <= third && third <= high);
        let within = values.iter().filter(|v| (low..=high).contains(*v)).count();
        prop_assert_eq!(within + actual.outliers.len(), values.len());
        let below = values.iter().filter(|v| **v < actual.median).count();
        let above = values.iter().filter(|v| **v > actual.median).count();
        prop_assert!(2 * below <= values.len() && 2 * above <= values.len());
    }

    #[test]
    fn the_front_contains_the_runs_that_none_dominates(runs in runs()) {
        let beats = |a: &Outcome, b: &Outcome| {
            a.accuracy >= b.accuracy
                && a.mse <= b.mse
                && (a.accuracy > b.accuracy || a.mse < b.mse)
        };
        let finite: Vec<&Outcome> = runs.iter().filter(|run| run.is_finite()).collect();
        let mut expected: Vec<usize> = (0..runs.len())
            .filter(|i| runs[*i].is_finite() && !finite.iter().any(|run| beats(run, &runs[*i])))
            .collect();
        let mut actual = pareto_front(&runs);
        prop_assert!(actual.is_sorted_by(|a, b| runs[*a].mse <= runs[*b].mse));
        actual.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(actual, expected);
    }

    #[test]
    fn the_order_of_the_runs_does_not_matter(
        (runs, shuffled) in runs().prop_flat_map(|r| (Just(r.clone()), Just(r).prop_shuffle())),
    ) {
        // NaN does not equal itself, but its text does.
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
