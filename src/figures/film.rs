//! Cloud and reconstructions as they change: over λ, or while a network trains.

use std::{ops::RangeInclusive, time::Duration};

use plotters::{
    element::{Circle, Rectangle},
    style::text_anchor::{HPos, VPos},
};

use super::{
    animation::{Animation, Frame},
    cloud::{Cloud, Space},
    palette::{self, Rgb},
    panels::{FAINT, INK},
    sheet::{self, DrawError, Page, text_width},
    spectrum_choice::Spectrum,
};
use crate::{
    data::{Dataset, ImageShape},
    experiment::Record,
    train::{Projection, Snapshot},
};

/// Pixels of a frame.
const SIZE: (u32, u32) = (960, 540);
/// Frames between two λ, and how long each and what stands still is shown.
const GLIDE: usize = 7;
const GLIDE_TIME: Duration = Duration::from_millis(50);
const STAND: Duration = Duration::from_millis(700);
/// Of a film of training.
const STEP_TIME: Duration = Duration::from_millis(100);
/// The first and the last picture of a film.
const REST: Duration = Duration::from_millis(1500);
/// Images that are shown rebuilt, in two columns.
const IMAGES: usize = 10;

/// One model, ready to be shown.
#[derive(Clone, Debug)]
pub struct Scene {
    /// What is seen: "MNIST, FC Medium, n = 3".
    pub title: String,
    /// What tells this scene from the others: "λ = 0.3", "step 190".
    pub moment: String,
    /// What is known of it: accuracy, error.
    pub numbers: String,
    /// Where it stands between the ends of the film, 0–1.
    pub place: f64,
    points: Vec<[f32; 3]>,
    labels: Vec<u8>,
    projection: Projection,
    class_names: Vec<String>,
    shape: ImageShape,
    images: Vec<Image>,
}

#[derive(Clone, Debug)]
struct Image {
    input: Vec<u8>,
    reconstruction: Vec<u8>,
}

impl Scene {
    /// The kept model of a run.
    pub fn of_record(title: &str, record: &Record) -> Self {
        let portrait = &record.portrait;
        let mut cells: Vec<_> = portrait.cells.iter().collect();
        cells.dedup_by_key(|cell| cell.label);
        let numbers = record.metrics().map(|metrics| {
            let (accuracy, mse) = (metrics.accuracy * 100.0, metrics.mse);
            format!("test accuracy {accuracy:.1} %,  test MSE {mse:.3}")
        });
        Self {
            title: title.to_owned(),
            moment: format!("λ = {}: {}", record.lambda(), record.lambda().meaning()),
            numbers: numbers.unwrap_or_default(),
            place: record.lambda().value(),
            points: portrait.points.clone(),
            labels: portrait.labels.clone(),
            projection: portrait.projection,
            class_names: record.class_names.clone(),
            shape: record.shape,
            images: cells
                .into_iter()
                .take(IMAGES)
                .map(|cell| Image {
                    input: cell.input.clone(),
                    reconstruction: cell.reconstruction.clone(),
                })
                .collect(),
        }
    }

    /// A model in training. `place` is the share of the training that is done, 0–1.
    pub fn of_snapshot(title: &str, snapshot: &Snapshot, dataset: &Dataset, place: f64) -> Self {
        let inside = |index: &u32| (*index as usize) < dataset.test.len();
        let shown = snapshot.points.iter().zip(&*snapshot.probe.cloud);
        let shown = shown.filter(|(_, index)| inside(index));
        let images = snapshot
            .grid
            .iter()
            .filter(|reading| inside(&reading.index));
        Self {
            title: title.to_owned(),
            moment: format!("step {}", snapshot.step),
            numbers: format!("λ = {}", snapshot.lambda),
            place,
            points: shown.clone().map(|(point, _)| *point).collect(),
            labels: shown
                .map(|(_, i)| dataset.test.label(*i as usize))
                .collect(),
            projection: snapshot.projection,
            class_names: dataset.class_names.clone(),
            shape: dataset.shape,
            images: images
                .take(IMAGES)
                .map(|reading| Image {
                    input: dataset.test.image(reading.index as usize).to_vec(),
                    reconstruction: reading.reconstruction.clone(),
                })
                .collect(),
        }
    }

    fn cloud(&self) -> Cloud<'_> {
        Cloud {
            points: &self.points,
            labels: &self.labels,
            projection: self.projection,
        }
    }
}

