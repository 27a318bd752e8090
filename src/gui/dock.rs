//! The dock: panes that the user can rearrange, with one layout for a single network and one for a
//! spectrum.

use eframe::egui::{Frame, Margin, Ui, WidgetText};
use egui_tiles::{Behavior, SimplificationOptions, Tile, TileId, Tiles, UiResponse};

use super::{
    layout::{self, Layout},
    panes::{PaneContext, PaneId, Panes},
    state::State,
};

/// The layouts.
pub struct Dock {
    pub single: Layout,
    pub spectrum: Layout,
}

impl Dock {
    /// Takes stored layouts, or the defaults where panes are missing.
    pub fn new(single: Layout, spectrum: Layout) -> Self {
        let complete_or = |layout: Layout, default: fn() -> Layout| {
            if layout::is_complete(&layout) {
                layout
            } else {
                default()
            }
        };
        Self {
            single: complete_or(single, layout::single),
            spectrum: complete_or(spectrum, layout::spectrum),
        }
    }

    /// Whether the current layout has a pane, possibly as a hidden tab.
    pub fn has(&self, state: &State, pane: PaneId) -> bool {
        layout::has(self.layout(state), pane)
    }

    /// Whether a pane is visible.
    pub fn is_visible(&self, state: &State, pane: PaneId) -> bool {
        layout::is_visible(self.layout(state), pane)
    }

    /// Shows a pane, or removes it.
    pub fn toggle(&mut self, state: &State, pane: PaneId) {
        layout::toggle(self.layout_mut(state), pane);
    }

    /// Makes a pane the visible one of its tabs.
    pub fn raise(&mut self, state: &State, pane: PaneId) {
        layout::raise(self.layout_mut(state), pane);
    }

    /// Restores the default of the current layout.
    pub fn reset(&mut self, state: &State) {
        *self.layout_mut(state) = if state.run.shown_spectrum().is_some() {
            layout::spectrum()
        } else {
            layout::single()
        };
    }

    /// Shows all panes.
    pub fn ui(&mut self, ui: &mut Ui, panes: &mut Panes, context: &mut PaneContext<'_>) {
        let layout = self.layout_mut(context.state);
        layout.ui(&mut DockBehavior { panes, context }, ui);
    }

    fn layout(&self, state: &State) -> &Layout {
        match state.run.shown_spectrum() {
            Some(_) => &self.spectrum,
            None => &self.single,
        }
    }

    fn layout_mut(&mut self, state: &State) -> &mut Layout {
        match state.run.shown_spectrum() {
            Some(_) => &mut self.spectrum,
            None => &mut self.single,
        }
    }
}

struct DockBehavior<'a, 'b> {
    panes: &'a mut Panes,
    context: &'a mut PaneContext<'b>,
}

impl Behavior<PaneId> for DockBehavior<'_, '_> {
    fn pane_ui(&mut self, ui: &mut Ui, _tile: TileId, pane: &mut PaneId) -> UiResponse {
        let frame = Frame::new()
            .fill(ui.visuals().panel_fill)
            .inner_margin(Margin::symmetric(8, 6));
        let handle = frame
            .show(ui, |ui| {
                ui.set_min_size(ui.available_size());
                self.panes.get_mut(*pane).ui(ui, self.context)
            })
            .inner;
        if handle.drag_started() {
            UiResponse::DragStarted
        } else {
            UiResponse::None
        }
    }

    fn tab_title_for_pane(&mut self, pane: &PaneId) -> WidgetText {
        pane.title().into()
    }

    fn tab_title_for_tile(&mut self, tiles: &Tiles<PaneId>, tile: TileId) -> WidgetText {
        match tiles.get(tile) {
            Some(Tile::Pane(pane)) => self.tab_title_for_pane(pane),
            // Only the sweep is a tab beside a group of panes.
            _ => "Live run".into(),
        }
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
