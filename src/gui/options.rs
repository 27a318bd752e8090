//! Options of the window.

use std::{path::PathBuf, time::Duration};

pub use eframe::egui::ThemePreference;

use crate::{data::DataSource, sweep::Spectrum, train::RunConfig};

/// Settings of the first run and of the window.
#[derive(Clone, Debug)]
pub struct WindowOptions {
    pub config: RunConfig,
    pub source: DataSource,
    /// Run, weights, image or data set to open, as if it were dropped on the window.
    pub open: Option<PathBuf>,
    /// The networks to train; `None` for the one of `config`.
    pub spectrum: Option<Spectrum>,
    /// Time after which the window closes itself. Such a window neither reads nor stores
    /// preferences, results or runs.
    pub close_after: Option<Duration>,
    /// PNG file for a picture of the window, taken just before it closes itself.
    pub screenshot: Option<PathBuf>,
    /// Size in points; `None` for the stored one.
    pub size: Option<[f32; 2]>,
    /// `None` for the stored theme.
    pub theme: Option<ThemePreference>,
}
