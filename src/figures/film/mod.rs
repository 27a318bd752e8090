//! Animations of cloud and reconstructions, over λ or over the steps of training.

mod animation;
mod quantize;
mod scene;

use std::{array, ops::RangeInclusive, time::Duration};

pub use animation::{Animation, Ending, Frame, save_animation};
pub use scene::Scene;

use super::{
    LambdaSweep,
    backend::{self, DrawResult, LEFT, Page, text_width},
    chart::INK,
    latent_plot::{LatentPlot, Limits, PlotStyle},
    palette,
};
use crate::{
    sweep::Record,
    train::{Alignment, Projection},
};
use scene::{LEFT_EDGE, SPLIT};

/// Width and height of a frame, in pixels.
const SIZE: (u32, u32) = (960, 540);
/// Frames of a transition between two λ, the duration of each, and that of a λ itself.
const TRANSITION_FRAMES: usize = 7;
const TRANSITION_TIME: Duration = Duration::from_millis(50);
const LAMBDA_TIME: Duration = Duration::from_millis(700);
const STEP_TIME: Duration = Duration::from_millis(100);
/// Duration of the first and of the last scene.
const END_TIME: Duration = Duration::from_millis(1500);

/// An animation of scenes.
#[derive(Clone, Debug)]
pub struct Film {
    scenes: Vec<Scene>,
    limits: Vec<Limits>,
    /// What the progress bar shows, and the names of its ends.
    measure: (&'static str, RangeInclusive<&'static str>),
    frames: Vec<FrameContent>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct FrameContent {
    scene: usize,
    /// Share of the transition to the next scene, 0–1.
    transition: f64,
    time: Duration,
}

impl Film {
    /// Shows each run of a λ sweep for a while, with transitions between them. Principal
    /// components, whose axes differ from one model to the next, are aligned with those of the λ
    /// before.
    pub fn from_sweep(sweep: &LambdaSweep<'_>) -> Self {
        let mut title = format!("{}, seed {}", sweep.title, sweep.seed);
        let is_projected =
            |record: &&Record| record.eval_sample.projection != Projection::Coordinates;
        let is_aligned = sweep.records.iter().all(is_projected);
        if is_aligned {
            title.push_str(", principal components aligned with those of the previous λ");
        }
        let records = sweep.records.iter();
        let mut scenes: Vec<Scene> = records
            .map(|record| Scene::from_record(&title, record))
            .collect();
        for index in 1..scenes.len() {
            let (before, scene) = scenes.split_at_mut(index);
            let (before, scene) = (&before[index - 1], &mut scene[0]);
            if is_aligned && scene.labels == before.labels {
                scene.points = align(&scene.points, &before.points);
            }
        }
        let measure = ("λ", "classifier"..="autoencoder");
        Self::new(scenes, TRANSITION_FRAMES, LAMBDA_TIME, measure)
    }

    /// Shows a training, one frame per scene.
    pub fn from_training(scenes: Vec<Scene>) -> Self {
        Self::new(scenes, 0, STEP_TIME, ("training", "begin"..="end"))
    }

    fn new(
        scenes: Vec<Scene>,
        transition_frames: usize,
        time: Duration,
        measure: (&'static str, RangeInclusive<&'static str>),
    ) -> Self {
        let last = scenes.len().saturating_sub(1);
        let mut frames = Vec::new();
        for (index, scene) in scenes.iter().enumerate() {
            let is_end = index == 0 || index == last;
            frames.push(FrameContent {
                scene: index,
                transition: 0.0,
                time: if is_end { END_TIME } else { time },
            });
            let next = scenes.get(index + 1);
            // Points can only move to the points of the same images.
            if next.is_some_and(|next| next.labels == scene.labels) {
                frames.extend((1..=transition_frames).map(|frame| FrameContent {
                    scene: index,
                    transition: smoothstep(frame as f64 / (transition_frames + 1) as f64),
                    time: TRANSITION_TIME,
                }));
            }
        }
        Self {
            limits: scenes.iter().map(|scene| scene.plot().limits()).collect(),
            scenes,
            measure,
            frames,
        }
    }

