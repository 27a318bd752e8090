//! Settings that all runs of a grid share and that are seldom changed: folded away.

use eframe::egui::{CollapsingHeader, Grid as Rows, RichText, Ui, vec2};

use super::editor::complain;
use crate::{
    data::{BundledSet, DataSource, ImageShape, bundle},
    gui::{
        panes::controls::{
            settings::{choice, number, rate},
            transformer,
        },
        state::State,
    },
    model::{Architecture, ModelSpec, VitOptions},
    sweep::Grid,
    train::{DeviceChoice, RunConfig},
};

/// What the controls say and the grid may not have yet.
pub struct More {
    batch: usize,
    vit: VitOptions,
    wrong: Wrong,
}

/// Why the grid does not have it, one sentence each.
#[derive(Default)]
struct Wrong {
    batch: Option<String>,
    vit: Option<String>,
}

/// What is known of a data set before it is read.
struct Images {
    name: String,
    shape: ImageShape,
    classes: usize,
    train: usize,
}

impl More {
    pub fn new(grid: &Grid) -> Self {
        Self {
            batch: grid.batch_size,
            vit: grid.vit,
            wrong: Wrong::default(),
        }
    }

    /// Whether something does not go together.
    pub fn is_wrong(&self) -> bool {
        self.wrong.batch.is_some() || self.wrong.vit.is_some()
    }

    pub fn ui(&mut self, ui: &mut Ui, grid: &mut Grid, session: &State) {
        let images: Vec<Images> = grid
            .data
            .iter()
            .filter_map(|source| Images::of(source, session))
            .collect();
        let has_vit = grid.arch.contains(&Architecture::Vit);
        self.check(&images, has_vit);
        let open = CollapsingHeader::new("More settings")
            .id_salt("experiment more")
            .show(ui, |ui| {
                rows(ui, "experiment training", |ui| {
                    let tip = "Images per step";
                    number(ui, "Batch size", tip, &mut self.batch, 1..=60_000);
                    let tip = "Step size of Adam";
                    rate(ui, tip, &mut grid.learning_rate);
                    let tip = "Where to compute: a GPU where there is a real one, else the CPU, unless one of them is named";
                    let all = DeviceChoice::ALL;
                    choice(ui, "Device", tip, &mut grid.device, &all, |device| {
                        device.to_string()
                    });
                });
                self.check(&images, has_vit);
                say(ui, self.wrong.batch.as_deref());
                if has_vit {
                    ui.add_space(2.0);
                    ui.label("Sizes of the ViT")
                        .on_hover_text("Of the vision transformer alone; the other networks have theirs from the paper");
                    let plans = plans(self.vit, &images);
                    rows(ui, "experiment transformer", |ui| {
                        transformer::ui(ui, &mut self.vit, &plans);
                    });
                    self.check(&images, has_vit);
                    say(ui, self.wrong.vit.as_deref());
                }
            });
        if self.wrong.batch.is_none() {
            grid.batch_size = self.batch;
        }
        if self.wrong.vit.is_none() {
            grid.vit = self.vit;
        }
        if open.openness < 1.0 {
            // What is folded away must not take anybody by surprise.
            let changes = changes(grid);
            if !changes.is_empty() {
                let text = RichText::new(changes.join(", ")).size(12.0);
                ui.label(text.color(ui.visuals().weak_text_color()));
            }
            say(ui, self.wrong.batch.as_deref());
            say(ui, self.wrong.vit.as_deref());
        }
    }

    fn check(&mut self, images: &[Images], has_vit: bool) {
        let batch = self.batch;
        let small = images.iter().find(|images| images.train < batch);
        self.wrong.batch = small.map(|Images { name, train, .. }| {
            format!("{name} has {train} training images, too few for a batch of {batch}")
        });
        let plans = plans(self.vit, images);
        let unfit = plans
            .iter()
            .find_map(|plan| Architecture::Vit.latent_layout(plan).err());
        // Sizes that no network has do no harm, unless they do not even go together.
        let unfit = if has_vit {
            unfit
        } else {
            self.vit.check().err()
        };
        self.wrong.vit = unfit.map(|unfit| unfit.to_string());
    }
}

