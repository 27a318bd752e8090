//! A finished spectrum of the same network on other images, shown below the one in training.

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

/// The choice of a spectrum.
pub struct ComparisonRow {
    /// The name of the chosen spectrum.
    pub selected: Option<String>,
    multiples: SmallMultiples,
}

/// The row of a stored spectrum.
pub struct Row<'a> {
    pub name: &'a str,
    /// The name of its data set; that of the spectrum until its runs have been read.
    pub data: &'a str,
    /// One per λ of the run.
    pub cells: Vec<ComparisonCell>,
    pub multiples: &'a SmallMultiples,
    /// Class names in the order of their colours.
    pub classes: &'a [String],
    /// Why its clouds cannot be read, one sentence.
    pub error: Option<&'a str>,
}

/// The content of the row at one λ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComparisonCell {
    /// No stored run has this λ.
    Missing,
    /// The run is being read.
    Loading,
    /// The cloud at this index of [`Row::multiples`].
    Cloud { index: usize, is_dead: bool },
}

impl ComparisonRow {
    pub fn new(selected: Option<String>) -> Self {
        Self {
            selected,
            multiples: SmallMultiples::default(),
        }
    }

    /// The drop-down list of the spectra that fit.
    pub fn choice(&mut self, ui: &mut Ui, state: &State) {
        let fitting = fitting(state);
        let chosen = fitting
            .iter()
            .find(|spectrum| Some(&spectrum.name) == self.selected.as_ref());
        let name = chosen.map_or("nothing", |spectrum| spectrum.name.as_str());
        let tip = "Show a finished spectrum of the same network on other images, from the results file, below the clouds of this run";
        let response = ui
            .add_enabled_ui(!fitting.is_empty(), |ui| {
                let combo = ComboBox::from_id_salt("compared spectrum")
                    .selected_text(name)
                    .width(150.0)
                    .show_ui(ui, |ui| {
                        if ui.selectable_label(chosen.is_none(), "nothing").clicked() {
                            self.selected = None;
                        }
                        for spectrum in &fitting {
                            let is_chosen = self.selected.as_ref() == Some(&spectrum.name);
                            if ui.selectable_label(is_chosen, &spectrum.name).clicked() {
                                self.selected = Some(spectrum.name.clone());
                            }
                        }
                    });
                combo.response
            })
            .inner;
        let label = ui.label("Compare with");
        response
            .labelled_by(label.id)
            .on_hover_text(tip)
            .on_disabled_hover_text(
                "The results file has no spectrum of this network on other images with one of these λ",
            );
    }

    /// The row of the chosen spectrum, if the file has it; `lanes` are those of the clouds above.
    pub fn row<'a>(
        &'a mut self,
        state: &'a State,
        lanes: &[usize],
        scatter: &Scatter,
        commands: &mut Commands,
    ) -> Option<Row<'a>> {
        let run = state.run.view()?;
        let selected = self.selected.as_ref()?;
        let spectrum = fitting(state)
            .into_iter()
            .find(|spectrum| spectrum.name == *selected)?;
        let lanes = lanes.iter().filter_map(|lane| run.lanes().get(*lane));
        let runs: Vec<Option<i64>> = lanes.map(|lane| spectrum.run(lane.lane.lambda)).collect();
        let ids: Vec<i64> = runs.iter().copied().flatten().collect();
        let is_requested = state.results.has_requested_clouds(&ids);
        if !is_requested {
            commands.push(ResultsCommand::LoadClouds(ids));
        }
        let result = state.results.clouds.as_ref().filter(|_| is_requested);
        let clouds = result.and_then(|result| result.as_ref().ok());
        let pictures = clouds.map_or(&[][..], |clouds| &clouds.pictures);
        if let Some(clouds) = clouds {
            let align = scatter.preferences.align;
            let views = views(pictures, &clouds.alignments, align);
            self.multiples.receive_apart(&views, scatter);
        }
        // The pictures are those of the λ that have a run.
        let mut read = pictures.iter().enumerate();
        let cells = runs
            .iter()
            .map(|run| match (run, run.and_then(|_| read.next())) {
                (None, _) => ComparisonCell::Missing,
                (Some(_), None) => ComparisonCell::Loading,
                (Some(_), Some((index, picture))) => ComparisonCell::Cloud {
                    index,
                    is_dead: picture.record.is_dead(),
                },
            });
        let first = pictures.first().map(|picture| &*picture.record);
        Some(Row {
            name: &spectrum.name,
            data: first.map_or(&spectrum.name, |record| &record.data_name),
            cells: cells.collect(),
            multiples: &self.multiples,
            classes: first.map_or(&[], |record| &record.class_names),
            error: result.and_then(|result| result.as_ref().err().map(String::as_str)),
        })
    }
}

/// Stored spectra of the network on show, on other images, that have a λ in common with it.
fn fitting(state: &State) -> Vec<&StoredSpectrum> {
    let Some(run) = state.run.view() else {
        return Vec::new();
    };
    let fits = |spectrum: &&StoredSpectrum| {
        let mut lanes = run.lanes().iter();
        spectrum.data != run.source
            && spectrum.is_same_network(&run.config)
            && lanes.any(|lane| spectrum.run(lane.lane.lambda).is_some())
    };
    state.results.spectra().iter().filter(fits).collect()
}

/// Every cloud with all others as its reference, and its classes.
fn views<'a>(
    pictures: &'a [RunPicture],
    alignments: &[Alignment],
    align: bool,
) -> Vec<(CloudView<'a>, &'a Dataset)> {
    let alignment = |index: usize| {
        let alignment = alignments.get(index).copied().filter(|_| align);
        alignment.unwrap_or_default()
    };
    let clouds: Vec<_> = pictures
        .iter()
        .enumerate()
        .map(|(index, picture)| (&picture.snapshot, alignment(index)))
        .collect();
    let aligned = clouds.iter().zip(pictures);
    aligned
        .map(|((snapshot, alignment), picture)| {
            let view = CloudView {
                snapshot,
                alignment: *alignment,
                reference_clouds: clouds.clone(),
                aligned: align,
                name: String::new(),
            };
            (view, &picture.labels)
        })
        .collect()
}
