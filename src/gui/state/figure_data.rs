//! The run on show as input of figures.

use super::RunView;
use crate::{
    figures::{FigureData, NetworkState},
    train::RunConfig,
};

impl RunView {
    /// Every network with its own last snapshot and its own evaluations.
    pub fn figure_data(&self) -> FigureData {
        let networks = self.lanes().iter().map(|lane| {
            let config = RunConfig {
                lambda: lane.lane.lambda,
                seed: lane.lane.seed,
                ..self.config.clone()
            };
            NetworkState::new(
                &self.source,
                config,
                &self.dataset,
                lane.history.evaluations().to_vec(),
                lane.snapshot.as_deref(),
            )
        });
        FigureData {
            networks: networks.collect(),
            shown: self.shown_index(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        data::{BundledSet, DataSource},
        figures::{DeadRuns, FigureKind},
        model::Lambda,
        train::{
            Evaluation, Event, Lane, Mark, Metrics, Probe, Projection, RunId, Snapshot,
            SnapshotSet,
            device::{Backend, DeviceReport},
        },
    };

    const RUN: RunId = RunId(1);
    const STEPS_PER_EPOCH: u64 = 10;

    /// A run whose lanes are at these steps; with their last evaluations and snapshots.
    fn run(lanes: &[(Lambda, u64)]) -> RunView {
        let source = DataSource::Bundled(BundledSet::Mnist);
        let dataset = Arc::new(source.load().unwrap());
        let device = DeviceReport {
            backend: Backend::Cpu,
            name: String::new(),
            why: String::new(),
        };
        let lane = |(lambda, _): &(Lambda, u64)| Lane {
            lambda: *lambda,
            seed: 1,
        };
        let start: Vec<Lane> = lanes.iter().map(lane).collect();
        let config = RunConfig::default();
        let data = (source, dataset);
        let mut run = RunView::new(RUN, config, &start, data, device, STEPS_PER_EPOCH, 1);
        for (lane, (lambda, step)) in lanes.iter().enumerate() {
            for epoch in 0..=step / STEPS_PER_EPOCH {
                let evaluation = evaluation(epoch, *lambda);
                run.on_event(Event::Evaluated {
                    run: RUN,
                    lane,
                    evaluation,
                });
            }
        }
        let snapshots = lanes.iter().map(|(lambda, step)| snapshot(*lambda, *step));
        run.apply_snapshots(SnapshotSet {
            run: RUN,
            lanes: snapshots.map(Arc::new).collect(),
            alignments: Vec::new(),
        });
        run
    }

    fn evaluation(epoch: u64, lambda: Lambda) -> Evaluation {
        Evaluation {
            epoch,
            step: epoch * STEPS_PER_EPOCH,
            lambda,
            train: None,
            test: Metrics {
                mse: 0.2,
                ce: 0.3,
                accuracy: 0.9,
            },
            dead_units: 0,
            images_per_second: 0.0,
        }
    }

    fn snapshot(lambda: Lambda, step: u64) -> Snapshot {
        Snapshot {
            run: RUN,
            step,
            lambda,
            probe: Probe {
                cloud: [0].into(),
                ..Probe::default()
            },
            latent_size: 3,
            latents: Vec::new(),
            points: vec![[1.0; 3]],
            projection: Projection::Coordinates,
            predicted: vec![0],
            dead: Vec::new(),
            grid: Vec::new(),
            selected: None,
            custom_image: None,
        }
    }

    fn svg(run: &RunView, kind: FigureKind) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("figure.svg");
        let data = run.figure_data();
        let figure = data.figure(kind, DeadRuns::Hollow).unwrap();
        crate::figures::save(&*figure, &path).unwrap();
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn every_network_has_its_own_step_and_epochs() {
        let mut run = run(&[(Lambda::CLASSIFIER, 25), (Lambda::AUTOENCODER, 12)]);
        assert!(svg(&run, FigureKind::Clouds).contains("steps 12–25"));
        assert!(svg(&run, FigureKind::OverLambda).contains("after 1–2 epochs"));
        run.show(1);
        assert!(svg(&run, FigureKind::Cloud).contains("λ = 1, seed 1, step 12"));
    }

    #[test]
    fn a_figure_names_the_lambda_of_the_snapshot_and_not_the_current_one() {
        let mut run = run(&[(Lambda::BALANCED, 25)]);
        run.on_event(Event::Marked {
            run: RUN,
            lane: 0,
            step: 25,
            mark: Mark::Lambda(Lambda::AUTOENCODER),
        });
        assert_eq!(run.shown().lane.lambda, Lambda::AUTOENCODER);
        assert!(svg(&run, FigureKind::Cloud).contains("λ = 0.5, seed 1, step 25"));
    }
}
