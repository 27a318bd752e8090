//! Writing animations as GIF or animated PNG.

use std::{io, ops::ControlFlow, path::Path, time::Duration};

use image::{
    Delay, Frame as GifFrame, RgbImage,
    buffer::ConvertBuffer as _,
    codecs::gif::{GifEncoder, Repeat},
};

use super::quantize::quantize;
use crate::{
    figures::FigureError,
    fs::{Existing, OutputFile},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// RGB, `[height, width, 3]`.
    pub pixels: Vec<u8>,
    /// Duration; a GIF file holds hundredths of a second.
    pub time: Duration,
}

/// A sequence of frames, each drawn on request.
pub trait Animation {
    /// Width and height in pixels, the same for all frames.
    fn size(&self) -> (u32, u32);

    fn frames(&self) -> usize;

    /// # Errors
    /// When it cannot be drawn.
    fn frame(&self, index: usize) -> Result<Frame, String>;
}

/// How writing files ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Written,
    /// It was cancelled; an incomplete file does not replace an existing one.
    Cancelled,
}

/// Writes an endlessly repeated animation as GIF or animated PNG, by the extension of `path` (gif, png
/// or apng), with one frame at a time in memory.
///
/// Calls `progress` before each frame, with the number of frames done and of all frames; it decides
/// whether to continue.
///
/// # Errors
/// When the extension is another, there are no frames, or one cannot be drawn or written.
pub fn save_animation(
    animation: &dyn Animation,
    path: &Path,
    mut progress: impl FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Ending, FigureError> {
    let failed = |reason: String| FigureError::new(path, reason);
    let io_failed = |error: io::Error| FigureError::new(path, error);
    let (size, frames) = (animation.size(), animation.frames());
    if frames == 0 {
        return Err(FigureError::new(path, "the animation has no frames"));
    }
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let mut file = OutputFile::create(path, Existing::Replace).map_err(io_failed)?;
    let mut encoder = match extension.to_str() {
        Some("gif") => Encoder::gif(&mut file, size),
        Some("png" | "apng") => Encoder::png(&mut file, size, frames),
        _ => Err("the file name must end in .gif, .png or .apng".to_owned()),
    }
    .map_err(failed)?;
    for index in 0..frames {
        if progress(index, frames).is_break() {
            return Ok(Ending::Cancelled);
        }
        let frame = animation.frame(index).map_err(failed)?;
        encoder.push(frame).map_err(failed)?;
    }
    encoder.finish().map_err(failed)?;
    file.finish().map_err(io_failed)?;
    // Completes a progress bar; there is nothing left to cancel.
    let _ = progress(frames, frames);
    Ok(Ending::Written)
}

enum Encoder<'a> {
    Gif {
        encoder: Box<GifEncoder<&'a mut OutputFile>>,
        size: (u32, u32),
    },
    Png(Box<png::Writer<&'a mut OutputFile>>),
}

impl<'a> Encoder<'a> {
    fn gif(file: &'a mut OutputFile, size: (u32, u32)) -> Result<Self, String> {
        let mut encoder = GifEncoder::new(file);
        encoder.set_repeat(Repeat::Infinite).map_err(message)?;
        let encoder = Box::new(encoder);
        Ok(Self::Gif { encoder, size })
    }

    fn png(
        file: &'a mut OutputFile,
        (width, height): (u32, u32),
        frames: usize,
    ) -> Result<Self, String> {
        let frames = u32::try_from(frames).map_err(|_| "the animation has too many frames")?;
        let mut encoder = png::Encoder::new(file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_animated(frames, 0).map_err(message)?;
        let writer = encoder.write_header().map_err(message)?;
        Ok(Self::Png(Box::new(writer)))
    }

    fn push(&mut self, frame: Frame) -> Result<(), String> {
        match self {
            Self::Gif { encoder, size } => {
                let (width, height) = *size;
                let mut pixels = frame.pixels;
                quantize(&mut pixels);
                let image = RgbImage::from_raw(width, height, pixels)
                    .filter(|image| image.as_raw().len() == 3 * width as usize * height as usize)
                    .ok_or("a frame has the wrong size")?;
                let delay = Delay::from_saturating_duration(frame.time);
                let frame = GifFrame::from_parts(image.convert(), 0, 0, delay);
                encoder.encode_frame(frame).map_err(message)
            }
            Self::Png(writer) => {
                let milliseconds = u16::try_from(frame.time.as_millis()).unwrap_or(u16::MAX);
                let timed = writer.set_frame_delay(milliseconds, 1000);
                timed
                    .and_then(|()| writer.write_image_data(&frame.pixels))
                    .map_err(message)
            }
        }
    }

    fn finish(self) -> Result<(), String> {
        match self {
            // The encoder writes its last byte when it is dropped.
            Self::Gif { .. } => Ok(()),
            Self::Png(writer) => writer.finish().map_err(message),
        }
    }
}

fn message(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use std::{fs, io::BufReader};

    use image::{
        AnimationDecoder as _,
        codecs::{gif::GifDecoder, png::PngDecoder},
    };

    use super::*;

    /// A square that moves from left to right: the number of frames, and the one that fails.
    struct MovingSquare(usize, Option<usize>);

    impl Animation for MovingSquare {
        fn size(&self) -> (u32, u32) {
            (40, 20)
        }

        fn frames(&self) -> usize {
            self.0
        }

        fn frame(&self, index: usize) -> Result<Frame, String> {
            if self.1 == Some(index) {
                return Err("drawing failed".to_owned());
            }
            let mut pixels = vec![0xff; 3 * 40 * 20];
            for line in pixels.chunks_exact_mut(3 * 40) {
                line[9 * index..9 * index + 9].copy_from_slice(&[0xd0, 0x5a, 0].repeat(3));
            }
            Ok(Frame {
                pixels,
                time: Duration::from_millis(50 + 100 * index as u64),
            })
        }
    }

    fn proceed(_: usize, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    #[test]
    fn written_frames_can_be_read_back() {
        let film = MovingSquare(5, None);
        let folder = tempfile::tempdir().unwrap();
        for name in ["film.gif", "film.png", "film.apng"] {
            let path = folder.path().join(name);
            let mut calls = Vec::new();
            let ending = save_animation(&film, &path, |done, total| {
                calls.push((done, total));
                ControlFlow::Continue(())
            });
            assert_eq!(ending.unwrap(), Ending::Written);
            assert_eq!(calls, [(0, 5), (1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]);
            let file = BufReader::new(fs::File::open(&path).unwrap());
            let frames = if name == "film.gif" {
                GifDecoder::new(file).unwrap().into_frames()
            } else {
                PngDecoder::new(file).unwrap().apng().unwrap().into_frames()
            };
            let frames = frames.collect_frames().unwrap();
            assert_eq!(frames.len(), 5, "{name}");
            for (index, frame) in frames.iter().enumerate() {
                let expected = film.frame(index).unwrap();
                let image: RgbImage = frame.buffer().convert();
                assert_eq!(image.dimensions(), (40, 20));
                assert_eq!(image.as_raw(), &expected.pixels, "{name}, frame {index}");
                assert_eq!(Duration::from(frame.delay()), expected.time, "{name}");
            }
        }
    }

    #[test]
    fn cancelled_and_failed_animations_leave_no_files() {
        let folder = tempfile::tempdir().unwrap();
        let is_empty = || fs::read_dir(folder.path()).unwrap().count() == 0;
        let film = MovingSquare(5, Some(3));
        for name in ["film.gif", "film.apng"] {
            let path = folder.path().join(name);
            let cancelled = save_animation(&film, &path, |done, _| match done {
                2 => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            });
            assert_eq!(cancelled.unwrap(), Ending::Cancelled);
            assert!(is_empty(), "{name} leaves a file");
            let error = message(save_animation(&film, &path, proceed).unwrap_err());
            assert!(error.contains(name) && error.contains("drawing failed"));
            assert!(is_empty(), "{name} leaves a file");
        }
        let save = |film, name| {
            message(save_animation(film, &folder.path().join(name), proceed).unwrap_err())
        };
        assert!(save(&MovingSquare(0, None), "film.gif").contains("no frames"));
        assert!(save(&film, "film.mp4").contains(".gif"));
        assert!(is_empty());
    }
}