    fn draw(&self, page: &Page<'_>, frame: FrameContent) -> DrawResult {
        const STYLE: PlotStyle = PlotStyle {
            radius: 3.2,
            text: 13.0,
            detailed: false,
        };
        let scene = &self.scenes[frame.scene];
        let next = self.scenes.get(frame.scene + 1).unwrap_or(scene);
        let nearest = if frame.transition < 0.5 { scene } else { next };
        let (large, small) = (page.text_style(22.0, INK), page.text_style(15.0, INK));
        page.draw_text(&nearest.title, (LEFT_EDGE, 24.0), &small, LEFT)?;
        page.draw_text(&nearest.heading, (LEFT_EDGE, 54.0), &large, LEFT)?;
        page.draw_text(&nearest.details, (SPLIT, 54.0), &small, LEFT)?;

        let points = interpolate_points(scene, next, frame.transition);
        let plot = LatentPlot {
            points: points.as_deref().unwrap_or(&nearest.points),
            ..scene.plot()
        };
        let from = self.limits[frame.scene];
        let to = *self.limits.get(frame.scene + 1).unwrap_or(&from);
        let limits = array::from_fn(|axis| {
            let (from, to) = (from[axis], to[axis]);
            array::from_fn(|end| from[end] + (to[end] - from[end]) * frame.transition)
        });
        let body = page.part((10.0, 76.0), (SPLIT - 30.0, 352.0));
        plot.draw(&body, &limits, STYLE)?;
        nearest.draw_legend(page)?;
        nearest.draw_images(page)?;
        let progress = scene.progress + (next.progress - scene.progress) * frame.transition;
        self.draw_progress(page, progress)
    }

    fn draw_progress(&self, page: &Page<'_>, progress: f64) -> DrawResult {
        const STEPS: u32 = 120;
        const TEXT: f64 = 14.0;
        const GAP: f64 = 12.0;
        let (measure, ends) = &self.measure;
        let style = page.text_style(TEXT, INK);
        let (start, end) = (format!("{measure}: {}", ends.start()), *ends.end());
        let left = LEFT_EDGE + text_width(&start, TEXT) + GAP;
        let right = f64::from(SIZE.0) - LEFT_EDGE - text_width(end, TEXT) - GAP;
        let (y, height) = (512.0, 8.0);
        page.draw_text(&start, (LEFT_EDGE, y), &style, LEFT)?;
        page.draw_text(end, (right + GAP, y), &style, LEFT)?;
        let (top, bottom) = (y - height / 2.0, y + height / 2.0);
        page.draw_lambda_bar((left, top), (right, bottom), STEPS)?;
        let x = left + (right - left) * progress.clamp(0.0, 1.0);
        for (radius, colour) in [(10.0, [0xff; 3]), (8.0, palette::lambda_on_light(progress))] {
            page.draw_disc((x, y), radius, page.fill_style(colour, 1.0))?;
        }
        Ok(())
    }
}

/// The points between two scenes; `None` if their numbers differ.
fn interpolate_points(scene: &Scene, next: &Scene, share: f64) -> Option<Vec<[f32; 3]>> {
    let share = share as f32;
    let between = |(a, b): (&[f32; 3], &[f32; 3])| {
        array::from_fn(|axis| a[axis] + (b[axis] - a[axis]) * share)
    };
    let pairs = scene.points.iter().zip(&next.points);
    (scene.points.len() == next.points.len()).then(|| pairs.map(between).collect())
}

/// Rotates (and mirrors) `points` about the origin towards `targets`, the same images in another
/// model (orthogonal Procrustes). They stay as they are where no rotation can be found.
fn align(points: &[[f32; 3]], targets: &[[f32; 3]]) -> Vec<[f32; 3]> {
    let alignment = Alignment::towards(points, targets, 3);
    points.iter().map(|point| alignment.apply(*point)).collect()
}

/// Slow at both ends of 0–1.
fn smoothstep(share: f64) -> f64 {
    share * share * (3.0 - 2.0 * share)
}

impl Animation for Film {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn frames(&self) -> usize {
        self.frames.len()
    }

    fn frame(&self, index: usize) -> Result<Frame, String> {
        /// One pixel per point.
        const DOTS_PER_INCH: f64 = 72.0;
        let frame = self.frames.get(index);
        let frame = *frame.ok_or("the animation has fewer frames")?;
        let size = (f64::from(SIZE.0), f64::from(SIZE.1));
        let (_, _, pixels) = backend::pixels(size, DOTS_PER_INCH, |page| self.draw(page, frame))?;
        Ok(Frame {
            pixels,
            time: frame.time,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_and_mirrored_points_are_aligned() {
        let targets: Vec<[f32; 3]> = (0..40u8)
            .map(|i| [i, i % 7, i % 3].map(f32::from))
            .collect();
        // A quarter turn about the third axis, and a reflection in it.
        let points: Vec<[f32; 3]> = targets.iter().map(|[x, y, z]| [-y, *x, -z]).collect();
        for (point, target) in align(&points, &targets).iter().zip(&targets) {
            for (value, target) in point.iter().zip(target) {
                assert!((value - target).abs() < 1e-3, "{value} is not {target}");
            }
        }
        for invalid in [vec![], vec![[f32::NAN; 3]; 3], vec![[0.0; 3]; 3]] {
            assert_eq!(align(&invalid, &targets).len(), invalid.len());
        }
    }
}
