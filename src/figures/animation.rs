//! Pictures one after the other, into a GIF or an animated PNG file.

use std::{ops::ControlFlow, path::Path, time::Duration};

use image::{
    Delay, Frame as GifFrame, RgbImage,
    buffer::ConvertBuffer as _,
    codecs::gif::{GifEncoder, Repeat},
};

use super::{FigureError, quantize};
use crate::fs::{Existing, OutputFile};

/// One picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// RGB, `[height, width, 3]`.
    pub pixels: Vec<u8>,
    /// How long it is shown, to the hundredth of a second.
    pub time: Duration,
}

/// Pictures that are made when they are needed.
pub trait Animation {
    /// Width and height in pixels, the same for all frames.
    fn size(&self) -> (u32, u32);

    /// Number of frames.
    fn frames(&self) -> usize;

    /// The frame at this place.
    ///
    /// # Errors
    /// When it cannot be drawn.
    fn frame(&self, place: usize) -> Result<Frame, String>;
}

/// How the writing of an animation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The file is there.
    Written,
    /// It was cancelled; what was there before is as it was.
    Cancelled,
}

/// Formats that an animation can be written in, by the extension of the file.
pub const ANIMATION_EXTENSIONS: [&str; 3] = ["gif", "png", "apng"];

/// Writes an animation that repeats for ever, as GIF or as animated PNG, whichever the extension of
/// `path` says, holding one frame at a time in memory.
///
/// `progress` is asked before each frame, with the number of frames done and of all, whether to go
/// on.
///
/// # Errors
/// When the extension is another, there is no frame, or one cannot be drawn or written.
pub fn save_animation(
    animation: &dyn Animation,
    path: &Path,
    mut progress: impl FnMut(usize, usize) -> ControlFlow<()>,
) -> Result<Ending, FigureError> {
    let failed = |reason: String| FigureError::new(path, reason);
    let (size, frames) = (animation.size(), animation.frames());
    if frames == 0 {
        return Err(FigureError::new(path, "it would have no frame"));
    }
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let mut file =
        OutputFile::create(path, Existing::Replace).map_err(|error| failed(error.to_string()))?;
    let mut encoder = match extension.to_str() {
        Some("gif") => Encoder::gif(&mut file, size),
        Some("png" | "apng") => Encoder::png(&mut file, size, frames),
        _ => Err("its name must end in .gif, .png or .apng".to_owned()),
    }
    .map_err(failed)?;
    for place in 0..frames {
        if progress(place, frames).is_break() {
            return Ok(Ending::Cancelled);
        }
        let frame = animation.frame(place).map_err(failed)?;
        encoder.push(frame).map_err(failed)?;
    }
    encoder.finish().map_err(failed)?;
    file.finish().map_err(|error| failed(error.to_string()))?;
    // A last word, so that a bar can fill; there is nothing left to cancel.
    let _ = progress(frames, frames);
    Ok(Ending::Written)
}

/// What turns frames into bytes.
enum Encoder<'a> {
    Gif {
        encoder: Box<GifEncoder<&'a mut OutputFile>>,
        size: (u32, u32),
    },
    Png(Box<png::Writer<&'a mut OutputFile>>),
}

impl<'a> Encoder<'a> {
    fn gif(file: &'a mut OutputFile, size: (u32, u32)) -> Result<Self, String> {
        // A frame that has 256 colours or fewer keeps them; there is nothing to hurry.
        let mut encoder = GifEncoder::new(file);
        encoder.set_repeat(Repeat::Infinite).map_err(told)?;
        Ok(Self::Gif {
            encoder: Box::new(encoder),
            size,
        })
    }

