//! The window. It shows the [`state`] and requests changes by [`commands`]; it never touches a tensor.
//!
//! - [`state`]: what is shown, in parts that own their background jobs
//! - [`panes`]: the panes of the dock, and the panels and windows around it
//! - [`actions`]: what the user can do, for menus, keys, buttons and the list of shortcuts
//! - [`scatter`]: the three-dimensional latent cloud

pub mod actions;
pub mod app;
mod chart;
pub mod commands;
mod dock;
mod help;
mod icon;
mod images;
mod keymap;
mod lambda_slider;
mod layout;
mod menu;
pub mod options;
mod pad;
pub mod panes;
mod preferences;
mod reveal;
pub mod scatter;
pub mod screenshot;
mod shared;
pub mod state;
mod textures;
mod theme;
mod tile_grid;
mod tool_row;
mod widgets;

use anyhow::{Context as _, anyhow, bail};
use crossbeam_channel::bounded;
use eframe::egui::ViewportBuilder;

pub use app::App;
pub use options::WindowOptions;

use self::{
    commands::{DataCommand, ResultsCommand},
    screenshot::ScreenshotJob,
};
use crate::{
    fs::{Existing, check_output},
    train::checkpoint::autosave,
};

/// Size of the window at the first start, in points.
const SIZE: [f32; 2] = [1280.0, 800.0];

/// Opens the window and returns when it is closed.
///
/// # Errors
/// When no window can be opened, or a screenshot that was requested cannot be saved.
pub fn run(options: WindowOptions) -> anyhow::Result<()> {
    let WindowOptions {
        config,
        source,
        open,
        spectrum,
        close_after,
        screenshot,
        size,
        theme,
    } = options;
    if let Some(file) = &screenshot {
        check_output(file, Existing::Replace)
            .map_err(|error| anyhow!("cannot write {}: {error}", file.display()))?;
    }
    let (failure, failures) = bounded(1);
    let screenshot = close_after.map(|time| ScreenshotJob::new(time, screenshot, failure));
    let is_persistent = screenshot.is_none();
    let mut viewport = ViewportBuilder::default()
        .with_title("CRE Lab")
        .with_app_id("cre-lab")
        .with_icon(icon::load())
        .with_min_inner_size([800.0, 520.0])
        .with_inner_size(size.unwrap_or(SIZE));
    if !is_persistent {
        viewport = viewport.with_position([0.0, 0.0]);
    }
    // Removed with its content when the window is closed.
    let scratch = tempfile::tempdir().context("cannot create a temporary folder")?;
    let native = eframe::NativeOptions {
        viewport,
        persist_window: is_persistent && size.is_none(),
        persistence_path: (!is_persistent).then(|| scratch.path().join("preferences.ron")),
        ..eframe::NativeOptions::default()
    };
    let results = (!is_persistent).then(|| scratch.path().join("results.sqlite"));
    eframe::run_native(
        "cre-lab",
        native,
        Box::new(move |cc| {
            if let Some(theme) = theme {
                cc.egui_ctx.set_theme(theme);
            }
            let runs = is_persistent.then(autosave::folder).flatten();
            let mut app = App::new(cc, config, source, screenshot)
                .with_spectrum(spectrum)
                .with_recovery(runs.as_deref());
            if let Some(results) = results {
                app.execute(ResultsCommand::SetFile(results));
            }
            if let Some(path) = open {
                app.execute(DataCommand::OpenDropped(path));
            }
            Ok(Box::new(app))
        }),
    )
    .map_err(|error| anyhow!("the window cannot be opened: {error}"))?;
    if let Ok(reason) = failures.try_recv() {
        bail!(reason);
    }
    Ok(())
}
