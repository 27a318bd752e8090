//! Many runs: what is to be trained, what came of it, and what that says about λ.

pub mod conductor;
pub mod estimate;
pub mod grid;
pub mod identity;
pub mod library;
pub mod memory;
pub mod preset;
pub mod record;
pub mod shard;
pub mod store;

pub use conductor::{Conductor, SweepCommand, SweepEnd, SweepEvent};
pub use grid::Grid;
pub use identity::Identity;
pub use preset::Preset;
pub use record::{Cell, Portrait, Record, RunSpec};
pub use shard::Shard;
pub use store::Store;
