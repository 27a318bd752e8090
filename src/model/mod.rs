//! The Classification-Reconstruction Encoder: an encoder, its latent z, a decoder, a classifier.

pub mod architecture;
pub mod batch_norm;
mod block;
pub mod cnn;
pub mod conv;
mod cpu;
pub mod cre;
pub mod fc;
pub mod gradient;
pub mod init;
pub mod lambda;
pub mod latent;
pub mod loss;
pub mod forward_context;
pub mod spec;
pub mod vit;

pub use architecture::Architecture;
pub use cre::{Cre, Output};
pub use lambda::Lambda;
pub use latent::LatentSize;
pub use forward_context::ForwardContext;
pub use spec::{LatentLayout, ModelSpec, InvalidArchitecture};
pub use vit::VitOptions;
