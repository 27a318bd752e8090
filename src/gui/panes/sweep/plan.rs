//! What a grid will take, and the buttons that begin, hold and end it.

use eframe::egui::{
    Align, Button, Color32, FontId, Label, Layout, RichText, Ui, text::LayoutJob, vec2,
};

use crate::{
    format::{self, count, duration},
    gui::{
        actions::ActionId,
        commands::{Commands, SweepCommand},
        state::{
            State,
            sweep::{RunStatus, Stage, SweepState},
        },
        widgets::action_button,
    },
    sweep::runner::SweepEstimate,
};

const SMALL: f32 = 12.5;
/// Lines kept free for what runs take: buttons below them stand still while it is being found out.
const LINES: usize = 3;

/// Shows what is to be done; `wrong` if what is typed is no grid.
pub fn ui(ui: &mut Ui, sweep: &SweepState, wrong: bool, commands: &mut Commands) {
    ui.spacing_mut().item_spacing.y = 5.0;
    summary(ui, sweep);
    match sweep.running().map(|running| running.stage) {
        Some(stage) => steer(ui, sweep, stage, commands),
        None => begin(ui, sweep, wrong, commands),
    }
    if let Some(trouble) = sweep.error() {
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

fn summary(ui: &mut Ui, sweep: &SweepState) {
    ui.label(RichText::new(runs(sweep.runs().len())).strong().size(16.0));
    let done = sweep.count(RunStatus::is_done);
    let failed = sweep.count(RunStatus::is_failed);
    let text = if sweep.is_known() || sweep.running().is_some() {
        let mut text = match done {
            0 => "None of them is done yet".to_owned(),
            1 => "1 of them is done".to_owned(),
            done => format!("{} of them are done", count(done)),
        };
        if failed > 0 {
            text = format!("{text}, {} failed", count(failed));
        }
        text
    } else if sweep.runs().is_empty() {
        String::new()
    } else {
        "Looking them up in the results…".to_owned()
    };
    ui.add(Label::new(RichText::new(text).size(SMALL)).truncate());
}

fn begin(ui: &mut Ui, sweep: &SweepState, wrong: bool, commands: &mut Commands) {
    let open = sweep.count(RunStatus::is_open);
    room(ui, |ui| forecast(ui, sweep, open, commands));
    let ready = !wrong && open > 0 && sweep.is_known() && sweep.file().is_some();
    let label = format!("Start {}", runs(open));
    let button = Button::new(RichText::new(label).strong());
    let button = button.min_size(vec2(ui.available_width(), 30.0));
    let why = if wrong {
        "Not before the settings above are right"
    } else if sweep.file().is_none() {
        "This system has no place for a user's data"
    } else if sweep.is_known() {
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
        commands.push(SweepCommand::Start);
    }
    let failed = sweep.count(RunStatus::is_failed);
    if failed > 0 {
        let again = Button::new(format!("Try {} again", runs(failed)));
        let again = ui.add(again.min_size(vec2(ui.available_width(), 24.0)));
        if again
            .on_hover_text("Do the failed runs again; the same settings may well fail the same way")
            .clicked()
        {
            commands.push(SweepCommand::Retry);
        }
    }
    for file in sweep
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

fn forecast(ui: &mut Ui, sweep: &SweepState, open: usize, commands: &mut Commands) {
    if let Some(outlook) = sweep.estimate() {
        if outlook.to_do() > 0 {
            told(
                ui,
                outlook,
                "From a short measurement on this machine, with all that ran beside it",
            );
        }
    } else if sweep.is_estimating() {
        ui.horizontal(|ui| {
            ui.spinner();
            ui.label(RichText::new("Measuring time and memory…").size(SMALL));
            let stop = ui
                .small_button("Stop")
                .on_hover_text("Begin without knowing");
            if stop.clicked() {
                commands.push(SweepCommand::StopEstimate);
            }
        });
    } else if open > 0 && sweep.is_known() {
        let measure = ui.small_button("Measure time and memory");
        let tip = "Train each kind of network for a moment; nothing is kept of it";
        if measure.on_hover_text(tip).clicked() {
            commands.push(SweepCommand::Estimate);
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

fn steer(ui: &mut Ui, sweep: &SweepState, stage: Stage, commands: &mut Commands) {
    room(ui, |ui| {
        let running = sweep.running();
        if let Some(outlook) = running.and_then(|running| running.estimate.as_ref())
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
            commands.push(SweepCommand::SetPaused(stage != Stage::Paused));
        }
        let cancel = wide(right, "Cancel");
        let cancel = right.add_enabled(stage != Stage::Ending, cancel);
        let tip =
            "End it: runs under way are lost, finished ones are kept, and Start goes on from there";
        if cancel.on_hover_text(tip).clicked() {
            commands.push(SweepCommand::Cancel);
        }
    });
}

/// The file of results, with buttons that copy its name and export its figures; from right to left.
pub fn file(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let export = ActionId::ExportAll;
    let button = Button::new(export.action().label(state));
    action_button(ui, button, export, state, commands);
    let Some(file) = state.sweep.file() else {
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
