//! Test images and their reconstructions at every λ (figure 5 of the paper).

use super::{
    LambdaSweep,
    backend::{CENTRE, DrawResult, LINE_SPACING, Page, RIGHT},
    chart::{GAP as EDGE, INK, NAME, SMALL, TITLE, caption_height, draw_caption, draw_title},
    figure::{Figure, TWO_COLUMNS, Table, row},
    palette::MISCLASSIFIED,
};
use crate::sweep::Record;

/// The most λ that fit the width.
const MAX_COLUMNS: usize = 11;
/// Space between images, in points.
const GAP: f64 = 2.5;
/// Space at the left for class names, in points.
const LEFT: f64 = 40.0;

/// One image of each class in the left column, then its reconstruction at each λ.
#[derive(Clone, Debug)]
pub struct Figure5<'a> {
    title: String,
    seed: u64,
    records: Vec<&'a Record>,
    /// Indices of the images among the reconstructions of every run.
    rows: Vec<usize>,
    caption: String,
}

impl<'a> Figure5<'a> {
    /// The figure of a sweep; `None` if its runs have no reconstructions.
    pub fn new(sweep: &LambdaSweep<'a>) -> Option<Self> {
        let records = sweep.thin_out(MAX_COLUMNS);
        let images = &records.first()?.eval_sample.reconstructions;
        let is_shared = |row: &usize| {
            records.iter().all(|record| {
                let image = record.eval_sample.reconstructions.get(*row);
                image.is_some_and(|image| image.index == images[*row].index)
            })
        };
        let mut rows: Vec<usize> = (0..images.len()).filter(is_shared).collect();
        rows.dedup_by_key(|row| images[*row].label);
        let mut caption = vec![format!(
            "Test images at the left, then their reconstructions at each λ; seed {}. A red frame marks a misclassified image. Below: accuracy and MSE of the whole test set.",
            sweep.seed
        )];
        let left_out = sweep.records.len() - records.len();
        if left_out > 0 {
            caption.push(format!("{left_out} more λ are not shown."));
        }
        (!rows.is_empty()).then(|| Self {
            title: sweep.title.clone(),
            seed: sweep.seed,
            records,
            rows,
            caption: caption.join(" "),
        })
    }

    fn side(&self) -> f64 {
        let columns = self.records.len().max(5) + 1;
        let width = TWO_COLUMNS - 2.0 * EDGE - LEFT - GAP;
        (width / columns as f64 - GAP).min(45.0)
    }

    fn head_height() -> f64 {
        EDGE + (TITLE + NAME) * LINE_SPACING + GAP
    }

    fn body_height(&self) -> f64 {
        self.rows.len() as f64 * (self.side() + GAP)
    }

    /// The caption is below the two lines of metrics.
    fn caption_top(&self) -> f64 {
        Self::head_height() + self.body_height() + 2.0 * SMALL * LINE_SPACING
    }

    /// Left edge of a column; 0 is that of the test images.
    fn left(&self, column: usize) -> f64 {
        let gap = if column == 0 { 0.0 } else { GAP };
        EDGE + LEFT + column as f64 * (self.side() + GAP) + gap
    }

    fn draw_images(&self, page: &Page<'_>) -> DrawResult {
        let side = self.side();
        let style = page.text_style(SMALL, INK);
        for (line, row) in self.rows.iter().enumerate() {
            let y = Self::head_height() + line as f64 * (side + GAP);
            for (column, record) in self.records.iter().enumerate() {
                let Some(image) = record.eval_sample.reconstructions.get(*row) else {
                    continue;
                };
                if column == 0 {
                    page.draw_image(&image.input, record.shape, (self.left(0), y), side)?;
                    let class = record.class_names.get(usize::from(image.label));
                    let class = class.map_or("?", String::as_str);
                    let pos = (self.left(0) - GAP - 1.0, y + side / 2.0);
                    page.draw_text(class, pos, &style, RIGHT)?;
                }
                let pos = (self.left(column + 1), y);
                let size = page.draw_image(&image.reconstruction, record.shape, pos, side)?;
                if image.predicted != image.label {
                    page.draw_frame(pos, size, page.line_style(1.0, MISCLASSIFIED, 1.0))?;
                }
            }
        }
        Ok(())
    }

    /// Draws λ above and metrics below each column.
    fn draw_text(&self, page: &Page<'_>) -> DrawResult {
        let (name, small) = (page.text_style(NAME, INK), page.text_style(SMALL, INK));
        let middle = |column: usize| self.left(column) + self.side() / 2.0;
        let head = Self::head_height() - GAP - NAME / 2.0;
        let foot = Self::head_height() + self.body_height() + SMALL / 2.0;
        let second_line = foot + SMALL * LINE_SPACING;
        page.draw_text("input", (middle(0), head), &name, CENTRE)?;
        for (text, y) in [("accuracy", foot), ("MSE", second_line)] {
            page.draw_text(text, (self.left(1) - GAP - 3.0, y), &small, RIGHT)?;
        }
        for (column, record) in self.records.iter().enumerate() {
            let x = middle(column + 1);
            let lambda = format!("λ = {}", record.lambda());
            page.draw_text(&lambda, (x, head), &name, CENTRE)?;
            if let Some(metrics) = record.metrics() {
                let accuracy = format!("{:.1} %", metrics.accuracy * 100.0);
                page.draw_text(&accuracy, (x, foot), &small, CENTRE)?;
                let mse = format!("{:.3}", metrics.mse);
                page.draw_text(&mse, (x, second_line), &small, CENTRE)?;
            }
        }
        Ok(())
    }
}

impl Figure for Figure5<'_> {
    fn size(&self) -> (f64, f64) {
        let caption = caption_height(&self.caption, TWO_COLUMNS);
        (TWO_COLUMNS, self.caption_top() + caption)
    }

    fn draw(&self, page: &Page<'_>) -> DrawResult {
        draw_title(page, &self.title, (0.0, 0.0), TWO_COLUMNS)?;
        self.draw_images(page)?;
        self.draw_text(page)?;
        draw_caption(page, &self.caption, self.caption_top())
    }

    fn table(&self) -> Table {
        let mut rows = Vec::new();
        for record in &self.records {
            let (panel, lambda, seed) = (&self.title, record.lambda(), self.seed);
            let images = &record.eval_sample.reconstructions;
            for image in self.rows.iter().filter_map(|row| images.get(*row)) {
                let (index, class, predicted) = (image.index, image.label, image.predicted);
                let mse = image.mse;
                rows.push(row(&[
                    panel, &lambda, &seed, &index, &class, &predicted, &mse,
                ]));
            }
        }
        Table::new("panel,lambda,seed,test_image,class,predicted,mse", rows)
    }
}
