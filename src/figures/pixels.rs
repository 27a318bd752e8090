//! RGB pixels: images of a data set, drawings, PNG.

use std::io;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::palette::{RECONSTRUCTION_ON_DARK, Rgb};
use crate::data::ImageShape;

/// Enlarges an image of bytes `[channels, height, width]` by the factor `zoom`. Missing bytes are
/// black.
///
/// Returns width, height and RGB pixels `[height, width, 3]`.
pub fn enlarge(bytes: &[u8], shape: ImageShape, zoom: usize) -> (u32, u32, Vec<u8>) {
    let (width, height) = (shape.width * zoom, shape.height * zoom);
    let plane = shape.width * shape.height;
    let mut pixels = Vec::with_capacity(3 * width * height);
    for y in 0..height {
        for x in 0..width {
            let pixel = y / zoom * shape.width + x / zoom;
            pixels.extend(pixel_colour(bytes, plane, pixel));
        }
    }
    let side = |units: usize| u32::try_from(units).unwrap_or(0);
    (side(width), side(height), pixels)
}

/// Colour of a pixel of an image `[channels, height, width]` with `plane` pixels per channel.
fn pixel_colour(bytes: &[u8], plane: usize, pixel: usize) -> Rgb {
    let channel = |index: usize| bytes.get(index * plane + pixel).copied();
    match (channel(0), channel(1), channel(2)) {
        (Some(r), Some(g), Some(b)) => [r, g, b],
        (Some(grey), ..) => [grey; 3],
        _ => [0; 3],
    }
}

/// The absolute difference of two images of bytes `[channels, height, width]`, mean over the
/// channels: black where they agree, the orange of reconstruction where they are opposite.
///
/// Returns bytes `[3, height, width]` and their shape.
pub fn difference(a: &[u8], b: &[u8], shape: ImageShape) -> (Vec<u8>, ImageShape) {
    let plane = shape.width * shape.height;
    let difference = |pixel: usize| -> u32 {
        let colours = [a, b].map(|image| pixel_colour(image, plane, pixel));
        let channels = colours[0].into_iter().zip(colours[1]);
        channels.map(|(a, b)| u32::from(a.abs_diff(b))).sum()
    };
    let differences: Vec<u32> = (0..plane).map(difference).collect();
    let channel = |full: u8| {
        let scale = move |sum: &u32| (u32::from(full) * sum / (3 * 255)) as u8;
        differences.iter().map(scale)
    };
    let bytes = RECONSTRUCTION_ON_DARK.into_iter().flat_map(channel);
    let channels = 3;
    (bytes.collect(), ImageShape { channels, ..shape })
}

/// Averages each square of `factor`² RGB pixels into one; `width` is that of the result.
pub fn downscale(pixels: &[u8], width: usize, factor: usize) -> Vec<u8> {
    let row = 3 * width * factor;
    let count = u32::try_from(factor * factor).unwrap_or(1);
    let mut result = Vec::with_capacity(pixels.len() / (factor * factor));
    for rows in pixels.chunks_exact(row * factor) {
        for x in 0..width {
            for channel in 0..3 {
                let mut sum = 0;
                for line in rows.chunks_exact(row) {
                    for step in 0..factor {
                        sum += u32::from(line[3 * (x * factor + step) + channel]);
                    }
                }
                result.push(((sum + count / 2) / count) as u8);
            }
        }
    }
    result
}

/// Encodes RGB pixels as a PNG file.
///
/// # Errors
/// When their number does not match the size.
pub fn png(
    (width, height): (u32, u32),
    pixels: &[u8],
    dots_per_inch: Option<f64>,
) -> io::Result<Vec<u8>> {
    const INCHES_PER_METRE: f64 = 1.0 / 0.0254;
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Balanced);
    encoder.set_pixel_dims(dots_per_inch.map(|dots| {
        let per_metre = (dots * INCHES_PER_METRE).round() as u32;
        png::PixelDimensions {
            xppu: per_metre,
            yppu: per_metre,
            unit: png::Unit::Meter,
        }
    }));
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(file)
}

/// Encodes RGB pixels as a PNG file in a data URL, to be embedded in another file.
///
/// # Errors
/// When their number does not match the size.
pub fn data_url(size: (u32, u32), pixels: &[u8]) -> io::Result<String> {
    let file = png(size, pixels, None)?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(file)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GREY_2_BY_3: ImageShape = ImageShape {
        channels: 1,
        height: 2,
        width: 3,
    };
    const COLOUR_2_BY_3: ImageShape = ImageShape {
        channels: 3,
        ..GREY_2_BY_3
    };

    #[test]
    fn downscaling_reverts_enlarging() {
        let bytes: Vec<u8> = (0..18).map(|byte| byte * 13).collect();
        let (width, height, large) = enlarge(&bytes, COLOUR_2_BY_3, 4);
        assert_eq!((width, height, large.len()), (12, 8, 12 * 8 * 3));
        let small = downscale(&large, 3, 4);
        for pixel in 0..6 {
            assert_eq!(small[3 * pixel..][..3], pixel_colour(&bytes, 6, pixel));
        }
        assert_eq!(enlarge(&bytes[..6], GREY_2_BY_3, 1).2[15..], [65; 3]);
    }

    #[test]
    fn differences_go_from_black_to_orange() {
        let (black, white) = ([0; 6], [255; 6]);
        // Incomplete images count as black where bytes are missing.
        for (other, expected) in [
            (&black[..], [0; 3]),
            (&white[..], RECONSTRUCTION_ON_DARK),
            (&[][..], [0; 3]),
        ] {
            let (bytes, shape) = difference(&black, other, GREY_2_BY_3);
            assert_eq!(shape, COLOUR_2_BY_3);
            for pixel in 0..6 {
                assert_eq!(pixel_colour(&bytes, 6, pixel), expected);
            }
        }
    }

    #[test]
    fn a_png_file_contains_its_resolution() {
        let file = png((2, 1), &[1, 2, 3, 4, 5, 6], Some(300.0)).unwrap();
        let decoder = png::Decoder::new(io::Cursor::new(&file));
        let dots = decoder.read_info().unwrap().info().pixel_dims.unwrap();
        assert_eq!((dots.xppu, dots.yppu), (11811, 11811));
        assert_eq!(dots.unit, png::Unit::Meter);
        assert!(png((2, 2), &[0; 5], None).is_err());
    }
}
