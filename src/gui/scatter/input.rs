//! Mouse and keyboard control of the camera.

use eframe::egui::{Key, Modifiers, PointerButton, Response, Ui, Vec2};

use super::{ViewPreferences, camera::Camera};
use crate::gui::keymap::{self, KeyUse};

/// Rotation in radians per point of the screen that is dragged.
const DRAG_ROTATION: f32 = 0.008;
/// Rotation in radians per press of an arrow key.
const KEY_ROTATION: f32 = 0.09;
/// Speed of the automatic rotation in radians per second.
const AUTO_ROTATION: f32 = 0.18;

/// Moves the camera by mouse and touchpad.
pub fn handle_pointer(camera: &mut Camera, ui: &Ui, response: &Response, axes: usize) {
    let shift = ui.input(|input| input.modifiers.shift);
    let drag = response.drag_delta();
    if drag != Vec2::ZERO {
        if response.dragged_by(PointerButton::Primary) && !shift {
            camera.orbit(-drag.x * DRAG_ROTATION, drag.y * DRAG_ROTATION);
        } else if let Some(to) = response.interact_pointer_pos() {
            let view = camera.view(response.rect, axes);
            camera.pan(&view, to - drag, to);
        }
    }
    if response.contains_pointer() {
        let (scroll, pinch) = ui.input(|input| (input.smooth_scroll_delta().y, input.zoom_delta()));
        camera.zoom((scroll * 0.004).exp() * pinch);
    }
    if response.double_clicked() {
        *camera = Camera::home(axes);
    }
}

/// Moves the camera by Alt with an arrow or Home, and by plus and minus.
pub fn handle_keys(camera: &mut Camera, ui: &Ui, response: &Response, axes: usize) {
    keymap::declare(response, KeyUse::Nothing);
    if keymap::key_use(ui.ctx()) == KeyUse::Text || keymap::is_popup_open(ui.ctx()) {
        return;
    }
    let presses = |modifiers, key| {
        let count = ui.input_mut(|input| input.count_and_consume_key(modifiers, key));
        f32::from(u8::try_from(count).unwrap_or(u8::MAX))
    };
    let with_alt = |key| presses(Modifiers::ALT, key);
    let right = with_alt(Key::ArrowRight) - with_alt(Key::ArrowLeft);
    let up = with_alt(Key::ArrowUp) - with_alt(Key::ArrowDown);
    camera.orbit(right * KEY_ROTATION, up * KEY_ROTATION);
    let plain = |key| presses(Modifiers::NONE, key);
    camera.zoom(1.15f32.powf(plain(Key::Plus) + plain(Key::Equals) - plain(Key::Minus)));
    if with_alt(Key::Home) > 0.0 {
        *camera = Camera::home(axes);
    }
}

/// Advances the automatic rotation, which a drag interrupts; returns whether it is on.
pub fn auto_rotate(
    preferences: &mut ViewPreferences,
    ui: &Ui,
    response: &Response,
    axes: usize,
) -> bool {
    let active = preferences.auto_rotate && axes == 3;
    if active && !response.dragged() {
        let seconds = ui.input(|input| input.stable_dt.min(0.1));
        preferences.camera.orbit(AUTO_ROTATION * seconds, 0.0);
    }
    active
}
