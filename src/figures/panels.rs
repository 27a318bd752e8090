//! Charts side by side: where each stands, their titles, and the words below.

use plotters::style::{
    FontTransform,
    text_anchor::{HPos, VPos},
};

use super::{
    backend::{DrawError, LINE_SPACING, Page, wrapped},
    figure::{ONE_COLUMN, TWO_COLUMNS},
    palette::Rgb,
};

/// What text and lines are drawn in.
pub const INK: Rgb = [0x20; 3];
/// Lines that only guide the eye.
pub const FAINT: Rgb = [0xdd; 3];
/// Size of titles, in points.
pub const TITLE: f64 = 8.0;
/// Size of names at axes.
pub const NAME: f64 = 7.0;
/// Size of numbers at axes, and of the words below.
pub const SMALL: f64 = 6.5;

/// Names of the quantities, with their units.
pub const LAMBDA: &str = "λ (0: pure classifier, 1: pure autoencoder)";
pub const ACCURACY: &str = "Test accuracy (%)";
pub const MSE: &str = "Test MSE (pixels from −1 to 1)";

/// Space between panels, and at the edges.
const GAP: f64 = 6.0;

/// Panels of one size in rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    count: usize,
    columns: usize,
    /// Width and height of a panel, its title included.
    panel: (f64, f64),
}

impl Grid {
    /// One panel fits a column of a journal, more are spread over two columns.
    pub fn of_charts(count: usize) -> Self {
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

    /// `columns` panels in each row, over two columns of a journal.
    pub fn of_rows(count: usize, columns: usize, height: f64) -> Self {
        let columns = columns.max(1);
        Self {
            count,
            columns,
            panel: (TWO_COLUMNS / columns as f64, height),
        }
    }

    /// Width of all.
    pub fn width(&self) -> f64 {
        self.panel.0 * self.columns as f64
    }

    /// Height of all.
    pub fn height(&self) -> f64 {
        self.panel.1 * self.count.div_ceil(self.columns) as f64
    }

    /// Upper left corner of a panel.
    pub fn corner(&self, place: usize) -> (f64, f64) {
        let (row, column) = (place / self.columns, place % self.columns);
        (self.panel.0 * column as f64, self.panel.1 * row as f64)
    }

    /// Width and height of a panel.
    pub fn panel_size(&self) -> (f64, f64) {
        self.panel
    }

    /// The place of a panel below its title, which is written.
    pub fn panel<'a>(
        &self,
        page: &Page<'a>,
        place: usize,
        title: &str,
    ) -> Result<Page<'a>, DrawError> {
        let (x, y) = self.corner(place);
        let mut size = TITLE;
        while size > 5.0 && super::backend::text_width(title, size) > self.panel.0 - 2.0 * GAP {
            size -= 0.25;
        }
        let at = (x + GAP, y + GAP + TITLE / 2.0);
        page.write(title, at, &page.text(size, INK), (HPos::Left, VPos::Center))?;
        let top = GAP + TITLE * LINE_SPACING;
        Ok(page.part(
            (x + GAP / 2.0, y + top),
            (self.panel.0 - GAP, self.panel.1 - top),
        ))
    }
}

/// Where an axis has its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Side {
    Left,
    Right,
    /// Below the plot, whose middle is here.
    Below {
        middle: f64,
    },
}

impl Side {
    /// Writes the name of an axis along this edge of a chart.
    pub fn name(self, chart: &Page<'_>, name: &str, colour: Rgb) -> Result<(), DrawError> {
        /// The middle of the plot is a little above that of the chart.
        const UP: f64 = 10.0;
        let (width, height) = chart.size();
        let style = chart.text(NAME, colour);
        let centre = (HPos::Center, VPos::Center);
        let (place, style) = match self {
            Self::Left => (
                (NAME / 2.0, height / 2.0 - UP),
                style.transform(FontTransform::Rotate270),
            ),
            Self::Right => (
                (width - NAME / 2.0, height / 2.0 - UP),
                style.transform(FontTransform::Rotate90),
            ),
            Self::Below { middle } => ((middle, height - NAME / 2.0 - 1.0), style),
        };
        chart.write(name, place, &style, centre)
    }
}

/// Height of the words below a figure of this width.
pub fn caption_height(text: &str, width: f64) -> f64 {
    let lines = wrapped(text, width - 2.0 * GAP, SMALL).len();
    lines as f64 * SMALL * LINE_SPACING + 2.0 * GAP
}

/// Writes the words below a figure, from `y` on.
pub fn draw_caption(page: &Page<'_>, text: &str, y: f64) -> Result<(), DrawError> {
    let width = page.size().0 - 2.0 * GAP;
    page.write_lines(text, (GAP, y + GAP), width, SMALL, INK)
}

/// "1 run", "2 runs".
pub fn count_of_runs(count: usize) -> String {
    format!("{count} run{}", if count == 1 { "" } else { "s" })
}
