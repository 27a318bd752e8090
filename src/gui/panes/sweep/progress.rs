//! The progress of the sweep, above its runs.

use eframe::egui::{Button, ProgressBar, RichText, Ui};

use crate::{
    format::{count, duration, thousands},
    gui::{
        commands::{Commands, RunCommand},
        state::{
            State,
            sweep::{RunStatus, RunningSweep, Stage, SweepState},
        },
        widgets::clicked,
    },
    sweep::{SweepEnd, runner::SweepEstimate},
};

/// Shows the progress, or how the sweep ended.
pub fn ui(ui: &mut Ui, state: &State, commands: &mut Commands) {
    match (state.sweep.running.as_ref(), state.sweep.end.as_ref()) {
        (Some(running), _) => {
            bar(ui, running);
            live_training(ui, state, commands);
        }
        (None, Some(end)) => ended(ui, &state.sweep, end),
        (None, None) => return,
    }
    ui.add_space(2.0);
}

fn bar(ui: &mut Ui, sweep: &RunningSweep) {
    let to_do = sweep.estimate.as_ref().map(SweepEstimate::to_do);
    let share = sweep
        .progress
        .as_ref()
        .map_or(0.0, |progress| progress.share);
    let text = match (sweep.stage, &sweep.progress, to_do) {
        (Stage::Ending, ..) => "Ending…".to_owned(),
        (Stage::Preparing, ..) | (_, _, None) => {
            "Reading data and estimating time and memory…".to_owned()
        }
        (_, None, Some(to_do)) => format!("0 of {} runs", count(to_do)),
        (stage, Some(progress), Some(to_do)) => {
            let done = format!("{} of {} runs", count(sweep.ended), count(to_do));
            let left = format!(
                "{:.0} %, {} left",
                share * 100.0,
                duration(progress.seconds_left)
            );
            let speed = format!("{} images/s", thousands(progress.images_per_second));
            if stage == Stage::Paused {
                format!("Paused at {done} · {left}")
            } else {
                format!("{done} · {left} · {speed}")
            }
        }
    };
    let bar = ProgressBar::new(share as f32).text(text);
    let bar = bar.animate(matches!(sweep.stage, Stage::Preparing));
    ui.add(bar).on_hover_text(
        "Share of the training steps, weighted by the cost of each kind of run; the time left is based on the speed so far",
    );
}

/// A note that live training and the sweep share the machine, with a button to pause the former.
fn live_training(ui: &mut Ui, state: &State, commands: &mut Commands) {
    if state.run.view().is_none() {
        return;
    }
    let training = state.run.is_training();
    ui.horizontal(|ui| {
        let (text, label, tip) = if training {
            (
                "Live training continues and shares the cores",
                "Pause live training",
                "Leave all cores to the sweep",
            )
        } else {
            (
                "Live training is paused; the sweep has all cores",
                "Resume live training",
                "Train the live run beside the sweep",
            )
        };
        ui.label(RichText::new(text).size(12.5).weak());
        if clicked(ui, Button::new(label).small(), tip) {
            commands.push(RunCommand::ToggleTraining);
        }
    });
}

fn ended(ui: &mut Ui, sweep: &SweepState, end: &SweepEnd) {
    let done = sweep.count(RunStatus::is_done);
    let all = sweep.runs.len();
    let done_of_all = format!("{} of {} runs are done", count(done), count(all));
    match end {
        SweepEnd::Complete => {
            let failed = sweep.count(RunStatus::is_failed);
            let text = match (all - done, failed) {
                (0, _) => format!("Complete: all {} runs are done", count(all)),
                (_, 0) => format!("Ended: {done_of_all}"),
                (_, failed) => format!("Ended: {done_of_all}, {} failed", count(failed)),
            };
            ui.strong(text);
        }
        SweepEnd::Cancelled => {
            ui.strong(format!(
                "Cancelled: {done_of_all} and stored; Start continues from here"
            ));
        }
        SweepEnd::Failed(reason) => {
            ui.colored_label(ui.visuals().error_fg_color, reason);
        }
    }
}
