//! What titles and captions say.

use super::*;
use crate::{
    model::Lambda,
    sweep::series,
    train::{Probe, RunConfig, RunId, Snapshot},
};

fn figure_text(data: &FigureData, kind: FigureKind) -> String {
    text(&*data.figure(kind, DeadRuns::LeftOut).unwrap())
}

#[test]
fn figures_of_one_network_name_its_own_step_and_the_lambda_of_its_snapshot() {
    let mut network = network(0.5, 120);
    // λ was changed after the snapshot.
    network.record.spec.config.lambda = Lambda::new(0.75).unwrap();
    let data = FigureData {
        networks: vec![self::network(0.25, 150), network],
        shown: 1,
    };
    for kind in [FigureKind::Cloud, FigureKind::Reconstructions] {
        let text = figure_text(&data, kind);
        let title = "MNIST, FC Medium, n = 3, λ = 0.5, seed 1, step 120";
        assert!(text.contains(title), "{kind:?}");
    }
    let curves = figure_text(&data, FigureKind::Curves);
    assert!(curves.contains("λ = 0.5, seed 1."), "{curves}");
}

#[test]
fn learning_curves_say_that_lambda_has_changed() {
    let mut network = network(0.5, 30);
    network.record.evaluations[3].lambda = Lambda::new(0.75).unwrap();
    let curves = LearningCurves::new("title", &network.record).unwrap();
    assert!(text(&curves).contains("λ = 0.75 at the end, seed 1."));
}

#[test]
fn comparisons_name_the_range_of_steps_and_epochs() {
    use FigureKind::{Clouds, OverLambda, Pareto, ReconstructionsByLambda};
    let by_lambda = "steps 25–31, accuracy and MSE after 2–3 epochs ";
    for (steps, kind, expected) in [
        ([25, 25, 25], Clouds, "n = 3, step 25 "),
        ([25, 31, 28], Clouds, "n = 3, steps 25–31 "),
        ([25, 25, 25], OverLambda, "n = 3, after 2 epochs "),
        ([25, 31, 28], OverLambda, "n = 3, after 2–3 epochs "),
        ([9, 12, 10], Pareto, "n = 3, after 0–1 epochs "),
        ([10, 12, 10], Pareto, "n = 3, after 1 epoch "),
        ([3, 3, 3], Pareto, "n = 3, before training "),
        ([25, 31, 28], ReconstructionsByLambda, by_lambda),
    ] {
        let networks = [0.0, 0.5, 1.0].into_iter().zip(steps);
        let data = FigureData {
            networks: networks
                .map(|(lambda, step)| network(lambda, step))
                .collect(),
            shown: 0,
        };
        let text = figure_text(&data, kind);
        assert!(text.contains(expected), "{steps:?} {kind:?}: {expected}");
    }
}

#[test]
fn epochs_of_networks_that_are_left_out_do_not_count() {
    let mut diverged = network(1.0, 10);
    diverged.record.evaluations[1].test.mse = f64::NAN;
    let mut dead = network(0.75, 20);
    dead.record.evaluations[2].dead_units = dead.record.relu_units;
    let data = FigureData {
        networks: vec![network(0.0, 30), network(0.5, 30), dead, diverged],
        shown: 0,
    };
    let text = figure_text(&data, FigureKind::OverLambda);
    assert!(text.contains("n = 3, after 3 epochs"), "{text}");
    assert!(text.contains("Left out because all latent units are dead (1 run)."));
    assert!(text.contains("Left out because a loss is not finite (1 run)."));
}

#[test]
fn dead_runs_are_hollow_or_counted() {
    let records = spectrum();
    let runs = panel_runs(&series(&records));
    let caption = |dead| text(&Figure3::new(&runs, dead).unwrap());
    assert!(caption(DeadRuns::Hollow).contains("Hollow: all latent units are dead (2 runs)."));
    let left_out = caption(DeadRuns::LeftOut);
    assert!(left_out.contains("Left out because all latent units are dead (2 runs)."));
}

#[test]
fn a_network_state_keeps_step_lambda_and_probabilities_of_its_snapshot() {
    let source = DataSource::Bundled(BundledSet::Mnist);
    let dataset = source.load().unwrap();
    let image = |index: u32| crate::train::ImageResult {
        index,
        latent: vec![0.0; 3],
        reconstruction: vec![0; 784],
        mse: 0.1,
        probabilities: vec![0.25, 0.75],
    };
    let snapshot = Snapshot {
        run: RunId(1),
        step: 42,
        lambda: Lambda::CLASSIFIER,
        probe: Probe {
            cloud: [7, u32::MAX].into(),
            tokens: TokenView::Token(99),
            ..Probe::default()
        },
        latent_size: 3,
        latents: Vec::new(),
        points: vec![[1.0; 3]; 2],
        projection: crate::train::Projection::Coordinates,
        predicted: vec![0; 2],
        dead: Vec::new(),
        // Images that are not in the data set are left out.
        grid: vec![image(u32::MAX), image(3)],
        selected: None,
        custom_image: None,
    };
    let evaluations = network(0.5, 25).record.evaluations;
    let state = |architecture| {
        let config = RunConfig {
            architecture,
            lambda: Lambda::AUTOENCODER,
            ..RunConfig::default()
        };
        let evaluations = evaluations.clone();
        NetworkState::new(&source, config, &dataset, evaluations, Some(&snapshot))
    };
    let fc = state(Architecture::FcMedium);
    let info = fc.snapshot.as_ref().unwrap();
    assert_eq!((info.step, info.lambda), (42, Lambda::CLASSIFIER));
    assert_eq!(info.probabilities, [0.75]);
    assert_eq!(fc.record.eval_sample.reconstructions.len(), 1);
    assert_eq!(fc.record.eval_sample.points.len(), 1);
    assert_eq!(fc.record.spec.epochs, 2);
    assert_eq!(fc.record.kept().unwrap().epoch, 2);
    assert_eq!((fc.record.latent_values, fc.record.relu_units), (3, 3));
    assert_eq!(fc.latent_name(), "Latent z");
    // The last token, since there are fewer than 99.
    let vit = state(Architecture::Vit);
    assert_eq!(vit.latent_name(), "Latent z (patch 16)");
}
