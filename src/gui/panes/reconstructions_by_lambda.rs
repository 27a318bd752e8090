//! The same images rebuilt by every λ (paper, figure 5).

use std::{collections::BTreeSet, sync::Arc};

use eframe::egui::{
    Align2, Color32, CornerRadius, FontId, Rect, Response, Role, ScrollArea, Sense, Stroke,
    StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::{export_button, header, latent::class_name};
use crate::{
    data::ImageShape,
    figures::{DeadRuns, FigureKind},
    gui::{
        images,
        state::{RunView, State},
        textures::{INPUT, Images, RECONSTRUCTION, TILES, TextureCache},
        theme,
    },
    train::Snapshot,
};

const GAP: f32 = 3.0;
const TITLE: f32 = 17.0;
/// Height of the list of classes, in points; more of them scroll.
const MENU: f32 = 360.0;

/// State of the pane.
#[derive(Default)]
pub struct ReconstructionsByLambda {
    /// Classes whose rows are left out.
    hidden: BTreeSet<u8>,
}

/// What a click asks for.
enum Wish {
    Image(u32),
    Cell(usize, u32),
}

impl ReconstructionsByLambda {
    /// Shows the pane; returns the response of its grip.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        session: &mut State,
        textures: &mut TextureCache,
    ) -> Response {
        let grip = header(ui, "Reconstructions by λ", |ui| self.tools(ui, session));
        let Some(run) = session.run() else {
            return grip;
        };
        let places = run.one_for_each_lambda();
        let rows = self.rows(run);
        if rows.is_empty() {
            ui.centered_and_justified(|ui| ui.weak("Choose a row, or wait for the first look"));
            return grip;
        }
        match grid(ui, run, &places, &rows, session.selected(), textures) {
            Some(Wish::Image(image)) => session.select(Some(image)),
            Some(Wish::Cell(place, image)) => {
                session.show_lane(place);
                session.select(Some(image));
            }
            None => {}
        }
        grip
    }

    fn tools(&mut self, ui: &mut Ui, session: &mut State) {
        export_button(
            ui,
            session,
            FigureKind::ReconstructionsByLambda,
            DeadRuns::default(),
        );
        let mut sample = session.probe_selection();
        if ui
            .button("New sample")
            .on_hover_text("Show other test images")
            .clicked()
        {
            sample.grid_offset += sample.grid_per_class;
            session.set_probe_selection(sample);
        }
        let Some(run) = session.run() else { return };
        ui.menu_button("Rows", |ui| {
            ScrollArea::vertical().max_height(MENU).show(ui, |ui| {
                for (class, name) in (0..=u8::MAX).zip(&run.dataset.class_names) {
                    let mut shown = !self.hidden.contains(&class);
                    if ui.checkbox(&mut shown, name).changed() {
                        if shown {
                            self.hidden.remove(&class);
                        } else {
                            self.hidden.insert(class);
                        }
                    }
                }
            });
        })
        .response
        .on_hover_text("Choose the classes to show");
    }

    /// Places in the grid of the images to show.
    fn rows(&self, run: &RunView) -> Vec<usize> {
        let Some(snapshot) = &run.shown().snapshot else {
            return Vec::new();
        };
        let test = &run.dataset.test;
        let keep = |index: u32| {
            (index as usize) < test.len() && !self.hidden.contains(&test.label(index as usize))
        };
        let grid = snapshot.grid.iter().enumerate();
        grid.filter(|(_, reading)| keep(reading.index))
            .map(|(row, _)| row)
            .collect()
    }
}

