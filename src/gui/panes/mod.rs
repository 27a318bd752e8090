//! What the window is made of: one file a pane.

pub mod clouds;
pub mod controls;
pub mod curves;
pub mod data_sets;
pub mod drawing;
pub mod export;
pub mod inspector;
pub mod latent;
pub mod notifications;
pub mod pareto;
pub mod reconstructions;
pub mod reconstructions_by_lambda;
pub mod status;
pub mod sweep;
pub mod trade_off;
pub mod trade_off_width;

use eframe::egui::{self, Align, Layout, Response, RichText, Sense, Ui, UiBuilder};

use super::state::{Export, State};
use crate::figures::{DeadRuns, FigureKind};

/// The button in a pane's title row that exports what the pane shows.
pub fn export_button(ui: &mut Ui, session: &mut State, subject: FigureKind, dead: DeadRuns) {
    let tip = format!("Write “{}” as SVG, PNG or CSV", subject.title());
    if ui.button("Export…").on_hover_text(tip).clicked() {
        session.show_exports(Export::Figure(subject, dead));
    }
}

/// The title row of a pane, by which it is dragged to another place; `tools` stand at its right.
pub fn header(ui: &mut Ui, title: &str, tools: impl FnOnce(&mut Ui)) -> Response {
    let height = ui.spacing().interact_size.y;
    // Where only drags were sensed, a press on one of the tools would move the pane at once.
    let sense = Sense::CLICK | Sense::DRAG;
    let (rect, grip) = ui.allocate_exact_size(egui::vec2(ui.available_width(), height), sense);
    grip.widget_info(|| {
        egui::WidgetInfo::labeled(
            egui::Role::Label,
            true,
            format!("{title} pane, drag to move"),
        )
    });
    let mut row = ui.new_child(
        UiBuilder::new()
            .max_rect(rect)
            .layout(Layout::left_to_right(Align::Center)),
    );
    row.add(egui::Label::new(RichText::new(title).strong()).selectable(false));
    row.with_layout(Layout::right_to_left(Align::Center), tools);
    grip.on_hover_cursor(egui::CursorIcon::Grab)
}
