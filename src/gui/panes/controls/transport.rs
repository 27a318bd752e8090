//! Buttons that train, pause and restart, and the progress of training.

use eframe::egui::{Grid, ProgressBar, RichText, Ui};

use crate::{
    format::{clock, thousands},
    gui::{
        actions::ActionId,
        commands::Commands,
        state::{RunView, State},
        widgets::{action_button, wide_button},
    },
};

pub fn ui(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let toggle = RichText::new(ActionId::ToggleTraining.action().label(state)).size(17.0);
    let toggle = wide_button(ui, toggle, 34.0);
    action_button(ui, toggle, ActionId::ToggleTraining, state, commands);
    let rows = [
        [ActionId::Step, ActionId::Epoch],
        [ActionId::Restart, ActionId::NewSeed],
    ];
    ui.columns_const(|columns: &mut [Ui; 2]| {
        for row in rows {
            for (ui, id) in columns.iter_mut().zip(row) {
                let button = wide_button(ui, id.action().label(state), 24.0);
                action_button(ui, button, id, state, commands);
            }
        }
    });
    match state.run.view() {
        Some(run) => progress(ui, run, state.run.is_training()),
        None => {
            ui.add(ProgressBar::new(0.0).text("Preparing…"));
        }
    }
}

fn progress(ui: &mut Ui, run: &RunView, is_training: bool) {
    let (epoch, done) = run.epoch();
    let (share, text, tooltip) = if let Some(share) = run.evaluation_progress {
        (
            share,
            format!("evaluating · {:.0} %", share * 100.0),
            "Evaluation on all test images after an epoch; training waits for it".to_owned(),
        )
    } else {
        (
            done,
            format!("epoch {} · {:.0} %", epoch + 1, done * 100.0),
            format!(
                "Step {} of {} in this epoch",
                run.step() % run.steps_per_epoch.max(1),
                run.steps_per_epoch
            ),
        )
    };
    ui.add(ProgressBar::new(share).text(text).desired_height(18.0))
        .on_hover_text(tooltip);
    Grid::new("progress").num_columns(2).show(ui, |ui| {
        ui.label("Speed");
        let speed = if is_training {
            format!("{} images/s", thousands(run.images_per_second))
        } else {
            "paused".to_owned()
        };
        ui.label(RichText::new(speed).monospace());
        ui.end_row();
        ui.label("Trained");
        ui.label(RichText::new(clock(run.elapsed())).monospace());
        ui.end_row();
    });
}
