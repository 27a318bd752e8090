//! The Classification-Reconstruction Encoder: an encoder, its latent z, a decoder, a classifier.

pub mod architecture;
pub mod cre;
pub mod fc;
pub mod gradient;
pub mod init;
pub mod lambda;
pub mod latent;
pub mod loss;

pub use architecture::Architecture;
pub use cre::{Cre, Output};
pub use lambda::Lambda;
pub use latent::LatentSize;
