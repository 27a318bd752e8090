//! Many runs: what is to be trained, what came of it, and what that says about λ.

pub mod runner;
pub mod run_cost;
pub mod grid;
pub mod run_key;
pub mod dataset_cache;
pub mod preset;
pub mod record;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod series;
pub mod shard;
pub mod spectrum;
pub mod stats;
pub mod store;

pub use runner::{SweepRunner, SweepCommand, SweepEnd, SweepEvent};
pub use grid::Grid;
pub use run_key::RunKey;
pub use preset::Preset;
pub use record::{Reconstruction, EvalSample, Record, RunSpec};
pub use series::{Series, series};
pub use shard::Shard;
pub use spectrum::Spectrum;
pub use stats::{BoxPlot, Outcome, TradeOff};
pub use store::Store;
