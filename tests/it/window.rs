//! The window, used as a person or a screen reader would: by labels and keys.

use crate::common::server;
use crate::common::small_set;
use crate::common::window::{complains, config, open, open_on, press, small, steps, wait};
use cre_lab::{
    data::{BundledSet, DataSource, locator::Availability},
    gui::{
        App,
        commands::{DataCommand, DownloadCommand, ProbeCommand, RunCommand, StartSettings},
        state::{LaneView, ProbeSelection},
    },
    model::{Architecture, Lambda},
    train::{RunConfig, Snapshot, TokenView},
};
use eframe::egui::{Key, Modifiers, Pos2, Rect, accesskit::Role, vec2};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use image::RgbaImage;

fn window(config: RunConfig) -> Harness<'static, App> {
    open(config, BundledSet::Mnist, |app| app)
}

fn snapshot(app: &App) -> Option<&Snapshot> {
    app.state().run.view()?.shown().snapshot.as_deref()
}

fn trains(app: &App) -> bool {
    app.state().run.is_training() && steps(app) > 0 && snapshot(app).is_some()
}

/// How far apart the classes stand: variance between class means over variance within classes.
fn separation(app: &App) -> f64 {
    let run = app.state().run.view().unwrap();
    let snapshot = run.shown().snapshot.as_ref().unwrap();
    let label = |image: &u32| usize::from(run.dataset.test.label(*image as usize));
    let labels: Vec<usize> = snapshot.probe.cloud.iter().map(label).collect();
    let (mut between, mut within) = (0.0, 0.0);
    for axis in 0..3 {
        let values: Vec<f64> = snapshot.points.iter().map(|p| f64::from(p[axis])).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        for class in 0..10 {
            let of_class: Vec<f64> = values
                .iter()
                .zip(&labels)
                .filter(|(_, label)| **label == class)
                .map(|(value, _)| *value)
                .collect();
            let class_mean = of_class.iter().sum::<f64>() / of_class.len() as f64;
            between += of_class.len() as f64 * (class_mean - mean).powi(2);
            within += of_class
                .iter()
                .map(|v| (v - class_mean).powi(2))
                .sum::<f64>();
        }
    }
    between / within
}

#[test]
fn the_window_opens_in_training_and_moving_lambda_from_1_to_0_separates_the_classes() {
    let mut harness = window(config());
    wait(&mut harness, "the first steps", trains);

    harness.get_by_role_and_label(Role::Slider, "λ").focus();
    harness.step();
    harness.key_press(Key::End);
    wait(&mut harness, "λ = 1", |app| {
        app.state().run.lambda() == Lambda::AUTOENCODER
    });
    wait(&mut harness, "three epochs of an autoencoder", |app| {
        steps(app) > 57
    });
    let before = separation(harness.state());

    harness.get_by_role_and_label(Role::Slider, "λ").focus();
    harness.step();
    harness.key_press(Key::Home);
    wait(&mut harness, "λ = 0", |app| {
        app.state().run.lambda() == Lambda::CLASSIFIER
    });
    let moved = steps(harness.state());
    assert!(moved > 57, "moving λ never restarts");
    wait(&mut harness, "six epochs of a classifier", |app| {
        snapshot(app)
            .is_some_and(|shown| shown.step > moved + 114 && shown.lambda == Lambda::CLASSIFIER)
    });
    let after = separation(harness.state());
    assert!(after > 1.5 * before, "separation {before:.2} → {after:.2}");
    let marks = harness
        .state()
        .state()
        .run
        .view()
        .unwrap()
        .shown()
        .history
        .marks();
    assert!(!marks.is_empty(), "the curves mark where λ changed");
}

