//! The dock: where panes stand, and that the user may move them.

use eframe::egui::{Frame, Id, Margin, Response, Ui, WidgetText};
use egui_tiles::{
    Behavior, Container, Linear, LinearDir, SimplificationOptions, TileId, Tiles, Tree, UiResponse,
};
use serde::{Deserialize, Serialize};

/// What can be docked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pane {
    Latent,
    Reconstructions,
    Curves,
}

/// The default arrangement: the stage large, reconstructions at its right, curves below.
pub fn default_tree() -> Tree<Pane> {
    let mut tiles = Tiles::default();
    let latent = tiles.insert_pane(Pane::Latent);
    let reconstructions = tiles.insert_pane(Pane::Reconstructions);
    let curves = tiles.insert_pane(Pane::Curves);
    let above = Linear::new_binary(LinearDir::Horizontal, [latent, reconstructions], 0.585);
    let above = tiles.insert_container(Container::Linear(above));
    let all = Linear::new_binary(LinearDir::Vertical, [above, curves], 0.68);
    let all = tiles.insert_container(Container::Linear(all));
    Tree::new(Id::unique("workspace"), all, tiles)
}

/// Whether a remembered arrangement still has every pane.
pub fn is_complete(tree: &Tree<Pane>) -> bool {
    [Pane::Latent, Pane::Reconstructions, Pane::Curves]
        .iter()
        .all(|pane| tree.tiles.find_pane(pane).is_some())
}

/// Draws panes with `draw`, which returns the response of a pane's grip.
pub struct Docked<F>(pub F);

impl<F: FnMut(&mut Ui, Pane) -> Response> Behavior<Pane> for Docked<F> {
    fn pane_ui(&mut self, ui: &mut Ui, _tile: TileId, pane: &mut Pane) -> UiResponse {
        let frame = Frame::new()
            .fill(ui.visuals().panel_fill)
            .inner_margin(Margin::symmetric(8, 6));
        let grip = frame
            .show(ui, |ui| {
                ui.set_min_size(ui.available_size());
                (self.0)(ui, *pane)
            })
            .inner;
        if grip.drag_started() {
            UiResponse::DragStarted
        } else {
            UiResponse::None
        }
    }

    fn tab_title_for_pane(&mut self, pane: &Pane) -> WidgetText {
        match pane {
            Pane::Latent => "Latent z",
            Pane::Reconstructions => "Reconstructions",
            Pane::Curves => "Curves",
        }
        .into()
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions {
            all_panes_must_have_tabs: false,
            ..SimplificationOptions::default()
        }
    }

    fn min_size(&self) -> f32 {
        140.0
    }
}
