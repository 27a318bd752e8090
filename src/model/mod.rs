//! The Classification-Reconstruction Encoder: an encoder, its latent z, a decoder, a classifier.

pub mod architecture;
pub mod batch_norm;
mod block;
pub mod cnn;
pub mod conv;
pub mod cre;
pub mod fc;
pub mod forward_context;
pub mod gradient;
pub mod init;
pub mod lambda;
pub mod latent;
pub mod loss;
pub mod spec;
pub mod vit;

pub use architecture::Architecture;
pub use cre::{Cre, Output};
pub use forward_context::ForwardContext;
pub use lambda::Lambda;
pub use latent::LatentSize;
pub use spec::{InvalidArchitecture, LatentLayout, ModelSpec};
pub use vit::VitOptions;
