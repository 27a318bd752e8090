//! A page to draw on, in points.

use plotters::{
    element::{BitMapElement, Circle, PathElement, Polygon, Rectangle, Text},
    prelude::{Color as _, RGBColor, ShapeStyle},
    style::{
        TextStyle,
        text_anchor::{HPos, Pos, VPos},
    },
};

use super::{
    Area, DrawResult,
    text::{PLOTTERS_SIZE, font},
};
use crate::{
    data::ImageShape,
    figures::{
        marker::Marker,
        palette::{Rgb, lambda_on_light},
        pixels,
    },
};

/// The point of a text that is placed at a position.
pub type Anchor = (HPos, VPos);

pub const LEFT: Anchor = (HPos::Left, VPos::Center);
pub const CENTRE: Anchor = (HPos::Center, VPos::Center);
pub const RIGHT: Anchor = (HPos::Right, VPos::Center);

/// A rectangular part of a drawing. Positions and lengths are in points (1/72 inch), from its
/// upper left corner.
pub struct Page<'a> {
    /// For plotters' charts, in units of the drawing.
    pub area: Area<'a>,
    /// Units of the drawing per point.
    scale: f64,
}

impl<'a> Page<'a> {
    /// A page with `scale` units of `area` per point.
    pub(super) fn new(area: Area<'a>, scale: f64) -> Self {
        Self { area, scale }
    }

    pub fn size(&self) -> (f64, f64) {
        let (width, height) = self.area.dim_in_pixel();
        (self.points(width), self.points(height))
    }

    fn points(&self, units: u32) -> f64 {
        f64::from(units) / self.scale
    }

    pub fn units(&self, points: f64) -> i32 {
        (points * self.scale).round() as i32
    }

    pub fn unit_pos(&self, (x, y): (f64, f64)) -> (i32, i32) {
        (self.units(x), self.units(y))
    }

    /// The part of this size whose upper left corner is at `pos`.
    #[must_use]
    pub fn part(&self, pos: (f64, f64), (width, height): (f64, f64)) -> Page<'a> {
        let size = self.unit_pos((width.max(1.0), height.max(1.0)));
        Page {
            area: self.area.clone().shrink(self.unit_pos(pos), size),
            scale: self.scale,
        }
    }

    /// The font at a size in points.
    pub fn text_style(&self, size: f64, colour: Rgb) -> TextStyle<'static> {
        let [r, g, b] = colour;
        font(size * self.scale * PLOTTERS_SIZE).color(&RGBColor(r, g, b))
    }

    /// A line of a width in points.
    pub fn line_style(&self, width: f64, colour: Rgb, opacity: f64) -> ShapeStyle {
        let [r, g, b] = colour;
        let width = u32::try_from(self.units(width)).unwrap_or(0).max(1);
        ShapeStyle {
            color: RGBColor(r, g, b).mix(opacity),
            filled: false,
            stroke_width: width,
        }
    }

    pub fn fill_style(&self, colour: Rgb, opacity: f64) -> ShapeStyle {
        self.line_style(1.0, colour, opacity).filled()
    }

    /// Draws one line of text with its `anchor` at `pos`.
    pub fn draw_text(
        &self,
        text: &str,
        pos: (f64, f64),
        style: &TextStyle<'static>,
        (h_pos, v_pos): Anchor,
    ) -> DrawResult {
        let style = style.pos(Pos::new(h_pos, v_pos));
        self.area
            .draw(&Text::new(text.to_owned(), self.unit_pos(pos), style))
    }

    /// Draws an image of bytes `[channels, height, width]` about `side` wide, every pixel as a
    /// sharp square. Returns its actual width and height.
    pub fn draw_image(
        &self,
        bytes: &[u8],
        shape: ImageShape,
        pos: (f64, f64),
        side: f64,
    ) -> DrawResult<(f64, f64)> {
        let requested = usize::try_from(self.units(side)).unwrap_or(0);
        let zoom = (requested / shape.width.max(1)).max(1);
        let (width, height, rgb) = pixels::enlarge(bytes, shape, zoom);
        if let Some(element) =
            BitMapElement::with_owned_buffer(self.unit_pos(pos), (width, height), rgb)
        {
            let element: BitMapElement<'_, _> = element;
            self.area.draw(&element)?;
        }
        Ok((self.points(width), self.points(height)))
    }

    pub fn draw_frame(
        &self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        style: ShapeStyle,
    ) -> DrawResult {
        let (right, bottom) = (x + width, y + height);
        self.draw_path(
            &[(x, y), (right, y), (right, bottom), (x, bottom), (x, y)],
            style,
        )
    }

    pub fn draw_path(&self, path: &[(f64, f64)], style: ShapeStyle) -> DrawResult {
        let path: Vec<_> = path.iter().map(|pos| self.unit_pos(*pos)).collect();
        self.area.draw(&PathElement::new(path, style))
    }

    pub fn draw_disc(&self, centre: (f64, f64), radius: f64, style: ShapeStyle) -> DrawResult {
        let circle = Circle::new(self.unit_pos(centre), self.units(radius), style);
        self.area.draw(&circle)
    }

    /// Draws the marker of a class.
    pub fn draw_marker(
        &self,
        marker: Marker,
        (x, y): (f64, f64),
        radius: f64,
        style: ShapeStyle,
    ) -> DrawResult {
        let corner = |[dx, dy]: &[f32; 2]| {
            let (dx, dy) = (f64::from(*dx), f64::from(*dy));
            (x + dx * radius, y + dy * radius)
        };
        let mut corners: Vec<_> = marker.corners().iter().map(corner).collect();
        let Some(first) = corners.first().copied() else {
            return self.draw_disc((x, y), radius, style);
        };
        if style.filled {
            let corners: Vec<_> = corners.iter().map(|pos| self.unit_pos(*pos)).collect();
            return self.area.draw(&Polygon::new(corners, style));
        }
        corners.push(first);
        self.draw_path(&corners, style)
    }

    /// Draws a horizontal bar between two opposite corners in the colours of λ.
    pub fn draw_lambda_bar(
        &self,
        (left, top): (f64, f64),
        (right, bottom): (f64, f64),
        steps: u32,
    ) -> DrawResult {
        let share = |step: f64| step / f64::from(steps);
        for step in (0..steps).map(f64::from) {
            let x = |step: f64| left + (right - left) * share(step);
            let corners = [(x(step), top), (x(step + 1.0), bottom)];
            let fill = self.fill_style(lambda_on_light(share(step + 0.5)), 1.0);
            let corners = corners.map(|corner| self.unit_pos(corner));
            self.area.draw(&Rectangle::new(corners, fill))?;
        }
        Ok(())
    }
}
