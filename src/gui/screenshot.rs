//! The options `--exit-after` and `--screenshot`: saves a screenshot, then closes the window.

use std::{
    io::Cursor,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, bounded};
use eframe::egui::{ColorImage, Context, ViewportCommand};

use crate::fs::{Existing, write_whole};

/// Time limit for the screenshot.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Closes the window at a given time, and saves a screenshot before if requested.
#[derive(Debug)]
pub struct ScreenshotJob {
    due: Instant,
    file: Option<PathBuf>,
    /// Receives the screenshot, once it is requested.
    image: Option<Receiver<Arc<ColorImage>>>,
    /// Receives the message if the screenshot fails.
    error: Sender<String>,
}

impl ScreenshotJob {
    /// Closes the window `after` from now; a failure to save `file` is sent to `error`.
    pub fn new(after: Duration, file: Option<PathBuf>, error: Sender<String>) -> Self {
        Self {
            due: Instant::now() + after,
            file,
            image: None,
            error,
        }
    }

    /// Advances the job; called before every frame.
    pub fn update(&mut self, ctx: &Context) {
        let now = Instant::now();
        if now < self.due {
            ctx.request_repaint_after(self.due - now);
            return;
        }
        let Some(file) = &self.file else {
            ctx.send_viewport_cmd(ViewportCommand::Close);
            return;
        };
        let image = self.image.get_or_insert_with(|| {
            let (sender, receiver) = bounded(1);
            let repaint = ctx.clone();
            ctx.request_screenshot(move |image| {
                // Sending fails only if the window has closed meanwhile.
                let _ = sender.send(image);
                repaint.request_repaint();
            });
            receiver
        });
        let result = match image.try_recv() {
            Ok(image) => save(&image, file),
            Err(_) if now < self.due + TIMEOUT => {
                ctx.request_repaint();
                return;
            }
            Err(_) => Err(format!("no screenshot within {} s", TIMEOUT.as_secs())),
        };
        if let Err(reason) = result {
            // The receiver exists until the window has closed.
            let _ = self
                .error
                .send(format!("could not save {}: {reason}", file.display()));
        }
        ctx.send_viewport_cmd(ViewportCommand::Close);
    }
}

fn save(screenshot: &ColorImage, file: &Path) -> Result<(), String> {
    let [width, height] = screenshot.size;
    let pixels: Vec<u8> = screenshot
        .pixels
        .iter()
        .flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()])
        .collect();
    let side = |side: usize| u32::try_from(side).map_err(|error| error.to_string());
    let image = image::RgbImage::from_raw(side(width)?, side(height)?, pixels)
        .ok_or("the screenshot has an invalid size")?;
    let mut png = Cursor::new(Vec::new());
    image
        .write_to(&mut png, image::ImageFormat::Png)
        .map_err(|error| error.to_string())?;
    write_whole(file, png.get_ref(), Existing::Replace).map_err(|error| error.to_string())
}