impl Images {
    /// None where nothing is known of a folder yet.
    fn of(source: &DataSource, session: &State) -> Option<Self> {
        let of_set = |set: BundledSet, name: String, train: usize| Self {
            name,
            shape: set.shape(),
            classes: set.class_names().len(),
            train,
        };
        match source {
            DataSource::Bundled(set) => {
                let [train, _] = bundle::image_counts(*set);
                Some(of_set(*set, set.to_string(), train))
            }
            DataSource::Full(set) => {
                let [train, _] = session.downloads().shelf().entry(*set)?.images;
                Some(of_set(*set, format!("{set} in full"), train))
            }
            DataSource::Folder(_) => {
                let run = session.run().filter(|run| run.source == *source)?;
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

/// One for each shape of images, at least one.
fn plans(vit: VitOptions, images: &[Images]) -> Vec<ModelSpec> {
    let config = RunConfig {
        vit,
        ..RunConfig::default()
    };
    let mut plans: Vec<ModelSpec> = Vec::new();
    for images in images {
        let plan = config.model_spec(images.shape, images.classes);
        if !plans.contains(&plan) {
            plans.push(plan);
        }
    }
    if plans.is_empty() {
        plans.push(config.model_spec(ImageShape::GREY_28, 10));
    }
    plans
}

/// In what the grid's folded settings differ from the paper's.
fn changes(grid: &Grid) -> Vec<String> {
    let usual = Grid::default();
    let mut changes = Vec::new();
    if grid.batch_size != usual.batch_size {
        changes.push(format!("batch size {}", grid.batch_size));
    }
    if grid.learning_rate != usual.learning_rate {
        changes.push(format!("learning rate {:.1e}", grid.learning_rate));
    }
    if grid.device != usual.device {
        changes.push(format!("device {}", grid.device));
    }
    if grid.arch.contains(&Architecture::Vit) && grid.vit != usual.vit {
        changes.push("other sizes of the ViT".to_owned());
    }
    changes
}

fn rows(ui: &mut Ui, id: &str, show: impl FnOnce(&mut Ui)) {
    Rows::new(id)
        .num_columns(2)
        .spacing(vec2(8.0, 5.0))
        .show(ui, show);
}

fn say(ui: &mut Ui, wrong: Option<&str>) {
    if let Some(wrong) = wrong {
        complain(ui, wrong);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(set: BundledSet) -> Images {
        Images {
            name: set.to_string(),
            shape: set.shape(),
            classes: 10,
            train: bundle::image_counts(set)[0],
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused_with_the_reason() {
        let mut more = More::new(&Grid::default());
        let both = BundledSet::ALL.map(images);
        let grey = &both[..2];
        more.check(&both, true);
        assert!(!more.is_wrong());
        more.batch = 6000;
        more.check(&both, true);
        let told = more.wrong.batch.clone().unwrap();
        assert_eq!(
            told,
            "CIFAR-10 has 5000 training images, too few for a batch of 6000"
        );
        more.check(grey, true);
        assert!(!more.is_wrong());

        more.batch = 512;
        more.vit.patch = Some(7);
        more.check(&both, true);
        let told = more.wrong.vit.clone().unwrap();
        assert!(told.contains("7×7 do not tile"), "{told}");
        more.check(&both, false);
        assert!(!more.is_wrong(), "no network has these patches");
        more.check(grey, true);
        assert!(!more.is_wrong());
        more.vit.heads = 3;
        for has_vit in [true, false] {
            more.check(grey, has_vit);
            let told = more.wrong.vit.clone().unwrap();
            assert!(told.contains("3 heads"), "{told}");
        }
    }
}
