//! Tests of the pane through its labels, rendered by a software GPU.

use std::sync::Arc;

use eframe::egui::{self, Modifiers, Pos2, Theme, vec2};
use egui_kittest::{
    Harness,
    kittest::Queryable as _,
    wgpu::{WgpuTestRenderer, create_render_state, default_wgpu_setup},
};
use image::RgbaImage;

use super::*;
use crate::{
    data::{BundledSet, ImageShape, LoadReport, Split},
    figures::palette,
    model::Lambda,
    train::{Probe, Projection, RunId, Snapshot},
};

/// A test set with `per_class` blank images of each class, ordered by class.
fn dataset(per_class: usize) -> Dataset {
    let labels: Vec<u8> = (0..10).flat_map(|class| vec![class; per_class]).collect();
    let pixels = vec![0; labels.len() * ImageShape::GREY_28.pixels()];
    let test = Split::new(ImageShape::GREY_28, pixels, labels).expect("counts fit");
    Dataset {
        name: "Synthetic".into(),
        shape: ImageShape::GREY_28,
        class_names: BundledSet::FashionMnist.class_names(),
        rotation: 0.0,
        left_out: LoadReport::default(),
        train: test.clone(),
        test,
    }
}

fn snapshot(run: u64, latent_size: usize, points: Vec<[f32; 3]>) -> Arc<Snapshot> {
    let cloud: Arc<[u32]> = (0u32..).take(points.len()).collect();
    Arc::new(Snapshot {
        run: RunId(run),
        step: 0,
        lambda: Lambda::BALANCED,
        probe: Probe {
            cloud,
            ..Default::default()
        },
        latent_size,
        latents: Vec::new(),
        predicted: vec![0; points.len()],
        points,
        projection: if latent_size > 3 {
            Projection::Pca { explained: 0.7149 }
        } else {
            Projection::Coordinates
        },
        dead: vec![false; latent_size],
        grid: Vec::new(),
        selected: None,
        custom_image: None,
    })
}

/// Ten soft clusters of `per_class` points in the positive octant, ordered by class.
fn clusters(per_class: usize, axes: usize) -> Vec<[f32; 3]> {
    let mut state = 1u32;
    let mut noise = move || {
        let sum: f32 = (0..4)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f32::from((state >> 16) as u16) / 65535.0 - 0.5
            })
            .sum();
        sum * 1.5
    };
    let centre = |class: u8, axis: u8| {
        let angle = f32::from(class) * 2.399 + f32::from(axis) * 2.1;
        4.0 + 3.4 * angle.sin()
    };
    (0..10u8)
        .flat_map(|class| std::iter::repeat_n(class, per_class))
        .map(|class| {
            let mut point = [0.0; 3];
            for (axis, value) in (0u8..).zip(point.iter_mut().take(axes)) {
                *value = (centre(class, axis) + noise()).max(0.0);
            }
            point
        })
        .collect()
}

struct Pane {
    scatter: Scatter,
    snapshot: Option<Arc<Snapshot>>,
    dataset: Dataset,
    selected: Option<u32>,
    output: ScatterOutput,
    clicks: Vec<ScatterOutput>,
}

fn pane<'a>(size: [f32; 2], theme: Theme, snapshot: Option<Arc<Snapshot>>) -> Harness<'a, Pane> {
    let options = egui_wgpu::RendererOptions::PREDICTABLE;
    let state = create_render_state(default_wgpu_setup(), options);
    let per_class = snapshot
        .as_ref()
        .map_or(1, |snapshot| snapshot.points.len().div_ceil(10));
    let pane = Pane {
        scatter: Scatter::new(Some(&state)),
        snapshot,
        dataset: dataset(per_class),
        selected: None,
        output: ScatterOutput::default(),
        clicks: Vec::new(),
    };
    let mut harness = Harness::builder()
        .with_size(vec2(size[0], size[1]))
        .with_theme(theme)
        .with_render_cursor(false)
        .renderer(WgpuTestRenderer::from_render_state(state))
        .build_ui_state(
            |ui, pane: &mut Pane| {
                egui::CentralPanel::default().show(ui, |ui| {
                    let view = pane.snapshot.as_ref().map(CloudView::alone);
                    pane.output = pane
                        .scatter
                        .ui(ui, view.as_ref(), &pane.dataset, pane.selected);
                    if pane.output.clicked.is_some() || pane.output.background_clicked {
                        pane.clicks.push(pane.output);
                    }
                });
            },
            pane,
        );
    harness.run();
    harness
}

/// A small dark pane with these points.
fn dark_pane<'a>(points: Vec<[f32; 3]>) -> Harness<'a, Pane> {
    pane([520.0, 420.0], Theme::Dark, Some(snapshot(1, 3, points)))
}

