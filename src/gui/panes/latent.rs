//! The big stage: the latent cloud, and what the pointer finds in it.

use eframe::egui::{self, ComboBox, RichText, Slider, Ui, vec2};

use super::{drawing, header};
use crate::{
    gui::{
        images,
        scatter::{CloudView, Scatter},
        state::{ProbeSelection, RunView, State},
        textures::{Images, TextureCache},
        theme,
    },
    model::LatentLayout,
    train::{Alignment, Snapshot, TokenView},
};

/// State of the pane.
pub struct Latent {
    pub scatter: Scatter,
    canvas: Option<egui::Id>,
}

impl Latent {
    pub fn new(scatter: Scatter) -> Self {
        Self {
            scatter,
            canvas: None,
        }
    }

    /// The widget that takes arrow keys for the camera and leaves the other keys alone.
    pub fn canvas(&self) -> Option<egui::Id> {
        self.canvas
    }

    /// Shows the pane; returns the response of its grip.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        session: &mut State,
        textures: &mut TextureCache,
    ) -> egui::Response {
        let grip = header(ui, "Latent z", |ui| {
            cloud_size(ui, session);
            token_view(ui, session);
        });
        let Some(run) = session.run() else {
            ui.centered_and_justified(|ui| ui.weak("Preparing the first run…"));
            return grip;
        };
        let snapshot = run.shown().snapshot.as_ref();
        self.scatter.part = snapshot.and_then(|snapshot| part_shown(run, snapshot));
        let seen = seen(run, run.place(), self.scatter.preferences.align);
        let output = self
            .scatter
            .ui(ui, seen.as_ref(), &run.dataset, session.selected());
        self.canvas = output.canvas;
        if let (Some(point), Some(snapshot)) = (output.hovered, &run.shown().snapshot) {
            tooltip(ui, run, snapshot, point, textures);
        }
        if let Some(at) = output.own_at {
            drawing::mark(ui, at);
        }
        if output.clicked.is_some() {
            session.select(output.clicked);
        } else if output.background_clicked {
            session.select(None);
        }
        grip
    }
}

fn tooltip(ui: &Ui, run: &RunView, snapshot: &Snapshot, point: usize, textures: &mut TextureCache) {
    let (Some(&image), Some(&predicted)) = (
        snapshot.probe.cloud.get(point),
        snapshot.predicted.get(point),
    ) else {
        return;
    };
    let (test, shape) = (&run.dataset.test, run.dataset.shape);
    if image as usize >= test.len() {
        return;
    }
    let picture = Images::Test((&run.dataset).into(), image);
    let truth = test.label(image as usize);
    let name = |class: u8| class_name(run, class);
    egui::Tooltip::always_open(
        ui.ctx().clone(),
        ui.layer_id(),
        ui.scope_id().with("hovered point"),
        egui::PopupAnchor::Pointer,
    )
    .gap(12.0)
    .show(|ui| {
        ui.horizontal(|ui| {
            let size = images::crisp_size(ui, shape, images::crisp_scale(ui, shape, 84.0));
            let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
            textures.paint(ui, &picture, 0, images::snapped(ui, rect));
            ui.vertical(|ui| {
                ui.horizontal(|ui| {
                    swatch(ui, truth);
                    ui.label(RichText::new(name(truth)).strong());
                });
                if predicted == truth {
                    ui.label("predicted right");
                } else {
                    ui.colored_label(
                        ui.visuals().error_fg_color,
                        format!("predicted {}", name(predicted)),
                    );
                }
                ui.label(
                    RichText::new(latent_text(run, snapshot, point))
                        .monospace()
                        .size(12.0),
                );
                ui.weak(format!("test image {image}"));
            });
        });
    });
}

/// The cloud of a lane, in the company of all others.
pub fn seen(run: &RunView, place: usize, align: bool) -> Option<CloudView<'_>> {
    let snapshot = run.lanes().get(place)?.snapshot.as_ref()?;
    if !run.is_spectrum() {
        return Some(CloudView::alone(snapshot));
    }
    let turn = |place: usize| {
        if align {
            run.turn(place)
        } else {
            Alignment::default()
        }
    };
    let lanes = run.lanes().iter().enumerate();
    Some(CloudView {
        snapshot,
        alignment: turn(place),
        reference_clouds: lanes
            .filter_map(|(place, lane)| Some((lane.snapshot.as_ref()?, turn(place))))
            .collect(),
        aligned: align,
        name: run.name(place),
    })
}