#[test]
fn the_lambda_slider_handles_keys_and_screen_readers() {
    let mut harness = window(small());
    wait(&mut harness, "the first steps", trains);
    let lambda = |harness: &Harness<'_, App>| harness.state().state().run.lambda().value();
    let close = |a: f64, b: f64| (a - b).abs() < 1e-9;

    // Without any focus, arrow keys belong to λ.
    harness.key_press(Key::ArrowRight);
    harness.step();
    assert!(close(lambda(&harness), 0.51), "{}", lambda(&harness));
    harness.key_press_modifiers(Modifiers::SHIFT, Key::ArrowLeft);
    harness.step();
    assert!(close(lambda(&harness), 0.41), "{}", lambda(&harness));

    let slider = |harness: &Harness<'_, App>, value: f64| {
        harness
            .get_by_role_and_label(Role::Slider, "λ")
            .set_value_accesskit(value);
    };
    slider(&harness, 0.25);
    harness.run_steps(2);
    assert!(close(lambda(&harness), 0.25), "{}", lambda(&harness));
    slider(&harness, f64::NAN);
    slider(&harness, 7.0);
    harness.run_steps(2);
    assert!(close(lambda(&harness), 1.0), "{}", lambda(&harness));
    harness
        .get_by_role_and_label(Role::Slider, "λ")
        .decrement_accesskit();
    harness.run_steps(2);
    assert!(close(lambda(&harness), 0.99), "{}", lambda(&harness));
    // The formula and its meaning follow.
    harness.get_by_label("L = 0.99 · MSE + 0.01 · CE");
    harness.get_by_label("nearly an autoencoder");
}

#[test]
fn the_transport_buttons_pause_step_and_restart() {
    let mut harness = window(small());
    wait(&mut harness, "the first steps", trains);
    harness.key_press(Key::Space);
    wait(&mut harness, "a pause", |app| {
        !app.state().run.is_training()
    });
    wait(&mut harness, "the last snapshot", |app| {
        snapshot(app).is_some_and(|shown| shown.step == steps(app))
    });
    let paused = steps(harness.state());
    harness.get_by_role_and_label(Role::Button, "Step").click();
    wait(&mut harness, "one step", |app| {
        snapshot(app).is_some_and(|shown| shown.step == paused + 1)
    });
    harness.get_by_role_and_label(Role::Button, "Epoch").click();
    wait(&mut harness, "the end of the epoch", |app| {
        let run = app.state().run.view().unwrap();
        !app.state().run.is_training() && run.step() > paused + 1 && run.epoch().1 == 0.0
    });
    let id = harness.state().state().run.view().unwrap().id;
    harness
        .get_by_role_and_label(Role::Button, "Restart")
        .click();
    wait(&mut harness, "another run", |app| {
        app.state().run.view().is_some_and(|run| run.id > id)
    });
    wait(&mut harness, "training again", trains);
}

#[test]
fn settings_apply_to_a_new_run_and_can_be_reverted() {
    let mut harness = window(small());
    wait(&mut harness, "the first steps", trains);
    let id = harness.state().state().run.view().unwrap().id;
    let choose = |harness: &mut Harness<'_, App>, label: &str, option: &str| {
        harness.get_by_role_and_label(Role::ComboBox, label).click();
        harness.run_steps(3);
        press(harness, option);
    };
    choose(&mut harness, "Data set", "Fashion-MNIST");
    harness.get_by_label("Apply starts a new run");
    harness
        .get_by_role_and_label(Role::Button, "Revert")
        .click();
    harness.run_steps(3);
    assert!(harness.query_by_label("Apply starts a new run").is_none());
    assert_eq!(
        harness.state().state().run.view().unwrap().id,
        id,
        "the run went on"
    );

    choose(&mut harness, "Data set", "Fashion-MNIST");
    choose(&mut harness, "Network", "FC Medium");
    harness.get_by_role_and_label(Role::Button, "Apply").click();
    wait(&mut harness, "the new run", |app| {
        app.state().run.view().is_some_and(|run| {
            run.dataset.name == "Fashion-MNIST" && run.config.architecture == Architecture::FcMedium
        })
    });
    wait(&mut harness, "its first snapshot", trains);
    harness.get_by_label("Class Ankle boot: shown");
}

#[test]
fn an_invalid_folder_is_reported_in_one_sentence_and_the_run_continues() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(small());
    wait(&mut harness, "the first steps", trains);
    let id = harness.state().state().run.view().unwrap().id;
    harness
        .state_mut()
        .execute(DataCommand::OpenDropped(folder.path().to_owned()));
    wait(&mut harness, "a notice", complains);
    harness.run_steps(2);
    harness.get_by_label_contains("is empty: put the images of each class");
    let before = steps(harness.state());
    wait(&mut harness, "more steps", |app| steps(app) > before);
    assert_eq!(harness.state().state().run.view().unwrap().id, id);
    harness
        .get_by_role_and_label(Role::Button, "Dismiss")
        .click();
    harness.run_steps(2);
    assert!(
        harness
            .query_by_label_contains("is empty: put the images of each class")
            .is_none()
    );
}

