//! Names and colours of classes.

use super::{
    backend::{DrawResult, LEFT, Page, elide, text_width},
    chart::INK,
    marker::Marker,
    palette,
};

/// Most rows of the legend of a cloud; further classes are only counted.
pub const LEGEND_ROWS: usize = 40;

/// Class names beside markers of their colours, in rows.
#[derive(Clone, Debug)]
pub struct Legend {
    /// Rows of the index and name of a class and its x position, in points.
    rows: Vec<Vec<(usize, String, f64)>>,
    /// “+ 12 more” and its x position in the last row, where classes are missing.
    more: Option<(String, f64)>,
    size: f64,
}

impl Legend {
    /// A legend in rows of at most `width` points, with text of `size` points. Classes that do not
    /// fit into `max_rows` rows are only counted.
    pub fn new(names: &[String], width: f64, size: f64, max_rows: usize) -> Self {
        let mut rows = vec![Vec::new()];
        let mut x = 0.0;
        for (class, name) in names.iter().enumerate() {
            let name = elide(name, width / 2.0, size);
            let entry = text_width(&name, size) + 2.4 * size;
            if x + entry > width && x > 0.0 && rows.len() < max_rows {
                rows.push(Vec::new());
                x = 0.0;
            }
            // The last row keeps space for the number of missing classes.
            let missing = names.len() - class;
            let more = format!("+ {missing} more");
            let reserved = if missing > 1 {
                text_width(&more, size) + size
            } else {
                0.0
            };
            if rows.len() == max_rows && x + entry + reserved > width {
                let more = Some((more, x));
                return Self { rows, more, size };
            }
            if let Some(row) = rows.last_mut() {
                row.push((class, name, x));
            }
            x += entry;
        }
        let more = None;
        Self { rows, more, size }
    }

    pub fn height(&self) -> f64 {
        self.rows.len() as f64 * self.row_height()
    }

    fn row_height(&self) -> f64 {
        1.45 * self.size
    }

    /// Draws the legend with its upper left corner at `pos`.
    pub fn draw(&self, page: &Page<'_>, (left, top): (f64, f64)) -> DrawResult {
        let (style, size) = (page.text_style(self.size, INK), self.size);
        let middle = |row: usize| top + (row as f64 + 0.5) * self.row_height();
        for (row, entries) in self.rows.iter().enumerate() {
            let y = middle(row);
            for (class, name, x) in entries {
                let x = left + x;
                let label = u8::try_from(*class).unwrap_or(u8::MAX);
                let fill = page.fill_style(palette::class(label), 1.0);
                page.draw_marker(Marker::of(label), (x + 0.42 * size, y), 0.36 * size, fill)?;
                page.draw_text(name, (x + 1.1 * size, y), &style, LEFT)?;
            }
        }
        if let Some((more, x)) = &self.more {
            let y = middle(self.rows.len() - 1);
            page.draw_text(more, (left + x, y), &style, LEFT)?;
        }
        Ok(())
    }
}
