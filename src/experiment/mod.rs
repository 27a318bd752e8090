//! Many runs: what is to be trained, what came of it, and what that says about λ.

pub mod conductor;
pub mod estimate;
pub mod grid;
pub mod identity;
pub mod library;
pub mod memory;
pub mod preset;
pub mod record;
#[cfg(test)]
pub(crate) mod samples;
pub mod series;
pub mod shard;
pub mod spectrum;
pub mod statistics;
pub mod store;

pub use conductor::{Conductor, SweepCommand, SweepEnd, SweepEvent};
pub use grid::Grid;
pub use identity::Identity;
pub use preset::Preset;
pub use record::{Cell, Portrait, Record, RunSpec};
pub use series::{Series, series};
pub use shard::Shard;
pub use spectrum::Spectrum;
pub use statistics::{BoxPlot, Outcome, TradeOff};
pub use store::Store;
