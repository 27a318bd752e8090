//! The inspector: details of the selected image.

use std::sync::Arc;

use eframe::egui::{self, Align2, Context, RichText, Ui, Window, vec2};

use super::PaneContext;
use crate::{
    gui::{
        commands::ProbeCommand,
        state::RunView,
        textures::{Images, TextureCache},
        theme,
        widgets::{CAPTION, class_name, comparison, probabilities, swatch},
    },
    train::{ImageResult, Snapshot},
};

/// Shows the window while an image is selected.
pub fn ui(ctx: &Context, context: &mut PaneContext<'_>) {
    let state = context.state;
    let Some(image) = state.probe.selected else {
        return;
    };
    let Some(run) = state.run.view() else { return };
    // A snapshot from before the click does not contain the image.
    let shown = run.shown().snapshot.as_ref().and_then(|snapshot| {
        let result = snapshot.selected.as_ref()?;
        (result.index == image).then_some((snapshot, result))
    });
    if image as usize >= run.dataset.test.len() {
        return;
    }
    let mut open = true;
    Window::new("Selected image")
        .id(egui::Id::unique("inspector"))
        .open(&mut open)
        .resizable(false)
        .collapsible(true)
        .pivot(Align2::RIGHT_BOTTOM)
        .default_pos(context.view.latent_rect.right_bottom() - vec2(12.0, 12.0))
        .show(ctx, |ui| match shown {
            Some((snapshot, result)) => content(ui, run, snapshot, result, context.textures),
            None => {
                ui.spinner();
            }
        });
    if !open {
        context.commands.push(ProbeCommand::Select(None));
    }
}

fn content(
    ui: &mut Ui,
    run: &RunView,
    snapshot: &Arc<Snapshot>,
    result: &ImageResult,
    textures: &mut TextureCache,
) {
    let shape = run.dataset.shape;
    let truth = run.dataset.test.label(result.index as usize);
    ui.horizontal(|ui| {
        swatch(ui, truth);
        ui.label(RichText::new(class_name(run, truth)).strong().size(16.0));
        ui.weak(format!("test image {}", result.index));
    });

    let hue = theme::reconstruction(ui.visuals());
    let images = Images::Selected(snapshot.into(), (&run.dataset).into(), hue);
    comparison(ui, textures, Some((&images, result.mse)), shape, "input");
    ui.label(
        RichText::new(latent_text(&result.latent))
            .monospace()
            .size(CAPTION),
    );
    ui.separator();
    probabilities(ui, run, Some(result), Some(truth));
}

fn latent_text(latent: &[f32]) -> String {
    const SHOWN: usize = 8;
    let numbers: Vec<String> = latent
        .iter()
        .take(SHOWN)
        .map(|x| format!("{x:.3}"))
        .collect();
    let more = latent.len().saturating_sub(SHOWN);
    let more = if more > 0 {
        format!(", … {more} more")
    } else {
        String::new()
    };
    format!("z = ({}{more})", numbers.join(", "))
}
