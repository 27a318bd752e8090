//! The sweep pane, operated by labels and keys.

use std::{
    collections::HashMap,
    path::Path,
    time::{Duration, Instant},
};

use crate::common::window::{TIME_LIMIT, open_again, press, small, steps, wait};
use cre_lab::{
    data::BundledSet,
    gui::{
        App,
        commands::ResultsCommand,
        state::sweep::{RunStatus, Stage, SweepState},
    },
    model::{Architecture, Lambda},
    sweep::{Store, SweepEnd},
};
use eframe::{
    App as _, Storage,
    egui::{Key, Modifiers, accesskit::Role},
};
use egui_kittest::{
    Harness,
    kittest::{NodeT as _, Queryable as _},
};

/// A window that trains FC Small live, keeps results in `file`, and shows the pane.
fn window(file: &Path) -> Harness<'static, App> {
    window_with_storage(file, &Memory::default())
}

/// What a window remembers from one start to the next.
#[derive(Clone, Default)]
struct Memory(HashMap<String, String>);

impl Storage for Memory {
    fn get_string(&self, key: &str) -> Option<String> {
        self.0.get(key).cloned()
    }

    fn set_string(&mut self, key: &str, value: String) {
        self.0.insert(key.to_owned(), value);
    }

    fn remove_string(&mut self, key: &str) {
        self.0.remove(key);
    }

    fn flush(&mut self) {}
}

fn window_with_storage(file: &Path, memory: &Memory) -> Harness<'static, App> {
    let file = file.to_owned();
    // As long as the window, which is as long as the test.
    let memory: &'static Memory = Box::leak(Box::new(memory.clone()));
    let mut harness = open_again(small(), BundledSet::Mnist, Some(memory), |mut app| {
        app.execute(ResultsCommand::SetFile(file));
        app
    });
    // A unit of this seed seems dead at first: its notice would come and go above what is pressed.
    wait(&mut harness, "steps without a notice", |app| {
        steps(app) > 60 && app.state().notifications().is_empty()
    });
    harness.run_steps(2);
    let pane = "Sweep pane, drag to move";
    if harness.query_by_label(pane).is_none() {
        harness.key_press(Key::X);
        harness.run_steps(3);
    }
    harness.get_by_label(pane);
    harness
}

fn sweep_state(app: &App) -> &SweepState {
    &app.state().sweep
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
    type_into(harness, "λ", "0, 1");
    type_into(harness, "Seeds", "34");
    harness
        .get_by_role_and_label(Role::SpinButton, "Epochs")
        .set_value_accesskit(epochs);
    wait(harness, "the status of the runs", |app| {
        let runs = &sweep_state(app).runs;
        let is_set = runs.iter().all(|run| run.epochs as f64 == epochs);
        sweep_state(app).is_store_queried && runs.len() == 2 && is_set
    });
    harness.run_steps(2);
    harness.get_by_label("2 runs");
}

/// Starts both runs, with or without an estimate.
fn start(harness: &mut Harness<'_, App>) {
    press(harness, "Start 2 runs");
    assert!(
        sweep_state(harness.state()).running.is_some(),
        "nothing has started"
    );
}

#[test]
fn a_small_sweep_is_run_and_one_of_its_runs_trained_live() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.sqlite");
    let mut harness = window(&file);
    choose_preset(&mut harness, "Figure 3 (FC, MNIST)");
    harness.get_by_label("55 runs");
    choose_preset(&mut harness, "Quick look");
    harness.get_by_label("22 runs");
    two_runs(&mut harness, 1.0);
    // Below the number of runs, since notices may come and go above the pane.
    let below = |harness: &Harness<'_, App>| {
        let start = harness.get_by_role_and_label(Role::Button, "Start 2 runs");
        start.rect().top() - harness.get_by_label("2 runs").rect().top()
    };
    let place = below(&harness);
    let begun = Instant::now();
    while sweep_state(harness.state()).estimate.is_none() {
        assert!(
            begun.elapsed() < TIME_LIMIT,
            "never said what they will take"
        );
        harness.step();
        assert_eq!(below(&harness), place, "the button moves");
        std::thread::sleep(Duration::from_millis(10));
    }
    harness.run_steps(2);
    harness.get_by_label_contains("networks side by side, on CPU");
    assert_eq!(below(&harness), place, "the button moves");
    assert!(!file.exists(), "looking and measuring make no file");

    press(&mut harness, "Start 2 runs");
    let begun = steps(harness.state());
    wait(&mut harness, "both runs", |app| {
        sweep_state(app).end.as_ref() == Some(&SweepEnd::Complete)
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
        let preview = sweep_state(app).preview.as_ref();
        preview.is_some_and(|preview| matches!(preview.picture, Some(Ok(_))))
    });
    harness.run_steps(2);
    harness.get_by_label("Accuracy and MSE by epoch");
    harness.get_by_label_contains("Latent scatter, ");
    press(&mut harness, "Train this live");
    wait(&mut harness, "a live run like it", |app| {
        app.state()
            .run
            .view()
            .is_some_and(|run| run.config.lambda == Lambda::CLASSIFIER && run.config.seed == 34)
            && steps(app) > 0
    });
    assert!(
        harness.query_by_label("Sweep pane, drag to move").is_none(),
        "the live run is in front"
    );

    // Another window finds them done.
    drop(harness);
    let mut harness = window(&file);
    two_runs(&mut harness, 1.0);
    harness.get_by_label("all 2 done");
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
        sweep_state(app).statuses.iter().any(
            |fate| matches!(fate, RunStatus::Running(Some(evaluation)) if evaluation.epoch >= epoch),
        )
    };
    wait(&mut harness, "an epoch", |app| {
        assert_eq!(sweep_state(app).end.as_ref(), None, "it ended by itself");
        evaluated(app, 1)
    });
    press(&mut harness, "Pause runs");
    let stage = |app: &App| {
        sweep_state(app)
            .running
            .as_ref()
            .map(|running| running.stage)
    };
    wait(&mut harness, "a pause", |app| {
        stage(app) == Some(Stage::Paused)
    });
    let live = steps(harness.state());
    wait(&mut harness, "live steps meanwhile", |app| {
        steps(app) > live
    });
    press(&mut harness, "Resume");
    wait(&mut harness, "the end of the pause", |app| {
        stage(app) == Some(Stage::Running)
    });
    harness.run_steps(2);
    press(&mut harness, "Skip FC Small n = 3, mnist, λ = 1, seed 34");
    wait(&mut harness, "one run less", |app| {
        sweep_state(app).statuses.contains(&RunStatus::Skipped)
    });
    press(&mut harness, "Cancel");
    wait(&mut harness, "the end", |app| {
        sweep_state(app).end.as_ref() == Some(&SweepEnd::Cancelled)
    });
    harness.run_steps(2);
    harness.get_by_label_contains("Cancelled: 0 of 2 runs are done and stored");
    harness.get_by_role_and_label(Role::Button, "Start 2 runs");
    let store = Store::open_existing(&file).unwrap();
    store.check().unwrap();
    assert!(store.runs().unwrap().is_empty());

    // Closing the window in the middle leaves a sound file.
    wait(&mut harness, "the status of the runs", |app| {
        sweep_state(app).is_store_queried
    });
    harness.run_steps(2);
    start(&mut harness);
    wait(&mut harness, "training again", |app| evaluated(app, 0));
    drop(harness);
    store.check().unwrap();
}

