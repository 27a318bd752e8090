//! Training: a pure [`Trainer`], the [`Worker`] thread around it, and what they say.

pub mod adam;
pub mod alignment;
pub mod batch;
pub mod batch_split;
pub mod batches;
pub mod checkpoint;
pub mod config;
pub mod device;
pub mod epoch_stats;
pub mod history;
pub mod lanes;
mod linear_algebra;
pub mod memory;
pub mod observer;
pub mod projection;
pub mod protocol;
pub mod trainer;
pub mod worker;

pub use alignment::Alignment;
pub use config::RunConfig;
pub use device::DeviceChoice;
pub use lanes::Lanes;
pub use protocol::*;
pub use trainer::Trainer;
pub use worker::Worker;
