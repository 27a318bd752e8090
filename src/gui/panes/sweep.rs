//! Many runs at once: the grid at the left, its runs in the middle, and the one that is looked at.

mod editor;
mod list;
mod more;
mod plan;
mod preview;
mod progress;
mod row;
mod table;

use eframe::{
    egui::{CentralPanel, Frame, Margin, Panel, Response, ScrollArea, Ui},
    egui_wgpu::RenderState,
};

use self::{editor::Editor, preview::RunPreview, table::Table};
use super::header;
use crate::gui::{state::State, textures::TextureCache};

/// State of the pane.
pub struct SweepPane {
    editor: Editor,
    table: Table,
    look: RunPreview,
}

impl SweepPane {
    /// Begins with a remembered grid. Without a render state no points are drawn.
    pub fn new(render_state: Option<&RenderState>, grid: &str) -> Self {
        Self {
            editor: Editor::recall(grid),
            table: Table::default(),
            look: RunPreview::new(render_state),
        }
    }

    /// The grid, to be remembered.
    pub fn remember(&self) -> String {
        self.editor.remember()
    }

    /// Shows the pane; returns the response of its grip.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        session: &mut State,
        textures: &mut TextureCache,
    ) -> Response {
        let grip = header(ui, "Experiment", |ui| plan::file(ui, session));
        if !self.editor.is_wrong() {
            session.experiment_mut().set_grid(self.editor.grid());
        }
        let frame = Frame::new().inner_margin(Margin::symmetric(8, 4));
        let side = Frame::new().inner_margin(Margin {
            left: 0,
            right: 2,
            top: 4,
            bottom: 4,
        });
        // Room for the bar that scrolls.
        let inside = Frame::new().inner_margin(Margin {
            right: 8,
            ..Margin::ZERO
        });
        Panel::left("experiment grid")
            .frame(side)
            .default_size(270.0)
            .size_range(220.0..=380.0)
            .show(ui, |ui| {
                ScrollArea::vertical().show(ui, |ui| {
                    inside.show(ui, |ui| {
                        self.editor.ui(ui, session);
                        ui.separator();
                        plan::ui(ui, session.experiment_mut(), self.editor.is_wrong());
                    });
                });
            });
        if session.experiment().preview().is_some() {
            Panel::right("experiment look")
                .frame(frame)
                .default_size(330.0)
                .size_range(260.0..=700.0)
                .show(ui, |ui| self.look.ui(ui, session, textures));
        }
        CentralPanel::default().frame(frame).show(ui, |ui| {
            progress::ui(ui, session);
            self.table.ui(ui, session.experiment_mut());
        });
        grip
    }
}
