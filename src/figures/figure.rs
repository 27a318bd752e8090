//! The trait of all figures, and writing them to files.

use std::{fmt::Display, path::Path};

use super::{
    FigureError,
    backend::{self, DrawResult, Page},
    pixels,
};
use crate::fs::{Existing, write_whole};

/// Resolution of PNG files, in dots per inch. Very large figures have less.
const DOTS_PER_INCH: f64 = 300.0;
/// The most pixels of a PNG file: drawing one takes about 15 bytes of memory.
const MAX_PIXELS: f64 = 16e6;
/// The longest side of a PNG file, in pixels.
const MAX_SIDE: f64 = 16_384.0;
/// Width of a figure in one column of a journal (85 mm), in points.
pub const ONE_COLUMN: f64 = 85.0 / 25.4 * 72.0;
/// Width of a figure across two columns (175 mm), in points.
pub const TWO_COLUMNS: f64 = 175.0 / 25.4 * 72.0;

/// A figure, independent of the file format.
pub trait Figure {
    /// Width and height, in points.
    fn size(&self) -> (f64, f64);

    /// Draws the figure on a page of that size.
    ///
    /// # Errors
    /// When the backend fails.
    fn draw(&self, page: &Page<'_>) -> DrawResult;

    /// Returns every number that the figure shows.
    fn table(&self) -> Table;
}

/// Numbers for a CSV file.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub header: Vec<&'static str>,
    /// Rows, each as long as the header.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with the columns named in `header`, which are separated by commas.
    pub fn new(header: &'static str, rows: Vec<Vec<String>>) -> Self {
        Self {
            header: header.split(',').collect(),
            rows,
        }
    }
}

/// The text of the cells of a row.
pub fn row(cells: &[&dyn Display]) -> Vec<String> {
    cells.iter().map(ToString::to_string).collect()
}

/// Formats of figures, by file name extension.
pub const EXTENSIONS: [&str; 3] = ["svg", "png", "csv"];

/// Writes `figure` as SVG, as PNG with 300 dots per inch (fewer above 16 million pixels) or its
/// numbers as CSV, depending on the extension of `path`. Replaces an existing file, atomically.
///
/// # Errors
/// When the extension is another, or the figure cannot be drawn or written.
pub fn save(figure: &dyn Figure, path: &Path) -> Result<(), FigureError> {
    let failed = |reason: String| FigureError::new(path, reason);
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let bytes = match extension.to_str() {
        Some("svg") => {
            let svg = backend::svg(figure.size(), |page| figure.draw(page));
            svg.map_err(failed)?.into_bytes()
        }
        Some("png") => png(figure).map_err(failed)?,
        Some("csv") => csv(&figure.table()).map_err(failed)?,
        _ => {
            return Err(failed(
                "the file name must end in .svg, .png or .csv".to_owned(),
            ));
        }
    };
    write_whole(path, &bytes, Existing::Replace).map_err(|error| FigureError::new(path, error))
}

fn png(figure: &dyn Figure) -> Result<Vec<u8>, String> {
    let dots = dots_per_inch(figure.size());
    let (width, height, rgb) = backend::pixels(figure.size(), dots, |page| figure.draw(page))?;
    pixels::png((width, height), &rgb, Some(dots)).map_err(|error| error.to_string())
}

/// The resolution at which a figure of this size, in points, stays within the limits.
fn dots_per_inch((width, height): (f64, f64)) -> f64 {
    let inches = |points: f64| points.max(1.0) / 72.0;
    let (width, height) = (inches(width), inches(height));
    let by_area = (MAX_PIXELS / (width * height)).sqrt();
    DOTS_PER_INCH.min(by_area).min(MAX_SIDE / width.max(height))
}

fn csv(table: &Table) -> Result<Vec<u8>, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let message = |error: csv::Error| error.to_string();
    writer.write_record(&table.header).map_err(message)?;
    for row in &table.rows {
        writer.write_record(row).map_err(message)?;
    }
    writer.into_inner().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_very_large_figures_have_a_lower_resolution() {
        assert_eq!(dots_per_inch((TWO_COLUMNS, 1500.0)), DOTS_PER_INCH);
        for height in [5_000.0, 200_000.0, 1e9] {
            let dots = dots_per_inch((TWO_COLUMNS, height));
            let [width, height] = [TWO_COLUMNS, height].map(|points| points / 72.0 * dots);
            assert!(dots > 0.0 && dots < DOTS_PER_INCH);
            assert!(width * height <= MAX_PIXELS * 1.001);
            assert!(height <= MAX_SIDE * 1.001);
        }
    }
}