#[test]
fn files_that_are_left_out_of_a_folder_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let folder = small_set::picture_folder(folder.path(), 2, [30, 2]);
    std::fs::write(folder.join("train/class 00/broken.png"), b"no picture").unwrap();
    let source = DataSource::Folder(folder);
    let mut harness = open_on(small(), source, None, |app| app);
    wait(&mut harness, "the first steps", trains);
    harness.run_steps(2);
    harness.get_by_label_contains("Left out: 1 damaged image (train/class 00/broken.png)");
    harness.get_by_label("1 item left out");
}

#[test]
fn dead_units_are_reported_and_new_seeds_tried_until_all_units_are_alive() {
    // Seed 0 leaves two of three units dead.
    let mut harness = window(RunConfig {
        seed: 0,
        ..config()
    });
    wait(&mut harness, "the first snapshot", |app| {
        snapshot(app).is_some_and(|shown| shown.dead_units() == 2)
    });
    harness.run_steps(2);
    harness.get_by_label_contains("2 of 3 latent units are dead");
    harness
        .get_all_by_role_and_label(Role::Button, "New seed")
        .last()
        .unwrap()
        .click();
    wait(&mut harness, "a living seed", |app| {
        snapshot(app).is_some_and(|shown| shown.step >= 60 && shown.dead_units() == 0)
    });
    harness.run_steps(2);
    harness.get_by_label_contains(": all 3 latent units are alive");
}

#[test]
fn a_click_on_a_reconstruction_opens_the_inspector() {
    let mut harness = window(small());
    wait(&mut harness, "the first steps", trains);
    harness.run_steps(3);
    let first = harness
        .get_all_by_label_contains("Test image")
        .next()
        .expect("the grid names its images");
    first.click();
    wait(&mut harness, "the image's own reading", |app| {
        snapshot(app).is_some_and(|shown| shown.selected.is_some())
    });
    harness.run_steps(3);
    harness.get_by_label("|difference|");
    harness.key_press(Key::Escape);
    wait(&mut harness, "no card", |app| {
        app.state().probe.selected.is_none()
    });
}

/// The area of an open window.
fn window_place(harness: &Harness<'_, App>, title: &str) -> Rect {
    harness.get_by_role_and_label(Role::Window, title).rect()
}

#[test]
fn a_drawing_is_classified_during_training() {
    let mut harness = window(small());
    wait(&mut harness, "the first steps", trains);
    harness.key_press(Key::D);
    harness.run_steps(3);
    let pad = harness
        .get_by_role_and_label(Role::Canvas, "Drawing pad")
        .rect();
    let place = |harness: &Harness<'_, App>| window_place(harness, "Draw");
    let before = place(&harness);
    harness.drag_at(pad.center() - vec2(0.0, 60.0));
    harness.step();
    harness.hover_at(pad.center() + vec2(0.0, 60.0));
    harness.step();
    harness.drop_at(pad.center() + vec2(0.0, 60.0));
    wait(&mut harness, "a reading of the drawing", |app| {
        snapshot(app).is_some_and(|shown| shown.custom_image.is_some())
    });
    harness.run_steps(2);
    assert_eq!(place(&harness), before, "the window stands still");
    let own = snapshot(harness.state())
        .unwrap()
        .custom_image
        .clone()
        .unwrap();
    assert!(own.pixels.contains(&255) && own.pixels.contains(&0));
    assert_eq!(own.result.latent, own.point, "n = 3 is shown as it is");
    let step = snapshot(harness.state()).unwrap().step;
    wait(&mut harness, "a later reading", |app| {
        snapshot(app).is_some_and(|shown| shown.step > step && shown.custom_image.is_some())
    });

    harness.get_by_role_and_label(Role::Button, "Clear").click();
    wait(&mut harness, "no reading of a blank pad", |app| {
        snapshot(app).is_some_and(|shown| shown.custom_image.is_none())
    });
}

