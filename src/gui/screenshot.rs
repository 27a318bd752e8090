//! `--exit-after` and `--screenshot`: the window looks at itself, then closes.

use std::{
    io::Cursor,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, bounded};
use eframe::egui::{ColorImage, Context, ViewportCommand};

use crate::fs::{Existing, write_whole};

/// How long to wait for the picture before giving up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Closes the window after a while, and saves a picture of it first if asked to.
#[derive(Debug)]
pub struct ScreenshotJob {
    due: Instant,
    file: Option<PathBuf>,
    /// Where the picture comes from, once it is asked for.
    picture: Option<Receiver<Arc<ColorImage>>>,
    /// Where to tell why there is no picture.
    failure: Sender<String>,
}

impl ScreenshotJob {
    /// Closes `after` from now; what goes wrong with `file` is sent to `failure`.
    pub fn new(after: Duration, file: Option<PathBuf>, failure: Sender<String>) -> Self {
        Self {
            due: Instant::now() + after,
            file,
            picture: None,
            failure,
        }
    }

    /// Called before every frame.
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
        let picture = self.picture.get_or_insert_with(|| {
            let (taken, picture) = bounded(1);
            let waker = ctx.clone();
            ctx.request_screenshot(move |image| {
                // The window may have closed meanwhile; then nobody waits for its picture.
                let _ = taken.send(image);
                waker.request_repaint();
            });
            picture
        });
        let picture = picture.try_recv().ok();
        let result = match picture {
            Some(picture) => save(&picture, file),
            None if now < self.due + PATIENCE => {
                ctx.request_repaint();
                return;
            }
            None => Err("the window gave no picture of itself".to_owned()),
        };
        if let Err(reason) = result {
            // The receiver waits until the window has closed.
            let _ = self
                .failure
                .send(format!("cannot save {}: {reason}", file.display()));
        }
        ctx.send_viewport_cmd(ViewportCommand::Close);
    }
}

fn save(picture: &ColorImage, file: &Path) -> Result<(), String> {
    let [width, height] = picture.size;
    let pixels: Vec<u8> = picture
        .pixels
        .iter()
        .flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b()])
        .collect();
    let side = |side: usize| u32::try_from(side).map_err(|error| error.to_string());
    let image = image::RgbImage::from_raw(side(width)?, side(height)?, pixels)
        .ok_or("the picture has the wrong size")?;
    let mut png = Cursor::new(Vec::new());
    image
        .write_to(&mut png, image::ImageFormat::Png)
        .map_err(|error| error.to_string())?;
    write_whole(file, png.get_ref(), Existing::Replace).map_err(|error| error.to_string())
}
