//! A chart: a frame with an x axis and one or two y axes, and dots in it.

use eframe::egui::{
    self, Align2, Color32, FontId, Pos2, Rangef, Rect, Response, Role, Sense, Stroke, Ui,
    WidgetInfo, emath, pos2, vec2,
};

use crate::{figures::Ticks, gui::widgets::text_width};

/// Every k-th element, so that at most `most` remain, but at least one.
pub fn thinned<T>(all: Vec<T>, most: usize) -> impl Iterator<Item = T> {
    let step = all.len().div_ceil(most.max(1)).max(1);
    all.into_iter().step_by(step)
}

const TICK_FONT: f32 = 11.5;
const NAME_FONT: f32 = 12.5;
/// Space for the labels of a y axis, in points.
const SIDE_MARGIN: f32 = 46.0;
/// Space for the names of the y axes.
const TOP_MARGIN: f32 = 20.0;
/// Space for the labels and the name of the x axis.
const BOTTOM_MARGIN: f32 = 36.0;
/// Radius of the clickable area of a dot.
const CLICK_RADIUS: f32 = 8.0;

/// An axis of a chart.
pub struct Axis {
    /// Smallest and largest value.
    pub range: (f64, f64),
    pub name: &'static str,
    pub colour: Color32,
    /// Factor between values and tick labels: 100 for fractions shown in per cent.
    pub factor: f64,
    /// Ticks as values and labels; round numbers if `None`.
    pub marks: Option<Vec<(f64, String)>>,
}

impl Axis {
    /// An axis around all finite `values` with a margin; 0–1 if there are none.
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
            let margin = ((high - low) * 0.08).max(high.abs() * 0.01).max(1e-6);
            (low - margin, high + margin)
        };
        Self {
            range,
            name,
            colour,
            factor,
            marks: None,
        }
    }

    /// Position of a value on the axis, 0–1 within its range.
    fn position(&self, value: f64) -> f32 {
        let (low, high) = self.range;
        ((value - low) / (high - low)) as f32
    }

    /// Positions of the ticks, 0–1, and their labels.
    fn ticks(&self) -> Vec<(f32, String)> {
        let (low, high) = self.range;
        if let Some(marks) = &self.marks {
            let tick = |(value, text): &(f64, String)| (self.position(*value), text.clone());
            return marks.iter().map(tick).collect();
        }
        let ticks = Ticks::between(low * self.factor, high * self.factor);
        let tick = |value: &f64| (self.position(value / self.factor), ticks.label(*value));
        ticks.values.iter().map(tick).collect()
    }
}

/// A painted frame, which maps values to positions on the screen.
pub struct Chart {
    /// The rectangle between the axes.
    pub area: Rect,
    x_axis: Axis,
    left: Axis,
    right: Option<Axis>,
}

impl Chart {
    /// Paints the frame into all available space.
    pub fn new(ui: &mut Ui, x_axis: Axis, left: Axis, right: Option<Axis>) -> Self {
        let outer = ui.available_rect_before_wrap();
        ui.allocate_rect(outer, Sense::hover());
        let right_margin = if right.is_some() { SIDE_MARGIN } else { 10.0 };
        let min = outer.min + vec2(SIDE_MARGIN, TOP_MARGIN);
        let max = outer.max - vec2(right_margin, BOTTOM_MARGIN);
        let area = Rect::from_min_max(min, max.max(min + vec2(20.0, 20.0)));
        let chart = Self {
            area,
            x_axis,
            left,
            right,
        };
        chart.paint(ui);
        chart
    }

    /// Position of a value of the x axis and one of the left y axis.
    pub fn at(&self, x: f64, y: f64) -> Pos2 {
        pos2(self.x(x), self.y(&self.left, y))
    }

    /// The same for the right y axis, if there is one.
    pub fn at_right(&self, x: f64, y: f64) -> Pos2 {
        let axis = self.right.as_ref().unwrap_or(&self.left);
        pos2(self.x(x), self.y(axis, y))
    }

    /// Horizontal position of a value of the x axis.
    pub fn x(&self, value: f64) -> f32 {
        emath::lerp(self.area.x_range(), self.x_axis.position(value))
    }

    fn y(&self, axis: &Axis, value: f64) -> f32 {
        emath::lerp(self.area.bottom()..=self.area.top(), axis.position(value))
    }

