//! Settings that all runs of a grid share and that are rarely changed, in a collapsible section.

use eframe::egui::{CollapsingHeader, Grid as Rows, RichText, Ui, vec2};

use crate::{
    data::{BundledSet, DataSource, ImageShape, bundle},
    gui::{
        panes::controls::transformer,
        state::State,
        widgets::{choice, error_text, learning_rate, learning_rate_text, number},
    },
    model::{Architecture, ModelSpec, VitOptions},
    sweep::Grid,
    train::{DeviceChoice, RunConfig},
};

/// The values in the controls, which may be invalid and then differ from the grid.
pub struct MoreSettings {
    batch: usize,
    vit: VitOptions,
    errors: Errors,
}

/// Why a value is invalid, one sentence each.
#[derive(Default)]
struct Errors {
    batch: Option<String>,
    vit: Option<String>,
}

/// Properties of a data set that are known before it is read.
struct DatasetInfo {
    name: String,
    shape: ImageShape,
    classes: usize,
    train: usize,
}

impl MoreSettings {
    pub fn new(grid: &Grid) -> Self {
        Self {
            batch: grid.batch_size,
            vit: grid.vit,
            errors: Errors::default(),
        }
    }

    pub fn has_errors(&self) -> bool {
        self.errors.batch.is_some() || self.errors.vit.is_some()
    }

    pub fn ui(&mut self, ui: &mut Ui, grid: &mut Grid, state: &State) {
        let images: Vec<DatasetInfo> = grid
            .data
            .iter()
            .filter_map(|source| DatasetInfo::new(source, state))
            .collect();
        let has_vit = grid.arch.contains(&Architecture::Vit);
        self.check(&images, has_vit);
        let section = CollapsingHeader::new("More settings")
            .id_salt("sweep more settings")
            .show(ui, |ui| {
                settings_grid(ui, "sweep training settings", |ui| {
                    let tip = "Images per step";
                    number(ui, "Batch size", tip, &mut self.batch, 1..=60_000);
                    let tip = "Step size of Adam";
                    learning_rate(ui, tip, &mut grid.learning_rate);
                    let tip =
                        "Where to train. Automatic: the GPU if the machine has one, else the CPU";
                    let all = DeviceChoice::ALL;
                    choice(ui, "Device", tip, &mut grid.device, &all, |device| {
                        device.to_string()
                    });
                });
                self.check(&images, has_vit);
                show_error(ui, self.errors.batch.as_deref());
                if has_vit {
                    ui.add_space(2.0);
                    ui.label("ViT dimensions")
                        .on_hover_text("Those of the other networks are fixed by the paper");
                    let specs = vit_specs(self.vit, &images);
                    settings_grid(ui, "sweep vit settings", |ui| {
                        transformer::ui(ui, &mut self.vit, &specs);
                    });
                    self.check(&images, has_vit);
                    show_error(ui, self.errors.vit.as_deref());
                }
            });
        if self.errors.batch.is_none() {
            grid.batch_size = self.batch;
        }
        if self.errors.vit.is_none() {
            grid.vit = self.vit;
        }
        if section.openness < 1.0 {
            // Settings in a collapsed section stay visible as a summary.
            let changes = changes(grid);
            if !changes.is_empty() {
                let text = RichText::new(changes.join(", ")).size(12.0);
                ui.label(text.color(ui.visuals().weak_text_color()));
            }
            show_error(ui, self.errors.batch.as_deref());
            show_error(ui, self.errors.vit.as_deref());
        }
    }

    fn check(&mut self, images: &[DatasetInfo], has_vit: bool) {
        let batch = self.batch;
        let too_small = images.iter().find(|images| images.train < batch);
        self.errors.batch = too_small.map(|DatasetInfo { name, train, .. }| {
            format!("Batch size {batch} is larger than the {train} training images of {name}")
        });
        let specs = vit_specs(self.vit, images);
        let layout_error = specs
            .iter()
            .find_map(|spec| Architecture::Vit.latent_layout(spec).err());
        // The options of the ViT must be consistent even if no network uses them.
        let error = if has_vit {
            layout_error
        } else {
            self.vit.check().err()
        };
        self.errors.vit = error.map(|error| error.to_string());
    }
}

