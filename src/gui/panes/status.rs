//! The status bar: device, data set, network and progress of the run on show.

use eframe::egui::{Align, Layout, RichText, Ui};

use crate::{
    format::{count, thousands},
    gui::state::State,
};

pub fn ui(ui: &mut Ui, state: &State) {
    ui.horizontal(|ui| {
        let Some(run) = state.run.view() else {
            if state.is_preparing() {
                ui.spinner();
                ui.label("Loading images and preparing the first run…");
            } else {
                ui.label("No run");
            }
            return;
        };
        ui.label(&run.device.name).on_hover_text(format!(
            "Training on {}: {}",
            run.device.name, run.device.why
        ));
        ui.separator();
        ui.label(format!(
            "{}, {} + {} images",
            run.dataset.name,
            count(run.dataset.train.len()),
            count(run.dataset.test.len())
        ))
        .on_hover_text(format!("From {}", run.source));
        ui.separator();
        ui.label(format!(
            "{}, {}, {} parameters",
            run.config.architecture,
            run.latent_size(),
            count(run.parameters)
        ));
        ui.separator();
        ui.label(if run.is_spectrum() {
            format!(
                "{} networks, {}",
                run.lanes().len(),
                run.lane_name(run.shown_index())
            )
        } else {
            format!("seed {}", run.config.seed)
        });
        ui.separator();
        ui.label(format!("step {}", thousands(run.step() as f64)));
        if state.is_preparing() {
            ui.separator();
            ui.spinner();
            ui.label("Preparing the next run…");
        }
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if let Some(evaluation) = run.shown().last_evaluation {
                ui.label(
                    RichText::new(format!(
                        "test after epoch {}:  accuracy {:.1} %   CE {:.3} nats   MSE {:.4}",
                        evaluation.epoch,
                        evaluation.test.accuracy * 100.0,
                        evaluation.test.ce,
                        evaluation.test.mse
                    ))
                    .monospace(),
                )
                .on_hover_text("Means over the whole test set");
            }
        });
    });
}