    fn paint(&self, ui: &Ui) {
        let painter = ui.painter();
        let visuals = ui.visuals();
        let grid = Stroke::new(1.0, visuals.text_color().gamma_multiply(0.12));
        let edge = Stroke::new(1.0, visuals.text_color().gamma_multiply(0.4));
        let label = |pos: Pos2, anchor: Align2, text: String, axis: &Axis| {
            let font = FontId::proportional(TICK_FONT);
            painter.text(pos, anchor, text, font, axis.colour);
        };
        let name = |pos: Pos2, anchor: Align2, axis: &Axis| {
            let font = FontId::proportional(NAME_FONT);
            painter.text(pos, anchor, axis.name, font, axis.colour);
        };

        let width = |text: &str| text_width(painter, text, FontId::proportional(TICK_FONT)) + 8.0;
        let x_ticks = self.x_axis.ticks();
        let widest = x_ticks
            .iter()
            .map(|(_, text)| width(text))
            .fold(1.0, f32::max);
        let most = (self.area.width() / widest) as usize;
        // Of labels that do not fit, every k-th is shown.
        let rows = (self.area.height() / (TICK_FONT * 1.4)) as usize;
        for (position, text) in thinned(x_ticks, most) {
            let x = emath::lerp(self.area.x_range(), position);
            painter.vline(x, self.area.y_range(), grid);
            let pos = pos2(x, self.area.bottom() + 4.0);
            label(pos, Align2::CENTER_TOP, text, &self.x_axis);
        }
        for (position, text) in thinned(self.left.ticks(), rows) {
            let y = emath::lerp(self.area.bottom()..=self.area.top(), position);
            painter.hline(self.area.x_range(), y, grid);
            let pos = pos2(self.area.left() - 6.0, y);
            label(pos, Align2::RIGHT_CENTER, text, &self.left);
        }
        painter.hline(self.area.x_range(), self.area.bottom(), edge);
        painter.vline(self.area.left(), self.area.y_range(), edge);
        let top = self.area.top() - 5.0;
        let left = pos2(self.area.left() - SIDE_MARGIN + 6.0, top);
        name(left, Align2::LEFT_BOTTOM, &self.left);
        if let Some(axis) = &self.right {
            for (position, text) in thinned(axis.ticks(), rows) {
                let y = emath::lerp(self.area.bottom()..=self.area.top(), position);
                let tick = Rangef::new(self.area.right() - 4.0, self.area.right());
                painter.hline(tick, y, edge);
                let pos = pos2(self.area.right() + 6.0, y);
                label(pos, Align2::LEFT_CENTER, text, axis);
            }
            painter.vline(self.area.right(), self.area.y_range(), edge);
            let right = pos2(self.area.right() + SIDE_MARGIN - 6.0, top);
            name(right, Align2::RIGHT_BOTTOM, axis);
        }
        let middle = pos2(self.area.center().x, self.area.bottom() + 20.0);
        name(middle, Align2::CENTER_TOP, &self.x_axis);
    }
}

/// Style of a dot.
#[derive(Clone, Copy)]
pub struct Dot {
    pub colour: Color32,
    pub radius: f32,
    /// Drawn as a ring: a dead run.
    pub hollow: bool,
    /// Drawn with a ring around it: the one shown.
    pub chosen: bool,
}

/// Paints a clickable dot; `label` is its tooltip and accessible name.
pub fn dot(ui: &Ui, id: egui::Id, pos: Pos2, style: Dot, label: &str) -> Response {
    let rect = Rect::from_center_size(pos, vec2(2.0 * CLICK_RADIUS, 2.0 * CLICK_RADIUS));
    let response = ui.interact(rect, id, Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, style.chosen, label));
    let painter = ui.painter();
    let grown = if response.hovered() || response.has_focus() {
        1.5
    } else {
        0.0
    };
    if style.hollow {
        let fill = ui.visuals().panel_fill;
        let stroke = Stroke::new(1.6, style.colour);
        painter.circle(pos, style.radius + grown, fill, stroke);
    } else {
        painter.circle_filled(pos, style.radius + grown, style.colour);
    }
    if style.chosen {
        let ring = Stroke::new(2.0, ui.visuals().strong_text_color());
        painter.circle_stroke(pos, style.radius + 3.0, ring);
    }
    response
        .on_hover_cursor(egui::CursorIcon::PointingHand)
        .on_hover_text(label)
}
