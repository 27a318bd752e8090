//! Inputs and what becomes of them at every λ (the paper's figure 5).

use plotters::{
    element::PathElement,
    style::text_anchor::{HPos, VPos},
};

use super::{
    backend::{DrawError, LINE_SPACING, Page},
    figure::{Figure, TWO_COLUMNS, Table},
    one_seed::OneSeed,
    palette::Rgb,
    panels::{INK, NAME, SMALL, TITLE, caption_height, draw_caption},
};
use crate::sweep::Record;

/// The most λ that fit the width.
const COLUMNS: usize = 11;
/// Space at the edges and between images, in points.
const EDGE: f64 = 6.0;
const GAP: f64 = 2.5;
/// Room for numbers at the left.
const LEFT: f64 = 40.0;
/// A wrong answer's frame.
const WRONG: Rgb = [0xc0, 0x20, 0x18];

/// One image of each class in the left column, then what each λ makes of it.
#[derive(Clone, Debug)]
pub struct Figure5<'a> {
    title: String,
    seed: u64,
    records: Vec<&'a Record>,
    /// Places among the cells of a portrait.
    rows: Vec<usize>,
    caption: String,
}

impl<'a> Figure5<'a> {
    /// The figure of a spectrum; `None` if its runs kept no image.
    pub fn of(spectrum: &OneSeed<'a>) -> Option<Self> {
        let records = spectrum.thinned(COLUMNS);
        let cells = &records.first()?.eval_sample.reconstructions;
        // Runs of one series look at the same images.
        let is_shared = |place: &usize| {
            let index = |record: &&Record| {
                record
                    .eval_sample
                    .reconstructions
                    .get(*place)
                    .map(|c| c.index)
            };
            records
                .iter()
                .all(|record| index(record) == Some(cells[*place].index))
        };
        let mut rows: Vec<usize> = (0..cells.len()).filter(is_shared).collect();
        rows.dedup_by_key(|place| cells[*place].label);
        let left_out = spectrum.records.len() - records.len();
        let mut caption = vec![format!(
            "Test images at the left, rebuilt at each λ; seed {}. A red frame marks a wrong answer of the classifier. Below: accuracy and MSE over the whole test half.",
            spectrum.seed
        )];
        if left_out > 0 {
            caption.push(format!("{left_out} more λ are not shown."));
        }
        (!rows.is_empty()).then(|| Self {
            title: spectrum.title.clone(),
            seed: spectrum.seed,
            records,
            rows,
            caption: caption.join(" "),
        })
    }

    /// Side of an image.
    fn side(&self) -> f64 {
        let columns = self.records.len().max(5) + 1;
        let room = TWO_COLUMNS - 2.0 * EDGE - LEFT - GAP;
        (room / columns as f64 - GAP).min(45.0)
    }

    fn head() -> f64 {
        EDGE + (TITLE + NAME) * LINE_SPACING + GAP
    }

    fn body(&self) -> f64 {
        self.rows.len() as f64 * (self.side() + GAP)
    }

    fn left(&self, column: usize) -> f64 {
        let gap = if column == 0 { 0.0 } else { GAP };
        EDGE + LEFT + column as f64 * (self.side() + GAP) + gap
    }
}

impl Figure for Figure5<'_> {
    fn size(&self) -> (f64, f64) {
        let foot = 2.0 * SMALL * LINE_SPACING;
        let height = Self::head() + self.body() + foot;
        (
            TWO_COLUMNS,
            height + caption_height(&self.caption, TWO_COLUMNS),
        )
    }

    fn draw(&self, page: &Page<'_>) -> Result<(), DrawError> {
        let centre = (HPos::Center, VPos::Center);
        let (name, small) = (page.text(NAME, INK), page.text(SMALL, INK));
        let title = page.text(TITLE, INK);
        let place = (EDGE, EDGE + TITLE / 2.0);
        page.write(&self.title, place, &title, (HPos::Left, VPos::Center))?;
        let (side, top) = (self.side(), Self::head());
        let words = top - GAP - NAME / 2.0;
        page.write("input", (self.left(0) + side / 2.0, words), &name, centre)?;

        for (line, row) in self.rows.iter().enumerate() {
            let y = top + line as f64 * (side + GAP);
            for (column, record) in self.records.iter().enumerate() {
                let Some(cell) = record.eval_sample.reconstructions.get(*row) else {
                    continue;
                };
                if column == 0 {
                    page.show(&cell.input, record.shape, (self.left(0), y), side)?;
                    let class = record.class_names.get(usize::from(cell.label));
                    let class = class.map_or("?", String::as_str);
                    let place = (self.left(0) - GAP - 1.0, y + side / 2.0);
                    page.write(class, place, &small, (HPos::Right, VPos::Center))?;
                }
                let place = (self.left(column + 1), y);
                let (width, height) = page.show(&cell.reconstruction, record.shape, place, side)?;
                if cell.predicted != cell.label {
                    frame(page, place, (width, height))?;
                }
            }
        }
        let foot = top + self.body() + SMALL / 2.0;
        for (line, text) in ["accuracy", "MSE"].iter().enumerate() {
            let place = (
                self.left(1) - GAP - 3.0,
                foot + line as f64 * SMALL * LINE_SPACING,
            );
            page.write(text, place, &small, (HPos::Right, VPos::Center))?;
        }
        for (column, record) in self.records.iter().enumerate() {
            let x = self.left(column + 1) + side / 2.0;
            let lambda = format!("λ = {}", record.lambda());
            page.write(&lambda, (x, words), &name, centre)?;
            if let Some(metrics) = record.metrics() {
                let accuracy = format!("{:.1} %", metrics.accuracy * 100.0);
                page.write(&accuracy, (x, foot), &small, centre)?;
                let below = (x, foot + SMALL * LINE_SPACING);
                page.write(&format!("{:.3}", metrics.mse), below, &small, centre)?;
            }
        }
        let foot = 2.0 * SMALL * LINE_SPACING;
        draw_caption(page, &self.caption, top + self.body() + foot)
    }

    fn table(&self) -> Table {
        let mut rows = Vec::new();
        for record in &self.records {
            for row in &self.rows {
                let Some(cell) = record.eval_sample.reconstructions.get(*row) else {
                    continue;
                };
                rows.push(vec![
                    self.title.clone(),
                    record.lambda().to_string(),
                    self.seed.to_string(),
                    cell.index.to_string(),
                    cell.label.to_string(),
                    cell.predicted.to_string(),
                    cell.mse.to_string(),
                ]);
            }
        }
        Table {
            header: vec![
                "panel",
                "lambda",
                "seed",
                "test_image",
                "class",
                "predicted",
                "mse",
            ],
            rows,
        }
    }
}

fn frame(
    page: &Page<'_>,
    (x, y): (f64, f64),
    (width, height): (f64, f64),
) -> Result<(), DrawError> {
    let corners = [
        (x, y),
        (x + width, y),
        (x + width, y + height),
        (x, y + height),
        (x, y),
    ];
    let corners = corners.map(|(x, y)| (page.units(x), page.units(y)));
    let style = page.stroke(1.0, WRONG, 1.0);
    page.area.draw(&PathElement::new(corners, style))
}
