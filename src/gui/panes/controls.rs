//! The panel at the left: λ, training, settings.

mod run_mode;
mod settings;
pub(super) mod transformer;
mod transport;

use eframe::egui::{
    self, Align, DragValue, FontId, Layout, RichText, ScrollArea, TextFormat, Ui, text::LayoutJob,
};

use self::{run_mode::RunModeControls, settings::Settings};
use super::PaneContext;
use crate::{
    format,
    gui::{
        commands::RunCommand,
        lambda_slider::{LABEL, LambdaChoice, lambda_slider},
        preferences::Preferences,
        theme,
    },
    model::Lambda,
    sweep::Spectrum,
};

/// Width of the scroll bar, whose space is left free.
const SCROLL_BAR: f32 = 10.0;

/// State of the panel: drafts that have not been applied.
pub struct Controls {
    run_mode: RunModeControls,
    settings: Settings,
}

impl Controls {
    pub fn new(spectrum: &Spectrum) -> Self {
        Self {
            run_mode: RunModeControls::new(spectrum),
            settings: Settings::default(),
        }
    }

    /// Stores what the panel keeps between sessions.
    pub fn save(&self, preferences: &mut Preferences) {
        preferences.spectrum = self.run_mode.spectrum.clone();
    }

    pub fn ui(&mut self, ui: &mut Ui, context: &mut PaneContext<'_>) {
        ScrollArea::vertical().show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            ui.set_max_width(ui.available_width() - SCROLL_BAR);
            lambda(ui, context);
            self.run_mode.ui(ui, context);
            ui.separator();
            transport::ui(ui, context.state, context.commands);
            ui.separator();
            self.settings.ui(ui, context.state, context.commands);
        });
    }
}

fn lambda(ui: &mut Ui, context: &mut PaneContext<'_>) {
    let state = context.state;
    ui.horizontal(|ui| {
        ui.label(RichText::new(LABEL).size(30.0).strong());
        if let Some(lambda) = lambda_field(ui, state.run.lambda()) {
            context.commands.push(RunCommand::SetLambda(lambda));
        }
    });
    let mut choice = LambdaChoice::new(state);
    lambda_slider(ui, &mut choice).on_hover_text(
        "Weight of reconstruction in the encoder's loss: 0 is a pure classifier, 1 a pure autoencoder\n\
         Left and Right change it by 0.01, with Shift by 0.1, or show the next network of a spectrum. Home and End go to the ends",
    );
    context.commands.extend(choice.command(state));
    let lambda = choice.lambda();
    let visuals = ui.visuals().clone();
    ui.horizontal(|ui| {
        let small = |text: &str, colour| RichText::new(text).size(12.5).color(colour);
        ui.label(small("classification", theme::classification(&visuals)));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(small("reconstruction", theme::reconstruction(&visuals)));
        });
    });
    ui.label(formula(ui, lambda)).on_hover_text(
        "The encoder's loss. Decoder and classifier are always trained on their own loss, unweighted",
    );
    ui.label(RichText::new(lambda.meaning()).italics().size(15.0));
}

/// The number field; returns a λ that was typed or dragged to.
fn lambda_field(ui: &mut Ui, lambda: Lambda) -> Option<Lambda> {
    let mut value = lambda.value();
    let response = ui
        .scope(|ui| {
            ui.style_mut().override_font_id = Some(FontId::monospace(20.0));
            ui.spacing_mut().interact_size.y = 28.0;
            let field = DragValue::new(&mut value)
                .range(0.0..=1.0)
                .speed(0.005)
                .custom_formatter(|value, _| format::lambda(value));
            ui.add(field)
        })
        .inner
        .on_hover_text("Weight of reconstruction: drag, or click to enter a number");
    response.widget_info(|| egui::WidgetInfo::drag_value(ui.is_enabled(), lambda.value()));
    let rounded = Lambda::new((value * 100.0).round() / 100.0).ok()?;
    (response.changed() && rounded != lambda).then_some(rounded)
}

/// `L = 0.40 · MSE + 0.60 · CE` in the colours of the two losses.
fn formula(ui: &Ui, lambda: Lambda) -> LayoutJob {
    let visuals = ui.visuals();
    let mut job = LayoutJob::default();
    let mut append = |text: &str, color| {
        let format = TextFormat {
            font_id: FontId::proportional(16.0),
            color,
            ..TextFormat::default()
        };
        job.append(text, 0.0, format);
    };
    let plain = visuals.text_color();
    append("L = ", plain);
    append(
        &format!("{} · MSE", format::lambda(lambda.value())),
        theme::reconstruction(visuals),
    );
    append(" + ", plain);
    append(
        &format!("{} · CE", format::lambda(lambda.complement())),
        theme::classification(visuals),
    );
    job
}
