//! The window of data sets: built-in samples, full sets on this machine, and downloads.

use std::time::{Duration, Instant};

use eframe::egui::{
    self, Align, Align2, Button, Context, Frame, Layout, Margin, ProgressBar, RichText, Sense, Ui,
    Window, vec2,
};

use super::PaneContext;
use crate::{
    data::{
        BundledSet, DataSource, bundle, catalogue::CatalogueEntry, fetch::Stage,
        locator::Availability,
    },
    format::{self, clock, count},
    gui::{
        commands::{Command, Commands, DataCommand, DownloadCommand, RunCommand},
        images,
        state::{
            State,
            downloads::{DownloadState, RunningDownload},
        },
        textures::{Images, TextureCache},
        widgets::{CAPTION, clicked},
    },
};

/// Width of the window's content, in points.
const WIDTH: f32 = 590.0;
/// Distance from the top of the main window, in points.
const TOP: f32 = 110.0;
/// Width of an example, in points.
const EXAMPLE_WIDTH: f32 = 30.0;

/// Width of the names at the left of rows.
const NAME_WIDTH: f32 = 52.0;
/// Minimum width of the buttons at the right.
const BUTTON_WIDTH: f32 = 62.0;

#[derive(Default)]
pub struct DataSets {
    pub open: bool,
    was_open: bool,
}

impl DataSets {
    /// The id of the window.
    pub fn id() -> egui::Id {
        egui::Id::unique("data sets")
    }

    pub fn ui(&mut self, ctx: &Context, context: &mut PaneContext<'_>) {
        let state = context.state;
        if self.open && !self.was_open {
            context.commands.push(DownloadCommand::LoadExamples);
            context.commands.push(DownloadCommand::FindSets);
        }
        self.was_open = self.open;
        if !self.open {
            return;
        }
        let mut open = true;
        Window::new("Data sets")
            .id(Self::id())
            .open(&mut open)
            .resizable(false)
            // The window grows downwards, so that its buttons stay under the pointer.
            .pivot(Align2::CENTER_TOP)
            .default_pos(ctx.content_rect().center_top() + vec2(0.0, TOP))
            .show(ctx, |ui| {
                ui.set_width(WIDTH);
                for set in BundledSet::ALL {
                    data_set(ui, state, context.textures, set, context.commands);
                }
                footer(ui, state, context.commands);
            });
        self.open = open;
    }
}

fn data_set(
    ui: &mut Ui,
    state: &State,
    textures: &mut TextureCache,
    set: BundledSet,
    commands: &mut Commands,
) {
    let frame = Frame::new()
        .fill(ui.visuals().faint_bg_color)
        .stroke(ui.visuals().widgets.noninteractive.bg_stroke)
        .corner_radius(6)
        .inner_margin(Margin::symmetric(12, 8));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let download = state.downloads.state(set);
        heading(ui, textures, set, download);
        ui.add_space(4.0);
        commands.extend(sample(ui, set, state));
        if let Some(full) = state.downloads.locator.entry(set) {
            commands.extend(full_set(ui, full, state));
        }
    });
}

/// Name, description, and an image of each class.
fn heading(ui: &mut Ui, textures: &mut TextureCache, set: BundledSet, state: &DownloadState) {
    let shape = set.shape();
    ui.horizontal(|ui| {
        ui.vertical(|ui| {
            ui.label(RichText::new(set.to_string()).strong().size(18.0));
            ui.weak(match set {
                BundledSet::Mnist => "handwritten digits",
                BundledSet::FashionMnist => "pieces of clothing",
                BundledSet::Cifar10 => "animals and vehicles",
            });
        });
        let Some(examples) = &state.examples else {
            ui.add_space(ui.available_width());
            return;
        };
        let images = Images::Bytes(shape, examples.images(0..examples.len()).into());
        let size = images::crisp_size(ui, shape, images::crisp_scale(ui, shape, EXAMPLE_WIDTH));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 5.0;
            for (tile, name) in set.class_names().into_iter().enumerate().rev() {
                let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
                textures.paint(ui, &images, tile, images::snapped(ui, rect));
                response.on_hover_text(name);
            }
        });
    });
}

/// A row with a name at its left and buttons at its right.
fn row(
    ui: &mut Ui,
    name: &str,
    state: impl FnOnce(&mut Ui),
    buttons: impl FnOnce(&mut Ui) -> Option<Command>,
) -> Option<Command> {
    ui.horizontal(|ui| {
        let size = vec2(NAME_WIDTH, ui.spacing().interact_size.y);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(NAME_WIDTH);
            ui.weak(name);
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let command = buttons(ui);
            ui.with_layout(Layout::left_to_right(Align::Center), state);
            command
        })
        .inner
    })
    .inner
}

fn use_button(ui: &mut Ui, source: DataSource, state: &State) -> Option<Command> {
    let run = state.run.view();
    let is_in_use = run.is_some_and(|run| run.source == source);
    let button = Button::new(if is_in_use { "In use" } else { "Use" });
    let tip = match &source {
        DataSource::Full(set) => format!("Start a new run on all images of {set}"),
        _ => "Start a new run on this sample".to_owned(),
    };
    let response = ui
        .add_enabled(!is_in_use, button.min_size(vec2(BUTTON_WIDTH, 0.0)))
        .on_hover_text(tip)
        .on_disabled_hover_text("The current run trains on it");
    response.clicked().then(|| {
        let config = Box::new(state.run.config().clone());
        RunCommand::Apply { config, source }.into()
    })
}

fn sample(ui: &mut Ui, set: BundledSet, state: &State) -> Option<Command> {
    row(
        ui,
        "Sample",
        |ui| {
            let [train, test] = bundle::image_counts(set);
            ui.label(format!(
                "built in, {} + {} images",
                count(train),
                count(test)
            ))
            .on_hover_text("Training + test images");
        },
        |ui| use_button(ui, DataSource::Bundled(set), state),
    )
}

