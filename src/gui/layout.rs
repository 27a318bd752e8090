//! Layouts of the panes.

use eframe::egui::Id;
use egui_tiles::{Container, Linear, LinearDir, Tile, TileId, Tiles, Tree};

use super::panes::PaneId;

/// A layout, in the form in which it is stored.
pub type Layout = Tree<PaneId>;

/// The panes that every layout has.
const ESSENTIAL: [PaneId; 3] = [PaneId::Latent, PaneId::Reconstructions, PaneId::Curves];

impl PaneId {
    /// The panes that a layout may have beside its essential ones. The sweep is not among them: it
    /// replaces all others.
    pub fn optional() -> impl Iterator<Item = Self> {
        let is_optional = |pane: &Self| !ESSENTIAL.contains(pane) && *pane != Self::Sweep;
        Self::ALL.into_iter().filter(is_optional)
    }
}

/// The default for a single network: a large cloud, reconstructions at its right, curves below.
pub fn single() -> Layout {
    let mut tiles = Tiles::default();
    let latent = tiles.insert_pane(PaneId::Latent);
    let reconstructions = tiles.insert_pane(PaneId::Reconstructions);
    let curves = tiles.insert_pane(PaneId::Curves);
    let above = Linear::new_binary(LinearDir::Horizontal, [latent, reconstructions], 0.585);
    let above = tiles.insert_container(Container::Linear(above));
    let all = Linear::new_binary(LinearDir::Vertical, [above, curves], 0.68);
    let all = tiles.insert_container(Container::Linear(all));
    Tree::new(Id::unique("workspace"), all, tiles)
}

/// The default for a spectrum: cloud and reconstructions above, figures below, the others as tabs behind
/// them.
pub fn spectrum() -> Layout {
    let mut tiles = Tiles::default();
    let mut tabs = |panes: &[PaneId]| {
        let panes = panes.iter().map(|pane| tiles.insert_pane(*pane)).collect();
        tiles.insert_tab_tile(panes)
    };
    let pictures = tabs(&[
        PaneId::ReconstructionsByLambda,
        PaneId::Clouds,
        PaneId::Reconstructions,
    ]);
    let figures = tabs(&[PaneId::TradeOff, PaneId::Curves]);
    let latent = tiles.insert_pane(PaneId::Latent);
    let pareto = tiles.insert_pane(PaneId::Pareto);
    let above = Linear::new_binary(LinearDir::Horizontal, [latent, pictures], 0.5);
    let above = tiles.insert_container(Container::Linear(above));
    let below = Linear::new_binary(LinearDir::Horizontal, [figures, pareto], 0.6);
    let below = tiles.insert_container(Container::Linear(below));
    let all = Linear::new_binary(LinearDir::Vertical, [above, below], 0.62);
    let all = tiles.insert_container(Container::Linear(all));
    Tree::new(Id::unique("spectrum workspace"), all, tiles)
}

/// Whether a layout has a pane, possibly as a hidden tab.
pub fn has(tree: &Layout, pane: PaneId) -> bool {
    tree.tiles.find_pane(&pane).is_some()
}

/// Whether a pane is visible: neither missing nor a hidden tab.
pub fn is_visible(tree: &Layout, pane: PaneId) -> bool {
    let tile = tree.tiles.find_pane(&pane);
    tile.is_some_and(|tile| tree.active_tiles().contains(&tile))
}

/// Shows a pane, or removes it.
pub fn toggle(tree: &mut Layout, pane: PaneId) {
    if pane == PaneId::Sweep {
        toggle_sweep(tree);
    } else if let Some(tile) = tree.tiles.find_pane(&pane) {
        tree.remove_recursively(tile);
    } else {
        add(tree, pane);
    }
}

/// Shows the sweep in front of all other panes, or removes it.
fn toggle_sweep(tree: &mut Layout) {
    if let Some(tile) = tree.tiles.find_pane(&PaneId::Sweep) {
        if is_visible(tree, PaneId::Sweep) {
            tree.remove_recursively(tile);
            return;
        }
    } else {
        let tile = tree.tiles.insert_pane(PaneId::Sweep);
        // It needs the whole space, so it is a tab beside a group of all others.
        let mut children: Vec<TileId> = tree.root.into_iter().collect();
        children.push(tile);
        tree.root = Some(tree.tiles.insert_tab_tile(children));
    }
    raise(tree, PaneId::Sweep);
}

