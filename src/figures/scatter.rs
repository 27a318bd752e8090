//! The latent cloud as a picture (paper, figure 4).

use std::path::Path;

use plotters::prelude::{ChartBuilder, Circle, Color as _, EmptyElement, Text};

use super::{
    FigureError,
    backend::elided,
    canvas::{Area, Canvas, INK, rgb, text},
    palette,
};
use crate::{
    data::Dataset,
    model::LatentLayout,
    train::{Projection, Snapshot},
};

const SIZE: (u32, u32) = (1600, 1200);
const TURN: f64 = 0.62;
const TILT: f64 = 0.32;

/// Writes the cloud of `snapshot` as a PNG file: three axes, or a plane or a line for n < 3.
/// Coordinates that are not finite are left out. `layout` is that of the network's z.
///
/// # Errors
/// When it cannot be drawn or written.
pub fn latent_scatter(
    snapshot: &Snapshot,
    layout: LatentLayout,
    dataset: &Dataset,
    path: &Path,
) -> Result<(), FigureError> {
    let mut canvas = Canvas::new(SIZE.0, SIZE.1);
    canvas
        .draw(|area| draw(area, snapshot, layout, dataset))
        .map_err(|reason| FigureError::new(path, reason))?;
    canvas.save(path)
}

/// A point with the class that gives it its colour.
type Point = ([f64; 3], u8);

fn draw(
    area: &Area<'_>,
    snapshot: &Snapshot,
    layout: LatentLayout,
    dataset: &Dataset,
) -> Result<(), String> {
    let say = |error: &dyn std::fmt::Display| error.to_string();
    let points: Vec<Point> = snapshot
        .points
        .iter()
        .zip(&*snapshot.probe.cloud)
        .filter(|(point, image)| {
            point.iter().all(|x| x.is_finite()) && (**image as usize) < dataset.test.len()
        })
        .map(|(point, image)| (point.map(f64::from), dataset.test.label(*image as usize)))
        .collect();

    let part = part_shown(snapshot, layout);
    let name = match snapshot.projection {
        Projection::Coordinates => part,
        Projection::Pca { explained } => {
            format!("{part}: PCA, {:.0} % of variance", explained * 100.0)
        }
    };
    let title = format!(
        "{}, {name}, λ = {:.2}, step {}",
        dataset.name,
        snapshot.lambda.value(),
        snapshot.step
    );
    area.draw(&Text::new(title, (50, 36), text(38, INK)))
        .map_err(|error| say(&error))?;
    let (plot, legend) = area.margin(90, 10, 20, 10).split_horizontally(1320);
    draw_legend(&legend, dataset).map_err(|error| say(&error))?;
    match snapshot.latent_size {
        1 | 2 => draw_plane(&plot, &points, snapshot.latent_size, dataset.classes()),
        _ => draw_space(&plot, points, snapshot.projection),
    }
}

/// What the points are in words: "latent z, n = 3", "mean patch token of 8 values".
fn part_shown(snapshot: &Snapshot, layout: LatentLayout) -> String {
    match layout {
        LatentLayout::Units(_) => format!("latent z, {layout}"),
        LatentLayout::Map { .. } => format!("latent {layout}"),
        LatentLayout::Tokens { count, width } => {
            let token = snapshot.probe.tokens.within(count);
            format!("{token} of {width} values")
        }
    }
}

