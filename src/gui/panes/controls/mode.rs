//! One λ, or the whole spectrum of them: which networks are trained.

use eframe::egui::{Button, ComboBox, DragValue, RichText, TextEdit, Ui, WidgetInfo, vec2};

use crate::{
    gui::state::{RunView, State},
    sweep::{
        Spectrum,
        spectrum::{LambdaListError, Seeding},
    },
    train::{
        device::Backend,
        memory::{self, MemoryEstimate},
    },
};

/// Seconds between two looks at the memory that is free.
const LOOK_AGAIN: f64 = 2.0;

/// The switch, and the spectrum that is edited.
pub struct Mode {
    /// What the user has chosen, perhaps not begun yet.
    wants_spectrum: bool,
    /// The spectrum as it is edited; outlives the program.
    pub spectrum: Spectrum,
    /// The list of λ as it is typed.
    list: String,
    wrong: Option<LambdaListError>,
    /// Whether the run in hand was a spectrum in the last frame.
    was_spectrum: bool,
    /// Memory that is free, and when that was looked up.
    free: Option<(f64, u64)>,
}

impl Mode {
    /// Begins with a remembered spectrum.
    pub fn new(spectrum: &Spectrum) -> Self {
        let spectrum = spectrum.valid_part();
        Self {
            wants_spectrum: false,
            list: spectrum.list(),
            spectrum,
            wrong: None,
            was_spectrum: false,
            free: None,
        }
    }

    pub fn ui(&mut self, ui: &mut Ui, session: &mut State) {
        let is_spectrum = session.spectrum().is_some();
        if is_spectrum != self.was_spectrum {
            // Begun or ended from elsewhere, too.
            (self.was_spectrum, self.wants_spectrum) = (is_spectrum, is_spectrum);
        }
        ui.columns_const(|[left, right]: &mut [Ui; 2]| {
            let choice = |ui: &mut Ui, chosen: bool, label: &str, tip: &str| {
                let button = Button::selectable(chosen, label)
                    .frame_when_inactive(true)
                    .min_size(vec2(ui.available_width(), 24.0));
                ui.add(button).on_hover_text(tip).clicked()
            };
            let tip = "Train one network, whose λ moves with the slider";
            if choice(left, !self.wants_spectrum, "One λ", tip) {
                self.wants_spectrum = false;
            }
            let tip = "Train a network for each λ side by side; the slider goes through them without waiting";
            if choice(right, self.wants_spectrum, "Spectrum", tip) {
                self.wants_spectrum = true;
            }
        });
        if self.wants_spectrum {
            self.edit(ui);
            self.begin(ui, session);
        } else if is_spectrum {
            let back = Button::new("Back to one λ").min_size(vec2(ui.available_width(), 26.0));
            let tip = "Begin anew with a single network and the λ on show; the spectrum is lost";
            if ui.add(back).on_hover_text(tip).clicked() {
                session.set_spectrum(None);
            }
        }
        if session.shown_spectrum().is_some() {
            film(ui, session);
        }
    }

    /// List of λ, runs and seeds.
    fn edit(&mut self, ui: &mut Ui) {
        let tip =
            "Numbers from 0 to 1 with commas between them, or first:step:last, such as 0:0.1:1";
        let label = ui.label("List of λ").on_hover_text(tip);
        let field = TextEdit::singleline(&mut self.list).desired_width(f32::INFINITY);
        let field = ui.add(field).labelled_by(label.id).on_hover_text(tip);
        if field.changed() {
            let parsed = Spectrum::parse_list(&self.list);
            match parsed.and_then(|lambdas| self.spectrum.with_lambdas(lambdas)) {
                Ok(spectrum) => {
                    self.spectrum = spectrum;
                    self.wrong = None;
                }
                Err(error) => self.wrong = Some(error),
            }
        }
        if let Some(wrong) = &self.wrong {
            let text = RichText::new(wrong.to_string()).size(12.0);
            ui.label(text.color(ui.visuals().error_fg_color));
        }
        ui.horizontal(|ui| {
            let tip = "Networks for each λ; with several, the figures show boxes";
            let label = ui.label("Runs of each").on_hover_text(tip);
            let mut runs = self.spectrum.runs();
            let range = 1..=self.spectrum.max_runs();
            let field = ui.add(DragValue::new(&mut runs).range(range).speed(0.05));
            field.widget_info(|| WidgetInfo::drag_value(true, runs as f64));
            if field.labelled_by(label.id).on_hover_text(tip).changed() {
                self.spectrum.set_runs(runs);
            }
        });
        ui.horizontal(|ui| {
            let tip = "With shared seeds two λ begin with the same weights and see the same batches: what differs is λ alone";
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

    /// What it takes, and the button that takes it.
    fn begin(&mut self, ui: &mut Ui, session: &mut State) {
        let Some(run) = session.run() else { return };
        let need = need(run, &self.spectrum);
        let free = self.free(ui, run.device.backend);
        let refused = need.and_then(|need| need.check(free).err());
        if let Some(need) = need {
            ui.label(RichText::new(need.to_string()).size(12.0))
                .on_hover_text("Memory for the parameters and the two moments that Adam keeps of each; images and activations come on top");
        }
        if session.spectrum() == Some(&self.spectrum) {
            return;
        }
        if let Some(refused) = &refused {
            let text = RichText::new(refused.to_string()).size(12.0);
            ui.label(text.color(ui.visuals().error_fg_color));
        }
        let lanes = self.spectrum.lanes(0).len();
        let label = if lanes == 1 {
            "Train 1 network".to_owned()
        } else {
            format!("Train {lanes} networks")
        };
        let button = Button::new(label).min_size(vec2(ui.available_width(), 28.0));
        let ready = refused.is_none() && self.wrong.is_none();
        let tip = "Begin anew with a network for each λ; the run in hand ends";
        let begin = ui.add_enabled(ready, button).on_hover_text(tip);
        let begin = begin.on_disabled_hover_text("Not with this list of λ or this much memory");
        if begin.clicked() {
            self.list = self.spectrum.list();
            session.set_spectrum(Some(self.spectrum.clone()));
        }
    }

    fn free(&mut self, ui: &Ui, backend: Backend) -> u64 {
        let now = ui.input(|input| input.time);
        match self.free {
            Some((since, free)) if now - since < LOOK_AGAIN => free,
            _ => {
                let free = memory::available(backend);
                self.free = Some((now, free));
                free
            }
        }
    }
}

fn need(run: &RunView, spectrum: &Spectrum) -> Option<MemoryEstimate> {
    let plan = run
        .config
        .model_spec(run.dataset.shape, run.dataset.classes());
    let parameters = run.config.architecture.parameter_count(&plan).ok()?;
    Some(MemoryEstimate {
        lanes: spectrum.lanes(0).len(),
        parameters,
    })
}

/// The button that lets λ move by itself.
fn film(ui: &mut Ui, session: &mut State) {
    let label = if session.is_playing() {
        "Stop playing"
    } else {
        "Play λ from 0 to 1"
    };
    let button = Button::new(label).min_size(vec2(ui.available_width(), 24.0));
    let tip = "Go through all lanes and back like a film (P)";
    if ui.add(button).on_hover_text(tip).clicked() {
        session.toggle_film();
    }
}
