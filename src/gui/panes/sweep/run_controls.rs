//! Status and cost of the runs of a grid, and the buttons that start, pause and cancel them.

use eframe::egui::{
    Align, Button, Color32, FontId, Label, Layout, RichText, Ui, text::LayoutJob, vec2,
};

use crate::{
    format::{self, count, duration, plural},
    gui::{
        actions::ActionId,
        commands::{Commands, SweepCommand},
        state::{
            State,
            sweep::{RunStatus, Stage, SweepState},
        },
        widgets::{action_button, clicked, wide_button},
    },
    sweep::runner::SweepEstimate,
};

const SMALL: f32 = 12.5;
/// Lines reserved for the estimate, so that the buttons below it do not move when it arrives.
const LINES: usize = 3;

/// Shows the summary, the estimate and the buttons; `has_errors` if the grid in the editor is
/// invalid.
pub fn ui(ui: &mut Ui, sweep: &SweepState, has_errors: bool, commands: &mut Commands) {
    ui.spacing_mut().item_spacing.y = 5.0;
    summary(ui, sweep);
    match sweep.running.as_ref().map(|running| running.stage) {
        Some(stage) => running_buttons(ui, sweep, stage, commands),
        None => start_buttons(ui, sweep, has_errors, commands),
    }
    if let Some(error) = &sweep.error {
        let text = RichText::new(error).size(SMALL);
        ui.label(text.color(ui.visuals().error_fg_color));
    }
}

fn summary(ui: &mut Ui, sweep: &SweepState) {
    ui.label(
        RichText::new(plural(sweep.runs.len(), "run"))
            .strong()
            .size(16.0),
    );
    let done = sweep.count(RunStatus::is_done);
    let failed = sweep.count(RunStatus::is_failed);
    let text = if sweep.is_store_queried || sweep.running.is_some() {
        let mut text = match done {
            0 => "none done yet".to_owned(),
            1 if sweep.runs.len() == 1 => "done".to_owned(),
            all if all == sweep.runs.len() => format!("all {} done", count(all)),
            done => format!("{} done", count(done)),
        };
        if failed > 0 {
            text = format!("{text}, {} failed", count(failed));
        }
        text
    } else if sweep.runs.is_empty() {
        String::new()
    } else {
        "Checking which are done…".to_owned()
    };
    ui.add(Label::new(RichText::new(text).size(SMALL)).truncate());
}

fn start_buttons(ui: &mut Ui, sweep: &SweepState, has_errors: bool, commands: &mut Commands) {
    let open = sweep.count(RunStatus::is_open);
    fixed_height(ui, |ui| show_estimate(ui, sweep, open, commands));
    let is_ready = !has_errors && open > 0 && sweep.is_store_queried && sweep.file.is_some();
    let label = format!("Start {}", plural(open, "run"));
    let button = wide_button(ui, RichText::new(label).strong(), 30.0);
    let disabled_tooltip = if has_errors {
        "Correct the settings above first"
    } else if sweep.file.is_none() {
        "This system has no folder for user data, so results cannot be stored"
    } else if sweep.is_store_queried {
        "All runs of this grid are done or have failed"
    } else {
        "Checking which runs are done"
    };
    let start = ui
        .add_enabled(is_ready, button)
        .on_hover_text(
            "Train the runs that are not done yet, as many side by side as fit into memory",
        )
        .on_disabled_hover_text(disabled_tooltip);
    if start.clicked() {
        commands.push(SweepCommand::Start);
    }
    let failed = sweep.count(RunStatus::is_failed);
    if failed > 0 {
        let retry = wide_button(ui, format!("Retry {}", plural(failed, "run")), 24.0);
        if clicked(
            ui,
            retry,
            "Train the failed runs again; with the same settings they may fail again",
        ) {
            commands.push(SweepCommand::Retry);
        }
    }
    for note in sweep.estimate.iter().flat_map(|estimate| &estimate.notes) {
        ui.label(RichText::new(note).size(SMALL));
    }
}

