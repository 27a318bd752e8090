//! The runs of the grid, one a line.

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
    },
    sweep::RunSpec,
};

const HEIGHT: f32 = 21.0;
/// Room for the sign of the state.
const SIGN: f32 = 22.0;
/// Room for the time that a run took, or the button that skips it.
const LAST: f32 = 58.0;
const FONT: f32 = 13.0;

/// Which runs are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Filter {
    #[default]
    All,
    UnderWay,
    Done,
    Failed,
}

impl Filter {
    const ALL: [Self; 4] = [Self::All, Self::UnderWay, Self::Done, Self::Failed];

    fn keeps(self, fate: &RunStatus) -> bool {
        match self {
            Self::All => true,
            Self::UnderWay => fate.is_running(),
            Self::Done => fate.is_done(),
            Self::Failed => fate.is_failed(),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::UnderWay => "Under way",
            Self::Done => "Done",
            Self::Failed => "Failed",
        }
    }
}

/// State of the list.
#[derive(Default)]
pub struct Table {
    filter: Filter,
}

impl Table {
    pub fn ui(&mut self, ui: &mut Ui, sweep: &SweepState, commands: &mut Commands) {
        if sweep.runs().is_empty() {
            ui.centered_and_justified(|ui| ui.weak("This grid has no runs"));
            return;
        }
        self.filters(ui, sweep);
        let places: Vec<usize> = sweep
            .order()
            .iter()
            .copied()
            .filter(|place| {
                let fate = sweep.statuses().get(*place);
                fate.is_some_and(|fate| self.filter.keeps(fate))
            })
            .collect();
        ScrollArea::horizontal()
            .id_salt("experiment columns")
            .show(ui, |ui| {
                let naming = Naming::of(sweep.runs());
                let name = naming.width();
                let columns: f32 = COLUMNS.iter().map(|column| column.1).sum();
                let least = SIGN + name + columns + LAST;
                let width = ui.available_width().max(least);
                let layout = Layout {
                    naming,
                    name,
                    width,
                    stretch: (width / least).min(1.8),
                };
                head(ui, &layout);
                ui.spacing_mut().item_spacing.y = 0.0;
                ScrollArea::vertical()
                    .auto_shrink(false)
                    .id_salt("experiment runs")
                    .show_rows(ui, HEIGHT, places.len(), |ui, range| {
                        for &place in &places[range] {
                            commands.extend(line(ui, sweep, place, &layout));
                        }
                    });
            });
    }

    fn filters(&mut self, ui: &mut Ui, sweep: &SweepState) {
        ui.horizontal(|ui| {
            for filter in Filter::ALL {
                let number = sweep.count(|fate| filter.keeps(fate));
                let label = format!("{} {}", filter.name(), count(number));
                let button = Button::selectable(self.filter == filter, label);
                if ui.add(button).on_hover_text("List these runs").clicked() {
                    self.filter = filter;
                }
            }
            if sweep.preview().is_none() && sweep.count(RunStatus::is_done) > 0 {
                ui.weak("a click on a finished run shows it");
            }
        });
    }
}

/// Where things stand in a line.
struct Layout {
    naming: Naming,
    /// Width of the names; 0 where runs differ in λ and seed only.
    name: f32,
    width: f32,
    /// Columns are so many times as wide as they need be.
    stretch: f32,
}

impl Layout {
    /// Right end of every column.
    fn ends(&self, left: f32) -> impl Iterator<Item = f32> {
        let mut end = left + (SIGN + self.name) * self.stretch;
        let stretch = self.stretch;
        COLUMNS.iter().map(move |(_, width, _)| {
            end += width * stretch;
            end
        })
    }
}

/// What runs are called beside their λ and seed: all in which they differ.
#[derive(Clone, Copy)]
struct Naming {
    data: bool,
    network: bool,
    latent: bool,
}

impl Naming {
    fn of(runs: &[RunSpec]) -> Self {
        let first = runs.first();
        let differs = |same: &dyn Fn(&RunSpec, &RunSpec) -> bool| {
            let mut rest = runs.iter();
            first.is_some_and(|first| rest.any(|run| !same(first, run)))
        };
        Self {
            data: differs(&|a, b| a.data == b.data),
            network: differs(&|a, b| a.config.architecture == b.config.architecture),
            latent: differs(&|a, b| a.config.latent == b.config.latent),
        }
    }

