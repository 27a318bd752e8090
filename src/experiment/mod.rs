//! Many runs: what is to be trained, what came of it, and what that says about λ.

pub mod record;
pub mod spectrum;
pub mod statistics;

pub use record::{Cell, Portrait, Record, RunSpec};
pub use spectrum::Spectrum;
pub use statistics::{BoxPlot, Outcome, TradeOff};
