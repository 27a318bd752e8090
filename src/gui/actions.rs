//! The table of user actions, from which menus, keyboard shortcuts, the tooltips of buttons and the
//! list of shortcuts are generated.

use eframe::egui::{Context, Key, KeyboardShortcut, Modifiers, gui_zoom::kb_shortcuts};

use super::{
    commands::{Command, DataCommand, RunCommand, ViewCommand},
    panes::PaneId,
    state::{AllOptions, Export, State},
};
use crate::figures::{DeadRuns, FigureKind};

/// Identifies an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionId {
    OpenRun,
    OpenDataSet,
    ShowDataSets,
    SaveRun,
    ExportFigure,
    ExportAnimation,
    ExportAll,
    Quit,
    ToggleTraining,
    Step,
    Epoch,
    Restart,
    NewSeed,
    TogglePlayback,
    Close,
    Draw,
    Sweep,
    ResetLayout,
    ZoomIn,
    ZoomOut,
    ResetZoom,
    Help,
}

/// When the shortcut of an action is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyScope {
    Always,
    /// Not while a text field has the focus.
    OutsideText,
}

/// A keyboard shortcut and when it is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortcut {
    pub keys: KeyboardShortcut,
    pub scope: KeyScope,
}

/// One thing that the user can do.
pub struct Action {
    pub id: ActionId,
    label: fn(&State) -> &'static str,
    tooltip: fn(&State) -> &'static str,
    pub shortcut: Option<Shortcut>,
    is_enabled: fn(&State) -> bool,
    /// Why it is disabled.
    pub disabled_tooltip: Option<&'static str>,
    command: fn(&State) -> Command,
}

impl Action {
    const fn new(
        id: ActionId,
        label: fn(&State) -> &'static str,
        tooltip: fn(&State) -> &'static str,
        command: fn(&State) -> Command,
    ) -> Self {
        Self {
            id,
            label,
            tooltip,
            shortcut: None,
            is_enabled: |_| true,
            disabled_tooltip: None,
            command,
        }
    }

    const fn with_shortcut(mut self, keys: KeyboardShortcut, scope: KeyScope) -> Self {
        self.shortcut = Some(Shortcut { keys, scope });
        self
    }

    /// Adds a key without modifiers.
    const fn with_key(self, key: Key) -> Self {
        let keys = KeyboardShortcut::new(Modifiers::NONE, key);
        self.with_shortcut(keys, KeyScope::OutsideText)
    }

    /// Adds Ctrl with a key, or Cmd on a Mac.
    const fn with_ctrl(self, key: Key) -> Self {
        let keys = KeyboardShortcut::new(Modifiers::COMMAND, key);
        self.with_shortcut(keys, KeyScope::Always)
    }

    const fn enabled_if(mut self, is_enabled: fn(&State) -> bool) -> Self {
        self.is_enabled = is_enabled;
        self
    }

    /// The text of its button or menu item.
    pub fn label(&self, state: &State) -> &'static str {
        (self.label)(state)
    }

    pub fn tooltip(&self, state: &State) -> &'static str {
        (self.tooltip)(state)
    }

    /// The tooltip of its button: with the shortcut, which a menu item shows itself.
    pub fn button_tooltip(&self, state: &State, ctx: &Context) -> String {
        let tooltip = self.tooltip(state);
        match self.shortcut_text(ctx) {
            Some(shortcut) => format!("{tooltip} ({shortcut})"),
            None => tooltip.to_owned(),
        }
    }

    /// "Ctrl+S".
    pub fn shortcut_text(&self, ctx: &Context) -> Option<String> {
        let shortcut = self.shortcut?;
        Some(ctx.format_shortcut(&shortcut.keys))
    }

    pub fn is_enabled(&self, state: &State) -> bool {
        (self.is_enabled)(state)
    }

    pub fn command(&self, state: &State) -> Command {
        (self.command)(state)
    }
}

impl ActionId {
    /// The action with this id.
    pub fn action(self) -> &'static Action {
        &ACTIONS[self as usize]
    }
}

fn has_run(state: &State) -> bool {
    state.run.view().is_some()
}