fn grid(
    ui: &mut Ui,
    run: &RunView,
    places: &[usize],
    rows: &[usize],
    selected: Option<u32>,
    textures: &mut TextureCache,
) -> Option<Wish> {
    let hue = theme::reconstruction(ui.visuals());
    let images =
        |snapshot: &Arc<Snapshot>| Images::Grid(snapshot.into(), (&run.dataset).into(), hue);
    let lanes = places.iter().map(|&place| {
        let snapshot = run.lanes().get(place)?.snapshot.as_ref()?;
        Some((place, snapshot, images(snapshot)))
    });
    let lanes: Vec<_> = lanes.collect();
    let image = size(ui, run.dataset.shape, places.len() + 1, rows.len());
    let mut wish = None;
    ScrollArea::both().id_salt("mosaic").show(ui, |ui| {
        let step = image + vec2(GAP, GAP);
        let wide = step.x * (places.len() + 1) as f32 + 2.0 * GAP;
        let whole = vec2(wide, TITLE + step.y * rows.len() as f32);
        let space = vec2(ui.available_width().max(wide), whole.y);
        let (area, _) = ui.allocate_exact_size(space, Sense::hover());
        let origin = pos2(area.left() + (area.width() - wide) / 2.0, area.top());
        titles(ui, run, places, origin, step);
        for (tile, row) in rows.iter().enumerate() {
            let y = origin.y + TITLE + tile as f32 * step.y;
            let cell = |column: usize| {
                // The input stands a little apart.
                let apart = if column == 0 { 0.0 } else { 2.0 * GAP };
                let at = pos2(origin.x + apart + column as f32 * step.x, y);
                images::snapped(ui, Rect::from_min_size(at, image))
            };
            let shown = run.shown().snapshot.as_ref();
            let Some((shown, first)) = shown.and_then(|shown| Some((shown, shown.grid.get(*row)?)))
            else {
                continue;
            };
            let label = run.dataset.test.label(first.index as usize);
            let words = format!("Input {}: {}", first.index, class_name(run, label));
            let chosen = selected == Some(first.index);
            textures.paint(ui, &images(shown), row * TILES + INPUT, cell(0));
            if frame(ui, ("input", tile), cell(0), chosen, None, &words).clicked() {
                wish = Some(Wish::Image(first.index));
            }
            for (column, lane) in lanes.iter().enumerate() {
                let Some((place, snapshot, images)) = lane else {
                    continue;
                };
                let (place, Some(reading)) = (*place, snapshot.grid.get(*row)) else {
                    continue;
                };
                let rect = cell(column + 1);
                textures.paint(ui, images, row * TILES + RECONSTRUCTION, rect);
                let (predicted, share) = reading.predicted();
                let right = predicted == label;
                let words = format!(
                    "{} of image {}: MSE {:.4}, predicted {} with {:.0} %{}",
                    run.name(place),
                    reading.index,
                    reading.mse,
                    class_name(run, predicted),
                    share * 100.0,
                    if right { "" } else { " (wrong)" }
                );
                let wrong = (!right).then_some(ui.visuals().error_fg_color);
                let id = ("cell", tile * 1000 + place);
                let chosen = chosen && place == run.place();
                if frame(ui, id, rect, chosen, wrong, &words).clicked() {
                    wish = Some(Wish::Cell(place, reading.index));
                }
            }
        }
    });
    wish
}

/// The λ above each column; that of the lane on show stands out.
fn titles(ui: &Ui, run: &RunView, places: &[usize], origin: eframe::egui::Pos2, step: Vec2) {
    let painter = ui.painter();
    let visuals = ui.visuals();
    let title = |column: usize, text: &str, colour: Color32, size: f32| {
        let apart = if column == 0 { 0.0 } else { 2.0 * GAP };
        let middle = origin.x + apart + (column as f32 + 0.5) * step.x - GAP / 2.0;
        let at = pos2(middle, origin.y + TITLE - 3.0);
        painter.text(
            at,
            Align2::CENTER_BOTTOM,
            text,
            FontId::proportional(size),
            colour,
        );
    };
    title(0, "input", visuals.text_color(), 11.5);
    for (column, &place) in places.iter().enumerate() {
        let lambda = run.lanes()[place].lane.lambda;
        let chosen = lambda == run.shown().lane.lambda;
        let size = if chosen { 14.0 } else { 11.5 };
        title(
            column + 1,
            &lambda.to_string(),
            theme::lambda(lambda, visuals),
            size,
        );
    }
}

/// The size at which all images fit, if they can; whole multiples where they are not too small for it.
fn size(ui: &Ui, shape: ImageShape, columns: usize, rows: usize) -> Vec2 {
    let space = ui.available_size() - vec2(2.0 * GAP, TITLE);
    let own = vec2(shape.width as f32, shape.height as f32);
    let room = vec2(space.x / columns as f32, space.y / rows as f32) - vec2(GAP, GAP);
    let scale = (room.x / own.x).min(room.y / own.y) * ui.pixels_per_point();
    let scale = if scale >= 2.0 {
        scale.floor().min(8.0)
    } else {
        scale.max(0.6)
    };
    own * scale / ui.pixels_per_point()
}

/// What lies over a picture: what it says, whether it is chosen, and a mark where it is wrong.
fn frame(
    ui: &Ui,
    id: (&str, usize),
    rect: Rect,
    chosen: bool,
    wrong: Option<Color32>,
    words: &str,
) -> Response {
    let response = ui.interact(rect, ui.scope_id().with(id), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, words));
    let painter = ui.painter();
    if let Some(colour) = wrong {
        let corner = rect.right_top();
        let corners = vec![corner, corner - vec2(7.0, 0.0), corner + vec2(0.0, 7.0)];
        painter.add(eframe::egui::Shape::convex_polygon(
            corners,
            colour,
            Stroke::NONE,
        ));
    }
    let stroke = if chosen || response.has_focus() {
        Some(ui.visuals().selection.stroke)
    } else if response.hovered() {
        Some(Stroke::new(1.0, ui.visuals().strong_text_color()))
    } else {
        None
    };
    if let Some(stroke) = stroke {
        painter.rect_stroke(rect, CornerRadius::same(1), stroke, StrokeKind::Outside);
    }
    response.on_hover_text(words)
}