#[test]
fn errors_in_a_list_are_shown_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(&folder.path().join("results.sqlite"));
    for (field, text, wrong) in [
        ("λ", "0, 2", "“2” is not a λ"),
        ("Seeds", "1, 1", "1 is listed twice"),
        ("Latent sizes n", "0", "“0” is not valid"),
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
    type_into(&mut harness, "λ", "0:0.5:1");
    type_into(&mut harness, "Seeds", "1:3");
    type_into(&mut harness, "Latent sizes n", "2 3");
    harness.get_by_label("18 runs");
}

#[test]
fn advanced_settings_are_collapsed_validated_and_stored() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("results.sqlite");
    let mut harness = window(&file);
    let fold = |harness: &mut Harness<'_, App>| {
        harness
            .get_by_role_and_label(Role::DisclosureTriangle, "More settings")
            .click();
        // It opens in little steps.
        harness.run_steps(30);
    };
    fold(&mut harness);
    let set = |harness: &mut Harness<'_, App>, label: &str, value: f64| {
        let field = harness.get_all_by_role_and_label(Role::SpinButton, label);
        field.last().unwrap().set_value_accesskit(value);
        harness.run_steps(3);
    };
    let is_ready = |harness: &Harness<'_, App>, runs: usize| {
        let label = format!("Start {runs} runs");
        let start = harness.get_by_role_and_label(Role::Button, &label);
        !start.accesskit_node().is_disabled()
    };
    assert!(
        harness.query_by_label("ViT dimensions").is_none(),
        "there is none among the networks"
    );
    press(&mut harness, "ViT");
    harness.get_by_label("ViT dimensions");
    set(&mut harness, "Heads", 3.0);
    harness.get_by_label_contains("3 heads cannot share an embedding of 8");
    wait(&mut harness, "the status of the runs", |app| {
        sweep_state(app).is_store_queried
    });
    harness.run_steps(2);
    assert!(!is_ready(&harness, 44));
    set(&mut harness, "Embedding", 12.0);
    assert!(harness.query_by_label_contains("3 heads").is_none());
    set(&mut harness, "Batch size", 20_000.0);
    harness.get_by_label("Batch size 20000 is larger than the 10000 training images of MNIST");
    set(&mut harness, "Batch size", 64.0);
    set(&mut harness, "Learning rate", 0.01);
    wait(&mut harness, "the status of the runs", |app| {
        sweep_state(app).is_store_queried
    });
    harness.run_steps(2);
    assert!(is_ready(&harness, 44));
    let expected = sweep_state(harness.state()).runs.to_vec();
    let (vit, fc): (Vec<_>, Vec<_>) = expected
        .iter()
        .map(|run| &run.config)
        .partition(|config| config.architecture == Architecture::Vit);
    assert_eq!((vit.len(), fc.len()), (22, 22));
    assert!(
        vit.iter()
            .all(|config| (config.vit.heads, config.vit.embed) == (3, 12))
    );
    for run in &expected {
        assert_eq!(
            (run.config.batch_size, run.config.learning_rate),
            (64, 0.01)
        );
    }
    // Folded away again, what is not as usual is still said.
    fold(&mut harness);
    harness.get_by_label_contains("batch size 64, learning rate 0.01, ViT changed");

    let mut memory = Memory::default();
    harness.state_mut().save(&mut memory);
    drop(harness);
    let harness = window_with_storage(&file, &memory);
    assert_eq!(*sweep_state(harness.state()).runs, expected[..]);
    drop(harness);

    // A stored grid with unknown keys is ignored.
    let stored = memory.0.values_mut().next().unwrap();
    assert!(stored.contains("batch_size = 64"), "{stored}");
    *stored = stored.replace("batch_size = 64", "batch_size = 64\\ncolour = 3");
    let harness = window_with_storage(&file, &memory);
    assert_eq!(sweep_state(harness.state()).runs.len(), 22);
}
