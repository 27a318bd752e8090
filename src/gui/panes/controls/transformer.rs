//! The sizes of a vision transformer.

use eframe::egui::{DragValue, Ui};

use super::settings::{choice, number};
use crate::model::{Plan, VitOptions};

/// Rows of the settings' grid; `plan` tells the images.
pub fn ui(ui: &mut Ui, vit: &mut VitOptions, plan: &Plan) {
    patch(ui, vit, plan);
    let label = "Embedding";
    let tip = "Values of a token, a multiple of 4; the heads must divide it";
    let label = ui.label(label).on_hover_text(tip);
    ui.add(
        DragValue::new(&mut vit.embed)
            .range(VitOptions::EMBEDS)
            .speed(0.5)
            .custom_parser(|text| text.trim().parse().ok()),
    )
    .labelled_by(label.id)
    .on_hover_text(tip);
    ui.end_row();
    number(
        ui,
        "Depth",
        "Transformer blocks of the encoder, and as many of the decoder",
        &mut vit.depth,
        VitOptions::DEPTHS,
    );
    number(
        ui,
        "Heads",
        "Attention heads of a block; they share the embedding equally",
        &mut vit.heads,
        VitOptions::HEADS,
    );
    number(
        ui,
        "MLP ratio",
        "Hidden units of a block's MLP for each value of a token",
        &mut vit.mlp_ratio,
        VitOptions::MLP_RATIOS,
    );
    let tip = "Share of patches that training hides from the encoder; the decoder rebuilds them, and only they count in the training MSE. Tests hide none";
    let label = ui.label("Mask ratio").on_hover_text(tip);
    ui.add(
        DragValue::new(&mut vit.mask_ratio)
            .range(0.0..=0.95)
            .speed(0.01)
            .fixed_decimals(2),
    )
    .labelled_by(label.id)
    .on_hover_text(tip);
    ui.end_row();
}

/// Only patches that tile the images are offered.
fn patch(ui: &mut Ui, vit: &mut VitOptions, plan: &Plan) {
    let fits = |patch: Option<usize>| {
        let vit = VitOptions {
            patch,
            ..VitOptions::default()
        };
        vit.patches(&Plan { vit, ..*plan }).ok()
    };
    let sides = VitOptions::PATCHES.map(Some);
    let options: Vec<Option<usize>> = std::iter::once(None)
        .chain(sides)
        .filter(|side| fits(*side).is_some())
        .collect();
    let name = |patch: Option<usize>| match (patch, fits(patch)) {
        (None, Some(patches)) => format!("as in the paper, {0}×{0}", patches.side),
        (Some(side), Some(patches)) => format!("{side}×{side}, {} of them", patches.count()),
        (_, None) => "none fits".to_owned(),
    };
    choice(
        ui,
        "Patch",
        "Pixels of a patch; every patch becomes a token",
        &mut vit.patch,
        &options,
        name,
    );
}
