//! The settings of a run; most need a fresh start, which one button gives.

use eframe::egui::{Align, Button, ComboBox, DragValue, Grid, Id, Modal, RichText, Ui, vec2};

use super::transformer;
use crate::{
    data::{BundledSet, DataSource, ImageShape, locator::Availability},
    format::count,
    gui::state::{RunView, State},
    model::{Architecture, InvalidArchitecture, LatentSize, ModelSpec},
    train::{DeviceChoice, RunConfig},
};

/// Edits that are not applied yet.
#[derive(Default)]
pub struct Settings {
    /// `None` while everything is as the run in hand has it.
    draft: Option<Draft>,
    /// Whether the user is being asked if the run in hand may go.
    asking: bool,
}

#[derive(Clone, PartialEq)]
struct Draft {
    config: RunConfig,
    source: DataSource,
}

impl Settings {
    pub fn ui(&mut self, ui: &mut Ui, session: &mut State) {
        let in_force = Draft {
            config: session.config().clone(),
            source: session
                .run()
                .map_or_else(DataSource::default, |run| run.source.clone()),
        };
        // λ and learning rate need no fresh start and are never part of a draft.
        let mut draft = self.draft.take().unwrap_or_else(|| in_force.clone());
        draft.config.lambda = in_force.config.lambda;
        draft.config.learning_rate = in_force.config.learning_rate;
        let before = draft.clone();

        let images = session.run().map_or(60_000, |run| run.dataset.train.len());
        let mut plan = plan(&draft, session);
        Grid::new("settings")
            .num_columns(2)
            .spacing(vec2(8.0, 5.0))
            .show(ui, |ui| {
                data_set(ui, &mut draft, session);
                plan = self::plan(&draft, session);
                network(ui, &mut draft.config, &plan);
                if draft.config.architecture == Architecture::Vit {
                    transformer::ui(ui, &mut draft.config.vit, std::slice::from_ref(&plan));
                    plan = self::plan(&draft, session);
                }
                latent(ui, &mut draft.config, &plan);
                numbers(ui, &mut draft.config, images);
                learning_rate(ui, session);
                device(ui, &mut draft.config, session);
            });

        if draft == in_force {
            return;
        }
        let mut keep = true;
        let unfit = draft.config.architecture.latent_layout(&plan).err();
        let note = unfit
            .as_ref()
            .map_or("These changes need a fresh start".to_owned(), in_a_sentence);
        ui.label(
            RichText::new(note)
                .color(ui.visuals().warn_fg_color)
                .size(12.0),
        );
        ui.columns_const(|[left, right]: &mut [Ui; 2]| {
            let apply = Button::new("Apply").min_size(vec2(left.available_width(), 26.0));
            let apply = left.add_enabled(unfit.is_none(), apply);
            let apply = match unfit {
                Some(unfit) => apply.on_disabled_hover_text(unfit.to_string()),
                None => apply.on_hover_text("Begin a new run with these settings"),
            };
            if apply.clicked() {
                let loses = draft.config.device != in_force.config.device
                    && session.run().is_some_and(RunView::has_progress);
                if loses {
                    self.asking = true;
                } else {
                    session.apply(draft.config.clone(), draft.source.clone());
                    keep = false;
                }
            }
            let revert = Button::new("Revert").min_size(vec2(right.available_width(), 26.0));
            if right
                .add(revert)
                .on_hover_text("Back to the settings of the run in hand")
                .clicked()
            {
                keep = false;
            }
        });
        if draft != before {
            // In a low window the many sizes of a transformer would push the buttons out of sight.
            ui.scroll_to_cursor(Some(Align::BOTTOM));
        }
        if self.asking {
            match ask(ui, session) {
                None => {}
                Some(agreed) => {
                    self.asking = false;
                    if agreed {
                        session.apply(draft.config.clone(), draft.source.clone());
                        keep = false;
                    }
                }
            }
        }
        if keep {
            self.draft = Some(draft);
        }
    }
}

