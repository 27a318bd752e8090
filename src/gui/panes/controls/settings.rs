//! The settings of a run. Most changes are a draft until they are applied, which starts a new run.

use eframe::egui::{Align, Button, ComboBox, Grid, Id, Modal, RichText, Ui, vec2};

use super::transformer;
use crate::{
    data::{DataSource, ImageShape},
    format::{count, plural},
    gui::{
        commands::{Commands, DataCommand, DownloadCommand, RunCommand, ViewCommand},
        state::{RunView, State},
        widgets::{
            choice, clicked, labelled, learning_rate, number, sentence, source_name, wide_button,
        },
    },
    model::{Architecture, LatentSize, ModelSpec},
    train::{DeviceChoice, RunConfig},
};

/// The draft.
#[derive(Default)]
pub struct Settings {
    /// `None` while nothing has been changed.
    draft: Option<Draft>,
    /// Whether the dialog is open that asks if the current run may be lost.
    is_dialog_open: bool,
}

#[derive(Clone, PartialEq)]
struct Draft {
    config: RunConfig,
    source: DataSource,
}

impl Draft {
    fn in_force(state: &State) -> Self {
        Self {
            config: state.run.config().clone(),
            source: state.run.source().clone(),
        }
    }

    fn apply(&self, commands: &mut Commands) {
        commands.push(RunCommand::Apply {
            config: Box::new(self.config.clone()),
            source: self.source.clone(),
        });
    }
}

/// What the user has decided about a draft.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    Apply,
    Revert,
}

impl Settings {
    pub fn ui(&mut self, ui: &mut Ui, state: &State, commands: &mut Commands) {
        let in_force = Draft::in_force(state);
        // λ and learning rate are changed without a restart and are never part of a draft.
        let mut draft = self.draft.take().unwrap_or_else(|| in_force.clone());
        draft.config.lambda = in_force.config.lambda;
        draft.config.learning_rate = in_force.config.learning_rate;
        let before = draft.clone();

        let images = state
            .run
            .view()
            .map_or(60_000, |run| run.dataset.train.len());
        Grid::new("settings")
            .num_columns(2)
            .spacing(vec2(8.0, 5.0))
            .show(ui, |ui| {
                data_set(ui, &mut draft, state, commands);
                network(ui, &mut draft, state);
                if draft.config.architecture == Architecture::Vit {
                    let spec = model_spec(&draft, state);
                    transformer::ui(ui, &mut draft.config.vit, &[spec]);
                }
                latent(ui, &mut draft, state);
                numbers(ui, &mut draft.config, images);
                learning_rate_row(ui, state, commands);
                device(ui, &mut draft.config, state);
            });

        if draft == in_force {
            return;
        }
        let decision = self.buttons(ui, &draft, &in_force, state);
        if draft != before {
            // In a low window, the many settings of a ViT would push the buttons out of view.
            ui.scroll_to_cursor(Some(Align::BOTTOM));
        }
        match decision.or_else(|| self.confirm(ui, state)) {
            Some(Decision::Apply) => draft.apply(commands),
            Some(Decision::Revert) => {}
            None => self.draft = Some(draft),
        }
    }

    /// The buttons below a draft. Leaving a device with a trained model needs a confirmation.
    fn buttons(
        &mut self,
        ui: &mut Ui,
        draft: &Draft,
        in_force: &Draft,
        state: &State,
    ) -> Option<Decision> {
        let spec = model_spec(draft, state);
        let invalid = draft.config.architecture.latent_layout(&spec).err();
        let note = invalid.as_ref().map_or_else(
            || "Apply starts a new run".to_owned(),
            |invalid| sentence(&invalid.to_string()),
        );
        let colour = ui.visuals().warn_fg_color;
        ui.label(RichText::new(note).color(colour).size(12.0));
        let mut decision = None;
        ui.columns_const(|[left, right]: &mut [Ui; 2]| {
            let apply = wide_button(left, "Apply", 26.0);
            let apply = left.add_enabled(invalid.is_none(), apply);
            let apply = match invalid {
                Some(invalid) => apply.on_disabled_hover_text(invalid.to_string()),
                None => apply.on_hover_text("Start a new run with these settings"),
            };
            if apply.clicked() {
                self.is_dialog_open = draft.config.device != in_force.config.device
                    && state.run.view().is_some_and(RunView::has_progress);
                if !self.is_dialog_open {
                    decision = Some(Decision::Apply);
                }
            }
            let revert = wide_button(right, "Revert", 26.0);
            let tooltip = "Return to the settings of the current run";
            if clicked(right, revert, tooltip) {
                decision = Some(Decision::Revert);
            }
        });
        decision
    }

    /// Asks whether progress may be lost, if that is needed.
    fn confirm(&mut self, ui: &Ui, state: &State) -> Option<Decision> {
        if !self.is_dialog_open {
            return None;
        }
        let epochs = state.run.view().map_or(0, |run| run.epoch().0);
        let modal = Modal::new(Id::unique("change device")).show(ui.ctx(), |ui| {
            ui.set_width(320.0);
            ui.heading("Change device?");
            ui.label(format!(
                "Training starts again on the other device, and {} of training will be lost",
                plural(epochs as usize, "epoch")
            ));
            ui.add_space(8.0);
            ui.horizontal(|ui| {
                if ui.button("Change device").clicked() {
                    return Some(true);
                }
                ui.button("Cancel").clicked().then_some(false)
            })
            .inner
        });
        let confirmed = modal.inner.or(modal.should_close().then_some(false))?;
        self.is_dialog_open = false;
        confirmed.then_some(Decision::Apply)
    }
}

