//! The grid as it is edited.

use eframe::egui::{Button, ComboBox, TextEdit, Ui};

use super::{
    list::{self, Typed},
    more::More,
};
use crate::{
    data::{BundledSet, DataSource},
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

/// The grid, and its lists as they are typed.
pub struct Editor {
    grid: Grid,
    latent: Typed<LatentSize>,
    lambda: Typed<Lambda>,
    seed: Typed<u64>,
    more: More,
}

impl Default for Editor {
    fn default() -> Self {
        Self::new(Preset::QuickLook.grid())
    }
}

impl Editor {
    fn new(grid: Grid) -> Self {
        Self {
            latent: Typed::new(grid.latent.clone(), list::show),
            lambda: Typed::new(grid.lambda.clone(), list::show),
            seed: Typed::new(grid.seed.clone(), list::show),
            more: More::new(&grid),
            grid,
        }
    }

    /// Takes up what [`Self::remember`] has given; where that is no grid with runs, begins with the default.
    pub fn recall(remembered: &str) -> Self {
        // An empty text would be a grid, one of defaults.
        let remembered = Some(remembered).filter(|text| !text.is_empty());
        remembered
            .and_then(|text| Grid::parse(text).ok())
            .filter(|grid| grid.runs().is_ok())
            .map_or_else(Self::default, Self::new)
    }

    /// The grid as a text that outlives the program.
    pub fn remember(&self) -> String {
        // A seed beyond the numbers of TOML is not worth a complaint.
        self.grid.to_toml().unwrap_or_default()
    }

    /// The grid as it was meant last.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Whether what is typed is no list, or settings do not go together.
    pub fn is_wrong(&self) -> bool {
        self.latent.wrong.is_some()
            || self.lambda.wrong.is_some()
            || self.seed.wrong.is_some()
            || self.more.is_wrong()
    }

    /// Shows the grid; while it is carried out, it stands.
    pub fn ui(&mut self, ui: &mut Ui, state: &State) {
        let free = state.sweep.running().is_none();
        let wrong = state.sweep.grid_error();
        ui.add_enabled_ui(free, |ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            self.preset(ui);
            ui.add_space(2.0);
            self.data(ui, state);
            say(ui, wrong, |wrong| matches!(wrong, GridError::Empty("data")));
            self.networks(ui);
            say(ui, wrong, |wrong| {
                matches!(wrong, GridError::Empty("arch") | GridError::NoPair)
            });
            let tip = "Sizes of z: whole numbers from 1 to 1024 with commas between them, or first:last; networks whose layers decide z are trained once";
            field(ui, "Sizes n of z", tip, &mut self.latent, list::parse);
            let tip =
                "Numbers from 0 to 1 with commas between them, or first:step:last, such as 0:0.1:1";
            let lambdas =
                |text: &str| Spectrum::parse_list(text).map_err(|error| error.to_string());
            field(ui, "λ of the runs", tip, &mut self.lambda, lambdas);
            let tip = "Whole numbers with commas between them, or first:last; a seed decides initial weights and the order of the images";
            field(ui, "Seeds", tip, &mut self.seed, list::parse);
            self.numbers(ui);
            self.more.ui(ui, &mut self.grid, state);
            say(ui, wrong, |wrong| {
                let told = matches!(
                    wrong,
                    GridError::Empty("data" | "arch") | GridError::NoPair
                );
                !told
            });
        });
        self.grid.latent.clone_from(&self.latent.values);
        self.grid.lambda.clone_from(&self.lambda.values);
        self.grid.seed.clone_from(&self.seed.values);
    }

    fn preset(&mut self, ui: &mut Ui) {
        let tip = "Grids that are ready; what they hold can be changed below";
        let label = ui.label("Preset").on_hover_text(tip);
        let ready = Preset::ALL.into_iter();
        let chosen = ready.clone().find(|preset| preset.grid() == self.grid);
        let name = chosen.map_or("A grid of your own".to_owned(), |preset| preset.to_string());
        let mut wanted = None;
        ComboBox::from_id_salt("experiment preset")
            .selected_text(name)
            .width(ui.available_width())
            .show_ui(ui, |ui| {
                for preset in ready {
                    let item = ui.selectable_label(chosen == Some(preset), preset.to_string());
                    if item.on_hover_text(preset.describe()).clicked() {
                        wanted = Some(preset);
                    }
                }
            })
            .response
            .labelled_by(label.id)
            .on_hover_text(tip);
        if let Some(preset) = wanted {
            *self = Self::new(preset.grid());
        }
    }

    fn data(&mut self, ui: &mut Ui, state: &State) {
        let tip = "Images to learn from and to measure with; each full set that is on this machine, and the folder of the live run, can be chosen too";
        ui.label("Data sets").on_hover_text(tip);
        let mut sources: Vec<DataSource> = BundledSet::ALL.map(DataSource::Bundled).to_vec();
        for set in BundledSet::ALL {
            if state.downloads.has_full(set) {
                sources.push(DataSource::Full(set));
            }
        }
        let live = state.run.view().map(|run| &run.source);
        for source in live.into_iter().chain(&self.grid.data) {
            if !sources.contains(source) {
                sources.push(source.clone());
            }
        }
        chips(ui, tip, &sources, &mut self.grid.data, source_name);
    }

    fn networks(&mut self, ui: &mut Ui) {
        let tip = "Every network is trained on every data set";
        ui.label("Networks").on_hover_text(tip);
        let all = Architecture::ALL;
        chips(ui, tip, &all, &mut self.grid.arch, |network| {
            network.to_string()
        });
        let tip = "Leave out networks on images of a shape that the paper does not train them on";
        ui.checkbox(&mut self.grid.paper_pairs_only, "Only pairs of the paper")
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

/// Buttons of which any number can be chosen; the chosen ones keep the order of `all`.
fn chips<T: Clone + PartialEq>(
    ui: &mut Ui,
    tip: &str,
    all: &[T],
    chosen: &mut Vec<T>,
    name: impl Fn(&T) -> String,
) {
    let mut changed = false;
    let mut kept: Vec<T> = Vec::new();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        for choice in all {
            let mut is_chosen = chosen.contains(choice);
            let chip = Button::selectable(is_chosen, name(choice)).frame_when_inactive(true);
            let chip = ui.add(chip);
            if chip.on_hover_text(tip).clicked() {
                is_chosen ^= true;
                changed = true;
            }
            if is_chosen {
                kept.push(choice.clone());
            }
        }
    });
    if changed {
        *chosen = kept;
    }
}

