//! Keyboard shortcuts.

use eframe::egui::{Context, FocusDirection, Id, Key, Memory, Popup, Response, Ui};

use super::{
    actions::{ACTIONS, KeyScope},
    commands::Commands,
    lambda_slider::{self, LambdaChoice},
    state::State,
};

/// The keys that a widget handles while it has the focus; all others are shortcuts of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyUse {
    Nothing,
    /// Arrows: a slider other than that of λ.
    Arrows,
    /// Space and Enter: a button, and any widget that does not [`declare`] otherwise.
    Press,
    /// All without modifiers: a text field.
    Text,
}

/// Where the use of the focused widget is stored, with the id of that widget.
fn declared() -> Id {
    Id::unique("keys of the focused widget")
}

/// Declares which keys a widget handles, if it has the focus.
pub fn declare(response: &Response, keys: KeyUse) {
    if response.has_focus() {
        let entry = (response.id, keys);
        response
            .ctx
            .data_mut(|data| data.insert_temp(declared(), entry));
    }
}

/// The keys that the focused widget handles.
pub fn key_use(ctx: &Context) -> KeyUse {
    let Some(focused) = ctx.memory(Memory::focused) else {
        return KeyUse::Nothing;
    };
    if ctx.text_edit_focused() {
        return KeyUse::Text;
    }
    match ctx.data(|data| data.get_temp::<(Id, KeyUse)>(declared())) {
        Some((id, keys)) if id == focused => keys,
        _ => KeyUse::Press,
    }
}

/// Whether a menu, a list of choices or a dialog is open, which handles all keys itself.
pub fn is_popup_open(ctx: &Context) -> bool {
    Popup::is_any_open(ctx) || ctx.memory(|memory| memory.top_modal_layer().is_some())
}

/// Requests what the keys pressed in this frame mean, and consumes them. The focused widget and
/// open menus keep the keys that they handle.
pub fn handle(ui: &Ui, state: &State, commands: &mut Commands) {
    let ctx = ui.ctx();
    let keys = key_use(ctx);
    // Escape removes the focus from a text field before this is called.
    let last = Id::unique("keys of the last frame");
    let was_typing = ctx.data_mut(|data| {
        let before = data.get_temp(last);
        data.insert_temp(last, keys);
        before == Some(KeyUse::Text)
    });
    if is_popup_open(ctx) {
        return;
    }
    if matches!(keys, KeyUse::Nothing | KeyUse::Press) {
        let mut choice = LambdaChoice::new(state);
        if lambda_slider::step_by_keys(ui, &mut choice) {
            ui.memory_mut(|memory| memory.move_focus(FocusDirection::None));
        }
        commands.extend(choice.command(state));
    }
    for action in &ACTIONS {
        let Some(shortcut) = action.shortcut else {
            continue;
        };
        let is_in_scope = match shortcut.scope {
            KeyScope::Always => true,
            KeyScope::OutsideText => keys != KeyUse::Text,
        };
        let is_kept = match shortcut.keys.logical_key {
            Key::Space => keys == KeyUse::Press,
            Key::Escape => was_typing,
            _ => false,
        };
        if is_in_scope
            && !is_kept
            && action.is_enabled(state)
            && ui.input_mut(|input| input.consume_shortcut(&shortcut.keys))
        {
            commands.push(action.command(state));
        }
    }
}
