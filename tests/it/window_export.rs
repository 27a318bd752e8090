//! What the window writes into files, and what it reads from the file of results.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crate::common::window::{TIME_LIMIT, notifications, notifies, open, press, small, wait};
use cre_lab::{
    data::{BundledSet, DataSource, ImageShape},
    figures::{CapacityMeasure, DeadRuns, FigureKind},
    gui::{
        App,
        commands::{ExportCommand, ResultsCommand},
        state::{AllOptions, Export, results::ResultsState},
    },
    model::{Architecture, Lambda, LatentSize},
    sweep::{EvalSample, Reconstruction, Record, RunKey, RunSpec, Spectrum, Store},
    train::{Evaluation, Metrics, Projection, RunConfig},
};
use eframe::egui::accesskit::Role;
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};

/// FC Small, many steps a second; three networks where `spectrum` is asked for.
fn window(spectrum: Option<&str>) -> Harness<'static, App> {
    let spectrum: Option<Spectrum> = spectrum.map(|list| list.parse().unwrap());
    open(small(), BundledSet::Mnist, |app| {
        app.with_spectrum(spectrum)
    })
}

/// Until every network has been trained for two epochs and has a snapshot.
fn train(harness: &mut Harness<'_, App>, lanes: usize) {
    wait(harness, "two epochs", |app| {
        app.state().run.view().is_some_and(|run| {
            run.lanes().len() == lanes
                && run.lanes().iter().all(|lane| {
                    lane.last_evaluation.is_some_and(|last| last.epoch > 1)
                        && lane
                            .snapshot
                            .as_ref()
                            .is_some_and(|snapshot| snapshot.step > 0)
                })
        })
    });
}

fn start_export(harness: &mut Harness<'_, App>, export: Export, path: &Path) {
    let path = path.to_owned();
    harness
        .state_mut()
        .execute(ExportCommand::Write { export, path });
}

/// Writes a file and gives it back.
#[track_caller]
fn write(harness: &mut Harness<'_, App>, export: Export, path: &Path) -> Vec<u8> {
    start_export(harness, export, path);
    let written = format!("Written to {}", path.display());
    wait(harness, "a file", |app| {
        notifications(app).contains(&written)
    });
    std::fs::read(path).unwrap()
}

#[test]
fn every_figure_of_a_spectrum_is_written_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(Some("0, 0.5, 1"));
    train(&mut harness, 3);
    for subject in FigureKind::ALL {
        let export = Export::Figure(subject, DeadRuns::Hollow);
        for extension in ["svg", "png", "csv"] {
            let path = folder
                .path()
                .join(format!("{}.{extension}", subject.file_stem()));
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
    // Figure 3 shows the metrics of the window.
    let path = folder.path().join("trade-off-plane.csv");
    let mut table = csv::Reader::from_path(path).unwrap();
    let lambdas: Vec<String> = table
        .records()
        .map(|row| row.unwrap()[1].to_owned())
        .collect();
    assert_eq!(lambdas, ["0", "0.5", "1"]);
}

#[test]
fn the_export_window_lists_what_can_be_exported_and_reports_the_path() {
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

    let export = Export::Figure(FigureKind::Curves, DeadRuns::Hollow);
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
        start_export(&mut harness, export, &path);
        wait(&mut harness, reason, |app| notifies(app, reason));
        assert!(!path.exists());
        harness.run_steps(2);
        harness.get_by_label_contains(reason);
        press(&mut harness, "Dismiss");
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing half-written stays: {left:?}");
}

#[test]
fn an_animation_over_lambda_is_written_or_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(Some("0, 1"));
    train(&mut harness, 2);
    let path = folder.path().join("sweep.gif");
    std::fs::write(&path, b"what was there before").unwrap();
    start_export(&mut harness, Export::Sweep, &path);
    // Before the first frame can be done.
    harness.state_mut().execute(ExportCommand::Cancel);
    wait(&mut harness, "the end of the export", |app| {
        app.state().exports.running.is_none()
    });
    assert_eq!(std::fs::read(&path).unwrap(), b"what was there before");

    let bytes = write(&mut harness, Export::Sweep, &path);
    let frames = frames(&bytes);
    // Both λ stand still, and there is a way between them.
    assert!(frames > 2, "{frames} frames");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn training_is_recorded_and_animated() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(None);
    train(&mut harness, 1);
    press(&mut harness, "File");
    press(&mut harness, "Export animation…");
    press(&mut harness, "Record");
    wait(&mut harness, "four pictures", |app| {
        let recording = app.state().exports.recording.as_ref();
        recording.is_some_and(|recording| recording.count() >= 4)
    });
    press(&mut harness, "Pause");
    wait(&mut harness, "a pause", |app| {
        !app.state().run.is_training()
    });
    harness.run_steps(3);
    let recording = harness.state().state().exports.recording.as_ref().unwrap();
    let (count, (first, last)) = (recording.count(), recording.steps());
    assert!(last > first);
    harness.get_by_label_contains(&format!("{count} frames, step {first} to {last}"));
    let bytes = write(
        &mut harness,
        Export::Training,
        &folder.path().join("training.gif"),
    );
    assert_eq!(frames(&bytes), count);
    press(&mut harness, "Discard");
    assert!(harness.state().state().exports.recording.is_none());
}

