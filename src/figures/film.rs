//! Cloud and reconstructions as they change: over λ, or while a network trains.

use std::{ops::RangeInclusive, time::Duration};

use plotters::{
    element::{Circle, Rectangle},
    style::text_anchor::{HPos, VPos},
};

use super::{
    animation::{Animation, Frame},
    backend::{self, DrawError, Page, text_width},
    cloud::{Cloud, Space},
    one_seed::OneSeed,
    palette,
    panels::INK,
    scene::{SPLIT, Scene},
};
use crate::{
    sweep::Record,
    train::{Alignment, Projection},
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

/// A film of scenes, one after the other.
#[derive(Clone, Debug)]
pub struct Film {
    scenes: Vec<Scene>,
    /// The axes of each scene.
    spaces: Vec<Space>,
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
    /// and their axes glide between them. Principal components, whose axes have nothing in common from
    /// one model to the next, are turned towards those before.
    pub fn of_lambdas(spectrum: &OneSeed<'_>) -> Self {
        let mut title = format!("{}, seed {}", spectrum.title, spectrum.seed);
        let is_projected = |record: &&Record| {
            let projection = record.eval_sample.projection;
            matches!(projection, Projection::Pca { .. })
        };
        let is_turned = spectrum.records.iter().all(is_projected);
        if is_turned {
            title.push_str(", principal components turned towards those of the λ before");
        }
        let records = spectrum.records.iter();
        let mut scenes: Vec<Scene> = records
            .map(|record| Scene::of_record(&title, record))
            .collect();
        for place in 1..scenes.len() {
            if is_turned && scenes[place].labels == scenes[place - 1].labels {
                scenes[place].points = turned(&scenes[place].points, &scenes[place - 1].points);
            }
        }
        Self::new(scenes, GLIDE, STAND, ("λ", "classifier"..="autoencoder"))
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
            spaces: scenes
                .iter()
                .map(|scene| Cloud::space([scene.cloud()]))
                .collect(),
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
        let next_space = self.spaces.get(cut.scene + 1);
        let space = between(&self.spaces[cut.scene], next_space, cut.share);
        let body = page.part((10.0, 76.0), (SPLIT - 30.0, 352.0));
        cloud.draw(&body, &space, 3.2, 13.0)?;
        near.draw_legend(page)?;
        near.draw_images(page)?;
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

/// The axes on the way from one scene to the next.
fn between(space: &Space, next: Option<&Space>, share: f64) -> Space {
    let next = next.unwrap_or(space);
    std::array::from_fn(|axis| {
        let (from, to) = (space[axis], next[axis]);
        std::array::from_fn(|end| from[end] + (to[end] - from[end]) * share)
    })
}

/// `points` turned (and mirrored) about the origin so that they come closest to `towards`, the same
/// images in another model (orthogonal Procrustes); as they are where no turn can be found.
fn turned(points: &[[f32; 3]], towards: &[[f32; 3]]) -> Vec<[f32; 3]> {
    let turn = Alignment::towards(points, towards, 3);
    points.iter().map(|point| turn.apply(*point)).collect()
}

/// Slow at both ends.
fn eased(share: f64) -> f64 {
    share * share * (3.0 - 2.0 * share)
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
        let (_, _, pixels) = backend::pixels(size, DOTS_PER_INCH, |page| self.draw(page, cut))?;
        Ok(Frame {
            pixels,
            time: cut.time,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_turned_is_turned_back() {
        let towards: Vec<[f32; 3]> = (0..40u8)
            .map(|i| [i, i % 7, i % 3].map(f32::from))
            .collect();
        // A quarter turn about the third axis, and a mirror in it.
        let points: Vec<[f32; 3]> = towards.iter().map(|[x, y, z]| [-y, *x, -z]).collect();
        for (found, wanted) in turned(&points, &towards).iter().zip(&towards) {
            for (found, wanted) in found.iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-3, "{found} is not {wanted}");
            }
        }
        for hostile in [vec![], vec![[f32::NAN; 3]; 3], vec![[0.0; 3]; 3]] {
            assert_eq!(turned(&hostile, &towards).len(), hostile.len());
        }
    }
}
