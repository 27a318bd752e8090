//! The window, used as a person or a screen reader would: by labels and keys.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
#![cfg(feature = "gui")]

use std::time::{Duration, Instant};

use cre_lab::{
    data::{BundledSet, DataSource},
    gui::App,
    model::{Architecture, Lambda},
    train::{DeviceChoice, RunConfig, Snapshot, TokenView},
};
use eframe::egui::{Key, Modifiers, Theme, accesskit::Role, vec2};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};

/// Only ever reached by a failing test.
const PATIENCE: Duration = Duration::from_secs(90);

fn window(config: RunConfig) -> Harness<'static, App> {
    Harness::builder()
        .with_size(vec2(1280.0, 800.0))
        .with_theme(Theme::Dark)
        .build_eframe(|cc| App::new(cc, config, DataSource::Bundled(BundledSet::Mnist), None))
}

fn config() -> RunConfig {
    RunConfig {
        device: DeviceChoice::Cpu,
        ..RunConfig::default()
    }
}

/// FC Small: many steps a second, for tests of the window itself. All units of this seed live, so
/// that no notice comes in between.
fn small() -> RunConfig {
    RunConfig {
        architecture: Architecture::FcSmall,
        seed: 34,
        ..config()
    }
}

/// Draws frames until `done`, as the training thread's messages come in.
#[track_caller]
fn wait(harness: &mut Harness<'_, App>, what: &str, done: impl Fn(&App) -> bool) {
    let begun = Instant::now();
    loop {
        harness.step();
        if done(harness.state()) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "never came: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn steps(app: &App) -> u64 {
    app.session()
        .run()
        .map_or(0, cre_lab::gui::session::RunView::step)
}

fn snapshot(app: &App) -> Option<&Snapshot> {
    app.session().run()?.snapshot.as_ref()
}

fn trains(app: &App) -> bool {
    app.session().is_training() && steps(app) > 0 && snapshot(app).is_some()
}

/// How far apart the classes stand: variance between class means over variance within classes.
fn separation(app: &App) -> f64 {
    let run = app.session().run().unwrap();
    let snapshot = run.snapshot.as_ref().unwrap();
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
fn it_opens_training_and_lambda_moved_from_1_to_0_separates_the_classes() {
    let mut harness = window(config());
    wait(&mut harness, "the first steps", trains);

    harness.get_by_role_and_label(Role::Slider, "λ").focus();
    harness.step();
    harness.key_press(Key::End);
    wait(&mut harness, "λ = 1", |app| {
        app.session().lambda() == Lambda::AUTOENCODER
    });
    wait(&mut harness, "three epochs of an autoencoder", |app| {
        steps(app) > 57
    });
    let before = separation(harness.state());

    harness.get_by_role_and_label(Role::Slider, "λ").focus();
    harness.step();
    harness.key_press(Key::Home);
    wait(&mut harness, "λ = 0", |app| {
        app.session().lambda() == Lambda::CLASSIFIER
    });
    let moved = steps(harness.state());
    assert!(moved > 57, "moving λ never restarts");
    wait(&mut harness, "six epochs of a classifier", |app| {
        snapshot(app)
            .is_some_and(|shown| shown.step > moved + 114 && shown.lambda == Lambda::CLASSIFIER)
    });
    let after = separation(harness.state());
    assert!(after > 1.5 * before, "separation {before:.2} → {after:.2}");
    let marks = harness.state().session().run().unwrap().history.marks();
    assert!(!marks.is_empty(), "the curves mark where λ changed");
}

#[test]
fn the_lambda_slider_obeys_keys_and_screen_readers() {
    let mut harness = window(small());
    wait(&mut harness, "the first steps", trains);
    let lambda = |harness: &Harness<'_, App>| harness.state().session().lambda().value();
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
fn transport_pauses_steps_and_resets() {
    let mut harness = window(small());
    wait(&mut harness, "the first steps", trains);
    harness.key_press(Key::Space);
    wait(&mut harness, "a pause", |app| !app.session().is_training());
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
        let run = app.session().run().unwrap();
        !app.session().is_training() && run.step() > paused + 1 && run.epoch().1 == 0.0
    });
    let id = harness.state().session().run().unwrap().id;
    harness.get_by_role_and_label(Role::Button, "Reset").click();
    wait(&mut harness, "another run", |app| {
        app.session().run().is_some_and(|run| run.id > id)
    });
    wait(&mut harness, "training again", trains);
}

#[test]
fn settings_wait_for_a_fresh_start_and_can_be_taken_back() {
    let mut harness = window(small());
    wait(&mut harness, "the first steps", trains);
    let id = harness.state().session().run().unwrap().id;
    let choose = |harness: &mut Harness<'_, App>, label: &str, option: &str| {
        harness.get_by_role_and_label(Role::ComboBox, label).click();
        harness.run_steps(3);
        harness.get_by_role_and_label(Role::Button, option).click();
        harness.run_steps(3);
    };
    choose(&mut harness, "Data set", "Fashion-MNIST");
    harness.get_by_label("These changes need a fresh start");
    harness
        .get_by_role_and_label(Role::Button, "Revert")
        .click();
    harness.run_steps(3);
    assert!(
        harness
            .query_by_label("These changes need a fresh start")
            .is_none()
    );
    assert_eq!(
        harness.state().session().run().unwrap().id,
        id,
        "the run went on"
    );

    choose(&mut harness, "Data set", "Fashion-MNIST");
    choose(&mut harness, "Network", "FC Medium");
    harness.get_by_role_and_label(Role::Button, "Apply").click();
    wait(&mut harness, "the new run", |app| {
        app.session().run().is_some_and(|run| {
            run.dataset.name == "Fashion-MNIST" && run.config.architecture == Architecture::FcMedium
        })
    });
    wait(&mut harness, "its first snapshot", trains);
    harness.get_by_label("Class Ankle boot: shown");
}

