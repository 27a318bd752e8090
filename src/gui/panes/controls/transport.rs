//! Play, pause, step, epoch, reset, new seed; and how far training has come.

use eframe::egui::{Button, Grid, ProgressBar, RichText, Ui, vec2};

use crate::{
    format::{clock, thousands},
    gui::state::State,
};

pub fn ui(ui: &mut Ui, session: &mut State) {
    let started = session.run().is_some();
    let training = session.is_training();
    ui.add_enabled_ui(started, |ui| {
        let (label, tip) = if training {
            ("Pause", "Stop between two steps (Space)")
        } else {
            ("Train", "Go on training (Space)")
        };
        let play = Button::new(RichText::new(label).size(17.0))
            .min_size(vec2(ui.available_width(), 34.0));
        if ui.add(play).on_hover_text(tip).clicked() {
            session.toggle_training();
        }
        ui.columns_const(|[left, right]: &mut [Ui; 2]| {
            let wide = |ui: &mut Ui, label: &str, tip: &str| {
                let button = Button::new(label).min_size(vec2(ui.available_width(), 24.0));
                ui.add(button).on_hover_text(tip).clicked()
            };
            if wide(left, "Step", "Take one step, then pause (S)") {
                session.step();
            }
            if wide(right, "Epoch", "Train to the end of this epoch, then pause (E)") {
                session.epoch();
            }
            if wide(
                left,
                "Reset",
                "Begin again with the same seed and settings (R)",
            ) {
                session.reset();
            }
            if wide(
                right,
                "New seed",
                "Begin again with other initial weights; goes on to the next seed until its latent units live (N)",
            ) {
                session.new_seed();
            }
        });
    });
    progress(ui, session);
}

fn progress(ui: &mut Ui, session: &State) {
    let Some(run) = session.run() else {
        ui.add(ProgressBar::new(0.0).text("Preparing…"));
        return;
    };
    let (epoch, done) = run.epoch();
    let (share, text, tip) = if let Some(share) = run.testing {
        (
            share,
            format!("testing · {:.0} %", share * 100.0),
            "All test images are classified and rebuilt, as after every epoch; training waits meanwhile"
                .to_owned(),
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
        .on_hover_text(tip);
    Grid::new("progress").num_columns(2).show(ui, |ui| {
        ui.label("Speed");
        let speed = if session.is_training() {
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
