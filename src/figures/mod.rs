//! Figures as files, and the colours that figures and window share.

mod animation;
mod axes;
mod backend;
mod canvas;
mod chart;
mod cloud;
mod export_all;
mod figure;
mod figure3;
mod figure4;
mod figure5;
mod film;
mod learning;
mod marks;
mod one_cloud;
mod one_seed;
pub mod palette;
mod panels;
mod pareto;
mod picture;
mod quantize;
mod reconstruction_pairs;
mod reconstructions;
mod runs;
mod scatter;
mod scene;
mod subject;
#[cfg(test)]
mod tests;
pub(crate) mod ticks;
mod trade_off_width;

use std::path::{Path, PathBuf};

pub use animation::{ANIMATION_EXTENSIONS, Animation, Ending, Frame, save_animation};
pub use export_all::{AllFigures, Step, every};
pub use figure::{EXTENSIONS, Figure, Table, save};
pub use figure3::Figure3;
pub use figure4::Figure4;
pub use figure5::Figure5;
pub use film::Film;
pub use learning::Learning;
pub use one_cloud::OneCloud;
pub use one_seed::OneSeed;
pub use pareto::TradeOffPlane;
pub use reconstruction_pairs::ReconstructionPairs;
pub use reconstructions::reconstructions;
pub use runs::{DeadRuns, Runs};
pub use scatter::latent_scatter;
pub use scene::Scene;
pub use subject::{FigureData, Subject};
pub use trade_off_width::{Against, Family, Member, TradeOffWidths};

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
