//! The preview of a finished run: its cloud, reconstructions, learning curves and settings.

use std::sync::Arc;

use eframe::{
    egui::{
        self, Align, Button, Grid, Layout, Rect, RichText, ScrollArea, Sense, Stroke, Ui, vec2,
    },
    egui_wgpu::RenderState,
};

use crate::{
    format::{count, duration},
    gui::{
        chart::{Axis, Chart},
        commands::{Commands, RunCommand, SweepCommand},
        images,
        scatter::{CloudView, Scatter},
        state::{State, sweep::RunPicture},
        textures::{Images, TextureCache},
        theme,
        widgets::{clicked, verdict, wide_button},
    },
    sweep::{Record, series::network_name},
    train::Evaluation,
};

const CLOUD: f32 = 250.0;
/// Height of the curves, in points.
const CURVES: f32 = 165.0;
/// Images per row.
const COLUMNS: usize = 10;
const GAP: f32 = 2.0;

pub struct RunPreview {
    scatter: Scatter,
}

impl RunPreview {
    /// Without a render state no points are drawn.
    pub fn new(render_state: Option<&RenderState>) -> Self {
        Self {
            scatter: Scatter::new(render_state),
        }
    }

    pub fn ui(
        &mut self,
        ui: &mut Ui,
        state: &State,
        textures: &mut TextureCache,
        commands: &mut Commands,
    ) {
        let Some(preview) = &state.sweep.preview else {
            return;
        };
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if clicked(ui, Button::new("Close").small(), "Close the preview") {
                    commands.push(SweepCommand::ClosePreview);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let name = RichText::new(&preview.name).strong();
                    ui.add(egui::Label::new(name).truncate());
                });
            });
        });
        match &preview.picture {
            None => {
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.label("Reading the run…");
                });
            }
            Some(Err(reason)) => {
                ui.colored_label(ui.visuals().error_fg_color, reason);
            }
            Some(Ok(picture)) => {
                let train = wide_button(ui, "Train this live", 28.0);
                let tip = "Replace the live run by a new one with the settings of this run";
                if clicked(ui, train, tip) {
                    let spec = Box::new(picture.record.spec.clone());
                    commands.push(RunCommand::TrainLive(spec));
                }
                ScrollArea::vertical()
                    .id_salt("sweep preview")
                    .auto_shrink(false)
                    .show(ui, |ui| self.picture(ui, picture, textures));
            }
        }
    }

    fn picture(&mut self, ui: &mut Ui, picture: &RunPicture, textures: &mut TextureCache) {
        let record = &picture.record;
        if record.is_dead() {
            ui.colored_label(
                ui.visuals().warn_fg_color,
                "Dead: every latent unit is 0 for every image, so the output of both heads is the same for all images",
            );
        }
        let width = ui.available_width();
        ui.allocate_ui(vec2(width, CLOUD), |ui| {
            let view = CloudView::alone(&picture.snapshot);
            self.scatter.scene_only(ui, &view, &picture.labels);
        });
        heading(
            ui,
            "Reconstructions",
            "Test images, and below each its reconstruction",
        );
        reconstructions(ui, record, textures);
        heading(
            ui,
            "Test set by epoch",
            "Measured before training and after every epoch. The ring marks the stored model, the one with the lowest L(λ)",
        );
        ui.allocate_ui(vec2(width, CURVES), |ui| curves(ui, record));
        heading(ui, "Settings", "Settings and results of the run");
        settings(ui, record);
    }
}

fn reconstructions(ui: &mut Ui, record: &Arc<Record>, textures: &mut TextureCache) {
    let samples = &record.eval_sample.reconstructions;
    let images = Images::Stored(record.into());
    let columns = COLUMNS.min(samples.len()).max(1);
    let side = (ui.available_width() - GAP * (columns - 1) as f32) / columns as f32;
    let side = side.min(48.0);
    let class = |class: u8| {
        let names = &record.class_names;
        names.get(usize::from(class)).map_or("?", String::as_str)
    };
    for (row, chunk) in samples.chunks(columns).enumerate() {
        let size = vec2(ui.available_width(), 2.0 * side + GAP);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        for (column, sample) in chunk.iter().enumerate() {
            let index = row * columns + column;
            let corner = rect.min + vec2(column as f32 * (side + GAP), 0.0);
            let pair = Rect::from_min_size(corner, vec2(side, 2.0 * side));
            for (top, tile) in [(0.0, 2 * index), (side, 2 * index + 1)] {
                let rect = Rect::from_min_size(corner + vec2(0.0, top), vec2(side, side));
                textures.paint(ui, &images, tile, images::snapped(ui, rect));
            }
            let verdict = verdict(sample.label, sample.predicted, class(sample.predicted));
            let description = format!(
                "Test image {}: {}, {verdict}, MSE {:.4}",
                sample.index,
                class(sample.label),
                sample.mse
            );
            if sample.label != sample.predicted {
                let stroke = Stroke::new(1.5, ui.visuals().error_fg_color);
                let inside = egui::StrokeKind::Inside;
                ui.painter().rect_stroke(pair, 2.0, stroke, inside);
            }
            ui.interact(pair, ui.scope_id().with(("sample", index)), Sense::hover())
                .on_hover_text(description);
        }
    }
}

