//! The notifications, over the lower right corner of the dock. News of success fades after a while.

use eframe::egui::{
    Align, Align2, Area, Context, CornerRadius, Frame, Id, Layout, Margin, Order, Rect, RichText,
    ScrollArea, Stroke, Ui, Vec2, vec2,
};

use crate::gui::{
    commands::{Commands, NotificationCommand},
    state::{Level, Notification, NotificationId, State},
    theme,
};

/// Seconds for which news of success is shown, unless the pointer is over it.
const SHOWN: f64 = 6.0;
/// Seconds in which it fades at the end.
const FADE: f64 = 0.5;
/// Widest text, in points.
const WIDTH: f32 = 440.0;
/// Distance from the edges of the dock.
const GAP: Vec2 = vec2(12.0, 12.0);

/// Shows the notifications over `dock`.
pub fn ui(ctx: &Context, dock: Rect, state: &State, commands: &mut Commands) {
    let notifications = state.notifications();
    if notifications.is_empty() {
        return;
    }
    Area::new(Id::unique("notifications"))
        .order(Order::Foreground)
        .pivot(Align2::RIGHT_BOTTOM)
        .fixed_pos(dock.right_bottom() - GAP)
        .constrain_to(dock)
        .show(ctx, |ui| {
            let space = dock.shrink2(GAP).size();
            ui.set_max_width(WIDTH.min(space.x));
            ScrollArea::vertical().max_height(space.y).show(ui, |ui| {
                ui.with_layout(Layout::top_down(Align::Max), |ui| {
                    for (id, notification) in &notifications {
                        show(ui, *id, notification, commands);
                    }
                });
            });
        });
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
    let fading = id.filter(|_| notification.level == Level::Success);
    let remaining = fading.map_or(f64::INFINITY, |id| remaining(ui.ctx(), id));
    let frame = Frame::new()
        .fill(visuals.window_fill)
        .stroke(Stroke::new(1.0, accent))
        .corner_radius(CornerRadius::same(6))
        .shadow(visuals.popup_shadow)
        .inner_margin(Margin::symmetric(10, 6));
    let is_hovered = ui
        .scope(|ui| {
            ui.multiply_opacity((remaining / FADE).clamp(0.0, 1.0) as f32);
            let response = frame.show(ui, |ui| content(ui, id, notification, commands));
            response.response.contains_pointer()
        })
        .inner;
    let Some(id) = fading else { return };
    if is_hovered {
        let key = end_of(id);
        ui.data_mut(|data| data.remove::<f64>(key));
    } else if remaining <= 0.0 {
        commands.push(NotificationCommand::Dismiss(id));
    } else if remaining <= FADE {
        ui.ctx().request_repaint();
    } else {
        let until_fade = std::time::Duration::from_secs_f64(remaining - FADE);
        ui.ctx().request_repaint_after(until_fade);
    }
}

/// Where the time at which a notification ends is stored.
fn end_of(id: NotificationId) -> Id {
    Id::unique(("end of notification", id))
}

/// Seconds until a notification has faded, counted from its first frame or the last one in which
/// the pointer was over it.
fn remaining(ctx: &Context, id: NotificationId) -> f64 {
    let now = ctx.input(|input| input.time);
    let end = ctx.data_mut(|data| *data.get_temp_mut_or(end_of(id), now + SHOWN));
    end - now
}

fn content(
    ui: &mut Ui,
    id: Option<NotificationId>,
    notification: &Notification,
    commands: &mut Commands,
) {
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
}