/// A film of scenes, one after the other.
#[derive(Clone, Debug)]
pub struct Film {
    scenes: Vec<Scene>,
    /// One scale for all scenes.
    space: Space,
    /// What the bar below measures, and its ends.
    measure: (&'static str, RangeInclusive<&'static str>),
    cuts: Vec<Cut>,
}

/// What one frame shows.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cut {
    /// The scene that it shows or leaves.
    scene: usize,
    /// How far it is on its way to the next, 0–1.
    share: f64,
    time: Duration,
}

impl Film {
    /// λ from the first to the last run of a spectrum: every run stands still for a while, and the points
    /// glide between them.
    pub fn of_spectrum(spectrum: &Spectrum<'_>) -> Self {
        let title = format!("{}, seed {}", spectrum.title, spectrum.seed);
        let scenes = spectrum.records.iter();
        let scenes = scenes.map(|record| Scene::of_record(&title, record));
        Self::new(
            scenes.collect(),
            GLIDE,
            STAND,
            ("λ", "classifier"..="autoencoder"),
        )
    }

    /// A training, one frame for each scene.
    pub fn of_training(scenes: Vec<Scene>) -> Self {
        Self::new(scenes, 0, STEP_TIME, ("training", "begin"..="end"))
    }

    fn new(
        scenes: Vec<Scene>,
        glide: usize,
        time: Duration,
        measure: (&'static str, RangeInclusive<&'static str>),
    ) -> Self {
        let last = scenes.len().saturating_sub(1);
        let mut cuts = Vec::new();
        for (scene, shown) in scenes.iter().enumerate() {
            let is_end = scene == 0 || scene == last;
            let time = if is_end { REST } else { time };
            cuts.push(Cut {
                scene,
                share: 0.0,
                time,
            });
            let next = scenes.get(scene + 1);
            // Points that are not those of the same images have no way to one another.
            if next.is_some_and(|next| next.labels == shown.labels) {
                cuts.extend((1..=glide).map(|step| Cut {
                    scene,
                    share: eased(step as f64 / (glide + 1) as f64),
                    time: GLIDE_TIME,
                }));
            }
        }
        Self {
            space: Cloud::space(scenes.iter().map(Scene::cloud)),
            scenes,
            measure,
            cuts,
        }
    }

    fn draw(&self, page: &Page<'_>, cut: Cut) -> Result<(), DrawError> {
        const WORDS: f64 = 15.0;
        let here = &self.scenes[cut.scene];
        let next = self.scenes.get(cut.scene + 1).unwrap_or(here);
        let near = if cut.share < 0.5 { here } else { next };
        let (left, centre) = (HPos::Left, VPos::Center);
        page.write(
            &near.title,
            (24.0, 24.0),
            &page.text(WORDS, INK),
            (left, centre),
        )?;
        let large = page.text(22.0, INK);
        page.write(&near.moment, (24.0, 54.0), &large, (left, centre))?;
        let small = page.text(WORDS, INK);
        page.write(&near.numbers, (SPLIT, 54.0), &small, (left, centre))?;

        let points: Vec<[f32; 3]> = if here.points.len() == next.points.len() {
            let pairs = here.points.iter().zip(&next.points);
            let share = cut.share as f32;
            pairs
                .map(|(a, b)| std::array::from_fn(|axis| a[axis] + (b[axis] - a[axis]) * share))
                .collect()
        } else {
            near.points.clone()
        };
        let cloud = Cloud {
            points: &points,
            labels: &here.labels,
            projection: here.projection,
        };
        let body = page.part((10.0, 76.0), (SPLIT - 30.0, 352.0));
        cloud.draw(&body, &self.space, 3.2, 13.0)?;
        draw_legend(page, &near.class_names)?;
        draw_images(page, near)?;
        let place = here.place + (next.place - here.place) * cut.share;
        self.draw_bar(page, place)
    }

