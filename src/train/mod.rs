//! Training: the [`Trainer`] of one network, several networks side by side ([`Lanes`]), the training
//! loop ([`Run`]), and the [`Worker`] thread that runs it for the window and `cre-lab train`.

pub mod adam;
pub mod alignment;
pub mod batch;
pub mod batch_split;
pub mod batches;
pub mod checkpoint;
pub mod config;
pub mod device;
pub mod epoch_stats;
mod event_log;
pub mod event_sink;
pub mod history;
pub mod lanes;
mod linear_algebra;
pub mod memory;
pub mod metrics;
pub mod observer;
mod pools;
pub mod projection;
pub mod protocol;
pub mod run;
pub mod snapshot;
pub mod trainer;
pub mod worker;

pub use alignment::Alignment;
pub use config::RunConfig;
pub use device::DeviceChoice;
pub use lanes::Lanes;
pub use metrics::{Evaluation, Metrics, StepLosses};
pub use protocol::*;
pub use run::Run;
pub use snapshot::*;
pub use trainer::Trainer;
pub use worker::Worker;
