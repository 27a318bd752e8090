//! Mouse and keyboard control of the camera.

use eframe::egui::{EventFilter, Key, Modifiers, PointerButton, Response, Ui, Vec2};

use super::{ViewPreferences, camera::Camera};

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

/// Moves the camera by keyboard while the scene has the focus, which a click gives it.
pub fn handle_keys(camera: &mut Camera, ui: &Ui, response: &Response, axes: usize) {
    if response.clicked() || response.drag_started() {
        response.request_focus();
    }
    if !response.has_focus() {
        return;
    }
    let arrows = EventFilter {
        horizontal_arrows: true,
        vertical_arrows: true,
        ..Default::default()
    };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
    let presses = |key| {
        let count = ui.input_mut(|input| input.count_and_consume_key(Modifiers::NONE, key));
        f32::from(u8::try_from(count).unwrap_or(u8::MAX))
    };
    let right = presses(Key::ArrowRight) - presses(Key::ArrowLeft);
    let up = presses(Key::ArrowUp) - presses(Key::ArrowDown);
    camera.orbit(right * KEY_ROTATION, up * KEY_ROTATION);
    camera.zoom(1.15f32.powf(presses(Key::Plus) + presses(Key::Equals) - presses(Key::Minus)));
    if presses(Key::Home) > 0.0 {
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
