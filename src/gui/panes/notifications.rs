//! The notifications above the dock.

use eframe::egui::{CornerRadius, Frame, Margin, RichText, Stroke, Ui};

use crate::gui::{
    commands::{Commands, NotificationCommand},
    state::{Level, Notification, NotificationId, State},
    theme,
};

pub fn ui(ui: &mut Ui, state: &State, commands: &mut Commands) {
    for (id, notification) in state.notifications() {
        show(ui, id, &notification, commands);
    }
}

fn show(
    ui: &mut Ui,
    id: Option<NotificationId>,
    notification: &Notification,
    commands: &mut Commands,
) {
    let visuals = ui.visuals().clone();
    let accent = match notification.level {
        Level::Progress | Level::Success => theme::classification(&visuals),
        Level::Warning | Level::Error => visuals.warn_fg_color,
    };
    Frame::new()
        .fill(visuals.faint_bg_color)
        .stroke(Stroke::new(1.0, accent))
        .corner_radius(CornerRadius::same(6))
        .inner_margin(Margin::symmetric(10, 6))
        .outer_margin(Margin::symmetric(6, 3))
        .show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                if notification.level == Level::Progress {
                    ui.spinner();
                }
                let text = ui.label(RichText::new(&notification.text).size(15.0));
                if let Some(details) = &notification.details {
                    text.on_hover_text(details);
                }
                for action in &notification.actions {
                    let button = ui.button(action.label).on_hover_text(action.tooltip);
                    if button.clicked() {
                        commands.extend(id.map(|id| NotificationCommand::Dismiss(id).into()));
                        commands.extend(action.command.clone());
                    }
                }
            });
        });
}