#[test]
fn an_image_dropped_on_the_window_is_classified() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.png");
    let stroke = |x: u32, _| image::Luma([if (12..16).contains(&x) { 255u8 } else { 0 }]);
    image::GrayImage::from_fn(28, 28, stroke)
        .save(&file)
        .unwrap();
    let mut harness = window(small());
    wait(&mut harness, "the first steps", trains);
    harness.state_mut().execute(DataCommand::OpenDropped(file));
    wait(&mut harness, "a reading of the picture", |app| {
        snapshot(app).is_some_and(|shown| shown.custom_image.is_some())
    });
    let own = snapshot(harness.state())
        .unwrap()
        .custom_image
        .clone()
        .unwrap();
    assert_eq!((own.pixels[13], own.pixels[5]), (255, 0));

    let broken = folder.path().join("broken.png");
    std::fs::write(&broken, b"no picture").unwrap();
    harness
        .state_mut()
        .execute(DataCommand::OpenDropped(broken));
    wait(&mut harness, "a notice", complains);
    harness.run_steps(2);
    harness.get_by_label_contains("broken.png cannot be read as an image");
}

#[test]
fn the_default_seed_has_no_dead_units_on_both_grey_data_sets() {
    for set in [BundledSet::Mnist, BundledSet::FashionMnist] {
        let mut harness = open(config(), set, |app| app);
        wait(&mut harness, "four epochs", |app| {
            snapshot(app).is_some_and(|shown| shown.step >= 76)
        });
        assert_eq!(snapshot(harness.state()).unwrap().dead_units(), 0, "{set}");
    }
}

#[test]
fn a_full_data_set_is_downloaded_cancelled_resumed_and_used() {
    let files = small_set::idx_files();
    let server = server::Server::new({
        let files = files.clone();
        move |request| {
            let name = request.path.trim_end_matches(".gz");
            let (_, content) = files.iter().find(|(file, _)| *file == name).unwrap();
            let reply = server::Reply::part(request, &small_set::gzip(content), "\"v1\"");
            // Silence, so that the end cannot come before the stop.
            if request.range.is_none() && name.starts_with("train-images") {
                reply.stalled(15_000)
            } else {
                reply
            }
        }
    });
    let home = tempfile::tempdir().unwrap();
    let full = small_set::entry(BundledSet::Mnist, &files, &[server.address()]);
    let mut harness = window(RunConfig {
        batch_size: 20,
        ..small()
    });
    let locator = small_set::locator(vec![full], home.path());
    harness
        .state_mut()
        .execute(DownloadCommand::SetLocator(locator));
    wait(&mut harness, "the first steps", trains);
    harness.key_press_modifiers(Modifiers::COMMAND, Key::D);
    harness.run_steps(2);
    let state = |app: &App| {
        let state = app.state().downloads.state(BundledSet::Mnist);
        (
            state.availability.clone(),
            state.running.is_some(),
            state.kept,
            state
                .running
                .as_ref()
                .and_then(|running| running.progress.clone()),
        )
    };
    wait(&mut harness, "the search for the set", |app| {
        state(app).0 == Some(Availability::Missing)
    });
    harness.run_steps(2);
    harness.get_by_label("40 + 20 images, not on this machine");
    let press = |harness: &mut Harness<'_, App>, label: &str| {
        let button = harness.get_all_by_label_contains(label).next();
        button.expect("a button").click();
        harness.run_steps(3);
    };
    press(&mut harness, "Download (");
    wait(&mut harness, "some bytes", |app| {
        state(app).3.is_some_and(|progress| progress.received > 0)
    });
    let before = steps(harness.state());
    wait(&mut harness, "steps while it is downloading", |app| {
        steps(app) > before
    });
    harness.get_by_role_and_label(Role::Button, "Stop").click();
    wait(&mut harness, "the stop", |app| {
        let (_, running, kept, _) = state(app);
        !running && kept > 0
    });
    harness.run_steps(2);
    press(&mut harness, "Resume (");
    let folder = home.path().join("mnist");
    wait(&mut harness, "the end of the download", |app| {
        state(app).0 == Some(Availability::Found(folder.clone()))
    });
    harness.run_steps(2);
    harness.get_by_label("40 + 20 images, on this machine");
    let first = harness
        .get_all_by_role_and_label(Role::Button, "Use")
        .next();
    first.expect("a button").click();
    wait(&mut harness, "a run with the full set", |app| {
        app.state().run.view().is_some_and(|run| {
            run.source == DataSource::Full(BundledSet::Mnist) && run.dataset.train.len() == 40
        })
    });
}

