//! The cache of image textures.
//!
//! The key of a texture determines its content, and shared data are compared by identity, so a
//! texture is never outdated.

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

/// Number of tiles per image in [`Images::Grid`], [`Images::Selected`] and [`Images::Custom`].
pub const TILES: usize = 3;
/// Tile of the image itself.
pub const INPUT: usize = 0;
/// Tile of its reconstruction.
pub const RECONSTRUCTION: usize = 1;
/// Tile of their absolute difference.
pub const DIFFERENCE: usize = 2;

/// The images of one texture, which is also its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Images {
    /// [`TILES`] per image of a snapshot's grid, differences in the given colour.
    Grid(Shared<Snapshot>, Shared<Dataset>, Color32),
    /// [`TILES`] for the selected image of a snapshot.
    Selected(Shared<Snapshot>, Shared<Dataset>, Color32),
    /// [`TILES`] for the image of a snapshot that is not in the data set.
    Custom(Shared<Snapshot>, Shared<Dataset>, Color32),
    /// One test image.
    Test(Shared<Dataset>, u32),
    /// Input and reconstruction of each stored image of a finished run.
    Stored(Shared<Record>),
    /// Bytes `[images, channels, height, width]`.
    Bytes(ImageShape, Arc<[u8]>),
}

impl Images {
    /// Uploads the images to the GPU.
    fn upload(&self, ui: &Ui, atlas: &mut Atlas) {
        let ctx = ui.ctx();
        match self {
            Self::Grid(snapshot, dataset, hue) => {
                let pictures: Vec<_> = snapshot
                    .grid
                    .iter()
                    .flat_map(|result| result_tiles(dataset, result, *hue))
                    .collect();
                atlas.set(ctx, "reconstructions", dataset.shape, &pictures);
            }
            Self::Selected(snapshot, dataset, hue) => {
                let selected = snapshot.selected.iter();
                let pictures: Vec<_> = selected
                    .flat_map(|result| result_tiles(dataset, result, *hue))
                    .collect();
                atlas.set(ctx, "selected image", dataset.shape, &pictures);
            }
            Self::Custom(snapshot, dataset, hue) => {
                let custom = snapshot.custom_image.iter();
                let pictures: Vec<_> = custom
                    .flat_map(|image| tiles(&image.pixels, &image.result.reconstruction, *hue))
                    .collect();
                atlas.set(ctx, "custom image", dataset.shape, &pictures);
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
                    .flat_map(|stored| [&stored.input, &stored.reconstruction])
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

fn result_tiles<'a>(
    dataset: &'a Dataset,
    result: &'a ImageResult,
    hue: Color32,
) -> [Picture<'a>; TILES] {
    let input = test_image(dataset, result.index);
    tiles(input, &result.reconstruction, hue)
}

fn tiles<'a>(input: &'a [u8], reconstruction: &'a [u8], hue: Color32) -> [Picture<'a>; TILES] {
    [
        Picture::Plain(input),
        Picture::Plain(reconstruction),
        Picture::Difference(input, reconstruction, hue),
    ]
}

/// A test image; empty if the data set has none with this index.
fn test_image(dataset: &Dataset, index: u32) -> &[u8] {
    let index = index as usize;
    if index < dataset.test.len() {
        dataset.test.image(index)
    } else {
        &[]
    }
}

/// The textures in use, each uploaded once.
#[derive(Default)]
pub struct TextureCache {
    entries: HashMap<Images, Entry>,
    /// Number of the current frame.
    frame: u64,
}

struct Entry {
    atlas: Atlas,
    /// Number of the last frame that painted it.
    last_used: u64,
}

impl TextureCache {
    /// Paints tile `tile` of `images` into `rect`.
    pub fn paint(&mut self, ui: &Ui, images: &Images, tile: usize, rect: Rect) {
        let frame = self.frame;
        if let Some(entry) = self.entries.get_mut(images) {
            entry.last_used = frame;
            entry.atlas.paint(ui, tile, rect);
            return;
        }
        let mut atlas = Atlas::default();
        images.upload(ui, &mut atlas);
        atlas.paint(ui, tile, rect);
        let last_used = frame;
        let entry = Entry { atlas, last_used };
        self.entries.insert(images.clone(), entry);
    }

    /// Starts the next frame and frees textures that the last one did not paint.
    pub fn next_frame(&mut self) {
        let last = self.frame;
        self.entries.retain(|_, entry| entry.last_used == last);
        self.frame += 1;
    }
}
