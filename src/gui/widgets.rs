//! Small widgets that several panes use.

use std::ops::RangeInclusive;

use eframe::{
    egui::{
        self, Button, Color32, ComboBox, DragValue, FontId, Grid, Painter, Pos2, Rect, Response,
        RichText, ScrollArea, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2,
    },
    emath::Numeric,
};

use super::{
    actions::ActionId,
    commands::Commands,
    images,
    state::{RunView, State},
    textures::{Images, TextureCache},
    theme,
};
use crate::{
    data::{DataSource, ImageShape},
    train::ImageResult,
};

/// Font size of captions below images, in points.
pub const CAPTION: f32 = 12.0;
/// Height of the list of probabilities, in points: ten classes fit.
const PROBABILITIES: f32 = 220.0;

/// Width of a text in one line, in points.
pub fn text_width(painter: &Painter, text: &str, font: FontId) -> f32 {
    let galley = painter.layout_no_wrap(text.to_owned(), font, Color32::PLACEHOLDER);
    galley.size().x
}

// ---- classes ----

/// The marker of a class in its colour.
pub fn swatch(ui: &mut Ui, class: u8) {
    let (rect, _) = ui.allocate_exact_size(vec2(12.0, 12.0), Sense::hover());
    let style = (theme::class(class), Stroke::NONE);
    theme::class_marker(ui.painter(), rect.center(), 5.0, class, style);
}

/// The name of a class of the run's data set.
pub fn class_name(run: &RunView, class: u8) -> &str {
    run.dataset
        .class_names
        .get(usize::from(class))
        .map_or("?", String::as_str)
}

/// Whether an image is classified correctly, and if not, as what: "taken for 7".
pub fn verdict(truth: u8, predicted: u8, predicted_name: &str) -> String {
    if truth == predicted {
        "classified correctly".to_owned()
    } else {
        format!("taken for {predicted_name}")
    }
}

/// One bar per class, empty without a result, which scrolls beyond ten classes. Where the true
/// class is known, the predicted one is marked as correct or wrong.
pub fn probabilities(ui: &mut Ui, run: &RunView, result: Option<&ImageResult>, truth: Option<u8>) {
    let predicted = result.map(|result| result.predicted().0);
    let is_correct = truth.is_none_or(|truth| predicted == Some(truth));
    let empty = vec![0.0; run.dataset.classes()];
    let probabilities = result.map_or(&empty, |result| &result.probabilities);
    let rows = |ui: &mut Ui| {
        for (class, &probability) in (0..=u8::MAX).zip(probabilities) {
            let mut name = RichText::new(class_name(run, class)).size(12.5);
            if truth == Some(class) {
                name = name.strong();
            }
            ui.label(name);
            let blue = theme::classification(ui.visuals());
            let colour = match (Some(class) == predicted, is_correct) {
                (true, false) => ui.visuals().error_fg_color,
                (true, true) => blue,
                (false, _) => blue.gamma_multiply(0.55),
            };
            bar(ui, probability, colour);
            // As wide for every value.
            let percent = format!("{:5.1} %", probability * 100.0);
            ui.label(RichText::new(percent).font(FontId::monospace(11.5)));
            ui.end_row();
        }
    };
    ScrollArea::vertical()
        .id_salt("probabilities")
        .max_height(PROBABILITIES)
        .show(ui, |ui| {
            Grid::new("probabilities")
                .num_columns(3)
                .min_row_height(15.0)
                .spacing(vec2(8.0, 1.0))
                .show(ui, rows);
        });
}

/// A horizontal bar of which the fraction `share`, 0–1, is filled.
fn bar(ui: &mut Ui, share: f32, colour: Color32) {
    let (rect, response) = ui.allocate_exact_size(vec2(120.0, 10.0), Sense::hover());
    let painter = ui.painter();
    painter.rect_filled(rect, 3.0, ui.visuals().extreme_bg_color);
    let right = rect.left() + rect.width() * share.clamp(0.0, 1.0);
    let filled = Rect::from_min_max(rect.min, pos2(right, rect.bottom()));
    painter.rect_filled(filled, 3.0, colour);
    response.widget_info(|| {
        let mut info = WidgetInfo::new(egui::Role::ProgressIndicator);
        info.value = Some(f64::from(share));
        info
    });
}

/// Marks a position in the cloud with a diamond and a word.
pub fn mark(ui: &Ui, pos: Pos2, text: &str) {
    let colour = ui.visuals().strong_text_color();
    let painter = ui.painter();
    let corners = [
        vec2(0.0, -9.0),
        vec2(9.0, 0.0),
        vec2(0.0, 9.0),
        vec2(-9.0, 0.0),
    ];
    let outline =
        |stroke| Shape::closed_line(corners.iter().map(|corner| pos + *corner).collect(), stroke);
    let halo = ui.visuals().panel_fill;
    painter.add(outline(Stroke::new(5.0, halo)));
    painter.add(outline(Stroke::new(2.5, colour)));
    let text = painter.layout_no_wrap(text.to_owned(), FontId::proportional(14.0), colour);
    let corner = pos + vec2(14.0, -text.size().y / 2.0);
    let background = Rect::from_min_size(corner, text.size()).expand2(vec2(4.0, 1.0));
    painter.rect_filled(background, 4.0, halo.gamma_multiply(0.85));
    painter.galley(corner, text, colour);
}

