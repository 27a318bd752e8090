//! Inputs and what becomes of them as a picture (compare the paper's figure 5).

use std::path::Path;

use plotters::{
    prelude::{RGBColor, Text},
    style::text_anchor::{HPos, Pos, VPos},
};

use super::{
    FigureError,
    canvas::{Canvas, INK, text},
    palette::{self, Rgb},
};
use crate::{
    data::Dataset,
    model::LatentLayout,
    train::{ImageResult, Snapshot},
};

/// Images side by side; more of them go to further rows.
const COLUMNS: usize = 20;
/// The most images.
const IMAGES: usize = 200;
/// Side of a pixel of an image, in pixels of the figure.
const SCALE: u32 = 4;
const GAP: u32 = 16;
const TOP: u32 = 80;
const LEFT: u32 = 190;
const CAPTION: u32 = 78;
const WRONG: RGBColor = RGBColor(0xc0, 0x20, 0x18);

/// Writes the grid of `snapshot` as a PNG file: a column for each image with input,
/// reconstruction, absolute difference and the classifier's answer, wrong ones in red; 20 columns in a row.
/// `layout` is that of the network's z.
///
/// # Errors
/// When it cannot be drawn or written.
pub fn reconstructions(
    snapshot: &Snapshot,
    layout: LatentLayout,
    dataset: &Dataset,
    path: &Path,
) -> Result<(), FigureError> {
    let readings: Vec<&ImageResult> = snapshot
        .grid
        .iter()
        .filter(|reading| {
            (reading.index as usize) < dataset.test.len()
                && reading.reconstruction.len() == dataset.shape.pixels()
        })
        .take(IMAGES)
        .collect();
    let pixels = |count: usize| u32::try_from(count).unwrap_or(0);
    let [wide, high] = [dataset.shape.width, dataset.shape.height].map(|side| pixels(side) * SCALE);
    let columns = pixels(readings.len().clamp(6, COLUMNS));
    let blocks = pixels(readings.len().div_ceil(COLUMNS)).max(1);
    // Three images below each other, and the answer.
    let block = 3 * (high + GAP) + CAPTION;
    let column = |place: usize| LEFT + pixels(place % COLUMNS) * (wide + GAP);
    let row = |place: usize, line: u32| TOP + pixels(place / COLUMNS) * block + line * (high + GAP);
    let mut canvas = Canvas::new(LEFT + columns * (wide + GAP) + GAP, TOP + blocks * block);

    for (place, reading) in readings.iter().enumerate() {
        let input = dataset.test.image(reading.index as usize);
        let output = &reading.reconstruction;
        let plane = dataset.shape.height * dataset.shape.width;
        let colours: [&dyn Fn(usize) -> Rgb; 3] = [
            &|pixel| plain(input, plane, pixel),
            &|pixel| plain(output, plane, pixel),
            &|pixel| difference(input, output, plane, pixel),
        ];
        for (line, colour) in (0..).zip(colours) {
            for y in 0..high {
                for x in 0..wide {
                    let (across, down) = ((x / SCALE) as usize, (y / SCALE) as usize);
                    let pixel = down * dataset.shape.width + across;
                    canvas.set(column(place) + x, row(place, line) + y, colour(pixel));
                }
            }
        }
    }

    let title = format!(
        "{}, reconstructions, {layout}, λ = {:.2}, step {}",
        dataset.name,
        snapshot.lambda.value(),
        snapshot.step
    );
    let at = |x: u32, y: u32| (i32::try_from(x).unwrap_or(0), i32::try_from(y).unwrap_or(0));
    canvas
        .draw(|area| {
            area.draw(&Text::new(title, at(GAP, 22), text(32, INK)))?;
            for first in (0..readings.len().max(1)).step_by(COLUMNS) {
                for (line, name) in (0..).zip(["input", "reconstruction", "|difference|"]) {
                    let style = text(24, INK).pos(Pos::new(HPos::Left, VPos::Center));
                    let middle = row(first, line) + high / 2;
                    area.draw(&Text::new(name, at(GAP, middle), style))?;
                }
            }
            for (place, reading) in readings.iter().enumerate() {
                let (class, probability) = reading.predicted();
                let right = class == dataset.test.label(reading.index as usize);
                let name = dataset
                    .class_names
                    .get(usize::from(class))
                    .map_or("?", String::as_str);
                let (mark, colour) = if right { ("", INK) } else { ("× ", WRONG) };
                let style = text(22, colour).pos(Pos::new(HPos::Center, VPos::Top));
                let middle = column(place) + wide / 2;
                let answer = format!("{mark}{name}");
                let below = row(place, 3);
                area.draw(&Text::new(answer, at(middle, below - 4), style.clone()))?;
                let percent = format!("{:.0} %", probability * 100.0);
                area.draw(&Text::new(percent, at(middle, below + 24), style))?;
            }
            Ok::<_, plotters::drawing::DrawingAreaErrorKind<_>>(())
        })
        .map_err(|reason| FigureError::new(path, reason))?;
    canvas.save(path)
}

