//! The window that exports figures and animations.

use eframe::egui::{Align2, Button, Context, Grid, Id, RichText, Ui, Window};

use super::PaneContext;
use crate::{
    figures::{CapacityMeasure, DeadRuns, FigureKind},
    format::{count, plural, thousands},
    gui::{
        commands::{Commands, ExportCommand, ResultsCommand},
        state::{AllOptions, Export, State, exports::MAX_SCENES, results::ResultsState},
        widgets::{clicked, sentence},
    },
};

/// Name of a format, extension of its files, and tooltip.
type Format = (&'static str, &'static str, &'static str);

const FIGURE_FORMATS: [Format; 3] = [
    ("SVG", "svg", "Vector graphics, for papers"),
    ("PNG", "png", "300 dots per inch, for slides"),
    ("CSV", "csv", "Every number that the figure shows"),
];
/// All figures are written in every format.
const NO_FORMAT: Format = ("", "", "");
const ANIMATION_FORMATS: [Format; 2] = [
    ("GIF", "gif", "Plays everywhere, with 256 colours per frame"),
    ("APNG", "png", "All colours; plays in browsers"),
];

#[derive(Default)]
pub struct ExportWindow {
    /// What will be exported; `None` while the window is closed.
    chosen: Option<Export>,
    /// Indices into the lists of formats.
    figure_format: usize,
    animation_format: usize,
}

impl ExportWindow {
    pub fn open(&mut self, export: Export) {
        self.chosen = Some(export);
    }

    /// The id of the window.
    pub fn id() -> Id {
        Id::unique("export")
    }

    pub fn is_open(&self) -> bool {
        self.chosen.is_some()
    }

    pub fn close(&mut self) {
        self.chosen = None;
    }

    pub fn ui(&mut self, ctx: &Context, context: &mut PaneContext<'_>) {
        let state = context.state;
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
            .id(Self::id())
            .open(&mut open)
            .resizable(false)
            .default_width(380.0)
            .pivot(Align2::CENTER_CENTER)
            .default_pos(ctx.content_rect().center())
            .show(ctx, |ui| {
                let (formats, format) = match &mut chosen {
                    Export::Figure(..) | Export::Width(_) => {
                        figures(ui, state, &mut chosen, context.commands);
                        (&FIGURE_FORMATS[..], &mut self.figure_format)
                    }
                    Export::Sweep | Export::Training => {
                        animations(ui, state, &mut chosen, context.commands);
                        (&ANIMATION_FORMATS[..], &mut self.animation_format)
                    }
                    Export::All(all) => {
                        all_figures(ui, state, all, context.commands);
                        ui.separator();
                        done = save_button(ui, state, chosen, NO_FORMAT, context.commands);
                        return;
                    }
                };
                ui.add_space(4.0);
                ui.horizontal(|ui| {
                    ui.label("Format");
                    for (index, (name, _, tip)) in formats.iter().enumerate() {
                        ui.selectable_value(format, index, *name)
                            .on_hover_text(*tip);
                    }
                });
                ui.separator();
                done = save_button(ui, state, chosen, formats[*format], context.commands);
            });
        self.chosen = (open && !done).then_some(chosen);
    }
}

/// Something that can be exported, with its title and tooltip.
type Choice = (Export, &'static str, &'static str);

fn figures(ui: &mut Ui, state: &State, chosen: &mut Export, commands: &mut Commands) {
    let dead = match *chosen {
        Export::Figure(_, dead) => dead,
        _ => DeadRuns::default(),
    };
    let figures = |needs_spectrum: bool| {
        let kinds = FigureKind::ALL.into_iter();
        let kinds = kinds.filter(move |kind| kind.needs_spectrum() == needs_spectrum);
        let choices = kinds.map(|kind| (Export::Figure(kind, dead), kind.title(), describe(kind)));
        choices.collect()
    };
    let groups: [(&str, &str, Vec<Choice>); 3] = [
        (
            "The network on show",
            "In its state when you click",
            figures(false),
        ),
        (
            "All λ of the spectrum",
            "Networks at several λ, trained side by side, in their state when you click",
            figures(true),
        ),
        (
            "Finished runs",
            "From the results file; File ▸ Export all figures… exports every figure that it allows",
            vec![
                (
                    Export::Width(CapacityMeasure::LatentSize),
                    "Trade-off width against n",
                    "What accuracy and reconstruction cost each other, for several latent sizes",
                ),
                (
                    Export::Width(CapacityMeasure::Parameters),
                    "Trade-off width against parameters",
                    "What accuracy and reconstruction cost each other, for several network sizes",
                ),
            ],
        ),
    ];
    watch_results(state, commands);
    for (title, tip, choices) in groups {
        ui.label(RichText::new(title).strong()).on_hover_text(tip);
        for choice in choices {
            choose(ui, state, chosen, choice);
        }
        ui.add_space(4.0);
    }
    if let Export::Figure(FigureKind::OverLambda | FigureKind::Pareto, dead) = chosen {
        dead_runs(ui, dead);
    }
}

/// A choice, disabled with the reason where it cannot be exported now.
fn choose(ui: &mut Ui, state: &State, chosen: &mut Export, (export, title, tip): Choice) {
    let available = state.can_export(export);
    ui.add_enabled_ui(available.is_ok(), |ui| {
        let radio = ui.radio_value(chosen, export, title).on_hover_text(tip);
        if let Err(reason) = available {
            radio.on_disabled_hover_text(sentence(&reason));
        }
    });
}

fn dead_runs(ui: &mut Ui, dead: &mut DeadRuns) {
    let mut without = *dead == DeadRuns::LeftOut;
    ui.checkbox(&mut without, "Leave out dead runs")
        .on_hover_text("Leave out runs whose latent units are all 0 for every image, and state their number; otherwise they are drawn as rings");
    *dead = DeadRuns::new(without);
}

fn describe(kind: FigureKind) -> &'static str {
    match kind {
        FigureKind::Cloud => "z of the test images of the cloud, coloured by class",
        FigureKind::Reconstructions => {
            "The test images of the grid, their reconstructions, MSE and predicted class"
        }
        FigureKind::Curves => "Accuracy, cross-entropy and MSE after every epoch",
        FigureKind::OverLambda => "Accuracy and MSE of every network against its λ",
        FigureKind::Pareto => "Accuracy against MSE of every network, with the Pareto front",
        FigureKind::Clouds => "z of 50 images per class, one panel per λ",
        FigureKind::ReconstructionsByLambda => "One image per class, reconstructed at each λ",
    }
}

