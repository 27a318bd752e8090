//! A figure as data, and its ways into files.

use std::path::Path;

use super::{
    FigureError, picture,
    sheet::{self, DrawError, Page},
};
use crate::files::write_atomically;

/// Dots per inch of figures in PNG files.
pub const DOTS_PER_INCH: f64 = 300.0;
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

/// Writes `figure` as SVG, as PNG with 300 dots per inch, or its numbers as CSV, whichever the extension
/// of `path` says; whole or not at all.
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
    write_atomically(path, &bytes).map_err(|error| FigureError::new(path, error))
}

fn svg(figure: &dyn Figure) -> Result<String, String> {
    sheet::svg(figure.size(), |page| figure.draw(page))
}

fn png(figure: &dyn Figure) -> Result<Vec<u8>, String> {
    let (width, height, pixels) =
        sheet::pixels(figure.size(), DOTS_PER_INCH, |page| figure.draw(page))?;
    picture::png((width, height), &pixels, Some(DOTS_PER_INCH)).map_err(|error| error.to_string())
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
