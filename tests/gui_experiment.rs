//! The experiment pane, used as a person or a screen reader would: by labels and keys.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
#![cfg(feature = "gui")]

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "common/window.rs"]
mod window;

use std::path::Path;

use cre_lab::{
    data::BundledSet,
    experiment::{Store, SweepEnd},
    gui::{
        App,
        session::experiment::{Experiment, Fate, Stage},
    },
    model::Lambda,
};
use eframe::egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};
use window::{open, press, small, steps, wait};

/// A window that trains FC Small live, keeps results in `file`, and shows the pane.
fn window(file: &Path) -> Harness<'static, App> {
    let mut harness = open(small(), BundledSet::Mnist, |mut app| {
        app.set_results(file.to_owned());
        app
    });
    wait(&mut harness, "the first steps", |app| steps(app) > 0);
    harness.key_press(Key::X);
    harness.run_steps(3);
    harness.get_by_label("Experiment pane, drag to move");
    harness
}

fn experiment(app: &App) -> &Experiment {
    app.session().experiment()
}

fn choose_preset(harness: &mut Harness<'_, App>, name: &str) {
    harness
        .get_by_role_and_label(Role::ComboBox, "Preset")
        .click();
    harness.run_steps(3);
    press(harness, name);
}

fn type_into(harness: &mut Harness<'_, App>, label: &str, text: &str) {
    let field = |harness: &Harness<'_, App>| {
        harness
            .get_by_role_and_label(Role::TextInput, label)
            .focus();
    };
    field(harness);
    harness.step();
    harness.key_press_modifiers(Modifiers::COMMAND, Key::A);
    harness.step();
    harness
        .get_by_role_and_label(Role::TextInput, label)
        .type_text(text);
    harness.run_steps(3);
}

/// FC Small with λ = 0 and 1, one seed.
fn two_runs(harness: &mut Harness<'_, App>, epochs: f64) {
    press(harness, "FC Medium");
    harness.get_by_label("choose at least one network");
    press(harness, "FC Small");
    type_into(harness, "λ of the runs", "0, 1");
    type_into(harness, "Seeds", "34");
    harness
        .get_by_role_and_label(Role::SpinButton, "Epochs")
        .set_value_accesskit(epochs);
    wait(harness, "what the file knows", |app| {
        experiment(app).is_known() && experiment(app).runs().len() == 2
    });
    harness.run_steps(2);
    harness.get_by_label("2 runs");
}

/// Starts both runs once their cost is known: what stands above the button moves no more.
fn start(harness: &mut Harness<'_, App>) {
    wait(harness, "what they will take", |app| {
        experiment(app).outlook().is_some()
    });
    harness.run_steps(2);
    press(harness, "Start 2 runs");
    assert!(
        experiment(harness.state()).sweep().is_some(),
        "nothing has started"
    );
}

#[test]
fn a_small_grid_is_carried_out_and_a_run_of_it_trained_live() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.sqlite");
    let mut harness = window(&file);
    choose_preset(&mut harness, "Figure 3 (FC, MNIST)");
    harness.get_by_label("55 runs");
    choose_preset(&mut harness, "Quick look (2 minutes)");
    harness.get_by_label("22 runs");
    two_runs(&mut harness, 1.0);
    wait(&mut harness, "what they will take", |app| {
        experiment(app).outlook().is_some()
    });
    harness.run_steps(2);
    harness.get_by_label_contains("networks side by side, on CPU");
    assert!(!file.exists(), "looking and measuring make no file");

    press(&mut harness, "Start 2 runs");
    let begun = steps(harness.state());
    wait(&mut harness, "both runs", |app| {
        experiment(app).end() == Some(&SweepEnd::Complete)
    });
    wait(&mut harness, "the live run as well", |app| {
        steps(app) > begun
    });
    harness.run_steps(2);
    harness.get_by_label("Complete: all 2 runs are done");
    assert_eq!(
        Store::open_existing(&file).unwrap().runs().unwrap().len(),
        2
    );

    harness
        .get_by_label_contains("FC Small n = 3, mnist, λ = 0, seed 34: ")
        .click();
    wait(&mut harness, "the run", |app| {
        let looked = experiment(app).looked();
        looked.is_some_and(|looked| matches!(looked.picture, Some(Ok(_))))
    });
    harness.run_steps(2);
    harness.get_by_label("Accuracy and MSE by epoch");
    harness.get_by_label_contains("Latent scatter, ");
    press(&mut harness, "Train this live");
    wait(&mut harness, "a live run like it", |app| {
        app.session()
            .run()
            .is_some_and(|run| run.config.lambda == Lambda::CLASSIFIER && run.config.seed == 34)
            && steps(app) > 0
    });
    assert!(
        harness
            .query_by_label("Experiment pane, drag to move")
            .is_none(),
        "the live run is in front"
    );

    // Another window finds them done.
    drop(harness);
    let mut harness = window(&file);
    two_runs(&mut harness, 1.0);
    harness.get_by_label("2 of them are done");
    assert!(
        harness
            .get_by_role_and_label(Role::Button, "Start 0 runs")
            .accesskit_node()
            .is_disabled()
    );
}

