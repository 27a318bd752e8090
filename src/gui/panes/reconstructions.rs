//! Test images and their reconstructions.

use std::sync::Arc;

use eframe::egui::{
    self, Align2, Button, CornerRadius, FontId, Rect, ScrollArea, Sense, Stroke, StrokeKind, Ui,
    Vec2, pos2, vec2,
};

use super::{Pane, PaneContext, PaneId, PaneSetup, header};
use crate::{
    data::ImageShape,
    gui::{
        commands::{Commands, ProbeCommand},
        images,
        preferences::Preferences,
        state::{RunView, State},
        textures::{DIFFERENCE, Images, TILES, TextureCache},
        theme,
        widgets::{class_name, clicked, drag_value, verdict},
    },
    train::{ImageResult, Snapshot},
};

const GAP: f32 = 3.0;
const SPACE: Vec2 = vec2(12.0, 8.0);
const CAPTION: f32 = 17.0;

pub struct Reconstructions {
    /// Whether |difference| is shown beside input and reconstruction.
    show_difference: bool,
}

impl Pane for Reconstructions {
    fn ui(&mut self, ui: &mut Ui, context: &mut PaneContext<'_>) -> egui::Response {
        let state = context.state;
        let handle = header(ui, PaneId::Reconstructions, |ui| {
            self.tools(ui, state, context.commands);
        });
        let Some(run) = state.run.view() else {
            return handle;
        };
        let snapshot = run.shown().snapshot.as_ref();
        let Some(snapshot) = snapshot.filter(|snapshot| !snapshot.grid.is_empty()) else {
            ui.centered_and_justified(|ui| {
                ui.weak("Reconstructions appear with the first snapshot")
            });
            return handle;
        };
        let dock = context.view.dock_rect.size();
        let layout = self.layout(ui, run, snapshot, dock);
        let selected = state.probe.selected;
        let clicked = self.grid(ui, run, snapshot, selected, &layout, context.textures);
        if clicked.is_some() {
            context.commands.push(ProbeCommand::Select(clicked));
        }
        handle
    }

    fn save(&self, preferences: &mut Preferences) {
        preferences.show_difference = self.show_difference;
    }
}

impl Reconstructions {
    pub fn new(setup: &PaneSetup<'_>) -> Self {
        Self {
            show_difference: setup.preferences.show_difference,
        }
    }

    fn tools(&mut self, ui: &mut Ui, state: &State, commands: &mut Commands) {
        let mut selection = state.probe.selection;
        if clicked(ui, Button::new("New sample"), "Show other test images") {
            selection.grid_offset += selection.grid_per_class;
        }
        let difference = Button::selectable(self.show_difference, "Difference");
        if clicked(
            ui,
            difference,
            "Show the absolute difference of input and reconstruction as a third image",
        ) {
            self.show_difference ^= true;
        }
        let tip = "Images per class";
        let field = drag_value(ui, &mut selection.grid_per_class, |field| {
            field.range(1..=8).speed(0.05).suffix(" per class")
        });
        field.on_hover_text(tip);
        if selection != state.probe.selection {
            commands.push(ProbeCommand::SetSelection(selection));
        }
    }

    /// Images per item.
    fn pictures(&self) -> usize {
        if self.show_difference {
            TILES
        } else {
            DIFFERENCE
        }
    }

    fn layout(&self, ui: &Ui, run: &RunView, snapshot: &Snapshot, dock: Vec2) -> Layout {
        let shape = run.dataset.shape;
        Layout::new(ui, dock, shape, self.pictures(), snapshot.grid.len())
    }

