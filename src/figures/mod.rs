//! Figures as files, and the colours that figures and window share.

mod animation;
mod axes;
mod canvas;
mod chart;
mod cloud;
mod clouds;
mod every;
mod few_colours;
mod figure;
mod film;
mod lambda_boxes;
mod learning;
mod one_cloud;
mod one_seed;
mod pairs;
pub mod palette;
mod panels;
mod pen;
mod picture;
mod rebuilt;
mod reconstructions;
mod runs;
mod scatter;
mod scene;
mod sheet;
mod subject;
#[cfg(test)]
mod tests;
pub(crate) mod ticks;
mod trade_off_plane;
mod widths;

use std::path::{Path, PathBuf};

pub use animation::{ANIMATION_EXTENSIONS, Animation, Ending, Frame, save_animation};
pub use clouds::Clouds;
pub use every::{Every, Step, every};
pub use figure::{EXTENSIONS, Figure, Table, save};
pub use film::Film;
pub use lambda_boxes::LambdaBoxes;
pub use learning::Learning;
pub use one_cloud::OneCloud;
pub use one_seed::OneSeed;
pub use pairs::Pairs;
pub use rebuilt::Rebuilt;
pub use reconstructions::reconstructions;
pub use runs::{DeadRuns, Runs};
pub use scatter::latent_scatter;
pub use scene::Scene;
pub use subject::{Moment, Subject};
pub use trade_off_plane::TradeOffPlane;
pub use widths::{Against, Family, Member, Widths};

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