fn heading(ui: &mut Ui, name: &str, tip: &str) {
    ui.add_space(4.0);
    ui.label(RichText::new(name).strong()).on_hover_text(tip);
}

fn curves(ui: &mut Ui, record: &Record) {
    let visuals = ui.visuals().clone();
    let blue = theme::classification(&visuals);
    let orange = theme::reconstruction(&visuals);
    let evaluations = &record.evaluations;
    // The range leaves out the first evaluations, which would flatten the rest.
    let in_range = || evaluations.iter().skip(usize::from(evaluations.len() > 2));
    let last = evaluations.last().map_or(1, |last| last.epoch.max(1));
    let accuracies = in_range().map(|evaluation| evaluation.test.accuracy);
    let errors = in_range().map(|evaluation| evaluation.test.mse);
    let epochs = Axis {
        range: (0.0, last as f64 * 1.02),
        name: "epoch",
        colour: visuals.text_color(),
        factor: 1.0,
        marks: None,
    };
    let chart = Chart::new(
        ui,
        epochs,
        Axis::around(accuracies, "accuracy (%)", blue, 100.0),
        Some(Axis::around(errors, "MSE", orange, 1.0)),
    );
    let clip = chart.area.expand(4.0).intersect(ui.clip_rect());
    let painter = ui.painter().with_clip_rect(clip);
    let accuracy =
        |evaluation: &Evaluation| chart.at(evaluation.epoch as f64, evaluation.test.accuracy);
    let mse =
        |evaluation: &Evaluation| chart.at_right(evaluation.epoch as f64, evaluation.test.mse);
    for (colour, position) in [
        (blue, &accuracy as &dyn Fn(&Evaluation) -> egui::Pos2),
        (orange, &mse),
    ] {
        let finite = evaluations
            .iter()
            .filter(|evaluation| evaluation.test.is_finite());
        let points: Vec<_> = finite.map(position).collect();
        if points.len() <= 40 {
            for point in &points {
                painter.circle_filled(*point, 2.5, colour);
            }
        }
        painter.line(points, Stroke::new(2.0, colour));
        if let Some(kept) = record.kept() {
            let ring = Stroke::new(1.5, visuals.strong_text_color());
            painter.circle_stroke(position(kept), 5.0, ring);
        }
    }
    ui.interact(chart.area, ui.scope_id().with("run curves"), Sense::hover())
        .widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Canvas, true, "Accuracy and MSE by epoch")
        });
}

fn settings(ui: &mut Ui, record: &Record) {
    let config = &record.spec.config;
    let kept = |text: &dyn Fn(&Evaluation) -> String| {
        let kept = record.kept();
        kept.map_or_else(|| "none".to_owned(), text)
    };
    let dead = |kept: &Evaluation| format!("{} of {}", kept.dead_units, record.relu_units);
    let rows = [
        ("data set", record.data_name.clone()),
        ("network", network_name(record)),
        ("λ", config.lambda.to_string()),
        ("seed", config.seed.to_string()),
        ("epochs", record.spec.epochs.to_string()),
        ("batch size", config.batch_size.to_string()),
        ("learning rate", config.learning_rate.to_string()),
        ("parameters", count(record.parameters)),
        (
            "accuracy",
            kept(&|at| format!("{:.2} %", at.test.accuracy * 100.0)),
        ),
        ("MSE", kept(&|at| format!("{:.4}", at.test.mse))),
        ("CE", kept(&|at| format!("{:.4} nats", at.test.ce))),
        ("dead units", kept(&dead)),
        ("stored model", kept(&|at| format!("epoch {}", at.epoch))),
        ("time", duration(record.wall_seconds)),
        ("device", record.device.clone()),
        ("program", record.program.clone()),
    ];
    Grid::new("run settings")
        .num_columns(2)
        .spacing(vec2(12.0, 2.0))
        .show(ui, |ui| {
            for (name, value) in rows {
                ui.weak(name);
                ui.label(value);
                ui.end_row();
            }
        });
}