/// Number of pixels within `radius` of `pos` that have about this colour.
fn count_coloured(image: &RgbaImage, pos: Pos2, radius: f32, [r, g, b]: palette::Rgb) -> usize {
    let near = |a: u8, b: u8| a.abs_diff(b) < 56;
    image
        .enumerate_pixels()
        .filter(|&(x, y, pixel)| {
            #[expect(clippy::cast_precision_loss, reason = "a small picture")]
            let centre = egui::pos2(x as f32 + 0.5, y as f32 + 0.5);
            pos.distance(centre) <= radius
                && near(pixel[0], r)
                && near(pixel[1], g)
                && near(pixel[2], b)
        })
        .count()
}

/// Number of pixels in the colour of a class around a point of the data.
fn class_pixels(
    harness: &Harness<'_, Pane>,
    image: &RgbaImage,
    class: u8,
    point: [f32; 3],
) -> usize {
    count_coloured(
        image,
        screen_pos(harness, point),
        3.0,
        palette::class(class),
    )
}

/// Position of a point of the data on the screen.
fn screen_pos(harness: &Harness<'_, Pane>, point: [f32; 3]) -> Pos2 {
    let scatter = &harness.state().scatter;
    let rect = harness.get_by_label_contains("Latent scatter").rect();
    let axes = scatter.cloud.as_ref().expect("a cloud").axes;
    let (scale, shift) = scatter.fit.expect("a fit").target().to_scene(axes);
    let scene = glam::Vec3::from_array(point) * scale + shift;
    let (pos, _) = scatter
        .preferences
        .camera
        .view(rect, axes)
        .project(scene)
        .expect("visible");
    pos
}

/// One point per class, far from each other.
fn lone_points() -> Vec<[f32; 3]> {
    (0..10u8)
        .map(|class| {
            [
                f32::from(class),
                f32::from(class * 7 % 10),
                f32::from(class * 3 % 10),
            ]
        })
        .collect()
}

#[test]
fn every_point_is_drawn_in_its_class_colour_where_it_projects() {
    for theme in [Theme::Dark, Theme::Light] {
        for n in [1, 2, 3, 16] {
            let points = lone_points();
            let mut harness = pane([520.0, 420.0], theme, Some(snapshot(1, n, points.clone())));
            let image = harness.render().expect("renders");
            for (class, point) in (0u8..).zip(points) {
                let count = class_pixels(&harness, &image, class, point);
                assert!(
                    count > 3,
                    "{theme:?}, n = {n}, class {class}: {count} pixels"
                );
            }
        }
    }
}

#[test]
fn a_cloud_of_500_is_drawn_in_every_theme_and_size() {
    for theme in [Theme::Dark, Theme::Light] {
        for size in [[520.0, 420.0], [1100.0, 800.0]] {
            for n in [1, 2, 3] {
                let mut harness = pane(size, theme, Some(snapshot(1, n, clusters(50, n))));
                // No other colour of the scene is similar to violet.
                let violet = |harness: &mut Harness<'_, Pane>| {
                    let rect = harness.get_by_label("Latent scatter, 500 points").rect();
                    let image = harness.render().expect("renders");
                    count_coloured(&image, rect.center(), rect.width() / 2.0, palette::class(4))
                };
                assert!(violet(&mut harness) > 50, "{theme:?}, {size:?}, n = {n}");
                harness.get_by_label("Class Coat: shown").click();
                harness.run();
                // A blend of two other colours may pass for it here and there.
                assert!(violet(&mut harness) < 5, "{theme:?}, {size:?}, n = {n}");
            }
        }
    }
}

#[test]
fn the_selected_point_has_a_ring() {
    let points = lone_points();
    let mut harness = dark_pane(points.clone());
    let white = |harness: &mut Harness<'_, Pane>| {
        let image = harness.render().expect("renders");
        count_coloured(&image, screen_pos(harness, points[6]), 12.0, [255; 3])
    };
    let before = white(&mut harness);
    harness.state_mut().selected = Some(6);
    harness.run();
    assert!(white(&mut harness) > before + 20);
}

#[test]
fn the_legend_hides_classes_and_shows_a_single_one() {
    let points = lone_points();
    let mut harness = dark_pane(points.clone());
    let visible = |harness: &mut Harness<'_, Pane>| -> Vec<u8> {
        harness.run();
        let image = harness.render().expect("renders");
        (0u8..)
            .zip(&points)
            .filter(|&(class, &point)| class_pixels(harness, &image, class, point) > 3)
            .map(|(class, _)| class)
            .collect()
    };
    harness.get_by_label("Class Dress: shown").click();
    assert_eq!(visible(&mut harness), [0, 1, 2, 4, 5, 6, 7, 8, 9]);
    harness.get_by_label("Class Dress: hidden").click();
    assert_eq!(visible(&mut harness).len(), 10);
    for count in [1, 10] {
        harness
            .get_by_label("Class Bag: shown")
            .click_modifiers(Modifiers::ALT);
        let classes = visible(&mut harness);
        assert!(
            classes.len() == count && classes.contains(&8),
            "{classes:?}"
        );
    }
}

