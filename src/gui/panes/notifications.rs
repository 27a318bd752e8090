//! The strip that says what needs a decision.

use eframe::egui::{CornerRadius, Frame, Margin, RichText, Stroke, Ui};

use crate::gui::{
    state::{Notification, State},
    theme,
};

/// Shows every notice with its buttons.
pub fn ui(ui: &mut Ui, session: &mut State) {
    for notice in session.notifications() {
        strip(ui, session, &notice);
    }
}

fn strip(ui: &mut Ui, session: &mut State, notice: &Notification) {
    let visuals = ui.visuals().clone();
    let accent = if notice.is_good() {
        theme::classification(&visuals)
    } else {
        visuals.warn_fg_color
    };
    Frame::new()
        .fill(visuals.faint_bg_color)
        .stroke(Stroke::new(1.0, accent))
        .corner_radius(CornerRadius::same(6))
        .inner_margin(Margin::symmetric(10, 6))
        .outer_margin(Margin::symmetric(6, 3))
        .show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                if matches!(
                    notice,
                    Notification::Hunting { .. } | Notification::Exporting { .. }
                ) {
                    ui.spinner();
                }
                let label = ui.label(RichText::new(notice.text()).size(15.0));
                if let Some(more) = notice.more() {
                    label.on_hover_text(more);
                }
                for (remedy, label) in notice.actions() {
                    if ui.button(*label).on_hover_text(remedy.tip()).clicked() {
                        session.act_on(notice, *remedy);
                    }
                }
            });
        });
}
