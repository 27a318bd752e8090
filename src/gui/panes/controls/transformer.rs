//! The sizes of a vision transformer.

use eframe::egui::{DragValue, Ui};

use super::settings::{choice, number};
use crate::model::{ModelSpec, PatchGrid, VitOptions};

/// Rows of a grid of settings; `plans`, at least one, tell all images that the network is for.
pub fn ui(ui: &mut Ui, vit: &mut VitOptions, plans: &[ModelSpec]) {
    patch(ui, vit, plans);
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

/// Only patches that tile all images are offered.
fn patch(ui: &mut Ui, vit: &mut VitOptions, plans: &[ModelSpec]) {
    let sides = VitOptions::PATCHES.map(Some);
    let options: Vec<Option<usize>> = std::iter::once(None)
        .chain(sides)
        .filter(|side| cut(*side, plans).is_some())
        .collect();
    choice(
        ui,
        "Patch",
        "Pixels of a patch; every patch becomes a token",
        &mut vit.patch,
        &options,
        |patch| name(patch, plans),
    );
}

/// How all images are cut; none where some cannot be.
fn cut(patch: Option<usize>, plans: &[ModelSpec]) -> Option<Vec<PatchGrid>> {
    let vit = VitOptions {
        patch,
        ..VitOptions::default()
    };
    let cut = |plan: &ModelSpec| vit.patch_grid(plan.shape).ok();
    plans.iter().map(cut).collect()
}

/// A choice of patches in words.
fn name(patch: Option<usize>, plans: &[ModelSpec]) -> String {
    let Some(patches) = cut(patch, plans) else {
        return patch.map_or("none fits".to_owned(), |side| {
            format!("{side}×{side} does not fit")
        });
    };
    let all = |text: fn(&PatchGrid) -> String| {
        let mut texts: Vec<String> = patches.iter().map(text).collect();
        texts.dedup();
        texts.join(" and ")
    };
    match patch {
        None => format!(
            "as in the paper, {}",
            all(|patches| format!("{0}×{0}", patches.side))
        ),
        Some(side) => {
            let counts = all(|patches| patches.count().to_string());
            format!("{side}×{side}, {counts} of them")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::ImageShape, train::RunConfig};

    #[test]
    fn a_patch_must_tile_the_images_of_every_data_set() {
        let plans = [ImageShape::GREY_28, ImageShape::COLOUR_32]
            .map(|shape| RunConfig::default().model_spec(shape, 10));
        let named = |patch, plans| name(patch, plans);
        assert_eq!(named(None, &plans[..]), "as in the paper, 7×7 and 4×4");
        assert_eq!(named(Some(4), &plans), "4×4, 49 and 64 of them");
        assert_eq!(named(Some(7), &plans), "7×7 does not fit");
        assert_eq!(named(Some(7), &plans[..1]), "7×7, 16 of them");
        assert!(cut(Some(7), &plans).is_none() && cut(Some(7), &plans[..1]).is_some());
    }
}
