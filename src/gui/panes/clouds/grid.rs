//! Where the small clouds stand, and how they look.

use std::f32::consts::FRAC_PI_2;

use eframe::egui::{
    Align2, Color32, CornerRadius, CursorIcon, FontId, Rect, Response, Role, Sense, Stroke,
    StrokeKind, Ui, WidgetInfo, epaint::TextShape, pos2, text::LayoutJob, vec2,
};

use super::comparison_row::{Cell, Row};
use crate::gui::{
    scatter::{Scatter, SmallMultiples},
    state::RunView,
    theme,
};

const TITLE: f32 = 18.0;
const GAP: f32 = 6.0;
/// Room for the names of two data sets at the left of their rows.
const GUTTER: f32 = 20.0;

/// The clouds of a run, and of what stands below it.
pub struct Grid<'a> {
    pub run: &'a RunView,
    /// Lanes, one for each λ.
    pub places: &'a [usize],
    pub clouds: &'a SmallMultiples,
    pub below: Option<&'a Row<'a>>,
}

impl Grid<'_> {
    /// Shows every cloud; returns the lane whose λ was clicked.
    pub fn ui(&self, ui: &mut Ui, scatter: &mut Scatter) -> Option<usize> {
        let mut area = ui.available_rect_before_wrap();
        ui.allocate_rect(area, Sense::hover());
        if self.below.is_some() {
            area.min.x += GUTTER;
        }
        let stacked = if self.below.is_some() { 2 } else { 1 };
        let columns = columns(area, self.places.len(), stacked);
        let rows = self.places.len().div_ceil(columns);
        let size = vec2(
            (area.width() + GAP) / columns as f32,
            (area.height() + GAP) / rows as f32,
        );
        let mut clicked = None;
        for (cell, &place) in self.places.iter().enumerate() {
            let (row, column) = (cell / columns, cell % columns);
            let corner = area.min + vec2(column as f32 * size.x, row as f32 * size.y);
            let rect = Rect::from_min_size(corner, size - vec2(GAP, GAP));
            let stage = rect.with_min_y(rect.top() + TITLE);
            let middle = stage.center().y;
            let (above, under) = match self.below {
                Some(_) => (stage.with_max_y(middle), stage.with_min_y(middle)),
                None => (stage, stage),
            };
            let mut hit = self.live(ui, rect, above, (cell, place), scatter);
            if let Some(below) = self.below {
                hit |= self.stored(ui, below, under, (cell, place), scatter);
                if column == 0 {
                    let strip = |rect: Rect| {
                        let right = area.left() - 4.0;
                        rect.with_min_x(right - GUTTER + 4.0).with_max_x(right)
                    };
                    name(ui, strip(above), &self.run.dataset.name);
                    head(ui, strip(under), row, below);
                }
            }
            if hit {
                clicked = Some(place);
            }
        }
        clicked
    }

    /// The cloud of a lane, its title and the frame around all of its λ; whether it was clicked.
    fn live(
        &self,
        ui: &Ui,
        rect: Rect,
        stage: Rect,
        (cell, place): (usize, usize),
        scatter: &mut Scatter,
    ) -> bool {
        let lane = self.run.lanes()[place].lane;
        let shown = lane.lambda == self.run.shown().lane.lambda;
        let id = ui.scope_id().with(("cloud", place));
        let response = ui.interact(stage, id, Sense::click_and_drag());
        let name = self.run.lane_name(place);
        response.widget_info(|| {
            let words = format!("Cloud of {name}");
            WidgetInfo::selected(Role::Button, true, shown, words)
        });
        self.clouds.ui(ui, cell, &response, scatter);
        let painter = ui.painter();
        painter.text(
            pos2(rect.center().x, rect.top() + 1.0),
            Align2::CENTER_TOP,
            &name,
            FontId::proportional(13.0),
            theme::lambda(lane.lambda, ui.visuals()),
        );
        let frame = if shown {
            ui.visuals().selection.stroke
        } else {
            Stroke::new(1.0, ui.visuals().text_color().gamma_multiply(0.12))
        };
        painter.rect_stroke(rect, CornerRadius::same(4), frame, StrokeKind::Inside);
        clicked(
            response,
            format!("{name}: a click shows it, dragging turns all"),
        )
    }

    /// The cloud below that of a lane; whether it was clicked.
    fn stored(
        &self,
        ui: &Ui,
        below: &Row<'_>,
        stage: Rect,
        (cell, place): (usize, usize),
        scatter: &mut Scatter,
    ) -> bool {
        let weak = ui.visuals().weak_text_color();
        let say = |text: &str| {
            let font = FontId::proportional(12.0);
            let painter = ui.painter();
            painter.text(stage.center(), Align2::CENTER_CENTER, text, font, weak);
        };
        let (at, is_dead) = match below.cells.get(cell) {
            Some(Cell::Cloud { place, is_dead }) => (*place, *is_dead),
            Some(Cell::Coming) => {
                if below.trouble.is_none() {
                    say("…");
                }
                return false;
            }
            Some(Cell::Missing) | None => {
                say("no run");
                return false;
            }
        };
        let id = ui.scope_id().with(("cloud below", place));
        let response = ui.interact(stage, id, Sense::click_and_drag());
        let words = format!("{}, {}", self.run.lane_name(place), below.name);
        response
            .widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Cloud of {words}")));
        below.multiples.ui(ui, at, &response, scatter);
        if is_dead {
            say("dead");
        }
        clicked(
            response,
            format!("{words}: a click shows this λ, dragging turns all"),
        )
    }
}

