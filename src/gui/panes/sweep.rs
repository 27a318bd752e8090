//! Many runs at once: the grid at the left, its runs in the middle, and the one that is looked at.

mod editor;
mod list;
mod more;
mod plan;
mod preview;
mod progress;
mod row;
mod table;

use eframe::egui::{CentralPanel, Frame, Margin, Panel, Response, ScrollArea, Ui};

use self::{editor::Editor, preview::RunPreview, table::Table};
use super::{Pane, PaneContext, PaneId, PaneSetup, header};
use crate::gui::{
    commands::{Commands, SweepCommand},
    preferences::Preferences,
    state::{State, sweep::Preparation},
};

/// State of the pane.
pub struct SweepPane {
    editor: Editor,
    table: Table,
    look: RunPreview,
}

impl SweepPane {
    pub fn new(setup: &PaneSetup<'_>) -> Self {
        Self {
            editor: Editor::recall(&setup.preferences.grid),
            table: Table::default(),
            look: RunPreview::new(setup.render_state),
        }
    }

    /// Requests what the grid needs while it is shown: its runs, which of them are done, and their cost.
    fn prepare(&self, ui: &Ui, state: &State, commands: &mut Commands) {
        if self.editor.is_wrong() || state.sweep.running().is_some() {
            return;
        }
        let grid = self.editor.grid();
        if state.sweep.grid() != Some(grid) {
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
        let PaneContext {
            state,
            commands,
            textures,
            ..
        } = context;
        let handle = header(ui, PaneId::Experiment, |ui| plan::file(ui, state, commands));
        self.prepare(ui, state, commands);
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
                        self.editor.ui(ui, state);
                        ui.separator();
                        plan::ui(ui, &state.sweep, self.editor.is_wrong(), commands);
                    });
                });
            });
        if state.sweep.preview().is_some() {
            Panel::right("experiment look")
                .frame(frame)
                .default_size(330.0)
                .size_range(260.0..=700.0)
                .show(ui, |ui| self.look.ui(ui, state, textures, commands));
        }
        CentralPanel::default().frame(frame).show(ui, |ui| {
            progress::ui(ui, state, commands);
            self.table.ui(ui, &state.sweep, commands);
        });
        handle
    }

    fn save(&self, preferences: &mut Preferences) {
        preferences.grid = self.editor.remember();
    }
}
