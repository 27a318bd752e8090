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
            shown: self.place(),
        }
    }
}
