//! Layout and painting of the small clouds.

use std::f32::consts::FRAC_PI_2;

use eframe::egui::{
    Align2, Color32, CornerRadius, CursorIcon, FontId, Rect, Response, Role, Sense, Stroke,
    StrokeKind, Ui, WidgetInfo, epaint::TextShape, pos2, text::LayoutJob, vec2,
};

use super::comparison_row::{ComparisonCell, Row};
use crate::gui::{
    scatter::{Scatter, SmallMultiples},
    state::RunView,
    theme,
};

const TITLE: f32 = 18.0;
const GAP: f32 = 6.0;
/// Width at the left for the names of two data sets, beside their rows.
const GUTTER: f32 = 20.0;

/// The clouds of a run, and of the spectrum with which it is compared.
pub struct Grid<'a> {
    pub run: &'a RunView,
    /// Indices of the lanes, one per λ.
    pub lanes: &'a [usize],
    pub clouds: &'a SmallMultiples,
    pub comparison: Option<&'a Row<'a>>,
}

impl Grid<'_> {
    /// Shows every cloud; returns the lane whose λ was clicked.
    pub fn ui(&self, ui: &mut Ui, scatter: &mut Scatter) -> Option<usize> {
        let mut area = ui.available_rect_before_wrap();
        ui.allocate_rect(area, Sense::hover());
        if self.comparison.is_some() {
            area.min.x += GUTTER;
        }
        let stacked = if self.comparison.is_some() { 2 } else { 1 };
        let columns = columns(area, self.lanes.len(), stacked);
        let rows = self.lanes.len().div_ceil(columns);
        let size = vec2(
            (area.width() + GAP) / columns as f32,
            (area.height() + GAP) / rows as f32,
        );
        let mut clicked = None;
        for (cell, &lane) in self.lanes.iter().enumerate() {
            let (row, column) = (cell / columns, cell % columns);
            let corner = area.min + vec2(column as f32 * size.x, row as f32 * size.y);
            let rect = Rect::from_min_size(corner, size - vec2(GAP, GAP));
            let stage = rect.with_min_y(rect.top() + TITLE);
            let middle = stage.center().y;
            let (upper, lower) = match self.comparison {
                Some(_) => (stage.with_max_y(middle), stage.with_min_y(middle)),
                None => (stage, stage),
            };
            let mut is_clicked = self.live(ui, rect, upper, (cell, lane), scatter);
            if let Some(comparison) = self.comparison {
                is_clicked |= self.stored(ui, comparison, lower, (cell, lane), scatter);
                if column == 0 {
                    let gutter = |rect: Rect| {
                        let right = area.left() - 4.0;
                        rect.with_min_x(right - GUTTER + 4.0).with_max_x(right)
                    };
                    rotated_name(ui, gutter(upper), &self.run.dataset.name);
                    comparison_name(ui, gutter(lower), row, comparison);
                }
            }
            if is_clicked {
                clicked = Some(lane);
            }
        }
        clicked
    }

    /// The cloud of a lane, its title, and the frame around all clouds of its λ; returns whether it
    /// was clicked.
    fn live(
        &self,
        ui: &Ui,
        rect: Rect,
        stage: Rect,
        (cell, index): (usize, usize),
        scatter: &mut Scatter,
    ) -> bool {
        let lane = self.run.lanes()[index].lane;
        let is_shown = lane.lambda == self.run.shown().lane.lambda;
        let id = ui.scope_id().with(("cloud", index));
        let response = ui.interact(stage, id, Sense::click_and_drag());
        let name = self.run.lane_name(index);
        response.widget_info(|| {
            let label = format!("Cloud of {name}");
            WidgetInfo::selected(Role::Button, true, is_shown, label)
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
        let frame = if is_shown {
            ui.visuals().selection.stroke
        } else {
            Stroke::new(1.0, ui.visuals().text_color().gamma_multiply(0.12))
        };
        painter.rect_stroke(rect, CornerRadius::same(4), frame, StrokeKind::Inside);
        clicked(
            response,
            format!("{name}: click to show it, drag to turn all"),
        )
    }

    /// The stored cloud below that of a lane; returns whether it was clicked.
    fn stored(
        &self,
        ui: &Ui,
        comparison: &Row<'_>,
        stage: Rect,
        (cell, index): (usize, usize),
        scatter: &mut Scatter,
    ) -> bool {
        let weak = ui.visuals().weak_text_color();
        let show_text = |text: &str| {
            let font = FontId::proportional(12.0);
            let painter = ui.painter();
            painter.text(stage.center(), Align2::CENTER_CENTER, text, font, weak);
        };
        let (cloud, is_dead) = match comparison.cells.get(cell) {
            Some(ComparisonCell::Cloud { index, is_dead }) => (*index, *is_dead),
            Some(ComparisonCell::Loading) => {
                if comparison.error.is_none() {
                    show_text("…");
                }
                return false;
            }
            Some(ComparisonCell::Missing) | None => {
                show_text("no run");
                return false;
            }
        };
        let id = ui.scope_id().with(("compared cloud", index));
        let response = ui.interact(stage, id, Sense::click_and_drag());
        let name = format!("{}, {}", self.run.lane_name(index), comparison.name);
        response
            .widget_info(|| WidgetInfo::labeled(Role::Button, true, format!("Cloud of {name}")));
        comparison.multiples.ui(ui, cloud, &response, scatter);
        if is_dead {
            show_text("dead");
        }
        clicked(
            response,
            format!("{name}: click to show this λ, drag to turn all"),
        )
    }
}

/// The name of the compared data set, with details in its tooltip.
fn comparison_name(ui: &Ui, rect: Rect, row: usize, comparison: &Row<'_>) {
    rotated_name(ui, rect, comparison.data);
    let id = ui.scope_id().with(("compared name", row));
    let response = ui.interact(rect, id, Sense::hover());
    response.widget_info(|| {
        let label = format!("Clouds of {} for comparison", comparison.name);
        WidgetInfo::labeled(Role::Label, true, label)
    });
    let tip = match comparison.error {
        Some(error) => error.to_owned(),
        None => format!(
            "{}: stored models, with axes of their own that are the same for every λ. Classes in the order of the colours: {}",
            comparison.name,
            comparison.classes.join(", ")
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

/// Paints a text rotated by 90° anticlockwise, in one line.
fn rotated_name(ui: &Ui, rect: Rect, name: &str) {
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

/// The number of columns with the largest clouds, `stacked` of them below each title.
fn columns(area: Rect, cells: usize, stacked: usize) -> usize {
    let size = |columns: &usize| {
        let rows = cells.div_ceil(*columns);
        let height = (area.height() / rows as f32 - TITLE) / stacked as f32;
        (area.width() / *columns as f32).min(height)
    };
    (1..=cells.max(1))
        .max_by(|a, b| size(a).total_cmp(&size(b)))
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_columns_makes_the_clouds_largest() {
        let area = |width, height| Rect::from_min_size(pos2(0.0, 0.0), vec2(width, height));
        assert_eq!(columns(area(1100.0, 100.0), 11, 1), 11);
        assert_eq!(columns(area(100.0, 1300.0), 11, 1), 1);
        assert_eq!(columns(area(600.0, 450.0), 11, 1), 4);
        assert_eq!(columns(area(600.0, 450.0), 11, 2), 6);
        assert_eq!(columns(area(0.0, 0.0), 1, 1), 1);
    }
}
