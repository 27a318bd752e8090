//! Images within figures: enlarged, reduced, and embedded in text.

use std::io;

use crate::data::ImageShape;

/// An image of bytes `[channels, height, width]` as RGB pixels, every pixel `zoom` wide and high, with
/// its width and height; missing bytes are black.
pub fn enlarged(bytes: &[u8], shape: ImageShape, zoom: usize) -> (u32, u32, Vec<u8>) {
    let (width, height) = (shape.width * zoom, shape.height * zoom);
    let plane = shape.width * shape.height;
    let mut pixels = Vec::with_capacity(3 * width * height);
    for y in 0..height {
        for x in 0..width {
            let pixel = y / zoom * shape.width + x / zoom;
            pixels.extend(colour(bytes, plane, pixel));
        }
    }
    let side = |units: usize| u32::try_from(units).unwrap_or(0);
    (side(width), side(height), pixels)
}

/// The colour of a pixel of an image `[channels, height, width]`.
pub fn colour(bytes: &[u8], plane: usize, pixel: usize) -> [u8; 3] {
    let channel = |place: usize| bytes.get(place * plane + pixel).copied();
    match (channel(0), channel(1), channel(2)) {
        (Some(r), Some(g), Some(b)) => [r, g, b],
        (Some(grey), ..) => [grey; 3],
        _ => [0; 3],
    }
}

/// RGB pixels with every `times`² of them averaged into one; `width` is that of the result.
pub fn reduced(pixels: &[u8], width: usize, times: usize) -> Vec<u8> {
    let row = 3 * width * times;
    let share = u32::try_from(times * times).unwrap_or(1);
    let mut result = Vec::with_capacity(pixels.len() / (times * times));
    for rows in pixels.chunks_exact(row * times) {
        for x in 0..width {
            for channel in 0..3 {
                let mut sum = 0;
                for line in rows.chunks_exact(row) {
                    for step in 0..times {
                        sum += u32::from(line[3 * (x * times + step) + channel]);
                    }
                }
                result.push(((sum + share / 2) / share) as u8);
            }
        }
    }
    result
}

/// RGB pixels as the bytes of a PNG file.
///
/// # Errors
/// When their number does not fit the size.
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

/// RGB pixels as a PNG file in an address, for use within another file.
///
/// # Errors
/// When their number does not fit the size.
pub fn data_url(size: (u32, u32), pixels: &[u8]) -> io::Result<String> {
    let file = png(size, pixels, None)?;
    Ok(format!("data:image/png;base64,{}", base64(&file)))
}

/// Base 64 with padding (RFC 4648).
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |place: usize| u32::from(chunk.get(place).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = (word >> (18 - 6 * digit)) & 0x3f;
            let is_padding = digit > chunk.len();
            text.push(if is_padding {
                '='
            } else {
                char::from(DIGITS[value as usize])
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64_is_that_of_the_standard() {
        // The test vectors of RFC 4648, section 10.
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn images_grow_and_shrink_to_what_they_were() {
        let shape = ImageShape {
            channels: 3,
            height: 2,
            width: 3,
        };
        let bytes: Vec<u8> = (0..18).map(|byte| byte * 13).collect();
        let (width, height, large) = enlarged(&bytes, shape, 4);
        assert_eq!((width, height, large.len()), (12, 8, 12 * 8 * 3));
        let small = reduced(&large, 3, 4);
        for pixel in 0..6 {
            assert_eq!(small[3 * pixel..][..3], colour(&bytes, 6, pixel));
        }
        let grey = ImageShape {
            channels: 1,
            ..shape
        };
        assert_eq!(enlarged(&bytes[..6], grey, 1).2[15..], [65; 3]);
    }

    #[test]
    fn a_picture_says_how_large_it_is_on_paper() {
        let file = png((2, 1), &[1, 2, 3, 4, 5, 6], Some(300.0)).unwrap();
        let reader = png::Decoder::new(io::Cursor::new(&file))
            .read_info()
            .unwrap();
        let dots = reader.info().pixel_dims.unwrap();
        assert_eq!(
            (dots.xppu, dots.yppu, dots.unit),
            (11811, 11811, png::Unit::Meter)
        );
        assert!(png((2, 2), &[0; 5], None).is_err());
    }
}