fn draw_legend(area: &Area<'_>, dataset: &Dataset) -> Result<(), String> {
    /// The most names below each other.
    const ROWS: usize = 50;
    let count = dataset.classes();
    let columns = count.div_ceil(ROWS).max(1);
    let rows = count.div_ceil(columns).max(1);
    let (width, height) = area.dim_in_pixel();
    let width = f64::from(width) / columns as f64;
    let step = (f64::from(height.saturating_sub(70)) / rows as f64).min(48.0);
    // Sizes are shares of those of a legend with much room.
    let scaled = |pixels: f64| pixels * step / 48.0;
    for (class, name) in (0..=u8::MAX).zip(&dataset.class_names) {
        let (column, row) = (usize::from(class) / rows, usize::from(class) % rows);
        let (x, y) = (column as f64 * width, 60.0 + row as f64 * step);
        let at = |right: f64, down: f64| ((x + scaled(right)) as i32, (y + scaled(down)) as i32);
        let colour = rgb(palette::class(class));
        let disc = Circle::new(at(16.0, 16.0), scaled(11.0) as i32, colour.filled());
        area.draw(&disc).map_err(|error| error.to_string())?;
        let size = scaled(32.0);
        let name = elided(name, width - scaled(45.0), size);
        area.draw(&Text::new(name, at(40.0, 5.0), text(size as u32, INK)))
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Smallest and largest coordinate with a margin; something sensible when there is no interval.
fn limits(points: &[Point], axis: usize, from_zero: bool) -> std::ops::Range<f64> {
    let start = if from_zero { 0.0 } else { f64::INFINITY };
    let (low, high) = points
        .iter()
        .map(|(point, _)| point[axis])
        .fold((start, f64::NEG_INFINITY), |(low, high), x| {
            (low.min(x), high.max(x))
        });
    if low < high {
        low..high + (high - low) * 0.04
    } else if low.is_finite() {
        low..low + 1.0
    } else {
        0.0..1.0
    }
}

/// n = 1 and 2: a line and a plane. A missing second axis spreads points by class instead.
fn draw_plane(area: &Area<'_>, points: &[Point], n: usize, classes: usize) -> Result<(), String> {
    let x = limits(points, 0, true);
    let y = if n == 1 {
        -1.0..classes as f64
    } else {
        limits(points, 1, true)
    };
    let mut chart = ChartBuilder::on(area)
        .margin(30)
        .x_label_area_size(80)
        .y_label_area_size(90)
        .build_cartesian_2d(x, y)
        .map_err(|error| error.to_string())?;
    chart
        .configure_mesh()
        .x_desc("z1")
        .y_desc(if n == 1 { "class" } else { "z2" })
        .label_style(text(26, INK))
        .axis_desc_style(text(32, INK))
        .light_line_style(INK.mix(0.0))
        .bold_line_style(INK.mix(0.12))
        .draw()
        .map_err(|error| error.to_string())?;
    chart
        .draw_series(points.iter().map(|(point, class)| {
            let height = if n == 1 { f64::from(*class) } else { point[1] };
            Circle::new(
                (point[0], height),
                7,
                rgb(palette::class(*class)).mix(0.85).filled(),
            )
        }))
        .map_err(|error| error.to_string())?;
    Ok(())
}

fn draw_space(
    area: &Area<'_>,
    mut points: Vec<Point>,
    projection: Projection,
) -> Result<(), String> {
    let is_z = projection == Projection::Coordinates;
    let [x, y, z] = [0, 1, 2].map(|axis| limits(&points, axis, is_z));
    let share = |value: f64, limits: &std::ops::Range<f64>| {
        (value - limits.start) / (limits.end - limits.start)
    };
    // Nearest last: the viewer stands above the corner where all coordinates are largest.
    let nearness = |(point, _): &Point| {
        let level = share(point[0], &x) * TURN.sin() + share(point[1], &y) * TURN.cos();
        level * TILT.cos() + share(point[2], &z) * TILT.sin()
    };
    points.sort_by(|a, b| nearness(a).total_cmp(&nearness(b)));

    // plotters' second axis points up; ours is the third.
    let mut chart = ChartBuilder::on(area)
        .margin(50)
        .build_cartesian_3d(x.clone(), z.clone(), y.clone())
        .map_err(|error| error.to_string())?;
    chart.with_projection(|mut view| {
        view.yaw = TURN;
        view.pitch = TILT;
        view.scale = 0.88;
        view.into_matrix()
    });
    let number = |value: &f64| number(*value);
    chart
        .configure_axes()
        .x_formatter(&number)
        .y_formatter(&number)
        .z_formatter(&number)
        .label_style(text(24, INK))
        .light_grid_style(INK.mix(0.0))
        .bold_grid_style(INK.mix(0.15))
        .axis_panel_style(INK.mix(0.03))
        .max_light_lines(1)
        .x_labels(6)
        .y_labels(6)
        .z_labels(6)
        .draw()
        .map_err(|error| error.to_string())?;

    let names = if is_z {
        ["z1", "z2", "z3"]
    } else {
        ["PC 1", "PC 2", "PC 3"]
    };
    let at = |limits: &std::ops::Range<f64>, share: f64| {
        limits.start + (limits.end - limits.start) * share
    };
    // Beside the middle of the edges that carry the values.
    let places = [
        (at(&x, 0.5), at(&z, -0.12), at(&y, 1.06)),
        (at(&x, 1.06), at(&z, -0.12), at(&y, 0.5)),
        (at(&x, -0.1), at(&z, 0.5), at(&y, 1.06)),
    ];
    for (name, place) in names.into_iter().zip(places) {
        chart
            .draw_series(std::iter::once(
                EmptyElement::at(place) + Text::new(name, (-12, -16), text(34, INK)),
            ))
            .map_err(|error| error.to_string())?;
    }
    chart
        .draw_series(points.iter().map(|(point, class)| {
            let place = (point[0], point[2], point[1]);
            EmptyElement::at(place)
                + Circle::new((0, 0), 8, rgb(palette::class(*class)).filled())
                + Circle::new((0, 0), 8, INK.mix(0.35))
        }))
        .map_err(|error| error.to_string())?;
    Ok(())
}

/// A tick's value without digits that say nothing.
fn number(value: f64) -> String {
    // Rounding away what binary fractions leave behind, and the sign of −0.
    let value = (value * 1e6).round() / 1e6 + 0.0;
    format!("{value}")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        data::{BundledSet, DataSource},
        model::Lambda,
        train::{Probe, RunId, TokenView},
    };

    fn snapshot(n: usize, points: Vec<[f32; 3]>, images: Vec<u32>) -> Snapshot {
        Snapshot {
            run: RunId(1),
            step: 19,
            lambda: Lambda::BALANCED,
            latent_size: n,
            latents: Vec::new(),
            predicted: vec![0; points.len()],
            points,
            projection: if n > 3 {
                Projection::Pca { explained: 0.71 }
            } else {
                Projection::Coordinates
            },
            probe: Probe {
                cloud: Arc::from(images),
                ..Probe::default()
            },
            dead: vec![false; n],
            grid: Vec::new(),
            selected: None,
            custom_image: None,
        }
    }

    #[test]
    fn the_points_have_the_colours_of_their_classes() {
        let dataset = DataSource::Bundled(BundledSet::Mnist).load().unwrap();
        let images = dataset.test.first_of_each_class(10, 5);
        let points: Vec<[f32; 3]> = (0..50u8)
            .map(|i| [f32::from(i % 7), f32::from(i % 5), f32::from(i) / 10.0])
            .collect();
        let folder = tempfile::tempdir().unwrap();
        for n in [3, 64] {
            let path = folder.path().join(format!("{n}.png"));
            latent_scatter(
                &snapshot(n, points.clone(), images.clone()),
                LatentLayout::Units(n),
                &dataset,
                &path,
            )
            .unwrap();
            let image = image::open(&path).unwrap().to_rgb8();
            assert_eq!(image.dimensions(), SIZE);
            for class in 0..10 {
                let wanted = image::Rgb(palette::class(class));
                // Left of the legend.
                let count = image
                    .enumerate_pixels()
                    .filter(|(x, _, pixel)| *x < 1300 && **pixel == wanted)
                    .count();
                assert!(count > 50, "n = {n}: class {class} has {count} pixels");
            }
        }
    }

    #[test]
    fn the_title_says_which_part_of_z_is_shown() {
        let (units, map) = (
            LatentLayout::Units(3),
            LatentLayout::Map {
                channels: 16,
                height: 4,
                width: 4,
            },
        );
        let tokens = LatentLayout::Tokens {
            count: 50,
            width: 8,
        };
        let said = |view: TokenView, layout: LatentLayout| {
            let mut snapshot = snapshot(8, vec![], vec![]);
            snapshot.probe.tokens = view;
            part_shown(&snapshot, layout)
        };
        for (view, layout, wanted) in [
            (TokenView::MeanPatch, units, "latent z, n = 3"),
            (TokenView::MeanPatch, map, "latent z = 16×4×4"),
            (TokenView::MeanPatch, tokens, "mean patch token of 8 values"),
            (TokenView::Token(0), tokens, "class token of 8 values"),
            (TokenView::Token(99), tokens, "patch 49 of 8 values"),
        ] {
            assert_eq!(said(view, layout), wanted);
        }
    }

    #[test]
    fn hostile_snapshots_give_a_picture_all_the_same() {
        let dataset = DataSource::Bundled(BundledSet::Mnist).load().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        for n in [0, 1, 2, 3, 64] {
            for (points, images) in [
                (vec![], vec![]),
                (vec![[f32::NAN; 3], [f32::INFINITY, 0.0, 0.0]], vec![0, 1]),
                (vec![[0.0; 3]; 3], vec![0, 1, u32::MAX]),
                (vec![[f32::MAX; 3], [f32::MIN; 3]], vec![0, 1]),
            ] {
                let layout = LatentLayout::Units(n);
                latent_scatter(&snapshot(n, points, images), layout, &dataset, &path).unwrap();
            }
        }
        let nowhere = folder.path().join("no such folder").join("a.png");
        let (empty, layout) = (snapshot(3, vec![], vec![]), LatentLayout::Units(3));
        let error = latent_scatter(&empty, layout, &dataset, &nowhere).unwrap_err();
        assert!(error.to_string().contains("no such folder"), "{error}");
    }
}
