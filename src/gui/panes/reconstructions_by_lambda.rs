//! Reconstructions of the same images at every λ (paper, figure 5).

use std::{collections::BTreeSet, sync::Arc};

use eframe::egui::{
    Align2, Button, Color32, CornerRadius, FontId, Galley, Pos2, Rect, Response, Role, ScrollArea,
    Sense, Shape, Stroke, StrokeKind, Ui, Vec2, WidgetInfo, pos2, vec2,
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
    let output = scroll_area.show_viewport(ui, |ui, viewport| {
        let space = vec2(ui.available_width().max(width), height);
        let (area, _) = ui.allocate_exact_size(space, Sense::hover());
        let grid = Grid {
            run,
            lanes,
            selected,
            image,
            step,
            origin: pos2(area.left() + (area.width() - width) / 2.0, area.top()),
            visible: area.min + viewport.min.to_vec2(),
        };
        let mut clicked = None;
        for (row, index) in rows.iter().enumerate() {
            clicked = grid.row(ui, row, *index, textures).or(clicked);
        }
        grid.cover_inputs(ui);
        for (row, index) in rows.iter().enumerate() {
            clicked = grid.input(ui, row, *index, textures).or(clicked);
        }
        grid.titles(ui);
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
    /// Left upper corner of the part that is scrolled into view. Inputs and titles stay there.
    visible: Pos2,
}

impl Grid<'_> {
    fn left(&self, column: usize) -> f32 {
        if column == 0 {
            return self.origin.x.max(self.visible.x);
        }
        self.origin.x + INPUT_GAP + column as f32 * self.step.x
    }

    fn rect(&self, ui: &Ui, column: usize, row: usize) -> Rect {
        let top = self.origin.y + TITLE + row as f32 * self.step.y;
        let rect = Rect::from_min_size(pos2(self.left(column), top), self.image);
        images::snapped(ui, rect)
    }

    /// Hides what has been scrolled behind the inputs.
    fn cover_inputs(&self, ui: &Ui) {
        if self.visible.x > self.origin.x {
            cover(ui, ui.clip_rect().with_max_x(self.inputs_end()));
        }
    }

    /// Where the column of inputs ends, with the gap beside it.
    fn inputs_end(&self) -> f32 {
        self.left(0) + self.image.x + INPUT_GAP
    }

    /// The snapshot on show, and the image at `index` of its grid with its class.
    fn image(&self, index: usize) -> Option<(&Arc<Snapshot>, u32, u8)> {
        let shown = self.run.shown().snapshot.as_ref()?;
        let image = shown.grid.get(index)?.index;
        Some((shown, image, self.run.dataset.test.label(image as usize)))
    }

    /// The images of the grid of a snapshot.
    fn images(&self, ui: &Ui, snapshot: &Arc<Snapshot>) -> Images {
        let hue = theme::reconstruction(ui.visuals());
        Images::Grid(snapshot.into(), (&self.run.dataset).into(), hue)
    }

    /// The λ above the columns, of those that are too close every k-th; that of the network on show
    /// is larger and never left out.
    fn titles(&self, ui: &Ui) {
        let top = self.origin.y.max(self.visible.y);
        if self.visible.y > self.origin.y {
            cover(ui, ui.clip_rect().with_max_y(top + TITLE));
        }
        let galley = |text: &str, colour: Color32, size: f32| {
            let font = FontId::proportional(size);
            ui.painter().layout_no_wrap(text.to_owned(), font, colour)
        };
        let paint = |column: usize, galley: Arc<Galley>| {
            let middle = pos2(self.left(column) + self.image.x / 2.0, top + TITLE - 3.0);
            let rect = Align2::CENTER_BOTTOM.anchor_size(middle, galley.size());
            let is_hidden = column > 0 && rect.left() < self.inputs_end();
            if !is_hidden {
                ui.painter().galley(rect.min, galley, Color32::PLACEHOLDER);
            }
        };
        paint(0, galley("input", ui.visuals().text_color(), 11.5));
        let shown = self.run.shown().lane.lambda;
        let titles = self.lanes.iter().map(|&lane| {
            let lambda = self.run.lanes()[lane].lane.lambda;
            let size = if lambda == shown { 14.0 } else { 11.5 };
            let colour = theme::lambda(lambda, ui.visuals());
            galley(&lambda.to_string(), colour, size)
        });
        let titles: Vec<_> = titles.collect();
        let widest = titles
            .iter()
            .map(|title| title.size().x)
            .fold(0.0, f32::max);
        let distance = ((widest + 4.0) / self.step.x).ceil().max(1.0) as usize;
        let is_shown = |lane: &usize| self.run.lanes()[*lane].lane.lambda == shown;
        let shown = self.lanes.iter().position(is_shown).unwrap_or(0);
        for (column, title) in titles.into_iter().enumerate() {
            // Counted from the network on show, next to which there is always room.
            if column.abs_diff(shown) % distance == 0 {
                paint(column + 1, title);
            }
        }
    }

    /// Shows the input at `index` of the snapshots' grid.
    fn input(
        &self,
        ui: &Ui,
        row: usize,
        index: usize,
        textures: &mut TextureCache,
    ) -> Option<Clicked> {
        let (shown, image, label) = self.image(index)?;
        let rect = self.rect(ui, 0, row);
        textures.paint(ui, &self.images(ui, shown), index * TILES + INPUT, rect);
        let description = format!("Input {image}: {}", class_name(self.run, label));
        let is_selected = self.selected == Some(image);
        let response = frame(ui, ("input", row), rect, is_selected, None, &description);
        response.clicked().then_some((None, image))
    }

    /// Shows the reconstructions of the image at `index` of the snapshots' grid.
    fn row(
        &self,
        ui: &Ui,
        row: usize,
        index: usize,
        textures: &mut TextureCache,
    ) -> Option<Clicked> {
        let run = self.run;
        let (_, image, label) = self.image(index)?;
        let is_selected = self.selected == Some(image);
        let mut clicked = None;
        for (column, &lane) in self.lanes.iter().enumerate() {
            let snapshot = run.lanes()[lane].snapshot.as_ref();
            let Some((snapshot, result)) =
                snapshot.and_then(|snapshot| Some((snapshot, snapshot.grid.get(index)?)))
            else {
                continue;
            };
            let rect = self.rect(ui, column + 1, row);
            let tile = index * TILES + RECONSTRUCTION;
            textures.paint(ui, &self.images(ui, snapshot), tile, rect);
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

/// Hides what has been scrolled behind a part that stays.
fn cover(ui: &Ui, part: Rect) {
    ui.painter().rect_filled(part, 0.0, ui.visuals().panel_fill);
}

/// The size at which all images fit: a whole multiple, or half a multiple more where that leaves
/// more than half of the space empty; never below [`images::MIN_SIDE`].
fn size(ui: &Ui, shape: ImageShape, columns: usize, rows: usize) -> Vec2 {
    let space = (ui.available_size() - vec2(INPUT_GAP, TITLE)).max(Vec2::ZERO);
    let pixels = vec2(shape.width as f32, shape.height as f32);
    let cell = vec2(space.x / columns as f32, space.y / rows as f32) - vec2(GAP, GAP);
    let fitting = (cell.x / pixels.x).min(cell.y / pixels.y) * ui.pixels_per_point();
    let whole = fitting.floor();
    let side = pixels * whole / ui.pixels_per_point();
    let is_sparse = side.x * side.y * (columns * rows) as f32 <= 0.5 * space.x * space.y;
    let scale = if is_sparse {
        (2.0 * fitting).floor() / 2.0
    } else {
        whole
    };
    let smallest = images::MIN_SIDE * ui.pixels_per_point() / pixels.min_elem().max(1.0);
    let scale = scale.min(8.0).max(smallest);
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
        let side = (0.2 * rect.width()).clamp(4.0, 7.0);
        let corners = vec![corner, corner - vec2(side, 0.0), corner + vec2(0.0, side)];
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
