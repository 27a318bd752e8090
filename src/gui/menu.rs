//! The menu bar.

use eframe::egui::{Button, MenuBar, ThemePreference, Ui};

use super::{
    actions::ActionId,
    commands::{Commands, ViewCommand},
    dock::Dock,
    panes::PaneId,
    state::State,
};

/// An entry of a menu.
enum Item {
    Action(ActionId),
    /// An action that shows or removes a pane.
    Pane(ActionId, PaneId),
    /// A checkbox for each pane that a layout may have.
    OptionalPanes,
    Themes,
    Separator,
}

const FILE: &[Item] = &[
    Item::Action(ActionId::OpenDataSet),
    Item::Action(ActionId::ShowDataSets),
    Item::Separator,
    Item::Action(ActionId::OpenRun),
    Item::Action(ActionId::SaveRun),
    Item::Separator,
    Item::Action(ActionId::ExportFigure),
    Item::Action(ActionId::ExportAnimation),
    Item::Action(ActionId::ExportAll),
    Item::Separator,
    Item::Action(ActionId::Quit),
];
const RUN: &[Item] = &[
    Item::Action(ActionId::ToggleTraining),
    Item::Action(ActionId::Step),
    Item::Action(ActionId::Epoch),
    Item::Action(ActionId::Restart),
    Item::Action(ActionId::NewSeed),
];
const VIEW: &[Item] = &[
    Item::Action(ActionId::Draw),
    Item::Pane(ActionId::Sweep, PaneId::Sweep),
    Item::Separator,
    Item::OptionalPanes,
    Item::Separator,
    Item::Action(ActionId::ResetLayout),
    Item::Separator,
    Item::Themes,
    Item::Separator,
    Item::Action(ActionId::ZoomIn),
    Item::Action(ActionId::ZoomOut),
    Item::Action(ActionId::ResetZoom),
];
const HELP: &[Item] = &[Item::Action(ActionId::Help)];

/// Shows the menu bar.
pub fn ui(ui: &mut Ui, state: &State, dock: &Dock, commands: &mut Commands) {
    MenuBar::new().ui(ui, |ui| {
        for (title, items) in [("File", FILE), ("Run", RUN), ("View", VIEW), ("Help", HELP)] {
            ui.menu_button(title, |ui| {
                for item in items {
                    show(ui, item, state, dock, commands);
                }
            });
        }
    });
}

fn show(ui: &mut Ui, item: &Item, state: &State, dock: &Dock, commands: &mut Commands) {
    match item {
        Item::Action(id) => action(ui, *id, false, state, commands),
        Item::Pane(id, pane) => action(ui, *id, dock.is_visible(state, *pane), state, commands),
        Item::OptionalPanes => optional_panes(ui, state, dock, commands),
        Item::Themes => themes(ui, commands),
        Item::Separator => {
            ui.separator();
        }
    }
}

fn action(ui: &mut Ui, id: ActionId, selected: bool, state: &State, commands: &mut Commands) {
    let action = id.action();
    let mut button = Button::new(action.label(state)).selected(selected);
    if let Some(shortcut) = action.shortcut_text(ui.ctx()) {
        button = button.shortcut_text(shortcut);
    }
    let response = ui
        .add_enabled(action.is_enabled(state), button)
        .on_hover_text(action.tooltip(state))
        .on_disabled_hover_text(action.disabled_tooltip.unwrap_or(action.tooltip(state)));
    if response.clicked() {
        commands.push(action.command(state));
    }
}

fn optional_panes(ui: &mut Ui, state: &State, dock: &Dock, commands: &mut Commands) {
    let tooltip =
        "Show this pane beside the curves. It compares the λ of a spectrum, or finished runs";
    for pane in PaneId::optional() {
        let mut is_shown = dock.has(state, pane);
        let checkbox = ui.checkbox(&mut is_shown, pane.title());
        if checkbox.on_hover_text(tooltip).changed() {
            commands.push(ViewCommand::TogglePane(pane));
        }
    }
}

fn themes(ui: &mut Ui, commands: &mut Commands) {
    let mut theme = ui.ctx().options(|options| options.theme_preference);
    for (choice, label, tooltip) in [
        (
            ThemePreference::System,
            "System default",
            "The colours of the desktop",
        ),
        (ThemePreference::Dark, "Dark", "Light on dark"),
        (
            ThemePreference::Light,
            "Light",
            "Dark on light, for bright rooms",
        ),
    ] {
        let radio = ui.radio_value(&mut theme, choice, label);
        if radio.on_hover_text(tooltip).clicked() {
            commands.push(ViewCommand::SetTheme(choice));
        }
    }
}