/// Adds content in a region of [`LINES`] lines, whatever its height.
fn fixed_height(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let line = ui.fonts_mut(|fonts| fonts.row_height(&FontId::proportional(SMALL)));
    let size = vec2(ui.available_width(), LINES as f32 * line);
    ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
        ui.set_min_size(size);
        add(ui);
    });
}

/// The estimate in at most [`LINES`] lines, with a tooltip.
fn estimate_text(ui: &mut Ui, estimate: &SweepEstimate, tip: &str) {
    let font = FontId::proportional(SMALL);
    let mut job = LayoutJob::simple(describe(estimate), font, Color32::PLACEHOLDER, 0.0);
    job.wrap.max_rows = LINES;
    ui.label(job).on_hover_text(tip);
}

fn show_estimate(ui: &mut Ui, sweep: &SweepState, open: usize, commands: &mut Commands) {
    if let Some(estimate) = &sweep.estimate {
        if estimate.to_do() > 0 {
            estimate_text(
                ui,
                estimate,
                "From a short measurement on this machine, under its load at that time",
            );
        }
    } else if sweep.is_estimating() {
        ui.horizontal(|ui| {
            ui.spinner();
            ui.label(RichText::new("Estimating time and memory…").size(SMALL));
            if clicked(ui, Button::new("Stop").small(), "Skip the estimate") {
                commands.push(SweepCommand::StopEstimate);
            }
        });
    } else if open > 0 && sweep.is_store_queried {
        let tip = "Train each kind of network for a moment; the result is discarded";
        if clicked(ui, Button::new("Estimate time and memory").small(), tip) {
            commands.push(SweepCommand::Estimate);
        }
    }
}

/// "About 2 min and 0.3 GB of memory, 11 networks side by side, on CPU, 2 threads".
fn describe(estimate: &SweepEstimate) -> String {
    let networks = match estimate.side_by_side {
        1 => "one network at a time".to_owned(),
        many => format!("up to {many} networks side by side"),
    };
    format!(
        "About {} and {} of memory; {networks}, on {}",
        duration(estimate.seconds),
        format::bytes(estimate.bytes),
        estimate.devices.join(" and ")
    )
}

fn running_buttons(ui: &mut Ui, sweep: &SweepState, stage: Stage, commands: &mut Commands) {
    fixed_height(ui, |ui| {
        let running = sweep.running.as_ref();
        if let Some(estimate) = running.and_then(|running| running.estimate.as_ref())
            && estimate.to_do() > 0
        {
            estimate_text(ui, estimate, "Measured just before the first run");
        }
    });
    ui.columns_const(|[left, right]: &mut [Ui; 2]| {
        let (label, tip) = if stage == Stage::Paused {
            ("Resume", "Continue all runs where they stopped")
        } else {
            (
                "Pause runs",
                "Stop all runs after their current step; they stay in memory",
            )
        };
        let pause = wide_button(left, label, 30.0);
        let pause = left.add_enabled(stage != Stage::Ending, pause);
        if pause.on_hover_text(tip).clicked() {
            commands.push(SweepCommand::SetPaused(stage != Stage::Paused));
        }
        let cancel = wide_button(right, "Cancel", 30.0);
        let cancel = right.add_enabled(stage != Stage::Ending, cancel);
        let tip =
            "End the sweep: runs in training are lost, finished ones are stored, and Start continues from there";
        if cancel.on_hover_text(tip).clicked() {
            commands.push(SweepCommand::Cancel);
        }
    });
}

/// The results file, with buttons that copy its path and export its figures, from right to left.
pub fn results_file(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let export = ActionId::ExportAll;
    let button = Button::new(export.action().label(state));
    action_button(ui, button, export, state, commands);
    let Some(file) = &state.sweep.file else {
        ui.weak("no folder for results on this system");
        return;
    };
    let path = file.display().to_string();
    if clicked(
        ui,
        Button::new("Copy path"),
        "Copy the path of the results file, which “cre-lab results” and “cre-lab figures” read with --from",
    ) {
        ui.ctx().copy_text(path.clone());
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let text = RichText::new(format!("Results: {path}")).weak();
        ui.add(Label::new(text).truncate())
            .on_hover_text("Every finished run is stored in this file");
    });
}
