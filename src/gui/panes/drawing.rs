//! The drawing window: an image that is drawn with the mouse or dropped on the window, and
//! processed by the model while it trains.

use std::sync::Arc;

use eframe::egui::{
    self, Align2, Button, Color32, Context, Event, PointerButton, Pos2, Rect, Sense, Slider,
    Stroke, StrokeKind, TextStyle, Ui, Window, vec2,
};

use super::PaneContext;
use crate::{
    data::ImageShape,
    gui::{
        commands::ProbeCommand,
        images,
        keymap::{self, KeyUse},
        pad::Pad,
        state::RunView,
        textures::{Images, TextureCache},
        theme,
        widgets::{comparison, probabilities},
    },
    train::{CustomImageResult, Snapshot},
};

/// Initial radius of the brush, in pixels of the image: strokes as bold as MNIST's.
const BRUSH: f32 = 1.2;

pub struct Drawing {
    pub open: bool,
    pad: Pad,
    brush: f32,
    colour: [f32; 3],
    centre: bool,
    is_erasing: bool,
    /// Position of the brush on the pad while it draws, in pixels of the image.
    last_pos: Option<[f32; 2]>,
}

impl Default for Drawing {
    fn default() -> Self {
        Self {
            open: false,
            pad: Pad::new(ImageShape::GREY_28),
            brush: BRUSH,
            colour: [1.0; 3],
            centre: true,
            is_erasing: false,
            last_pos: None,
        }
    }
}

impl Drawing {
    /// Opens the window with an image, bytes of `shape`.
    pub fn show(&mut self, shape: ImageShape, bytes: &[u8]) {
        self.open = true;
        self.pad = Pad::new(shape);
        self.pad.set(bytes);
        // An image from a file is used unchanged.
        self.centre = false;
    }

    /// The id of the window.
    pub fn id() -> egui::Id {
        egui::Id::unique("drawing")
    }

    pub fn ui(&mut self, ctx: &Context, context: &mut PaneContext<'_>) {
        let Some(run) = context.state.run.view() else {
            return;
        };
        if self.open {
            let shape = run.dataset.shape;
            if self.pad.shape() != shape {
                self.pad = Pad::new(shape);
            }
            self.window(ctx, run, context);
        }
        let pixels = (self.open && !self.pad.is_blank()).then(|| self.pixels());
        if pixels.as_ref() != context.state.probe.custom_image.as_ref() {
            let image = ProbeCommand::SetCustomImage(pixels);
            context.commands.push(image);
        }
    }

    fn window(&mut self, ctx: &Context, run: &RunView, context: &mut PaneContext<'_>) {
        let mut open = true;
        Window::new("Draw")
            .id(Self::id())
            .open(&mut open)
            .resizable(false)
            .pivot(Align2::RIGHT_BOTTOM)
            .default_pos(context.view.dock_rect.right_bottom() - vec2(12.0, 12.0))
            .show(ctx, |ui| {
                ui.horizontal_top(|ui| {
                    ui.vertical(|ui| self.pad(ui, context.textures));
                    let snapshot = run.shown().snapshot.as_ref();
                    let result = snapshot
                        .and_then(|snapshot| Some((snapshot, snapshot.custom_image.as_ref()?)));
                    let result = result.filter(|_| !self.pad.is_blank());
                    ui.vertical(|ui| show_result(ui, run, result, context.textures));
                });
            });
        self.open = open;
    }

    /// The input of the model.
    fn pixels(&self) -> Arc<[u8]> {
        if self.centre && self.pad.shape().channels == 1 {
            self.pad.centred()
        } else {
            self.pad.bytes()
        }
    }

    /// Draws a line to a point, from the last position of the brush if it is drawing.
    fn draw_to(&mut self, to: [f32; 2]) {
        let ink = if self.is_erasing {
            [0.0; 3]
        } else {
            self.colour
        };
        let from = self.last_pos.replace(to).unwrap_or(to);
        self.pad.stroke(from, to, self.brush, ink);
    }

