//! Integration tests, in one binary.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod authors_weights;
mod checkpoints;
mod cli;
mod cnn;
mod common;
mod fetch;
mod figures;
mod gradients;
mod kills;
mod layers;
mod logging;
mod parity;
#[cfg(all(feature = "gui", target_os = "linux"))]
mod smoke;
#[cfg(feature = "gui")]
mod snapshots;
mod sweep;
mod vit;
#[cfg(feature = "gui")]
mod window;
#[cfg(feature = "gui")]
mod window_export;
#[cfg(feature = "gui")]
mod window_keys;
#[cfg(feature = "gui")]
mod window_sweep;
mod worker;
