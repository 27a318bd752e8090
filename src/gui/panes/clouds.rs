//! One small cloud for each λ (paper, figure 4), all seen by the same camera.

use eframe::egui::{
    Align2, CornerRadius, CursorIcon, FontId, Rect, Response, Role, Sense, Stroke, StrokeKind, Ui,
    WidgetInfo, pos2, vec2,
};

use super::{export_button, header, latent};
use crate::figures::{DeadRuns, Subject};
use crate::gui::{
    scatter::{Multiples, Scatter},
    session::{RunView, Session},
    theme,
};

const TITLE: f32 = 18.0;
const GAP: f32 = 6.0;

/// State of the pane.
#[derive(Default)]
pub struct Clouds {
    multiples: Multiples,
}

impl Clouds {
    /// Shows the pane; returns the response of its grip.
    pub fn ui(&mut self, ui: &mut Ui, session: &mut Session, scatter: &mut Scatter) -> Response {
        let grip = header(ui, "Clouds", |ui| {
            export_button(ui, session, Subject::Clouds, DeadRuns::default());
            let about = ui.weak("drag turns all");
            about.on_hover_text("50 images of each class, the same axes and the same camera for every λ; a click shows that λ");
        });
        let Some(run) = session.run() else {
            return grip;
        };
        let align = scatter.preferences.align;
        let places = run.one_for_each_lambda();
        let clouds: Vec<_> = places
            .iter()
            .filter_map(|place| latent::seen(run, *place, align))
            .collect();
        let Some(shown) = latent::seen(run, run.place(), align) else {
            ui.centered_and_justified(|ui| ui.weak("Clouds appear with the first look"));
            return grip;
        };
        if clouds.len() != places.len() {
            return grip;
        }
        let now = ui.input(|input| input.time);
        scatter.receive(&shown, &run.dataset, now);
        self.multiples
            .receive(run.looks(), &clouds, scatter, &run.dataset);
        let clicked = self.grid(ui, run, &places, scatter);
        if let Some(place) = clicked {
            session.show_lane(place);
        }
        grip
    }

    /// Shows every cloud; returns the lane whose cloud was clicked.
    fn grid(
        &self,
        ui: &mut Ui,
        run: &RunView,
        places: &[usize],
        scatter: &mut Scatter,
    ) -> Option<usize> {
        let area = ui.available_rect_before_wrap();
        ui.allocate_rect(area, Sense::hover());
        let columns = columns(area, places.len());
        let rows = places.len().div_ceil(columns);
        let size = vec2(
            (area.width() + GAP) / columns as f32,
            (area.height() + GAP) / rows as f32,
        );
        let shown = run.shown().lane.lambda;
        let mut clicked = None;
        for (cell, &place) in places.iter().enumerate() {
            let lane = run.lanes()[place].lane;
            let (row, column) = (cell / columns, cell % columns);
            let corner = area.min + vec2(column as f32 * size.x, row as f32 * size.y);
            let rect = Rect::from_min_size(corner, size - vec2(GAP, GAP));
            let id = ui.scope_id().with(("cloud", place));
            let stage = rect.with_min_y(rect.top() + TITLE);
            let response = ui.interact(stage, id, Sense::click_and_drag());
            let name = run.name(place);
            response.widget_info(|| {
                let words = format!("Cloud of {name}");
                WidgetInfo::selected(Role::Button, true, lane.lambda == shown, words)
            });
            self.multiples.ui(ui, cell, &response, scatter);
            let painter = ui.painter();
            painter.text(
                pos2(rect.center().x, rect.top() + 1.0),
                Align2::CENTER_TOP,
                &name,
                FontId::proportional(13.0),
                theme::lambda(lane.lambda, ui.visuals()),
            );
            let frame = if lane.lambda == shown {
                ui.visuals().selection.stroke
            } else {
                Stroke::new(1.0, ui.visuals().text_color().gamma_multiply(0.12))
            };
            painter.rect_stroke(rect, CornerRadius::same(4), frame, StrokeKind::Inside);
            if response.clicked() {
                clicked = Some(place);
            }
            let tip = format!("{name}: a click shows it, dragging turns all");
            response
                .on_hover_cursor(CursorIcon::PointingHand)
                .on_hover_text(tip);
        }
        clicked
    }
}

/// As many columns as make the cells largest.
fn columns(area: Rect, cells: usize) -> usize {
    let side = |columns: &usize| {
        let rows = cells.div_ceil(*columns);
        let height = area.height() / rows as f32 - TITLE;
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
        assert_eq!(columns(area(1100.0, 100.0), 11), 11);
        assert_eq!(columns(area(100.0, 1300.0), 11), 1);
        assert_eq!(columns(area(600.0, 450.0), 11), 4);
        assert_eq!(columns(area(0.0, 0.0), 1), 1);
    }
}