fn data_set(ui: &mut Ui, draft: &mut Draft, state: &State, commands: &mut Commands) {
    let tooltip = "The images to train on. Full sets: File ▸ Data sets…; another folder: File ▸ Open data set…";
    let mut sources = state.downloads.sources();
    if !sources.contains(&draft.source) {
        sources.push(draft.source.clone());
    }
    let list = labelled(ui, "Data set", tooltip, |ui, id| {
        ComboBox::from_id_salt(id)
            .selected_text(source_name(&draft.source))
            .width(ui.available_width())
            .show_ui(ui, |ui| {
                for source in sources {
                    let name = source_name(&source);
                    ui.selectable_value(&mut draft.source, source, name);
                }
                if clicked(
                    ui,
                    Button::new("More data sets…"),
                    "Full sets, on this machine or to download",
                ) {
                    commands.push(ViewCommand::OpenDataSets);
                }
                if clicked(
                    ui,
                    Button::new("Open folder…"),
                    "Other images: official files, or one folder per class",
                ) {
                    commands.push(DataCommand::ChooseFolder);
                }
            })
            .response
    });
    if list.clicked() {
        commands.push(DownloadCommand::FindSets);
    }
    if let Some(run) = state.run.view()
        && run.source == draft.source
        && !run.dataset.left_out.is_empty()
    {
        let left_out = &run.dataset.left_out;
        ui.label("");
        let text = format!("{} left out", plural(left_out.count(), "item"));
        ui.label(RichText::new(text).size(12.0))
            .on_hover_text(left_out.to_string());
        ui.end_row();
    }
}

/// The specification of the network of a draft, with properties of the images as far as they are
/// known before loading.
fn model_spec(draft: &Draft, state: &State) -> ModelSpec {
    let (shape, classes) = match (&draft.source, state.run.view()) {
        (DataSource::Bundled(set) | DataSource::Full(set), _) => {
            (set.shape(), set.class_names().len())
        }
        (DataSource::Folder(_), Some(run)) => (run.dataset.shape, run.dataset.classes()),
        (DataSource::Folder(_), None) => (ImageShape::GREY_28, 10),
    };
    draft.config.model_spec(shape, classes)
}

fn network(ui: &mut Ui, draft: &mut Draft, state: &State) {
    let spec = model_spec(draft, state);
    let architecture = draft.config.architecture;
    let tooltip = match (
        architecture.describe(&spec),
        architecture.parameter_count(&spec),
    ) {
        (Ok(layers), Ok(parameters)) => format!("{layers}\n{} parameters", count(parameters)),
        (Err(invalid), _) | (_, Err(invalid)) => invalid.to_string(),
    };
    choice(
        ui,
        "Network",
        &tooltip,
        &mut draft.config.architecture,
        &Architecture::ALL,
        |architecture| architecture.to_string(),
    );
    if draft.config.architecture.is_outside_paper(spec.shape) {
        ui.label("");
        ui.label(RichText::new("not in the paper").italics().size(12.0))
            .on_hover_text(
                "The paper trains CNN Large on colour images of 32×32 pixels, the ViT on these and on greyscale images of 28×28, and all other networks on greyscale images",
            );
        ui.end_row();
    }
}

/// n, or the size of z that the layers determine.
fn latent(ui: &mut Ui, draft: &mut Draft, state: &State) {
    let spec = model_spec(draft, state);
    let config = &mut draft.config;
    if !config.architecture.has_free_latent() {
        let tooltip = "Values of z, determined by the layers of this network; the cloud shows their principal components";
        let size = config.architecture.latent_layout(&spec);
        let size = size.map_or_else(
            |_| "—".to_owned(),
            |layout| layout.to_string().trim_start_matches("z = ").to_owned(),
        );
        labelled(ui, "Latent z", tooltip, |ui, _| ui.label(size));
        return;
    }
    let mut n = config.latent.get();
    number(
        ui,
        "Latent n",
        "Units of z: 1 is a line, 2 a plane, 3 a space; with more, the cloud shows the principal components",
        &mut n,
        LatentSize::MIN..=LatentSize::MAX,
    );
    if let Ok(latent) = LatentSize::new(n) {
        config.latent = latent;
    }
}

fn numbers(ui: &mut Ui, config: &mut RunConfig, images: usize) {
    number(
        ui,
        "Batch",
        "Images per step",
        &mut config.batch_size,
        1..=images,
    );
    number(
        ui,
        "Seed",
        "Determines initial weights and the order of the images",
        &mut config.seed,
        0..=u64::from(u32::MAX),
    );
}

fn learning_rate_row(ui: &mut Ui, state: &State, commands: &mut Commands) {
    let tooltip = "Step size of Adam; takes effect at the next step, without a restart";
    let mut rate = state.run.config().learning_rate;
    if learning_rate(ui, tooltip, &mut rate) {
        commands.push(RunCommand::SetLearningRate(rate));
    }
}

fn device(ui: &mut Ui, config: &mut RunConfig, state: &State) {
    let tooltip = state.run.view().map_or_else(
        || "Where to train".to_owned(),
        |run| format!("In use: {}, {}", run.device.name, run.device.why),
    );
    choice(
        ui,
        "Device",
        &tooltip,
        &mut config.device,
        &DeviceChoice::ALL,
        |device| device.to_string(),
    );
}
