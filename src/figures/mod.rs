//! Figures as files, and the colours that figures and window share.

mod canvas;
pub mod palette;
mod reconstructions;
mod scatter;

use std::path::{Path, PathBuf};

pub use reconstructions::reconstructions;
pub use scatter::latent_scatter;

/// A figure that could not be made or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the figure {}: {reason}", path.display())]
pub struct FigureError {
    path: PathBuf,
    reason: String,
}

impl FigureError {
    fn new(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self {
            path: path.to_owned(),
            reason: reason.to_string(),
        }
    }
}
