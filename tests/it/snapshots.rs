//! Pictures of the window, compared with those in `tests/it/snapshots/`.
//!
//! After an intended change of the window, `UPDATE_SNAPSHOTS=1 cargo test --release --test it
//! snapshots` writes them again. Look at each before you commit it.

use std::path::Path;

use crate::common::window::{config, open, small, wait};
use cre_lab::{
    data::BundledSet,
    figures::{DeadRuns, FigureKind},
    gui::{
        App,
        commands::{RunCommand, ViewCommand},
        panes::PaneId,
        state::Export,
    },
    model::lambda::evenly_spaced,
    sweep::Spectrum,
    train::RunConfig,
};
use eframe::egui::{Rect, ThemePreference, accesskit::Role};
use egui_kittest::{Harness, SnapshotOptions, kittest::Queryable as _, try_image_snapshot_options};
use image::{Rgba, RgbaImage};

/// Pixels that another rasteriser may draw otherwise, mostly at the edges of text: 1 % of a window.
const MAX_DIFFERENT_PIXELS: usize = 10_000;

/// A window whose run is paused at the end of epoch `epoch`.
fn paused_at(epoch: u64, config: RunConfig, spectrum: Option<Spectrum>) -> Harness<'static, App> {
    let mut harness = open(config, BundledSet::Mnist, |app| app);
    let is_running = |app: &App| app.state().run.view().is_some();
    wait(&mut harness, "the run", is_running);
    let start = match spectrum {
        Some(spectrum) => RunCommand::SetSpectrum(Some(spectrum)),
        None => RunCommand::Restart,
    };
    // On a machine that is fast enough to pass the epoch before the pause, the run is started again.
    loop {
        harness.state_mut().execute(start.clone());
        wait(&mut harness, "the new run", |app| {
            let run = &app.state().run;
            !run.is_starting() && run.is_training()
        });
        harness.state_mut().execute(RunCommand::ToggleTraining);
        wait(&mut harness, "the pause", |app| {
            !app.state().run.is_training()
        });
        if epoch_of(harness.state()) < epoch {
            break;
        }
    }
    while epoch_of(harness.state()) < epoch {
        let next = epoch_of(harness.state()) + 1;
        harness.state_mut().execute(RunCommand::Epoch);
        wait(&mut harness, "the end of the epoch", |app| {
            epoch_of(app) >= next && !app.state().run.is_training()
        });
    }
    harness
}

/// The epoch that every network has completed and been evaluated after.
fn epoch_of(app: &App) -> u64 {
    let lanes = app.state().run.view().map_or(&[][..], |run| run.lanes());
    let epochs = lanes
        .iter()
        .map(|lane| lane.last_evaluation.map_or(0, |last| last.epoch));
    epochs.min().unwrap_or(0)
}

/// Draws the window until nothing moves, and covers what differs between machines and runs.
fn picture(harness: &mut Harness<'_, App>, theme: ThemePreference) -> RgbaImage {
    harness.state_mut().execute(ViewCommand::SetTheme(theme));
    harness.remove_cursor();
    // Transitions of the cloud take about a second.
    harness.run_steps(120);
    let device = harness
        .state()
        .state()
        .run
        .view()
        .map(|run| run.device.name.clone());
    let varies = |text: &str| {
        let is_time = text.contains(':') && text.starts_with(|c: char| c.is_ascii_digit());
        is_time || text.ends_with(" images/s") || Some(text) == device.as_deref()
    };
    let labels = harness.query_all_by(|node| node.role() == Role::Label);
    let covered: Vec<Rect> = labels
        .filter(|node| node.value().is_some_and(|text| varies(&text)))
        .map(|node| node.rect())
        .collect();
    let mut image = harness.render().unwrap();
    for rect in covered {
        let (left, top) = (rect.left().max(0.0) as u32, rect.top().max(0.0) as u32);
        for y in top..(rect.bottom() as u32 + 1).min(image.height()) {
            for x in left..(rect.right() as u32 + 1).min(image.width()) {
                image.put_pixel(x, y, Rgba([128, 128, 128, 255]));
            }
        }
    }
    image
}

/// Compares the window with the stored picture in both themes.
#[track_caller]
fn compare(harness: &mut Harness<'_, App>, name: &str, themes: &[(ThemePreference, &str)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots");
    let options = SnapshotOptions::new()
        .output_path(folder)
        .max_failed_pixels(MAX_DIFFERENT_PIXELS);
    for (theme, suffix) in themes {
        let image = picture(harness, *theme);
        let compared = try_image_snapshot_options(&image, format!("{name}-{suffix}"), &options);
        compared.unwrap_or_else(|error| panic!("{error}"));
    }
}

const DARK: (ThemePreference, &str) = (ThemePreference::Dark, "dark");
const LIGHT: (ThemePreference, &str) = (ThemePreference::Light, "light");

#[test]
fn a_run_of_one_network() {
    let mut harness = paused_at(10, config(), None);
    compare(&mut harness, "run", &[DARK, LIGHT]);
    harness.state_mut().execute(ViewCommand::ToggleHelp);
    compare(&mut harness, "shortcuts", &[DARK]);
    harness.state_mut().execute(ViewCommand::ToggleHelp);
    harness
        .state_mut()
        .execute(ViewCommand::OpenExport(Export::Figure(
            FigureKind::Cloud,
            DeadRuns::default(),
        )));
    compare(&mut harness, "export", &[LIGHT]);
}

#[test]
fn a_spectrum() {
    let spectrum = Spectrum::new(evenly_spaced(5)).unwrap();
    let mut harness = paused_at(5, small(), Some(spectrum));
    compare(&mut harness, "spectrum", &[DARK, LIGHT]);
    harness
        .state_mut()
        .execute(ViewCommand::ShowPane(PaneId::Clouds));
    compare(&mut harness, "clouds", &[LIGHT]);
    harness
        .state_mut()
        .execute(ViewCommand::ShowPane(PaneId::ReconstructionsByLambda));
    compare(&mut harness, "reconstructions-by-lambda", &[DARK]);
}

#[test]
fn the_sweep() {
    let mut harness = paused_at(5, small(), None);
    harness
        .state_mut()
        .execute(ViewCommand::TogglePane(PaneId::Sweep));
    compare(&mut harness, "sweep", &[DARK, LIGHT]);
}
