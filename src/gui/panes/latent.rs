//! The pane of the latent cloud, with details of the point under the pointer.

use eframe::egui::{self, ComboBox, Response, RichText, Slider, Ui};

use super::{Pane, PaneContext, PaneId, PaneSetup, header};
use crate::{
    gui::{
        commands::{Commands, ProbeCommand},
        images,
        keymap::{self, KeyUse},
        scatter::CloudView,
        state::{ProbeSelection, RunView, State},
        textures::{Images, TextureCache},
        widgets::{class_name, mark, swatch, verdict},
    },
    model::LatentLayout,
    train::{Alignment, Snapshot, TokenView},
};

/// The pane; what it shows is shared with the small clouds.
pub struct LatentPane;

impl LatentPane {
    pub fn new(_: &PaneSetup<'_>) -> Self {
        Self
    }
}

impl Pane for LatentPane {
    fn ui(&mut self, ui: &mut Ui, context: &mut PaneContext<'_>) -> Response {
        let state = context.state;
        context.view.latent_rect = ui.max_rect();
        let handle = header(ui, PaneId::Latent, |ui| {
            cloud_size(ui, state, context.commands);
            token_view(ui, state, context.commands);
        });
        let Some(run) = state.run.view() else {
            ui.centered_and_justified(|ui| ui.weak("Preparing the first run…"));
            return handle;
        };
        let snapshot = run.shown().snapshot.as_ref();
        let scatter = &mut context.view.scatter;
        scatter.part = snapshot.and_then(|snapshot| token_name(run, snapshot));
        let cloud = cloud_view(run, run.shown_index(), scatter.preferences.align);
        let selected = state.probe.selected;
        let output = scatter.ui(ui, cloud.as_ref(), &run.dataset, selected);
        if let (Some(point), Some(snapshot)) = (output.hovered, snapshot) {
            tooltip(ui, run, snapshot, point, context.textures);
        }
        if let Some(pos) = output.own_at {
            mark(ui, pos, "yours");
        }
        if output.clicked.is_some() {
            context.commands.push(ProbeCommand::Select(output.clicked));
        } else if output.background_clicked && selected.is_some() {
            context.commands.push(ProbeCommand::Select(None));
        }
        handle
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
                let verdict = verdict(truth, predicted, name(predicted));
                if predicted == truth {
                    ui.label(verdict);
                } else {
                    ui.colored_label(ui.visuals().error_fg_color, verdict);
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

/// The cloud of a network, in the same box as those of all others.
pub fn cloud_view(run: &RunView, index: usize, align: bool) -> Option<CloudView<'_>> {
    let snapshot = run.lanes().get(index)?.snapshot.as_ref()?;
    if !run.is_spectrum() {
        return Some(CloudView::alone(snapshot));
    }
    let alignment = |index: usize| {
        if align {
            run.alignment(index)
        } else {
            Alignment::default()
        }
    };
    let lanes = run.lanes().iter().enumerate();
    Some(CloudView {
        snapshot,
        alignment: alignment(index),
        reference_clouds: lanes
            .filter_map(|(index, lane)| Some((lane.snapshot.as_ref()?, alignment(index))))
            .collect(),
        aligned: align,
        name: run.lane_name(index),
    })
}

fn cloud_size(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let Some(run) = state.run.view() else { return };
    let max = ProbeSelection::max_per_class(&run.dataset).max(1);
    let mut selection = state.probe.selection;
    selection.cloud_per_class = selection.cloud_per_class.min(max);
    let tip = "Test images per class in the cloud; all of them at the right end";
    ui.spacing_mut().slider_width = 90.0;
    let slider = ui.add(
        Slider::new(&mut selection.cloud_per_class, 5.min(max)..=max)
            .logarithmic(true)
            .smart_aim(false),
    );
    keymap::declare(&slider, KeyUse::Arrows);
    let changed = slider.changed();
    let label = ui.label("per class");
    slider.labelled_by(label.id).on_hover_text(tip);
    if changed {
        commands.push(ProbeCommand::SetSelection(selection));
    }
}

/// Number of patch tokens per image; `None` where z is not made of tokens.
fn patches(run: &RunView) -> Option<usize> {
    match run.layout()? {
        LatentLayout::Tokens { count, .. } => Some(count.saturating_sub(1)),
        LatentLayout::Units(_) | LatentLayout::Map { .. } => None,
    }
}

/// The part of z that the cloud shows, where z is made of tokens.
fn token_name(run: &RunView, snapshot: &Snapshot) -> Option<String> {
    let patches = patches(run)?;
    let view = match snapshot.probe.tokens {
        TokenView::Token(token) => TokenView::Token(token.min(patches)),
        TokenView::MeanPatch => TokenView::MeanPatch,
    };
    Some(view.to_string())
}

/// The choice of the part of z that the cloud shows.
fn token_view(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let Some(patches) = state.run.view().and_then(patches) else {
        return;
    };
    let mut selection = state.probe.selection;
    if let TokenView::Token(token) = &mut selection.tokens {
        *token = (*token).min(patches);
    }
    let tip = "The part of z that the cloud shows: the mean over the patches, which is the input of the classifier, the class token, or a single patch";
    ui.add_space(8.0);
    let combo = ComboBox::from_id_salt("token view")
        .selected_text(selection.tokens.to_string())
        .width(130.0)
        .show_ui(ui, |ui| {
            let tokens = (0..=patches).map(TokenView::Token);
            for view in std::iter::once(TokenView::MeanPatch).chain(tokens) {
                ui.selectable_value(&mut selection.tokens, view, view.to_string());
            }
        });
    let label = ui.label("Token");
    combo.response.labelled_by(label.id).on_hover_text(tip);
    if selection != state.probe.selection {
        commands.push(ProbeCommand::SetSelection(selection));
    }
}

/// The values of z at a point, at most six of them; of a large z only its size.
fn latent_text(run: &RunView, snapshot: &Snapshot, point: usize) -> String {
    const SHOWN: usize = 6;
    let n = snapshot.latent_size;
    let name = token_name(run, snapshot).unwrap_or_else(|| "z".to_owned());
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