    fn grid(
        &self,
        ui: &mut Ui,
        run: &RunView,
        snapshot: &Arc<Snapshot>,
        selected: Option<u32>,
        layout: &Layout,
        textures: &mut TextureCache,
    ) -> Option<u32> {
        let results = &snapshot.grid;
        let hue = theme::reconstruction(ui.visuals());
        let images = Images::Grid(snapshot.into(), (&run.dataset).into(), hue);
        let pictures = self.pictures();
        let mut clicked = None;
        ScrollArea::both().id_salt("grid").show(ui, |ui| {
            let rows = results.len().div_ceil(layout.columns);
            let used = layout.columns as f32 * (layout.item.x + SPACE.x) - SPACE.x;
            let size = vec2(
                ui.available_width().max(used),
                rows as f32 * (layout.item.y + SPACE.y),
            );
            let (area, _) = ui.allocate_exact_size(size, Sense::hover());
            let origin = pos2(
                area.left() + ((area.width() - used) / 2.0).max(0.0),
                area.top(),
            );
            for (index, result) in results.iter().enumerate() {
                let (row, column) = (index / layout.columns, index % layout.columns);
                let pos = origin
                    + vec2(
                        column as f32 * (layout.item.x + SPACE.x),
                        row as f32 * (layout.item.y + SPACE.y),
                    );
                let rect = images::snapped(ui, Rect::from_min_size(pos, layout.item));
                let response =
                    ui.interact(rect, ui.scope_id().with(("image", index)), Sense::click());
                let caption = Caption::new(run, result);
                response.widget_info(|| {
                    egui::WidgetInfo::selected(
                        egui::Role::Button,
                        true,
                        selected == Some(result.index),
                        caption.describe(result),
                    )
                });
                let outline = if selected == Some(result.index) || response.has_focus() {
                    ui.visuals().selection.stroke
                } else if response.hovered() {
                    Stroke::new(1.0, ui.visuals().weak_text_color())
                } else {
                    Stroke::NONE
                };
                ui.painter().rect_stroke(
                    rect.expand(3.0),
                    CornerRadius::same(4),
                    outline,
                    StrokeKind::Outside,
                );
                for picture in 0..pictures {
                    let left = picture as f32 * (layout.image.x + GAP);
                    let target = Rect::from_min_size(rect.min + vec2(left, 0.0), layout.image);
                    let target = images::snapped(ui, target);
                    textures.paint(ui, &images, index * TILES + picture, target);
                }
                caption.paint(ui, rect);
                if response.clicked() {
                    clicked = Some(result.index);
                }
                response.on_hover_text(caption.describe(result));
            }
        });
        clicked
    }
}

/// Height of the title row above the images, in points.
const TITLE: f32 = 26.0;

/// The layout of the grid.
struct Layout {
    columns: usize,
    image: Vec2,
    item: Vec2,
}

/// What a layout is made for.
#[derive(Clone, Copy)]
struct Request {
    /// Space in points.
    space: Vec2,
    pixels_per_point: f32,
    shape: ImageShape,
    /// Images per item.
    pictures: usize,
    items: usize,
}

impl Layout {
    /// Images as large as the request permits. They scroll where they would be smaller than
    /// [`images::MIN_SIDE`], or than they are without zoom. `dock` is the size of the dock.
    fn new(ui: &Ui, dock: Vec2, shape: ImageShape, pictures: usize, items: usize) -> Self {
        let zoom = ui.ctx().zoom_factor();
        let request = Request {
            space: ui.available_size(),
            pixels_per_point: ui.pixels_per_point(),
            shape,
            pictures,
            items,
        };
        let mut halves = request.halves();
        if zoom > 1.0 {
            // Without zoom, the bars around the dock have the same size in points.
            let window = ui.ctx().content_rect().size();
            let growth = (window * zoom - (window - dock)) / dock.max(vec2(1.0, 1.0));
            let title = vec2(0.0, TITLE);
            let plain = Request {
                space: (request.space + title) * growth - title,
                pixels_per_point: request.pixels_per_point / zoom,
                ..request
            };
            halves = halves.max(plain.halves());
        }
        request.layout(halves)
    }
}

impl Request {
    /// The layout with images at `halves` half physical pixels per pixel.
    fn layout(&self, halves: usize) -> Layout {
        let pixels = vec2(self.shape.width as f32, self.shape.height as f32);
        let image = pixels * halves as f32 / 2.0 / self.pixels_per_point;
        let width = self.pictures as f32 * (image.x + GAP) - GAP;
        let item = vec2(width, image.y + CAPTION);
        let columns = ((self.space.x + SPACE.x) / (item.x + SPACE.x)).floor() as usize;
        let columns = columns.clamp(1, self.items.max(1));
        let rows = self.items.div_ceil(columns).max(1);
        Layout {
            // No more columns than the rows need, so that the last row is full.
            columns: self.items.div_ceil(rows).max(1),
            image,
            item,
        }
    }

