//! What the window writes into files, and what it reads from the file of results.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
#![cfg(feature = "gui")]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "common/window.rs"]
mod window;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use cre_lab::{
    data::{BundledSet, DataSource, ImageShape},
    experiment::{Identity, Portrait, Record, RunSpec, Spectrum, Store},
    figures::{Against, DeadRuns, Subject},
    gui::{
        App,
        session::{Export, Notice},
    },
    model::{Lambda, LatentSize},
    train::{Evaluation, Metrics, Projection, RunConfig},
};
use eframe::egui::accesskit::Role;
use egui_kittest::{Harness, kittest::Queryable as _};
use window::{PATIENCE, open, press, small, wait};

/// FC Small, many steps a second; three networks where `spectrum` is asked for.
fn window(spectrum: Option<&str>) -> Harness<'static, App> {
    let spectrum: Option<Spectrum> = spectrum.map(|list| list.parse().unwrap());
    open(small(), BundledSet::Mnist, |app| {
        app.with_spectrum(spectrum)
    })
}

/// Until every network has been trained for two epochs and seen.
fn train(harness: &mut Harness<'_, App>, lanes: usize) {
    wait(harness, "two epochs", |app| {
        app.session().run().is_some_and(|run| {
            run.lanes().len() == lanes
                && run.lanes().iter().all(|lane| {
                    lane.last_evaluation.is_some_and(|last| last.epoch > 1)
                        && lane.snapshot.as_ref().is_some_and(|look| look.step > 0)
                })
        })
    });
}

/// Writes a file and gives it back.
#[track_caller]
fn write(harness: &mut Harness<'_, App>, export: Export, path: &Path) -> Vec<u8> {
    harness
        .state_mut()
        .session_mut()
        .export(export, path.to_owned());
    let written = Notice::Exported {
        file: path.to_owned(),
    };
    wait(harness, "a file", |app| {
        app.session().notices().contains(&written)
    });
    std::fs::read(path).unwrap()
}

#[test]
fn every_figure_of_a_spectrum_is_written_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(Some("0, 0.5, 1"));
    train(&mut harness, 3);
    for subject in Subject::ALL {
        let export = Export::Figure(subject, DeadRuns::Hollow);
        for extension in ["svg", "png", "csv"] {
            let path = folder
                .path()
                .join(format!("{}.{extension}", subject.file()));
            let bytes = write(&mut harness, export, &path);
            match extension {
                "png" => {
                    let picture = image::load_from_memory(&bytes).unwrap();
                    assert!(picture.width() > 900, "{subject:?}");
                }
                "svg" => {
                    let text = String::from_utf8(bytes).unwrap();
                    assert!(text.starts_with("<svg") && text.ends_with("</svg>\n"));
                    assert!(text.contains("MNIST, FC Small, n = 3"), "{subject:?}");
                }
                _ => {
                    let mut table = csv::Reader::from_reader(&bytes[..]);
                    let rows: Vec<csv::StringRecord> =
                        table.records().collect::<Result<_, _>>().unwrap();
                    assert!(rows.len() >= 3, "{subject:?}");
                }
            }
        }
    }
    // What figure 3 shows is what the window was told.
    let path = folder.path().join("trade-off-plane.csv");
    let mut table = csv::Reader::from_path(path).unwrap();
    let lambdas: Vec<String> = table
        .records()
        .map(|row| row.unwrap()[1].to_owned())
        .collect();
    assert_eq!(lambdas, ["0", "0.5", "1"]);
}

#[test]
fn the_window_says_what_can_be_exported_and_where_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(None);
    train(&mut harness, 1);
    press(&mut harness, "File");
    press(&mut harness, "Export figure…");
    for label in ["Latent cloud", "Trade-off plane", "Clouds by λ (figure 4)"] {
        harness.get_by_role_and_label(Role::RadioButton, label);
    }
    harness
        .get_by_role_and_label(Role::RadioButton, "Curves")
        .click();
    harness.run_steps(2);
    harness.get_by_role_and_label(Role::Button, "Save as…");

    let export = Export::Figure(Subject::Curves, DeadRuns::Hollow);
    let path = folder.path().join("curves.csv");
    write(&mut harness, export, &path);
    harness.run_steps(2);
    harness.get_by_label(&format!("Written to {}", path.display()));
    press(&mut harness, "OK");

    // A format that is none, a folder that is none, and what needs many λ.
    for (export, file, reason) in [
        (export, "curves.pdf", "must end in .svg, .png or .csv"),
        (export, "nowhere/curves.svg", "cannot write the figure"),
        (Export::Sweep, "sweep.gif", "needs a spectrum"),
        (Export::Training, "training.gif", "must be recorded first"),
    ] {
        let path = folder.path().join(file);
        let session = harness.state_mut().session_mut();
        session.export(export, path.clone());
        wait(&mut harness, reason, |app| {
            let mut notices = app.session().notices().into_iter();
            notices.any(|notice| notice.text().contains(reason))
        });
        assert!(!path.exists());
        harness.run_steps(2);
        harness.get_by_label_contains(reason);
        press(&mut harness, "Dismiss");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing half-written stays: {left:?}");
}

