//! The form in which a grid is edited.

use std::fmt::Display;

use eframe::egui::{Button, ComboBox, TextEdit, Ui};

use super::{
    list::{self, ListField},
    more_settings::MoreSettings,
};
use crate::{
    gui::{
        state::State,
        widgets::{drag_value, error_text, source_name},
    },
    model::{Architecture, Lambda, LatentSize},
    sweep::{
        Grid, Preset, Spectrum,
        grid::{GridError, MAX_EPOCHS},
    },
};

/// The grid, and the text fields of its lists.
pub struct Editor {
    /// The last valid grid.
    pub grid: Grid,
    latent: ListField<LatentSize>,
    lambda: ListField<Lambda>,
    seed: ListField<u64>,
    more: MoreSettings,
}

impl Editor {
    fn new(grid: Grid) -> Self {
        Self {
            latent: ListField::new(grid.latent.clone()),
            lambda: ListField::new(grid.lambda.clone()),
            seed: ListField::new(grid.seed.clone()),
            more: MoreSettings::new(&grid),
            grid,
        }
    }

    /// Reads a grid from the preferences; starts with the default grid where they have no valid
    /// grid with runs.
    pub fn from_preference(text: &str) -> Self {
        // An empty text would be a valid grid of defaults.
        let text = Some(text).filter(|text| !text.is_empty());
        text.and_then(|text| Grid::parse(text).ok())
            .filter(|grid| grid.runs().is_ok())
            .map_or_else(|| Self::new(Preset::QuickLook.grid()), Self::new)
    }

    /// The grid as TOML, for the preferences.
    pub fn to_preference(&self) -> String {
        // Fails only for a seed that is too large for TOML; such a grid is not stored.
        self.grid.to_toml().unwrap_or_default()
    }

    /// The last valid grid.
    /// Whether a list is invalid or settings contradict each other.
    pub fn has_errors(&self) -> bool {
        self.latent.error.is_some()
            || self.lambda.error.is_some()
            || self.seed.error.is_some()
            || self.more.has_errors()
    }

    /// Shows the form, disabled while a sweep is running.
    pub fn ui(&mut self, ui: &mut Ui, state: &State) {
        let can_edit = state.sweep.running.is_none();
        let error = state.sweep.grid_error.as_ref();
        ui.add_enabled_ui(can_edit, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            self.preset(ui);
            ui.add_space(2.0);
            self.data(ui, state);
            show_error(ui, error, |error| matches!(error, GridError::Empty("data")));
            self.networks(ui);
            show_error(ui, error, |error| {
                matches!(error, GridError::Empty("arch") | GridError::NoPair)
            });
            let tip = "Whole numbers from 1 to 1024, separated by commas, or first:last. A network whose latent size is fixed by its layers is trained once";
            field(ui, "Latent sizes n", tip, &mut self.latent, list::parse);
            let tip =
                "Numbers from 0 to 1, separated by commas, or first:step:last, such as 0:0.1:1";
            let lambdas =
                |text: &str| Spectrum::parse_list(text).map_err(|error| error.to_string());
            field(ui, "λ", tip, &mut self.lambda, lambdas);
            let tip = "Whole numbers, separated by commas, or first:last. A seed determines the initial weights and the order of the images";
            field(ui, "Seeds", tip, &mut self.seed, list::parse);
            self.numbers(ui);
            self.more.ui(ui, &mut self.grid, state);
            show_error(ui, error, |error| {
                !matches!(
                    error,
                    GridError::Empty("data" | "arch") | GridError::NoPair
                )
            });
        });
        self.grid.latent.clone_from(&self.latent.values);
        self.grid.lambda.clone_from(&self.lambda.values);
        self.grid.seed.clone_from(&self.seed.values);
    }

    fn preset(&mut self, ui: &mut Ui) {
        let tip = "Predefined grids; every setting can be changed below";
        let label = ui.label("Preset").on_hover_text(tip);
        let presets = Preset::ALL.into_iter();
        let current = presets.clone().find(|preset| preset.grid() == self.grid);
        let name = current.map_or("Custom grid".to_owned(), |preset| preset.to_string());
        let mut clicked = None;
        ComboBox::from_id_salt("sweep preset")
            .selected_text(name)
            .width(ui.available_width())
            .show_ui(ui, |ui| {
                for preset in presets {
                    let item = ui.selectable_label(current == Some(preset), preset.to_string());
                    if item.on_hover_text(preset.describe()).clicked() {
                        clicked = Some(preset);
                    }
                }
            })
            .response
            .labelled_by(label.id)
            .on_hover_text(tip);
        if let Some(preset) = clicked {
            *self = Self::new(preset.grid());
        }
    }

    fn data(&mut self, ui: &mut Ui, state: &State) {
        let tip = "Training and test images: the built-in sets, the full sets on this machine, and the folder of the live run";
        ui.label("Data sets").on_hover_text(tip);
        let mut sources = state.downloads.sources();
        let live = state.run.view().map(|run| &run.source);
        for source in live.into_iter().chain(&self.grid.data) {
            if !sources.contains(source) {
                sources.push(source.clone());
            }
        }
        toggle_buttons(ui, tip, &sources, &mut self.grid.data, source_name);
    }

    fn networks(&mut self, ui: &mut Ui) {
        let tip = "Every network is trained on every data set";
        ui.label("Networks").on_hover_text(tip);
        let all = Architecture::ALL;
        toggle_buttons(ui, tip, &all, &mut self.grid.arch, Architecture::to_string);
        let tip = "Leave out networks on images of a shape on which the paper does not train them";
        ui.checkbox(
            &mut self.grid.paper_pairs_only,
            "Only combinations of the paper",
        )
        .on_hover_text(tip);
    }

    fn numbers(&mut self, ui: &mut Ui) {
        ui.horizontal(|ui| {
            let tip = "Passes over the training images";
            let label = ui.label("Epochs").on_hover_text(tip);
            let field = drag_value(ui, &mut self.grid.epochs, |field| {
                field.range(1..=MAX_EPOCHS).speed(0.1)
            });
            field.labelled_by(label.id).on_hover_text(tip);
        });
    }
}