    /// Room for the names, in points.
    fn width(self) -> f32 {
        let part = |told: bool, width: f32| if told { width } else { 0.0 };
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

fn head(ui: &mut Ui, layout: &Layout) {
    let (rect, _) = ui.allocate_exact_size(vec2(layout.width, HEIGHT), Sense::hover());
    let mut start = rect.left() + (SIGN + layout.name) * layout.stretch;
    let colour = ui.visuals().weak_text_color();
    let font = FontId::proportional(FONT - 0.5);
    let painter = ui.painter().clone();
    for ((name, _, tip), end) in COLUMNS.into_iter().zip(layout.ends(rect.left())) {
        let cell = Rect::from_x_y_ranges(start..=end, rect.y_range());
        let at = cell.right_center();
        painter.text(at, Align2::RIGHT_CENTER, name, font.clone(), colour);
        ui.interact(cell, ui.scope_id().with(("head", name)), Sense::hover())
            .on_hover_text(tip);
        start = end;
    }
    let at = rect.right_center() - vec2(4.0, 0.0);
    painter.text(at, Align2::RIGHT_CENTER, "time", font, colour);
    let line = Stroke::new(1.0, ui.visuals().text_color().gamma_multiply(0.25));
    painter.hline(rect.x_range(), rect.bottom(), line);
}

/// Shows one run; returns what was requested by a click.
fn line(ui: &mut Ui, sweep: &SweepState, place: usize, layout: &Layout) -> Option<Command> {
    let spec = sweep.runs().get(place)?;
    let fate = sweep.statuses().get(place)?;
    let progress = sweep
        .running()
        .and_then(|running| running.progress.as_ref());
    let row = Row::new(spec, fate, progress, ui.visuals());
    let is_looked = match (fate, sweep.preview()) {
        (RunStatus::Done(done), Some(looked)) => done.id == looked.id,
        _ => false,
    };
    let (rect, _) = ui.allocate_exact_size(vec2(layout.width, HEIGHT), Sense::hover());
    let (sense, role) = if fate.is_done() {
        (Sense::click(), Role::Button)
    } else {
        (Sense::hover(), Role::Label)
    };
    let response = ui.interact(rect, ui.scope_id().with(("run", place)), sense);
    response.widget_info(|| WidgetInfo::selected(role, true, is_looked, &row.words));
    let visuals = ui.visuals();
    if is_looked {
        let fill = visuals.selection.bg_fill.gamma_multiply(0.45);
        ui.painter().rect_filled(rect, 3.0, fill);
    } else if fate.is_done() && (response.hovered() || response.has_focus()) {
        let fill = visuals.text_color().gamma_multiply(0.08);
        ui.painter().rect_filled(rect, 3.0, fill);
    }
    paint(ui, rect, layout, spec, fate, &row);
    let can_skip =
        matches!(fate, RunStatus::Waiting | RunStatus::Running(_)) && sweep.running().is_some();
    let mut command = None;
    if can_skip && skip(ui, rect, spec) {
        command = Some(SweepCommand::Skip(place).into());
    }
    if response.clicked() {
        command = Some(SweepCommand::OpenPreview(place).into());
    }
    let response = response.on_hover_text(&row.words);
    if fate.is_done() {
        response.on_hover_cursor(CursorIcon::PointingHand);
    }
    command
}

/// The button that skips a run, at the end of its line; whether it was clicked.
fn skip(ui: &mut Ui, line: Rect, spec: &RunSpec) -> bool {
    let middle = pos2(line.right() - 22.0, line.center().y);
    let room = Rect::from_center_size(middle, vec2(40.0, HEIGHT - 4.0));
    // A child of its own, so that lines stay where they are.
    let mut room = ui.new_child(UiBuilder::new().max_rect(room));
    let skip = room.add(Button::new("Skip").small());
    skip.widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Skip {spec}")));
    let skip = skip.on_hover_text("Leave this run out; the others go on");
    skip.clicked()
}

/// Sign, name, numbers and time of a run.
fn paint(ui: &Ui, rect: Rect, layout: &Layout, spec: &RunSpec, fate: &RunStatus, row: &Row) {
    let visuals = ui.visuals();
    let painter = ui.painter();
    let middle = rect.center().y;
    let font = FontId::proportional(FONT);
    let is_dead = matches!(fate, RunStatus::Done(done) if done.dead);
    let fade = |colour: Color32| {
        if is_dead {
            colour.gamma_multiply(0.6)
        } else {
            colour
        }
    };
    let at = pos2(rect.left() + 11.0, middle);
    sign(ui, at, fate, row.share, is_dead);
    if layout.name > 0.0 {
        let at = pos2(rect.left() + SIGN, middle);
        let clip = rect.with_max_x(rect.left() + (SIGN + layout.name) * layout.stretch);
        let painter = painter.with_clip_rect(clip.intersect(ui.clip_rect()));
        let (name, colour) = (layout.naming.name(spec), fade(visuals.text_color()));
        painter.text(at, Align2::LEFT_CENTER, name, font.clone(), colour);
    }
    for ((text, colour), end) in row.cells.iter().zip(layout.ends(rect.left())) {
        let at = pos2(end, middle);
        painter.text(at, Align2::RIGHT_CENTER, text, font.clone(), fade(*colour));
    }
    let reason = match fate {
        RunStatus::Failed(reason) => (reason.as_str(), visuals.error_fg_color),
        RunStatus::Skipped => ("skipped", visuals.weak_text_color()),
        RunStatus::Done(done) => {
            let at = pos2(rect.right() - 4.0, middle);
            let (time, colour) = (duration(done.seconds), fade(visuals.weak_text_color()));
            painter.text(at, Align2::RIGHT_CENTER, time, font, colour);
            return;
        }
        RunStatus::Waiting | RunStatus::Running(_) => return,
    };
    // It takes the room of the numbers that there are not, behind λ and seed.
    let start = layout.ends(rect.left()).nth(1).unwrap_or(rect.left());
    let room = rect.with_min_x(start + 16.0);
    let painter = painter.with_clip_rect(room.intersect(ui.clip_rect()));
    let at = room.left_center();
    painter.text(at, Align2::LEFT_CENTER, reason.0, font, reason.1);
}

/// What has become of a run, as a sign: a ring that fills, a dot, a hollow dot for a dead one, a cross.
fn sign(ui: &Ui, at: Pos2, fate: &RunStatus, share: f32, is_dead: bool) {
    let visuals = ui.visuals();
    let painter = ui.painter();
    let weak = visuals.weak_text_color();
    match fate {
        RunStatus::Waiting => {
            painter.circle_filled(at, 1.6, weak);
        }
        RunStatus::Skipped => {
            painter.hline(at.x - 3.5..=at.x + 3.5, at.y, Stroke::new(1.5, weak));
        }
        RunStatus::Running(_) => {
            let colour = visuals.selection.stroke.color;
            painter.circle_stroke(at, 5.5, Stroke::new(1.5, weak.gamma_multiply(0.5)));
            let points = (0..=24).map(|step| {
                let angle = share * std::f32::consts::TAU * step as f32 / 24.0;
                at + 5.5 * vec2(angle.sin(), -angle.cos())
            });
            painter.line(points.collect(), Stroke::new(2.5, colour));
        }
        RunStatus::Done(done) => {
            let colour = theme::lambda(done.kept.lambda, visuals);
            if is_dead {
                painter.circle_stroke(at, 4.0, Stroke::new(1.6, colour));
            } else {
                painter.circle_filled(at, 4.5, colour);
            }
        }
        RunStatus::Failed(_) => {
            let stroke = Stroke::new(2.0, visuals.error_fg_color);
            let arm = vec2(3.5, 3.5);
            let other = vec2(3.5, -3.5);
            painter.line_segment([at - arm, at + arm], stroke);
            painter.line_segment([at - other, at + other], stroke);
        }
    }
}
