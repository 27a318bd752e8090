//! A white sheet of pixels to draw on, and its way into a PNG file.

use std::{io::Cursor, path::Path};

use plotters::{
    coord::Shift,
    drawing::{DrawingArea, IntoDrawingArea as _},
    prelude::{BitMapBackend, RGBColor},
    style::{FontStyle, IntoFont as _, TextStyle, register_font},
};

use super::{FigureError, palette::Rgb};
use crate::fs::{Existing, write_whole};

/// Family name under which the font is registered.
const FAMILY: &str = "cre-lab";

/// What text and lines are drawn in.
pub const INK: RGBColor = RGBColor(0x20, 0x20, 0x20);

/// A drawing in memory.
pub struct Canvas {
    width: u32,
    height: u32,
    /// `[height, width, 3]`.
    pixels: Vec<u8>,
}

/// The area that plotters draws on.
pub type Area<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

impl Canvas {
    /// A white sheet.
    pub fn new(width: u32, height: u32) -> Self {
        let bytes = 3 * width as usize * height as usize;
        Self {
            width,
            height,
            pixels: vec![0xff; bytes],
        }
    }

    /// Lets `draw` draw; text needs no font of the system.
    pub fn draw<E: std::fmt::Display>(
        &mut self,
        draw: impl FnOnce(&Area<'_>) -> Result<(), E>,
    ) -> Result<(), String> {
        register_font(
            FAMILY,
            FontStyle::Normal,
            epaint_default_fonts::UBUNTU_LIGHT,
        )
        .map_err(|_| "the built-in font is broken")?;
        let size = (self.width, self.height);
        let area = BitMapBackend::with_buffer(&mut self.pixels, size).into_drawing_area();
        draw(&area).map_err(|error| error.to_string())?;
        area.present().map_err(|error| error.to_string())
    }

    /// Colours the pixel at `(x, y)`; what is outside is ignored.
    pub fn set(&mut self, x: u32, y: u32, colour: Rgb) {
        if x < self.width && y < self.height {
            let start = 3 * (y as usize * self.width as usize + x as usize);
            self.pixels[start..start + 3].copy_from_slice(&colour);
        }
    }

    /// Writes the drawing as a PNG file, whole or not at all.
    pub fn save(self, path: &Path) -> Result<(), FigureError> {
        let image = image::RgbImage::from_raw(self.width, self.height, self.pixels)
            .ok_or_else(|| FigureError::new(path, "its size is wrong"))?;
        let mut png = Cursor::new(Vec::new());
        image
            .write_to(&mut png, image::ImageFormat::Png)
            .map_err(|error| FigureError::new(path, error))?;
        write_whole(path, png.get_ref(), Existing::Replace)
            .map_err(|error| FigureError::new(path, error))
    }
}

/// The figures' one typeface at a size in pixels.
pub fn text(size: u32, colour: RGBColor) -> TextStyle<'static> {
    (FAMILY, size).into_font().color(&colour)
}

/// A palette colour for plotters.
pub fn rgb([r, g, b]: Rgb) -> RGBColor {
    RGBColor(r, g, b)
}
