//! Reconstructions of the same images at every λ (paper, figure 5).

use std::{collections::BTreeSet, sync::Arc};

use eframe::egui::{
    Align2, Button, Color32, CornerRadius, FontId, Pos2, Rect, Response, Role, ScrollArea, Sense,
    Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
};

use super::{Pane, PaneContext, PaneId, PaneSetup, export_button, header};
use crate::{
    data::ImageShape,
    figures::{DeadRuns, FigureKind},
    gui::{
        commands::{Commands, ProbeCommand, RunCommand},
        images,
        state::{RunView, State},
        textures::{INPUT, Images, RECONSTRUCTION, TILES, TextureCache},
        theme,
        widgets::{class_name, clicked, verdict},
    },
    train::Snapshot,
};

const GAP: f32 = 3.0;
/// Additional gap between the input and the reconstructions.
const INPUT_GAP: f32 = 2.0 * GAP;
const TITLE: f32 = 17.0;
/// Height of the list of classes, in points; more of them scroll.
const MENU: f32 = 360.0;

#[derive(Default)]
pub struct ReconstructionsByLambda {
    hidden: BTreeSet<u8>,
}

/// What was clicked: index of the network, `None` for the input, and test index of the image.
type Clicked = (Option<usize>, u32);

impl Pane for ReconstructionsByLambda {
    fn ui(&mut self, ui: &mut Ui, context: &mut PaneContext<'_>) -> Response {
        let state = context.state;
        let handle = header(ui, PaneId::ReconstructionsByLambda, |ui| {
            self.tools(ui, state, context.commands);
        });
        let Some(run) = state.run.view() else {
            return handle;
        };
        let lanes = run.lanes_by_lambda();
        let rows = self.rows(run);
        if rows.is_empty() {
            ui.centered_and_justified(|ui| {
                ui.weak(
                    "Reconstructions appear with the first snapshot, unless all rows are hidden",
                )
            });
            return handle;
        }
        let selected = state.probe.selected;
        if let Some((lane, image)) = grid(ui, run, &lanes, &rows, selected, context.textures) {
            if let Some(lane) = lane {
                context.commands.push(RunCommand::ShowLane(lane));
            }
            context.commands.push(ProbeCommand::Select(Some(image)));
        }
        handle
    }
}

impl ReconstructionsByLambda {
    pub fn new(_: &PaneSetup<'_>) -> Self {
        Self::default()
    }

