//! Lines, bars and dots in the coordinates of a chart.

use plotters::{
    element::{Circle, PathElement, Rectangle, Text},
    style::text_anchor::{HPos, Pos, VPos},
};

use super::{INK, SMALL};
use crate::figures::{
    backend::{Area, DrawResult, Page},
    palette::Rgb,
};

/// Draws in the coordinates of a chart. Widths and radii are in points.
pub struct Marks<'p, 'a> {
    pub page: &'p Page<'a>,
    /// The page in the coordinates that `to_units` returns.
    pub area: Area<'a>,
    /// Converts a pair of values.
    pub to_units: &'p dyn Fn((f64, f64)) -> (i32, i32),
}

impl Marks<'_, '_> {
    pub fn line(&self, points: &[(f64, f64)], width: f64, colour: Rgb) -> DrawResult {
        let points: Vec<_> = points.iter().map(|point| (self.to_units)(*point)).collect();
        let style = self.page.line_style(width, colour, 1.0);
        self.area.draw(&PathElement::new(points, style))
    }

    /// Draws a rectangle between two corners, with a pale filling.
    pub fn bar(&self, corners: [(f64, f64); 2], width: f64, colour: Rgb) -> DrawResult {
        let [a, b] = corners;
        let fill = self.page.fill_style(colour, 0.16);
        let corners = [(self.to_units)(a), (self.to_units)(b)];
        self.area.draw(&Rectangle::new(corners, fill))?;
        self.line(&[a, (b.0, a.1), b, (a.0, b.1), a], width, colour)
    }

    pub fn dot(&self, point: (f64, f64), radius: f64, colour: Rgb, opacity: f64) -> DrawResult {
        let style = self.page.fill_style(colour, opacity);
        let circle = Circle::new((self.to_units)(point), self.page.units(radius), style);
        self.area.draw(&circle)
    }

    pub fn ring(&self, point: (f64, f64), radius: f64, colour: Rgb) -> DrawResult {
        self.dot(point, radius, [0xff; 3], 1.0)?;
        let style = self.page.line_style(0.6, colour, 1.0);
        let circle = Circle::new((self.to_units)(point), self.page.units(radius), style);
        self.area.draw(&circle)
    }

    /// Writes text centred above a point.
    pub fn label(&self, point: (f64, f64), text: &str) -> DrawResult {
        let (x, y) = (self.to_units)(point);
        let style = self.page.text_style(SMALL, INK);
        let style = style.pos(Pos::new(HPos::Center, VPos::Bottom));
        let pos = (x, y - self.page.units(5.0));
        self.area.draw(&Text::new(text.to_owned(), pos, style))
    }
}