    /// Whether all images fit without scrolling.
    fn fits(&self, halves: usize) -> bool {
        let Layout { columns, item, .. } = self.layout(halves);
        let rows = self.items.div_ceil(columns);
        item.x <= self.space.x && rows as f32 * (item.y + SPACE.y) <= self.space.y
    }

    /// The largest whole scale at which all images fit, or half a scale more where that leaves more
    /// than half of the space empty, in halves; more where images would be too small.
    fn halves(&self) -> usize {
        const MOST: usize = 12;
        let side = self.shape.width.min(self.shape.height).max(1) as f32;
        let smallest = (2.0 * images::MIN_SIDE * self.pixels_per_point / side).ceil() as usize;
        let largest = (1..=2 * MOST).rfind(|halves| self.fits(*halves));
        let largest = largest.unwrap_or_default();
        let whole = largest - largest % 2;
        let item = self.layout(whole).item;
        let covered = self.items as f32 * item.x * item.y;
        let is_sparse = covered < 0.5 * self.space.x * self.space.y;
        let halves = if is_sparse { largest } else { whole };
        halves.max(smallest).max(1)
    }
}

/// The classifier's prediction below an image.
struct Caption {
    truth: String,
    predicted: String,
    verdict: String,
    probability: f32,
    is_correct: bool,
}

impl Caption {
    fn new(run: &RunView, result: &ImageResult) -> Self {
        let (class, probability) = result.predicted();
        let label = run.dataset.test.label(result.index as usize);
        Self {
            truth: class_name(run, label).to_owned(),
            predicted: class_name(run, class).to_owned(),
            verdict: verdict(label, class, class_name(run, class)),
            probability,
            is_correct: class == label,
        }
    }

    fn describe(&self, result: &ImageResult) -> String {
        format!(
            "Test image {}: {}, {} with {:.0} %, MSE {:.3}",
            result.index,
            self.truth,
            self.verdict,
            self.probability * 100.0,
            result.mse,
        )
    }

    fn paint(&self, ui: &Ui, item: Rect) {
        let visuals = ui.visuals();
        let (mark, colour) = if self.is_correct {
            ("", theme::classification(visuals))
        } else {
            ("× ", visuals.error_fg_color)
        };
        let font = FontId::proportional(12.5);
        let percent = format!("{:.0} %", self.probability * 100.0);
        let painter = ui.painter();
        let percent = painter.layout_no_wrap(percent, font.clone(), colour);
        let width = item.width() - percent.size().x - 4.0;
        let predicted = egui::text::LayoutJob {
            wrap: egui::text::TextWrapping::truncate_at_width(width.max(8.0)),
            ..egui::text::LayoutJob::simple_singleline(
                format!("{mark}{}", self.predicted),
                font,
                colour,
            )
        };
        let predicted = painter.layout_job(predicted);
        let rect = Align2::LEFT_BOTTOM.align_size_within_rect(predicted.size(), item);
        painter.galley(rect.min, predicted, colour);
        let rect = Align2::RIGHT_BOTTOM.align_size_within_rect(percent.size(), item);
        painter.galley(rect.min, percent, colour);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(space: Vec2, pixels_per_point: f32) -> Request {
        Request {
            space,
            pixels_per_point,
            shape: ImageShape::GREY_28,
            pictures: 3,
            items: 10,
        }
    }

    #[test]
    fn images_are_never_tiny_and_use_half_multiples_where_whole_ones_waste_the_pane() {
        // 2× misses the height by a few points; 1× would leave most of the pane empty.
        let pane = request(vec2(515.0, 360.0), 1.0);
        assert_eq!(pane.halves(), 3);
        let share = |halves| {
            let item = pane.layout(halves).item;
            10.0 * item.x * item.y / (515.0 * 360.0)
        };
        assert!(share(2) < 0.5 && share(3) > 1.5 * share(2));
        // No room at all: they scroll.
        for pixels_per_point in [1.0, 2.0] {
            let pane = request(vec2(120.0, 60.0), pixels_per_point);
            assert!(pane.layout(pane.halves()).image.x >= images::MIN_SIDE);
        }
    }
}
