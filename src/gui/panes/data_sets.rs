//! The window of data sets: which are built in, which are on this machine, which can be had.

use std::time::{Duration, Instant};

use eframe::egui::{
    self, Align, Align2, Button, Context, Frame, Layout, Margin, ProgressBar, RichText, Sense, Ui,
    Window, vec2,
};

use super::inspector::CAPTION;
use crate::{
    data::{
        BundledSet, DataSource, bundle, catalogue::CatalogueEntry, fetch::Stage,
        locator::Availability,
    },
    format::{self, clock, count},
    gui::{
        images,
        state::{
            State,
            downloads::{DownloadState, Running},
        },
        textures::{Images, TextureCache},
    },
};

/// Width of the window's content, in points.
const WIDTH: f32 = 590.0;
/// Where it begins, in points below the window's top.
const TOP: f32 = 110.0;
/// Width of an example, in points.
const EXAMPLE: f32 = 30.0;

/// Width of the names at the left of lines.
const NAME: f32 = 52.0;
/// Least width of the buttons at the right.
const BUTTON: f32 = 62.0;

/// State of the window.
#[derive(Default)]
pub struct DataSets {
    /// Whether it is shown.
    pub open: bool,
    was_open: bool,
}

/// What a button asks for.
enum Wish {
    Use(DataSource),
    Fetch,
    Stop,
    Reveal,
}

impl DataSets {
    /// Shows the window while it is open.
    pub fn ui(&mut self, ctx: &Context, session: &mut State, textures: &mut TextureCache) {
        if self.open && !self.was_open {
            session.downloads_mut().look();
        }
        self.was_open = self.open;
        if !self.open {
            return;
        }
        let mut open = true;
        Window::new("Data sets")
            .id(egui::Id::unique("data sets"))
            .open(&mut open)
            .resizable(false)
            // It grows downwards, away from the hand that presses its buttons.
            .pivot(Align2::CENTER_TOP)
            .default_pos(ctx.content_rect().center_top() + vec2(0.0, TOP))
            .show(ctx, |ui| {
                ui.set_width(WIDTH);
                for set in BundledSet::ALL {
                    data_set(ui, session, textures, set);
                }
                others(ui, session);
            });
        self.open = open;
    }
}

fn data_set(ui: &mut Ui, session: &mut State, textures: &mut TextureCache, set: BundledSet) {
    let frame = Frame::new()
        .fill(ui.visuals().faint_bg_color)
        .stroke(ui.visuals().widgets.noninteractive.bg_stroke)
        .corner_radius(6)
        .inner_margin(Margin::symmetric(12, 8));
    let wish = frame
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            let state = session.downloads().state(set);
            heading(ui, textures, set, state);
            ui.add_space(4.0);
            let in_use = session.run().map(|run| &run.source);
            let sample = sample(ui, set, in_use);
            let full = session.downloads().shelf().entry(set);
            let full = full.and_then(|full| full_set(ui, full, state, in_use));
            sample.or(full)
        })
        .inner;
    match wish {
        None => {}
        Some(Wish::Use(source)) => session.apply(session.config().clone(), source),
        Some(Wish::Fetch) => session.downloads_mut().fetch(set),
        Some(Wish::Stop) => session.downloads_mut().stop(set),
        Some(Wish::Reveal) => session.downloads_mut().reveal(set),
    }
}

/// Name, size, and an image of each class.
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
        let size = images::crisp_size(ui, shape, images::crisp_scale(ui, shape, EXAMPLE));
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

/// A line with a name at its left and buttons at its right.
fn line(
    ui: &mut Ui,
    name: &str,
    state: impl FnOnce(&mut Ui),
    buttons: impl FnOnce(&mut Ui) -> Option<Wish>,
) -> Option<Wish> {
    ui.horizontal(|ui| {
        let size = vec2(NAME, ui.spacing().interact_size.y);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_width(NAME);
            ui.weak(name);
        });
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let wish = buttons(ui);
            ui.with_layout(Layout::left_to_right(Align::Center), state);
            wish
        })
        .inner
    })
    .inner
}

fn use_button(ui: &mut Ui, source: DataSource, in_use: Option<&DataSource>) -> Option<Wish> {
    let is_used = in_use == Some(&source);
    let button = Button::new(if is_used { "In use" } else { "Use" });
    let tip = match &source {
        DataSource::Full(set) => format!("Begin a new run with all images of {set}"),
        _ => "Begin a new run with this sample".to_owned(),
    };
    let response = ui
        .add_enabled(!is_used, button.min_size(vec2(BUTTON, 0.0)))
        .on_hover_text(tip)
        .on_disabled_hover_text("The run in hand learns from it");
    response.clicked().then_some(Wish::Use(source))
}

