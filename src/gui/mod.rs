//! The window. It shows what the engine tells and asks for what the user wants; it never computes.

pub mod app;
mod chart;
pub mod images;
pub mod lambda_slider;
pub mod menu;
mod pad;
pub mod panes;
mod reveal;
pub mod scatter;
pub mod screenshot;
mod shared;
pub mod shortcuts;
pub mod state;
mod textures;
pub mod theme;
mod tile_grid;
pub mod workspace;

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use crossbeam_channel::bounded;
use eframe::egui::{self, ViewportBuilder};

pub use app::App;

use self::screenshot::ScreenshotJob;
use crate::{
    cli::{ThemeChoice, WindowArgs},
    fs::{Existing, check_output},
    train::checkpoint::autosave,
};

/// Size of the window at the first start, in points.
const SIZE: [f32; 2] = [1280.0, 800.0];

/// Opens the window and returns when it is closed.
///
/// # Errors
/// When no window can be opened, or a screenshot that was asked for cannot be saved.
pub fn run(args: WindowArgs) -> anyhow::Result<()> {
    if let Some(file) = &args.screenshot {
        check_output(file, Existing::Replace)
            .map_err(|error| anyhow!("cannot write {}: {error}", file.display()))?;
    }
    let (failure, failures) = bounded(1);
    let portrait = args.exit_after.map(|seconds| {
        let after = Duration::from_secs(u64::from(seconds));
        ScreenshotJob::new(after, args.screenshot, failure)
    });
    // A window that was told how to look and when to close neither follows nor leaves traces.
    let remembers = portrait.is_none();
    let mut viewport = ViewportBuilder::default()
        .with_title("CRE Lab")
        .with_app_id("cre-lab")
        .with_min_inner_size([800.0, 520.0])
        .with_inner_size(args.size.unwrap_or(SIZE));
    if !remembers {
        viewport = viewport.with_position([0.0, 0.0]);
    }
    // Gone with all that is in it when the window is closed.
    let scratch = tempfile::tempdir().context("cannot make a temporary folder")?;
    let options = eframe::NativeOptions {
        viewport,
        persist_window: remembers && args.size.is_none(),
        persistence_path: (!remembers).then(|| scratch.path().join("forgotten.ron")),
        ..eframe::NativeOptions::default()
    };
    let results = (!remembers).then(|| scratch.path().join("results.sqlite"));
    let config = args.run.config();
    let source = args.run.data;
    let theme = args.theme;
    let spectrum = args.spectrum;
    eframe::run_native(
        "cre-lab",
        options,
        Box::new(move |cc| {
            if let Some(theme) = theme {
                cc.egui_ctx.set_theme(match theme {
                    ThemeChoice::Dark => egui::ThemePreference::Dark,
                    ThemeChoice::Light => egui::ThemePreference::Light,
                    ThemeChoice::System => egui::ThemePreference::System,
                });
            }
            let mut app = App::new(cc, config, source, portrait);
            if let Some(results) = results {
                app.set_results(results);
            }
            let runs = remembers.then(autosave::folder).flatten();
            Ok(Box::new(
                app.with_spectrum(spectrum).keeping_runs(runs.as_deref()),
            ))
        }),
    )
    .map_err(|error| anyhow!("the window cannot be opened: {error}"))?;
    if let Ok(reason) = failures.try_recv() {
        bail!(reason);
    }
    Ok(())
}
