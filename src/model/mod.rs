//! The Classification-Reconstruction Encoder: an encoder, its latent z, a decoder and a classifier.
//!
//! The families of networks ([`fc`], [`cnn`], [`vit`]) define the three parts, [`Cre`] joins them and
//! splits the gradient by λ, and [`Architecture`] lists the variants of the paper.

pub mod architecture;
mod batch_norm;
pub mod cnn;
mod conv;
pub mod cre;
mod error;
pub mod fc;
pub mod forward_context;
mod gradient;
mod init;
pub mod lambda;
pub mod latent;
pub mod loss;
pub mod spec;
pub mod vit;
pub mod vit_options;

pub use architecture::Architecture;
pub use cre::{Cre, Output};
pub use error::InvalidArchitecture;
pub use forward_context::ForwardContext;
pub use lambda::Lambda;
pub use latent::{LatentLayout, LatentSize};
pub use spec::ModelSpec;
pub use vit_options::VitOptions;

pub use crate::kernels::PatchGrid;
