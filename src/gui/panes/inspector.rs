//! The card of the selected image.

use std::sync::Arc;

use eframe::egui::{self, Align2, Context, RichText, Sense, Ui, Window, vec2};

use super::PaneContext;
use crate::{
    gui::{
        commands::ProbeCommand,
        images,
        state::RunView,
        textures::{Images, TextureCache},
        theme,
        widgets::{CAPTION, class_name, probabilities, swatch},
    },
    train::{ImageResult, Snapshot},
};

/// Shows the card while an image is selected.
pub fn ui(ctx: &Context, context: &mut PaneContext<'_>) {
    let PaneContext {
        state,
        commands,
        textures,
        view,
    } = context;
    let Some(image) = state.probe.selected() else {
        return;
    };
    let Some(run) = state.run.view() else { return };
    // A snapshot made before the click does not know the image yet.
    let shown = run.shown().snapshot.as_ref().and_then(|snapshot| {
        let reading = snapshot.selected.as_ref()?;
        (reading.index == image).then_some((snapshot, reading))
    });
    if image as usize >= run.dataset.test.len() {
        return;
    }
    let mut open = true;
    Window::new("Selected image")
        .id(egui::Id::unique("card"))
        .open(&mut open)
        .resizable(false)
        .collapsible(true)
        .pivot(Align2::RIGHT_BOTTOM)
        .default_pos(view.latent_rect.right_bottom() - vec2(12.0, 12.0))
        .show(ctx, |ui| match shown {
            Some((snapshot, reading)) => content(ui, run, snapshot, reading, textures),
            None => {
                ui.spinner();
            }
        });
    if !open {
        commands.push(ProbeCommand::Select(None));
    }
}

fn content(
    ui: &mut Ui,
    run: &RunView,
    snapshot: &Arc<Snapshot>,
    reading: &ImageResult,
    textures: &mut TextureCache,
) {
    let visuals = ui.visuals().clone();
    let shape = run.dataset.shape;
    let truth = run.dataset.test.label(reading.index as usize);
    ui.horizontal(|ui| {
        swatch(ui, truth);
        ui.label(RichText::new(class_name(run, truth)).strong().size(16.0));
        ui.weak(format!("test image {}", reading.index));
    });

    let hue = theme::reconstruction(&visuals);
    let images = Images::Selected(snapshot.into(), (&run.dataset).into(), hue);
    let size = images::crisp_size(ui, shape, images::crisp_scale(ui, shape, 90.0));
    ui.horizontal(|ui| {
        for (tile, name) in ["input", "reconstruction", "|difference|"]
            .into_iter()
            .enumerate()
        {
            ui.vertical(|ui| {
                let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
                textures.paint(ui, &images, tile, images::snapped(ui, rect));
                ui.label(RichText::new(name).size(CAPTION));
            });
        }
    });
    ui.label(
        RichText::new(format!("MSE {:.4}", reading.mse)).color(theme::reconstruction(&visuals)),
    )
    .on_hover_text("Squared error, mean over the pixels, in [−1, 1] units");
    ui.label(
        RichText::new(latent_text(&reading.latent))
            .monospace()
            .size(CAPTION),
    );
    ui.separator();
    probabilities(ui, run, reading, Some(truth));
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
