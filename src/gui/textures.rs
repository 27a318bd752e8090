//! One cache for the textures of images.
//!
//! What a texture shows follows from its key alone, and shared data are compared by identity: a texture can
//! neither be outdated nor belong to another run, lane or step than its key.

use std::{collections::HashMap, sync::Arc};

use eframe::egui::{Color32, Rect, Ui};

use super::{
    images::{Atlas, Picture},
    shared::Shared,
};
use crate::{
    data::{Dataset, ImageShape},
    sweep::Record,
    train::{ImageResult, Snapshot},
};

/// Tiles of an image in [`Images::Grid`], [`Images::Selected`] and [`Images::Custom`].
pub const TILES: usize = 3;
/// The image itself.
pub const INPUT: usize = 0;
/// Its reconstruction.
pub const RECONSTRUCTION: usize = 1;
/// The absolute difference of the two.
pub const DIFFERENCE: usize = 2;

/// The images of one texture, tile after tile.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Images {
    /// [`TILES`] for each image of a snapshot's grid, differences in the given colour.
    Grid(Shared<Snapshot>, Shared<Dataset>, Color32),
    /// [`TILES`] for the selected image of a snapshot.
    Selected(Shared<Snapshot>, Shared<Dataset>, Color32),
    /// [`TILES`] for the image of a snapshot that is not in the data set.
    Custom(Shared<Snapshot>, Shared<Dataset>, Color32),
    /// One test image.
    Test(Shared<Dataset>, u32),
    /// Input and reconstruction of each image that a finished run was stored with.
    Stored(Shared<Record>),
    /// Bytes `[images, channels, height, width]`.
    Bytes(ImageShape, Arc<[u8]>),
}

impl Images {
    /// Brings the images to the GPU.
    fn upload(&self, ui: &Ui, atlas: &mut Atlas) {
        let ctx = ui.ctx();
        match self {
            Self::Grid(snapshot, dataset, hue) => {
                let readings = snapshot.grid.iter();
                let pictures: Vec<_> = readings
                    .flat_map(|reading| of_reading(dataset, reading, *hue))
                    .collect();
                atlas.set(ctx, "reconstructions", dataset.shape, &pictures);
            }
            Self::Selected(snapshot, dataset, hue) => {
                let selected = snapshot.selected.as_ref();
                let pictures = selected.map(|reading| of_reading(dataset, reading, *hue));
                let pictures = pictures.as_ref().map_or(&[][..], |pictures| &pictures[..]);
                atlas.set(ctx, "selected image", dataset.shape, pictures);
            }
            Self::Custom(snapshot, dataset, hue) => {
                let custom = snapshot.custom_image.as_ref();
                let pictures =
                    custom.map(|own| tiles(&own.pixels, &own.result.reconstruction, *hue));
                let pictures = pictures.as_ref().map_or(&[][..], |pictures| &pictures[..]);
                atlas.set(ctx, "custom image", dataset.shape, pictures);
            }
            Self::Test(dataset, index) => {
                let picture = Picture::Plain(test_image(dataset, *index));
                atlas.set(ctx, "test image", dataset.shape, &[picture]);
            }
            Self::Stored(record) => {
                let pictures: Vec<_> = record
                    .eval_sample
                    .reconstructions
                    .iter()
                    .flat_map(|cell| [&cell.input, &cell.reconstruction])
                    .map(|bytes| Picture::Plain(bytes))
                    .collect();
                atlas.set(ctx, "stored images", record.shape, &pictures);
            }
            Self::Bytes(shape, bytes) => {
                let images = bytes.chunks_exact(shape.pixels().max(1));
                let pictures: Vec<_> = images.map(Picture::Plain).collect();
                atlas.set(ctx, "images", *shape, &pictures);
            }
        }
    }
}

fn of_reading<'a>(
    dataset: &'a Dataset,
    reading: &'a ImageResult,
    hue: Color32,
) -> [Picture<'a>; TILES] {
    let input = test_image(dataset, reading.index);
    tiles(input, &reading.reconstruction, hue)
}

fn tiles<'a>(input: &'a [u8], reconstruction: &'a [u8], hue: Color32) -> [Picture<'a>; TILES] {
    [
        Picture::Plain(input),
        Picture::Plain(reconstruction),
        Picture::Difference(input, reconstruction, hue),
    ]
}

/// A test image; no bytes where the data set has no such image.
fn test_image(dataset: &Dataset, index: u32) -> &[u8] {
    let index = index as usize;
    if index < dataset.test.len() {
        dataset.test.image(index)
    } else {
        &[]
    }
}

/// Textures that are in use, each uploaded once.
#[derive(Default)]
pub struct TextureCache {
    entries: HashMap<Images, Entry>,
    /// Number of the frame that is being drawn.
    frame: u64,
}

struct Entry {
    atlas: Atlas,
    /// The last frame that painted it.
    used: u64,
}

impl TextureCache {
    /// Paints tile `tile` of `images` into `rect`.
    pub fn paint(&mut self, ui: &Ui, images: &Images, tile: usize, rect: Rect) {
        let frame = self.frame;
        if let Some(entry) = self.entries.get_mut(images) {
            entry.used = frame;
            entry.atlas.paint(ui, tile, rect);
            return;
        }
        let mut atlas = Atlas::default();
        images.upload(ui, &mut atlas);
        atlas.paint(ui, tile, rect);
        let entry = Entry { atlas, used: frame };
        self.entries.insert(images.clone(), entry);
    }

    /// Begins the next frame: textures that the last one did not paint are freed.
    pub fn next_frame(&mut self) {
        let last = self.frame;
        self.entries.retain(|_, entry| entry.used == last);
        self.frame += 1;
    }
}