/// Every action, in the order of [`ActionId`]. Of two shortcuts with the same key, the one with more
/// modifiers must come first, since the other one accepts them too.
pub static ACTIONS: [Action; 22] = [
    Action::new(
        ActionId::OpenRun,
        |_| "Open run…",
        |_| {
            "Continue a saved run, or start with weights of the authors' modules (safetensors). \
             Such a file can also be dropped on the window"
        },
        |_| DataCommand::ChooseRun.into(),
    )
    .with_shortcut(
        KeyboardShortcut::new(Modifiers::COMMAND.plus(Modifiers::SHIFT), Key::O),
        KeyScope::Always,
    ),
    Action::new(
        ActionId::OpenDataSet,
        |_| "Open data set…",
        |_| {
            "Choose a folder with the files of MNIST (IDX), a set like it, or CIFAR-10 (binary), or \
             with one folder of images per class. A folder or a single image can also be dropped on \
             the window"
        },
        |_| DataCommand::ChooseFolder.into(),
    )
    .with_ctrl(Key::O),
    Action::new(
        ActionId::ShowDataSets,
        |_| "Data sets…",
        |_| "Built-in data sets, full sets on this machine, and downloads",
        |_| ViewCommand::ToggleDataSets.into(),
    )
    .with_ctrl(Key::D),
    Action {
        disabled_tooltip: Some("Only a run of a single network can be saved"),
        ..Action::new(
            ActionId::SaveRun,
            |_| "Save run…",
            |_| {
                "Save weights, the state of Adam, curves and settings to a file from which the run \
                 can be resumed exactly"
            },
            |_| DataCommand::ChooseSaveFile.into(),
        )
        .with_ctrl(Key::S)
        .enabled_if(|state| state.run.can_save())
    },
    Action::new(
        ActionId::ExportFigure,
        |_| "Export figure…",
        |_| "Cloud, reconstructions, curves or comparisons of many λ, as SVG, PNG or CSV",
        |_| ViewCommand::OpenExport(Export::Figure(FigureKind::Cloud, DeadRuns::default())).into(),
    ),
    Action::new(
        ActionId::ExportAnimation,
        |_| "Export animation…",
        |_| "The λ of a spectrum one after the other, or training as it proceeds, as GIF or APNG",
        |state| {
            ViewCommand::OpenExport(match state.run.shown_spectrum() {
                Some(_) => Export::Sweep,
                None => Export::Training,
            })
            .into()
        },
    ),
    Action::new(
        ActionId::ExportAll,
        |_| "Export all figures…",
        |_| "Every figure that the finished runs allow, as SVG, PNG and CSV, into one folder",
        |_| ViewCommand::OpenExport(Export::All(AllOptions::default())).into(),
    ),
    Action::new(
        ActionId::Quit,
        |_| "Quit",
        |_| "Close the window",
        |_| ViewCommand::Quit.into(),
    )
    .with_ctrl(Key::Q),
    Action::new(
        ActionId::ToggleTraining,
        |state| {
            if state.run.is_training() {
                "Pause"
            } else {
                "Train"
            }
        },
        |state| {
            if state.run.is_training() {
                "Pause after the current step"
            } else {
                "Continue training"
            }
        },
        |_| RunCommand::ToggleTraining.into(),
    )
    .with_key(Key::Space)
    .enabled_if(has_run),
    Action::new(
        ActionId::Step,
        |_| "Step",
        |_| "Train on one batch, then pause",
        |_| RunCommand::Step.into(),
    )
    .with_key(Key::S)
    .enabled_if(has_run),
    Action::new(
        ActionId::Epoch,
        |_| "Epoch",
        |_| "Train to the end of this epoch, then pause",
        |_| RunCommand::Epoch.into(),
    )
    .with_key(Key::E)
    .enabled_if(has_run),
    Action::new(
        ActionId::Restart,
        |_| "Restart",
        |_| "Start again with the same seed and settings",
        |_| RunCommand::Restart.into(),
    )
    .with_key(Key::R)
    .enabled_if(has_run),
    Action::new(
        ActionId::NewSeed,
        |_| "New seed",
        |_| {
            "Start again with other initial weights: the next seed, or the first after it whose \
             latent units stay alive"
        },
        |_| RunCommand::NewSeed.into(),
    )
    .with_key(Key::N)
    .enabled_if(has_run),
    Action::new(
        ActionId::TogglePlayback,
        |state| {
            if state.run.is_playing() {
                "Stop playing"
            } else {
                "Play λ from 0 to 1"
            }
        },
        |_| "Show all networks of the spectrum, from the first λ to the last and back",
        |_| RunCommand::TogglePlayback.into(),
    )
    .with_key(Key::P),
    Action::new(
        ActionId::Close,
        |_| "Close the topmost window",
        |_| "Close the menu or window in front, or else deselect the image",
        |_| ViewCommand::CloseTopmost.into(),
    )
    .with_key(Key::Escape),
    Action::new(
        ActionId::Draw,
        |_| "Draw an image",
        |_| "A pad to draw on; the model processes the drawing while it trains",
        |_| ViewCommand::ToggleDrawing.into(),
    )
    .with_key(Key::D)
    .enabled_if(has_run),
    Action::new(
        ActionId::Sweep,
        |_| PaneId::Sweep.title(),
        |_| "Train every combination of λ, seeds, networks and data sets, and compare the results",
        |_| ViewCommand::TogglePane(PaneId::Sweep).into(),
    )
    .with_key(Key::X),
    Action::new(
        ActionId::ResetLayout,
        |_| "Reset layout",
        |_| "Arrange the panes as at first",
        |_| ViewCommand::ResetLayout.into(),
    ),
    Action::new(
        ActionId::ZoomIn,
        |_| "Zoom in",
        |_| "Make everything larger",
        |_| ViewCommand::ZoomIn.into(),
    )
    .with_shortcut(kb_shortcuts::ZOOM_IN, KeyScope::Always),
    Action::new(
        ActionId::ZoomOut,
        |_| "Zoom out",
        |_| "Make everything smaller",
        |_| ViewCommand::ZoomOut.into(),
    )
    .with_shortcut(kb_shortcuts::ZOOM_OUT, KeyScope::Always),
    Action::new(
        ActionId::ResetZoom,
        |_| "Reset zoom",
        |_| "Return to the usual size",
        |_| ViewCommand::ResetZoom.into(),
    )
    .with_shortcut(kb_shortcuts::ZOOM_RESET, KeyScope::Always),
    Action::new(
        ActionId::Help,
        |_| "Keyboard shortcuts",
        |_| "Show every shortcut",
        |_| ViewCommand::ToggleHelp.into(),
    )
    .with_shortcut(
        KeyboardShortcut::new(Modifiers::NONE, Key::F1),
        KeyScope::Always,
    ),
];

