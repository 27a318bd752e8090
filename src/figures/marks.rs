//! Marks in the coordinates of a chart.

use plotters::{
    element::{Circle, PathElement, Rectangle, Text},
    style::text_anchor::{HPos, Pos, VPos},
};

use super::{
    backend::{Area, DrawError, Page},
    palette::Rgb,
};

/// Draws marks of a chart; widths and radii are in points.
pub struct Marks<'p, 'a> {
    /// The page that the chart is on.
    pub page: &'p Page<'a>,
    /// The page in the coordinates that `at` gives.
    pub screen: Area<'a>,
    /// Where a pair of values stands.
    pub at: &'p dyn Fn((f64, f64)) -> (i32, i32),
}

impl Marks<'_, '_> {
    /// A line through these places.
    pub fn line(&self, places: &[(f64, f64)], width: f64, colour: Rgb) -> Result<(), DrawError> {
        let places: Vec<_> = places.iter().map(|place| (self.at)(*place)).collect();
        let style = self.page.stroke(width, colour, 1.0);
        self.screen.draw(&PathElement::new(places, style))
    }

    /// A rectangle between two corners, pale within.
    pub fn bar(&self, corners: [(f64, f64); 2], width: f64, colour: Rgb) -> Result<(), DrawError> {
        let [a, b] = corners;
        let pale = self.page.stroke(width, colour, 0.16).filled();
        let area = Rectangle::new([(self.at)(a), (self.at)(b)], pale);
        self.screen.draw(&area)?;
        self.line(&[a, (b.0, a.1), b, (a.0, b.1), a], width, colour)
    }

    /// A full disc.
    pub fn dot(
        &self,
        place: (f64, f64),
        radius: f64,
        colour: Rgb,
        opacity: f64,
    ) -> Result<(), DrawError> {
        let style = self.page.stroke(1.0, colour, opacity).filled();
        let radius = self.page.units(radius);
        self.screen
            .draw(&Circle::new((self.at)(place), radius, style))
    }

    /// A hollow disc.
    pub fn ring(&self, place: (f64, f64), radius: f64, colour: Rgb) -> Result<(), DrawError> {
        self.dot(place, radius, [0xff; 3], 1.0)?;
        let style = self.page.stroke(0.6, colour, 1.0);
        let radius = self.page.units(radius);
        self.screen
            .draw(&Circle::new((self.at)(place), radius, style))
    }

    /// Words in the middle above a mark, `above` points away.
    pub fn label(
        &self,
        place: (f64, f64),
        above: f64,
        text: &str,
        size: f64,
        colour: Rgb,
    ) -> Result<(), DrawError> {
        let (x, y) = (self.at)(place);
        let style = self.page.text(size, colour);
        let style = style.pos(Pos::new(HPos::Center, VPos::Bottom));
        let place = (x, y - self.page.units(above));
        self.screen.draw(&Text::new(text.to_owned(), place, style))
    }
}