    fn png(
        file: &'a mut OutputFile,
        (width, height): (u32, u32),
        frames: usize,
    ) -> Result<Self, String> {
        let frames = u32::try_from(frames).map_err(|_| "it has too many frames")?;
        let mut encoder = png::Encoder::new(file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_animated(frames, 0).map_err(told)?;
        Ok(Self::Png(Box::new(encoder.write_header().map_err(told)?)))
    }

    fn push(&mut self, frame: Frame) -> Result<(), String> {
        match self {
            Self::Gif { encoder, size } => {
                let (width, height) = *size;
                let mut pixels = frame.pixels;
                quantize::quantize(&mut pixels);
                let image = RgbImage::from_raw(width, height, pixels)
                    .filter(|image| image.as_raw().len() == 3 * width as usize * height as usize)
                    .ok_or("a frame has another size")?;
                let delay = Delay::from_saturating_duration(frame.time);
                let frame = GifFrame::from_parts(image.convert(), 0, 0, delay);
                encoder.encode_frame(frame).map_err(told)
            }
            Self::Png(writer) => {
                let thousandths = u16::try_from(frame.time.as_millis()).unwrap_or(u16::MAX);
                writer.set_frame_delay(thousandths, 1000).map_err(told)?;
                writer.write_image_data(&frame.pixels).map_err(told)
            }
        }
    }

    fn finish(self) -> Result<(), String> {
        match self {
            // Its last byte is written when it is dropped.
            Self::Gif { .. } => Ok(()),
            Self::Png(writer) => writer.finish().map_err(told),
        }
    }
}

fn told(error: impl std::fmt::Display) -> String {
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

    /// A square that wanders from left to right.
    struct Wandering {
        frames: usize,
        broken: Option<usize>,
    }

    impl Animation for Wandering {
        fn size(&self) -> (u32, u32) {
            (40, 20)
        }

        fn frames(&self) -> usize {
            self.frames
        }

        fn frame(&self, place: usize) -> Result<Frame, String> {
            if self.broken == Some(place) {
                return Err("no more paint".to_owned());
            }
            let mut pixels = vec![0xff; 3 * 40 * 20];
            for line in pixels.chunks_exact_mut(3 * 40) {
                line[9 * place..9 * place + 9].copy_from_slice(&[0xd0, 0x5a, 0].repeat(3));
            }
            Ok(Frame {
                pixels,
                time: Duration::from_millis(50 + 100 * place as u64),
            })
        }
    }

    fn go_on(_: usize, _: usize) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    #[test]
    fn frames_come_back_from_the_file() {
        let film = Wandering {
            frames: 5,
            broken: None,
        };
        let folder = tempfile::tempdir().unwrap();
        for name in ["film.gif", "film.png", "film.apng"] {
            let path = folder.path().join(name);
            let mut told = Vec::new();
            let ending = save_animation(&film, &path, |done, of| {
                told.push((done, of));
                ControlFlow::Continue(())
            });
            assert_eq!(ending.unwrap(), Ending::Written);
            assert_eq!(told, [(0, 5), (1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]);
            let file = BufReader::new(fs::File::open(&path).unwrap());
            let frames = if name == "film.gif" {
                GifDecoder::new(file).unwrap().into_frames()
            } else {
                PngDecoder::new(file).unwrap().apng().unwrap().into_frames()
            };
            let frames = frames.collect_frames().unwrap();
            assert_eq!(frames.len(), 5, "{name}");
            for (place, frame) in frames.iter().enumerate() {
                let wanted = film.frame(place).unwrap();
                let image: RgbImage = frame.buffer().convert();
                assert_eq!(image.dimensions(), (40, 20));
                assert_eq!(image.as_raw(), &wanted.pixels, "{name}, frame {place}");
                assert_eq!(Duration::from(frame.delay()), wanted.time, "{name}");
            }
        }
    }

    #[test]
    fn what_is_cancelled_or_fails_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let is_empty = || fs::read_dir(folder.path()).unwrap().count() == 0;
        let film = Wandering {
            frames: 5,
            broken: Some(3),
        };
        for name in ["film.gif", "film.apng"] {
            let path = folder.path().join(name);
            let cancelled = save_animation(&film, &path, |done, _| {
                if done == 2 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            });
            assert_eq!(cancelled.unwrap(), Ending::Cancelled);
            assert!(is_empty(), "{name} leaves something");
            let error = save_animation(&film, &path, go_on).unwrap_err().to_string();
            assert!(
                error.contains(name) && error.contains("no more paint"),
                "{error}"
            );
            assert!(is_empty(), "{name} leaves something");
        }
        let none = Wandering {
            frames: 0,
            broken: None,
        };
        let path = folder.path().join("film.gif");
        assert!(save_animation(&none, &path, go_on).is_err());
        let path = folder.path().join("film.mp4");
        let error = save_animation(&film, &path, go_on).unwrap_err().to_string();
        assert!(error.contains(".gif"), "{error}");
        assert!(is_empty());
    }
}
