//! What the window keeps between sessions. Field names are stored: they must not change.

use serde::{Deserialize, Serialize};

use super::{
    layout::{self, Layout},
    panes::{curves::CurveSettings, trade_off::TradeOffSettings},
    scatter::ViewPreferences,
    state::ProbeSelection,
};
use crate::sweep::Spectrum;

/// Layouts, settings of panes and drafts.
#[derive(Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    pub layout: Layout,
    pub spectrum_layout: Layout,
    /// The spectrum in the controls.
    pub spectrum: Spectrum,
    pub trade_off: TradeOffSettings,
    /// Camera and other settings of the latent cloud.
    pub view: ViewPreferences,
    pub curves: CurveSettings,
    pub sample: ProbeSelection,
    pub show_difference: bool,
    /// The grid of the experiment, as TOML: one that cannot be read does not affect the rest.
    pub grid: String,
    /// Name of the stored spectrum that the clouds are compared with.
    pub below: Option<String>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            layout: layout::single(),
            spectrum_layout: layout::spectrum(),
            spectrum: Spectrum::default(),
            trade_off: TradeOffSettings::default(),
            view: ViewPreferences::default(),
            curves: CurveSettings::default(),
            sample: ProbeSelection::default(),
            show_difference: true,
            grid: String::new(),
            below: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As eframe stored them before panes had other names in the code.
    const STORED: &str = "(layout:(id:(1),root:Some((3)),tiles:(next_tile_id:4,tiles:{(0):Pane(Latent),\
        (1):Pane(Reconstructions),(2):Pane(Curves),(3):Container(Tabs((children:[(0),(1),(2)],\
        active:Some((0)))))},invisible:[])),trade_off:(without_dead:true),curves:(log:true,\
        smoothing:2.0),sample:(cloud_per_class:7,grid_per_class:2,grid_offset:3,tokens:Token(4)),\
        show_difference:false,grid:\"epochs = 3\",below:Some(\"MNIST, seed 1\"))";

    #[test]
    #[ignore = "placeholder"]
    fn preferences_of_earlier_versions_are_read() {
        let _ = STORED;
    }
}
