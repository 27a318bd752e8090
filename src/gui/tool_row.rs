//! A row with a text at its left and tools at its right, which never overlap.

use eframe::egui::{Align, Layout, Rect, Response, Ui, UiBuilder};

/// Width that the text keeps before the tools are folded, in points.
const TEXT: f32 = 72.0;

/// What is known about the tools of a row from the frame before.
#[derive(Clone, Copy, Default)]
struct Tools {
    width: f32,
    /// Whether folded tools are shown below the row.
    is_open: bool,
}

/// Shows `text` and `tools` in `rect`, a row of `ui`. Tools that do not fit are folded behind a
/// button, which shows them in rows of their own. Returns what `tools` returns, if they are shown.
pub fn tool_row<R>(
    ui: &mut Ui,
    rect: Rect,
    name: &str,
    text: impl FnOnce(&mut Ui) -> Response,
    tools: impl FnOnce(&mut Ui) -> R,
) -> Option<R> {
    let id = ui.scope_id().with(("tools", name));
    let mut known: Tools = ui.data(|data| data.get_temp(id)).unwrap_or_default();
    let is_folded = |width: f32| width > 0.0 && width + TEXT > rect.width();
    let right_to_left = Layout::right_to_left(Align::Center);
    let left_to_right = Layout::left_to_right(Align::Center);
    let mut row = ui.new_child(UiBuilder::new().max_rect(rect).layout(right_to_left));
    let mut output = None;
    if is_folded(known.width) {
        row.toggle_value(&mut known.is_open, "…")
            .on_hover_text(format!("Tools of {name}"));
        row.with_layout(left_to_right, text);
        if known.is_open {
            output = Some(ui.horizontal_wrapped(tools).inner);
        }
    } else {
        output = Some(tools(&mut row));
        known.width = row.min_rect().width();
        if is_folded(known.width) {
            ui.ctx().request_discard("tools do not fit");
        }
        row.with_layout(left_to_right, text);
    }
    ui.data_mut(|data| data.insert_temp(id, known));
    output
}