/// Names of the files in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn all_figures_of_finished_runs_are_written_or_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.sqlite");
    let mut harness = window(None);
    harness
        .state_mut()
        .execute(ResultsCommand::SetFile(file.clone()));
    press(&mut harness, "File");
    press(&mut harness, "Export all figures…");
    wait(&mut harness, "that there is no such file", |app| {
        app.state().results.state == ResultsState::Missing
    });
    harness.run_steps(2);
    harness.get_by_label("There are no finished runs yet");

    let data = RunKey::from_dataset(&DataSource::Bundled(BundledSet::Mnist).load().unwrap());
    let mut store = Store::open(&file).unwrap();
    for (lambda, accuracy, mse) in [(0.0, 0.95, 0.3), (0.5, 0.9, 0.25), (1.0, 0.6, 0.2)] {
        let mut record = record(3, lambda, 1, accuracy, mse);
        let cell = |label: u8| Reconstruction {
            index: u32::from(label),
            label,
            predicted: label,
            mse: 0.2,
            input: vec![label; 784],
            reconstruction: vec![100; 784],
        };
        record.eval_sample.reconstructions = (0..10).map(cell).collect();
        record.eval_sample.points = (0..10u8).map(|at| [f32::from(at), 1.0, 2.0]).collect();
        record.eval_sample.labels = (0..10).collect();
        record.eval_sample.predicted = (0..10).collect();
        store.commit(&data, &record).unwrap();
    }
    wait(&mut harness, "the runs", |app| {
        matches!(
            app.state().results.state,
            ResultsState::Read { runs: 3, .. }
        )
    });
    harness.run_steps(2);
    harness.get_by_label("3 finished runs, from results.sqlite");
    let choose = harness.get_by_role_and_label(Role::Button, "Choose folder…");
    assert!(!choose.accesskit_node().is_disabled());

    let export = |harness: &mut Harness<'_, App>, name: &str, films: bool| {
        let made = folder.path().join(name);
        let options = AllOptions {
            dead: DeadRuns::LeftOut,
            animations: films,
        };
        start_export(harness, Export::All(options), &made);
        made
    };
    // Stopped before the first file can be done.
    let made = export(&mut harness, "stopped", true);
    harness.state_mut().execute(ExportCommand::Cancel);
    wait(&mut harness, "the stop", |app| {
        notifies(app, "Cancelled; 1 of 13 files are in")
    });
    assert_eq!(std::fs::read_dir(&made).unwrap().count(), 1);

    let made = export(&mut harness, "made", false);
    wait(&mut harness, "all files", |app| {
        notifies(app, "4 figures of 3 runs are in")
    });
    harness.run_steps(2);
    harness.get_by_label_contains("; left out: latent size, complexity");
    assert_eq!(names(&made).len(), 12);

    // The dialog for folders does not ask about the files in them.
    let kept = made.join("figure-3.csv");
    std::fs::write(&kept, "mine").unwrap();
    export(&mut harness, "made", false);
    wait(&mut harness, "a refusal", |app| {
        notifies(
            app,
            "made already holds figure-3.svg and 11 more files; choose another folder",
        )
    });
    assert_eq!(std::fs::read(&kept).unwrap(), b"mine");
    std::fs::remove_dir_all(&made).unwrap();
    export(&mut harness, "made", false);
    wait(&mut harness, "all files again", |app| {
        notifies(app, "4 figures of 3 runs are in")
    });

    // The very files that the command line writes.
    let by_hand = folder.path().join("by hand");
    let cre_lab = std::process::Command::new(env!("CARGO_BIN_EXE_cre-lab"))
        .args(["figures", "--leave-out-dead", "--from"])
        .args([&file, Path::new("--out"), &by_hand])
        .status();
    assert!(cre_lab.unwrap().success());
    assert_eq!(names(&by_hand), names(&made));
    for name in names(&made) {
        let bytes = |folder: &Path| std::fs::read(folder.join(&name)).unwrap();
        assert_eq!(bytes(&by_hand), bytes(&made), "{name}");
    }
}

