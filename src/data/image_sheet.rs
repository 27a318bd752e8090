//! Many small colour images as one JPEG: how a sample of CIFAR-10 is bundled.

use std::io::Cursor;

use image::{
    ColorType, ImageError, ImageFormat, ImageReader, Limits, RgbImage, codecs::jpeg::JpegEncoder,
};

use super::{ImageShape, Split};

/// Images side by side. A tile of 32×32 pixels is whole JPEG blocks, so neighbours do not mix.
const COLUMNS: usize = 50;
/// JPEG quality, 1–100: errors of a few grey values, at a quarter of the size of the pixels.
const QUALITY: u8 = 96;
const SHAPE: ImageShape = ImageShape::COLOUR_32;

/// Writes the 3×32×32 images of `split` row by row into one JPEG; the same images give the same bytes.
pub(super) fn encode(split: &Split) -> Result<Vec<u8>, ImageError> {
    let rows = split.len().div_ceil(COLUMNS);
    let mut atlas = RgbImage::new(
        (COLUMNS * SHAPE.width) as u32,
        (rows * SHAPE.height).max(1) as u32,
    );
    let plane = SHAPE.width * SHAPE.height;
    for index in 0..split.len() {
        let image = split.image(index);
        for pixel in 0..plane {
            let (x, y) = pixel_position(index, pixel);
            let colour = [0, 1, 2].map(|channel| image[channel * plane + pixel]);
            atlas.put_pixel(x, y, image::Rgb(colour));
        }
    }
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode(
        &atlas,
        atlas.width(),
        atlas.height(),
        ColorType::Rgb8.into(),
    )?;
    Ok(bytes)
}

/// Reads `count` images back, `[images, 3, 32, 32]` bytes; `None` where the atlas holds fewer.
pub(super) fn decode(jpeg: &[u8], count: usize) -> Result<Option<Vec<u8>>, ImageError> {
    let mut reader = ImageReader::with_format(Cursor::new(jpeg), ImageFormat::Jpeg);
    reader.limits(Limits::default());
    let atlas = reader.decode()?.into_rgb8();
    let held = atlas.height() as usize / SHAPE.height * COLUMNS;
    if atlas.width() as usize != COLUMNS * SHAPE.width || held < count {
        return Ok(None);
    }
    let plane = SHAPE.width * SHAPE.height;
    let mut pixels = vec![0; count * SHAPE.pixels()];
    for (index, image) in pixels.chunks_exact_mut(SHAPE.pixels()).enumerate() {
        for pixel in 0..plane {
            let (x, y) = pixel_position(index, pixel);
            let colour = atlas.get_pixel(x, y).0;
            for (channel, value) in colour.into_iter().enumerate() {
                image[channel * plane + pixel] = value;
            }
        }
    }
    Ok(Some(pixels))
}

/// Where pixel `pixel` of image `index` is in the atlas.
fn pixel_position(index: usize, pixel: usize) -> (u32, u32) {
    let x = index % COLUMNS * SHAPE.width + pixel % SHAPE.width;
    let y = index / COLUMNS * SHAPE.height + pixel / SHAPE.width;
    (x as u32, y as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_come_back_nearly_as_they_were_and_in_their_places() {
        // Smooth colours, another for each image.
        let pixels: Vec<u8> = (0..60usize)
            .flat_map(|image| {
                (0..3072)
                    .map(move |i| (image * 4 + i / 1024 * 20 + i % 32 / 4 + i / 32 % 32) as u8 / 2)
            })
            .collect();
        let split = Split::new(SHAPE, pixels.clone(), vec![0; 60]).unwrap();
        let jpeg = encode(&split).unwrap();
        assert_eq!(jpeg, encode(&split).unwrap());
        let back = decode(&jpeg, 60).unwrap().unwrap();
        let furthest = pixels.iter().zip(&back).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(furthest <= Some(12), "{furthest:?}");
        assert_eq!(decode(&jpeg, 101).unwrap(), None);
        assert!(decode(&jpeg[..20], 60).is_err());
        assert!(decode(b"no picture", 1).is_err());
    }
}
