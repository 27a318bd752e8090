//! One small cloud for each λ (paper, figure 4), all seen by the same camera; below them, if wanted, those of a finished
//! spectrum on other images.

mod comparison_row;
mod grid;

use eframe::egui::{Response, Ui};

use self::{comparison_row::ComparisonRow, grid::Grid};
use super::{export_button, header, latent};
use crate::figures::{DeadRuns, FigureKind};
use crate::gui::{
    scatter::{Scatter, SmallMultiples},
    state::State,
};

/// State of the pane.
pub struct Clouds {
    multiples: SmallMultiples,
    below: ComparisonRow,
}

impl Clouds {
    /// Begins with the remembered name of the spectrum that stands below.
    pub fn new(below: Option<String>) -> Self {
        Self {
            multiples: SmallMultiples::default(),
            below: ComparisonRow::new(below),
        }
    }

    /// Name of the spectrum that is wanted below.
    pub fn below(&self) -> Option<&str> {
        self.below.wanted()
    }

    /// Shows the pane; returns the response of its grip.
    pub fn ui(&mut self, ui: &mut Ui, session: &mut State, scatter: &mut Scatter) -> Response {
        session.results_mut().watch();
        let grip = header(ui, "Clouds", |ui| {
            export_button(ui, session, FigureKind::Clouds, DeadRuns::default());
            let about = ui.weak("drag turns all");
            about.on_hover_text("50 images of each class, the same axes and the same camera for every λ; a click shows that λ");
            self.below.choice(ui, session);
        });
        let Some(run) = session.run() else {
            return grip;
        };
        let align = scatter.preferences.align;
        let places = run.one_for_each_lambda();
        let clouds: Vec<_> = places
            .iter()
            .filter_map(|place| latent::seen(run, *place, align))
            .collect();
        let Some(shown) = latent::seen(run, run.place(), align) else {
            ui.centered_and_justified(|ui| ui.weak("Clouds appear with the first look"));
            return grip;
        };
        if clouds.len() != places.len() {
            return grip;
        }
        let now = ui.input(|input| input.time);
        scatter.receive(&shown, &run.dataset, now);
        self.multiples.receive(&clouds, scatter, &run.dataset);
        let row = self.below.row(ui.ctx(), session, &places, scatter);
        let grid = Grid {
            run,
            places: &places,
            clouds: &self.multiples,
            below: row.as_ref(),
        };
        if let Some(place) = grid.ui(ui, scatter) {
            session.show_lane(place);
        }
        grip
    }
}
