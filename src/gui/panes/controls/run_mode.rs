//! The choice between one λ and a spectrum of them, and the draft of a spectrum.

use eframe::egui::{Button, ComboBox, RichText, TextEdit, Ui, vec2};

use super::super::PaneContext;
use crate::{
    format::plural,
    gui::{
        actions::ActionId,
        commands::{Command, RunCommand},
        state::RunView,
        widgets::{action_button, clicked, drag_value, error_text, wide_button},
    },
    sweep::{
        Spectrum,
        spectrum::{LambdaListError, Seeding},
    },
    train::memory::MemoryEstimate,
};

/// The choice and the draft, which may not be applied yet.
pub struct RunModeControls {
    is_spectrum: bool,
    /// The draft, kept between sessions.
    pub spectrum: Spectrum,
    list: String,
    list_error: Option<LambdaListError>,
    /// Whether the requested run was a spectrum in the last frame.
    was_spectrum: bool,
}

impl RunModeControls {
    pub fn new(spectrum: &Spectrum) -> Self {
        let spectrum = spectrum.valid_part();
        Self {
            is_spectrum: false,
            list: spectrum.list(),
            spectrum,
            list_error: None,
            was_spectrum: false,
        }
    }

    pub fn ui(&mut self, ui: &mut Ui, context: &mut PaneContext<'_>) {
        let run = &context.state.run;
        let is_spectrum = run.spectrum().is_some();
        if is_spectrum != self.was_spectrum {
            // Follows a run that was started elsewhere.
            (self.was_spectrum, self.is_spectrum) = (is_spectrum, is_spectrum);
        }
        ui.columns_const(|[left, right]: &mut [Ui; 2]| {
            let choice = |ui: &mut Ui, chosen: bool, label: &str, tooltip: &str| {
                let button = Button::selectable(chosen, label)
                    .frame_when_inactive(true)
                    .min_size(vec2(ui.available_width(), 24.0));
                ui.add(button).on_hover_text(tooltip).clicked()
            };
            let tooltip = "Train one network, whose λ follows the slider";
            if choice(left, !self.is_spectrum, "One λ", tooltip) {
                self.is_spectrum = false;
            }
            let tooltip =
                "Train one network per λ, side by side; the slider selects which one is shown";
            if choice(right, self.is_spectrum, "Spectrum", tooltip) {
                self.is_spectrum = true;
            }
        });
        if self.is_spectrum {
            self.edit(ui);
            self.start(ui, context);
        } else if is_spectrum {
            let back = wide_button(ui, "Back to one λ", 26.0);
            let tooltip =
                "Start a run of a single network with the λ on show; the spectrum is lost";
            if clicked(ui, back, tooltip) {
                context.commands.push(RunCommand::SetSpectrum(None));
            }
        }
        if run.shown_spectrum().is_some() {
            let id = ActionId::TogglePlayback;
            let button = wide_button(ui, id.action().label(context.state), 24.0);
            action_button(ui, button, id, context.state, context.commands);
        }
    }

    /// The list of λ and the seeds.
    fn edit(&mut self, ui: &mut Ui) {
        let tip = "Numbers from 0 to 1 separated by commas, or first:step:last, such as 0:0.1:1";
        let label = ui.label("List of λ").on_hover_text(tip);
        let field = TextEdit::singleline(&mut self.list).desired_width(f32::INFINITY);
        let field = ui.add(field).labelled_by(label.id).on_hover_text(tip);
        if field.changed() {
            let parsed = Spectrum::parse_list(&self.list);
            match parsed.and_then(|lambdas| self.spectrum.with_lambdas(lambdas)) {
                Ok(spectrum) => {
                    self.spectrum = spectrum;
                    self.list_error = None;
                }
                Err(error) => self.list_error = Some(error),
            }
        }
        if let Some(error) = &self.list_error {
            error_text(ui, &error.to_string());
        }
        ui.horizontal(|ui| {
            let tip = "Networks per λ; with several, figures show box plots";
            let label = ui.label("Seeds per λ").on_hover_text(tip);
            let mut runs = self.spectrum.runs();
            let range = 1..=self.spectrum.max_runs();
            let field = drag_value(ui, &mut runs, |field| field.range(range).speed(0.05));
            if field.labelled_by(label.id).on_hover_text(tip).changed() {
                self.spectrum.set_runs(runs);
            }
        });
        ui.horizontal(|ui| {
            let tip = "With shared seeds all λ start with the same weights and train on the same batches: they differ in λ alone";
            let label = ui.label("Seeds").on_hover_text(tip);
            let name = |seeding| match seeding {
                Seeding::Shared => "the same for all λ",
                Seeding::Own => "one per network",
            };
            ComboBox::from_id_salt(label.id)
                .selected_text(name(self.spectrum.seeding))
                .width(ui.available_width())
                .show_ui(ui, |ui| {
                    for seeding in [Seeding::Shared, Seeding::Own] {
                        let value = &mut self.spectrum.seeding;
                        ui.selectable_value(value, seeding, name(seeding));
                    }
                })
                .response
                .labelled_by(label.id)
                .on_hover_text(tip);
        });
    }

    /// The memory that the networks need, and the button that starts them.
    fn start(&mut self, ui: &mut Ui, context: &mut PaneContext<'_>) {
        let state = context.state;
        let Some(run) = state.run.view() else { return };
        let backend = run.device.backend;
        if state.memory.is_outdated(backend) {
            context.commands.push(Command::MeasureMemory(backend));
        }
        let estimate = memory_estimate(run, &self.spectrum);
        let available = state.memory.available(backend);
        let memory_error = estimate
            .zip(available)
            .and_then(|(estimate, available)| estimate.check(available).err());
        if let Some(estimate) = estimate {
            ui.label(RichText::new(estimate.to_string()).size(12.0))
                .on_hover_text("Parameters and the two moments that Adam stores per parameter; images and activations need more memory");
        }
        if state.run.spectrum() == Some(&self.spectrum) {
            return;
        }
        if let Some(memory_error) = &memory_error {
            error_text(ui, &memory_error.to_string());
        }
        let networks = plural(self.spectrum.lanes(0).len(), "network");
        let button = wide_button(ui, format!("Train {networks}"), 28.0);
        let is_ready = memory_error.is_none() && self.list_error.is_none();
        let start = ui
            .add_enabled(is_ready, button)
            .on_hover_text("Start a run of one network per λ; the current run ends")
            .on_disabled_hover_text("Fix the list of λ or train fewer networks");
        if start.clicked() {
            self.list = self.spectrum.list();
            let spectrum = Some(self.spectrum.clone());
            context.commands.push(RunCommand::SetSpectrum(spectrum));
        }
    }
}

fn memory_estimate(run: &RunView, spectrum: &Spectrum) -> Option<MemoryEstimate> {
    Some(MemoryEstimate {
        lanes: spectrum.lanes(0).len(),
        parameters: run
            .config
            .architecture
            .parameter_count(&run.model_spec())
            .ok()?,
    })
}