/// The reason, beginning with a capital letter.
fn in_a_sentence(unfit: &InvalidArchitecture) -> String {
    let mut letters = unfit.0.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// Asks whether progress may be lost; `None` until answered.
fn ask(ui: &Ui, session: &State) -> Option<bool> {
    let epochs = session.run().map_or(0, |run| run.epoch().0);
    let epochs = if epochs == 1 {
        "1 epoch".to_owned()
    } else {
        format!("{epochs} epochs")
    };
    let modal = Modal::new(Id::unique("change device")).show(ui.ctx(), |ui| {
        ui.set_width(320.0);
        ui.heading("Change device?");
        ui.label(format!(
            "The model moves to another device and starts again. {epochs} of training will be lost"
        ));
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            if ui.button("Change device").clicked() {
                return Some(true);
            }
            ui.button("Keep training here").clicked().then_some(false)
        })
        .inner
    });
    if modal.should_close() {
        return Some(false);
    }
    modal.inner
}

/// A combo box with a label that screen readers know.
pub fn choice<T: Copy + PartialEq>(
    ui: &mut Ui,
    label: &str,
    tip: &str,
    value: &mut T,
    options: &[T],
    name: impl Fn(T) -> String,
) {
    let label = ui.label(label).on_hover_text(tip);
    ComboBox::from_id_salt(label.id)
        .selected_text(name(*value))
        .width(ui.available_width())
        .show_ui(ui, |ui| {
            for option in options {
                ui.selectable_value(value, *option, name(*option));
            }
        })
        .response
        .labelled_by(label.id)
        .on_hover_text(tip);
    ui.end_row();
}

/// What a data set is called in a list.
pub fn source_name(source: &DataSource) -> String {
    match source {
        DataSource::Bundled(set) => set.to_string(),
        DataSource::Full(set) => format!("{set}, in full"),
        DataSource::Folder(path) => path.file_name().map_or_else(
            || path.display().to_string(),
            |name| name.to_string_lossy().into_owned(),
        ),
    }
}

fn data_set(ui: &mut Ui, draft: &mut Draft, session: &mut State) {
    let tip = "The images to learn from; full sets by File ▸ Data sets…, another folder by File ▸ Open data set…";
    let label = ui.label("Data set").on_hover_text(tip);
    let (mut open, mut more) = (false, false);
    let here = |set: &BundledSet| {
        matches!(
            session.downloads().state(*set).standing,
            Some(Availability::Found(_))
        )
    };
    let mut others: Vec<DataSource> = BundledSet::ALL
        .into_iter()
        .filter(here)
        .map(DataSource::Full)
        .collect();
    let is_listed =
        matches!(draft.source, DataSource::Bundled(_)) || others.contains(&draft.source);
    if !is_listed {
        others.push(draft.source.clone());
    }
    let list = ComboBox::from_id_salt(label.id)
        .selected_text(source_name(&draft.source))
        .width(ui.available_width())
        .show_ui(ui, |ui| {
            for set in BundledSet::ALL {
                let source = DataSource::Bundled(set);
                let text = source_name(&source);
                ui.selectable_value(&mut draft.source, source, text);
            }
            for source in others {
                let text = source_name(&source);
                ui.selectable_value(&mut draft.source, source, text);
            }
            more = ui
                .button("More data sets…")
                .on_hover_text("Full sets, on this machine or to download")
                .clicked();
            open = ui
                .button("Open folder…")
                .on_hover_text(
                    "Other images: official files, or a sub-folder of pictures for each class",
                )
                .clicked();
        });
    let button = list.response.labelled_by(label.id).on_hover_text(tip);
    if button.clicked() {
        session.downloads_mut().find();
    }
    if open {
        session.open_data_set();
    }
    if more {
        session.show_data_sets();
    }
    ui.end_row();
}