#[test]
fn a_bad_folder_is_one_sentence_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(small());
    wait(&mut harness, "the first steps", trains);
    let id = harness.state().session().run().unwrap().id;
    harness.state_mut().take_dropped(folder.path().to_owned());
    wait(&mut harness, "a notice", |app| {
        !app.session().notices().is_empty()
    });
    harness.run_steps(2);
    harness.get_by_label_contains("train-images-idx3-ubyte");
    let before = steps(harness.state());
    wait(&mut harness, "more steps", |app| steps(app) > before);
    assert_eq!(harness.state().session().run().unwrap().id, id);
    harness
        .get_by_role_and_label(Role::Button, "Dismiss")
        .click();
    harness.run_steps(2);
    assert!(
        harness
            .query_by_label_contains("train-images-idx3-ubyte")
            .is_none()
    );
}

#[test]
fn dead_units_are_said_and_new_seeds_are_tried_until_all_live() {
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
    harness.get_by_label_contains("lives: all its latent units respond");
}

#[test]
fn a_reconstruction_opens_its_card() {
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
        app.session().selected().is_none()
    });
}

#[test]
fn a_drawing_is_read_while_the_model_trains() {
    let mut harness = window(small());
    wait(&mut harness, "the first steps", trains);
    harness.key_press(Key::D);
    harness.run_steps(3);
    let pad = harness
        .get_by_role_and_label(Role::Canvas, "Drawing pad")
        .rect();
    harness.drag_at(pad.center() - vec2(0.0, 60.0));
    harness.step();
    harness.hover_at(pad.center() + vec2(0.0, 60.0));
    harness.step();
    harness.drop_at(pad.center() + vec2(0.0, 60.0));
    wait(&mut harness, "a reading of the drawing", |app| {
        snapshot(app).is_some_and(|shown| shown.own.is_some())
    });
    harness.run_steps(2);
    harness.get_by_label("as seen");
    let own = snapshot(harness.state()).unwrap().own.clone().unwrap();
    assert!(own.pixels.contains(&255) && own.pixels.contains(&0));
    assert_eq!(own.reading.latent, own.point, "n = 3 is shown as it is");
    let step = snapshot(harness.state()).unwrap().step;
    wait(&mut harness, "a later reading", |app| {
        snapshot(app).is_some_and(|shown| shown.step > step && shown.own.is_some())
    });

    harness.get_by_role_and_label(Role::Button, "Clear").click();
    wait(&mut harness, "no reading of a blank pad", |app| {
        snapshot(app).is_some_and(|shown| shown.own.is_none())
    });
}

#[test]
fn a_picture_dropped_on_the_window_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("one.png");
    let stroke = |x: u32, _| image::Luma([if (12..16).contains(&x) { 255u8 } else { 0 }]);
    image::GrayImage::from_fn(28, 28, stroke)
        .save(&file)
        .unwrap();
    let mut harness = window(small());
    wait(&mut harness, "the first steps", trains);
    harness.state_mut().take_dropped(file);
    wait(&mut harness, "a reading of the picture", |app| {
        snapshot(app).is_some_and(|shown| shown.own.is_some())
    });
    let own = snapshot(harness.state()).unwrap().own.clone().unwrap();
    assert_eq!((own.pixels[13], own.pixels[5]), (255, 0));

    let broken = folder.path().join("broken.png");
    std::fs::write(&broken, b"no picture").unwrap();
    harness.state_mut().take_dropped(broken);
    wait(&mut harness, "a notice", |app| {
        !app.session().notices().is_empty()
    });
    harness.run_steps(2);
    harness.get_by_label_contains("broken.png cannot be read as an image");
}

#[test]
fn the_default_seed_lives_on_both_grey_sets() {
    for set in [BundledSet::Mnist, BundledSet::FashionMnist] {
        let mut harness = Harness::builder()
            .with_size(vec2(1280.0, 800.0))
            .build_eframe(|cc| App::new(cc, config(), DataSource::Bundled(set), None));
        wait(&mut harness, "four epochs", |app| {
            snapshot(app).is_some_and(|shown| shown.step >= 76)
        });
        assert_eq!(snapshot(harness.state()).unwrap().dead_units(), 0, "{set}");
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
fn sizes_that_do_not_go_together_cannot_be_applied() {
    let mut harness = window(small());
    wait(&mut harness, "the first steps", trains);
    harness
        .get_by_role_and_label(Role::ComboBox, "Network")
        .click();
    harness.run_steps(3);
    harness.get_by_role_and_label(Role::Button, "ViT").click();
    harness.run_steps(3);
    harness.get_by_label("These changes need a fresh start");
    // An embedding of 8 has no room for five equal heads.
    harness
        .get_by_role_and_label(Role::SpinButton, "Heads")
        .set_value_accesskit(5.0);
    harness.run_steps(3);
    harness.get_by_label("5 heads cannot share an embedding of 8 equally");
    let apply = harness.get_by_role_and_label(Role::Button, "Apply");
    assert!(apply.accesskit_node().is_disabled(), "it can be applied");
}