fn full_set(ui: &mut Ui, full: &CatalogueEntry<'_>, state: &State) -> Option<Command> {
    let download = state.downloads.state(full.set);
    let [train, test] = full.images;
    let images = format!("{} + {} images", count(train), count(test));
    let command = if let Some(running) = &download.running {
        row(
            ui,
            "Full set",
            |ui| progress(ui, running),
            |ui| {
                let stop = Button::new("Stop").min_size(vec2(BUTTON_WIDTH, 0.0));
                ui.add_enabled(!running.is_stopping(), stop)
                    .on_hover_text("Stop the download; it can be resumed later")
                    .clicked()
                    .then(|| DownloadCommand::Stop(full.set).into())
            },
        )
    } else {
        row(
            ui,
            "Full set",
            |ui| {
                availability(ui, full, download, &images);
            },
            |ui| match &download.availability {
                None => None,
                Some(Availability::Found(_)) => {
                    let use_set = use_button(ui, DataSource::Full(full.set), state);
                    let reveal = ui
                        .button("Open folder")
                        .on_hover_text("Show the files in the file manager");
                    let reveal = reveal
                        .clicked()
                        .then(|| DownloadCommand::Reveal(full.set).into());
                    use_set.or(reveal)
                }
                Some(Availability::PickleOnly(_) | Availability::Missing) => {
                    fetch_button(ui, full, download)
                }
            },
        )
    };
    if let Some(running) = &download.running {
        detail(ui, running);
    } else if let Some(error) = &download.error {
        ui.label(RichText::new(error).color(ui.visuals().error_fg_color));
    }
    command
}

fn fetch_button(ui: &mut Ui, full: &CatalogueEntry<'_>, state: &DownloadState) -> Option<Command> {
    let size = format::bytes(full.download_bytes().saturating_sub(state.kept));
    let label = match (state.kept > 0, &state.error) {
        (true, _) => "Resume",
        (false, Some(_)) => "Retry",
        (false, None) => "Download",
    };
    ui.add(Button::new(format!("{label} ({size})")))
        .on_hover_text(format!(
            "From a public mirror, verified by checksum; {} on disk",
            format::bytes(full.unpacked_bytes())
        ))
        .clicked()
        .then(|| DownloadCommand::Fetch(full.set).into())
}

/// Where a full set is, or how much of it has been downloaded.
fn availability(ui: &mut Ui, full: &CatalogueEntry<'_>, state: &DownloadState, images: &str) {
    match &state.availability {
        None => {
            ui.spinner();
            ui.label("searching…");
        }
        Some(Availability::Found(folder)) => {
            ui.label(format!("{images}, on this machine"))
                .on_hover_text(folder.display().to_string());
        }
        Some(Availability::PickleOnly(folder)) => {
            ui.label("on this machine only as Python pickles, which CRE Lab does not read")
                .on_hover_text(folder.display().to_string());
        }
        Some(Availability::Missing) if state.kept > 0 => {
            ui.label(format!(
                "{images}, {} of {} downloaded",
                format::bytes(state.kept),
                format::bytes(full.download_bytes())
            ));
        }
        Some(Availability::Missing) => {
            ui.label(format!("{images}, not on this machine"));
        }
    }
}

fn progress(ui: &mut Ui, running: &RunningDownload) {
    let bar = match &running.progress {
        Some(progress) if progress.total > 0 => {
            let done = progress.received as f32 / progress.total as f32;
            ProgressBar::new(done).text(format!(
                "{} of {}",
                format::bytes(progress.received),
                format::bytes(progress.total)
            ))
        }
        _ => ProgressBar::new(0.0),
    };
    ui.add(bar.desired_height(18.0));
}

/// Speed, remaining time and source of a download.
fn detail(ui: &mut Ui, running: &RunningDownload) {
    let now = Instant::now();
    // A silent connection sends no event that would repaint the window.
    ui.ctx().request_repaint_after(Duration::from_secs(1));
    let text = match &running.progress {
        _ if running.is_stopping() => "stopping…".to_owned(),
        None => "starting…".to_owned(),
        Some(progress) => match (
            progress.stage,
            running.throughput.speed(now),
            running.time_left(now),
        ) {
            (Stage::Connecting, ..) => format!("connecting to {}", progress.host),
            (Stage::Checking, ..) => "verifying checksums".to_owned(),
            _ if running.throughput.is_silent(now) => format!("waiting for {}", progress.host),
            (Stage::Receiving, Some(speed), Some(left)) => format!(
                "{}/s, {} left, from {}",
                format::bytes(speed as u64),
                clock(left),
                progress.host
            ),
            (Stage::Receiving, ..) => format!("from {}", progress.host),
        },
    };
    ui.horizontal(|ui| {
        ui.add_space(NAME_WIDTH + ui.spacing().item_spacing.x);
        ui.label(RichText::new(text).size(CAPTION));
    });
}

/// The button for other images, and where downloads go.
fn footer(ui: &mut Ui, state: &State, commands: &mut Commands) {
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        if clicked(
            ui,
            Button::new("Open folder of images…"),
            "Files of MNIST or CIFAR-10, or one folder of images per class",
        ) {
            commands.push(DataCommand::ChooseFolder);
        }
        if let Some(folder) = state.downloads.locator.download_root() {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let text = RichText::new(format!("Downloads go to {}", folder.display()));
                ui.add(egui::Label::new(text.size(CAPTION).weak()).truncate())
                    .on_hover_text(
                        "“cre-lab data fetch” uses the same folder; set $CRE_LAB_DATA to change it",
                    );
            });
        }
    });
}
