//! A plain chart: a frame with one axis below and one or two at the sides, and places in it.

use eframe::egui::{
    self, Align2, Color32, FontId, Painter, Pos2, Rangef, Rect, Response, Role, Sense, Stroke, Ui,
    WidgetInfo, emath, pos2, vec2,
};

use crate::figures::Ticks;

const TICK_FONT: f32 = 11.5;
const NAME_FONT: f32 = 12.5;
/// Room for the values of an axis at the side, and for its name.
const SIDE: f32 = 46.0;
/// Room above, for the names of the axes at the sides.
const TOP: f32 = 20.0;
/// Room for values and name of the axis below.
const BELOW: f32 = 36.0;
/// Radius within which a dot is clicked.
const REACH: f32 = 8.0;

/// One axis.
pub struct Axis {
    /// Smallest and largest value.
    pub range: (f64, f64),
    pub name: &'static str,
    pub colour: Color32,
    /// What is said about a value is so many times as large: 100 for shares in per cent.
    pub factor: f64,
    /// Values to mark and what is written there; round numbers where it is none.
    pub marks: Option<Vec<(f64, String)>>,
}

impl Axis {
    /// An axis that holds all finite `values` with some room around them; 0–1 if there is none.
    pub fn around(
        values: impl Iterator<Item = f64>,
        name: &'static str,
        colour: Color32,
        factor: f64,
    ) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
                (low.min(value), high.max(value))
            });
        let range = if low > high {
            (0.0, 1.0)
        } else {
            let room = ((high - low) * 0.08).max(high.abs() * 0.01).max(1e-6);
            (low - room, high + room)
        };
        Self {
            range,
            name,
            colour,
            factor,
            marks: None,
        }
    }

    fn share(&self, value: f64) -> f32 {
        let (low, high) = self.range;
        ((value - low) / (high - low)) as f32
    }

    /// Places of round values, 0–1, and what is said there.
    fn ticks(&self) -> Vec<(f32, String)> {
        let (low, high) = self.range;
        if let Some(marks) = &self.marks {
            let place = |(value, text): &(f64, String)| (self.share(*value), text.clone());
            return marks.iter().map(place).collect();
        }
        let ticks = Ticks::between(low * self.factor, high * self.factor);
        let place = |value: &f64| (self.share(value / self.factor), ticks.label(*value));
        ticks.values.iter().map(place).collect()
    }
}

/// The inner part of a chart, and how values find their place in it.
pub struct Chart {
    pub area: Rect,
    below: Axis,
    left: Axis,
    right: Option<Axis>,
}

impl Chart {
    /// Paints the frame into all the space there is.
    pub fn new(ui: &mut Ui, below: Axis, left: Axis, right: Option<Axis>) -> Self {
        let whole = ui.available_rect_before_wrap();
        ui.allocate_rect(whole, Sense::hover());
        let area = Rect::from_min_max(
            whole.min + vec2(SIDE, TOP),
            whole.max - vec2(if right.is_some() { SIDE } else { 10.0 }, BELOW),
        );
        let area = Rect::from_min_max(area.min, area.max.max(area.min + vec2(20.0, 20.0)));
        let chart = Self {
            area,
            below,
            left,
            right,
        };
        chart.paint(ui);
        chart
    }

    /// Where a value of the axis below and one of the axis at the left are.
    pub fn at(&self, below: f64, left: f64) -> Pos2 {
        pos2(self.x(below), self.height(&self.left, left))
    }

    /// The same with the axis at the right, if there is one.
    pub fn at_right(&self, below: f64, right: f64) -> Pos2 {
        let axis = self.right.as_ref().unwrap_or(&self.left);
        pos2(self.x(below), self.height(axis, right))
    }

    /// Where a value of the axis below is.
    pub fn x(&self, value: f64) -> f32 {
        emath::lerp(self.area.x_range(), self.below.share(value))
    }

    fn height(&self, axis: &Axis, value: f64) -> f32 {
        emath::lerp(self.area.bottom()..=self.area.top(), axis.share(value))
    }

