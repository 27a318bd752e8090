//! What the tests of the window share: a window to use, and waiting for what it does.

use std::time::{Duration, Instant};

use cre_lab::{
    data::{BundledSet, DataSource},
    gui::{
        App,
        state::{Level, RunView},
    },
    model::Architecture,
    train::{DeviceChoice, RunConfig},
};
use eframe::{
    Storage,
    egui::{Theme, accesskit::Role, vec2},
};
use egui_kittest::{Harness, kittest::Queryable as _};

/// Only ever reached by a failing test.
pub const TIME_LIMIT: Duration = Duration::from_mins(2);

/// The default network, on the CPU.
pub fn config() -> RunConfig {
    RunConfig {
        device: DeviceChoice::Cpu,
        ..RunConfig::default()
    }
}

/// FC Small: many steps a second, for tests of the window itself. All units of this seed live, so
/// that no notice comes in between.
pub fn small() -> RunConfig {
    RunConfig {
        architecture: Architecture::FcSmall,
        seed: 34,
        ..config()
    }
}

/// A window of 1280 × 800 points that trains on a bundled set, after `prepare` has had it.
pub fn open(
    config: RunConfig,
    set: BundledSet,
    prepare: impl FnOnce(App) -> App,
) -> Harness<'static, App> {
    open_again(config, set, None, prepare)
}

/// The same, where an earlier one has left something in `memory`.
pub fn open_again(
    config: RunConfig,
    set: BundledSet,
    memory: Option<&'static dyn Storage>,
    prepare: impl FnOnce(App) -> App,
) -> Harness<'static, App> {
    open_on(config, DataSource::Bundled(set), memory, prepare)
}

/// The same on any data set.
pub fn open_on(
    config: RunConfig,
    source: DataSource,
    memory: Option<&'static dyn Storage>,
    prepare: impl FnOnce(App) -> App,
) -> Harness<'static, App> {
    Harness::builder()
        .with_size(vec2(1280.0, 800.0))
        .with_theme(Theme::Dark)
        .build_eframe(|cc| {
            cc.storage = memory.or(cc.storage);
            prepare(App::new(cc, config, source, None))
        })
}

/// Draws frames until `done`, as the messages of other threads come in.
#[track_caller]
pub fn wait(harness: &mut Harness<'_, App>, what: &str, done: impl Fn(&App) -> bool) {
    let begun = Instant::now();
    loop {
        harness.step();
        if done(harness.state()) {
            return;
        }
        assert!(
            begun.elapsed() < TIME_LIMIT,
            "never came: {what}; notifications: {:?}",
            notifications(harness.state())
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Texts of all notifications.
pub fn notifications(app: &App) -> Vec<String> {
    let notifications = app.state().notifications().into_iter();
    notifications.map(|(_, shown)| shown.text).collect()
}

/// Whether a notification contains these words.
pub fn notifies(app: &App, words: &str) -> bool {
    notifications(app).iter().any(|text| text.contains(words))
}

/// Whether there is a notification of an error.
pub fn complains(app: &App) -> bool {
    let mut notifications = app.state().notifications().into_iter();
    notifications.any(|(_, shown)| shown.level == Level::Error)
}

/// Steps of the run that is trained.
pub fn steps(app: &App) -> u64 {
    app.state().run.view().map_or(0, RunView::step)
}

/// Presses a button.
pub fn press(harness: &mut Harness<'_, App>, label: &str) {
    harness.get_by_role_and_label(Role::Button, label).click();
    harness.run_steps(3);
}
