//! The slim panel at the left: λ, transport, settings.

mod mode;
pub(super) mod settings;
pub(super) mod transformer;
mod transport;

use eframe::egui::{
    self, DragValue, FontId, RichText, ScrollArea, TextFormat, Ui, text::LayoutJob,
};

use crate::{
    gui::{
        lambda_slider::{LABEL, choose, lambda_slider},
        state::{State, run_view::lambda_text},
        theme,
    },
    model::Lambda,
    sweep::Spectrum,
};

pub use mode::Mode;
pub use settings::Settings;

/// State of the panel: settings that are edited and not applied yet.
pub struct Controls {
    pub mode: Mode,
    settings: Settings,
}

impl Controls {
    /// Begins with a remembered spectrum.
    pub fn new(spectrum: &Spectrum) -> Self {
        Self {
            mode: Mode::new(spectrum),
            settings: Settings::default(),
        }
    }

    pub fn ui(&mut self, ui: &mut Ui, session: &mut State) {
        ScrollArea::vertical().show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            lambda(ui, session);
            self.mode.ui(ui, session);
            ui.separator();
            transport::ui(ui, session);
            ui.separator();
            self.settings.ui(ui, session);
        });
    }
}

fn lambda(ui: &mut Ui, session: &mut State) {
    let mut lambda = session.lambda();
    ui.horizontal(|ui| {
        ui.label(RichText::new(LABEL).size(30.0).strong());
        let mut value = lambda.value();
        ui.scope(|ui| {
            ui.style_mut().override_font_id = Some(FontId::monospace(20.0));
            ui.spacing_mut().interact_size.y = 28.0;
            let response = ui
                .add(
                    DragValue::new(&mut value)
                        .range(0.0..=1.0)
                        .speed(0.005)
                        .custom_formatter(|value, _| {
                            Lambda::new(value).map_or_else(|_| String::new(), lambda_text)
                        }),
                )
                .on_hover_text("Weight of reconstruction: drag, or click to type a number");
            response.widget_info(|| egui::WidgetInfo::drag_value(ui.is_enabled(), lambda.value()));
            if response.changed()
                && let Ok(typed) = Lambda::new((value * 100.0).round() / 100.0)
            {
                lambda = typed;
            }
        });
    });
    if lambda != session.lambda() {
        session.set_lambda(lambda);
    }
    choose(session, |choice| lambda_slider(ui, choice)).on_hover_text(
        "What the encoder listens to: at 0 only to the classifier, at 1 only to the decoder\n\
         ← → by 0.01, with Shift by 0.1, or to the next lane of a spectrum; Home and End to the ends",
    );
    let lambda = session.lambda();
    let visuals = ui.visuals().clone();
    ui.horizontal(|ui| {
        let small = |text: &str, colour| RichText::new(text).size(12.5).color(colour);
        ui.label(small("classification", theme::classification(&visuals)));
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.label(small("reconstruction", theme::reconstruction(&visuals)));
        });
    });
    ui.label(formula(ui, lambda)).on_hover_text(
        "The encoder's loss. Decoder and classifier always learn from their own loss, unweighted",
    );
    ui.label(RichText::new(lambda.meaning()).italics().size(15.0));
}

/// `L = 0.40 · MSE + 0.60 · CE` in the colours of the two losses.
fn formula(ui: &Ui, lambda: Lambda) -> LayoutJob {
    let visuals = ui.visuals();
    let mut job = LayoutJob::default();
    let mut write = |text: &str, color| {
        let format = TextFormat {
            font_id: FontId::proportional(16.0),
            color,
            ..TextFormat::default()
        };
        job.append(text, 0.0, format);
    };
    let plain = visuals.text_color();
    write("L = ", plain);
    write(
        &format!("{:.2} · MSE", lambda.value()),
        theme::reconstruction(visuals),
    );
    write(" + ", plain);
    write(
        &format!("{:.2} · CE", lambda.complement()),
        theme::classification(visuals),
    );
    job
}