    /// The pad and its tools.
    fn pad(&mut self, ui: &mut Ui, textures: &mut TextureCache) {
        let shape = self.pad.shape();
        let scale = images::crisp_scale(ui, shape, 230.0);
        let size = images::crisp_size(ui, shape, scale);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        let rect = images::snapped(ui, rect);
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Canvas, true, "Drawing pad".to_owned())
        });
        let response = response.on_hover_cursor(egui::CursorIcon::Crosshair);
        let to_pixel = |pos: Pos2| {
            let fraction = (pos - rect.min) / size;
            [
                fraction.x * shape.width as f32,
                fraction.y * shape.height as f32,
            ]
        };
        // Events, since the pointer may move more than once between two frames.
        for event in ui.input(|input| input.events.clone()) {
            match event {
                Event::PointerButton {
                    pos,
                    button,
                    pressed: true,
                    ..
                } if rect.contains(pos) && response.contains_pointer() => {
                    self.is_erasing = button == PointerButton::Secondary;
                    self.draw_to(to_pixel(pos));
                }
                Event::PointerMoved(pos) if self.last_pos.is_some() => self.draw_to(to_pixel(pos)),
                Event::PointerButton { pressed: false, .. } | Event::PointerGone => {
                    self.last_pos = None;
                }
                _ => {}
            }
        }
        let drawing = Images::Bytes(shape, self.pad.bytes());
        textures.paint(ui, &drawing, 0, rect);
        if self.pad.is_blank() {
            hint(ui, rect);
        }
        let border = Stroke::new(1.0, ui.visuals().weak_text_color());
        ui.painter()
            .rect_stroke(rect, 0.0, border, StrokeKind::Outside);
        self.tools(ui, shape);
    }

    fn tools(&mut self, ui: &mut Ui, shape: ImageShape) {
        ui.horizontal(|ui| {
            let clear = ui.add_enabled(!self.pad.is_blank(), Button::new("Clear"));
            if clear.on_hover_text("Start with a black image").clicked() {
                self.pad.clear();
            }
            if shape.channels == 1 {
                ui.checkbox(&mut self.centre, "Centre").on_hover_text(
                    "Move the centre of mass of the drawing to the middle before the model processes it, as in MNIST",
                );
            } else {
                ui.color_edit_button_rgb(&mut self.colour)
                    .on_hover_text("Colour of the brush");
            }
        });
        ui.horizontal(|ui| {
            let label = ui.label("Brush");
            ui.spacing_mut().slider_width = 90.0;
            let slider = ui.add(
                Slider::new(&mut self.brush, 0.5..=4.0)
                    .fixed_decimals(1)
                    .suffix(" px"),
            );
            keymap::declare(&slider, KeyUse::Arrows);
            slider
                .labelled_by(label.id)
                .on_hover_text("Radius of the brush; the right mouse button erases");
        });
    }
}

/// Reconstruction, error and class probabilities; without a result as much space, so that the pad
/// never moves under the pen.
fn show_result(
    ui: &mut Ui,
    run: &RunView,
    result: Option<(&Arc<Snapshot>, &CustomImageResult)>,
    textures: &mut TextureCache,
) {
    let orange = theme::reconstruction(ui.visuals());
    let shown = result.map(|(snapshot, CustomImageResult { result, .. })| {
        let images = Images::Custom(snapshot.into(), (&run.dataset).into(), orange);
        (images, result)
    });
    let compared = shown.as_ref().map(|(images, result)| (images, result.mse));
    comparison(ui, textures, compared, run.dataset.shape, "model input");
    ui.separator();
    probabilities(ui, run, shown.map(|(_, result)| result), None);
}

/// What can be done, on the blank pad.
fn hint(ui: &Ui, pad: Rect) {
    const HINT: &str = "Draw with the mouse: the model processes the drawing at once, and its z \
        appears in the cloud.\n\nAn image file that is dropped on the window is processed too.";
    let font = TextStyle::Body.resolve(ui.style());
    let text = ui.painter().layout(
        HINT.to_owned(),
        font,
        Color32::from_gray(0xb0),
        pad.width() - 24.0,
    );
    let corner = pad.center() - text.size() / 2.0;
    ui.painter().galley(corner, text, Color32::PLACEHOLDER);
}
