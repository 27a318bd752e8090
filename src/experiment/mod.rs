//! Many runs: what is to be trained, what came of it, and what that says about λ.

pub mod identity;
pub mod record;
pub mod store;

pub use identity::Identity;
pub use record::{Cell, Portrait, Record, RunSpec};
pub use store::Store;