/// A text field, and below it what is wrong with it.
fn field<T>(
    ui: &mut Ui,
    name: &str,
    tip: &str,
    typed: &mut Typed<T>,
    parse: impl Fn(&str) -> Result<Vec<T>, String>,
) {
    let label = ui.label(name).on_hover_text(tip);
    let field = TextEdit::singleline(&mut typed.text).desired_width(f32::INFINITY);
    let field = ui.add(field).labelled_by(label.id).on_hover_text(tip);
    if field.changed() {
        typed.read(parse);
    }
    if let Some(wrong) = &typed.wrong {
        error_text(ui, wrong);
    }
}

fn say(ui: &mut Ui, wrong: Option<&GridError>, here: impl Fn(&GridError) -> bool) {
    if let Some(wrong) = wrong.filter(|wrong| here(wrong)) {
        let sentence = match wrong {
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
    fn a_grid_is_remembered_and_what_is_none_is_not() {
        let mut grid = Preset::Figure3.grid();
        grid.batch_size = 64;
        grid.learning_rate = 0.1 + 0.2;
        grid.vit.patch = Some(4);
        let text = Editor::new(grid.clone()).remember();
        assert_eq!(*Editor::recall(&text).grid(), grid);
        let many = format!("seed = [{}]", "1, ".repeat(100_000));
        for text in [
            "",
            "seed = []",
            "colour = 3",
            "vit = { heads = 3 }",
            "learning_rate = nan",
            &many,
        ] {
            let editor = Editor::recall(text);
            assert_eq!(editor.grid(), Editor::default().grid(), "{text}");
        }
    }
}
