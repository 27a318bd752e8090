//! Test images with their reconstructions by one network.

use super::{
    NetworkState,
    backend::{CENTRE, DrawResult, LEFT, LINE_SPACING, Page, elide},
    chart::{
        FAINT, GAP as EDGE, INK, SMALL, TITLE_HEIGHT, caption_height, draw_caption, draw_title,
    },
    figure::{Figure, TWO_COLUMNS, Table, row},
    palette::{MISCLASSIFIED, Rgb},
    pixels,
};
use crate::sweep::Reconstruction;

/// Images per row of blocks.
const COLUMNS: usize = 10;
/// The most images.
const MAX_IMAGES: usize = 200;
/// Space between images, in points.
const GAP: f64 = 3.0;
/// Space at the left for the names of the rows, in points.
const NAMES: f64 = 46.0;
const HEAD: f64 = TITLE_HEIGHT + GAP;
/// Width of an image, in points.
const SIDE: f64 = (TWO_COLUMNS - 2.0 * EDGE - NAMES) / COLUMNS as f64 - GAP;
/// Rows of images in a block.
const IMAGE_ROWS: [&str; 3] = ["input", "reconstruction", "|difference|"];
/// Height of a line of text, in points.
const LINE: f64 = SMALL * LINE_SPACING;

/// Input, reconstruction, difference, prediction and error of each image.
#[derive(Clone, Debug)]
pub struct ReconstructionPairs<'a> {
    title: String,
    network: &'a NetworkState,
    images: &'a [Reconstruction],
    caption: String,
}

impl<'a> ReconstructionPairs<'a> {
    /// The figure of a network; `None` if it has no reconstructions.
    pub fn new(title: &str, network: &'a NetworkState) -> Option<Self> {
        let all = &network.record.eval_sample.reconstructions;
        let images = &all[..all.len().min(MAX_IMAGES)];
        let mut caption =
            "Test images and their reconstructions. Red: misclassified. MSE: pixels from −1 to 1."
                .to_owned();
        if all.len() > MAX_IMAGES {
            caption = format!("{caption} {} more are not shown.", all.len() - MAX_IMAGES);
        }
        (!images.is_empty()).then(|| Self {
            title: title.to_owned(),
            network,
            images,
            caption,
        })
    }

    /// The lines of text below an image.
    fn lines(&self, index: usize, image: &Reconstruction) -> Vec<(&'static str, String, Rgb)> {
        let names = &self.network.record.class_names;
        let class = names
            .get(usize::from(image.predicted))
            .map_or("?", String::as_str);
        let colour = if image.predicted == image.label {
            INK
        } else {
            MISCLASSIFIED
        };
        let mut lines = vec![("prediction", elide(class, SIDE + GAP, SMALL), colour)];
        if let Some(probability) = self.network.probabilities().get(index) {
            let percent = format!("{:.0} %", probability * 100.0);
            lines.push(("probability", percent, colour));
        }
        lines.push(("MSE", format!("{:.3}", image.mse), INK));
        lines
    }

    /// Height of one row of blocks.
    fn block_height(&self) -> f64 {
        let first = self.images.first();
        let lines = first.map_or(0, |image| self.lines(0, image).len());
        IMAGE_ROWS.len() as f64 * (SIDE + GAP) + lines as f64 * LINE + 2.0 * GAP
    }

    fn body_height(&self) -> f64 {
        self.images.len().div_ceil(COLUMNS) as f64 * self.block_height()
    }

    /// Draws a block: an image with everything below it.
    fn draw_block(&self, page: &Page<'_>, index: usize, image: &Reconstruction) -> DrawResult {
        let x = EDGE + NAMES + (index % COLUMNS) as f64 * (SIDE + GAP);
        let top = HEAD + (index / COLUMNS) as f64 * self.block_height();
        let is_first = index.is_multiple_of(COLUMNS);
        let names = page.text_style(SMALL, INK);
        let frame = page.line_style(0.4, FAINT, 1.0);
        let shape = self.network.record.shape;
        let (difference, in_colour) =
            pixels::difference(&image.input, &image.reconstruction, shape);
        let rows = [
            (&image.input, shape),
            (&image.reconstruction, shape),
            (&difference, in_colour),
        ];
        for (row, (name, (bytes, shape))) in IMAGE_ROWS.into_iter().zip(rows).enumerate() {
            let y = top + row as f64 * (SIDE + GAP);
            let size = page.draw_image(bytes, shape, (x, y), SIDE)?;
            page.draw_frame((x, y), size, frame)?;
            if is_first {
                page.draw_text(name, (EDGE, y + SIDE / 2.0), &names, LEFT)?;
            }
        }
        let text_top = top + IMAGE_ROWS.len() as f64 * (SIDE + GAP) + SMALL / 2.0;
        for (line, (name, text, colour)) in self.lines(index, image).into_iter().enumerate() {
            let y = text_top + line as f64 * LINE;
            let style = page.text_style(SMALL, colour);
            page.draw_text(&text, (x + SIDE / 2.0, y), &style, CENTRE)?;
            if is_first {
                page.draw_text(name, (EDGE, y), &names, LEFT)?;
            }
        }
        Ok(())
    }
}

impl Figure for ReconstructionPairs<'_> {
    fn size(&self) -> (f64, f64) {
        let caption = caption_height(&self.caption, TWO_COLUMNS);
        (TWO_COLUMNS, HEAD + self.body_height() + caption)
    }

    fn draw(&self, page: &Page<'_>) -> DrawResult {
        draw_title(page, &self.title, (0.0, 0.0), TWO_COLUMNS)?;
        for (index, image) in self.images.iter().enumerate() {
            self.draw_block(page, index, image)?;
        }
        draw_caption(page, &self.caption, HEAD + self.body_height())
    }

    fn table(&self) -> Table {
        let rows = self
            .images
            .iter()
            .map(|image| row(&[&image.index, &image.label, &image.predicted, &image.mse]));
        Table::new("test_image,class,predicted,mse", rows.collect())
    }
}
