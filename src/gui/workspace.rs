//! The dock: where panes stand, and that the user may move them.

use eframe::egui::{Frame, Id, Margin, Response, Ui, WidgetText};
use egui_tiles::{
    Behavior, Container, Linear, LinearDir, SimplificationOptions, Tile, TileId, Tiles, Tree,
    UiResponse,
};
use serde::{Deserialize, Serialize};

/// What can be docked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pane {
    Latent,
    Reconstructions,
    Curves,
    TradeOff,
    Plane,
    Clouds,
    Mosaic,
    Experiment,
    Width,
}

impl Pane {
    /// Those that every arrangement has.
    const ESSENTIAL: [Self; 3] = [Self::Latent, Self::Reconstructions, Self::Curves];

    /// Those that compare many λ or finished runs, which an arrangement may have.
    pub const OPTIONAL: [Self; 5] = [
        Self::TradeOff,
        Self::Plane,
        Self::Clouds,
        Self::Mosaic,
        Self::Width,
    ];

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Latent => "Latent z",
            Self::Reconstructions => "Reconstructions",
            Self::Curves => "Curves",
            Self::TradeOff => "Trade-off over λ",
            Self::Plane => "Trade-off plane",
            Self::Clouds => "Clouds",
            Self::Mosaic => "Reconstructions by λ",
            Self::Experiment => "Experiment",
            Self::Width => "Trade-off width",
        }
    }
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

/// The arrangement for a spectrum: cloud and reconstructions above, the figures below, and what is not needed
/// all the time behind them.
pub fn spectrum_tree() -> Tree<Pane> {
    let mut tiles = Tiles::default();
    let mut tabs = |panes: &[Pane]| {
        let panes = panes.iter().map(|pane| tiles.insert_pane(*pane)).collect();
        tiles.insert_tab_tile(panes)
    };
    let pictures = tabs(&[Pane::Mosaic, Pane::Clouds, Pane::Reconstructions]);
    let figures = tabs(&[Pane::TradeOff, Pane::Curves]);
    let latent = tiles.insert_pane(Pane::Latent);
    let plane = tiles.insert_pane(Pane::Plane);
    let above = Linear::new_binary(LinearDir::Horizontal, [latent, pictures], 0.5);
    let above = tiles.insert_container(Container::Linear(above));
    let below = Linear::new_binary(LinearDir::Horizontal, [figures, plane], 0.6);
    let below = tiles.insert_container(Container::Linear(below));
    let all = Linear::new_binary(LinearDir::Vertical, [above, below], 0.62);
    let all = tiles.insert_container(Container::Linear(all));
    Tree::new(Id::unique("spectrum workspace"), all, tiles)
}

/// Whether an arrangement has a pane, perhaps behind another.
pub fn has(tree: &Tree<Pane>, pane: Pane) -> bool {
    tree.tiles.find_pane(&pane).is_some()
}

/// Whether the experiment is there to be seen.
pub fn shows_experiment(tree: &Tree<Pane>) -> bool {
    let experiment = tree.tiles.find_pane(&Pane::Experiment);
    experiment.is_some_and(|tile| tree.active_tiles().contains(&tile))
}

/// Brings the experiment to the front of all other panes, or takes it away.
pub fn toggle_experiment(tree: &mut Tree<Pane>) {
    if shows_experiment(tree) {
        toggle(tree, Pane::Experiment);
        return;
    }
    if !has(tree, Pane::Experiment) {
        let tile = tree.tiles.insert_pane(Pane::Experiment);
        // It needs room: all that is there shares its place with it.
        let mut children: Vec<TileId> = tree.root.into_iter().collect();
        children.push(tile);
        tree.root = Some(tree.tiles.insert_tab_tile(children));
    }
    raise(tree, Pane::Experiment);
}

/// Brings a pane to the front of those that share its place.
pub fn raise(tree: &mut Tree<Pane>, pane: Pane) {
    tree.make_active(|_, tile| matches!(tile, Tile::Pane(other) if *other == pane));
}

/// Adds a pane in front of the curves, or takes it away.
pub fn toggle(tree: &mut Tree<Pane>, pane: Pane) {
    if let Some(tile) = tree.tiles.find_pane(&pane) {
        tree.remove_recursively(tile);
        return;
    }
    let tile = tree.tiles.insert_pane(pane);
    let Some(curves) = tree.tiles.find_pane(&Pane::Curves) else {
        return;
    };
    let parent = tree.tiles.parent_of(curves);
    if let Some(parent) = parent
        && let Some(Tile::Container(Container::Tabs(tabs))) = tree.tiles.get_mut(parent)
    {
        tabs.add_child(tile);
        tabs.set_active(tile);
        return;
    }
    // The curves and the newcomer share the place of the curves.
    let tabs = tree.tiles.insert_tab_tile(vec![curves, tile]);
    if let Some(Tile::Container(Container::Tabs(tabs))) = tree.tiles.get_mut(tabs) {
        tabs.set_active(tile);
    }
    match parent {
        Some(parent) => {
            if let Some(Tile::Container(container)) = tree.tiles.get_mut(parent) {
                replace(container, curves, tabs);
            }
        }
        None => tree.root = Some(tabs),
    }
}

