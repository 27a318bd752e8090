//! The two drawing backends behind one type.

use std::{fmt::Write as _, io};

use plotters::{
    prelude::{BitMapBackend, DrawingBackend, SVGBackend},
    style::text_anchor::{HPos, VPos},
};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingErrorKind,
};

use super::text::{PLOTTERS_SIZE, font};
use crate::figures::pixels;

/// Ascent and descent of the built-in font together, in font sizes.
const LINE_HEIGHT: f64 = 1.121;

/// The target of a drawing.
pub enum Surface<'a> {
    /// RGB pixels, `[height, width, 3]`.
    Pixels(BitMapBackend<'a>),
    /// The text of an SVG file, and its image elements, which plotters does not support.
    Svg(SVGBackend<'a>, &'a mut String),
}

type BackendResult = Result<(), DrawingErrorKind<io::Error>>;

fn boxed_error<E: std::error::Error + Send + Sync + 'static>(
    result: Result<(), DrawingErrorKind<E>>,
) -> BackendResult {
    result.map_err(|error| match error {
        DrawingErrorKind::DrawingError(error) => {
            DrawingErrorKind::DrawingError(io::Error::other(error))
        }
        DrawingErrorKind::FontError(error) => DrawingErrorKind::FontError(error),
    })
}

/// Forwards a call to either backend.
macro_rules! forward {
    ($self:ident, $call:ident($($argument:expr),*)) => {
        match $self {
            Surface::Pixels(backend) => boxed_error(backend.$call($($argument),*)),
            Surface::Svg(backend, _) => backend.$call($($argument),*),
        }
    };
}

impl DrawingBackend for Surface<'_> {
    type ErrorType = io::Error;

    fn get_size(&self) -> (u32, u32) {
        match self {
            Surface::Pixels(backend) => backend.get_size(),
            Surface::Svg(backend, _) => backend.get_size(),
        }
    }

    fn ensure_prepared(&mut self) -> BackendResult {
        forward!(self, ensure_prepared())
    }

    fn present(&mut self) -> BackendResult {
        forward!(self, present())
    }

    fn draw_pixel(&mut self, point: BackendCoord, colour: BackendColor) -> BackendResult {
        forward!(self, draw_pixel(point, colour))
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> BackendResult {
        forward!(self, draw_line(from, to, style))
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        lower_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> BackendResult {
        forward!(self, draw_rect(upper_left, lower_right, style, fill))
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> BackendResult {
        forward!(self, draw_path(path, style))
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> BackendResult {
        forward!(self, draw_circle(centre, radius, style, fill))
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> BackendResult {
        forward!(self, fill_polygon(corners, style))
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        pos: BackendCoord,
    ) -> BackendResult {
        match self {
            Surface::Pixels(backend) => draw_text_in_pixels(backend, text, style, pos),
            Surface::Svg(backend, _) => backend.draw_text(text, style, pos),
        }
    }

    fn blit_bitmap(&mut self, (x, y): BackendCoord, size: (u32, u32), rgb: &[u8]) -> BackendResult {
        match self {
            Surface::Pixels(backend) => boxed_error(backend.blit_bitmap((x, y), size, rgb)),
            Surface::Svg(_, images) => {
                let data = pixels::data_url(size, rgb).map_err(DrawingErrorKind::DrawingError)?;
                let (width, height) = size;
                // Writing to a string cannot fail.
                let _ = writeln!(
                    images,
                    r#"<image x="{x}" y="{y}" width="{width}" height="{height}" style="image-rendering:pixelated" href="{data}"/>"#
                );
                Ok(())
            }
        }
    }
}

/// Draws text where an SVG viewer would: plotters' own text in pixels has another size and
/// baseline.
fn draw_text_in_pixels<S: BackendTextStyle>(
    backend: &mut BitMapBackend<'_>,
    text: &str,
    style: &S,
    (x, y): BackendCoord,
) -> BackendResult {
    let font_error = |error| DrawingErrorKind::FontError(Box::new(error));
    let em = style.size() / PLOTTERS_SIZE;
    let font = font(em * LINE_HEIGHT);
    let ((left, _), (right, _)) = font.layout_box(text).map_err(font_error)?;
    let width = right - left;
    let offset_x = match style.anchor().h_pos {
        HPos::Left => 0,
        HPos::Right => -width,
        HPos::Center => -width / 2,
    };
    let baseline = em
        * match style.anchor().v_pos {
            VPos::Top => 0.76,
            VPos::Center => 0.26,
            VPos::Bottom => -0.26,
        };
    // plotters draws it half a size below the position.
    let offset_y = (baseline - em * LINE_HEIGHT / 2.0).round() as i32;
    let (transform, colour) = (style.transform(), style.color());
    let (width, height) = backend.get_size();
    let is_inside = |value: i32, end: u32| u32::try_from(value).is_ok_and(|value| value < end);
    let result = font.draw(text, (0, 0), |dx, dy, coverage| {
        let (dx, dy) = transform.transform(dx + offset_x, dy + offset_y);
        let pos = (x + dx, y + dy);
        if !is_inside(pos.0, width) || !is_inside(pos.1, height) {
            return Ok(());
        }
        let mut colour = colour;
        colour.alpha *= f64::from(coverage);
        boxed_error(backend.draw_pixel(pos, colour))
    });
    result.map_err(font_error)?
}
