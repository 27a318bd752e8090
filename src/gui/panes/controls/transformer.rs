//! The sizes of a vision transformer.

use eframe::egui::{DragValue, Ui};

use crate::{
    gui::widgets::{choice, labelled, number},
    model::{ModelSpec, PatchGrid, VitOptions},
};

/// Rows of a grid of settings; `specs`, at least one, describe all images that the network is for.
pub fn ui(ui: &mut Ui, vit: &mut VitOptions, specs: &[ModelSpec]) {
    patch(ui, vit, specs);
    let tooltip = "Values per token, a multiple of 4 that the heads divide";
    labelled(ui, "Embedding", tooltip, |ui, _| {
        ui.add(
            DragValue::new(&mut vit.embed)
                .range(VitOptions::EMBEDS)
                .speed(0.5)
                .custom_parser(|text| text.trim().parse().ok()),
        )
    });
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
        "Attention heads of a block, which share the embedding equally",
        &mut vit.heads,
        VitOptions::HEADS,
    );
    number(
        ui,
        "MLP ratio",
        "Hidden units of a block's MLP per value of a token",
        &mut vit.mlp_ratio,
        VitOptions::MLP_RATIOS,
    );
    let tooltip = "Share of patches that training hides from the encoder. The decoder reconstructs them, and only they count in the training MSE. Tests hide none";
    labelled(ui, "Mask ratio", tooltip, |ui, _| {
        ui.add(
            DragValue::new(&mut vit.mask_ratio)
                .range(0.0..=0.95)
                .speed(0.01)
                .fixed_decimals(2),
        )
    });
}

/// Only patches that tile all images are offered.
fn patch(ui: &mut Ui, vit: &mut VitOptions, specs: &[ModelSpec]) {
    let sides = VitOptions::PATCHES.map(Some);
    let options: Vec<Option<usize>> = std::iter::once(None)
        .chain(sides)
        .filter(|side| cut(*side, specs).is_some())
        .collect();
    choice(
        ui,
        "Patch",
        "Pixels of a patch; every patch becomes a token",
        &mut vit.patch,
        &options,
        |patch| name(patch, specs),
    );
}

/// How the images of all data sets are cut; `None` where some cannot be.
fn cut(patch: Option<usize>, specs: &[ModelSpec]) -> Option<Vec<PatchGrid>> {
    let vit = VitOptions {
        patch,
        ..VitOptions::default()
    };
    let cut = |spec: &ModelSpec| vit.patch_grid(spec.shape).ok();
    specs.iter().map(cut).collect()
}

/// The text of a choice of patches.
fn name(patch: Option<usize>, specs: &[ModelSpec]) -> String {
    let Some(patches) = cut(patch, specs) else {
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
        let specs = [ImageShape::GREY_28, ImageShape::COLOUR_32]
            .map(|shape| RunConfig::default().model_spec(shape, 10));
        let named = |patch, specs| name(patch, specs);
        assert_eq!(named(None, &specs[..]), "as in the paper, 7×7 and 4×4");
        assert_eq!(named(Some(4), &specs), "4×4, 49 and 64 of them");
        assert_eq!(named(Some(7), &specs), "7×7 does not fit");
        assert_eq!(named(Some(7), &specs[..1]), "7×7, 16 of them");
        assert!(cut(Some(7), &specs).is_none() && cut(Some(7), &specs[..1]).is_some());
    }
}
