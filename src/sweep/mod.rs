//! Sweeps: grids of runs, their training, their results, and statistics over λ.

pub mod dataset_cache;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod grid;
pub mod preset;
pub mod record;
pub mod run_cost;
pub mod run_key;
pub mod runner;
pub mod series;
pub mod shard;
pub mod spectrum;
pub mod stats;
pub mod store;

pub use grid::Grid;
pub use preset::Preset;
pub use record::{EvalSample, Reconstruction, Record, RunSpec};
pub use run_key::RunKey;
pub use runner::{SweepCommand, SweepEnd, SweepEvent, SweepRunner};
pub use series::{Series, series};
pub use shard::Shard;
pub use spectrum::Spectrum;
pub use stats::{BoxPlot, Outcome, TradeOff};
pub use store::Store;