#[test]
fn a_missing_full_data_set_opens_the_data_sets_window() {
    let home = tempfile::tempdir().unwrap();
    let mut harness = window(small());
    let full = small_set::entry(BundledSet::Mnist, &small_set::idx_files(), &[]);
    let locator = small_set::locator(vec![full], home.path());
    harness
        .state_mut()
        .execute(DownloadCommand::SetLocator(locator));
    wait(&mut harness, "the first steps", trains);
    let source = DataSource::Full(BundledSet::Mnist);
    harness.state_mut().execute(DataCommand::Load {
        source,
        settings: StartSettings::default(),
    });
    wait(&mut harness, "a notice", complains);
    harness.run_steps(2);
    harness.get_by_label_contains("MNIST in full is not on this machine");
    harness
        .get_by_role_and_label(Role::Button, "Data sets…")
        .click();
    harness.run_steps(3);
    harness.get_by_label_contains("Downloads go to ");
}

fn place(app: &App) -> usize {
    app.state().run.view().unwrap().shown_index()
}

/// Switches to a spectrum of three λ and waits until each has been evaluated after an epoch.
fn spectrum(harness: &mut Harness<'_, App>) {
    wait(harness, "the first steps", trains);
    press(harness, "Spectrum");
    // What it takes is said before it is taken.
    harness.get_by_label_contains("11 networks of 5,531 parameters: 730 kB");
    harness
        .get_by_role_and_label(Role::TextInput, "List of λ")
        .focus();
    harness.step();
    for (text, button) in [("0, 2", None), ("0, 0.5, 1", Some("Train 3 networks"))] {
        harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
        harness.step();
        harness
            .get_by_role_and_label(Role::TextInput, "List of λ")
            .type_text(text);
        harness.run_steps(3);
        match button {
            None => {
                harness.get_by_label_contains("“2” is not a λ");
            }
            Some(button) => press(harness, button),
        }
    }
    wait(harness, "an epoch of every lane", |app| {
        app.state().run.shown_spectrum().is_some_and(|run| {
            let mut lanes = run.lanes().iter();
            lanes.all(|lane| {
                lane.snapshot.as_ref().is_some_and(|shown| shown.step > 0)
                    && lane.last_evaluation.is_some_and(|last| last.epoch > 0)
            })
        })
    });
}

#[test]
fn moving_lambda_in_a_spectrum_shows_another_network_in_the_next_frame() {
    let mut harness = window(small());
    spectrum(&mut harness);
    harness.key_press(Key::Escape);
    // Arrow keys belong to λ again once the text field is left.
    harness.get_by_role_and_label(Role::Slider, "λ").focus();
    harness.step();
    for (key, expected) in [
        (Key::Home, 0),
        (Key::ArrowRight, 1),
        (Key::ArrowRight, 2),
        (Key::ArrowRight, 2),
        (Key::ArrowLeft, 1),
        (Key::End, 2),
    ] {
        harness.key_press(key);
        harness.step();
        assert_eq!(place(harness.state()), expected, "after {key:?}");
        let lambda = [0.0, 0.5, 1.0][expected];
        assert_eq!(harness.state().state().run.lambda().value(), lambda);
        assert_eq!(snapshot(harness.state()).unwrap().lambda.value(), lambda);
        // The network on show is named by its λ in the same frame.
        harness.get_by_label_contains(&format!("λ = {lambda:.2}   "));
    }
    let run = harness.state().state().run.view().unwrap();
    assert!(
        run.lanes()
            .iter()
            .all(|lane| lane.history.marks().is_empty()),
        "nothing retrains"
    );

    let slider = harness.get_by_role_and_label(Role::Slider, "λ").rect();
    harness.drag_at(slider.left_top() + vec2(0.52 * slider.width(), 10.0));
    harness.step();
    assert_eq!(place(harness.state()), 1, "the nearest lane");
    harness.hover_at(slider.left_top() + vec2(0.9 * slider.width(), 10.0));
    harness.step();
    assert_eq!(place(harness.state()), 2);
    harness.drop_at(slider.left_top() + vec2(0.2 * slider.width(), 10.0));
    harness.run_steps(2);
    assert_eq!(place(harness.state()), 0);
}