/// The colour of a pixel of an image `[channels, height, width]`.
fn plain(bytes: &[u8], plane: usize, pixel: usize) -> Rgb {
    let channel = |place: usize| bytes.get(place * plane + pixel).copied();
    match (channel(0), channel(1), channel(2)) {
        (Some(r), Some(g), Some(b)) => [r, g, b],
        (Some(grey), ..) => [grey; 3],
        _ => [0; 3],
    }
}

/// From black, where two images agree, to the orange of reconstruction.
fn difference(a: &[u8], b: &[u8], plane: usize, pixel: usize) -> Rgb {
    let (a, b) = (plain(a, plane, pixel), plain(b, plane, pixel));
    let total: u32 = a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(b))).sum();
    palette::RECONSTRUCTION_ON_DARK
        .map(|full| u8::try_from(u32::from(full) * total / (3 * 255)).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{BundledSet, DataSource},
        model::Lambda,
        train::{Probe, Projection, RunId},
    };

    fn reading(index: u32, reconstruction: Vec<u8>) -> ImageResult {
        ImageResult {
            index,
            latent: vec![0.0; 3],
            reconstruction,
            mse: 0.1,
            probabilities: vec![0.1; 10],
        }
    }

    fn snapshot(grid: Vec<ImageResult>) -> Snapshot {
        Snapshot {
            run: RunId(1),
            step: 1,
            lambda: Lambda::BALANCED,
            probe: Probe::default(),
            latent_size: 3,
            latents: Vec::new(),
            points: Vec::new(),
            projection: Projection::Coordinates,
            predicted: Vec::new(),
            dead: vec![false; 3],
            grid,
            selected: None,
            custom_image: None,
        }
    }

    #[test]
    fn inputs_outputs_and_differences_stand_in_their_places() {
        let dataset = DataSource::Bundled(BundledSet::Mnist).load().unwrap();
        let perfect = dataset.test.image(3).to_vec();
        let opposite = dataset
            .test
            .image(4)
            .iter()
            .map(|byte| 255 - byte)
            .collect();
        let snapshot = snapshot(vec![
            reading(3, perfect),
            reading(4, opposite),
            // Neither an image that is not there nor one of another size may break it.
            reading(u32::MAX, vec![0; 784]),
            reading(5, vec![0; 7]),
        ]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grid.png");
        reconstructions(&snapshot, LatentLayout::Units(3), &dataset, &path).unwrap();
        let image = image::open(&path).unwrap().to_rgb8();
        let side = 28 * SCALE;
        let pixel = |column: u32, row: u32, x: u32, y: u32| {
            let left = LEFT + column * (side + GAP) + x * SCALE;
            image
                .get_pixel(left, TOP + row * (side + GAP) + y * SCALE)
                .0
        };
        for (x, y) in [(0, 0), (14, 14), (9, 20)] {
            let byte = dataset.test.image(3)[(y * 28 + x) as usize];
            assert_eq!(pixel(0, 0, x, y), [byte; 3]);
            assert_eq!(pixel(0, 1, x, y), [byte; 3]);
            assert_eq!(pixel(0, 2, x, y), [0; 3], "no difference is black");
        }
        // Black against white.
        assert_eq!(pixel(1, 2, 0, 0), palette::RECONSTRUCTION_ON_DARK);
    }

    #[test]
    fn many_images_stand_in_rows() {
        let dataset = DataSource::Bundled(BundledSet::Mnist).load().unwrap();
        let readings = (0..45).map(|index| reading(index, vec![index as u8; 784]));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("grid.png");
        let snapshot = snapshot(readings.collect());
        reconstructions(&snapshot, LatentLayout::Units(3), &dataset, &path).unwrap();
        let image = image::open(&path).unwrap().to_rgb8();
        let side = 28 * SCALE + GAP;
        let block = 3 * side + CAPTION;
        assert_eq!(
            image.dimensions(),
            (LEFT + 20 * side + GAP, TOP + 3 * block)
        );
        for index in [0u32, 19, 20, 44] {
            let (x, y) = (LEFT + index % 20 * side, TOP + index / 20 * block + side);
            assert_eq!(image.get_pixel(x, y).0, [index as u8; 3], "image {index}");
        }
    }
}
