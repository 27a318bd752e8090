//! The font of the figures, and measuring text.

use std::sync::OnceLock;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

/// Distance of lines of text, in font sizes.
pub const LINE_SPACING: f64 = 1.35;
/// Font families. A viewer of SVG files has at least one of them; in pixels the built-in font is
/// registered under this name, so that no system font is needed.
const FAMILY: &str = "Helvetica, Arial, sans-serif";
/// Size of a font in plotters' unit, per size as SVG and printers define it.
pub const PLOTTERS_SIZE: f64 = 1.24;

/// The font at a size in plotters' unit.
pub fn font(size: f64) -> FontDesc<'static> {
    FontDesc::new(FontFamily::Name(FAMILY), size, FontStyle::Normal)
}

pub fn register_built_in_font() -> Result<(), String> {
    static IS_REGISTERED: OnceLock<bool> = OnceLock::new();
    let light = epaint_default_fonts::UBUNTU_LIGHT;
    let register = || register_font(FAMILY, FontStyle::Normal, light).is_ok();
    if *IS_REGISTERED.get_or_init(register) {
        Ok(())
    } else {
        Err("the built-in font is invalid".to_owned())
    }
}

/// Width of a line of text, in points, an upper estimate: the font of an SVG file is the viewer's.
pub fn text_width(text: &str, size: f64) -> f64 {
    /// plotters measures in whole units.
    const UNITS: f64 = 50.0;
    let _ = register_built_in_font();
    let font = font(size * UNITS * PLOTTERS_SIZE);
    match font.layout_box(text) {
        Ok(((left, _), (right, _))) => f64::from(right - left) / UNITS,
        Err(_) => text.len() as f64 * size,
    }
}

/// Splits `text` into lines of at most `width` points. Words stay whole.
pub fn wrap(text: &str, width: f64, size: f64) -> Vec<String> {
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

/// Cuts `text` to at most `width` points, with “…” at the end where something is missing.
pub fn elide(text: &str, width: f64, size: f64) -> String {
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