#[test]
fn a_click_in_a_chart_shows_that_network_and_p_plays_all() {
    let mut harness = window(small());
    spectrum(&mut harness);
    harness.key_press(Key::Space);
    harness.get_by_role_and_label(Role::Slider, "λ").focus();
    harness.step();
    harness.key_press(Key::End);
    harness.run_steps(2);
    for (dot, expected) in [
        ("Accuracy at λ = 0.00:", 0),
        ("MSE at λ = 0.50:", 1),
        ("Plane, λ = 1.00:", 2),
    ] {
        harness.get_by_label_contains(dot).click();
        harness.run_steps(3);
        assert_eq!(place(harness.state()), expected, "{dot}");
    }
    harness
        .get_all_by_label_contains("λ = 0.00 of image")
        .next()
        .unwrap()
        .click();
    harness.run_steps(3);
    assert_eq!(
        place(harness.state()),
        0,
        "a cell shows its lane and its image"
    );
    assert!(harness.state().state().probe.selected.is_some());
    harness.key_press(Key::Escape);
    harness.run_steps(2);

    harness.key_press(Key::P);
    for expected in [2, 0, 1] {
        wait(&mut harness, "its turn in the film", |app| {
            place(app) == expected
        });
    }
    assert!(harness.state().state().run.is_playing());
    harness
        .get_by_role_and_label(Role::Button, "Stop playing")
        .click();
    harness.run_steps(2);
    assert!(!harness.state().state().run.is_playing());

    harness.get_by_role_and_label(Role::Button, "One λ").click();
    harness.run_steps(2);
    harness
        .get_by_role_and_label(Role::Button, "Back to one λ")
        .click();
    wait(&mut harness, "a single network", |app| {
        app.state().run.view().is_some_and(|run| !run.is_spectrum()) && trains(app)
    });
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("Trade-off plane").is_none());
}

/// Whether the picture of the window shows these bytes of a grey image at `corner`, `scale` pixels a pixel.
fn shows(picture: &RgbaImage, corner: Pos2, scale: f32, bytes: &[u8]) -> bool {
    let side = 28;
    assert_eq!(bytes.len(), side * side);
    bytes.iter().enumerate().all(|(pixel, grey)| {
        let middle = |at: f32, index: usize| (at + (index as f32 + 0.5) * scale) as u32;
        let (x, y) = (
            middle(corner.x, pixel % side),
            middle(corner.y, pixel / side),
        );
        picture.get_pixel(x, y).0[0].abs_diff(*grey) < 3
    })
}

/// Checks that the pane “Reconstructions” shows input and reconstruction of each image of the lane on show.
#[track_caller]
fn assert_images_belong_to_the_lane(harness: &mut Harness<'_, App>, place: usize) {
    let picture = harness.render().unwrap();
    let run = harness.state().state().run.view().unwrap();
    let lane = &run.lanes()[place];
    for reading in &lane.snapshot.as_ref().unwrap().grid {
        let label = format!("Test image {}:", reading.index);
        let item = harness.get_by_label_contains(&label).rect();
        // Three pictures side by side, 3 points apart.
        let width = (item.width() - 6.0) / 3.0;
        let scale = width / 28.0;
        let input = run.dataset.test.image(reading.index as usize);
        let words = format!("{}, image {}", run.lane_name(place), reading.index);
        assert!(shows(&picture, item.min, scale, input), "input of {words}");
        let second = item.min + vec2(width + 3.0, 0.0);
        let reconstruction = &reading.reconstruction;
        assert!(
            shows(&picture, second, scale, reconstruction),
            "reconstruction of {words}"
        );
    }
}

#[test]
fn every_image_of_a_paused_spectrum_belongs_to_the_shown_lambda() {
    let mut harness = window(small());
    spectrum(&mut harness);
    harness.key_press(Key::Escape);
    press(&mut harness, "Pause");
    wait(&mut harness, "a pause and its last snapshot", |app| {
        let run = app.state().run.view().unwrap();
        let snapshot_step = |lane: &LaneView| lane.snapshot.as_ref().map(|shown| shown.step);
        !app.state().run.is_training()
            && run
                .lanes()
                .iter()
                .all(|l| snapshot_step(l) == Some(l.step()))
    });
    press(&mut harness, "Reconstructions");
    for place in [0, 1, 2, 0] {
        harness.state_mut().execute(RunCommand::ShowLane(place));
        harness.run_steps(2);
        assert_images_belong_to_the_lane(&mut harness, place);
    }
}

fn evaluations(app: &App) -> usize {
    let run = app.state().run.view();
    run.map_or(0, |run| run.shown().history.evaluations().len())
}