    fn paint(&self, ui: &Ui) {
        let painter = ui.painter();
        let visuals = ui.visuals();
        let grid = Stroke::new(1.0, visuals.text_color().gamma_multiply(0.12));
        let edge = Stroke::new(1.0, visuals.text_color().gamma_multiply(0.4));
        let font = FontId::proportional(TICK_FONT);
        let name_font = FontId::proportional(NAME_FONT);
        for (share, text) in self.below.ticks() {
            let x = emath::lerp(self.area.x_range(), share);
            painter.vline(x, self.area.y_range(), grid);
            let at = pos2(x, self.area.bottom() + 4.0);
            painter.text(
                at,
                Align2::CENTER_TOP,
                text,
                font.clone(),
                self.below.colour,
            );
        }
        for (share, text) in self.left.ticks() {
            let y = emath::lerp(self.area.bottom()..=self.area.top(), share);
            painter.hline(self.area.x_range(), y, grid);
            let at = pos2(self.area.left() - 6.0, y);
            painter.text(
                at,
                Align2::RIGHT_CENTER,
                text,
                font.clone(),
                self.left.colour,
            );
        }
        for (share, text) in self.right.iter().flat_map(Axis::ticks) {
            let y = emath::lerp(self.area.bottom()..=self.area.top(), share);
            let mark = Rangef::new(self.area.right() - 4.0, self.area.right());
            painter.hline(mark, y, edge);
            let at = pos2(self.area.right() + 6.0, y);
            let colour = self
                .right
                .as_ref()
                .map_or(self.left.colour, |axis| axis.colour);
            painter.text(at, Align2::LEFT_CENTER, text, font.clone(), colour);
        }
        painter.hline(self.area.x_range(), self.area.bottom(), edge);
        painter.vline(self.area.left(), self.area.y_range(), edge);
        let above = |painter: &Painter, axis: &Axis, at: Pos2, anchor| {
            painter.text(at, anchor, axis.name, name_font.clone(), axis.colour);
        };
        let top = self.area.top() - 5.0;
        let start = pos2(self.area.left() - SIDE + 6.0, top);
        above(painter, &self.left, start, Align2::LEFT_BOTTOM);
        if let Some(right) = &self.right {
            painter.vline(self.area.right(), self.area.y_range(), edge);
            let end = pos2(self.area.right() + SIDE - 6.0, top);
            above(painter, right, end, Align2::RIGHT_BOTTOM);
        }
        let middle = pos2(self.area.center().x, self.area.bottom() + 20.0);
        above(painter, &self.below, middle, Align2::CENTER_TOP);
    }
}

/// How a dot looks.
#[derive(Clone, Copy)]
pub struct Dot {
    pub colour: Color32,
    pub radius: f32,
    /// A dead run is a ring.
    pub hollow: bool,
    /// The one on show has a ring around it.
    pub chosen: bool,
}

/// A dot that can be clicked; `words` are what a screen reader and a tooltip say of it.
pub fn dot(ui: &Ui, id: egui::Id, at: Pos2, look: Dot, words: &str) -> Response {
    let rect = Rect::from_center_size(at, vec2(2.0 * REACH, 2.0 * REACH));
    let response = ui.interact(rect, id, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, look.chosen, words));
    let painter = ui.painter();
    let grown = if response.hovered() || response.has_focus() {
        1.5
    } else {
        0.0
    };
    if look.hollow {
        let fill = ui.visuals().panel_fill;
        let stroke = Stroke::new(1.6, look.colour);
        painter.circle(at, look.radius + grown, fill, stroke);
    } else {
        painter.circle_filled(at, look.radius + grown, look.colour);
    }
    if look.chosen {
        let ring = Stroke::new(2.0, ui.visuals().strong_text_color());
        painter.circle_stroke(at, look.radius + 3.0, ring);
    }
    response
        .on_hover_cursor(egui::CursorIcon::PointingHand)
        .on_hover_text(words)
}
