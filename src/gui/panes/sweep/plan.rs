//! What a grid will take, and the buttons that begin, hold and end it.

use eframe::egui::{
    Align, Button, Color32, FontId, Label, Layout, RichText, Ui, text::LayoutJob, vec2,
};

use crate::{
    format::{self, count, duration},
    gui::state::{
        All, Export, State,
        sweep::{RunStatus, Stage, SweepState},
    },
    sweep::runner::SweepEstimate,
};

const SMALL: f32 = 12.5;
/// Lines kept free for what runs take: buttons below them stand still while it is being found out.
const LINES: usize = 3;

/// Shows what is to be done; `wrong` if what is typed is no grid.
pub fn ui(ui: &mut Ui, experiment: &mut SweepState, wrong: bool) {
    ui.spacing_mut().item_spacing.y = 5.0;
    summary(ui, experiment);
    match experiment.sweep().map(|sweep| sweep.stage) {
        Some(stage) => steer(ui, experiment, stage),
        None => begin(ui, experiment, wrong),
    }
    if let Some(trouble) = experiment.error() {
        let text = RichText::new(trouble).size(SMALL);
        ui.label(text.color(ui.visuals().error_fg_color));
    }
}

/// "1 run", "12 runs".
fn runs(number: usize) -> String {
    if number == 1 {
        "1 run".to_owned()
    } else {
        format!("{} runs", count(number))
    }
}

fn summary(ui: &mut Ui, experiment: &SweepState) {
    ui.label(
        RichText::new(runs(experiment.runs().len()))
            .strong()
            .size(16.0),
    );
    let done = experiment.count(RunStatus::is_done);
    let failed = experiment.count(RunStatus::is_failed);
    let text = if experiment.is_known() || experiment.sweep().is_some() {
        let mut text = match done {
            0 => "None of them is done yet".to_owned(),
            1 => "1 of them is done".to_owned(),
            done => format!("{} of them are done", count(done)),
        };
        if failed > 0 {
            text = format!("{text}, {} failed", count(failed));
        }
        text
    } else if experiment.runs().is_empty() {
        String::new()
    } else {
        "Looking them up in the results…".to_owned()
    };
    ui.add(Label::new(RichText::new(text).size(SMALL)).truncate());
}

fn begin(ui: &mut Ui, experiment: &mut SweepState, wrong: bool) {
    let open = experiment.count(RunStatus::is_open);
    room(ui, |ui| forecast(ui, experiment, open));
    let ready = !wrong && open > 0 && experiment.is_known() && experiment.file().is_some();
    let label = format!("Start {}", runs(open));
    let button = Button::new(RichText::new(label).strong());
    let button = button.min_size(vec2(ui.available_width(), 30.0));
    let why = if wrong {
        "Not before the settings above are right"
    } else if experiment.file().is_none() {
        "This system has no place for a user's data"
    } else if experiment.is_known() {
        "All runs of this grid are done or have failed"
    } else {
        "Not before it is known which of them are done"
    };
    let start = ui
        .add_enabled(ready, button)
        .on_hover_text(
            "Train the runs that are not done yet, as many side by side as there is memory for",
        )
        .on_disabled_hover_text(why);
    if start.clicked() {
        experiment.start();
    }
    let failed = experiment.count(RunStatus::is_failed);
    if failed > 0 {
        let again = Button::new(format!("Try {} again", runs(failed)));
        let again = ui.add(again.min_size(vec2(ui.available_width(), 24.0)));
        if again
            .on_hover_text("Do the failed runs again; the same settings may well fail the same way")
            .clicked()
        {
            experiment.try_again();
        }
    }
    for file in experiment
        .estimate()
        .iter()
        .flat_map(|outlook| &outlook.left_out)
    {
        let text = format!("{} could not be read and is left out", file.display());
        ui.label(RichText::new(text).size(SMALL));
    }
}

/// Always the same height, whether there is something to say or not.
fn room(ui: &mut Ui, say: impl FnOnce(&mut Ui)) {
    let line = ui.fonts_mut(|fonts| fonts.row_height(&FontId::proportional(SMALL)));
    let size = vec2(ui.available_width(), LINES as f32 * line);
    ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
        ui.set_min_size(size);
        say(ui);
    });
}

