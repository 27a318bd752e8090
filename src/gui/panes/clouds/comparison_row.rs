//! A finished spectrum of the same network on other images, to stand below the one that is trained.

use eframe::egui::{ComboBox, Ui};

use crate::{
    data::Dataset,
    gui::{
        commands::{Commands, ResultsCommand},
        scatter::{CloudView, Scatter, SmallMultiples},
        state::{State, stored_spectra::StoredSpectrum, sweep::RunPicture},
    },
    train::Alignment,
};

/// Which spectrum is wanted, and what is known of it.
pub struct ComparisonRow {
    wanted: Option<String>,
    multiples: SmallMultiples,
}

/// The spectrum as it stands below the one that is trained.
pub struct Row<'a> {
    pub name: &'a str,
    /// What people call its images; its whole name before they are read.
    pub data: String,
    /// One for each λ that is trained.
    pub cells: Vec<Cell>,
    pub multiples: &'a SmallMultiples,
    /// Classes in the order of their colours.
    pub classes: Vec<String>,
    /// Why there is nothing to see, one sentence.
    pub trouble: Option<&'a str>,
}

/// What stands below a λ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// No run has this λ.
    Missing,
    /// It is being read.
    Coming,
    /// The cloud at this place.
    Cloud { place: usize, is_dead: bool },
}

impl ComparisonRow {
    pub fn new(wanted: Option<String>) -> Self {
        Self {
            wanted,
            multiples: SmallMultiples::default(),
        }
    }

    /// Name of the spectrum that is wanted.
    pub fn wanted(&self) -> Option<&str> {
        self.wanted.as_deref()
    }

    /// The choice among all that fit.
    pub fn choice(&mut self, ui: &mut Ui, state: &State) {
        let fitting = fitting(state);
        let chosen = fitting
            .iter()
            .find(|spectrum| Some(&spectrum.name) == self.wanted.as_ref());
        let name = chosen.map_or("none", |spectrum| spectrum.name.as_str());
        let tip = "A finished spectrum of the same network on other images, from the file of results, in a row below each row of the one that is trained";
        let response = ui
            .add_enabled_ui(!fitting.is_empty(), |ui| {
                let combo = ComboBox::from_id_salt("clouds below")
                    .selected_text(name)
                    .width(150.0)
                    .show_ui(ui, |ui| {
                        if ui.selectable_label(chosen.is_none(), "none").clicked() {
                            self.wanted = None;
                        }
                        for spectrum in &fitting {
                            let is_chosen = self.wanted.as_ref() == Some(&spectrum.name);
                            if ui.selectable_label(is_chosen, &spectrum.name).clicked() {
                                self.wanted = Some(spectrum.name.clone());
                            }
                        }
                    });
                combo.response
            })
            .inner;
        let label = ui.label("Below");
        response
            .labelled_by(label.id)
            .on_hover_text(tip)
            .on_disabled_hover_text(
                "The file of results has no spectrum of this network on other images with the λ that are trained",
            );
    }

    /// What stands below, if it is wanted and there; `places` are those of the lanes above.
    pub fn row<'a>(
        &'a mut self,
        state: &'a State,
        places: &[usize],
        scatter: &Scatter,
        commands: &mut Commands,
    ) -> Option<Row<'a>> {
        let run = state.run.view()?;
        let wanted = self.wanted.as_ref()?;
        let spectrum = fitting(state)
            .into_iter()
            .find(|spectrum| spectrum.name == *wanted)?;
        let lanes = places.iter().filter_map(|place| run.lanes().get(*place));
        let runs: Vec<Option<i64>> = lanes.map(|lane| spectrum.run(lane.lane.lambda)).collect();
        let ids: Vec<i64> = runs.iter().copied().flatten().collect();
        let is_requested = state.results.has_requested_clouds(&ids);
        if !is_requested {
            commands.push(ResultsCommand::LoadClouds(ids));
        }
        let known = state.results.clouds().filter(|_| is_requested);
        let read = known.and_then(|known| known.as_ref().ok());
        let pictures = read.map_or(&[][..], |clouds| &clouds.pictures);
        if let Some(clouds) = read {
            let align = scatter.preferences.align;
            let seen = seen(pictures, &clouds.alignments, align);
            self.multiples.receive_apart(&seen, scatter);
        }
        let mut place = 0;
        let cells = runs.iter().map(|run| {
            if run.is_none() {
                return Cell::Missing;
            }
            place += 1;
            pictures
                .get(place - 1)
                .map_or(Cell::Coming, |picture| Cell::Cloud {
                    place: place - 1,
                    is_dead: picture.record.is_dead(),
                })
        });
        Some(Row {
            name: &spectrum.name,
            data: pictures.first().map_or_else(
                || spectrum.name.clone(),
                |picture| picture.record.data_name.clone(),
            ),
            cells: cells.collect(),
            multiples: &self.multiples,
            classes: pictures
                .first()
                .map(|picture| picture.record.class_names.clone())
                .unwrap_or_default(),
            trouble: known.and_then(|known| known.as_ref().err().map(String::as_str)),
        })
    }
}

/// The spectra of the network on show, on other images, that share a λ with it.
fn fitting(state: &State) -> Vec<&StoredSpectrum> {
    let Some(run) = state.run.view() else {
        return Vec::new();
    };
    let fits = |spectrum: &&StoredSpectrum| {
        let mut lanes = run.lanes().iter();
        spectrum.data != run.source
            && spectrum.is_of(&run.config)
            && lanes.any(|lane| spectrum.run(lane.lane.lambda).is_some())
    };
    state.results.spectra().iter().filter(fits).collect()
}

/// Every cloud in the company of all others, with its classes.
fn seen<'a>(
    pictures: &'a [RunPicture],
    turns: &[Alignment],
    align: bool,
) -> Vec<(CloudView<'a>, &'a Dataset)> {
    let turn = |place: usize| {
        let turn = turns.get(place).copied().filter(|_| align);
        turn.unwrap_or_default()
    };
    let company: Vec<_> = pictures
        .iter()
        .enumerate()
        .map(|(place, picture)| (&picture.snapshot, turn(place)))
        .collect();
    let all = company.iter().zip(pictures);
    all.map(|((snapshot, turn), picture)| {
        let seen = CloudView {
            snapshot,
            alignment: *turn,
            reference_clouds: company.clone(),
            aligned: align,
            name: String::new(),
        };
        (seen, &picture.labels)
    })
    .collect()
}
