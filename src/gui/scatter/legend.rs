//! The legend: class names with their colours, which show and hide classes.

use eframe::egui::{
    Align2, Color32, Modifiers, Response, Role, Sense, Stroke, StrokeKind, TextStyle, Ui,
    WidgetInfo, vec2,
};

use crate::gui::{theme, widgets::text_width};

/// Height of one entry, in points.
const ROW: f32 = 20.0;
/// Space for the disc before a name.
const INDENT: f32 = 20.0;
/// Space after the longest name.
const TAIL: f32 = 6.0;

/// Which classes are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visibility {
    hidden: [bool; 256],
}

impl Default for Visibility {
    fn default() -> Self {
        Self {
            hidden: [false; 256],
        }
    }
}

impl Visibility {
    /// Whether points of `class` are drawn.
    pub fn shows(&self, class: u8) -> bool {
        !self.hidden[usize::from(class)]
    }

    /// Shows a hidden class, hides a shown one.
    pub fn toggle(&mut self, class: u8) {
        self.hidden[usize::from(class)] ^= true;
    }

    /// Shows only `class`, or all classes if it is the only one already.
    pub fn solo(&mut self, class: u8) {
        let mut only = Self {
            hidden: [true; 256],
        };
        only.toggle(class);
        *self = if *self == only { Self::default() } else { only };
    }
}

/// Shows one entry per class in a column.
pub fn legend(ui: &mut Ui, class_names: &[String], visibility: &mut Visibility) {
    ui.spacing_mut().item_spacing.y = 1.0;
    let font = TextStyle::Body.resolve(ui.style());
    let widest = class_names
        .iter()
        .map(|name| text_width(ui.painter(), name, font.clone()))
        .fold(0.0, f32::max);
    let width = INDENT + widest + TAIL;
    for (class, name) in (0..=u8::MAX).zip(class_names) {
        let response = entry(ui, class, name, visibility.shows(class), width);
        if response.clicked() {
            if ui.input(|input| input.modifiers.contains(Modifiers::ALT)) {
                visibility.solo(class);
            } else {
                visibility.toggle(class);
            }
        }
    }
}

fn entry(ui: &mut Ui, class: u8, name: &str, shown: bool, width: f32) -> Response {
    let (rect, response) = ui.allocate_exact_size(vec2(width, ROW), Sense::click());
    response.widget_info(|| {
        let state = if shown { "shown" } else { "hidden" };
        let label = format!("Class {name}: {state}");
        WidgetInfo::selected(Role::CheckBox, ui.is_enabled(), shown, label)
    });
    let visuals = ui.visuals();
    let painter = ui.painter();
    if response.hovered() {
        let fill = visuals.widgets.hovered.weak_bg_fill.gamma_multiply(0.6);
        painter.rect_filled(rect, 4.0, fill);
    }
    if response.has_focus() {
        painter.rect_stroke(rect, 4.0, visuals.selection.stroke, StrokeKind::Inside);
    }
    let disc = rect.left_center() + vec2(INDENT / 2.0, 0.0);
    let colour = theme::class(class);
    let ink = if shown {
        let style = (colour, Stroke::NONE);
        theme::class_marker(painter, disc, 5.0, class, style);
        visuals.text_color()
    } else {
        let stroke = Stroke::new(1.5, colour.gamma_multiply(0.6));
        theme::class_marker(painter, disc, 4.0, class, (Color32::TRANSPARENT, stroke));
        visuals.weak_text_color()
    };
    let font = TextStyle::Body.resolve(ui.style());
    let pos = rect.left_center() + vec2(INDENT, 0.0);
    painter.text(pos, Align2::LEFT_CENTER, name, font, ink);
    response.on_hover_text(
        "Click: show or hide this class\nAlt-click: show only this class, or all again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(visibility: &Visibility) -> Vec<u8> {
        (0..4).filter(|&class| visibility.shows(class)).collect()
    }

    #[test]
    fn solo_shows_only_one_class_and_then_all_again() {
        let mut visibility = Visibility::default();
        visibility.toggle(2);
        assert_eq!(shown(&visibility), [0, 1, 3]);
        visibility.solo(2);
        assert_eq!(shown(&visibility), [2]);
        visibility.solo(1);
        assert_eq!(shown(&visibility), [1]);
        visibility.solo(1);
        assert_eq!(shown(&visibility), [0, 1, 2, 3]);
    }
}
