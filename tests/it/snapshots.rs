//! Pictures of the window, compared with those in `tests/it/snapshots/`.
//!
//! After an intended change of the window, `UPDATE_SNAPSHOTS=1 cargo test --release --test it
//! snapshots` writes them again. Look at each before you commit it.

use std::path::{Path, PathBuf};

use crate::common::window::{config, wait};
use cre_lab::{
    data::{BundledSet, DataSource},
    figures::{DeadRuns, FigureKind},
    gui::{
        App,
        commands::{ProbeCommand, ResultsCommand, RunCommand, SweepCommand, ViewCommand},
        panes::PaneId,
        state::{Export, LaneView},
    },
    model::lambda::evenly_spaced,
    sweep::Spectrum,
};
use eframe::egui::{
    Rect,
    ThemePreference::{self, Dark, Light},
    accesskit::Role,
    pos2, vec2,
};
use egui_kittest::{Harness, SnapshotOptions, kittest::Queryable as _, try_image_snapshot_options};
use image::{Rgba, RgbaImage, imageops::crop_imm};

/// Pixels that another rasteriser may draw otherwise, mostly at the edges of text: 1 % of a window.
const MAX_DIFFERENT_PIXELS: usize = 10_000;

/// A window, drawn by wgpu, whose run is paused at the end of epoch `epoch`.
fn paused_at(epoch: u64, spectrum: Option<Spectrum>) -> Harness<'static, App> {
    let mut harness = Harness::builder()
        .with_size(vec2(1280.0, 800.0))
        .wgpu()
        .build_eframe(|cc| App::new(cc, config(), DataSource::Bundled(BundledSet::Mnist), None));
    wait(&mut harness, "the run", |app| {
        app.state().run.view().is_some()
    });
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
    wait(&mut harness, "the last snapshot", |app| {
        let lanes = app.state().run.view().map_or(&[][..], |run| run.lanes());
        let step = |lane: &LaneView| lane.snapshot.as_ref().map(|snapshot| snapshot.step);
        lanes.iter().all(|lane| step(lane) == Some(lane.step()))
    });
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
    // Limits of the axes depend on the snapshots before.
    if let Some(reset) = harness.query_by_role_and_label(Role::Button, "Reset view") {
        reset.click();
        harness.run_steps(2);
    }
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
        let is_time = text.contains(':') && (text.ends_with(" min") || text.ends_with(" h"));
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

/// Compares the window, or a part of it in points, with the stored picture.
#[track_caller]
fn compare(harness: &mut Harness<'_, App>, name: &str, theme: ThemePreference, part: Option<Rect>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots");
    let options = SnapshotOptions::new()
        .output_path(folder)
        .max_failed_pixels(MAX_DIFFERENT_PIXELS);
    let mut image = picture(harness, theme);
    if let Some(part) = part {
        let (min, size) = (part.min.round(), part.size().round());
        let [x, y, width, height] = [min.x, min.y, size.x, size.y].map(|points| points as u32);
        image = crop_imm(&image, x, y, width, height).to_image();
    }
    let compared = try_image_snapshot_options(&image, name, &options);
    compared.unwrap_or_else(|error| panic!("{error}"));
}

/// The area of an open window with this title.
fn window(harness: &Harness<'_, App>, title: &str) -> Rect {
    let node = harness.get_by_role_and_label(Role::Window, title);
    node.rect().intersect(harness.ctx.content_rect())
}

#[test]
fn a_run_of_one_network() {
    let mut harness = paused_at(10, None);
    compare(&mut harness, "run-dark", Dark, None);
    harness.state_mut().execute(ProbeCommand::Select(Some(0)));
    wait(&mut harness, "the selected image", |app| {
        let run = app.state().run.view().unwrap();
        let snapshot = run.shown().snapshot.as_ref();
        snapshot.is_some_and(|snapshot| snapshot.selected.is_some())
    });
    compare(&mut harness, "inspector-light", Light, None);
    harness.state_mut().execute(ViewCommand::ToggleHelp);
    harness.run_steps(5);
    let help = Some(window(&harness, "Keyboard shortcuts"));
    compare(&mut harness, "shortcuts-dark", Dark, help);
    harness.state_mut().execute(ViewCommand::ToggleHelp);
    let figure = Export::Figure(FigureKind::Cloud, DeadRuns::default());
    harness.state_mut().execute(ViewCommand::OpenExport(figure));
    harness.run_steps(5);
    let export = Some(window(&harness, "Export figure"));
    compare(&mut harness, "export-light", Light, export);
}

#[test]
fn a_spectrum() {
    let mut harness = paused_at(3, Some(Spectrum::new(evenly_spaced(3)).unwrap()));
    compare(&mut harness, "spectrum-light", Light, None);
    // The panes on the right.
    let right = Some(Rect::from_min_max(pos2(758.0, 28.0), pos2(1280.0, 488.0)));
    harness
        .state_mut()
        .execute(ViewCommand::ShowPane(PaneId::Clouds));
    compare(&mut harness, "clouds-dark", Dark, right);
    let pane = ViewCommand::ShowPane(PaneId::ReconstructionsByLambda);
    harness.state_mut().execute(pane);
    compare(&mut harness, "reconstructions-by-lambda-dark", Dark, right);
}

#[test]
fn the_sweep() {
    let mut harness = paused_at(1, None);
    // There is no such file, so that no run is done.
    let file = PathBuf::from("no results.sqlite");
    harness.state_mut().execute(ResultsCommand::SetFile(file));
    let pane = ViewCommand::TogglePane(PaneId::Sweep);
    harness.state_mut().execute(pane);
    harness.run_steps(5);
    harness.state_mut().execute(SweepCommand::StopEstimate);
    for (name, theme) in [("sweep-dark", Dark), ("sweep-light", Light)] {
        compare(&mut harness, name, theme, None);
    }
}
