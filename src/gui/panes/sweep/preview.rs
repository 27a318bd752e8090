//! A finished run: its cloud, its reconstructions, how it learned, and its settings.

use std::sync::Arc;

use eframe::{
    egui::{
        self, Align, Button, Grid, Layout, Rect, RichText, ScrollArea, Sense, Stroke, Ui, pos2,
        vec2,
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
    },
    sweep::{Record, series::network_name},
    train::Evaluation,
};

/// Height of the cloud, in points.
const CLOUD: f32 = 250.0;
/// Height of the curves, in points.
const CURVES: f32 = 165.0;
/// Images side by side.
const COLUMNS: usize = 10;
const GAP: f32 = 2.0;

/// State of the panel.
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
        let Some(looked) = state.sweep.preview() else {
            return;
        };
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if ui
                    .small_button("Close")
                    .on_hover_text("Look at no run")
                    .clicked()
                {
                    commands.push(SweepCommand::ClosePreview);
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    let name = RichText::new(&looked.name).strong();
                    ui.add(egui::Label::new(name).truncate());
                });
            });
        });
        match &looked.picture {
            None => {
                ui.horizontal(|ui| {
                    ui.spinner();
                    ui.label("Reading it…");
                });
            }
            Some(Err(reason)) => {
                ui.colored_label(ui.visuals().error_fg_color, reason);
            }
            Some(Ok(picture)) => {
                let train =
                    Button::new("Train this live").min_size(vec2(ui.available_width(), 28.0));
                let tip = "Begin the live run anew with the settings of this one; the live run in hand ends";
                if ui.add(train).on_hover_text(tip).clicked() {
                    let spec = Box::new(picture.record.spec.clone());
                    commands.push(RunCommand::TrainLive(spec));
                }
                ScrollArea::vertical()
                    .id_salt("experiment look")
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
                "Dead: every latent unit is 0 for every image, so both heads only answer with the average",
            );
        }
        let width = ui.available_width();
        ui.allocate_ui(vec2(width, CLOUD), |ui| {
            let seen = CloudView::alone(&picture.snapshot);
            self.scatter.scene_only(ui, &seen, &picture.labels);
        });
        heading(
            ui,
            "Reconstructions",
            "Test images above, below what the run makes of them",
        );
        cells(ui, record, textures);
        heading(
            ui,
            "Test half by epoch",
            "Measured before training and after every epoch; the ring marks the model that was kept, with the lowest L(λ)",
        );
        ui.allocate_ui(vec2(width, CURVES), |ui| curves(ui, record));
        heading(ui, "Settings", "What was asked for, and what it took");
        settings(ui, record);
    }
}

fn cells(ui: &mut Ui, record: &Arc<Record>, textures: &mut TextureCache) {
    let cells = &record.eval_sample.reconstructions;
    let images = Images::Stored(record.into());
    let columns = COLUMNS.min(cells.len()).max(1);
    let side = (ui.available_width() - GAP * (columns - 1) as f32) / columns as f32;
    let side = side.min(48.0);
    let class = |class: u8| {
        let names = &record.class_names;
        names.get(usize::from(class)).map_or("?", String::as_str)
    };
    for (line, row) in cells.chunks(columns).enumerate() {
        let size = vec2(ui.available_width(), 2.0 * side + GAP);
        let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
        for (column, cell) in row.iter().enumerate() {
            let place = line * columns + column;
            let corner = rect.min + vec2(column as f32 * (side + GAP), 0.0);
            let pair = Rect::from_min_size(corner, vec2(side, 2.0 * side));
            for (half, tile) in [(0.0, 2 * place), (side, 2 * place + 1)] {
                let at = Rect::from_min_size(corner + vec2(0.0, half), vec2(side, side));
                textures.paint(ui, &images, tile, images::snapped(ui, at));
            }
            let words = format!(
                "Test image {}: {}, predicted {}, MSE {:.4}",
                cell.index,
                class(cell.label),
                class(cell.predicted),
                cell.mse
            );
            if cell.label != cell.predicted {
                let stroke = Stroke::new(1.5, ui.visuals().error_fg_color);
                let inside = egui::StrokeKind::Inside;
                ui.painter().rect_stroke(pair, 2.0, stroke, inside);
            }
            ui.interact(pair, ui.scope_id().with(("cell", place)), Sense::hover())
                .on_hover_text(words);
        }
    }
}

