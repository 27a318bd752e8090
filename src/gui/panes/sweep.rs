//! The sweep pane: the grid at the left, its runs in the middle, a preview of the selected run at
//! the right.

mod editor;
mod list;
mod more_settings;
mod preview;
mod progress;
mod row;
mod run_controls;
mod table;

use eframe::egui::{CentralPanel, Frame, Margin, Panel, Response, ScrollArea, Ui};

use self::{editor::Editor, preview::RunPreview, table::Table};
use super::{Pane, PaneContext, PaneId, PaneSetup, header};
use crate::gui::{
    commands::{Commands, SweepCommand},
    preferences::Preferences,
    state::{State, sweep::Preparation},
};

pub struct SweepPane {
    editor: Editor,
    table: Table,
    preview: RunPreview,
}

impl SweepPane {
    pub fn new(setup: &PaneSetup<'_>) -> Self {
        Self {
            editor: Editor::from_preference(&setup.preferences.grid),
            table: Table::default(),
            preview: RunPreview::new(setup.render_state),
        }
    }

    /// Requests what a visible grid needs: its runs, their status, and an estimate of their cost.
    fn prepare(&self, ui: &Ui, state: &State, commands: &mut Commands) {
        if self.editor.has_errors() || state.sweep.running.is_some() {
            return;
        }
        let grid = &self.editor.grid;
        if state.sweep.grid.as_ref() != Some(grid) {
            commands.push(SweepCommand::SetGrid(Box::new(grid.clone())));
            return;
        }
        match state.sweep.preparation() {
            Some(Preparation::QueryStore) => commands.push(SweepCommand::QueryStore),
            Some(Preparation::Estimate) => commands.push(SweepCommand::Estimate),
            Some(Preparation::EstimateIn(time)) => ui.request_repaint_after(time),
            None => {}
        }
    }
}

impl Pane for SweepPane {
    fn ui(&mut self, ui: &mut Ui, context: &mut PaneContext<'_>) -> Response {
        let state = context.state;
        let handle = header(ui, PaneId::Sweep, |ui| {
            run_controls::results_file(ui, state, context.commands);
        });
        self.prepare(ui, state, context.commands);
        let frame = Frame::new().inner_margin(Margin::symmetric(8, 4));
        let left_frame = Frame::new().inner_margin(Margin {
            left: 0,
            right: 2,
            top: 4,
            bottom: 4,
        });
        // Leaves space for the scroll bar.
        let scroll_frame = Frame::new().inner_margin(Margin {
            right: 8,
            ..Margin::ZERO
        });
        Panel::left("sweep grid")
            .frame(left_frame)
            .default_size(270.0)
            .size_range(220.0..=380.0)
            .show(ui, |ui| {
                ScrollArea::vertical().show(ui, |ui| {
                    scroll_frame.show(ui, |ui| {
                        self.editor.ui(ui, state);
                        ui.separator();
                        run_controls::ui(
                            ui,
                            &state.sweep,
                            self.editor.has_errors(),
                            context.commands,
                        );
                    });
                });
            });
        if state.sweep.preview.is_some() {
            Panel::right("sweep preview")
                .frame(frame)
                .default_size(330.0)
                .size_range(260.0..=700.0)
                .show(ui, |ui| {
                    self.preview
                        .ui(ui, state, context.textures, context.commands);
                });
        }
        CentralPanel::default().frame(frame).show(ui, |ui| {
            progress::ui(ui, state, context.commands);
            self.table.ui(ui, &state.sweep, context.commands);
        });
        handle
    }

    fn save(&self, preferences: &mut Preferences) {
        preferences.grid = self.editor.to_preference();
    }
}