/// The name of what stands below, which tells more when it is pointed at.
fn head(ui: &Ui, rect: Rect, row: usize, below: &Row<'_>) {
    name(ui, rect, &below.data);
    let id = ui.scope_id().with(("name below", row));
    let response = ui.interact(rect, id, Sense::hover());
    response.widget_info(|| {
        let words = format!("Clouds of {} below", below.name);
        WidgetInfo::labeled(Role::Label, true, words)
    });
    let tip = match below.trouble {
        Some(trouble) => trouble.to_owned(),
        None => format!(
            "{}, finished runs as they were kept, in a box of their own that is the same for every λ. Their classes, in the order of the colours: {}",
            below.name,
            below.classes.join(", ")
        ),
    };
    response.on_hover_text(tip);
}

fn clicked(response: Response, tip: String) -> bool {
    let clicked = response.clicked();
    response
        .on_hover_cursor(CursorIcon::PointingHand)
        .on_hover_text(tip);
    clicked
}

/// Writes from below to above, in one line.
fn name(ui: &Ui, rect: Rect, name: &str) {
    let font = FontId::proportional(12.5);
    let colour = ui.visuals().text_color();
    let mut job = LayoutJob::simple_singleline(name.to_owned(), font, Color32::PLACEHOLDER);
    job.wrap.max_width = rect.height();
    job.wrap.max_rows = 1;
    job.wrap.break_anywhere = true;
    let galley = ui.fonts_mut(|fonts| fonts.layout_job(job));
    let size = galley.size();
    let start = pos2(
        rect.center().x - size.y / 2.0,
        rect.center().y + size.x / 2.0,
    );
    let text = TextShape::new(start, galley, colour).with_angle(-FRAC_PI_2);
    ui.painter().add(text);
}

/// As many columns as make the clouds largest, `stacked` of them below each title.
fn columns(area: Rect, cells: usize, stacked: usize) -> usize {
    let side = |columns: &usize| {
        let rows = cells.div_ceil(*columns);
        let height = (area.height() / rows as f32 - TITLE) / stacked as f32;
        (area.width() / *columns as f32).min(height)
    };
    (1..=cells.max(1))
        .max_by(|a, b| side(a).total_cmp(&side(b)))
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_as_large_as_can_be() {
        let area = |width, height| Rect::from_min_size(pos2(0.0, 0.0), vec2(width, height));
        assert_eq!(columns(area(1100.0, 100.0), 11, 1), 11);
        assert_eq!(columns(area(100.0, 1300.0), 11, 1), 1);
        assert_eq!(columns(area(600.0, 450.0), 11, 1), 4);
        assert_eq!(columns(area(600.0, 450.0), 11, 2), 6);
        assert_eq!(columns(area(0.0, 0.0), 1, 1), 1);
    }
}