/// Keys and gestures that widgets handle themselves, for the list of shortcuts.
pub const WIDGET_KEYS: [(&str, &str); 6] = [
    ("Left, Right", "Change λ by 0.01; of a spectrum, the next λ"),
    ("Shift+Left, Shift+Right", "Change λ by 0.1"),
    ("Home, End", "Set λ to 0 or 1"),
    ("Alt+arrows", "Turn the latent cloud"),
    ("+, −", "Zoom the latent cloud"),
    ("Alt+Home", "Return the latent cloud to its initial view"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_ids() {
        for (index, action) in ACTIONS.iter().enumerate() {
            assert_eq!(action.id as usize, index, "{:?}", action.id);
        }
    }

    #[test]
    fn no_shortcut_takes_the_keys_of_a_later_one() {
        let keys = |action: &Action| action.shortcut.map(|shortcut| shortcut.keys);
        for (index, later) in ACTIONS.iter().enumerate() {
            for earlier in &ACTIONS[..index] {
                if let (Some(earlier), Some(later)) = (keys(earlier), keys(later)) {
                    let takes = earlier.logical_key == later.logical_key
                        && later.modifiers.matches_logically(earlier.modifiers);
                    assert!(!takes, "{earlier:?} takes {later:?}");
                }
            }
        }
    }
}