/// The export of all figures of the finished runs.
fn all_figures(ui: &mut Ui, state: &State, all: &mut AllOptions, commands: &mut Commands) {
    watch_results(state, commands);
    ui.label("Figures 3, 4 and 5 of the paper, the trade-off plane and the trade-off width, as far as the finished runs allow, each as SVG, PNG and CSV");
    let results = &state.results;
    let runs = match &results.state {
        ResultsState::Read { runs: 1, .. } => "1 finished run".to_owned(),
        ResultsState::Read { runs, .. } => format!("{} finished runs", count(*runs)),
        ResultsState::Missing => "No finished runs".to_owned(),
        ResultsState::Unread => "Finished runs".to_owned(),
        ResultsState::Error(reason) => reason.clone(),
    };
    if let Some(file) = results.file() {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        ui.weak(format!("{runs}, from {name}"))
            .on_hover_text(file.display().to_string());
    }
    ui.add_space(4.0);
    dead_runs(ui, &mut all.dead);
    ui.checkbox(&mut all.animations, "Animate every λ sweep")
        .on_hover_text("Cloud and reconstructions from the first λ to the last, as GIF, for every network with runs at two λ or more; this takes a while");
}

fn animations(ui: &mut Ui, state: &State, chosen: &mut Export, commands: &mut Commands) {
    let tip =
        "Cloud and reconstructions of the spectrum from λ = 0 to 1, in their state when you click";
    choose(ui, state, chosen, (Export::Sweep, "λ sweep", tip));
    ui.radio_value(chosen, Export::Training, "Training")
        .on_hover_text("Cloud and reconstructions of the network on show, recorded from now on");
    if *chosen == Export::Training {
        ui.indent("recording", |ui| recording(ui, state, commands));
    }
}

fn recording(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let recording = state.exports.recording.as_ref();
    match recording {
        None => {
            ui.label("Nothing is recorded yet. Recording continues while this window is closed.");
        }
        Some(recording) => {
            let (count, (first, last)) = (recording.count(), recording.steps());
            let is_recording = state.exports.is_recording(state.run.view());
            Grid::new("recorded").num_columns(2).show(ui, |ui| {
                ui.label("Recorded");
                ui.label(format!(
                    "{}, step {} to {}",
                    plural(count, "frame"),
                    thousands(first as f64),
                    thousands(last as f64)
                ))
                .on_hover_text(format!(
                    "At most {MAX_SCENES} frames: beyond that, every second one is removed"
                ));
                ui.end_row();
                ui.label("");
                if is_recording {
                    ui.weak("Recording continues");
                } else {
                    ui.weak("The recorded run has ended");
                }
                ui.end_row();
            });
        }
    }
    ui.horizontal(|ui| {
        let label = if recording.is_some() {
            "Record again"
        } else {
            "Record"
        };
        let record = ui.add_enabled(state.run.view().is_some(), Button::new(label));
        if record
            .on_hover_text("Record cloud and reconstructions of the network on show from now on")
            .clicked()
        {
            commands.push(ExportCommand::Record);
        }
        let tip = "Stop recording and discard the frames";
        if recording.is_some() && clicked(ui, Button::new("Discard"), tip) {
            commands.push(ExportCommand::DiscardRecording);
        }
    });
}

/// The button that opens the dialog for the file; returns whether it was clicked.
fn save_button(
    ui: &mut Ui,
    state: &State,
    chosen: Export,
    (name, extension, _): Format,
    commands: &mut Commands,
) -> bool {
    let available = match state.exports.running.as_ref() {
        Some(_) => Err("another export is in progress".to_owned()),
        None => state.can_export(chosen),
    };
    ui.horizontal(|ui| {
        let (label, tip) = match chosen {
            Export::All(_) => (
                "Choose folder…",
                "Choose the folder; the files are written in the background",
            ),
            _ => (
                "Save as…",
                "Choose the file; it is written in the background",
            ),
        };
        let button = ui.add_enabled(available.is_ok(), Button::new(label));
        if let Err(reason) = &available {
            ui.weak(sentence(reason));
        }
        let clicked = button.on_hover_text(tip).clicked();
        if clicked {
            commands.push(ExportCommand::Choose {
                export: chosen,
                format: (name, extension),
            });
        }
        clicked
    })
    .inner
}

/// Reads the results file while the window shows what it allows.
fn watch_results(state: &State, commands: &mut Commands) {
    if !state.results.is_watched() {
        commands.push(ResultsCommand::Watch);
    }
}