#[test]
fn a_sweep_is_paused_a_run_skipped_and_the_rest_cancelled() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.sqlite");
    let mut harness = window(&file);
    two_runs(&mut harness, 5000.0);
    start(&mut harness);
    let evaluated = |app: &App, epoch: u64| {
        experiment(app).fates().iter().any(
            |fate| matches!(fate, Fate::UnderWay(Some(evaluation)) if evaluation.epoch >= epoch),
        )
    };
    wait(&mut harness, "an epoch", |app| {
        assert_eq!(experiment(app).end(), None, "it ended by itself");
        evaluated(app, 1)
    });
    press(&mut harness, "Pause runs");
    let stage = |app: &App| experiment(app).sweep().map(|sweep| sweep.stage);
    wait(&mut harness, "a pause", |app| {
        stage(app) == Some(Stage::Paused)
    });
    let live = steps(harness.state());
    wait(&mut harness, "live steps meanwhile", |app| {
        steps(app) > live
    });
    press(&mut harness, "Go on");
    wait(&mut harness, "the end of the pause", |app| {
        stage(app) == Some(Stage::Running)
    });
    harness.run_steps(2);
    press(&mut harness, "Skip FC Small n = 3, mnist, λ = 1, seed 34");
    wait(&mut harness, "one run less", |app| {
        experiment(app).fates().contains(&Fate::Skipped)
    });
    press(&mut harness, "Cancel");
    wait(&mut harness, "the end", |app| {
        experiment(app).end() == Some(&SweepEnd::Cancelled)
    });
    harness.run_steps(2);
    harness.get_by_label_contains("Cancelled: 0 of 2 runs are done and kept");
    harness.get_by_role_and_label(Role::Button, "Start 2 runs");
    let store = Store::open_existing(&file).unwrap();
    store.check().unwrap();
    assert!(store.runs().unwrap().is_empty());

    // Closing the window in the middle leaves a sound file.
    wait(&mut harness, "what the file knows", |app| {
        experiment(app).is_known()
    });
    harness.run_steps(2);
    start(&mut harness);
    wait(&mut harness, "training again", |app| evaluated(app, 0));
    drop(harness);
    store.check().unwrap();
}

#[test]
fn what_is_wrong_with_a_list_is_said_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(&folder.path().join("results.sqlite"));
    for (field, text, wrong) in [
        ("λ of the runs", "0, 2", "“2” is not a λ"),
        ("Seeds", "1, 1", "1 stands there twice"),
        ("Sizes n of z", "0", "“0” does not fit here"),
    ] {
        type_into(&mut harness, field, text);
        harness.get_by_label_contains(wrong);
    }
    assert!(
        harness
            .get_by_role_and_label(Role::Button, "Start 22 runs")
            .accesskit_node()
            .is_disabled()
    );
    type_into(&mut harness, "λ of the runs", "0:0.5:1");
    type_into(&mut harness, "Seeds", "1:3");
    type_into(&mut harness, "Sizes n of z", "2 3");
    harness.get_by_label("18 runs");
}