#[test]
fn a_saved_run_is_resumed_with_its_curves_and_an_invalid_file_leaves_the_current_run_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.safetensors");
    let mut harness = window(small());
    wait(&mut harness, "two epochs", |app| evaluations(app) > 2);
    harness.key_press(Key::Space);
    wait(&mut harness, "the pause", |app| {
        !app.state().run.is_training()
    });
    harness.state_mut().execute(RunCommand::Save(file.clone()));
    wait(&mut harness, "the file", |_| file.is_file());
    harness.run_steps(3);
    assert!(harness.query_by_label_contains("Run saved to").is_some());
    let (step, epochs) = (steps(harness.state()), evaluations(harness.state()));

    let mut other = window(RunConfig {
        architecture: Architecture::FcLarge,
        ..config()
    });
    wait(&mut other, "the first steps", trains);
    let run = other.state().state().run.view().unwrap().id;
    let broken = folder.path().join("broken.safetensors");
    std::fs::write(&broken, &std::fs::read(&file).unwrap()[..5000]).unwrap();
    other.state_mut().execute(DataCommand::OpenDropped(broken));
    wait(&mut other, "the refusal", complains);
    other.run_steps(3);
    let refusal = other.query_by_label_contains("broken.safetensors is not a valid safetensors");
    assert!(refusal.is_some());
    assert_eq!(other.state().state().run.view().unwrap().id, run);
    assert!(other.state().state().run.is_training());

    other.state_mut().execute(DataCommand::OpenDropped(file));
    wait(&mut other, "the saved run", |app| {
        let config = app.state().run.config();
        config.architecture == Architecture::FcSmall && trains(app) && steps(app) > step
    });
    assert_eq!(other.state().state().run.config().seed, small().seed);
    assert!(evaluations(other.state()) >= epochs, "the curves are there");
    let run = other.state().state().run.view().unwrap();
    assert_eq!(run.shown().history.evaluations()[0].epoch, 0);
}

#[test]
fn the_window_offers_recovery_after_a_crash_only() {
    let folder = tempfile::tempdir().unwrap();
    let with_autosave = |config: RunConfig| {
        let runs = folder.path();
        open(config, BundledSet::Mnist, |app| {
            app.with_recovery(Some(runs))
        })
    };
    let kept = || {
        let files = std::fs::read_dir(folder.path()).unwrap();
        let names = files.map(|file| file.unwrap().path());
        names
            .filter(|path| path.extension().is_some_and(|e| e == "safetensors"))
            .count()
    };
    let mut first = with_autosave(small());
    wait(&mut first, "the file of an epoch", |_| kept() == 1);
    // The lock goes, the file stays, as after a crash.
    drop(first);

    let mut second = with_autosave(config());
    wait(&mut second, "the first steps", trains);
    second.run_steps(2);
    second.get_by_role_and_label(Role::Button, "Discard");
    second.get_by_role_and_label(Role::Button, "Resume").click();
    wait(&mut second, "the run of the first window", |app| {
        let config = app.state().run.config();
        config.architecture == Architecture::FcSmall && evaluations(app) > 2
    });
    wait(&mut second, "the end of what was left", |_| kept() == 1);
    eframe::App::on_exit(second.state_mut());
    assert_eq!(kept(), 0, "a clean end leaves nothing");
    drop(second);

    let mut third = with_autosave(small());
    wait(&mut third, "the first steps", trains);
    third.run_steps(2);
    assert!(third.query_by_label("Discard").is_none());
}

#[test]
fn the_view_menu_shows_and_hides_panes_of_a_spectrum() {
    let mut harness = window(small());
    wait(&mut harness, "the first snapshot", trains);
    for (times, there) in [(1, true), (2, false)] {
        harness.get_by_role_and_label(Role::Button, "View").click();
        harness.run_steps(3);
        harness
            .get_by_role_and_label(Role::CheckBox, "Clouds")
            .click();
        harness.run_steps(4);
        harness.key_press(Key::Escape);
        harness.run_steps(3);
        let pane = harness.query_by_label_contains("Clouds pane, drag to move");
        assert_eq!(pane.is_some(), there, "after {times} clicks");
    }
}

#[test]
fn the_cloud_of_a_transformer_shows_the_chosen_token() {
    let mut harness = window(RunConfig {
        architecture: Architecture::Vit,
        ..config()
    });
    wait(&mut harness, "the first steps", trains);
    let shown = |app: &App| snapshot(app).map(|snapshot| snapshot.probe.tokens);
    assert_eq!(shown(harness.state()), Some(TokenView::MeanPatch));
    harness
        .get_by_role_and_label(Role::ComboBox, "Token")
        .click();
    harness.run_steps(3);
    harness.get_by_label("class token").click();
    wait(&mut harness, "the class token", |app| {
        shown(app) == Some(TokenView::Token(0))
    });
}

