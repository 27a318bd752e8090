//! The run on show as figures take it.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{LaneView, RunView};
use crate::{
    figures::FigureData,
    model::LatentLayout,
    sweep::{EvalSample, Record, RunSpec},
    train::{Projection, RunConfig},
};

impl RunView {
    /// Every network as it was last seen and measured.
    pub fn figure_data(&self) -> FigureData {
        let epochs = self.lanes().iter().filter_map(|lane| lane.last_evaluation);
        let epochs = epochs.map(|evaluation| evaluation.epoch).max().unwrap_or(0);
        let shown = self.shown();
        let step = shown.snapshot.as_ref().map_or(0, |look| look.step);
        FigureData {
            records: self
                .lanes()
                .iter()
                .map(|lane| self.record(lane, epochs))
                .collect(),
            shown: self.place(),
            seen: format!("step {step}"),
            measured: match epochs {
                0 => "before training".to_owned(),
                1 => "after 1 epoch".to_owned(),
                _ => format!("after {epochs} epochs"),
            },
        }
    }

    fn record(&self, lane: &LaneView, epochs: u64) -> Record {
        let portrait = lane.snapshot.as_ref().map_or_else(nothing, |snapshot| {
            EvalSample::from_snapshot(snapshot, &self.dataset)
        });
        let evaluations = lane.history.evaluations().to_vec();
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Record {
            spec: RunSpec {
                data: self.source.clone(),
                epochs,
                config: RunConfig {
                    lambda: lane.lane.lambda,
                    seed: lane.lane.seed,
                    ..self.config.clone()
                },
            },
            data_name: self.dataset.name.clone(),
            shape: self.dataset.shape,
            class_names: self.dataset.class_names.clone(),
            program: concat!("cre-lab ", env!("CARGO_PKG_VERSION")).to_owned(),
            device: self.device.name.clone(),
            parameters: self.parameters,
            latent_values: self.layout().map_or(0, LatentLayout::values),
            relu_units: self.mortal_units(),
            // The network on show is the latest, not the best.
            kept: evaluations.len().saturating_sub(1),
            evaluations,
            wall_seconds: self.elapsed().as_secs_f64(),
            finished: now.map_or(0, |now| now.as_secs()),
            eval_sample: portrait,
        }
    }
}

/// Of a network that has not been looked at.
fn nothing() -> EvalSample {
    EvalSample {
        points: Vec::new(),
        projection: Projection::Coordinates,
        labels: Vec::new(),
        predicted: Vec::new(),
        reconstructions: Vec::new(),
    }
}
