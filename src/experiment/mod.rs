//! Many runs: what is to be trained, what came of it, and what that says about λ.

pub mod record;
#[cfg(test)]
pub(crate) mod samples;
pub mod series;
pub mod statistics;

pub use record::{Cell, Portrait, Record, RunSpec};
pub use series::{Series, series};
pub use statistics::{BoxPlot, Outcome, TradeOff};
