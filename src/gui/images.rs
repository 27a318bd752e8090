//! Paints small images from textures at whole multiples of physical pixels.

use eframe::egui::{
    self, Color32, ColorImage, Context, Rect, TextureHandle, TextureOptions, Ui, Vec2, vec2,
};

use super::tile_grid::TileGrid;
use crate::data::ImageShape;

/// Images of one shape, in one texture or, where it would exceed the GPU's limit, in several.
#[derive(Default)]
pub struct Atlas {
    grid: TileGrid,
    /// One per page of the grid.
    textures: Vec<TextureHandle>,
}

/// The content of a tile; images are bytes `[channels, height, width]`.
pub enum Picture<'a> {
    /// An unchanged image.
    Plain(&'a [u8]),
    /// The absolute difference of two images, from black (equal) to the given colour.
    Difference(&'a [u8], &'a [u8], Color32),
}

impl Atlas {
    /// Replaces all tiles.
    pub fn set(&mut self, ctx: &Context, name: &str, shape: ImageShape, pictures: &[Picture<'_>]) {
        let limit = ctx.input(|input| input.max_texture_side);
        let (grid, pages) = pages(shape, pictures, limit);
        self.grid = grid;
        self.textures.truncate(pages.len());
        for (index, page) in pages.into_iter().enumerate() {
            if let Some(texture) = self.textures.get_mut(index) {
                texture.set(page, TextureOptions::NEAREST);
            } else {
                let texture = ctx.load_texture(name, page, TextureOptions::NEAREST);
                self.textures.push(texture);
            }
        }
    }

    /// Paints a tile into `rect`; nothing if there is none with this index.
    pub fn paint(&self, ui: &Ui, tile: usize, rect: Rect) {
        let (page, uv) = self.grid.uv(tile);
        if tile < self.grid.tiles()
            && let Some(texture) = self.textures.get(page)
        {
            ui.painter().image(texture.id(), rect, uv, Color32::WHITE);
        }
    }
}

/// Arranges pictures as tiles of pages with sides of at most `limit` pixels.
fn pages(shape: ImageShape, pictures: &[Picture<'_>], limit: usize) -> (TileGrid, Vec<ColorImage>) {
    let pixels = shape.height * shape.width;
    let tiles = if pixels == 0 { 0 } else { pictures.len() };
    let grid = TileGrid::new(tiles, [shape.width, shape.height], limit);
    let mut pages: Vec<ColorImage> = (0..grid.pages())
        .map(|page| ColorImage::filled(grid.page_size(page), Color32::BLACK))
        .collect();
    for (tile, picture) in pictures.iter().enumerate().take(tiles) {
        let (page, corner) = grid.position(tile);
        let page = &mut pages[page];
        match picture {
            Picture::Plain(bytes) => {
                write_tile(page, shape, corner, |pixel| plain(bytes, pixels, pixel));
            }
            Picture::Difference(a, b, hue) => {
                write_tile(page, shape, corner, |pixel| {
                    difference(a, b, pixels, pixel, *hue)
                });
            }
        }
    }
    (grid, pages)
}

/// Writes the tile at a corner of a page; `colour` maps pixel indices, row by row, to colours.
fn write_tile(
    page: &mut ColorImage,
    shape: ImageShape,
    [x, y]: [usize; 2],
    colour: impl Fn(usize) -> Color32,
) {
    for row in 0..shape.height {
        for column in 0..shape.width {
            page[(x + column, y + row)] = colour(row * shape.width + column);
        }
    }
}

fn plain(bytes: &[u8], pixels: usize, pixel: usize) -> Color32 {
    let channel = |channel: usize| bytes.get(channel * pixels + pixel).copied();
    match (channel(0), channel(1), channel(2)) {
        (Some(r), Some(g), Some(b)) => Color32::from_rgb(r, g, b),
        (Some(grey), ..) => Color32::from_gray(grey),
        _ => Color32::BLACK,
    }
}

fn difference(a: &[u8], b: &[u8], pixels: usize, pixel: usize, hue: Color32) -> Color32 {
    let channels = a.len() / pixels;
    let total: f32 = (0..channels)
        .filter_map(|channel| {
            let index = channel * pixels + pixel;
            Some(f32::from(a.get(index)?.abs_diff(*b.get(index)?)))
        })
        .sum();
    Color32::BLACK.lerp_to_gamma(hue, total / (255.0 * channels.max(1) as f32))
}

/// Smallest side of an image in a grid, in points at any zoom; more images scroll.
pub const MIN_SIDE: f32 = 28.0;

/// Size in points of an image shown at `scale` physical pixels per pixel.
pub fn crisp_size(ui: &Ui, shape: ImageShape, scale: usize) -> Vec2 {
    vec2(shape.width as f32, shape.height as f32) * scale as f32 / ui.pixels_per_point()
}

/// The largest whole scale at which an image is at most `width` points wide, at least 1.
pub fn crisp_scale(ui: &Ui, shape: ImageShape, width: f32) -> usize {
    let physical = width * ui.pixels_per_point();
    ((physical / shape.width.max(1) as f32).floor() as usize).max(1)
}

/// Moves `rect` to whole physical pixels, so that nearest-neighbour scaling stays even.
pub fn snapped(ui: &Ui, rect: Rect) -> Rect {
    use egui::emath::GuiRounding as _;
    Rect::from_min_size(rect.min.round_to_pixels(ui.pixels_per_point()), rect.size())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tile_has_the_pixels_of_its_picture() {
        let shape = ImageShape {
            channels: 3,
            height: 2,
            width: 3,
        };
        let images: Vec<Vec<u8>> = (0..100u8)
            .map(|image| (0..18).map(|byte| image + byte).collect())
            .collect();
        let black = vec![0; 18];
        // Each image, and its difference from black.
        let pictures: Vec<Picture<'_>> = images
            .iter()
            .flat_map(|image| {
                [
                    Picture::Plain(image),
                    Picture::Difference(image, &black, Color32::WHITE),
                ]
            })
            .collect();
        // One page, and several.
        for limit in [64, 20] {
            let (grid, pages) = pages(shape, &pictures, limit);
            assert_eq!(grid.pages(), pages.len());
            assert_eq!(pages.len() > 1, limit == 20);
            for (index, image) in images.iter().enumerate() {
                for tile in [2 * index, 2 * index + 1] {
                    // The same lookup as `Atlas::paint`.
                    let (page, uv) = grid.uv(tile);
                    let page = &pages[page];
                    let size = vec2(page.width() as f32, page.height() as f32);
                    let corner = uv.min.to_vec2() * size;
                    assert!((uv.size() * size - vec2(3.0, 2.0)).length() < 1e-3);
                    for pixel in 0..6 {
                        let x = corner.x.round() as usize + pixel % 3;
                        let y = corner.y.round() as usize + pixel / 3;
                        let expected = if tile % 2 == 0 {
                            plain(image, 6, pixel)
                        } else {
                            difference(image, &black, 6, pixel, Color32::WHITE)
                        };
                        assert_eq!(page[(x, y)], expected, "tile {tile}, pixel {pixel}");
                    }
                }
            }
        }
    }
}
