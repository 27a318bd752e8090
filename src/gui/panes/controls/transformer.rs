//! Dimensions of the vision transformer.

use eframe::egui::{DragValue, Ui};

use crate::{
    gui::widgets::{choice, labelled, number},
    model::{ModelSpec, PatchGrid, VitOptions},
};

/// Adds rows to a grid of settings. `specs`, at least one, describe all images that the network is
/// for.
pub fn ui(ui: &mut Ui, vit: &mut VitOptions, specs: &[ModelSpec]) {
    patch_size(ui, vit, specs);
    let tooltip = "Values per token: a multiple of 4 and of the number of heads";
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
    let tooltip = "Share of patches that are hidden from the encoder in training. The decoder reconstructs them, and the training MSE is computed on them alone. Evaluation masks no patches";
    labelled(ui, "Mask ratio", tooltip, |ui, _| {
        ui.add(
            DragValue::new(&mut vit.mask_ratio)
                .range(0.0..=0.95)
                .speed(0.01)
                .fixed_decimals(2),
        )
    });
}

/// Offers only patches that tile all images.
fn patch_size(ui: &mut Ui, vit: &mut VitOptions, specs: &[ModelSpec]) {
    let sides = VitOptions::PATCHES.map(Some);
    let options: Vec<Option<usize>> = std::iter::once(None)
        .chain(sides)
        .filter(|side| patch_grids(*side, specs).is_some())
        .collect();
    choice(
        ui,
        "Patch",
        "Width and height of a patch in pixels; every patch becomes a token",
        &mut vit.patch,
        &options,
        |patch| name(patch, specs),
    );
}

/// The patches of the images of all data sets; `None` where some cannot be divided.
fn patch_grids(patch: Option<usize>, specs: &[ModelSpec]) -> Option<Vec<PatchGrid>> {
    let vit = VitOptions {
        patch,
        ..VitOptions::default()
    };
    let grid = |spec: &ModelSpec| vit.patch_grid(spec.shape).ok();
    specs.iter().map(grid).collect()
}

/// The text of a patch size in the list.
fn name(patch: Option<usize>, specs: &[ModelSpec]) -> String {
    let Some(grids) = patch_grids(patch, specs) else {
        return patch.map_or("none possible".to_owned(), |side| {
            format!("{side}×{side} does not fit")
        });
    };
    let all = |text: fn(&PatchGrid) -> String| {
        let mut texts: Vec<String> = grids.iter().map(text).collect();
        texts.dedup();
        texts.join(" and ")
    };
    match patch {
        None => format!(
            "as in the paper, {}",
            all(|grid| format!("{0}×{0}", grid.side))
        ),
        Some(side) => {
            let counts = all(|grid| grid.count().to_string());
            format!("{side}×{side}, {counts} patches")
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
        assert_eq!(name(None, &specs[..]), "as in the paper, 7×7 and 4×4");
        assert_eq!(name(Some(4), &specs), "4×4, 49 and 64 patches");
        assert_eq!(name(Some(7), &specs), "7×7 does not fit");
        assert_eq!(name(Some(7), &specs[..1]), "7×7, 16 patches");
        assert!(
            patch_grids(Some(7), &specs).is_none() && patch_grids(Some(7), &specs[..1]).is_some()
        );
    }
}
