//! CRE Lab: watch classification and reconstruction share one latent representation.
//!
//! The rooms, and the one direction in which they may use each other:
//!
//! `data → model → train → experiment → figures → { gui, cli }`
//!
//! Nothing below `gui` knows that a window exists; `gui` never touches a tensor.

pub mod cli;
pub mod data;
pub mod figures;
pub mod format;
pub mod fs;
#[cfg(feature = "gui")]
pub mod gui;
pub mod jobs;
pub mod kernels;
pub mod memory;
pub mod model;
pub mod rng;
pub mod sweep;
pub mod train;
