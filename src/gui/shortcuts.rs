//! Keys that work wherever the focus is not in a text field.

use eframe::egui::{Context, Id, Key, KeyboardShortcut, Modifiers, Ui};

use super::{lambda_slider, state::State};

/// Opens a data set.
pub const OPEN: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::O);
/// Opens a run.
pub const OPEN_RUN: KeyboardShortcut =
    KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::O);
/// Saves the run.
pub const SAVE: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::S);
/// Shows the data sets.
pub const DATA_SETS: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::D);
/// Closes the window.
pub const QUIT: KeyboardShortcut = KeyboardShortcut::new(Modifiers::COMMAND, Key::Q);

/// Every key and what it does, for the help window.
pub const HELP: [(&str, &str); 18] = [
    (
        "← →",
        "λ by 0.01, with Shift by 0.1; in a spectrum to the next λ",
    ),
    ("Home, End", "λ to 0 or 1"),
    ("P", "play the spectrum from λ = 0 to 1 and back"),
    ("Space", "train or pause"),
    ("S", "one step"),
    ("E", "to the end of the epoch"),
    ("R", "reset with the same seed"),
    ("N", "new seed, until its latent units live"),
    ("D", "draw an image of your own"),
    ("X", "experiment: many runs at once"),
    ("Esc", "put the selected image away"),
    ("Ctrl O", "open a data set"),
    ("Ctrl Shift O", "open a run"),
    ("Ctrl S", "save the run"),
    ("Ctrl D", "data sets: built in, found, downloaded"),
    ("Ctrl + − 0", "larger, smaller, usual size"),
    ("F1", "this list"),
    ("Ctrl Q", "quit"),
];

/// Windows that a key opens and closes.
pub struct Toggles<'a> {
    /// The list of keys.
    pub keys: &'a mut bool,
    /// The drawing pad.
    pub drawing: &'a mut bool,
    /// The data sets.
    pub data_sets: &'a mut bool,
    /// Whether the experiment is to come or to go.
    pub experiment: &'a mut bool,
}

/// Obeys the keys pressed in this frame. With the focus on a widget, keys belong to that widget;
/// `canvas` is the one that leaves letters and the space bar to the window.
pub fn obey(ui: &Ui, session: &mut State, canvas: Option<Id>, toggles: &mut Toggles<'_>) {
    let ctx: &Context = ui.ctx();
    let command = |shortcut| ctx.input_mut(|input| input.consume_shortcut(&shortcut));
    // Before the one with fewer keys.
    if command(OPEN_RUN) {
        session.choose_run();
    }
    if command(SAVE) {
        session.choose_where_to_save();
    }
    if command(OPEN) {
        session.open_data_set();
    }
    if command(DATA_SETS) {
        *toggles.data_sets ^= true;
    }
    if command(QUIT) {
        ctx.send_viewport_cmd(eframe::egui::ViewportCommand::Close);
    }
    let pressed = |key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    if pressed(Key::F1) {
        *toggles.keys ^= true;
    }
    let focused = ctx.memory(eframe::egui::Memory::focused);
    if focused.is_none() {
        lambda_slider::choose(session, |choice| lambda_slider::step_by_keys(ui, choice));
    }
    // Whoever has just dragged the slider wants to see it move by itself.
    if !ctx.text_edit_focused() && pressed(Key::P) {
        session.toggle_film();
    }
    if focused.is_some() && focused != canvas {
        return;
    }
    if pressed(Key::Escape) {
        session.select(None);
    }
    if pressed(Key::X) {
        *toggles.experiment ^= true;
    }
    if session.run().is_none() {
        return;
    }
    if pressed(Key::D) {
        *toggles.drawing ^= true;
    }
    if pressed(Key::Space) {
        session.toggle_training();
    }
    if pressed(Key::S) {
        session.step();
    }
    if pressed(Key::E) {
        session.epoch();
    }
    if pressed(Key::R) {
        session.reset();
    }
    if pressed(Key::N) {
        session.new_seed();
    }
}