/// Makes a pane the visible one of its tabs.
pub fn raise(tree: &mut Layout, pane: PaneId) {
    tree.make_active(|_, tile| matches!(tile, Tile::Pane(other) if *other == pane));
}

/// Adds a pane as a tab in front of the curves.
fn add(tree: &mut Layout, pane: PaneId) {
    let tile = tree.tiles.insert_pane(pane);
    let Some(curves) = tree.tiles.find_pane(&PaneId::Curves) else {
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
    // Curves and new pane become tabs in place of the curves.
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

/// Replaces a child of a container.
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
            let index = grid.children().position(|child| *child == old);
            if let Some(index) = index {
                let _old = grid.replace_at(index, new);
            }
        }
    }
}

/// Whether a stored layout has every essential pane.
pub fn is_complete(tree: &Layout) -> bool {
    ESSENTIAL
        .iter()
        .all(|pane| tree.tiles.find_pane(pane).is_some())
}

#[cfg(test)]
mod tests {
    use egui_tiles::SimplificationOptions;

    use super::*;

    #[test]
    fn optional_panes_are_added_and_removed() {
        let mut tree = single();
        assert!(is_complete(&tree) && is_complete(&spectrum()));
        assert!(has(&spectrum(), PaneId::Clouds) && has(&spectrum(), PaneId::TradeOff));
        for pane in PaneId::optional() {
            assert!(!has(&tree, pane));
            toggle(&mut tree, pane);
            assert!(has(&tree, pane) && is_complete(&tree), "{pane:?}");
        }
        for pane in PaneId::optional() {
            toggle(&mut tree, pane);
            assert!(!has(&tree, pane) && is_complete(&tree), "{pane:?}");
        }
    }

    #[test]
    fn an_added_pane_shares_the_tabs_of_the_curves_wherever_they_are() {
        for dir in [LinearDir::Horizontal, LinearDir::Vertical] {
            let mut tiles = Tiles::default();
            let panes = ESSENTIAL.map(|pane| tiles.insert_pane(pane));
            let all = tiles.insert_container(Container::Linear(Linear::new(dir, panes.to_vec())));
            let mut tree = Tree::new(Id::unique("test"), all, tiles);
            toggle(&mut tree, PaneId::Pareto);
            let children = tree.tiles.get_container(all).map(Container::num_children);
            assert_eq!(children, Some(3), "no pane beside the others");
            let tile = |pane| tree.tiles.find_pane(&pane).unwrap();
            let parent = |pane| tree.tiles.parent_of(tile(pane));
            assert_eq!(parent(PaneId::Pareto), parent(PaneId::Curves));
        }
        let mut tree = Tree::new_grid(Id::unique("test"), ESSENTIAL.to_vec());
        toggle(&mut tree, PaneId::Clouds);
        assert!(has(&tree, PaneId::Clouds) && is_complete(&tree));
    }

    #[test]
    fn the_sweep_is_brought_to_the_front_and_removed() {
        let sweep = PaneId::Sweep;
        for mut tree in [single(), spectrum()] {
            let before = tree.clone();
            toggle(&mut tree, sweep);
            assert!(is_visible(&tree, sweep) && is_complete(&tree));
            raise(&mut tree, PaneId::Latent);
            assert!(has(&tree, sweep) && !is_visible(&tree, sweep));
            toggle(&mut tree, sweep);
            assert!(is_visible(&tree, sweep));
            toggle(&mut tree, sweep);
            assert!(!has(&tree, sweep) && is_complete(&tree));
            tree.simplify(&SimplificationOptions::default());
            assert_eq!(tree.root, before.root, "the layout is as before");
        }
    }

    #[test]
    fn stored_names_of_panes_stay_the_same() {
        let names = [
            "Latent",
            "Reconstructions",
            "Curves",
            "TradeOff",
            "Plane",
            "Clouds",
            "Mosaic",
            "Width",
            "Experiment",
        ];
        for (pane, name) in PaneId::ALL.into_iter().zip(names) {
            assert_eq!(serde_json::to_string(&pane).unwrap(), format!("\"{name}\""));
        }
        let json = serde_json::to_string(&single()).unwrap();
        let mut tree: Layout = serde_json::from_str(&json).unwrap();
        assert!(is_complete(&tree));
        toggle(&mut tree, PaneId::Curves);
        assert!(!is_complete(&tree));
    }
}