#[test]
fn a_stored_spectrum_of_another_data_set_is_compared_below_the_clouds() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.sqlite");
    let set = DataSource::Bundled(BundledSet::FashionMnist);
    let data = RunKey::from_dataset(&set.load().unwrap());
    let mut store = Store::open(&file).unwrap();
    for (lambda, n) in [(0.0, 3), (1.0, 3), (0.0, 4), (1.0, 4)] {
        let mut record = record(n, lambda, 7, 0.8, 0.2);
        record.spec.data = set.clone();
        record.spec.config.architecture = Architecture::FcSmall;
        record.data_name = "Fashion-MNIST".to_owned();
        record.eval_sample.points = vec![[1.0, 2.0, 3.0], [0.0, 1.0, 0.0]];
        record.eval_sample.labels = vec![0, 9];
        record.eval_sample.predicted = vec![0, 9];
        store.commit(&data, &record).unwrap();
    }
    let mut harness = window(Some("0, 0.5, 1"));
    harness
        .state_mut()
        .execute(ResultsCommand::SetFile(file.clone()));
    train(&mut harness, 3);
    // Away from behind the pane that hides it, and to the front beside the curves.
    for _ in 0..2 {
        press(&mut harness, "View");
        harness
            .get_by_role_and_label(Role::CheckBox, "Clouds")
            .click();
        harness.run_steps(4);
    }
    wait(&mut harness, "the spectra of the file", |app| {
        app.state().results.spectra().len() == 2
    });
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("for comparison").is_none());
    harness
        .get_by_role_and_label(Role::ComboBox, "Compare with")
        .click();
    harness.run_steps(3);
    // That of another network is not offered.
    press(&mut harness, "Fashion-MNIST, seed 7");
    let begun = Instant::now();
    let cloud = "Cloud of λ = 1.00, Fashion-MNIST, seed 7";
    while harness.query_by_label(cloud).is_none() {
        assert!(begun.elapsed() < TIME_LIMIT, "the clouds are never there");
        std::thread::sleep(Duration::from_millis(10));
        harness.step();
    }
    harness.get_by_label("Clouds of Fashion-MNIST, seed 7 for comparison");
    assert!(
        harness
            .query_by_label("Cloud of λ = 0.50, Fashion-MNIST, seed 7")
            .is_none(),
        "there is no such run"
    );
    let place = |harness: &Harness<'_, App>, label: &str| harness.get_by_label(label).rect();
    let above = place(&harness, "Cloud of λ = 1.00");
    let below = place(&harness, cloud);
    assert_eq!(above.x_range(), below.x_range(), "the same column");
    assert!(below.top() >= above.bottom());
    harness.get_by_label(cloud).click();
    harness.run_steps(3);
    assert_eq!(harness.state().state().run.lambda(), Lambda::AUTOENCODER);
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
        relu_units: n,
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
        eval_sample: EvalSample {
            points: vec![],
            projection: Projection::Coordinates,
            labels: vec![],
            predicted: vec![],
            reconstructions: vec![],
        },
    }
}

#[test]
fn the_trade_off_width_follows_the_results_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.sqlite");
    let mut harness = window(None);
    harness
        .state_mut()
        .execute(ResultsCommand::SetFile(file.clone()));
    press(&mut harness, "View");
    harness
        .get_by_role_and_label(Role::CheckBox, "Trade-off width")
        .click();
    harness.run_steps(4);
    let says = |harness: &mut Harness<'_, App>, words: &str| {
        let begun = Instant::now();
        while harness.query_by_label_contains(words).is_none() {
            assert!(begun.elapsed() < TIME_LIMIT, "never said: {words}");
            std::thread::sleep(Duration::from_millis(20));
            harness.step();
        }
    };
    // None is made where there is none.
    says(&mut harness, "There are no finished runs yet");
    harness.get_by_label("cre-lab sweep --preset latent-size");
    assert!(!file.exists());

    let data = RunKey::from_dataset(&DataSource::Bundled(BundledSet::Mnist).load().unwrap());
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
    let bytes = write(
        &mut harness,
        Export::Width(CapacityMeasure::LatentSize),
        &path,
    );
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
