//! One small cloud per λ (paper, figure 4), all with the same camera; below them, if chosen, those
//! of a finished spectrum on other images.

mod comparison_row;
mod grid;

use eframe::egui::{Response, Ui};

use self::{comparison_row::ComparisonRow, grid::Grid};
use super::{Pane, PaneContext, PaneId, PaneSetup, export_button, header, latent::cloud_view};
use crate::{
    figures::{DeadRuns, FigureKind},
    gui::{
        commands::{ResultsCommand, RunCommand},
        preferences::Preferences,
        scatter::SmallMultiples,
    },
};

pub struct Clouds {
    multiples: SmallMultiples,
    comparison: ComparisonRow,
}

impl Clouds {
    pub fn new(setup: &PaneSetup<'_>) -> Self {
        Self {
            multiples: SmallMultiples::default(),
            comparison: ComparisonRow::new(setup.preferences.compared_spectrum.clone()),
        }
    }
}

impl Pane for Clouds {
    fn ui(&mut self, ui: &mut Ui, context: &mut PaneContext<'_>) -> Response {
        let state = context.state;
        let scatter = &mut context.view.scatter;
        if !state.results.is_watched() {
            context.commands.push(ResultsCommand::Watch);
        }
        let handle = header(ui, PaneId::Clouds, |ui| {
            export_button(
                ui,
                FigureKind::Clouds,
                DeadRuns::default(),
                context.commands,
            );
            let about = ui.weak("drag to turn all");
            about.on_hover_text("50 images per class, with the same axes and the same camera for every λ. Click a cloud to show its λ");
            self.comparison.choice(ui, state);
        });
        let Some(run) = state.run.view() else {
            return handle;
        };
        let align = scatter.preferences.align;
        let lanes = run.lanes_by_lambda();
        let clouds: Vec<_> = lanes
            .iter()
            .filter_map(|lane| cloud_view(run, *lane, align))
            .collect();
        let Some(shown) = cloud_view(run, run.shown_index(), align) else {
            ui.centered_and_justified(|ui| ui.weak("Clouds appear with the first snapshot"));
            return handle;
        };
        if clouds.len() != lanes.len() {
            return handle;
        }
        let now = ui.input(|input| input.time);
        scatter.receive(&shown, &run.dataset, now);
        self.multiples.receive(&clouds, scatter, &run.dataset);
        let comparison = self
            .comparison
            .row(state, &lanes, scatter, context.commands);
        let grid = Grid {
            run,
            lanes: &lanes,
            clouds: &self.multiples,
            comparison: comparison.as_ref(),
        };
        if let Some(lane) = grid.ui(ui, scatter) {
            context.commands.push(RunCommand::ShowLane(lane));
        }
        handle
    }

    fn save(&self, preferences: &mut Preferences) {
        let selected = &self.comparison.selected;
        preferences.compared_spectrum.clone_from(selected);
    }
}