/// Puts another child in the place of one.
fn replace(container: &mut Container, old: TileId, new: TileId) {
    match container {
        Container::Linear(linear) => {
            linear.shares.replace_with(old, new);
            for child in &mut linear.children {
                if *child == old {
                    *child = new;
                }
            }
        }
        Container::Tabs(tabs) => {
            tabs.add_child(new);
        }
        Container::Grid(grid) => {
            let place = grid.children().position(|child| *child == old);
            if let Some(place) = place {
                let _old = grid.replace_at(place, new);
            }
        }
    }
}

/// Whether a remembered arrangement still has every pane.
pub fn is_complete(tree: &Tree<Pane>) -> bool {
    Pane::ESSENTIAL
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
        pane.title().into()
    }

    fn tab_title_for_tile(&mut self, tiles: &Tiles<Pane>, tile: TileId) -> WidgetText {
        match tiles.get(tile) {
            Some(Tile::Pane(pane)) => self.tab_title_for_pane(pane),
            // Only the experiment stands beside a group of panes.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lambda_begins_without_the_panes_of_many() {
        let mut tree = default_tree();
        assert!(is_complete(&tree) && is_complete(&spectrum_tree()));
        for pane in Pane::OPTIONAL {
            assert_eq!(has(&spectrum_tree(), pane), pane != Pane::Width);
            assert!(!has(&tree, pane));
            toggle(&mut tree, pane);
            assert!(has(&tree, pane) && is_complete(&tree), "{pane:?}");
        }
        for pane in Pane::OPTIONAL {
            toggle(&mut tree, pane);
            assert!(!has(&tree, pane) && is_complete(&tree), "{pane:?}");
        }
    }

    #[test]
    fn curves_share_their_place_with_a_newcomer_wherever_they_are() {
        for dir in [LinearDir::Horizontal, LinearDir::Vertical] {
            let mut tiles = Tiles::default();
            let panes = Pane::ESSENTIAL.map(|pane| tiles.insert_pane(pane));
            let all = tiles.insert_container(Container::Linear(Linear::new(dir, panes.to_vec())));
            let mut tree = Tree::new(Id::unique("test"), all, tiles);
            toggle(&mut tree, Pane::Plane);
            let children = tree.tiles.get_container(all).map(Container::num_children);
            assert_eq!(children, Some(3), "no pane more beside the others");
            let tile = |pane| tree.tiles.find_pane(&pane).unwrap();
            let parent = |pane| tree.tiles.parent_of(tile(pane));
            assert_eq!(parent(Pane::Plane), parent(Pane::Curves));
        }
        let mut tree = Tree::new_grid(Id::unique("test"), Pane::ESSENTIAL.to_vec());
        toggle(&mut tree, Pane::Clouds);
        assert!(has(&tree, Pane::Clouds) && is_complete(&tree));
    }

    #[test]
    fn the_experiment_comes_to_the_front_and_goes() {
        for mut tree in [default_tree(), spectrum_tree()] {
            let before = tree.clone();
            toggle_experiment(&mut tree);
            assert!(shows_experiment(&tree) && is_complete(&tree));
            raise(&mut tree, Pane::Latent);
            assert!(has(&tree, Pane::Experiment) && !shows_experiment(&tree));
            toggle_experiment(&mut tree);
            assert!(shows_experiment(&tree));
            toggle_experiment(&mut tree);
            assert!(!has(&tree, Pane::Experiment) && is_complete(&tree));
            tree.simplify(&SimplificationOptions::default());
            assert_eq!(tree.root, before.root, "all is as it was");
        }
    }

    #[test]
    fn an_arrangement_of_an_older_version_is_still_one() {
        let json = serde_json::to_string(&default_tree()).unwrap();
        // The names that the version without a spectrum wrote.
        for name in ["Latent", "Reconstructions", "Curves"] {
            assert!(json.contains(&format!("\"{name}\"")), "{name} in {json}");
        }
        let tree: Tree<Pane> = serde_json::from_str(&json).unwrap();
        assert!(is_complete(&tree));
        let mut broken = tree;
        toggle(&mut broken, Pane::Curves);
        assert!(!is_complete(&broken));
    }
}
