//! The layout of figures: panels in a grid, titles, captions.

use plotters::style::text_anchor::{HPos, VPos};

use super::{INK, SMALL, TITLE};
use crate::figures::{
    backend::{DrawResult, LEFT, LINE_SPACING, Page, elide, text_width, wrap},
    figure::{ONE_COLUMN, TWO_COLUMNS},
};

/// Space between panels and at the edges, in points.
pub const GAP: f64 = 6.0;
/// Height of a title with the space above it, in points.
pub const TITLE_HEIGHT: f64 = GAP + TITLE * LINE_SPACING;

/// Panels of one size in rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    count: usize,
    columns: usize,
    /// Width and height of a panel with its title.
    pub panel: (f64, f64),
}

impl Grid {
    /// A grid of charts: one fits a column of a journal, several extend over two columns.
    pub fn for_charts(count: usize) -> Self {
        let (columns, width, height) = match count {
            0 | 1 => (1, ONE_COLUMN, 165.0),
            2..=6 => (2, TWO_COLUMNS / 2.0, 160.0),
            _ => (3, TWO_COLUMNS / 3.0, 135.0),
        };
        Self {
            count: count.max(1),
            columns,
            panel: (width, height),
        }
    }

    /// A grid over two columns of a journal, with `columns` panels per row.
    pub fn with_columns(count: usize, columns: usize, height: f64) -> Self {
        let columns = columns.max(1);
        Self {
            count,
            columns,
            panel: (TWO_COLUMNS / columns as f64, height),
        }
    }

    pub fn width(&self) -> f64 {
        self.panel.0 * self.columns as f64
    }

    pub fn height(&self) -> f64 {
        self.panel.1 * self.count.div_ceil(self.columns) as f64
    }

    pub fn corner(&self, index: usize) -> (f64, f64) {
        let (row, column) = (index / self.columns, index % self.columns);
        (self.panel.0 * column as f64, self.panel.1 * row as f64)
    }

    /// Draws the title of a panel. Returns the part below it.
    pub fn draw_panel<'a>(
        &self,
        page: &Page<'a>,
        index: usize,
        title: &str,
    ) -> DrawResult<Page<'a>> {
        let (x, y) = self.corner(index);
        let (width, height) = self.panel;
        draw_title(page, title, (x, y), width)?;
        Ok(page.part(
            (x + GAP / 2.0, y + TITLE_HEIGHT),
            (width - GAP, height - TITLE_HEIGHT),
        ))
    }
}

/// Draws a title at the top of a panel of this width, smaller or elided where it does not fit.
pub fn draw_title(page: &Page<'_>, title: &str, (x, y): (f64, f64), width: f64) -> DrawResult {
    const SMALLEST: f64 = 5.0;
    let width = width - 2.0 * GAP;
    let mut size = TITLE;
    while size > SMALLEST && text_width(title, size) > width {
        size -= 0.25;
    }
    let pos = (x + GAP, y + GAP + TITLE / 2.0);
    let style = page.text_style(size, INK);
    page.draw_text(&elide(title, width, size), pos, &style, LEFT)
}

/// Height of the caption of a figure of this width, in points.
pub fn caption_height(text: &str, width: f64) -> f64 {
    let lines = wrap(text, width - 2.0 * GAP, SMALL).len();
    lines as f64 * SMALL * LINE_SPACING + 2.0 * GAP
}

/// Draws the caption of a figure from `y` downwards.
pub fn draw_caption(page: &Page<'_>, text: &str, y: f64) -> DrawResult {
    let style = page.text_style(SMALL, INK);
    let lines = wrap(text, page.size().0 - 2.0 * GAP, SMALL);
    for (line, text) in lines.iter().enumerate() {
        let y = y + GAP + line as f64 * SMALL * LINE_SPACING;
        page.draw_text(text, (GAP, y), &style, (HPos::Left, VPos::Top))?;
    }
    Ok(())
}