#[test]
fn a_sweep_is_filmed_or_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(Some("0, 1"));
    train(&mut harness, 2);
    let path = folder.path().join("sweep.gif");
    std::fs::write(&path, b"what was there before").unwrap();
    let session = harness.state_mut().session_mut();
    session.export(Export::Sweep, path.clone());
    // Before the first frame can be done.
    harness.state_mut().session_mut().remedy(
        &Notice::Exporting {
            file: path.clone(),
            frames: None,
            is_stopping: false,
        },
        cre_lab::gui::session::Remedy::CancelExport,
    );
    wait(&mut harness, "the end of the export", |app| {
        app.session().exporting().is_none()
    });
    assert_eq!(std::fs::read(&path).unwrap(), b"what was there before");

    let bytes = write(&mut harness, Export::Sweep, &path);
    let frames = frames(&bytes);
    // Both λ stand still, and there is a way between them.
    assert!(frames > 2, "{frames} frames");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn training_is_recorded_and_filmed() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(None);
    train(&mut harness, 1);
    press(&mut harness, "File");
    press(&mut harness, "Export animation…");
    press(&mut harness, "Record");
    wait(&mut harness, "four pictures", |app| {
        app.session()
            .recording()
            .is_some_and(|recording| recording.extent().0 >= 4)
    });
    press(&mut harness, "Pause");
    wait(&mut harness, "a pause", |app| !app.session().is_training());
    harness.run_steps(3);
    let (count, first, last) = harness.state().session().recording().unwrap().extent();
    assert!(last > first);
    harness.get_by_label_contains(&format!("{count} pictures, step {first} to {last}"));
    let bytes = write(
        &mut harness,
        Export::Training,
        &folder.path().join("training.gif"),
    );
    assert_eq!(frames(&bytes), count);
    press(&mut harness, "Forget");
    assert!(harness.state().session().recording().is_none());
}

fn frames(gif: &[u8]) -> usize {
    use image::AnimationDecoder as _;
    let decoder = image::codecs::gif::GifDecoder::new(std::io::Cursor::new(gif)).unwrap();
    decoder.into_frames().collect_frames().unwrap().len()
}

/// A run on MNIST that nobody trained.
fn record(n: usize, lambda: f64, seed: u64, accuracy: f64, mse: f64) -> Record {
    let lambda = Lambda::new(lambda).unwrap();
    Record {
        spec: RunSpec {
            data: DataSource::Bundled(BundledSet::Mnist),
            epochs: 10,
            config: RunConfig {
                lambda,
                seed,
                latent: LatentSize::new(n).unwrap(),
                ..RunConfig::default()
            },
        },
        data_name: "MNIST".to_owned(),
        shape: ImageShape::GREY_28,
        class_names: (0..10).map(|class| class.to_string()).collect(),
        program: "a test".to_owned(),
        device: "no device".to_owned(),
        parameters: 970_000 + 500 * n,
        latent_values: n,
        mortal_units: n,
        evaluations: vec![Evaluation {
            epoch: 10,
            step: 190,
            lambda,
            train: None,
            test: Metrics {
                mse,
                ce: 1.0,
                accuracy,
            },
            dead_units: 0,
            images_per_second: 1.0,
        }],
        kept: 0,
        wall_seconds: 1.0,
        finished: 1_790_000_000,
        portrait: Portrait {
            points: vec![],
            projection: Projection::Coordinates,
            labels: vec![],
            predicted: vec![],
            cells: vec![],
        },
    }
}

#[test]
fn the_width_of_the_trade_off_comes_from_the_file_of_results_as_it_grows() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.sqlite");
    let mut harness = window(None);
    harness.state_mut().session_mut().set_results(file.clone());
    press(&mut harness, "View");
    harness
        .get_by_role_and_label(Role::CheckBox, "Trade-off width")
        .click();
    harness.run_steps(4);
    let says = |harness: &mut Harness<'_, App>, words: &str| {
        let begun = Instant::now();
        while harness.query_by_label_contains(words).is_none() {
            assert!(begun.elapsed() < PATIENCE, "never said: {words}");
            std::thread::sleep(Duration::from_millis(20));
            harness.step();
        }
    };
    // None is made where there is none.
    says(&mut harness, "There are no finished runs yet");
    harness.get_by_label("cre-lab sweep --preset latent-size");
    assert!(!file.exists());

    let data = Identity::of_data(&DataSource::Bundled(BundledSet::Mnist).load().unwrap());
    let mut store = Store::open(&file).unwrap();
    for (n, loss) in [(3, 0.3), (64, 0.05)] {
        for seed in 1..=3 {
            let noise = seed as f64 / 1000.0;
            for (lambda, accuracy, mse) in [(0.0, 0.95, 0.3), (1.0, 0.95 - loss, 0.2)] {
                let record = record(n, lambda, seed, accuracy + noise, mse);
                store.commit(&data, &record).unwrap();
            }
        }
    }
    says(
        &mut harness,
        "n = 3: 30.0 percentage points of accuracy lost",
    );
    harness.get_by_label_contains("n = 64: 5.0 percentage points of accuracy lost");
    harness.get_by_label_contains("n = 64: MSE 0.1000 higher");
    let path = folder.path().join("width.csv");
    let bytes = write(&mut harness, Export::Width(Against::LatentSize), &path);
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.contains("accuracy_loss_percentage_points"), "{text}");

    harness.get_by_label("parameters").click();
    harness.run_steps(3);
    harness.get_by_label("cre-lab sweep --preset complexity");
    drop(store);
    // What cannot be read is said.
    std::fs::write(&file, b"no database").unwrap();
    press(&mut harness, "Refresh");
    says(&mut harness, "results.sqlite cannot be used");
    assert_eq!(std::fs::read(&file).unwrap(), b"no database");
}
