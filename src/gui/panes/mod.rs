//! The panes of the dock, one file each, and the panels and windows around it.
//!
//! A new pane is a file with a type that implements [`Pane`], and a line in the registry below.

pub mod clouds;
pub mod controls;
pub mod curves;
pub mod data_sets;
pub mod drawing;
pub mod export;
pub mod inspector;
pub mod latent;
pub mod notifications;
pub mod pareto;
pub mod reconstructions;
pub mod reconstructions_by_lambda;
pub mod status;
pub mod sweep;
pub mod trade_off;
pub mod trade_off_width;

use eframe::{
    egui::{self, Button, Rect, Response, RichText, Sense, Ui},
    egui_wgpu::RenderState,
};
use serde::{Deserialize, Serialize};

use self::trade_off::TradeOffSettings;
use super::{
    commands::{Commands, ViewCommand},
    preferences::Preferences,
    scatter::Scatter,
    state::{Export, State},
    textures::TextureCache,
    tool_row::tool_row,
    widgets::clicked,
};
use crate::figures::{DeadRuns, FigureKind};

pub trait Pane {
    /// Shows the pane and returns the response of its title row, by which it is dragged.
    fn ui(&mut self, ui: &mut Ui, context: &mut PaneContext<'_>) -> Response;

    /// Stores what the pane keeps between sessions.
    fn save(&self, _preferences: &mut Preferences) {}
}

/// What panes, panels and windows read and change.
pub struct PaneContext<'a> {
    /// Read only: changes are requested by commands.
    pub state: &'a State,
    pub commands: &'a mut Commands,
    pub textures: &'a mut TextureCache,
    pub view: &'a mut SharedView,
}

/// View settings that several panes share.
pub struct SharedView {
    /// The latent cloud, whose camera and visible classes are those of the small clouds as well.
    pub scatter: Scatter,
    pub trade_off: TradeOffSettings,
    /// The latent pane, over which the inspector opens.
    pub latent_rect: Rect,
    /// The whole dock, over which the drawing window opens.
    pub dock_rect: Rect,
}

impl SharedView {
    /// Without a render state no points are drawn.
    pub fn new(setup: &PaneSetup<'_>) -> Self {
        let mut scatter = Scatter::new(setup.render_state);
        scatter.preferences = setup.preferences.view.clone();
        Self {
            scatter,
            trade_off: setup.preferences.trade_off,
            latent_rect: Rect::NOTHING,
            dock_rect: Rect::NOTHING,
        }
    }
}

/// What panes are created with.
pub struct PaneSetup<'a> {
    pub preferences: &'a Preferences,
    /// Without a render state no points are drawn.
    pub render_state: Option<&'a RenderState>,
}

/// Declares the panes: identifier, stored name, title and constructor.
macro_rules! registry {
    ($($id:ident($stored:literal, $title:literal) => $new:expr),* $(,)?) => {
        /// Identifies a pane. Layouts store it by a name that must not change.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        pub enum PaneId {
            $(#[serde(rename = $stored)] $id),*
        }

        impl PaneId {
            /// Every pane, in the order of the menu.
            pub const ALL: [Self; [$($stored),*].len()] = [$(Self::$id),*];

            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$id => $title),*
                }
            }

            fn create(self, setup: &PaneSetup<'_>) -> Box<dyn Pane> {
                match self {
                    $(Self::$id => Box::new($new(setup))),*
                }
            }
        }
    };
}

registry! {
    Latent("Latent", "Latent z") => latent::LatentPane::new,
    Reconstructions("Reconstructions", "Reconstructions") => reconstructions::Reconstructions::new,
    Curves("Curves", "Curves") => curves::Curves::new,
    TradeOff("TradeOff", "Trade-off over λ") => trade_off::TradeOffPane::new,
    Pareto("Plane", "Trade-off plane") => pareto::ParetoPane::new,
    Clouds("Clouds", "Clouds") => clouds::Clouds::new,
    ReconstructionsByLambda("Mosaic", "Reconstructions by λ")
        => reconstructions_by_lambda::ReconstructionsByLambda::new,
    TradeOffWidth("Width", "Trade-off width") => trade_off_width::TradeOffWidth::new,
    Sweep("Experiment", "Sweep") => sweep::SweepPane::new,
}

pub struct Panes([Box<dyn Pane>; PaneId::ALL.len()]);

impl Panes {
    pub fn new(setup: &PaneSetup<'_>) -> Self {
        Self(PaneId::ALL.map(|id| id.create(setup)))
    }

    pub fn get_mut(&mut self, id: PaneId) -> &mut dyn Pane {
        &mut *self.0[id as usize]
    }

    /// Stores what all panes keep between sessions.
    pub fn save(&self, preferences: &mut Preferences) {
        for pane in &self.0 {
            pane.save(preferences);
        }
    }
}

/// The button in the title row of a pane that exports what the pane shows.
pub fn export_button(ui: &mut Ui, subject: FigureKind, dead: DeadRuns, commands: &mut Commands) {
    let tooltip = format!("Write “{}” as SVG, PNG or CSV", subject.title());
    if clicked(ui, Button::new("Export…"), &tooltip) {
        commands.push(ViewCommand::OpenExport(Export::Figure(subject, dead)));
    }
}

/// The title row of a pane, by which it is dragged, with `tools` at its right.
pub fn header(ui: &mut Ui, id: PaneId, tools: impl FnOnce(&mut Ui)) -> Response {
    let title = id.title();
    let height = ui.spacing().interact_size.y;
    // If only drags were sensed, pressing one of the tools would move the pane at once.
    let sense = Sense::CLICK | Sense::DRAG;
    let (rect, handle) = ui.allocate_exact_size(egui::vec2(ui.available_width(), height), sense);
    handle.widget_info(|| {
        egui::WidgetInfo::labeled(
            egui::Role::Label,
            true,
            format!("{title} pane, drag to move"),
        )
    });
    let text = |ui: &mut Ui| {
        let label = egui::Label::new(RichText::new(title).strong());
        ui.add(label.selectable(false).truncate())
    };
    tool_row(ui, rect, title, text, tools);
    handle.on_hover_cursor(egui::CursorIcon::Grab)
}
