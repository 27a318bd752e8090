//! Images above what one network makes of them.

use plotters::{
    element::Rectangle,
    style::text_anchor::{HPos, VPos},
};

use super::{
    backend::{DrawError, LINE_SPACING, Page},
    figure::{Figure, TWO_COLUMNS, Table},
    palette::Rgb,
    panels::{FAINT, INK, SMALL, TITLE, caption_height, draw_caption},
};
use crate::sweep::{Reconstruction, Record};

/// Images side by side.
const COLUMNS: usize = 10;
/// The most images.
const IMAGES: usize = 100;
const EDGE: f64 = 6.0;
const GAP: f64 = 3.0;
/// Room for the names of the rows.
const LEFT: f64 = 34.0;
const HEAD: f64 = EDGE + TITLE * LINE_SPACING + GAP;
/// Height of the two lines below a pair.
const WORDS: f64 = 2.0 * SMALL * LINE_SPACING;
/// A wrong answer.
const WRONG: Rgb = [0xc0, 0x20, 0x18];

/// Inputs, reconstructions, error and answer, in as many rows as are needed.
#[derive(Clone, Debug)]
pub struct ReconstructionPairs<'a> {
    title: String,
    record: &'a Record,
    cells: Vec<&'a Reconstruction>,
    caption: String,
}

impl<'a> ReconstructionPairs<'a> {
    /// The figure of a network; `None` if it rebuilt no image.
    pub fn of(title: &str, record: &'a Record) -> Option<Self> {
        let all = &record.eval_sample.reconstructions;
        let cells: Vec<&Reconstruction> = all.iter().take(IMAGES).collect();
        let mut caption =
            "Test images, what is rebuilt of them, the error (MSE, pixels from −1 to 1) and the classifier's answer, wrong ones in red."
                .to_owned();
        if all.len() > IMAGES {
            caption = format!("{caption} {} more are not shown.", all.len() - IMAGES);
        }
        (!cells.is_empty()).then(|| Self {
            title: title.to_owned(),
            record,
            cells,
            caption,
        })
    }

    fn side() -> f64 {
        (TWO_COLUMNS - 2.0 * EDGE - LEFT) / COLUMNS as f64 - GAP
    }

    fn block() -> f64 {
        2.0 * (Self::side() + GAP) + WORDS + GAP
    }

    fn rows(&self) -> usize {
        self.cells.len().div_ceil(COLUMNS)
    }

    fn class(&self, class: u8) -> &str {
        let name = self.record.class_names.get(usize::from(class));
        name.map_or("?", String::as_str)
    }
}

impl Figure for ReconstructionPairs<'_> {
    fn size(&self) -> (f64, f64) {
        let below = caption_height(&self.caption, TWO_COLUMNS);
        (
            TWO_COLUMNS,
            HEAD + self.rows() as f64 * Self::block() + below,
        )
    }

    fn draw(&self, page: &Page<'_>) -> Result<(), DrawError> {
        let title = page.text(TITLE, INK);
        let place = (EDGE, EDGE + TITLE / 2.0);
        page.write(&self.title, place, &title, (HPos::Left, VPos::Center))?;
        let side = Self::side();
        let words = |colour| page.text(SMALL, colour);
        for row in 0..self.rows() {
            let top = HEAD + row as f64 * Self::block();
            for (line, name) in ["input", "rebuilt"].into_iter().enumerate() {
                let middle = top + line as f64 * (side + GAP) + side / 2.0;
                let place = (EDGE, middle);
                page.write(name, place, &words(INK), (HPos::Left, VPos::Center))?;
            }
        }
        for (place, cell) in self.cells.iter().enumerate() {
            let x = EDGE + LEFT + (place % COLUMNS) as f64 * (side + GAP);
            let y = HEAD + (place / COLUMNS) as f64 * Self::block();
            for (line, bytes) in [&cell.input, &cell.reconstruction].into_iter().enumerate() {
                let y = y + line as f64 * (side + GAP);
                let (width, height) = page.show(bytes, self.record.shape, (x, y), side)?;
                let corners = [(x, y), (x + width, y + height)];
                let corners = corners.map(|(x, y)| (page.units(x), page.units(y)));
                let line = page.stroke(0.4, FAINT, 1.0);
                page.area.draw(&Rectangle::new(corners, line))?;
            }
            let is_right = cell.predicted == cell.label;
            let lines = [
                (format!("{:.3}", cell.mse), INK),
                (
                    self.class(cell.predicted).to_owned(),
                    if is_right { INK } else { WRONG },
                ),
            ];
            let below = y + 2.0 * (side + GAP) + SMALL / 2.0;
            for (line, (text, colour)) in lines.into_iter().enumerate() {
                let centre = (x + side / 2.0, below + line as f64 * SMALL * LINE_SPACING);
                page.write(&text, centre, &words(colour), (HPos::Center, VPos::Center))?;
            }
        }
        let below = HEAD + self.rows() as f64 * Self::block();
        draw_caption(page, &self.caption, below)
    }

    fn table(&self) -> Table {
        let rows = self.cells.iter().map(|cell| {
            vec![
                cell.index.to_string(),
                cell.label.to_string(),
                cell.predicted.to_string(),
                cell.mse.to_string(),
            ]
        });
        Table {
            header: vec!["test_image", "class", "predicted", "mse"],
            rows: rows.collect(),
        }
    }
}