/// What the network is for: the chosen images, as far as they are known before they are read.
fn plan(draft: &Draft, session: &State) -> ModelSpec {
    let (shape, classes) = match (&draft.source, session.run()) {
        (DataSource::Bundled(set) | DataSource::Full(set), _) => {
            (set.shape(), set.class_names().len())
        }
        (DataSource::Folder(_), Some(run)) => (run.dataset.shape, run.dataset.classes()),
        (DataSource::Folder(_), None) => (ImageShape::GREY_28, 10),
    };
    draft.config.model_spec(shape, classes)
}

fn network(ui: &mut Ui, config: &mut RunConfig, plan: &ModelSpec) {
    let architecture = config.architecture;
    let tip = match (
        architecture.describe(plan),
        architecture.parameter_count(plan),
    ) {
        (Ok(layers), Ok(parameters)) => format!("{layers}\n{} parameters", count(parameters)),
        (Err(unfit), _) | (_, Err(unfit)) => unfit.to_string(),
    };
    choice(
        ui,
        "Network",
        &tip,
        &mut config.architecture,
        &Architecture::ALL,
        |architecture| architecture.to_string(),
    );
    if config.architecture.beyond_paper(plan.shape) {
        ui.label("");
        ui.label(RichText::new("beyond the paper").italics().size(12.0))
            .on_hover_text(
                "The paper trains CNN Large on colour images of 32×32 pixels, ViT on these and on grey ones of 28×28, and all other networks on grey ones",
            );
        ui.end_row();
    }
}

/// n, or the size of z that the layers decide.
fn latent(ui: &mut Ui, config: &mut RunConfig, plan: &ModelSpec) {
    if !config.architecture.has_free_latent() {
        let tip = "Values of z: this network's layers decide how many; they are shown by their principal components";
        ui.label("Latent z").on_hover_text(tip);
        let size = config.architecture.latent_layout(plan);
        ui.label(size.map_or_else(|_| "—".to_owned(), |layout| layout.to_string()))
            .on_hover_text(tip);
        ui.end_row();
        return;
    }
    let mut n = config.latent.get();
    number(
        ui,
        "Latent n",
        "Units of z: 1 is a line, 2 a plane, 3 a space; more are shown by their principal components",
        &mut n,
        LatentSize::MIN..=LatentSize::MAX,
    );
    if let Ok(latent) = LatentSize::new(n) {
        config.latent = latent;
    }
}

/// A number with a label that screen readers know.
pub fn number<N: eframe::emath::Numeric>(
    ui: &mut Ui,
    label: &str,
    tip: &str,
    value: &mut N,
    range: std::ops::RangeInclusive<N>,
) {
    let label = ui.label(label).on_hover_text(tip);
    ui.add(DragValue::new(value).range(range).speed(0.2))
        .labelled_by(label.id)
        .on_hover_text(tip);
    ui.end_row();
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
        "Decides initial weights and the order of the images",
        &mut config.seed,
        0..=u64::from(u32::MAX),
    );
}

fn learning_rate(ui: &mut Ui, session: &mut State) {
    let tip = "Step size of Adam; takes effect at the next step, without a fresh start";
    let mut learning_rate = session.config().learning_rate;
    if rate(ui, tip, &mut learning_rate) {
        session.set_learning_rate(learning_rate);
    }
}

/// A learning rate; whether it was changed.
pub fn rate(ui: &mut Ui, tip: &str, rate: &mut f64) -> bool {
    let label = ui.label("Learning rate").on_hover_text(tip);
    let speed = *rate * 0.01;
    let field = DragValue::new(rate)
        .range(1e-6..=1.0)
        .speed(speed)
        .custom_formatter(|rate, _| format!("{rate:.1e}"))
        .update_while_editing(false);
    let field = ui.add(field).labelled_by(label.id).on_hover_text(tip);
    ui.end_row();
    field.changed()
}

fn device(ui: &mut Ui, config: &mut RunConfig, session: &State) {
    let tip = session.run().map_or_else(
        || "Where to compute".to_owned(),
        |run| format!("In use: {}, {}", run.device.name, run.device.why),
    );
    choice(
        ui,
        "Device",
        &tip,
        &mut config.device,
        &DeviceChoice::ALL,
        |choice| choice.to_string(),
    );
}