// ---- images ----

/// Input, named `input`, reconstruction and difference of one image, and below them the MSE;
/// placeholders without a result.
pub fn comparison(
    ui: &mut Ui,
    textures: &mut TextureCache,
    result: Option<(&Images, f32)>,
    shape: ImageShape,
    input: &str,
) {
    let size = images::crisp_size(ui, shape, images::crisp_scale(ui, shape, 90.0));
    ui.horizontal(|ui| {
        for (tile, name) in [input, "reconstruction", "|difference|"]
            .into_iter()
            .enumerate()
        {
            ui.vertical(|ui| {
                let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
                let rect = images::snapped(ui, rect);
                match result {
                    Some((images, _)) => textures.paint(ui, images, tile, rect),
                    None => {
                        ui.painter()
                            .rect_filled(rect, 0.0, ui.visuals().extreme_bg_color);
                    }
                }
                ui.label(RichText::new(name).size(CAPTION));
            });
        }
    });
    let colour = theme::reconstruction(ui.visuals());
    let mse = result.map_or_else(|| "–".to_owned(), |(_, mse)| format!("{mse:.4}"));
    ui.label(RichText::new(format!("MSE {mse}")).color(colour))
        .on_hover_text("Squared error, mean over the pixels, in [−1, 1] units");
}

// ---- buttons and texts ----

/// A button as wide as there is space.
pub fn wide_button(ui: &Ui, label: impl Into<RichText>, height: f32) -> Button<'static> {
    Button::new(label.into()).min_size(vec2(ui.available_width(), height))
}

/// Adds the button of an action, with the action's tooltip.
pub fn action_button(
    ui: &mut Ui,
    button: Button<'_>,
    id: ActionId,
    state: &State,
    commands: &mut Commands,
) {
    let action = id.action();
    let response = ui
        .add_enabled(action.is_enabled(state), button)
        .on_hover_text(action.button_tooltip(state, ui.ctx()));
    if response.clicked() {
        commands.push(action.command(state));
    }
}

/// Adds a button with a tooltip; returns whether it was clicked.
pub fn clicked(ui: &mut Ui, button: Button<'_>, tooltip: &str) -> bool {
    ui.add(button).on_hover_text(tooltip).clicked()
}

/// A small text in the colour of errors.
pub fn error_text(ui: &mut Ui, text: &str) {
    let text = RichText::new(text).size(12.0);
    ui.label(text.color(ui.visuals().error_fg_color));
}

/// Capitalises the first letter of a text.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}

/// The short name of a data set.
pub fn source_name(source: &DataSource) -> String {
    match source {
        DataSource::Bundled(set) => set.to_string(),
        DataSource::Full(set) => format!("{set} in full"),
        DataSource::Folder(path) => path.file_name().map_or_else(
            || path.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        ),
    }
}

// ---- rows of a grid of settings ----

/// A row with a label, which is also the accessible name of the widget that `add` returns.
pub fn labelled(
    ui: &mut Ui,
    label: &str,
    tooltip: &str,
    add: impl FnOnce(&mut Ui, egui::Id) -> Response,
) -> Response {
    let label = ui.label(label).on_hover_text(tooltip);
    let response = add(ui, label.id).labelled_by(label.id);
    ui.end_row();
    response.on_hover_text(tooltip)
}

/// A row with a choice of one among several values.
pub fn choice<T: Copy + PartialEq>(
    ui: &mut Ui,
    label: &str,
    tooltip: &str,
    value: &mut T,
    options: &[T],
    name: impl Fn(T) -> String,
) {
    labelled(ui, label, tooltip, |ui, id| {
        ComboBox::from_id_salt(id)
            .selected_text(name(*value))
            .width(ui.available_width())
            .show_ui(ui, |ui| {
                for option in options {
                    ui.selectable_value(value, *option, name(*option));
                }
            })
            .response
    });
}

/// A row with a number.
pub fn number<N: Numeric>(
    ui: &mut Ui,
    label: &str,
    tooltip: &str,
    value: &mut N,
    range: RangeInclusive<N>,
) {
    labelled(ui, label, tooltip, |ui, _| {
        ui.add(DragValue::new(value).range(range).speed(0.2))
    });
}

/// A row with a learning rate; returns whether it was changed.
pub fn learning_rate(ui: &mut Ui, tooltip: &str, rate: &mut f64) -> bool {
    labelled(ui, "Learning rate", tooltip, |ui, _| {
        let speed = *rate * 0.01;
        let field = DragValue::new(rate)
            .range(1e-6..=1.0)
            .speed(speed)
            .custom_formatter(|rate, _| learning_rate_text(rate))
            .update_while_editing(false);
        ui.add(field)
    })
    .changed()
}

/// A learning rate with two significant digits: "0.001".
pub fn learning_rate_text(rate: f64) -> String {
    let rounded: f64 = format!("{rate:.1e}").parse().unwrap_or(rate);
    rounded.to_string()
}

/// A number field whose accessible value is a plain number, whatever its text.
pub fn drag_value<N: Numeric>(
    ui: &mut Ui,
    value: &mut N,
    configure: impl FnOnce(DragValue<'_>) -> DragValue<'_>,
) -> Response {
    let response = ui.add(configure(DragValue::new(&mut *value)));
    let value = value.to_f64();
    response.widget_info(|| WidgetInfo::drag_value(true, value));
    response
}