    /// Where the film stands.
    fn draw_bar(&self, page: &Page<'_>, place: f64) -> Result<(), DrawError> {
        const STEPS: u32 = 120;
        let (measure, ends) = &self.measure;
        let words = page.text(14.0, INK);
        let (from, to) = (format!("{measure}: {}", ends.start()), *ends.end());
        let left = 24.0 + text_width(&from, 14.0) + 12.0;
        let right = f64::from(SIZE.0) - 24.0 - text_width(to, 14.0) - 12.0;
        let (y, height) = (512.0, 8.0);
        page.write(&from, (24.0, y), &words, (HPos::Left, VPos::Center))?;
        page.write(to, (right + 12.0, y), &words, (HPos::Left, VPos::Center))?;
        for step in 0..STEPS {
            let at = |step: u32| left + (right - left) * f64::from(step) / f64::from(STEPS);
            let corners = [
                (at(step), y - height / 2.0),
                (at(step + 1), y + height / 2.0),
            ];
            let corners = corners.map(|(x, y)| (page.units(x), page.units(y)));
            let colour = palette::lambda_on_light((f64::from(step) + 0.5) / f64::from(STEPS));
            let fill = page.stroke(1.0, colour, 1.0).filled();
            page.area.draw(&Rectangle::new(corners, fill))?;
        }
        let x = left + (right - left) * place.clamp(0.0, 1.0);
        for (radius, colour) in [(10.0, [0xff; 3]), (8.0, palette::lambda_on_light(place))] {
            let fill = page.stroke(1.0, colour, 1.0).filled();
            let at = (page.units(x), page.units(y));
            page.area.draw(&Circle::new(at, page.units(radius), fill))?;
        }
        Ok(())
    }
}

/// Where the images begin, in pixels from the left.
const SPLIT: f64 = 560.0;

/// Slow at both ends.
fn eased(share: f64) -> f64 {
    share * share * (3.0 - 2.0 * share)
}

fn draw_legend(page: &Page<'_>, names: &[String]) -> Result<(), DrawError> {
    const WORDS: f64 = 13.0;
    let style = page.text(WORDS, INK);
    let (mut x, mut y) = (24.0, 446.0);
    for (class, name) in names.iter().enumerate() {
        let width = text_width(name, WORDS) + 30.0;
        if x + width > SPLIT - 10.0 {
            (x, y) = (24.0, y + 20.0);
        }
        let colour = palette::class(u8::try_from(class).unwrap_or(u8::MAX));
        let fill = page.stroke(1.0, colour, 1.0).filled();
        let centre = (page.units(x + 5.0), page.units(y));
        page.area
            .draw(&Circle::new(centre, page.units(5.0), fill))?;
        page.write(name, (x + 14.0, y), &style, (HPos::Left, VPos::Center))?;
        x += width;
    }
    Ok(())
}

/// Pairs of input and reconstruction, in two columns.
fn draw_images(page: &Page<'_>, scene: &Scene) -> Result<(), DrawError> {
    const SIDE: f64 = 70.0;
    const GAP: f64 = 6.0;
    const TOP: f64 = 104.0;
    const FRAME: Rgb = FAINT;
    let words = page.text(13.0, INK);
    let column = 2.0 * (SIDE + GAP) + 34.0;
    for (place, image) in scene.images.iter().enumerate() {
        let (across, down) = (place % 2, place / 2);
        let x = SPLIT + across as f64 * column;
        let y = TOP + down as f64 * (SIDE + GAP);
        if down == 0 {
            for (name, x) in [("input", x), ("rebuilt", x + SIDE + GAP)] {
                let centre = (x + SIDE / 2.0, TOP - 12.0);
                page.write(name, centre, &words, (HPos::Center, VPos::Center))?;
            }
        }
        for (bytes, x) in [(&image.input, x), (&image.reconstruction, x + SIDE + GAP)] {
            let (width, height) = page.show(bytes, scene.shape, (x, y), SIDE)?;
            let corners = [(x, y), (x + width, y + height)];
            let corners = corners.map(|(x, y)| (page.units(x), page.units(y)));
            let line = page.stroke(0.5, FRAME, 1.0);
            page.area.draw(&Rectangle::new(corners, line))?;
        }
    }
    Ok(())
}

impl Animation for Film {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn frames(&self) -> usize {
        self.cuts.len()
    }

    fn frame(&self, place: usize) -> Result<Frame, String> {
        /// At which a point is a pixel.
        const DOTS_PER_INCH: f64 = 72.0;
        let cut = *self.cuts.get(place).ok_or("the film is shorter")?;
        let size = (f64::from(SIZE.0), f64::from(SIZE.1));
        let (_, _, pixels) = sheet::pixels(size, DOTS_PER_INCH, |page| self.draw(page, cut))?;
        Ok(Frame {
            pixels,
            time: cut.time,
        })
    }
}
