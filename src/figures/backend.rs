//! A sheet of paper to draw on: one drawing, and its ways into pixels and into SVG.

use std::{fmt::Write as _, io, sync::OnceLock};

use plotters::{
    coord::Shift,
    drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea as _},
    element::{BitMapElement, Text},
    prelude::{BitMapBackend, Color as _, DrawingBackend, RGBColor, SVGBackend, ShapeStyle, WHITE},
    style::{
        FontDesc, FontFamily, FontStyle, TextStyle, register_font,
        text_anchor::{HPos, Pos, VPos},
    },
};

use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind,
};

use super::{palette::Rgb, picture};

/// The typeface. In SVG it is a list of families that every viewer has one of; in pixels the
/// built-in font goes by this name, so that no font of the system is needed.
const FAMILY: &str = "Helvetica, Arial, sans-serif";
/// What plotters calls the size of a font, in sizes as SVG and printers have them.
const PER_EM: f64 = 1.24;
/// Ascent and descent of the built-in font together, in the same.
const LINE: f64 = 1.121;
/// Units of the drawing for a pixel of the result; what is finer gives smooth edges.
const FINENESS: u32 = 2;
/// Points per inch.
const POINTS: f64 = 72.0;

/// Why a drawing failed.
pub type DrawError = DrawingAreaErrorKind<io::Error>;

/// The area that plotters draws on.
pub type Area<'a> = DrawingArea<Backend<'a>, Shift>;

/// What is drawn on: pixels, or the text of an SVG file.
pub enum Backend<'a> {
    /// RGB pixels, `[height, width, 3]`.
    Pixels(BitMapBackend<'a>),
    /// An SVG file, and the elements for pictures, which plotters has no words for.
    Vector(SVGBackend<'a>, &'a mut String),
}

/// A part of a sheet. All lengths are in points (1/72 inch), from its upper left corner.
pub struct Page<'a> {
    /// For plotters' own charts, in units of the drawing.
    pub area: Area<'a>,
    /// Units of the drawing per point.
    scale: f64,
}

impl<'a> Page<'a> {
    /// Width and height.
    pub fn size(&self) -> (f64, f64) {
        let (width, height) = self.area.dim_in_pixel();
        (
            f64::from(width) / self.scale,
            f64::from(height) / self.scale,
        )
    }

    /// `points` in units of the drawing.
    pub fn units(&self, points: f64) -> i32 {
        (points * self.scale).round() as i32
    }

    /// A place in units of the drawing.
    fn place(&self, (x, y): (f64, f64)) -> (i32, i32) {
        (self.units(x), self.units(y))
    }

    /// The part from `corner` on, of this size.
    #[must_use]
    pub fn part(&self, corner: (f64, f64), (width, height): (f64, f64)) -> Page<'a> {
        let size = (self.units(width.max(1.0)), self.units(height.max(1.0)));
        Page {
            area: self.area.clone().shrink(self.place(corner), size),
            scale: self.scale,
        }
    }

    /// The typeface at a size in points.
    pub fn text(&self, size: f64, colour: Rgb) -> TextStyle<'static> {
        let [r, g, b] = colour;
        font(size * self.scale * PER_EM).color(&RGBColor(r, g, b))
    }

    /// A line's style, its width in points.
    pub fn stroke(&self, width: f64, colour: Rgb, opacity: f64) -> ShapeStyle {
        let [r, g, b] = colour;
        let width = u32::try_from(self.units(width)).unwrap_or(0).max(1);
        ShapeStyle {
            color: RGBColor(r, g, b).mix(opacity),
            filled: false,
            stroke_width: width,
        }
    }

    /// Writes one line of text; `anchor` is the part of it that stands at `place`.
    pub fn write(
        &self,
        text: &str,
        place: (f64, f64),
        style: &TextStyle<'static>,
        anchor: (HPos, VPos),
    ) -> Result<(), DrawError> {
        let style = style.pos(Pos::new(anchor.0, anchor.1));
        self.area
            .draw(&Text::new(text.to_owned(), self.place(place), style))
    }

    /// Writes text in as many lines as it needs below `place`.
    pub fn write_lines(
        &self,
        text: &str,
        (x, y): (f64, f64),
        width: f64,
        size: f64,
        colour: Rgb,
    ) -> Result<(), DrawError> {
        let style = self.text(size, colour);
        for (line, text) in wrapped(text, width, size).iter().enumerate() {
            let place = (x, y + line as f64 * size * LINE_SPACING);
            self.write(text, place, &style, (HPos::Left, VPos::Top))?;
        }
        Ok(())
    }

    /// Shows an image of bytes `[channels, height, width]` about `side` wide, every pixel a sharp
    /// square; returns its real width and height.
    pub fn show(
        &self,
        bytes: &[u8],
        shape: crate::data::ImageShape,
        place: (f64, f64),
        side: f64,
    ) -> Result<(f64, f64), DrawError> {
        let wanted = usize::try_from(self.units(side)).unwrap_or(0);
        let zoom = (wanted / shape.width.max(1)).max(1);
        let (width, height, pixels) = picture::enlarged(bytes, shape, zoom);
        if let Some(element) =
            BitMapElement::with_owned_buffer(self.place(place), (width, height), pixels)
        {
            let element: BitMapElement<'_, _> = element;
            self.area.draw(&element)?;
        }
        let points = |units: u32| f64::from(units) / self.scale;
        Ok((points(width), points(height)))
    }
}

