//! CPU time that the window's own code takes for a frame while a CRE trains, the rasteriser left out.
//!
//! `cargo bench --bench frame` prints, for 500 and for 10,000 points, and for a spectrum of eleven λ whose
//! slider is dragged, the time of the UI thread per frame (layout, panes, input, tessellation), which the
//! training threads do not disturb.

use std::{
    fs::File,
    io,
    path::Path,
    time::{Duration, Instant},
};

use cpu_time::ThreadTime;
use cre_lab::{
    data::{BundledSet, DataSource, idx},
    experiment::Spectrum,
    gui::App,
    model::lambda::spread,
    train::{DeviceChoice, RunConfig},
};
use eframe::egui::{accesskit::Role, vec2};
use egui_kittest::{Harness, kittest::Queryable as _};

const FRAMES: usize = 400;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    write_full_size_set(folder.path())?;
    println!(
        "points  lanes  frames   median      p95      max   (CPU ms of the UI thread per frame)"
    );
    for (points, lanes) in [(500, 1), (10_000, 1), (500, 11)] {
        let mut frames = frames(folder.path(), points, lanes)?;
        frames.sort();
        let at = |share: f64| frames[((frames.len() - 1) as f64 * share) as usize].as_secs_f64();
        println!(
            "{points:>6}  {lanes:>5}  {:>6}  {:>7.2}  {:>7.2}  {:>7.2}",
            frames.len(),
            at(0.5) * 1e3,
            at(0.95) * 1e3,
            at(1.0) * 1e3
        );
    }
    Ok(())
}

/// The bundled digits, with test images repeated up to the 10,000 of the full set.
fn write_full_size_set(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let set = DataSource::Bundled(BundledSet::Mnist).load()?;
    for (half, prefix, times) in [(&set.train, "train", 1), (&set.test, "t10k", 5)] {
        let pixels = half.images(0..half.len()).repeat(times);
        let labels = half.labels().repeat(times);
        idx::write_images(
            &mut File::create(folder.join(format!("{prefix}-images-idx3-ubyte")))?,
            &pixels,
        )?;
        idx::write_labels(
            &mut File::create(folder.join(format!("{prefix}-labels-idx1-ubyte")))?,
            &labels,
        )?;
    }
    Ok(())
}

fn frames(folder: &Path, points: usize, lanes: usize) -> io::Result<Vec<Duration>> {
    let config = RunConfig {
        device: DeviceChoice::Cpu,
        ..RunConfig::default()
    };
    let is_spectrum = lanes > 1;
    let source = if is_spectrum {
        DataSource::Bundled(BundledSet::Mnist)
    } else {
        DataSource::Folder(folder.to_owned())
    };
    let spectrum = Spectrum::new(spread(lanes)).map_err(io::Error::other)?;
    let mut harness = Harness::builder()
        .with_size(vec2(1280.0, 800.0))
        .build_eframe(|cc| {
            App::new(cc, config, source, None).with_spectrum(is_spectrum.then_some(spectrum))
        });
    let shown = |harness: &Harness<'_, App>| {
        harness
            .state()
            .session()
            .run()
            .and_then(|run| run.shown().snapshot.as_ref())
            .map_or(0, |snapshot| snapshot.points.len())
    };
    let begun = Instant::now();
    while shown(&harness) != points {
        harness.step();
        if points > 500 && shown(&harness) > 0 {
            harness
                .get_by_role_and_label(Role::Slider, "images a class")
                .set_value_accesskit(2_000.0);
        }
        if begun.elapsed() > Duration::from_mins(1) {
            return Err(io::Error::other(format!("{points} points never came")));
        }
        std::thread::sleep(Duration::from_millis(20));
    }

    let mut times = Vec::with_capacity(FRAMES);
    for frame in 0..FRAMES {
        // A pointer that wanders over the cloud, as an explorer's does.
        let angle = frame as f32 * 0.05;
        harness.hover_at(eframe::egui::pos2(
            560.0 + 120.0 * angle.cos(),
            300.0 + 90.0 * angle.sin(),
        ));
        if is_spectrum {
            // The slider goes from end to end and back in five seconds.
            let lambda = f64::from((angle * 0.5).sin() * 0.5 + 0.5);
            harness
                .get_by_role_and_label(Role::Slider, "λ")
                .set_value_accesskit(lambda);
        }
        let begun = ThreadTime::now();
        harness.step();
        let output = harness.output();
        let triangles = harness
            .ctx
            .tessellate(output.shapes.clone(), output.pixels_per_point);
        times.push(begun.elapsed());
        assert!(!triangles.is_empty());
        std::thread::sleep(Duration::from_millis(12));
    }
    Ok(times)
}