#[test]
fn incompatible_sizes_cannot_be_applied() {
    let mut harness = window(small());
    wait(&mut harness, "the first steps", trains);
    harness
        .get_by_role_and_label(Role::ComboBox, "Network")
        .click();
    harness.run_steps(3);
    harness.get_by_role_and_label(Role::Button, "ViT").click();
    harness.run_steps(3);
    harness.get_by_label("Apply starts a new run");
    harness.run_steps(30);
    let apply = harness.get_by_role_and_label(Role::Button, "Apply").rect();
    assert!(apply.bottom() < 773.0, "below the status line: {apply}");
    // An embedding of 8 is not divisible by five heads.
    harness
        .get_by_role_and_label(Role::SpinButton, "Heads")
        .set_value_accesskit(5.0);
    harness.run_steps(3);
    harness.get_by_label("5 heads cannot share an embedding of 8 equally");
    let apply = harness.get_by_role_and_label(Role::Button, "Apply");
    assert!(apply.accesskit_node().is_disabled(), "it can be applied");
}

#[test]
fn networks_with_the_same_lambda_are_named_by_seed() {
    let mut harness = window(small());
    wait(&mut harness, "the first steps", trains);
    harness
        .get_by_role_and_label(Role::Button, "Spectrum")
        .click();
    harness.run_steps(3);
    harness
        .get_by_role_and_label(Role::SpinButton, "Seeds per λ")
        .set_value_accesskit(2.0);
    harness.run_steps(3);
    harness
        .get_by_role_and_label(Role::Button, "Train 22 networks")
        .click();
    wait(&mut harness, "the first test metrics of all", |app| {
        app.state().run.shown_spectrum().is_some_and(|run| {
            run.lanes().len() == 22
                && run
                    .lanes()
                    .iter()
                    .all(|lane| lane.last_evaluation.is_some())
        })
    });
    harness.run_steps(3);
    harness
        .get_by_label_contains("MSE at λ = 0.30, seed 35:")
        .click();
    harness.run_steps(3);
    let shown = harness.state().state().run.view().unwrap().shown().lane;
    assert_eq!((shown.lambda.value(), shown.seed), (0.3, 35));
}

#[test]
fn many_classes_and_images_fit_the_texture_limits_of_the_gpu() {
    let folder = tempfile::tempdir().unwrap();
    for (classes, per_class) in [(98, 1), (26, 4)] {
        let pictures = folder.path().join(format!("{classes} classes"));
        let source = DataSource::Folder(small_set::picture_folder(
            &pictures,
            classes,
            [2, per_class],
        ));
        let config = RunConfig {
            batch_size: 26,
            ..small()
        };
        // The reconstructions of one network, and those of each λ.
        for spectrum in [None, Some("0, 1")] {
            let spectrum = spectrum.map(|list| list.parse().unwrap());
            let mut harness = open_on(config.clone(), source.clone(), None, |app| {
                app.with_spectrum(spectrum)
            });
            let selection = ProbeSelection {
                grid_per_class: per_class,
                ..harness.state().state().probe.selection
            };
            harness
                .state_mut()
                .execute(ProbeCommand::SetSelection(selection));
            wait(&mut harness, "all reconstructions", |app| {
                snapshot(app).is_some_and(|shown| shown.grid.len() == classes * per_class)
            });
            press(&mut harness, "Pause");
            harness.run_steps(3);
            let limit = harness.ctx.input(|input| input.max_texture_side);
            let textures = harness.ctx.tex_manager();
            let textures: Vec<_> = textures
                .read()
                .allocated()
                .map(|(_, texture)| (texture.name.clone(), texture.size))
                .collect();
            assert!(
                textures.iter().any(|(name, _)| name == "reconstructions"),
                "{textures:?}"
            );
            for (name, [width, height]) in &textures {
                assert!(
                    *width <= limit && *height <= limit,
                    "{name} has {width}×{height} pixels, more than {limit}"
                );
            }
            // On a real device, whose limit is checked when a texture is made.
            harness.render().unwrap();
        }
    }
}
