//! CPU time that the window's own code takes for a frame while a CRE trains, the rasteriser left out.
//!
//! `cargo bench --bench frame` prints, for 500 and for 10,000 points, and for a spectrum of eleven λ whose
//! slider is dragged, the time of the UI thread per frame (layout, panes, input, tessellation), which the
//! training threads do not disturb.

use std::{
    collections::BTreeSet,
    fs::File,
    io,
    path::Path,
    time::{Duration, Instant},
};

use cpu_time::ThreadTime;
use cre_lab::{
    data::{BundledSet, DataSource, idx},
    gui::{App, state::RunView},
    model::lambda::evenly_spaced,
    sweep::Spectrum,
    train::{DeviceChoice, RunConfig},
};
use eframe::{
    App as _,
    egui::{
        Event, Modifiers, PointerButton, Pos2, RawInput, Rect, Vec2, accesskit::Role, pos2, vec2,
    },
};
use egui_kittest::{Harness, kittest::Queryable as _};

/// As the program does.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FRAMES: usize = 400;
/// Points.
const SIZE: Vec2 = vec2(1280.0, 800.0);

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
    let spectrum = Spectrum::new(evenly_spaced(lanes)).map_err(io::Error::other)?;
    let mut harness = Harness::builder().with_size(SIZE).build_eframe(|cc| {
        App::new(cc, config, source, None).with_spectrum(is_spectrum.then_some(spectrum))
    });
    let shown = |harness: &Harness<'_, App>| {
        harness
            .state()
            .state()
            .run
            .view()
            .and_then(|run| run.shown().snapshot.as_ref())
            .map_or(0, |snapshot| snapshot.points.len())
    };
    let first = Instant::now();
    while shown(&harness) != points {
        harness.step();
        if points > 500 && shown(&harness) > 0 {
            harness
                .get_by_role_and_label(Role::Slider, "images a class")
                .set_value_accesskit(2_000.0);
        }
        if first.elapsed() > Duration::from_mins(1) {
            return Err(io::Error::other(format!("{points} points never came")));
        }
        std::thread::sleep(Duration::from_millis(20));
    }

    let rail = harness
        .get_by_role_and_label(Role::Slider, "λ")
        .rect()
        .shrink(10.0);
    // From here on as in a window that nobody reads out: the tests' screen reader would cost more than
    // all panes together.
    let ctx = harness.ctx.clone();
    ctx.disable_accesskit();
    let app = harness.state_mut();
    let mut places = BTreeSet::new();
    let mut surroundings = eframe::Frame::_new_kittest();
    let mut times = Vec::with_capacity(FRAMES);
    for frame in 0..FRAMES {
        let angle = frame as f32 * 0.05;
        let pointer = if is_spectrum {
            // The slider is dragged from end to end and back in five seconds.
            let share = (angle * 0.5).sin() * 0.5 + 0.5;
            pos2(rail.left() + share * rail.width(), rail.center().y)
        } else {
            // A pointer that wanders over the cloud, as an explorer's does.
            pos2(560.0 + 120.0 * angle.cos(), 300.0 + 90.0 * angle.sin())
        };
        let mut events = vec![Event::PointerMoved(pointer)];
        if is_spectrum && frame == 0 {
            events.push(Event::PointerButton {
                pos: pointer,
                button: PointerButton::Primary,
                pressed: true,
                modifiers: Modifiers::NONE,
            });
        }
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE)),
            time: Some(first.elapsed().as_secs_f64()),
            events,
            ..RawInput::default()
        };
        let begun = ThreadTime::now();
        let output = ctx.run_ui(input, |ui| {
            app.logic(&ui.ctx().clone(), &mut surroundings);
            app.ui(ui, &mut surroundings);
        });
        let triangles = ctx.tessellate(output.shapes, output.pixels_per_point);
        times.push(begun.elapsed());
        assert!(!triangles.is_empty());
        places.extend(app.state().run.view().map(RunView::shown_index));
        std::thread::sleep(Duration::from_millis(12));
    }
    if is_spectrum && places.len() < lanes {
        return Err(io::Error::other("the slider was not dragged over all λ"));
    }
    Ok(times)
}