/// How many images of each class the cloud shows.
fn cloud_size(ui: &mut Ui, session: &mut State) {
    let Some(run) = session.run() else { return };
    let most = ProbeSelection::most_per_class(&run.dataset).max(1);
    let mut sample = session.probe_selection();
    sample.cloud_per_class = sample.cloud_per_class.min(most);
    let tip = "Test images of each class in the cloud; all of them at the right end";
    ui.spacing_mut().slider_width = 90.0;
    let slider = ui.add(
        Slider::new(&mut sample.cloud_per_class, 5.min(most)..=most)
            .logarithmic(true)
            .smart_aim(false),
    );
    let changed = slider.changed();
    let label = ui.label("images a class");
    slider.labelled_by(label.id).on_hover_text(tip);
    if changed {
        session.set_probe_selection(sample);
    }
}

/// Patch tokens of an image; none where z is not made of tokens.
fn patches(run: &RunView) -> Option<usize> {
    match run.layout()? {
        LatentLayout::Tokens { count, .. } => Some(count.saturating_sub(1)),
        LatentLayout::Units(_) | LatentLayout::Map { .. } => None,
    }
}

/// What a cloud shows of z: of a transformer's z, which is made of tokens, only a part.
fn part_shown(run: &RunView, snapshot: &Snapshot) -> Option<String> {
    let patches = patches(run)?;
    let view = match snapshot.probe.tokens {
        TokenView::Token(token) => TokenView::Token(token.min(patches)),
        TokenView::MeanPatch => TokenView::MeanPatch,
    };
    Some(view.to_string())
}

/// Which part of a z made of tokens the cloud shows.
fn token_view(ui: &mut Ui, session: &mut State) {
    let Some(patches) = session.run().and_then(patches) else {
        return;
    };
    let mut sample = session.probe_selection();
    if let TokenView::Token(token) = &mut sample.tokens {
        *token = (*token).min(patches);
    }
    let tip = "What the cloud shows of z: the mean over the patches, which the classifier reads, the class token, or a single patch";
    ui.add_space(8.0);
    let combo = ComboBox::from_id_salt("token view")
        .selected_text(sample.tokens.to_string())
        .width(130.0)
        .show_ui(ui, |ui| {
            let tokens = (0..=patches).map(TokenView::Token);
            for view in std::iter::once(TokenView::MeanPatch).chain(tokens) {
                ui.selectable_value(&mut sample.tokens, view, view.to_string());
            }
        });
    let label = ui.label("Token");
    combo.response.labelled_by(label.id).on_hover_text(tip);
    session.set_probe_selection(sample);
}

/// A small disc in the colour of a class.
pub fn swatch(ui: &mut Ui, class: u8) {
    let (rect, _) = ui.allocate_exact_size(vec2(12.0, 12.0), egui::Sense::hover());
    ui.painter()
        .circle_filled(rect.center(), 5.0, theme::class(class));
}

/// What people call a class.
pub fn class_name(run: &RunView, class: u8) -> &str {
    run.dataset
        .class_names
        .get(usize::from(class))
        .map_or("?", String::as_str)
}

/// z of a point: all of it up to six units, else its beginning; of a large one its size.
fn latent_text(run: &RunView, snapshot: &Snapshot, point: usize) -> String {
    const SHOWN: usize = 6;
    let n = snapshot.latent_size;
    let name = part_shown(run, snapshot).unwrap_or_else(|| "z".to_owned());
    if n > Snapshot::LATENT_SHOWN {
        return format!("{name} of {n} values");
    }
    let z = snapshot
        .latents
        .get(point * n..(point + 1) * n)
        .unwrap_or_default();
    let numbers: Vec<String> = z.iter().take(SHOWN).map(|x| format!("{x:.2}")).collect();
    let more = if n > SHOWN { ", …" } else { "" };
    format!("{name} = ({}{more})", numbers.join(", "))
}
