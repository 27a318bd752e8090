//! An image of one's own: drawn with the mouse or dropped on the window, and read by the model
//! while it trains.

use std::sync::Arc;

use eframe::egui::{
    self, Align2, Button, Context, Event, PointerButton, Pos2, RichText, Sense, Slider, Stroke,
    StrokeKind, Ui, Window, vec2,
};

use super::PaneContext;
use crate::{
    data::ImageShape,
    gui::{
        commands::ProbeCommand,
        images,
        pad::Pad,
        state::RunView,
        textures::{Images, TextureCache},
        theme,
        widgets::{CAPTION, probabilities},
    },
    train::{CustomImageResult, Snapshot},
};

/// The brush's radius at first, in pixels of the image: strokes as bold as MNIST's.
const BRUSH: f32 = 1.2;

/// State of the window.
pub struct Drawing {
    /// Whether it is shown.
    pub open: bool,
    pad: Pad,
    brush: f32,
    colour: [f32; 3],
    centre: bool,
    /// Whether the brush takes ink away.
    rubs: bool,
    /// Where the brush touches the pad, in pixels of the image.
    last: Option<[f32; 2]>,
}

impl Default for Drawing {
    fn default() -> Self {
        Self {
            open: false,
            pad: Pad::new(ImageShape::GREY_28),
            brush: BRUSH,
            colour: [1.0; 3],
            centre: true,
            rubs: false,
            last: None,
        }
    }
}

impl Drawing {
    /// Opens with an image, bytes of `shape`, to be read and drawn upon.
    pub fn show(&mut self, shape: ImageShape, bytes: &[u8]) {
        self.open = true;
        self.pad = Pad::new(shape);
        self.pad.set(bytes);
        // What comes from a file is shown as it is.
        self.centre = false;
    }