    fn tools(&mut self, ui: &mut Ui, state: &State, commands: &mut Commands) {
        let subject = FigureKind::ReconstructionsByLambda;
        export_button(ui, subject, DeadRuns::default(), commands);
        let mut selection = state.probe.selection;
        if clicked(ui, Button::new("New sample"), "Show other test images") {
            selection.grid_offset += selection.grid_per_class;
            commands.push(ProbeCommand::SetSelection(selection));
        }
        let Some(run) = state.run.view() else { return };
        ui.menu_button("Rows", |ui| {
            ScrollArea::vertical().max_height(MENU).show(ui, |ui| {
                for (class, name) in (0..=u8::MAX).zip(&run.dataset.class_names) {
                    let mut is_shown = !self.hidden.contains(&class);
                    if ui.checkbox(&mut is_shown, name).changed() {
                        if is_shown {
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

    /// Indices in the grid of the images to show.
    fn rows(&self, run: &RunView) -> Vec<usize> {
        let Some(snapshot) = &run.shown().snapshot else {
            return Vec::new();
        };
        let test = &run.dataset.test;
        let is_shown = |index: u32| {
            (index as usize) < test.len() && !self.hidden.contains(&test.label(index as usize))
        };
        let grid = snapshot.grid.iter().enumerate();
        grid.filter(|(_, result)| is_shown(result.index))
            .map(|(row, _)| row)
            .collect()
    }
}

fn grid(
    ui: &mut Ui,
    run: &RunView,
    lanes: &[usize],
    rows: &[usize],
    selected: Option<u32>,
    textures: &mut TextureCache,
) -> Option<Clicked> {
    let image = size(ui, run.dataset.shape, lanes.len() + 1, rows.len());
    let step = image + vec2(GAP, GAP);
    let width = step.x * (lanes.len() + 1) as f32 + INPUT_GAP;
    let height = TITLE + step.y * rows.len() as f32;
    let scroll_area = ScrollArea::both().id_salt("reconstructions by lambda");
    let output = scroll_area.show(ui, |ui| {
        let space = vec2(ui.available_width().max(width), height);
        let (area, _) = ui.allocate_exact_size(space, Sense::hover());
        let grid = Grid {
            run,
            lanes,
            selected,
            image,
            step,
            origin: pos2(area.left() + (area.width() - width) / 2.0, area.top()),
        };
        grid.titles(ui);
        let mut clicked = None;
        for (row, index) in rows.iter().enumerate() {
            clicked = grid.row(ui, row, *index, textures).or(clicked);
        }
        clicked
    });
    output.inner
}

/// Inputs in the first column, the reconstructions of a network in each of the others.
struct Grid<'a> {
    run: &'a RunView,
    /// Indices of the networks.
    lanes: &'a [usize],
    /// Test index of the selected image.
    selected: Option<u32>,
    /// Size of an image, in points.
    image: Vec2,
    /// Distance of images.
    step: Vec2,
    origin: Pos2,
}

impl Grid<'_> {
    fn left(&self, column: usize) -> f32 {
        let gap = if column == 0 { 0.0 } else { INPUT_GAP };
        self.origin.x + gap + column as f32 * self.step.x
    }

    fn rect(&self, ui: &Ui, column: usize, row: usize) -> Rect {
        let top = self.origin.y + TITLE + row as f32 * self.step.y;
        let rect = Rect::from_min_size(pos2(self.left(column), top), self.image);
        images::snapped(ui, rect)
    }

    /// The λ above each column; that of the network on show is larger.
    fn titles(&self, ui: &Ui) {
        let title = |column: usize, text: &str, colour: Color32, size: f32| {
            let middle = self.left(column) + self.image.x / 2.0;
            let pos = pos2(middle, self.origin.y + TITLE - 3.0);
            let font = FontId::proportional(size);
            let painter = ui.painter();
            painter.text(pos, Align2::CENTER_BOTTOM, text, font, colour);
        };
        title(0, "input", ui.visuals().text_color(), 11.5);
        for (column, &lane) in self.lanes.iter().enumerate() {
            let lambda = self.run.lanes()[lane].lane.lambda;
            let is_shown = lambda == self.run.shown().lane.lambda;
            let size = if is_shown { 14.0 } else { 11.5 };
            let colour = theme::lambda(lambda, ui.visuals());
            title(column + 1, &lambda.to_string(), colour, size);
        }
    }

    /// Shows the image at `index` of the snapshots' grid.
    fn row(
        &self,
        ui: &Ui,
        row: usize,
        index: usize,
        textures: &mut TextureCache,
    ) -> Option<Clicked> {
        let run = self.run;
        let hue = theme::reconstruction(ui.visuals());
        let images =
            |snapshot: &Arc<Snapshot>| Images::Grid(snapshot.into(), (&run.dataset).into(), hue);
        let shown = run.shown().snapshot.as_ref()?;
        let image = shown.grid.get(index)?.index;
        let label = run.dataset.test.label(image as usize);
        let is_selected = self.selected == Some(image);
        let mut clicked = None;

        let rect = self.rect(ui, 0, row);
        textures.paint(ui, &images(shown), index * TILES + INPUT, rect);
        let description = format!("Input {image}: {}", class_name(run, label));
        if frame(ui, ("input", row), rect, is_selected, None, &description).clicked() {
            clicked = Some((None, image));
        }
        for (column, &lane) in self.lanes.iter().enumerate() {
            let snapshot = run.lanes()[lane].snapshot.as_ref();
            let Some((snapshot, result)) =
                snapshot.and_then(|snapshot| Some((snapshot, snapshot.grid.get(index)?)))
            else {
                continue;
            };
            let rect = self.rect(ui, column + 1, row);
            let tile = index * TILES + RECONSTRUCTION;
            textures.paint(ui, &images(snapshot), tile, rect);
            let (predicted, probability) = result.predicted();
            let description = format!(
                "{} of image {}: MSE {:.4}, {} with {:.0} %",
                run.lane_name(lane),
                result.index,
                result.mse,
                verdict(label, predicted, class_name(run, predicted)),
                probability * 100.0
            );
            let error = (predicted != label).then_some(ui.visuals().error_fg_color);
            let id = ("reconstruction", row * 1000 + lane);
            let is_selected = is_selected && lane == run.shown_index();
            if frame(ui, id, rect, is_selected, error, &description).clicked() {
                clicked = Some((Some(lane), result.index));
            }
        }
        clicked
    }
}

/// The size at which all images fit, if possible; whole multiples unless that is too small.
fn size(ui: &Ui, shape: ImageShape, columns: usize, rows: usize) -> Vec2 {
    let space = ui.available_size() - vec2(INPUT_GAP, TITLE);
    let pixels = vec2(shape.width as f32, shape.height as f32);
    let cell = vec2(space.x / columns as f32, space.y / rows as f32) - vec2(GAP, GAP);
    let scale = (cell.x / pixels.x).min(cell.y / pixels.y) * ui.pixels_per_point();
    let scale = if scale >= 2.0 {
        scale.floor().min(8.0)
    } else {
        scale.max(0.6)
    };
    pixels * scale / ui.pixels_per_point()
}

/// The interactive frame of an image, with a marked corner where it is misclassified.
fn frame(
    ui: &Ui,
    id: (&str, usize),
    rect: Rect,
    is_selected: bool,
    error: Option<Color32>,
    description: &str,
) -> Response {
    let response = ui.interact(rect, ui.scope_id().with(id), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, is_selected, description));
    let painter = ui.painter();
    if let Some(colour) = error {
        let corner = rect.right_top();
        let corners = vec![corner, corner - vec2(7.0, 0.0), corner + vec2(0.0, 7.0)];
        painter.add(Shape::convex_polygon(corners, colour, Stroke::NONE));
    }
    let outline = if is_selected || response.has_focus() {
        ui.visuals().selection.stroke
    } else if response.hovered() {
        Stroke::new(1.0, ui.visuals().strong_text_color())
    } else {
        Stroke::NONE
    };
    painter.rect_stroke(rect, CornerRadius::same(1), outline, StrokeKind::Outside);
    response.on_hover_text(description)
}
