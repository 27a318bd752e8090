//! The list of the runs of the grid, one per row.

use eframe::egui::{
    Align2, Button, Color32, CursorIcon, FontId, Pos2, Rect, Role, ScrollArea, Sense, Stroke, Ui,
    UiBuilder, WidgetInfo, pos2, vec2,
};

use super::row::{COLUMNS, Row};
use crate::{
    format::{count, duration},
    gui::{
        commands::{Command, Commands, SweepCommand},
        state::sweep::{RunStatus, SweepState},
        theme,
        widgets::clicked,
    },
    sweep::RunSpec,
};

const ROW_HEIGHT: f32 = 21.0;
/// Width of the column of status icons.
const ICON_WIDTH: f32 = 22.0;
/// Width of the last column: the training time, or the button that skips a run.
const LAST_WIDTH: f32 = 58.0;
const FONT: f32 = 13.0;

/// Names of the selections of runs that can be listed, and which runs they contain.
type Filter = (&'static str, fn(&RunStatus) -> bool);
const FILTERS: [Filter; 4] = [
    ("All", |_| true),
    ("In training", RunStatus::is_running),
    ("Done", RunStatus::is_done),
    ("Failed", RunStatus::is_failed),
];

#[derive(Default)]
pub struct Table {
    /// Index into [`FILTERS`].
    filter: usize,
}

impl Table {
    pub fn ui(&mut self, ui: &mut Ui, sweep: &SweepState, commands: &mut Commands) {
        if sweep.runs.is_empty() {
            ui.centered_and_justified(|ui| ui.weak("This grid has no runs"));
            return;
        }
        self.filters(ui, sweep);
        let (_, matches) = FILTERS[self.filter];
        let is_listed = |index: &usize| sweep.statuses.get(*index).is_some_and(matches);
        let indices: Vec<usize> = sweep.order.iter().copied().filter(is_listed).collect();
        ScrollArea::horizontal()
            .id_salt("sweep columns")
            .show(ui, |ui| {
                let naming = Naming::new(&sweep.runs);
                let name_width = naming.width();
                let columns: f32 = COLUMNS.iter().map(|column| column.1).sum();
                let min_width = ICON_WIDTH + name_width + columns + LAST_WIDTH;
                let width = ui.available_width().max(min_width);
                let layout = Layout {
                    naming,
                    name_width,
                    width,
                    stretch: (width / min_width).min(1.8),
                };
                header(ui, &layout);
                ui.spacing_mut().item_spacing.y = 0.0;
                ScrollArea::vertical()
                    .auto_shrink(false)
                    .id_salt("sweep runs")
                    .show_rows(ui, ROW_HEIGHT, indices.len(), |ui, range| {
                        for &index in &indices[range] {
                            commands.extend(run_row(ui, sweep, index, &layout));
                        }
                    });
            });
    }

    fn filters(&mut self, ui: &mut Ui, sweep: &SweepState) {
        ui.horizontal(|ui| {
            for (index, (name, matches)) in FILTERS.into_iter().enumerate() {
                let label = format!("{name} {}", count(sweep.count(matches)));
                let button = Button::selectable(self.filter == index, label);
                if clicked(ui, button, "List these runs") {
                    self.filter = index;
                }
            }
            if sweep.preview.is_none() && sweep.count(RunStatus::is_done) > 0 {
                ui.weak("click a finished run to show it");
            }
        });
    }
}

struct Layout {
    naming: Naming,
    /// Width of the names; 0 where runs differ in λ and seed only.
    name_width: f32,
    width: f32,
    /// Factor by which columns are wider than their minimum.
    stretch: f32,
}

impl Layout {
    /// The right edge of every column.
    fn ends(&self, left: f32) -> impl Iterator<Item = f32> {
        let mut end = left + (ICON_WIDTH + self.name_width) * self.stretch;
        let stretch = self.stretch;
        COLUMNS.iter().map(move |(_, width, _)| {
            end += width * stretch;
            end
        })
    }
}

/// Which settings, apart from λ and seed, differ between runs and are part of their names.
#[derive(Clone, Copy)]
struct Naming {
    data: bool,
    network: bool,
    latent: bool,
}

impl Naming {
    fn new(runs: &[RunSpec]) -> Self {
        let first = runs.first();
        let differs = |same: &dyn Fn(&RunSpec, &RunSpec) -> bool| {
            let mut others = runs.iter();
            first.is_some_and(|first| others.any(|run| !same(first, run)))
        };
        Self {
            data: differs(&|a, b| a.data == b.data),
            network: differs(&|a, b| a.config.architecture == b.config.architecture),
            latent: differs(&|a, b| a.config.latent == b.config.latent),
        }
    }

    fn width(self) -> f32 {
        let part = |is_shown: bool, width: f32| if is_shown { width } else { 0.0 };
        part(self.data, 105.0) + part(self.network, 80.0) + part(self.latent, 60.0)
    }

    fn name(self, spec: &RunSpec) -> String {
        let config = &spec.config;
        let mut parts = Vec::new();
        if self.network {
            parts.push(config.architecture.to_string());
        }
        if self.latent && config.architecture.has_free_latent() {
            parts.push(format!("n = {}", config.latent));
        }
        if self.data {
            parts.push(spec.data.to_string());
        }
        parts.join(", ")
    }
}

fn header(ui: &mut Ui, layout: &Layout) {
    let (rect, _) = ui.allocate_exact_size(vec2(layout.width, ROW_HEIGHT), Sense::hover());
    let mut start = rect.left() + (ICON_WIDTH + layout.name_width) * layout.stretch;
    let colour = ui.visuals().weak_text_color();
    let font = FontId::proportional(FONT - 0.5);
    let painter = ui.painter().clone();
    for ((name, _, tip), end) in COLUMNS.into_iter().zip(layout.ends(rect.left())) {
        let cell = Rect::from_x_y_ranges(start..=end, rect.y_range());
        let pos = cell.right_center();
        painter.text(pos, Align2::RIGHT_CENTER, name, font.clone(), colour);
        ui.interact(cell, ui.scope_id().with(("header", name)), Sense::hover())
            .on_hover_text(tip);
        start = end;
    }
    let pos = rect.right_center() - vec2(4.0, 0.0);
    painter.text(pos, Align2::RIGHT_CENTER, "time", font, colour);
    let line = Stroke::new(1.0, ui.visuals().text_color().gamma_multiply(0.25));
    painter.hline(rect.x_range(), rect.bottom(), line);
}

/// Shows one run; returns the command of a click.
fn run_row(ui: &mut Ui, sweep: &SweepState, index: usize, layout: &Layout) -> Option<Command> {
    let spec = sweep.runs.get(index)?;
    let status = sweep.statuses.get(index)?;
    let progress = sweep
        .running
        .as_ref()
        .and_then(|running| running.progress.as_ref());
    let row = Row::new(spec, status, progress, ui.visuals());
    let is_selected = match (status, sweep.preview.as_ref()) {
        (RunStatus::Done(done), Some(preview)) => done.id == preview.id,
        _ => false,
    };
    let (rect, _) = ui.allocate_exact_size(vec2(layout.width, ROW_HEIGHT), Sense::hover());
    let (sense, role) = if status.is_done() {
        (Sense::click(), Role::Button)
    } else {
        (Sense::hover(), Role::Label)
    };
    let response = ui.interact(rect, ui.scope_id().with(("run", index)), sense);
    response.widget_info(|| WidgetInfo::selected(role, true, is_selected, &row.description));
    let visuals = ui.visuals();
    if is_selected {
        let fill = visuals.selection.bg_fill.gamma_multiply(0.45);
        ui.painter().rect_filled(rect, 3.0, fill);
    } else if status.is_done() && (response.hovered() || response.has_focus()) {
        let fill = visuals.text_color().gamma_multiply(0.08);
        ui.painter().rect_filled(rect, 3.0, fill);
    }
    paint(ui, rect, layout, spec, status, &row);
    let can_skip =
        matches!(status, RunStatus::Waiting | RunStatus::Running(_)) && sweep.running.is_some();
    let mut command = None;
    if can_skip && skip_button(ui, rect, spec) {
        command = Some(SweepCommand::Skip(index).into());
    }
    if response.clicked() {
        command = Some(SweepCommand::OpenPreview(index).into());
    }
    let response = response.on_hover_text(&row.description);
    if status.is_done() {
        response.on_hover_cursor(CursorIcon::PointingHand);
    }
    command
}

/// The button at the end of a row that skips its run; returns whether it was clicked.
fn skip_button(ui: &mut Ui, row: Rect, spec: &RunSpec) -> bool {
    let middle = pos2(row.right() - 22.0, row.center().y);
    let rect = Rect::from_center_size(middle, vec2(40.0, ROW_HEIGHT - 4.0));
    // A child `Ui` does not move the layout of the rows.
    let mut child = ui.new_child(UiBuilder::new().max_rect(rect));
    let skip = child.add(Button::new("Skip").small());
    skip.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Skip {spec}")));
    let skip = skip.on_hover_text("Skip this run; the others continue");
    skip.clicked()
}

/// Paints status icon, name, numbers and time of a run.
fn paint(ui: &Ui, rect: Rect, layout: &Layout, spec: &RunSpec, status: &RunStatus, row: &Row) {
    let visuals = ui.visuals();
    let painter = ui.painter();
    let middle = rect.center().y;
    let font = FontId::proportional(FONT);
    let is_dead = matches!(status, RunStatus::Done(done) if done.dead);
    let fade = |colour: Color32| {
        if is_dead {
            colour.gamma_multiply(0.6)
        } else {
            colour
        }
    };
    let pos = pos2(rect.left() + 11.0, middle);
    status_icon(ui, pos, status, row.share, is_dead);
    if layout.name_width > 0.0 {
        let pos = pos2(rect.left() + ICON_WIDTH, middle);
        let clip = rect.with_max_x(rect.left() + (ICON_WIDTH + layout.name_width) * layout.stretch);
        let painter = painter.with_clip_rect(clip.intersect(ui.clip_rect()));
        let (name, colour) = (layout.naming.name(spec), fade(visuals.text_color()));
        painter.text(pos, Align2::LEFT_CENTER, name, font.clone(), colour);
    }
    for ((text, colour), end) in row.cells.iter().zip(layout.ends(rect.left())) {
        let pos = pos2(end, middle);
        painter.text(pos, Align2::RIGHT_CENTER, text, font.clone(), fade(*colour));
    }
    let (text, colour) = match status {
        RunStatus::Failed(reason) => (reason.as_str(), visuals.error_fg_color),
        RunStatus::Skipped => ("skipped", visuals.weak_text_color()),
        RunStatus::Done(done) => {
            let pos = pos2(rect.right() - 4.0, middle);
            let (time, colour) = (duration(done.seconds), fade(visuals.weak_text_color()));
            painter.text(pos, Align2::RIGHT_CENTER, time, font, colour);
            return;
        }
        RunStatus::Waiting | RunStatus::Running(_) => return,
    };
    // Replaces the missing numbers, after λ and seed.
    let start = layout.ends(rect.left()).nth(1).unwrap_or(rect.left());
    let rect = rect.with_min_x(start + 16.0);
    let painter = painter.with_clip_rect(rect.intersect(ui.clip_rect()));
    let pos = rect.left_center();
    painter.text(pos, Align2::LEFT_CENTER, text, font, colour);
}

/// The status as an icon: a ring that fills, a disc, a ring for a dead run, a cross for a failed
/// one.
fn status_icon(ui: &Ui, pos: Pos2, status: &RunStatus, share: f32, is_dead: bool) {
    let visuals = ui.visuals();
    let painter = ui.painter();
    let weak = visuals.weak_text_color();
    match status {
        RunStatus::Waiting => {
            painter.circle_filled(pos, 1.6, weak);
        }
        RunStatus::Skipped => {
            painter.hline(pos.x - 3.5..=pos.x + 3.5, pos.y, Stroke::new(1.5, weak));
        }
        RunStatus::Running(_) => {
            let colour = visuals.selection.stroke.color;
            painter.circle_stroke(pos, 5.5, Stroke::new(1.5, weak.gamma_multiply(0.5)));
            let points = (0..=24).map(|step| {
                let angle = share * std::f32::consts::TAU * step as f32 / 24.0;
                pos + 5.5 * vec2(angle.sin(), -angle.cos())
            });
            painter.line(points.collect(), Stroke::new(2.5, colour));
        }
        RunStatus::Done(done) => {
            let colour = theme::lambda(done.kept.lambda, visuals);
            if is_dead {
                painter.circle_stroke(pos, 4.0, Stroke::new(1.6, colour));
            } else {
                painter.circle_filled(pos, 4.5, colour);
            }
        }
        RunStatus::Failed(_) => {
            let stroke = Stroke::new(2.0, visuals.error_fg_color);
            let arm = vec2(3.5, 3.5);
            let other = vec2(3.5, -3.5);
            painter.line_segment([pos - arm, pos + arm], stroke);
            painter.line_segment([pos - other, pos + other], stroke);
        }
    }
}
