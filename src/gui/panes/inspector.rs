//! The card of the selected image.

use std::sync::Arc;

use eframe::egui::{
    self, Align2, Context, FontId, Grid, Rect, RichText, ScrollArea, Sense, Ui, Window, pos2, vec2,
};

use super::latent::{class_name, swatch};
use crate::{
    gui::{
        images,
        state::{RunView, State},
        textures::{Images, TextureCache},
        theme,
    },
    train::{ImageResult, Snapshot},
};

/// Size of the words under a picture, in points.
pub const CAPTION: f32 = 12.0;
/// Height of the bars of all classes, in points: ten of them fit.
const PROBABILITIES: f32 = 220.0;

/// Shows the card while an image is selected.
pub fn ui(ctx: &Context, session: &mut State, textures: &mut TextureCache, home: Rect) {
    let Some(image) = session.selected() else {
        return;
    };
    let Some(run) = session.run() else { return };
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
        .default_pos(home.right_bottom() - vec2(12.0, 12.0))
        .show(ctx, |ui| match shown {
            Some((snapshot, reading)) => content(ui, run, snapshot, reading, textures),
            None => {
                ui.spinner();
            }
        });
    if !open {
        session.select(None);
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

/// One bar for each class; the answer is marked as right or wrong where the truth is known. More classes
/// than fit scroll.
pub fn probabilities(ui: &mut Ui, run: &RunView, reading: &ImageResult, truth: Option<u8>) {
    ScrollArea::vertical()
        .id_salt("probabilities")
        .max_height(PROBABILITIES)
        .show(ui, |ui| bars(ui, run, reading, truth));
}

fn bars(ui: &mut Ui, run: &RunView, reading: &ImageResult, truth: Option<u8>) {
    let (predicted, _) = reading.predicted();
    Grid::new("probabilities")
        .num_columns(3)
        .min_row_height(15.0)
        .spacing(vec2(8.0, 1.0))
        .show(ui, |ui| {
            for (class, &probability) in (0..=u8::MAX).zip(&reading.probabilities) {
                let mut name = RichText::new(class_name(run, class)).size(12.5);
                if truth == Some(class) {
                    name = name.strong();
                }
                ui.label(name);
                bar(
                    ui,
                    probability,
                    class == predicted,
                    truth.is_none_or(|truth| truth == predicted),
                );
                let percent = format!("{:.1} %", probability * 100.0);
                ui.label(RichText::new(percent).font(FontId::monospace(11.5)));
                ui.end_row();
            }
        });
}

fn bar(ui: &mut Ui, probability: f32, is_answer: bool, is_right: bool) {
    let visuals = ui.visuals().clone();
    let (rect, response) = ui.allocate_exact_size(vec2(120.0, 10.0), Sense::hover());
    let colour = match (is_answer, is_right) {
        (true, false) => visuals.error_fg_color,
        (true, true) => theme::classification(&visuals),
        (false, _) => theme::classification(&visuals).gamma_multiply(0.55),
    };
    let painter = ui.painter();
    painter.rect_filled(rect, 3.0, visuals.extreme_bg_color);
    let filled = Rect::from_min_max(
        rect.min,
        pos2(
            rect.left() + rect.width() * probability.clamp(0.0, 1.0),
            rect.bottom(),
        ),
    );
    painter.rect_filled(filled, 3.0, colour);
    response.widget_info(|| {
        let mut info = egui::WidgetInfo::new(egui::Role::ProgressIndicator);
        info.value = Some(f64::from(probability));
        info
    });
}
