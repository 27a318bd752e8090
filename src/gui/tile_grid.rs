//! The layout of equal tiles in textures of limited size.

use eframe::egui::{Rect, pos2};

/// Tiles of one size in rows, on one roughly square page (texture) if they fit, else on several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileGrid {
    tiles: usize,
    /// Width and height of a tile, in pixels.
    tile: [usize; 2],
    /// Tiles in a row.
    columns: usize,
    /// Rows of a full page.
    rows: usize,
}

impl Default for TileGrid {
    fn default() -> Self {
        Self::new(0, [1, 1], 1)
    }
}

impl TileGrid {
    /// A grid for `tiles` tiles of `tile` (width, height) pixels on pages with sides of at most
    /// `limit` pixels. A tile larger than the limit gets a page of its own size.
    pub fn new(tiles: usize, tile: [usize; 2], limit: usize) -> Self {
        let [width, height] = tile.map(|side| side.max(1));
        let most_columns = (limit / width).max(1);
        let most_rows = (limit / height).max(1);
        let square = (tiles as f64 * height as f64 / width as f64).sqrt().ceil() as usize;
        // At least as many columns as are needed for the rows to fit.
        let columns = square.max(tiles.div_ceil(most_rows)).clamp(1, most_columns);
        Self {
            tiles,
            tile: [width, height],
            columns,
            rows: tiles.div_ceil(columns).clamp(1, most_rows),
        }
    }

    /// Number of tiles.
    pub fn tiles(&self) -> usize {
        self.tiles
    }

    /// Number of pages; none without tiles.
    pub fn pages(&self) -> usize {
        self.tiles.div_ceil(self.tiles_per_page())
    }

    /// Width and height of a page, in pixels; the last page has only the rows it needs.
    pub fn page_size(&self, page: usize) -> [usize; 2] {
        let before = page * self.tiles_per_page();
        let rows = self.tiles.saturating_sub(before).div_ceil(self.columns);
        let [width, height] = self.tile;
        [self.columns * width, rows.min(self.rows) * height]
    }

    /// Page of tile `index`, and its upper left corner on that page, in pixels.
    pub fn position(&self, index: usize) -> (usize, [usize; 2]) {
        let on_page = index % self.tiles_per_page();
        let [width, height] = self.tile;
        let corner = [
            on_page % self.columns * width,
            on_page / self.columns * height,
        ];
        (index / self.tiles_per_page(), corner)
    }

    /// Page of tile `index`, and the part of its texture that the tile covers, 0–1 on both axes.
    pub fn uv(&self, index: usize) -> (usize, Rect) {
        let (page, [x, y]) = self.position(index);
        let [width, height] = self.page_size(page);
        let [tile_width, tile_height] = self.tile;
        let at = |x: usize, y: usize| {
            let ratio = |part: usize, whole: usize| part as f32 / whole.max(1) as f32;
            pos2(ratio(x, width), ratio(y, height))
        };
        let uv = Rect::from_min_max(at(x, y), at(x + tile_width, y + tile_height));
        (page, uv)
    }

    fn tiles_per_page(&self) -> usize {
        (self.columns * self.rows).max(1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tiles_lie_inside_pages_within_the_limit_and_do_not_overlap(
            tiles in 0usize..3000,
            tile in prop::array::uniform2(1usize..40),
            limit in 40usize..600,
        ) {
            let grid = TileGrid::new(tiles, tile, limit);
            let mut corners = std::collections::HashSet::new();
            for index in 0..tiles {
                let (page, corner) = grid.position(index);
                prop_assert!(page < grid.pages());
                let size = grid.page_size(page);
                for axis in 0..2 {
                    // Corners lie on a lattice of tiles, so different corners mean disjoint tiles.
                    prop_assert_eq!(corner[axis] % tile[axis], 0);
                    prop_assert!(corner[axis] + tile[axis] <= size[axis]);
                    prop_assert!(size[axis] <= limit);
                }
                prop_assert!(corners.insert((page, corner)));
            }
            // No more pages than needed.
            let most_per_page = (limit / tile[0]) * (limit / tile[1]);
            prop_assert_eq!(grid.pages(), tiles.div_ceil(most_per_page));
        }
    }

    #[test]
    fn one_page_is_about_square() {
        for (tiles, tile) in [(98 * 3, [28, 28]), (26 * 4 * 3, [28, 28]), (2400, [32, 32])] {
            let grid = TileGrid::new(tiles, tile, 2048);
            let [width, height] = grid.page_size(0);
            assert_eq!(grid.pages(), 1);
            assert!(width.abs_diff(height) <= 2 * tile[0], "{width}×{height}");
        }
    }
}
