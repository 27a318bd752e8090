//! Many small RGB images in one JPEG: the format of the bundled sample of CIFAR-10.

use std::io::Cursor;

use image::{
    ColorType, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage,
    codecs::jpeg::JpegEncoder,
};

use super::{ContentError, ImageShape, Split};

/// Images per row. A tile of 32×32 pixels consists of whole JPEG blocks, so that tiles do not mix.
const COLUMNS: usize = 50;
/// JPEG quality, 1–100: errors of a few grey levels, at a quarter of the uncompressed size.
const QUALITY: u8 = 96;
const SHAPE: ImageShape = ImageShape::COLOUR_32;
/// Pixels of one channel of an image.
const CHANNEL_SIZE: usize = SHAPE.height * SHAPE.width;

/// Encodes the 3×32×32 images of `split`, row by row. The same images always give the same bytes.
pub(super) fn encode(split: &Split) -> Result<Vec<u8>, ImageError> {
    let rows = split.len().div_ceil(COLUMNS).max(1);
    let mut sheet = RgbImage::new((COLUMNS * SHAPE.width) as u32, (rows * SHAPE.height) as u32);
    for index in 0..split.len() {
        let image = split.image(index);
        for pixel in 0..CHANNEL_SIZE {
            let (x, y) = pixel_position(index, pixel);
            let colour = [0, 1, 2].map(|channel| image[channel * CHANNEL_SIZE + pixel]);
            sheet.put_pixel(x, y, Rgb(colour));
        }
    }
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY).encode(
        &sheet,
        sheet.width(),
        sheet.height(),
        ColorType::Rgb8.into(),
    )?;
    Ok(bytes)
}

/// Decodes the first `count` images, `[images, 3, 32, 32]` bytes.
pub(super) fn decode(jpeg: &[u8], count: usize) -> Result<Vec<u8>, ContentError> {
    let mut reader = ImageReader::with_format(Cursor::new(jpeg), ImageFormat::Jpeg);
    reader.limits(Limits::default());
    let decoded = reader.decode();
    let sheet = decoded.map_err(|error| ContentError(format!("cannot be decoded: {error}")))?;
    let sheet = sheet.into_rgb8();
    let capacity = sheet.height() as usize / SHAPE.height * COLUMNS;
    if sheet.width() as usize != COLUMNS * SHAPE.width || capacity < count {
        return Err(ContentError(format!("has fewer than {count} images")));
    }
    let mut pixels = vec![0; count * SHAPE.pixels()];
    for (index, image) in pixels.chunks_exact_mut(SHAPE.pixels()).enumerate() {
        for pixel in 0..CHANNEL_SIZE {
            let (x, y) = pixel_position(index, pixel);
            for (channel, value) in sheet.get_pixel(x, y).0.into_iter().enumerate() {
                image[channel * CHANNEL_SIZE + pixel] = value;
            }
        }
    }
    Ok(pixels)
}

/// Position in the sheet of pixel `pixel` of image `index`.
fn pixel_position(index: usize, pixel: usize) -> (u32, u32) {
    let x = index % COLUMNS * SHAPE.width + pixel % SHAPE.width;
    let y = index / COLUMNS * SHAPE.height + pixel / SHAPE.width;
    (x as u32, y as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_decoded_in_order_with_small_errors() {
        // Smooth colours, different in each image.
        let pixels: Vec<u8> = (0..60usize)
            .flat_map(|image| {
                (0..3072)
                    .map(move |i| (image * 4 + i / 1024 * 20 + i % 32 / 4 + i / 32 % 32) as u8 / 2)
            })
            .collect();
        let split = Split::new(SHAPE, pixels.clone(), vec![0; 60]).unwrap();
        let jpeg = encode(&split).unwrap();
        assert_eq!(jpeg, encode(&split).unwrap());
        let decoded = decode(&jpeg, 60).unwrap();
        let errors = pixels.iter().zip(&decoded).map(|(a, b)| a.abs_diff(*b));
        let max_error = errors.max();
        assert!(max_error <= Some(12), "{max_error:?}");
        let too_few = decode(&jpeg, 101).unwrap_err();
        assert_eq!(too_few.to_string(), "has fewer than 101 images");
        assert!(decode(&jpeg[..20], 60).is_err());
        assert!(decode(b"not an image", 1).is_err());
    }
}