/// Toggle buttons for a choice of several values; the chosen ones keep the order of `all`.
fn toggle_buttons<T: Clone + PartialEq>(
    ui: &mut Ui,
    tip: &str,
    all: &[T],
    chosen: &mut Vec<T>,
    name: impl Fn(&T) -> String,
) {
    let mut changed = false;
    let mut selected: Vec<T> = Vec::new();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for choice in all {
            let mut is_chosen = chosen.contains(choice);
            let button = Button::selectable(is_chosen, name(choice)).frame_when_inactive(true);
            let button = ui.add(button);
            if button.on_hover_text(tip).clicked() {
                is_chosen ^= true;
                changed = true;
            }
            if is_chosen {
                selected.push(choice.clone());
            }
        }
    });
    if changed {
        *chosen = selected;
    }
}

/// A labelled text field, and below it its error.
fn field<T: Display>(
    ui: &mut Ui,
    name: &str,
    tip: &str,
    list: &mut ListField<T>,
    parse: impl Fn(&str) -> Result<Vec<T>, String>,
) {
    let label = ui.label(name).on_hover_text(tip);
    let field = TextEdit::singleline(&mut list.text).desired_width(f32::INFINITY);
    let field = ui.add(field).labelled_by(label.id).on_hover_text(tip);
    if field.changed() {
        list.update(parse);
    }
    if let Some(error) = &list.error {
        error_text(ui, error);
    }
}

/// Shows the error of the grid in sentence form, if it belongs here.
fn show_error(ui: &mut Ui, error: Option<&GridError>, belongs_here: impl Fn(&GridError) -> bool) {
    if let Some(error) = error.filter(|error| belongs_here(error)) {
        let sentence = match error {
            GridError::Empty("data") => "choose at least one data set".to_owned(),
            GridError::Empty("arch") => "choose at least one network".to_owned(),
            other => other.to_string(),
        };
        error_text(ui, &sentence);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_is_restored_from_preferences_and_invalid_text_gives_the_default() {
        let mut grid = Preset::Figure3.grid();
        grid.batch_size = 64;
        grid.learning_rate = 0.1 + 0.2;
        grid.vit.patch = Some(4);
        let text = Editor::new(grid.clone()).to_preference();
        assert_eq!(Editor::from_preference(&text).grid, grid);
        let many = format!("seed = [{}]", "1, ".repeat(100_000));
        for text in [
            "",
            "seed = []",
            "colour = 3",
            "vit = { heads = 3 }",
            "learning_rate = nan",
            &many,
        ] {
            let editor = Editor::from_preference(text);
            assert_eq!(editor.grid, Preset::QuickLook.grid(), "{text}");
        }
    }
}
