//! The numbers in the tables of figures.

use std::collections::HashMap;

use super::*;
use crate::sweep::{
    BoxPlot, series,
    stats::{by_lambda, pareto_front, trade_off},
};

fn table(figure: &dyn Figure) -> Vec<HashMap<&'static str, String>> {
    let Table { header, rows } = figure.table();
    let rows = rows.into_iter();
    rows.map(|row| {
        assert_eq!(row.len(), header.len());
        header.iter().copied().zip(row).collect()
    })
    .collect()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

#[test]
fn figure_3_contains_the_box_plots_and_all_runs() {
    let records = spectrum();
    let series = series(&records);
    for dead in [DeadRuns::Hollow, DeadRuns::LeftOut] {
        let rows = table(&Figure3::new(&panel_runs(&series), dead).unwrap());
        let mut outcomes = series[0].outcomes();
        outcomes.retain(|run| dead == DeadRuns::Hollow || !run.dead);
        for group in by_lambda(&outcomes) {
            let values = |quantity: &str, statistic: &str| -> Vec<f64> {
                let lambda = group.lambda.to_string();
                let rows = rows.iter().filter(|row| {
                    row["lambda"] == lambda
                        && row["quantity"] == quantity
                        && row["statistic"] == statistic
                });
                rows.map(|row| number(&row["value"])).collect()
            };
            let accuracies = group.outcomes.iter().map(|run| run.accuracy * 100.0);
            let errors = group.outcomes.iter().map(|run| run.mse);
            let boxes = [
                ("accuracy", BoxPlot::from_values(accuracies)),
                ("mse", BoxPlot::from_values(errors)),
            ];
            for (quantity, plot) in boxes {
                let plot = plot.unwrap();
                assert_eq!(values(quantity, "median"), [plot.median]);
                assert_eq!(values(quantity, "lower whisker"), [plot.whiskers[0]]);
                assert_eq!(values(quantity, "first quartile"), [plot.quartiles[0]]);
                assert_eq!(values(quantity, "third quartile"), [plot.quartiles[1]]);
                assert_eq!(values(quantity, "upper whisker"), [plot.whiskers[1]]);
                assert_eq!(values(quantity, "run").len(), group.outcomes.len());
            }
        }
        let hollow = rows.iter().filter(|row| row["dead"] == "true").count();
        assert_eq!(hollow, if dead == DeadRuns::Hollow { 4 } else { 0 });
    }
}

#[test]
fn pareto_and_capacity_figures_contain_the_statistics() {
    let records = many_series();
    let all = series(&records);
    let rows = table(&ParetoFigure::new(&panel_runs(&all), DeadRuns::Hollow).unwrap());
    assert_eq!(rows.len(), records.len());
    for series in &all {
        let of_series = rows.iter().filter(|row| row["panel"] == series.title);
        let front = of_series.filter(|row| row["on_front"] == "true").count();
        assert_eq!(front, pareto_front(&series.outcomes()).len());
    }

    let rows = table(&CapacityFigure::new(&all, CapacityMeasure::LatentSize).unwrap());
    for n in [3, 8, 64] {
        let title = format!("MNIST, FC Medium, n = {n}");
        let series = all.iter().find(|series| series.title == title).unwrap();
        let expected = trade_off(&series.outcomes()).unwrap();
        let median = |quantity: &str| {
            let row = rows.iter().find(|row| {
                row["n"] == n.to_string()
                    && row["quantity"] == quantity
                    && row["statistic"] == "median"
            });
            number(&row.unwrap()["value"])
        };
        let accuracy_loss = median("accuracy_loss_percentage_points");
        assert_eq!(accuracy_loss, expected.accuracy_loss * 100.0);
        assert_eq!(median("mse_loss"), expected.mse_loss);
    }
    let rows = table(&CapacityFigure::new(&all, CapacityMeasure::Parameters).unwrap());
    let of_panel = rows.iter().filter(|row| row["panel"] == "MNIST, n = 3");
    let mut networks: Vec<&str> = of_panel.map(|row| &*row["network"]).collect();
    networks.dedup();
    assert_eq!(networks, ["FC Small", "CNN Small", "FC Medium", "FC Large"]);
}

#[test]
fn the_seed_with_the_most_living_runs_is_shown() {
    let mut records = spectrum();
    let chosen = |records: &[Record]| {
        let series = series(records);
        let sweep = LambdaSweep::from_series(&series[0]).unwrap();
        (sweep.seed, sweep.records.len())
    };
    assert_eq!(chosen(&records), (0, 11));
    for record in &mut records {
        if record.spec.config.seed == 0 {
            record.evaluations[0].dead_units = 1;
        }
    }
    assert_eq!(chosen(&records), (1, 11), "seed 0 has dead units");
    records.retain(|run| run.spec.config.seed != 1 || run.lambda().value() > 0.05);
    assert_eq!(chosen(&records), (2, 11), "seed 1 lacks a λ");
}
