//! Image files of the user, cropped and resized to the shape of a data set.

use std::{
    fmt::Display,
    fs,
    io::{self, Cursor, Read as _},
    path::Path,
    sync::{Mutex, PoisonError},
};

use image::{
    DynamicImage, ImageDecoder as _, ImageError, ImageFormat, ImageReader, Limits, RgbImage,
    imageops::FilterType, metadata::Orientation,
};

use super::{ContentError, ImageShape, LeftOut, LoadError};
use crate::fs::open_regular;

/// Extensions of image files that are read, in lower case.
const EXTENSIONS: [&str; 15] = [
    "png", "apng", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "gif", "tif", "tiff", "pgm", "ppm",
    "pbm", "pnm",
];
/// Extensions of other image files, in lower case.
const OTHER_EXTENSIONS: [&str; 14] = [
    "heic", "heif", "avif", "jxl", "jp2", "svg", "psd", "ico", "tga", "dng", "cr2", "nef", "dcm",
    "exr",
];
/// The most pixels of an image file.
const MAX_PIXELS: u64 = 1 << 27;
/// The most memory for decoding a file, in bytes.
const MAX_ALLOCATION: u64 = 512 << 20;
/// The largest file, in bytes.
const MAX_FILE_SIZE: u64 = 256 << 20;
/// Of images with more pixels than this, one is decoded at a time, so that memory stays bounded.
const LARGE: u64 = 1 << 24;
static LARGE_IMAGES: Mutex<()> = Mutex::new(());
/// No JPEG image has more pixels per byte than this; the rest of the file is missing.
const MAX_JPEG_PIXELS_PER_BYTE: u64 = 2048;
/// Images are reduced to this shorter side by a fast method, before they are resized by a better one.
const WORKING_SIDE: u32 = 256;
/// Opaque parts with a mean above this are shown on black instead of white.
const NEARLY_WHITE: u64 = 230;
/// Images of 16 bits per channel without a larger value are from cameras with 12 bits.
const MAX_12_BIT: u16 = 4095;

/// Why a file is not read as an image.
pub(super) struct PictureError {
    pub(super) reason: LeftOut,
    message: String,
}

impl PictureError {
    fn new(reason: LeftOut, message: &dyn Display) -> Self {
        let message = message.to_string();
        Self { reason, message }
    }
}

/// Reads an image file and fits it to `shape`, see [`fit`].
///
/// # Errors
/// When the file cannot be read, is not of a supported format, or is too large.
pub fn read_image(file: &Path, shape: ImageShape) -> Result<Vec<u8>, LoadError> {
    let image = decode(file).map_err(|error| {
        let error = ContentError(format!("cannot be read as an image: {}", error.message));
        LoadError::content(file, error)
    })?;
    Ok(fit(&image, shape))
}

/// Whether the extension of a file is that of an image that is read.
pub fn is_image(file: &Path) -> bool {
    has_extension(file, &EXTENSIONS)
}

/// Whether the extension of a file is that of an image, also in a format that is not read.
pub(super) fn is_any_image(file: &Path) -> bool {
    is_image(file) || has_extension(file, &OTHER_EXTENSIONS)
}

/// Whether a file begins like an image in a format that is read.
pub(super) fn has_image_content(file: &Path) -> bool {
    let mut start = Vec::new();
    open_regular(file)
        .and_then(|content| content.take(32).read_to_end(&mut start))
        .is_ok_and(|_| format_of(file, &start).is_ok())
}

fn has_extension(file: &Path, extensions: &[&str]) -> bool {
    file.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| extensions.contains(&extension.to_lowercase().as_str()))
}

/// Decodes an image file in the format that its content shows, upright and without transparency,
/// and reduces it to a shorter side of less than 512 pixels.
pub(super) fn decode(file: &Path) -> Result<DynamicImage, PictureError> {
    let bytes = read(file)?;
    let damaged = |error: ImageError| PictureError::new(LeftOut::Damaged, &error);
    let format = format_of(file, &bytes)?;
    let mut reader = ImageReader::with_format(Cursor::new(&bytes), format);
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_ALLOCATION);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS || decoder.total_bytes() > MAX_ALLOCATION {
        let message = format!("{width}×{height} pixels are too many");
        return Err(PictureError::new(LeftOut::TooLarge, &message));
    }
    if format == ImageFormat::Jpeg
        && (!has_jpeg_end(&bytes) || pixels / MAX_JPEG_PIXELS_PER_BYTE > bytes.len() as u64)
    {
        return Err(PictureError::new(LeftOut::Damaged, &"the file is cut off"));
    }
    let large = || LARGE_IMAGES.lock().unwrap_or_else(PoisonError::into_inner);
    let _large = (pixels > LARGE).then(large);
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    if image.color().has_alpha() {
        image = compose(&image);
    }
    let side = width.min(height);
    if side >= 2 * WORKING_SIDE {
        let [width, height] = [width, height]
            .map(|length| (u64::from(length) * u64::from(WORKING_SIDE) / u64::from(side)) as u32);
        image = image.thumbnail_exact(width, height);
    }
    image.apply_orientation(orientation);
    widen_12_bit(&mut image);
    Ok(image)
}