    /// Shows the window while it is open.
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
        if pixels.as_ref() != context.state.probe.custom_image() {
            let image = ProbeCommand::SetCustomImage(pixels);
            context.commands.push(image);
        }
    }

    fn window(&mut self, ctx: &Context, run: &RunView, context: &mut PaneContext<'_>) {
        let PaneContext { textures, view, .. } = context;
        let mut open = true;
        Window::new("Draw")
            .id(egui::Id::unique("drawing"))
            .open(&mut open)
            .resizable(false)
            .pivot(Align2::RIGHT_BOTTOM)
            .default_pos(view.dock_rect.right_bottom() - vec2(12.0, 12.0))
            .show(ctx, |ui| {
                ui.horizontal_top(|ui| {
                    ui.vertical(|ui| self.paper(ui, textures));
                    let snapshot = run.shown().snapshot.as_ref();
                    let own = snapshot
                        .and_then(|snapshot| Some((snapshot, snapshot.custom_image.as_ref()?)));
                    ui.vertical(|ui| match own {
                        Some((snapshot, own)) if !self.pad.is_blank() => {
                            answer(ui, run, snapshot, own, textures);
                        }
                        _ => hint(ui),
                    });
                });
            });
        self.open = open;
    }

    /// What the model gets to see.
    fn pixels(&self) -> Arc<[u8]> {
        if self.centre && self.pad.shape().channels == 1 {
            self.pad.centred()
        } else {
            self.pad.bytes()
        }
    }

    /// Draws a line to a point, from where the brush was if it was down.
    fn draw_to(&mut self, to: [f32; 2]) {
        let ink = if self.rubs { [0.0; 3] } else { self.colour };
        let from = self.last.replace(to).unwrap_or(to);
        self.pad.stroke(from, to, self.brush, ink);
    }

    /// The pad and its tools.
    fn paper(&mut self, ui: &mut Ui, textures: &mut TextureCache) {
        let shape = self.pad.shape();
        let scale = images::crisp_scale(ui, shape, 230.0);
        let size = images::crisp_size(ui, shape, scale);
        let (rect, response) = ui.allocate_exact_size(size, Sense::click_and_drag());
        let rect = images::snapped(ui, rect);
        response.widget_info(|| {
            egui::WidgetInfo::labeled(egui::Role::Canvas, true, "Drawing pad".to_owned())
        });
        let response = response.on_hover_cursor(egui::CursorIcon::Crosshair);
        let to_pixel = |at: Pos2| {
            let at = (at - rect.min) / size;
            [at.x * shape.width as f32, at.y * shape.height as f32]
        };
        // Frame by frame would not do: a quick hand moves more than once between two frames.
        for event in ui.input(|input| input.events.clone()) {
            match event {
                Event::PointerButton {
                    pos,
                    button,
                    pressed: true,
                    ..
                } if rect.contains(pos) && response.contains_pointer() => {
                    self.rubs = button == PointerButton::Secondary;
                    self.draw_to(to_pixel(pos));
                }
                Event::PointerMoved(pos) if self.last.is_some() => self.draw_to(to_pixel(pos)),
                Event::PointerButton { pressed: false, .. } | Event::PointerGone => {
                    self.last = None;
                }
                _ => {}
            }
        }
        let drawing = Images::Bytes(shape, self.pad.bytes());
        textures.paint(ui, &drawing, 0, rect);
        let border = Stroke::new(1.0, ui.visuals().weak_text_color());
        ui.painter()
            .rect_stroke(rect, 0.0, border, StrokeKind::Outside);
        self.tools(ui, shape);
    }

    fn tools(&mut self, ui: &mut Ui, shape: ImageShape) {
        ui.horizontal(|ui| {
            let clear = ui.add_enabled(!self.pad.is_blank(), Button::new("Clear"));
            if clear.on_hover_text("Begin with a black image").clicked() {
                self.pad.clear();
            }
            if shape.channels == 1 {
                ui.checkbox(&mut self.centre, "Centre").on_hover_text(
                    "The model sees the drawing with its centre of mass in the middle, as MNIST's digits have it",
                );
            } else {
                ui.color_edit_button_rgb(&mut self.colour)
                    .on_hover_text("Colour of the brush");
            }
        });
        ui.horizontal(|ui| {
            let label = ui.label("Brush");
            ui.spacing_mut().slider_width = 90.0;
            ui.add(
                Slider::new(&mut self.brush, 0.5..=4.0)
                    .fixed_decimals(1)
                    .suffix(" px"),
            )
            .labelled_by(label.id)
            .on_hover_text("Radius of the brush; the right mouse button rubs out");
        });
    }
}

/// Reconstruction, error, z and class probabilities.
fn answer(
    ui: &mut Ui,
    run: &RunView,
    snapshot: &Arc<Snapshot>,
    own: &CustomImageResult,
    textures: &mut TextureCache,
) {
    let shape = run.dataset.shape;
    let orange = theme::reconstruction(ui.visuals());
    let images = Images::Custom(snapshot.into(), (&run.dataset).into(), orange);
    let size = images::crisp_size(ui, shape, images::crisp_scale(ui, shape, 90.0));
    ui.horizontal(|ui| {
        for (tile, name) in ["as seen", "reconstruction", "|difference|"]
            .into_iter()
            .enumerate()
        {
            ui.vertical(|ui| {
                let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
                textures.paint(ui, &images, tile, images::snapped(ui, rect));
                ui.label(RichText::new(name).size(CAPTION));
            });
        }
    });
    ui.label(RichText::new(format!("MSE {:.4}", own.result.mse)).color(orange))
        .on_hover_text("Squared error, mean over the pixels, in [−1, 1] units");
    ui.separator();
    probabilities(ui, run, &own.result, None);
}

fn hint(ui: &mut Ui) {
    ui.set_max_width(200.0);
    ui.label("Draw with the mouse: the model reads it at once, and its z appears in the cloud");
    ui.add_space(6.0);
    ui.weak("An image file dropped on the window is read the same way");
}
