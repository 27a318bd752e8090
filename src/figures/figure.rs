//! A figure as data, and its ways into files.

use std::path::Path;

use super::{
    FigureError,
    backend::{self, DrawError, Page},
    picture,
};
use crate::fs::{Existing, write_whole};

/// Dots per inch of figures in PNG files, unless they are very large.
pub const DOTS_PER_INCH: f64 = 300.0;
/// The most pixels of a PNG file: drawing them takes about 15 bytes each.
const MOST_PIXELS: f64 = 16e6;
/// The longest side of a PNG file, in pixels.
const MOST_SIDE: f64 = 16_384.0;
/// Width of a figure that fits one column of a journal (85 mm), in points.
pub const ONE_COLUMN: f64 = 85.0 / 25.4 * 72.0;
/// Width of a figure over two columns (175 mm), in points.
pub const TWO_COLUMNS: f64 = 175.0 / 25.4 * 72.0;

/// What is plotted, and how. One drawing serves every format.
pub trait Figure {
    /// Width and height, in points.
    fn size(&self) -> (f64, f64);

    /// Draws it on a page of that size.
    ///
    /// # Errors
    /// When the page cannot be drawn on.
    fn draw(&self, page: &Page<'_>) -> Result<(), DrawError>;

    /// Every number it shows.
    fn table(&self) -> Table;
}

/// Numbers for a CSV file.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Names of the columns.
    pub header: Vec<&'static str>,
    /// Rows as long as the header.
    pub rows: Vec<Vec<String>>,
}

/// Formats that a figure can be written in, by the extension of the file.
pub const EXTENSIONS: [&str; 3] = ["svg", "png", "csv"];

/// Writes `figure` as SVG, as PNG with 300 dots per inch (fewer where that would exceed 16 million
/// pixels), or its numbers as CSV, whichever the extension of `path` says; whole or not at all. A file
/// that exists is replaced.
///
/// # Errors
/// When the extension is another, or the file cannot be drawn or written.
pub fn save(figure: &dyn Figure, path: &Path) -> Result<(), FigureError> {
    let failed = |reason: String| FigureError::new(path, reason);
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let bytes = match extension.to_str() {
        Some("svg") => svg(figure).map_err(failed)?.into_bytes(),
        Some("png") => png(figure).map_err(failed)?,
        Some("csv") => csv(&figure.table()).map_err(failed)?,
        _ => {
            return Err(FigureError::new(
                path,
                "its name must end in .svg, .png or .csv",
            ));
        }
    };
    write_whole(path, &bytes, Existing::Replace).map_err(|error| FigureError::new(path, error))
}

fn svg(figure: &dyn Figure) -> Result<String, String> {
    backend::svg(figure.size(), |page| figure.draw(page))
}

fn png(figure: &dyn Figure) -> Result<Vec<u8>, String> {
    let dots = dots_per_inch(figure.size());
    let (width, height, pixels) = backend::pixels(figure.size(), dots, |page| figure.draw(page))?;
    picture::png((width, height), &pixels, Some(dots)).map_err(|error| error.to_string())
}

/// The resolution at which a figure of this size, in points, stays within the limits.
fn dots_per_inch((width, height): (f64, f64)) -> f64 {
    let inches = |points: f64| points.max(1.0) / 72.0;
    let (width, height) = (inches(width), inches(height));
    let by_area = (MOST_PIXELS / (width * height)).sqrt();
    DOTS_PER_INCH
        .min(by_area)
        .min(MOST_SIDE / width.max(height))
}

fn csv(table: &Table) -> Result<Vec<u8>, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let told = |error: csv::Error| error.to_string();
    writer.write_record(&table.header).map_err(told)?;
    for row in &table.rows {
        writer.write_record(row).map_err(told)?;
    }
    writer.into_inner().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_very_large_figures_have_fewer_dots_per_inch() {
        assert_eq!(dots_per_inch((TWO_COLUMNS, 1500.0)), DOTS_PER_INCH);
        for height in [5_000.0, 200_000.0, 1e9] {
            let dots = dots_per_inch((TWO_COLUMNS, height));
            let [width, height] = [TWO_COLUMNS, height].map(|points| points / 72.0 * dots);
            assert!(dots > 0.0 && dots < DOTS_PER_INCH);
            assert!(width * height <= MOST_PIXELS * 1.001);
            assert!(height <= MOST_SIDE * 1.001);
        }
    }
}
