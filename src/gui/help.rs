//! The list of keyboard shortcuts.

use eframe::egui::{Context, Grid, Id, RichText, Window};

use super::{
    actions::{ACTIONS, WIDGET_KEYS},
    state::State,
};

/// The id of the window.
pub fn id() -> Id {
    Id::unique("keyboard shortcuts")
}

/// Shows the window while it is open.
pub fn ui(ctx: &Context, state: &State, open: &mut bool) {
    Window::new("Keyboard shortcuts")
        .id(id())
        .open(open)
        .resizable(false)
        .show(ctx, |ui| {
            Grid::new("shortcuts").num_columns(2).show(ui, |ui| {
                for (keys, label) in WIDGET_KEYS {
                    ui.label(RichText::new(keys).monospace());
                    ui.label(label);
                    ui.end_row();
                }
                for action in &ACTIONS {
                    if let Some(keys) = action.shortcut_text(ctx) {
                        ui.label(RichText::new(keys).monospace());
                        ui.label(action.label(state).trim_end_matches('…'))
                            .on_hover_text(action.tooltip(state));
                        ui.end_row();
                    }
                }
            });
            ui.separator();
            ui.label("In the latent cloud: drag to turn, Shift-drag to move, scroll to zoom, double-click to reset");
        });
}
