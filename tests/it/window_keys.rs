//! Keys of the window: which widget handles them, and what Escape closes.

use cre_lab::{
    data::BundledSet,
    figures::{DeadRuns, FigureKind},
    gui::{
        App,
        commands::{Command, ProbeCommand, ViewCommand},
        state::{Export, Notification},
    },
};
use eframe::egui::{Key, Modifiers, accesskit::Role};
use egui_kittest::{Harness, kittest::Queryable as _};

use crate::common::window::{notifies, open, press, small, steps, wait};

fn window() -> Harness<'static, App> {
    let mut harness = open(small(), BundledSet::Mnist, |app| app);
    wait(&mut harness, "a snapshot", |app| {
        let run = app.state().run.view();
        steps(app) > 0 && run.is_some_and(|run| run.shown().snapshot.is_some())
    });
    harness
}

fn hit(harness: &mut Harness<'_, App>, key: Key) {
    harness.key_press(key);
    harness.run_steps(3);
}

fn hundredths(harness: &Harness<'_, App>) -> f64 {
    (harness.state().state().run.lambda().value() * 100.0).round()
}

fn trains(harness: &Harness<'_, App>) -> bool {
    harness.state().state().run.is_training()
}

#[test]
fn space_and_arrows_work_whatever_was_used_last_but_not_in_a_text_field() {
    let mut harness = window();
    let slider = harness.get_by_role_and_label(Role::Slider, "λ");
    let cloud = harness.get_by_label_contains("Latent scatter");
    for centre in [slider, cloud].map(|node| node.rect().center()) {
        harness.drag_at(centre);
        harness.step();
        harness.drop_at(centre);
        harness.run_steps(3);
        let before = trains(&harness);
        hit(&mut harness, Key::Space);
        wait(&mut harness, "Space", |app| {
            app.state().run.is_training() != before
        });
        let lambda = hundredths(&harness);
        hit(&mut harness, Key::ArrowRight);
        assert!(
            (hundredths(&harness) - lambda - 1.0).abs() < 0.1,
            "{centre}"
        );
    }

    // A focused button is pressed by Space, but leaves all other keys to the window.
    harness.get_by_role_and_label(Role::Button, "View").focus();
    harness.run_steps(2);
    let lambda = hundredths(&harness);
    hit(&mut harness, Key::ArrowLeft);
    assert!((hundredths(&harness) - lambda + 1.0).abs() < 0.1);
    assert!(
        harness
            .get_by_role_and_label(Role::Button, "View")
            .is_focused()
    );
    hit(&mut harness, Key::D);
    harness.get_by_role_and_label(Role::Canvas, "Drawing pad");
    hit(&mut harness, Key::Escape);

    // A text field keeps everything.
    let (lambda, before) = (hundredths(&harness), trains(&harness));
    harness
        .get_by_role_and_label(Role::SpinButton, "Seed")
        .focus();
    harness.run_steps(3);
    for key in [Key::ArrowLeft, Key::Space, Key::D] {
        hit(&mut harness, key);
    }
    assert!((hundredths(&harness) - lambda).abs() < 0.1);
    assert_eq!(trains(&harness), before);
    assert!(harness.query_by_label("Drawing pad").is_none());
}

#[test]
fn escape_closes_the_menu_then_the_window_in_front_then_the_selection() {
    let mut harness = window();
    let app = harness.state_mut();
    app.execute(ProbeCommand::Select(Some(3)));
    app.execute(ViewCommand::OpenDataSets);
    let figure = Export::Figure(FigureKind::Cloud, DeadRuns::default());
    app.execute(ViewCommand::OpenExport(figure));
    harness.run_steps(3);
    hit(&mut harness, Key::F1);
    hit(&mut harness, Key::D);
    press(&mut harness, "Run");
    let is_open = |harness: &Harness<'_, App>, name: &str| harness.query_by_label(name).is_some();
    assert!(is_open(&harness, "Zoom the latent cloud"));

    // Nothing but the menu has the keys.
    let before = trains(&harness);
    hit(&mut harness, Key::Space);
    assert_eq!(trains(&harness), before, "Space under an open menu");
    hit(&mut harness, Key::Escape);

    for name in [
        "Drawing pad",
        "Zoom the latent cloud",
        "Export figure",
        "Data sets",
    ] {
        assert!(is_open(&harness, name), "{name}");
        hit(&mut harness, Key::Escape);
        assert!(!is_open(&harness, name), "{name}");
        assert!(harness.state().state().probe.selected.is_some(), "{name}");
    }
    hit(&mut harness, Key::Escape);
    assert!(harness.state().state().probe.selected.is_none());
}

#[test]
fn alt_and_arrows_turn_the_cloud_and_leave_lambda() {
    let mut harness = window();
    let lambda = hundredths(&harness);
    let scene = harness.get_by_label_contains("Latent scatter").rect();
    let turn = |harness: &mut Harness<'_, App>, modifiers| {
        for _ in 0..10 {
            harness.key_press_modifiers(modifiers, Key::ArrowRight);
            harness.run_steps(2);
        }
    };
    harness.key_press(Key::Space);
    wait(&mut harness, "a pause", |app| {
        !app.state().run.is_training()
    });
    harness.run_steps(60);
    let before = harness.render().unwrap();
    turn(&mut harness, Modifiers::ALT);
    let after = harness.render().unwrap();
    let differ = (scene.left() as u32..scene.right() as u32)
        .step_by(3)
        .flat_map(|x| {
            (scene.top() as u32..scene.bottom() as u32)
                .step_by(3)
                .map(move |y| (x, y))
        })
        .filter(|(x, y)| before.get_pixel(*x, *y) != after.get_pixel(*x, *y))
        .count();
    assert!(differ > 200, "{differ} pixels changed");
    assert!((hundredths(&harness) - lambda).abs() < 0.1);
}

#[test]
fn notifications_move_no_pane_and_only_errors_stay() {
    let mut harness = window();
    let pane = |harness: &Harness<'_, App>| {
        harness
            .get_by_label_contains("Reconstructions pane, drag to move")
            .rect()
    };
    let before = pane(&harness);
    let app = harness.state_mut();
    app.execute(Command::from(Notification::success("Saved it")));
    app.execute(Command::from(Notification::error("It failed")));
    harness.step();
    harness.step();
    assert_eq!(pane(&harness), before);
    // The pointer over it keeps it.
    let place = harness.get_by_label("Saved it").rect().center();
    harness.hover_at(place);
    harness.run_steps(40);
    assert!(notifies(harness.state(), "Saved it"));
    harness.remove_cursor();
    harness.run_steps(40);
    assert!(!notifies(harness.state(), "Saved it"));
    assert!(notifies(harness.state(), "It failed"));
}
