//! The window that writes figures and films into files.

use eframe::egui::{Align2, Button, Context, Grid, RichText, Ui, Window};

use crate::{
    figures::{CapacityMeasure, DeadRuns, FigureKind},
    format::{count, thousands},
    gui::state::{All, Export, State, recording::Recording, results::ResultsState},
};

/// Formats by name, with the extension of the file and what it is good for.
type Format = (&'static str, &'static str, &'static str);

const FIGURE_FORMATS: [Format; 3] = [
    ("SVG", "svg", "Sharp at every size, for papers"),
    ("PNG", "png", "300 dots per inch, for slides"),
    ("CSV", "csv", "Every number that the figure shows"),
];
/// All figures are written in every format.
const NO_FORMAT: Format = ("", "", "");
const FILM_FORMATS: [Format; 2] = [
    ("GIF", "gif", "Plays everywhere, with 256 colours a frame"),
    ("APNG", "png", "All colours; browsers play it"),
];

/// State of the window.
#[derive(Default)]
pub struct ExportWindow {
    /// What is to be written; none while the window is closed.
    chosen: Option<Export>,
    /// Places in the lists of formats.
    figure_format: usize,
    film_format: usize,
}

impl ExportWindow {
    /// Opens it for a figure.
    pub fn show_figures(&mut self) {
        self.chosen = Some(Export::Figure(FigureKind::Cloud, DeadRuns::default()));
    }

    /// Opens it for a film.
    pub fn show_films(&mut self, is_spectrum: bool) {
        self.chosen = Some(if is_spectrum {
            Export::Sweep
        } else {
            Export::Training
        });
    }

    /// Shows the window, if it is open or a pane has asked for it.
    pub fn ui(&mut self, ctx: &Context, session: &mut State) {
        self.chosen = session.take_export_wish().or(self.chosen);
        let Some(mut chosen) = self.chosen else {
            return;
        };
        let mut open = true;
        let title = match chosen {
            Export::Figure(..) | Export::Width(_) => "Export figure",
            Export::Sweep | Export::Training => "Export animation",
            Export::All(_) => "Export all figures",
        };
        let mut done = false;
        Window::new(title)
            .open(&mut open)
            .resizable(false)
            .default_width(380.0)
            .pivot(Align2::CENTER_CENTER)
            .default_pos(ctx.content_rect().center())
            .show(ctx, |ui| {
                let (formats, format) = match &mut chosen {
                    Export::Figure(..) | Export::Width(_) => {
                        figures(ui, session, &mut chosen);
                        (&FIGURE_FORMATS[..], &mut self.figure_format)
                    }
                    Export::Sweep | Export::Training => {
                        films(ui, session, &mut chosen);
                        (&FILM_FORMATS[..], &mut self.film_format)
                    }
                    Export::All(all) => {
                        every(ui, session, all);
                        ui.separator();
                        done = save_button(ui, session, chosen, NO_FORMAT);
                        return;
                    }
                };
                ui.add_space(4.0);
                ui.horizontal(|ui| {
                    ui.label("Format");
                    for (place, (name, _, tip)) in formats.iter().enumerate() {
                        ui.selectable_value(format, place, *name)
                            .on_hover_text(*tip);
                    }
                });
                ui.separator();
                done = save_button(ui, session, chosen, formats[*format]);
            });
        self.chosen = (open && !done).then_some(chosen);
    }
}

/// What can be written, with its title and more words about it.
type Choice = (Export, &'static str, &'static str);

/// The figures to choose from.
fn figures(ui: &mut Ui, session: &mut State, chosen: &mut Export) {
    let dead = match *chosen {
        Export::Figure(_, dead) => dead,
        _ => DeadRuns::default(),
    };
    let figures = |of_spectrum: bool| {
        let subjects = FigureKind::ALL.into_iter();
        let subjects = subjects.filter(move |subject| subject.needs_spectrum() == of_spectrum);
        let choices = subjects.map(|subject| {
            (
                Export::Figure(subject, dead),
                subject.title(),
                what(subject),
            )
        });
        choices.collect()
    };
    let groups: [(&str, &str, Vec<Choice>); 3] = [
        (
            "The network on show",
            "As it is at the moment of the click",
            figures(false),
        ),
        (
            "All λ of the spectrum",
            "Networks at several λ, trained side by side, as they are at the moment of the click",
            figures(true),
        ),
        (
            "Finished runs",
            "From the file of results; File ▸ Export all figures… writes everything that it allows",
            vec![
                (
                    Export::Width(CapacityMeasure::LatentSize),
                    "Trade-off width against n",
                    "What accuracy and reconstruction cost each other, for several sizes of z",
                ),
                (
                    Export::Width(CapacityMeasure::Parameters),
                    "Trade-off width against parameters",
                    "What accuracy and reconstruction cost each other, for several sizes of network",
                ),
            ],
        ),
    ];
    session.results_mut().watch();
    for (title, tip, choices) in groups {
        ui.label(RichText::new(title).strong()).on_hover_text(tip);
        for (choice, title, tip) in choices {
            let can = session.can_export(choice);
            ui.add_enabled_ui(can.is_ok(), |ui| {
                let radio = ui.radio_value(chosen, choice, title).on_hover_text(tip);
                if let Err(reason) = can {
                    radio.on_disabled_hover_text(sentence(&reason));
                }
            });
        }
        ui.add_space(4.0);
    }
    if let Export::Figure(FigureKind::OverLambda | FigureKind::Pareto, dead) = chosen {
        leave_out(ui, dead);
    }
}

fn leave_out(ui: &mut Ui, dead: &mut DeadRuns) {
    let mut without = *dead == DeadRuns::LeftOut;
    ui.checkbox(&mut without, "Leave out dead runs")
        .on_hover_text("Runs whose latent units are all 0 for every image; the figure says how many there were. With them they are drawn hollow");
    *dead = DeadRuns::new(without);
}

/// What a figure shows, in more words than its title.
fn what(subject: FigureKind) -> &'static str {
    match subject {
        FigureKind::Cloud => "z of the test images of the cloud, coloured by class",
        FigureKind::Reconstructions => {
            "The test images of the grid, what is rebuilt of them, error and answer"
        }
        FigureKind::Curves => "Accuracy, cross-entropy and MSE after every epoch",
        FigureKind::OverLambda => "Accuracy and MSE of every network against its λ",
        FigureKind::Pareto => "Accuracy against MSE of every network, with the Pareto front",
        FigureKind::Clouds => "z of 50 images of each class, one panel for each λ",
        FigureKind::ReconstructionsByLambda => "One image of each class, rebuilt at each λ",
    }
}