/// What runs take, in the lines that are free for it; pointing at it tells the rest.
fn told(ui: &mut Ui, outlook: &SweepEstimate, tip: &str) {
    let font = FontId::proportional(SMALL);
    let mut job = LayoutJob::simple(takes(outlook), font, Color32::PLACEHOLDER, 0.0);
    job.wrap.max_rows = LINES;
    ui.label(job).on_hover_text(tip);
}

fn forecast(ui: &mut Ui, experiment: &mut SweepState, open: usize) {
    if let Some(outlook) = experiment.estimate() {
        if outlook.to_do() > 0 {
            told(
                ui,
                outlook,
                "From a short measurement on this machine, with all that ran beside it",
            );
        }
    } else if experiment.is_measuring() {
        ui.horizontal(|ui| {
            ui.spinner();
            ui.label(RichText::new("Measuring time and memory…").size(SMALL));
            let stop = ui
                .small_button("Stop")
                .on_hover_text("Begin without knowing");
            if stop.clicked() {
                experiment.stop_measuring();
            }
        });
    } else if open > 0 && experiment.is_known() {
        let measure = ui.small_button("Measure time and memory");
        let tip = "Train each kind of network for a moment; nothing is kept of it";
        if measure.on_hover_text(tip).clicked() {
            experiment.measure();
        }
    }
}

/// "About 2 min and 0.3 GB of memory, 11 networks side by side, on CPU, 2 threads".
pub fn takes(outlook: &SweepEstimate) -> String {
    let networks = match outlook.side_by_side {
        1 => "one network at a time".to_owned(),
        many => format!("up to {many} networks side by side"),
    };
    format!(
        "About {} and {} of memory; {networks}, on {}",
        duration(outlook.seconds),
        format::bytes(outlook.bytes),
        outlook.devices.join(" and ")
    )
}

fn steer(ui: &mut Ui, experiment: &mut SweepState, stage: Stage) {
    room(ui, |ui| {
        let sweep = experiment.sweep();
        if let Some(outlook) = sweep.and_then(|sweep| sweep.outlook.as_ref())
            && outlook.to_do() > 0
        {
            told(ui, outlook, "Measured just before the first run");
        }
    });
    ui.columns_const(|[left, right]: &mut [Ui; 2]| {
        let wide = |ui: &Ui, label: &str| {
            Button::new(label.to_owned()).min_size(vec2(ui.available_width(), 30.0))
        };
        let (label, tip) = if stage == Stage::Paused {
            ("Go on", "Go on where it stopped")
        } else {
            (
                "Pause runs",
                "Stop all runs between two steps; they stay in memory",
            )
        };
        let pause = wide(left, label);
        let pause = left.add_enabled(stage != Stage::Ending, pause);
        if pause.on_hover_text(tip).clicked() {
            experiment.pause(stage != Stage::Paused);
        }
        let cancel = wide(right, "Cancel");
        let cancel = right.add_enabled(stage != Stage::Ending, cancel);
        let tip =
            "End it: runs under way are lost, finished ones are kept, and Start goes on from there";
        if cancel.on_hover_text(tip).clicked() {
            experiment.cancel();
        }
    });
}

/// The file of results, with buttons that copy its name and export its figures; from right to left.
pub fn file(ui: &mut Ui, session: &mut State) {
    let export = ui.button("Export all figures…");
    let tip = "Write everything that the finished runs allow, each figure as SVG, PNG and CSV, into one folder";
    if export.on_hover_text(tip).clicked() {
        session.show_exports(Export::All(All::default()));
    }
    let Some(file) = session.experiment().file() else {
        ui.weak("no place for results on this system");
        return;
    };
    let path = file.display().to_string();
    let copy = ui.button("Copy path");
    if copy
        .on_hover_text("Copy the name of the results file; “cre-lab results” and “cre-lab figures” read it with --from")
        .clicked()
    {
        ui.ctx().copy_text(path.clone());
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let text = RichText::new(format!("Results: {path}")).weak();
        ui.add(Label::new(text).truncate())
            .on_hover_text("Every finished run is kept in this file");
    });
}
