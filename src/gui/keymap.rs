//! Keyboard shortcuts.

use eframe::egui::{Id, Memory, Ui};

use super::{
    actions::{ACTIONS, KeyScope},
    commands::Commands,
    lambda_slider::{self, LambdaChoice},
    state::State,
};

/// Requests what the keys pressed in this frame mean, and consumes them. Keys belong to the widget
/// with the focus, except that `canvas`, the latent cloud, uses only arrows and a few others.
pub fn handle(ui: &Ui, state: &State, canvas: Option<Id>, commands: &mut Commands) {
    let focused = ui.memory(Memory::focused);
    if focused.is_none() {
        let mut choice = LambdaChoice::new(state);
        lambda_slider::step_by_keys(ui, &mut choice);
        commands.extend(choice.command(state));
    }
    let is_typing = ui.ctx().text_edit_focused();
    let is_unfocused = focused.is_none() || focused == canvas;
    for action in &ACTIONS {
        let Some(shortcut) = action.shortcut else {
            continue;
        };
        let is_in_scope = match shortcut.scope {
            KeyScope::Always => true,
            KeyScope::OutsideText => !is_typing,
            KeyScope::Unfocused => is_unfocused,
        };
        if is_in_scope
            && action.is_enabled(state)
            && ui.input_mut(|input| input.consume_shortcut(&shortcut.keys))
        {
            commands.push(action.command(state));
        }
    }
}
