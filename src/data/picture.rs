//! Image files of the user, cropped and resized to the shape of a data set.

use std::{io::BufReader, path::Path};

use image::{DynamicImage, ImageReader, ImageResult, Limits, Rgba, imageops::FilterType};

use super::{ContentError, ImageShape, LoadError};
use crate::fs::open_regular;

/// Extensions of image files, in lower case.
const EXTENSIONS: [&str; 5] = ["png", "jpg", "jpeg", "bmp", "webp"];
/// The largest width or height of an image file, in pixels.
const MAX_SIDE: u32 = 20_000;
/// The most memory for decoding a file, in bytes.
const MAX_ALLOCATION: u64 = 512 << 20;

/// Reads an image file and fits it to `shape`, see [`fit`].
///
/// # Errors
/// When the file cannot be read, is not of a supported format, or is too large.
pub fn read_image(file: &Path, shape: ImageShape) -> Result<Vec<u8>, LoadError> {
    let image = decode(file).map_err(|error| {
        let error = ContentError(format!("cannot be read as an image: {error}"));
        LoadError::content(file, error)
    })?;
    Ok(fit(&image, shape))
}

/// Whether the extension of a file is that of an image.
pub fn is_image(file: &Path) -> bool {
    file.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| EXTENSIONS.contains(&extension.to_lowercase().as_str()))
}

/// Decodes an image file in the format that its content shows.
pub(super) fn decode(file: &Path) -> ImageResult<DynamicImage> {
    let file = BufReader::new(open_regular(file)?);
    let mut reader = ImageReader::new(file).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOCATION);
    reader.limits(limits);
    reader.decode()
}

/// Crops `image` to its centre and resizes it, `[channels, height, width]` bytes. Transparent pixels
/// become black.
pub(super) fn fit(image: &DynamicImage, shape: ImageShape) -> Vec<u8> {
    let (width, height) = (shape.width as u32, shape.height as u32);
    let resized = image
        .resize_to_fill(width, height, FilterType::Triangle)
        .into_rgba8();
    let opaque = |pixel: &Rgba<u8>, channel: usize| {
        let [.., alpha] = pixel.0;
        (u16::from(pixel.0[channel]) * u16::from(alpha) / 255) as u8
    };
    if shape.channels == 1 {
        let luma = |pixel| {
            let [red, green, blue] = [0, 1, 2].map(|channel| f32::from(opaque(pixel, channel)));
            (0.299 * red + 0.587 * green + 0.114 * blue).round() as u8
        };
        return resized.pixels().map(luma).collect();
    }
    let channel = |index: usize| {
        resized
            .pixels()
            .map(move |pixel| opaque(pixel, index.min(2)))
    };
    (0..shape.channels).flat_map(channel).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::{Rgb, RgbImage};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_image_is_cropped_to_its_centre() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wide.png");
        let wide = RgbImage::from_fn(280, 28, |x, _| {
            Rgb([if (126..154).contains(&x) { 255 } else { 0 }; 3])
        });
        wide.save(&file).unwrap();
        let pixels = read_image(&file, ImageShape::GREY_28).unwrap();
        assert!(pixels.iter().all(|byte| *byte == 255));
        let missing = read_image(&folder.path().join("missing.png"), ImageShape::GREY_28);
        let message = missing.unwrap_err().to_string();
        assert!(message.contains("missing.png cannot be read as an image: "));
    }

    proptest! {
        #[test]
        fn arbitrary_files_are_read_or_rejected(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            start in prop::sample::select(vec![
                &b"\x89PNG\r\n\x1a\n"[..],
                b"\xff\xd8\xff",
                b"BM",
                b"RIFF",
                b"",
            ]),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("any.png");
            fs::write(&file, [start, &bytes].concat()).unwrap();
            if let Ok(pixels) = read_image(&file, ImageShape::COLOUR_32) {
                prop_assert_eq!(pixels.len(), 3072);
            }
        }
    }
}