fn read(file: &Path) -> Result<Vec<u8>, PictureError> {
    let unreadable = |error: io::Error| PictureError::new(LeftOut::Unreadable, &error);
    let metadata = fs::metadata(file).map_err(unreadable)?;
    if !metadata.is_file() {
        return Err(PictureError::new(
            LeftOut::Special,
            &"it is not a regular file",
        ));
    }
    if metadata.len() > MAX_FILE_SIZE {
        return Err(PictureError::new(
            LeftOut::TooLarge,
            &"the file is too large",
        ));
    }
    let mut bytes = Vec::new();
    let mut content = open_regular(file).map_err(unreadable)?.take(MAX_FILE_SIZE);
    content.read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// The format that the content shows. Formats that begin with two letters need an extension as well:
/// so do many texts.
fn format_of(file: &Path, bytes: &[u8]) -> Result<ImageFormat, PictureError> {
    let guessed = image::guess_format(bytes);
    match guessed {
        Ok(ImageFormat::Bmp | ImageFormat::Pnm) if !is_image(file) => {}
        Ok(format) if format.reading_enabled() => return Ok(format),
        Err(_) if is_image(file) => {
            let message = "the content is not that of an image";
            return Err(PictureError::new(LeftOut::Damaged, &message));
        }
        _ => {}
    }
    let message = "the format is not supported";
    Err(PictureError::new(LeftOut::OtherFormat, &message))
}

/// Whether an end follows the start of the first scan: the decoder fills what is missing with grey.
/// Segments before it, which may contain a thumbnail with an end of its own, are passed over.
fn has_jpeg_end(bytes: &[u8]) -> bool {
    let mut start = 2;
    while let Some(&[0xff, marker, high, low]) = bytes.get(start..start + 4) {
        start += match marker {
            0xda => return bytes[start..].windows(2).any(|pair| pair == [0xff, 0xd9]),
            // Padding.
            0xff => 1,
            _ => 2 + usize::from(u16::from_be_bytes([high, low])),
        };
    }
    false
}

/// Composes an image on white, or on black if its opaque parts are nearly white.
fn compose(image: &DynamicImage) -> DynamicImage {
    let image = image.to_rgba8();
    let (mut sum, mut weight) = (0, 0);
    for pixel in image.pixels() {
        let [red, green, blue, alpha] = pixel.0.map(u64::from);
        sum += (red + green + blue) * alpha;
        weight += 3 * alpha;
    }
    let background = if sum > NEARLY_WHITE * weight { 0 } else { 255 };
    let mut opaque = RgbImage::new(image.width(), image.height());
    for (to, from) in opaque.pixels_mut().zip(image.pixels()) {
        let [colour @ .., alpha] = from.0.map(u32::from);
        to.0 = colour.map(|value| ((value * alpha + background * (255 - alpha)) / 255) as u8);
    }
    opaque.into()
}

/// Multiplies greyscale values of 12 bits by 16.
fn widen_12_bit(image: &mut DynamicImage) {
    if let DynamicImage::ImageLuma16(image) = image
        && image.pixels().all(|pixel| pixel.0[0] <= MAX_12_BIT)
    {
        for pixel in image.pixels_mut() {
            pixel.0[0] *= 16;
        }
    }
}

/// Crops `image` to its centre and resizes it, `[channels, height, width]` bytes.
pub(super) fn fit(image: &DynamicImage, shape: ImageShape) -> Vec<u8> {
    let (width, height) = (shape.width as u32, shape.height as u32);
    let resized = image
        .resize_to_fill(width, height, FilterType::Triangle)
        .into_rgb8();
    if shape.channels == 1 {
        let luma = |pixel: &image::Rgb<u8>| {
            let [red, green, blue] = pixel.0.map(f32::from);
            (0.299 * red + 0.587 * green + 0.114 * blue).round() as u8
        };
        return resized.pixels().map(luma).collect();
    }
    let channel = |index: usize| resized.pixels().map(move |pixel| pixel.0[index.min(2)]);
    (0..shape.channels).flat_map(channel).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use image::{GrayImage, ImageBuffer, Luma, Rgb, Rgba, RgbaImage};
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

    fn pixels(file: &Path) -> Vec<u8> {
        read_image(file, ImageShape::GREY_28).unwrap()
    }

    #[test]
    fn formats_are_read_by_content_and_cut_off_files_are_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let grey = GrayImage::from_fn(28, 28, |x, y| Luma([(x * 9) as u8 ^ (y as u8)]));
        for extension in [
            "png", "jpg", "jpe", "jfif", "webp", "bmp", "gif", "tif", "tiff", "pgm", "pnm",
        ] {
            let file = folder.path().join("image").with_extension(extension);
            let format = match extension {
                "jpe" | "jfif" => ImageFormat::Jpeg,
                extension => ImageFormat::from_extension(extension).unwrap(),
            };
            match format {
                ImageFormat::Gif => {
                    let colour = DynamicImage::from(grey.clone()).into_rgb8();
                    colour.save_with_format(&file, format).unwrap();
                }
                _ => grey.save_with_format(&file, format).unwrap(),
            }
            let whole = pixels(&file);
            let difference = whole.iter().zip(grey.as_raw()).map(|(a, b)| a.abs_diff(*b));
            assert!(difference.max().unwrap() < 40, "{extension}");

            let bytes = fs::read(&file).unwrap();
            let misnamed = folder.path().join("misnamed.png");
            fs::write(&misnamed, &bytes).unwrap();
            assert_eq!(pixels(&misnamed), whole);
            fs::write(&file, &bytes[..bytes.len() * 2 / 3]).unwrap();
            let error = decode(&file).err().unwrap();
            assert_eq!(error.reason, LeftOut::Damaged, "{extension}");
        }
    }

    #[test]
    fn transparency_is_composed_on_a_colour_that_contrasts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ink.png");
        for (ink, background) in [(0, 255), (255, 0), (100, 255)] {
            let image = RgbaImage::from_fn(28, 28, |x, _| {
                Rgba(if x < 14 { [ink, ink, ink, 255] } else { [0; 4] })
            });
            image.save(&file).unwrap();
            let pixels = pixels(&file);
            assert_eq!([pixels[0], pixels[27]], [ink, background]);
        }
    }

    #[test]
    fn images_of_16_and_of_12_bits_keep_their_range() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep.png");
        for white in [65535, 4095] {
            let image =
                ImageBuffer::from_fn(28, 28, |x, _| Luma([if x < 14 { white } else { 0_u16 }]));
            image.save(&file).unwrap();
            let pixels = pixels(&file);
            assert_eq!([pixels[0], pixels[27]], [255, 0]);
        }
    }

    #[test]
    fn photographs_are_turned_upright() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("photo.jpg");
        let image = GrayImage::from_fn(600, 600, |x, _| Luma([if x < 300 { 255 } else { 0 }]));
        image.save(&file).unwrap();
        let bytes = fs::read(&file).unwrap();
        // Orientation 6: the first row is the right side.
        let exif = b"\xff\xe1\x00\x22Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        // Telephones append films.
        let film = b"\xff\xda";
        fs::write(&file, [&bytes[..2], exif, &bytes[2..], film].concat()).unwrap();
        let pixels = pixels(&file);
        assert!(pixels[27] > 250 && pixels[0] > 250 && pixels[27 * 28] < 5);
    }

    #[test]
    fn small_files_that_claim_huge_images_are_refused_before_decoding() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("huge.jpg");
        GrayImage::new(8, 8).save(&file).unwrap();
        let mut bytes = fs::read(&file).unwrap();
        let frame = bytes
            .windows(2)
            .position(|pair| pair == [0xff, 0xc0])
            .unwrap();
        for (side, reason) in [(13_000_u16, LeftOut::TooLarge), (9_000, LeftOut::Damaged)] {
            let side = side.to_be_bytes();
            bytes[frame + 5..frame + 9].copy_from_slice(&[side, side].concat());
            fs::write(&file, &bytes).unwrap();
            assert_eq!(decode(&file).err().unwrap().reason, reason);
        }
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