/// What is written of all finished runs, and how.
fn every(ui: &mut Ui, session: &mut State, all: &mut All) {
    session.results_mut().watch();
    ui.label("Figures 3, 4 and 5 of the paper, the trade-off plane and the trade-off's width, as far as the finished runs allow them: each as SVG, PNG and CSV");
    let results = session.results();
    let runs = match results.state() {
        ResultsState::Read { runs: 1, .. } => "1 finished run".to_owned(),
        ResultsState::Read { runs, .. } => format!("{} finished runs", count(*runs)),
        ResultsState::Missing => "No finished runs".to_owned(),
        ResultsState::Unread => "Finished runs".to_owned(),
        ResultsState::Trouble(reason) => reason.clone(),
    };
    if let Some(file) = results.file() {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        ui.weak(format!("{runs}, from {name}"))
            .on_hover_text(file.display().to_string());
    }
    ui.add_space(4.0);
    leave_out(ui, &mut all.dead);
    ui.checkbox(&mut all.films, "Film every λ sweep")
        .on_hover_text("Cloud and reconstructions from the first λ to the last as GIF, for every network with runs at two λ or more; this takes a while");
}

/// The films to choose from.
fn films(ui: &mut Ui, session: &mut State, chosen: &mut Export) {
    let can = session.can_export(Export::Sweep);
    ui.add_enabled_ui(can.is_ok(), |ui| {
        let radio = ui.radio_value(chosen, Export::Sweep, "λ sweep");
        let radio = radio.on_hover_text(
            "Cloud and reconstructions of the spectrum from λ = 0 to 1, as they are at the moment of the click",
        );
        if let Err(reason) = can {
            radio.on_disabled_hover_text(sentence(&reason));
        }
    });
    ui.radio_value(chosen, Export::Training, "Training")
        .on_hover_text("Cloud and reconstructions of the network on show, recorded from now on");
    if *chosen == Export::Training {
        ui.indent("recording", |ui| recording(ui, session));
    }
}

fn recording(ui: &mut Ui, session: &mut State) {
    let extent = session.recording().map(Recording::extent);
    match extent {
        None => {
            ui.label("Nothing is recorded yet. Recording goes on while this window is closed.");
        }
        Some((count, first, last)) => {
            let going_on = session.is_recording();
            Grid::new("recorded").num_columns(2).show(ui, |ui| {
                ui.label("Recorded");
                ui.label(format!(
                    "{count} picture{}, step {} to {}",
                    if count == 1 { "" } else { "s" },
                    thousands(first as f64),
                    thousands(last as f64)
                ))
                .on_hover_text("At most 240 pictures: when there are more, every second goes");
                ui.end_row();
                ui.label("");
                if going_on {
                    ui.weak("It goes on with the training");
                } else {
                    ui.weak("That run has ended");
                }
                ui.end_row();
            });
        }
    }
    ui.horizontal(|ui| {
        let label = if extent.is_some() {
            "Record anew"
        } else {
            "Record"
        };
        let record = ui.add_enabled(session.run().is_some(), Button::new(label));
        if record
            .on_hover_text("Keep what is seen of the network on show, from now on")
            .clicked()
        {
            session.record();
        }
        if extent.is_some()
            && ui
                .button("Forget")
                .on_hover_text("End recording and forget what was recorded")
                .clicked()
        {
            session.forget_recording();
        }
    });
}

/// The button that asks for a file; returns whether it was asked for.
fn save_button(
    ui: &mut Ui,
    session: &mut State,
    chosen: Export,
    (name, extension, _): Format,
) -> bool {
    let can = match session.exporting() {
        Some(_) => Err("another export is still under way".to_owned()),
        None => session.can_export(chosen),
    };
    ui.horizontal(|ui| {
        let (label, tip) = match chosen {
            Export::All(_) => (
                "Choose folder…",
                "Choose where; files of the same names are replaced, and everything else goes on",
            ),
            _ => (
                "Save as…",
                "Choose the file; it is written while everything goes on",
            ),
        };
        let button = ui.add_enabled(can.is_ok(), Button::new(label));
        if let Err(reason) = &can {
            ui.weak(sentence(reason));
        }
        let clicked = button.on_hover_text(tip).clicked();
        if clicked {
            session.choose_export(chosen, (name, extension));
        }
        clicked
    })
    .inner
}

/// A reason as a sentence of its own.
fn sentence(reason: &str) -> String {
    let mut letters = reason.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}
