//! Figures and animations as data and as files, and the colours that they share with the window.

mod backend;
mod capacity;
mod chart;
mod cloud;
mod export_all;
mod figure;
mod figure3;
mod figure4;
mod figure5;
mod figure_data;
mod figure_kind;
mod film;
mod lambda_sweep;
mod latent_plot;
mod learning;
mod legend;
pub mod marker;
pub mod palette;
mod pareto;
mod pixels;
mod reconstruction_pairs;
mod run_filter;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

pub use capacity::{CapacityFigure, CapacityMeasure, Family, Member};
#[cfg(feature = "gui")]
pub(crate) use chart::{Ticks, jitter};
pub use cloud::LatentCloud;
pub use export_all::{AllFigures, ExportProgress};
pub use figure::{EXTENSIONS, Figure, Table, save};
pub use figure_data::{FigureData, NetworkState, SnapshotInfo};
pub use figure_kind::FigureKind;
pub use figure3::Figure3;
pub use figure4::Figure4;
pub use figure5::Figure5;
pub use film::{Animation, Ending, Film, Frame, Scene, save_animation};
pub use lambda_sweep::LambdaSweep;
pub use learning::LearningCurves;
pub use pareto::ParetoFigure;
pub use reconstruction_pairs::ReconstructionPairs;
pub use run_filter::{DeadRuns, PanelRuns};

/// A figure or animation that could not be written.
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