impl DatasetInfo {
    fn from_set(set: BundledSet, name: String, train: usize) -> Self {
        Self {
            name,
            shape: set.shape(),
            classes: set.class_names().len(),
            train,
        }
    }

    /// `None` for a folder other than that of the live run.
    fn new(source: &DataSource, state: &State) -> Option<Self> {
        match source {
            DataSource::Bundled(set) => {
                let [train, _] = bundle::image_counts(*set);
                Some(Self::from_set(*set, set.to_string(), train))
            }
            DataSource::Full(set) => {
                let [train, _] = state.downloads.locator.entry(*set)?.images;
                Some(Self::from_set(*set, format!("{set} in full"), train))
            }
            DataSource::Folder(_) => {
                let run = state.run.view().filter(|run| run.source == *source)?;
                Some(Self {
                    name: run.dataset.name.clone(),
                    shape: run.dataset.shape,
                    classes: run.dataset.classes(),
                    train: run.dataset.train.len(),
                })
            }
        }
    }
}

/// One specification for each distinct image shape, at least one.
fn vit_specs(vit: VitOptions, images: &[DatasetInfo]) -> Vec<ModelSpec> {
    let config = RunConfig {
        vit,
        ..RunConfig::default()
    };
    let mut specs: Vec<ModelSpec> = Vec::new();
    for images in images {
        let spec = config.model_spec(images.shape, images.classes);
        if !specs.contains(&spec) {
            specs.push(spec);
        }
    }
    if specs.is_empty() {
        specs.push(config.model_spec(ImageShape::GREY_28, 10));
    }
    specs
}

/// The settings of this section that differ from the defaults.
fn changes(grid: &Grid) -> Vec<String> {
    let default = Grid::default();
    let mut changes = Vec::new();
    if grid.batch_size != default.batch_size {
        changes.push(format!("batch size {}", grid.batch_size));
    }
    if grid.learning_rate != default.learning_rate {
        changes.push(format!(
            "learning rate {}",
            learning_rate_text(grid.learning_rate)
        ));
    }
    if grid.device != default.device {
        changes.push(format!("device {}", grid.device));
    }
    if grid.arch.contains(&Architecture::Vit) && grid.vit != default.vit {
        changes.push("ViT changed".to_owned());
    }
    changes
}

fn settings_grid(ui: &mut Ui, id: &str, show: impl FnOnce(&mut Ui)) {
    Rows::new(id)
        .num_columns(2)
        .spacing(vec2(8.0, 5.0))
        .show(ui, show);
}

fn show_error(ui: &mut Ui, error: Option<&str>) {
    if let Some(error) = error {
        error_text(ui, error);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_size_and_vit_are_checked_against_the_data_sets() {
        let mut more = MoreSettings::new(&Grid::default());
        let both = BundledSet::ALL
            .map(|set| DatasetInfo::from_set(set, set.to_string(), bundle::image_counts(set)[0]));
        let grey = &both[..2];
        more.check(&both, true);
        assert!(!more.has_errors());
        more.batch = 6000;
        more.check(&both, true);
        let error = more.errors.batch.clone().unwrap();
        assert_eq!(
            error,
            "Batch size 6000 is larger than the 5000 training images of CIFAR-10"
        );
        more.check(grey, true);
        assert!(!more.has_errors());

        more.batch = 512;
        more.vit.patch = Some(7);
        more.check(&both, true);
        let error = more.errors.vit.clone().unwrap();
        assert!(error.contains("7×7 do not tile"), "{error}");
        more.check(&both, false);
        assert!(!more.has_errors(), "no network uses the patch size");
        more.check(grey, true);
        assert!(!more.has_errors());
        more.vit.heads = 3;
        for has_vit in [true, false] {
            more.check(grey, has_vit);
            let error = more.errors.vit.clone().unwrap();
            assert!(error.contains("3 heads"), "{error}");
        }
    }
}
