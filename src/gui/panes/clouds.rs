//! One small cloud for each λ (paper, figure 4), all seen by the same camera; below them, if wanted, those of a finished
//! spectrum on other images.

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

/// State of the pane.
pub struct Clouds {
    multiples: SmallMultiples,
    below: ComparisonRow,
}

impl Clouds {
    pub fn new(setup: &PaneSetup<'_>) -> Self {
        Self {
            multiples: SmallMultiples::default(),
            below: ComparisonRow::new(setup.preferences.below.clone()),
        }
    }
}

impl Pane for Clouds {
    fn ui(&mut self, ui: &mut Ui, context: &mut PaneContext<'_>) -> Response {
        let PaneContext {
            state,
            commands,
            view,
            ..
        } = context;
        let scatter = &mut view.scatter;
        if !state.results.is_watched() {
            commands.push(ResultsCommand::Watch);
        }
        let handle = header(ui, PaneId::Clouds, |ui| {
            export_button(ui, FigureKind::Clouds, DeadRuns::default(), commands);
            let about = ui.weak("drag turns all");
            about.on_hover_text("50 images of each class, the same axes and the same camera for every λ; a click shows that λ");
            self.below.choice(ui, state);
        });
        let Some(run) = state.run.view() else {
            return handle;
        };
        let align = scatter.preferences.align;
        let places = run.lanes_by_lambda();
        let clouds: Vec<_> = places
            .iter()
            .filter_map(|place| cloud_view(run, *place, align))
            .collect();
        let Some(shown) = cloud_view(run, run.shown_index(), align) else {
            ui.centered_and_justified(|ui| ui.weak("Clouds appear with the first look"));
            return handle;
        };
        if clouds.len() != places.len() {
            return handle;
        }
        let now = ui.input(|input| input.time);
        scatter.receive(&shown, &run.dataset, now);
        self.multiples.receive(&clouds, scatter, &run.dataset);
        let row = self.below.row(state, &places, scatter, commands);
        let grid = Grid {
            run,
            places: &places,
            clouds: &self.multiples,
            below: row.as_ref(),
        };
        if let Some(place) = grid.ui(ui, scatter) {
            commands.push(RunCommand::ShowLane(place));
        }
        handle
    }

    fn save(&self, preferences: &mut Preferences) {
        preferences.below = self.below.wanted().map(str::to_owned);
    }
}
