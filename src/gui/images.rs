//! Small images as textures, crisp at any size.

use eframe::egui::{
    self, Color32, ColorImage, Context, Rect, TextureHandle, TextureOptions, Ui, Vec2, pos2, vec2,
};

use crate::data::ImageShape;

/// Fills a `ColorImage` with `bytes` (`[channels, height, width]`) at tile `tile` of an atlas whose
/// tiles stand one below the other.
fn write_tile(
    atlas: &mut ColorImage,
    shape: ImageShape,
    tile: usize,
    colour: impl Fn(usize) -> Color32,
) {
    let plane = shape.height * shape.width;
    for (pixel, target) in atlas
        .pixels
        .iter_mut()
        .skip(tile * plane)
        .take(plane)
        .enumerate()
    {
        *target = colour(pixel);
    }
}

/// Images of one shape in a single texture, updated as a whole.
#[derive(Default)]
pub struct Atlas {
    texture: Option<TextureHandle>,
    tiles: usize,
    size: Vec2,
}

/// One picture for the atlas.
pub enum Picture<'a> {
    /// An image as it is.
    Plain(&'a [u8]),
    /// The absolute difference of two images, black where they agree, towards `Color32` where not.
    Difference(&'a [u8], &'a [u8], Color32),
}

impl Atlas {
    /// Replaces all pictures.
    pub fn set(&mut self, ctx: &Context, name: &str, shape: ImageShape, pictures: &[Picture<'_>]) {
        let plane = shape.height * shape.width;
        self.tiles = pictures.len();
        self.size = vec2(shape.width as f32, shape.height as f32);
        if pictures.is_empty() || plane == 0 {
            self.texture = None;
            return;
        }
        let size = [shape.width, shape.height * pictures.len()];
        let mut image = ColorImage::filled(size, Color32::BLACK);
        for (tile, picture) in pictures.iter().enumerate() {
            match picture {
                Picture::Plain(bytes) => {
                    write_tile(&mut image, shape, tile, |pixel| plain(bytes, plane, pixel));
                }
                Picture::Difference(a, b, hue) => {
                    write_tile(&mut image, shape, tile, |pixel| {
                        difference(a, b, plane, pixel, *hue)
                    });
                }
            }
        }
        match &mut self.texture {
            Some(texture) => texture.set(image, TextureOptions::NEAREST),
            None => self.texture = Some(ctx.load_texture(name, image, TextureOptions::NEAREST)),
        }
    }

    /// Paints picture `tile` into `rect`.
    pub fn paint(&self, ui: &Ui, tile: usize, rect: Rect) {
        let Some(texture) = &self.texture else { return };
        if tile >= self.tiles {
            return;
        }
        let step = 1.0 / self.tiles as f32;
        let top = tile as f32 * step;
        let uv = Rect::from_min_max(pos2(0.0, top), pos2(1.0, top + step));
        ui.painter().image(texture.id(), rect, uv, Color32::WHITE);
    }
}

fn plain(bytes: &[u8], plane: usize, pixel: usize) -> Color32 {
    let channel = |place: usize| bytes.get(place * plane + pixel).copied();
    match (channel(0), channel(1), channel(2)) {
        (Some(r), Some(g), Some(b)) => Color32::from_rgb(r, g, b),
        (Some(grey), ..) => Color32::from_gray(grey),
        _ => Color32::BLACK,
    }
}

fn difference(a: &[u8], b: &[u8], plane: usize, pixel: usize, hue: Color32) -> Color32 {
    let channels = a.len() / plane;
    let total: f32 = (0..channels)
        .filter_map(|channel| {
            let place = channel * plane + pixel;
            Some(f32::from(a.get(place)?.abs_diff(*b.get(place)?)))
        })
        .sum();
    Color32::BLACK.lerp_to_gamma(hue, total / (255.0 * channels.max(1) as f32))
}

/// The side lengths, in points, of an image shown at `scale` whole physical pixels a pixel.
pub fn crisp_size(ui: &Ui, shape: ImageShape, scale: usize) -> Vec2 {
    vec2(shape.width as f32, shape.height as f32) * scale as f32 / ui.pixels_per_point()
}

/// The largest whole multiple at which an image is at most `width` points wide, at least 1.
pub fn crisp_scale(ui: &Ui, shape: ImageShape, width: f32) -> usize {
    let physical = width * ui.pixels_per_point();
    ((physical / shape.width.max(1) as f32).floor() as usize).max(1)
}

/// Moves `rect` to whole physical pixels, so that nearest-neighbour scaling stays even.
pub fn snapped(ui: &Ui, rect: Rect) -> Rect {
    use egui::emath::GuiRounding as _;
    Rect::from_min_size(rect.min.round_to_pixels(ui.pixels_per_point()), rect.size())
}