/// Distance of lines of text, in sizes.
pub const LINE_SPACING: f64 = 1.35;

/// The lines of `text` that are not wider than `width` points; a word is never cut.
pub fn wrapped(text: &str, width: f64, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        if let Some(line) = lines.last_mut()
            && text_width(&format!("{line} {word}"), size) <= width
        {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

/// How wide a line of text is in points, a little generously: the typeface of an SVG file is the
/// viewer's.
pub fn text_width(text: &str, size: f64) -> f64 {
    /// plotters measures in whole units.
    const MEASURE: f64 = 50.0;
    let _ = prepare();
    let font = font(size * MEASURE * PER_EM);
    let width = font
        .layout_box(text)
        .map(|((left, _), (right, _))| right - left);
    width.map_or_else(
        |_| text.len() as f64 * size,
        |width| f64::from(width) / MEASURE,
    )
}

/// `text` as far as it is not wider than `width` points, with “…” where it is cut.
pub fn elided(text: &str, width: f64, size: f64) -> String {
    if text_width(text, size) <= width {
        return text.to_owned();
    }
    let mut kept: Vec<char> = text.chars().collect();
    while kept.pop().is_some() {
        let cut: String = kept.iter().chain(&['…']).collect();
        if text_width(&cut, size) <= width {
            return cut;
        }
    }
    String::new()
}

fn font(size: f64) -> FontDesc<'static> {
    FontDesc::new(FontFamily::Name(FAMILY), size, FontStyle::Normal)
}

/// Registers the built-in font, once.
fn prepare() -> Result<(), String> {
    static READY: OnceLock<bool> = OnceLock::new();
    let light = epaint_default_fonts::UBUNTU_LIGHT;
    let register = || register_font(FAMILY, FontStyle::Normal, light).is_ok();
    if *READY.get_or_init(register) {
        Ok(())
    } else {
        Err("the built-in font is broken".to_owned())
    }
}

/// Draws on a sheet of `size` points and returns its RGB pixels with width and height.
///
/// # Errors
/// When `draw` fails.
pub fn pixels(
    size: (f64, f64),
    dots_per_inch: f64,
    draw: impl FnOnce(&Page<'_>) -> Result<(), DrawError>,
) -> Result<(u32, u32, Vec<u8>), String> {
    prepare()?;
    let dots = |points: f64| (points * dots_per_inch / POINTS).round().max(1.0) as u32;
    let (width, height) = (dots(size.0), dots(size.1));
    let fine = (width * FINENESS, height * FINENESS);
    let mut buffer = vec![0xff; 3 * fine.0 as usize * fine.1 as usize];
    let page = Page {
        area: Backend::Pixels(BitMapBackend::with_buffer(&mut buffer, fine)).into_drawing_area(),
        scale: dots_per_inch * f64::from(FINENESS) / POINTS,
    };
    draw(&page).map_err(|error| error.to_string())?;
    drop(page);
    Ok((
        width,
        height,
        picture::reduced(&buffer, width as usize, FINENESS as usize),
    ))
}

/// Draws on a sheet of `size` points and returns the SVG file.
///
/// # Errors
/// When `draw` fails.
pub fn svg(
    size: (f64, f64),
    draw: impl FnOnce(&Page<'_>) -> Result<(), DrawError>,
) -> Result<String, String> {
    /// Coordinates are whole numbers of these.
    const UNITS_PER_POINT: f64 = 25.0;
    prepare()?;
    let units = |points: f64| (points * UNITS_PER_POINT).round().max(1.0) as u32;
    let (width, height) = (units(size.0), units(size.1));
    let (mut text, mut pictures) = (String::new(), String::new());
    let page = Page {
        area: Backend::Vector(
            SVGBackend::with_string(&mut text, (width, height)),
            &mut pictures,
        )
        .into_drawing_area(),
        scale: UNITS_PER_POINT,
    };
    page.area.fill(&WHITE).map_err(|error| error.to_string())?;
    draw(&page).map_err(|error| error.to_string())?;
    page.area.present().map_err(|error| error.to_string())?;
    drop(page);

    let in_units = format!("width=\"{width}\" height=\"{height}\"");
    let in_points = format!("width=\"{:.2}pt\" height=\"{:.2}pt\"", size.0, size.1);
    let mut text = text.replacen(&in_units, &in_points, 1);
    if let Some(end) = text.rfind("</svg>") {
        text.insert_str(end, &pictures);
    }
    Ok(text)
}

type Drawn = Result<(), DrawingErrorKind<io::Error>>;

fn told<E: std::error::Error + Send + Sync + 'static>(
    result: Result<(), DrawingErrorKind<E>>,
) -> Drawn {
    result.map_err(|error| match error {
        DrawingErrorKind::DrawingError(error) => {
            DrawingErrorKind::DrawingError(io::Error::other(error))
        }
        DrawingErrorKind::FontError(error) => DrawingErrorKind::FontError(error),
    })
}

/// The same call for both.
macro_rules! both {
    ($self:ident, $call:ident($($argument:expr),*)) => {
        match $self {
            Backend::Pixels(sheet) => told(sheet.$call($($argument),*)),
            Backend::Vector(sheet, _) => sheet.$call($($argument),*),
        }
    };
}

impl DrawingBackend for Backend<'_> {
    type ErrorType = io::Error;

    fn get_size(&self) -> (u32, u32) {
        match self {
            Backend::Pixels(sheet) => sheet.get_size(),
            Backend::Vector(sheet, _) => sheet.get_size(),
        }
    }

    fn ensure_prepared(&mut self) -> Drawn {
        both!(self, ensure_prepared())
    }

    fn present(&mut self) -> Drawn {
        both!(self, present())
    }

    fn draw_pixel(&mut self, point: BackendCoord, colour: BackendColor) -> Drawn {
        both!(self, draw_pixel(point, colour))
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        both!(self, draw_line(from, to, style))
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        lower_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        both!(self, draw_rect(upper_left, lower_right, style, fill))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        both!(self, draw_path(path, style))
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        both!(self, draw_circle(centre, radius, style, fill))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        both!(self, fill_polygon(corners, style))
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        place: BackendCoord,
    ) -> Drawn {
        match self {
            Backend::Pixels(sheet) => write_in_pixels(sheet, text, style, place),
            Backend::Vector(sheet, _) => sheet.draw_text(text, style, place),
        }
    }

    fn blit_bitmap(&mut self, (x, y): BackendCoord, size: (u32, u32), pixels: &[u8]) -> Drawn {
        match self {
            Backend::Pixels(sheet) => told(sheet.blit_bitmap((x, y), size, pixels)),
            Backend::Vector(_, pictures) => {
                let data =
                    picture::data_url(size, pixels).map_err(DrawingErrorKind::DrawingError)?;
                let (width, height) = size;
                // Writing to a string cannot fail.
                let _ = writeln!(
                    pictures,
                    r#"<image x="{x}" y="{y}" width="{width}" height="{height}" style="image-rendering:pixelated" href="{data}"/>"#
                );
                Ok(())
            }
        }
    }
}

/// Writes text where an SVG viewer would: plotters' own pixels have another size and base line.
fn write_in_pixels<S: BackendTextStyle>(
    sheet: &mut BitMapBackend<'_>,
    text: &str,
    style: &S,
    (x, y): BackendCoord,
) -> Drawn {
    let broken = |error| DrawingErrorKind::FontError(Box::new(error));
    let em = style.size() / PER_EM;
    let font = font(em * LINE);
    let ((left, _), (right, _)) = font.layout_box(text).map_err(broken)?;
    let width = right - left;
    let across = match style.anchor().h_pos {
        HPos::Left => 0,
        HPos::Right => -width,
        HPos::Center => -width / 2,
    };
    let base_line = em
        * match style.anchor().v_pos {
            VPos::Top => 0.76,
            VPos::Center => 0.26,
            VPos::Bottom => -0.26,
        };
    // plotters has it half a size below the place it is given.
    let down = (base_line - em * LINE / 2.0).round() as i32;
    let (turn, colour) = (style.transform(), style.color());
    let (wide, high) = sheet.get_size();
    let inside = |value: i32, end: u32| u32::try_from(value).is_ok_and(|value| value < end);
    let drawn = font.draw(text, (0, 0), |dx, dy, share| {
        let (dx, dy) = turn.transform(dx + across, dy + down);
        let place = (x + dx, y + dy);
        if !inside(place.0, wide) || !inside(place.1, high) {
            return Ok(());
        }
        let mut colour = colour;
        colour.alpha *= f64::from(share);
        told(sheet.draw_pixel(place, colour))
    });
    drawn.map_err(broken)?
}