#[test]
fn auto_rotate_rotates_the_scene_until_it_is_switched_off() {
    let mut harness = dark_pane(lone_points());
    let camera = |harness: &Harness<'_, Pane>| harness.state().scatter.preferences.camera;
    let before = camera(&harness);
    harness.get_by_label("Auto-rotate").click();
    harness.run_steps(4);
    assert_ne!(camera(&harness), before);
    harness.get_by_label("Auto-rotate").click();
    harness.run();
    let stopped = camera(&harness);
    harness.run_steps(3);
    assert_eq!(camera(&harness), stopped);
    harness.get_by_label("Reset view").click();
    harness.run();
    assert_eq!(camera(&harness), Camera::home(3));
}

#[test]
fn locked_axes_stay_when_the_points_move() {
    let mut harness = dark_pane(lone_points());
    let limits = |harness: &Harness<'_, Pane>| harness.state().scatter.fit.expect("a fit").target();
    let before = limits(&harness);
    harness.get_by_label("Lock axes").click();
    harness.run();
    let larger = lone_points()
        .iter()
        .map(|point| point.map(|value| value * 3.0))
        .collect();
    harness.state_mut().snapshot = Some(snapshot(1, 3, larger));
    harness.run();
    assert_eq!(limits(&harness), before);
    harness.get_by_label("Lock axes").click();
    harness.run();
    assert!(limits(&harness).max.x > 27.0);
}

#[test]
fn hovering_picks_a_point_and_clicking_returns_its_image() {
    let points = lone_points();
    let mut first = snapshot(1, 3, points.clone());
    Arc::make_mut(&mut first).probe.cloud = (0u32..10).rev().collect();
    let mut harness = pane([520.0, 420.0], Theme::Dark, Some(first));
    let pos = screen_pos(&harness, points[4]);
    harness.hover_at(pos);
    harness.run();
    assert_eq!(harness.state().output.hovered, Some(4));
    let hovered_at = harness.state().output.hovered_at.expect("a position");
    assert!(hovered_at.distance(pos) < 1.0);
    let corner = harness
        .get_by_label_contains("Latent scatter")
        .rect()
        .right_bottom()
        - vec2(3.0, 3.0);
    for target in [pos, corner] {
        harness.drag_at(target);
        harness.run();
        harness.drop_at(target);
        harness.run();
    }
    let clicks = &harness.state().clicks;
    assert_eq!(
        clicks.iter().map(|click| click.clicked).collect::<Vec<_>>(),
        [Some(5), None]
    );
    assert!(!clicks[0].background_clicked && clicks[1].background_clicked);
}

#[test]
fn alt_with_arrows_rotates_the_scene_and_with_home_resets_it() {
    let mut harness = dark_pane(lone_points());
    harness.key_press_modifiers(egui::Modifiers::ALT, egui::Key::ArrowLeft);
    harness.key_press(egui::Key::Plus);
    harness.run();
    let depth = |camera: Camera| {
        camera
            .view(egui::Rect::EVERYTHING, 3)
            .depth(glam::Vec3::ZERO)
    };
    let camera = harness.state().scatter.preferences.camera;
    assert_ne!(camera, Camera::home(3));
    assert!(depth(camera) < 0.9 * depth(Camera::home(3)));
    harness.key_press_modifiers(egui::Modifiers::ALT, egui::Key::Home);
    harness.run();
    assert_eq!(harness.state().scatter.preferences.camera, Camera::home(3));
}

#[test]
fn points_animate_within_a_run_and_then_stop() {
    let mut harness = dark_pane(lone_points());
    let is_animating = |harness: &Harness<'_, Pane>| {
        let now = harness.ctx.input(|input| input.time);
        let cloud = harness.state().scatter.cloud.as_ref();
        cloud.expect("a cloud").transition.is_animating(now)
    };
    let rotated: Vec<_> = lone_points().iter().map(|&[x, y, z]| [y, z, x]).collect();
    harness.state_mut().snapshot = Some(snapshot(1, 3, rotated));
    harness.step();
    assert!(is_animating(&harness));
    harness.run(); // panics if the pane keeps requesting frames
    assert!(!is_animating(&harness));
    harness.state_mut().snapshot = Some(snapshot(2, 3, lone_points()));
    harness.step();
    assert!(!is_animating(&harness), "no transition between two runs");
}

#[test]
fn points_that_cannot_be_drawn_are_left_out() {
    let mut points = lone_points();
    points[3] = [f32::NAN, 1.0, 1.0];
    points[5] = [1.0, f32::INFINITY, 1.0];
    let mut harness = dark_pane(points.clone());
    harness.get_by_label_contains("10 points, 2 not finite");
    let image = harness.render().expect("renders");
    assert!(class_pixels(&harness, &image, 4, points[4]) > 3);

    let not_finite = snapshot(1, 3, vec![[f32::NAN; 3]; 10]);
    let mut short = snapshot(1, 3, lone_points());
    Arc::make_mut(&mut short).probe.cloud = [1, 99_999].into();
    for invalid in [not_finite, short, snapshot(1, 0, Vec::new())] {
        harness.state_mut().snapshot = Some(invalid);
        harness.run();
    }
    harness.render().expect("renders");
    harness.state_mut().snapshot = None;
    harness.run();
    harness.get_by_label("Waiting for the first snapshot…");
}