fn sample(ui: &mut Ui, set: BundledSet, in_use: Option<&DataSource>) -> Option<Wish> {
    line(
        ui,
        "Sample",
        |ui| {
            let [train, test] = bundle::image_counts(set);
            ui.label(format!(
                "built in, {} + {} images",
                count(train),
                count(test)
            ))
            .on_hover_text("Images to learn from + images to measure with");
        },
        |ui| use_button(ui, DataSource::Bundled(set), in_use),
    )
}

fn full_set(
    ui: &mut Ui,
    full: &CatalogueEntry<'_>,
    state: &DownloadState,
    in_use: Option<&DataSource>,
) -> Option<Wish> {
    let [train, test] = full.images;
    let images = format!("{} + {} images", count(train), count(test));
    let wish = if let Some(running) = &state.running {
        line(
            ui,
            "Full set",
            |ui| progress(ui, running),
            |ui| {
                let stop = Button::new("Stop").min_size(vec2(BUTTON, 0.0));
                ui.add_enabled(!running.is_stopping, stop)
                    .on_hover_text(
                        "What has arrived is kept, and the download can go on from there",
                    )
                    .clicked()
                    .then_some(Wish::Stop)
            },
        )
    } else {
        line(
            ui,
            "Full set",
            |ui| {
                standing(ui, full, state, &images);
            },
            |ui| match &state.standing {
                None => None,
                Some(Availability::Found(_)) => {
                    let used = use_button(ui, DataSource::Full(full.set), in_use);
                    let reveal = ui.button("Open folder").on_hover_text("Show its files");
                    used.or(reveal.clicked().then_some(Wish::Reveal))
                }
                Some(Availability::PickleOnly(_) | Availability::Missing) => {
                    fetch_button(ui, full, state)
                }
            },
        )
    };
    if let Some(running) = &state.running {
        detail(ui, running);
    } else if let Some(trouble) = &state.trouble {
        ui.label(RichText::new(trouble).color(ui.visuals().error_fg_color));
    }
    wish
}

fn fetch_button(ui: &mut Ui, full: &CatalogueEntry<'_>, state: &DownloadState) -> Option<Wish> {
    let size = format::bytes(full.download_bytes().saturating_sub(state.kept));
    let label = match (state.kept > 0, &state.trouble) {
        (true, _) => "Resume",
        (false, Some(_)) => "Try again",
        (false, None) => "Download",
    };
    ui.add(Button::new(format!("{label} ({size})")))
        .on_hover_text(format!(
            "From a public mirror; compared with the original, {} on disk",
            format::bytes(full.unpacked_bytes())
        ))
        .clicked()
        .then_some(Wish::Fetch)
}

/// Where a set is, or what of it is here.
fn standing(ui: &mut Ui, full: &CatalogueEntry<'_>, state: &DownloadState, images: &str) {
    match &state.standing {
        None => {
            ui.spinner();
            ui.label("looking for it…");
        }
        Some(Availability::Found(folder)) => {
            ui.label(format!("{images}, on this machine"))
                .on_hover_text(folder.display().to_string());
        }
        Some(Availability::PickleOnly(folder)) => {
            ui.label("here only as Python pickles, which are not read")
                .on_hover_text(folder.display().to_string());
        }
        Some(Availability::Missing) if state.kept > 0 => {
            ui.label(format!(
                "{images}, {} of {} have arrived",
                format::bytes(state.kept),
                format::bytes(full.download_bytes())
            ));
        }
        Some(Availability::Missing) => {
            ui.label(format!("{images}, not on this machine"));
        }
    }
}

fn progress(ui: &mut Ui, running: &Running) {
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

/// Speed, time left, and from where.
fn detail(ui: &mut Ui, running: &Running) {
    let now = Instant::now();
    // Silence sends no message that would wake the window.
    ui.ctx().request_repaint_after(Duration::from_secs(1));
    let text = match &running.progress {
        _ if running.is_stopping => "stopping…".to_owned(),
        None => "begins…".to_owned(),
        Some(progress) => match (progress.stage, running.speed(now), running.left(now)) {
            (Stage::Connecting, ..) => format!("asking {}", progress.host),
            (Stage::Checking, ..) => "comparing with the original".to_owned(),
            _ if running.is_silent(now) => format!("waiting for {}", progress.host),
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
        ui.add_space(NAME + ui.spacing().item_spacing.x);
        ui.label(RichText::new(text).size(CAPTION));
    });
}

/// Other images, and where downloads go.
fn others(ui: &mut Ui, session: &mut State) {
    ui.add_space(4.0);
    ui.horizontal(|ui| {
        let open = ui.button("Open folder of images…").on_hover_text(
            "Official files in another folder, or a sub-folder of pictures for each class",
        );
        if open.clicked() {
            session.open_data_set();
        }
        if let Some(folder) = session.downloads().shelf().download_root() {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let text = RichText::new(format!("Downloads go to {}", folder.display()));
                ui.add(egui::Label::new(text.size(CAPTION).weak()).truncate())
                    .on_hover_text("“cre-lab data fetch” downloads to the same folder; $CRE_LAB_DATA names another");
            });
        }
    });
}
