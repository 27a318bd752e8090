//! Rendering of a drawing as pixels or as SVG.

mod page;
mod surface;
mod text;

use std::io;

use plotters::{
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea as _},
    prelude::{BitMapBackend, SVGBackend, WHITE},
};

pub use page::{Anchor, CENTRE, LEFT, Page, RIGHT};
pub use text::{LINE_SPACING, elide, text_width, wrap};

use super::pixels::downscale;
use surface::Surface;

/// Units of the drawing per pixel of the result and axis; more than one makes edges smooth.
const OVERSAMPLING: u32 = 2;
const POINTS_PER_INCH: f64 = 72.0;

/// The result of drawing.
pub type DrawResult<T = ()> = Result<T, DrawingAreaErrorKind<io::Error>>;

/// The area that plotters draws on.
pub type Area<'a> = DrawingArea<Surface<'a>, Shift>;

/// Draws on a page of `size` points. Returns width, height and RGB pixels.
///
/// # Errors
/// When `draw` fails.
pub fn pixels(
    size: (f64, f64),
    dots_per_inch: f64,
    draw: impl FnOnce(&Page<'_>) -> DrawResult,
) -> Result<(u32, u32, Vec<u8>), String> {
    text::register_built_in_font()?;
    let dots = |points: f64| (points * dots_per_inch / POINTS_PER_INCH).round().max(1.0) as u32;
    let (width, height) = (dots(size.0), dots(size.1));
    let fine = (width * OVERSAMPLING, height * OVERSAMPLING);
    let mut buffer = vec![0xff; 3 * fine.0 as usize * fine.1 as usize];
    let surface = Surface::Pixels(BitMapBackend::with_buffer(&mut buffer, fine));
    let scale = dots_per_inch * f64::from(OVERSAMPLING) / POINTS_PER_INCH;
    let page = Page::new(surface.into_drawing_area(), scale);
    draw(&page).map_err(|error| error.to_string())?;
    drop(page);
    let pixels = downscale(&buffer, width as usize, OVERSAMPLING as usize);
    Ok((width, height, pixels))
}

/// Draws on a page of `size` points. Returns the text of an SVG file.
///
/// # Errors
/// When `draw` fails.
pub fn svg(size: (f64, f64), draw: impl FnOnce(&Page<'_>) -> DrawResult) -> Result<String, String> {
    /// Coordinates are whole numbers of these.
    const UNITS_PER_POINT: f64 = 25.0;
    text::register_built_in_font()?;
    let units = |points: f64| (points * UNITS_PER_POINT).round().max(1.0) as u32;
    let (width, height) = (units(size.0), units(size.1));
    let (mut text, mut images) = (String::new(), String::new());
    let svg = SVGBackend::with_string(&mut text, (width, height));
    let surface = Surface::Svg(svg, &mut images);
    let page = Page::new(surface.into_drawing_area(), UNITS_PER_POINT);
    page.area.fill(&WHITE).map_err(|error| error.to_string())?;
    draw(&page).map_err(|error| error.to_string())?;
    page.area.present().map_err(|error| error.to_string())?;
    drop(page);

    let in_units = format!("width=\"{width}\" height=\"{height}\"");
    let in_points = format!("width=\"{:.2}pt\" height=\"{:.2}pt\"", size.0, size.1);
    let mut text = text.replacen(&in_units, &in_points, 1);
    if let Some(end) = text.rfind("</svg>") {
        text.insert_str(end, &images);
    }
    Ok(text)
}
