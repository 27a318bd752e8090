//! CRE Lab trains Classification-Reconstruction Encoders and shows how classification and
//! reconstruction share one latent representation.
//!
//! An encoder maps an image to a latent z, a decoder reconstructs the image from z, and a classifier
//! predicts its class from the same z. The encoder learns from `L = λ · MSE + (1 − λ) · CE`.
//!
//! One training step and an evaluation on the built-in sample of MNIST:
//!
//! ```
//! use std::sync::Arc;
//!
//! use cre_lab::{
//!     data::DataSource,
//!     model::{Architecture, Lambda},
//!     train::{DeviceChoice, RunConfig, Trainer, device},
//! };
//!
//! let config = RunConfig {
//!     architecture: Architecture::FcSmall,
//!     lambda: Lambda::new(0.25)?,
//!     ..RunConfig::default()
//! };
//! let dataset = Arc::new(DataSource::default().load()?);
//! let (device, _) = device::open(DeviceChoice::Cpu)?;
//! let mut trainer = Trainer::new(&config, dataset, &device)?;
//! trainer.step();
//! let test = trainer.evaluate()?;
//! assert!(test.is_finite());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where to start
//!
//! | module | for |
//! |---|---|
//! | [`data`] | images and labels as a [`data::Dataset`] |
//! | [`model`] | the networks: [`model::Cre`], [`model::Architecture`], [`model::Lambda`] |
//! | [`train`] | [`train::Trainer`] for one network, [`train::Run`] for a training loop over several, [`train::Worker`] for a thread |
//! | [`train::checkpoint`] | runs in files |
//! | [`sweep`] | grids of runs, the file of results, statistics |
//! | [`figures`] | figures and animations as SVG, PNG, CSV, GIF and APNG |
//! | `gui` (with the feature of this name), [`cli`] | the window and the command line |
//!
//! Modules import in one direction only:
//!
//! `rng, format, fs, memory, jobs → kernels → data → model → train → sweep → figures → { gui, cli }`
//!
//! Nothing below `gui` depends on a window: without the feature `gui` the crate builds without one.
//! `docs/ARCHITECTURE.md` describes the structure and the invariants.

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