fn heading(ui: &mut Ui, name: &str, tip: &str) {
    ui.add_space(4.0);
    ui.label(RichText::new(name).strong()).on_hover_text(tip);
}

/// Accuracy and error over the epochs.
fn curves(ui: &mut Ui, record: &Record) {
    let visuals = ui.visuals().clone();
    let blue = theme::classification(&visuals);
    let orange = theme::reconstruction(&visuals);
    let shown: Vec<&Evaluation> = record.evaluations.iter().collect();
    // What is learned in the first epoch would press the rest flat.
    let scaled = || shown.iter().skip(usize::from(shown.len() > 2));
    let last = shown.last().map_or(1, |evaluation| evaluation.epoch.max(1));
    let below = Axis {
        range: (0.0, last as f64 * 1.02),
        name: "epoch",
        colour: visuals.text_color(),
        factor: 1.0,
        marks: None,
    };
    let chart = Chart::new(
        ui,
        below,
        Axis::around(
            scaled().map(|at| at.test.accuracy),
            "accuracy (%)",
            blue,
            100.0,
        ),
        Some(Axis::around(
            scaled().map(|at| at.test.mse),
            "MSE",
            orange,
            1.0,
        )),
    );
    let clip = chart.area.expand(4.0).intersect(ui.clip_rect());
    let painter = ui.painter().with_clip_rect(clip);
    let accuracy = |at: &Evaluation| chart.at(at.epoch as f64, at.test.accuracy);
    let mse = |at: &Evaluation| chart.at_right(at.epoch as f64, at.test.mse);
    for (colour, place) in [
        (blue, &accuracy as &dyn Fn(&Evaluation) -> egui::Pos2),
        (orange, &mse),
    ] {
        let finite = shown.iter().filter(|at| at.test.is_finite());
        let points: Vec<_> = finite.map(|at| place(at)).collect();
        if points.len() <= 40 {
            for point in &points {
                painter.circle_filled(*point, 2.5, colour);
            }
        }
        painter.line(points, Stroke::new(2.0, colour));
        if let Some(kept) = record.kept() {
            let ring = Stroke::new(1.5, visuals.strong_text_color());
            painter.circle_stroke(place(kept), 5.0, ring);
        }
    }
    let area = Rect::from_min_max(
        chart.area.min,
        pos2(chart.area.right(), chart.area.bottom()),
    );
    ui.interact(area, ui.scope_id().with("run curves"), Sense::hover())
        .widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Canvas, true, "Accuracy and MSE by epoch")
        });
}

fn settings(ui: &mut Ui, record: &Record) {
    let config = &record.spec.config;
    let metrics = record.metrics();
    let told = |value: Option<String>| value.unwrap_or_else(|| "none".to_owned());
    let rows = [
        ("data set", record.data_name.clone()),
        ("network", network_name(record)),
        ("λ", config.lambda.to_string()),
        ("seed", config.seed.to_string()),
        ("epochs", record.spec.epochs.to_string()),
        ("images a step", config.batch_size.to_string()),
        ("learning rate", config.learning_rate.to_string()),
        ("parameters", count(record.parameters)),
        (
            "accuracy",
            told(metrics.map(|at| format!("{:.2} %", at.accuracy * 100.0))),
        ),
        ("MSE", told(metrics.map(|at| format!("{:.4}", at.mse)))),
        ("CE", told(metrics.map(|at| format!("{:.4} nats", at.ce)))),
        (
            "dead units",
            told(
                record
                    .kept()
                    .map(|kept| format!("{} of {}", kept.dead_units, record.relu_units)),
            ),
        ),
        (
            "kept",
            told(record.kept().map(|kept| format!("epoch {}", kept.epoch))),
        ),
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
