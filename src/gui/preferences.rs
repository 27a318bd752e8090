//! What the window stores between sessions. Stored names of fields must not change.

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
    #[serde(rename = "sample")]
    pub selection: ProbeSelection,
    pub show_difference: bool,
    /// The grid of the sweep, as TOML, so that an unreadable grid does not affect the rest.
    pub grid: String,
    /// Name of the stored spectrum with which the clouds are compared.
    #[serde(rename = "below")]
    pub compared_spectrum: Option<String>,
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
            selection: ProbeSelection::default(),
            show_difference: true,
            grid: String::new(),
            compared_spectrum: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use eframe::Storage;

    use super::*;

    #[derive(Default)]
    struct Memory(HashMap<String, String>);

    impl Storage for Memory {
        fn get_string(&self, key: &str) -> Option<String> {
            self.0.get(key).cloned()
        }

        fn set_string(&mut self, key: &str, value: String) {
            self.0.insert(key.to_owned(), value);
        }

        fn remove_string(&mut self, key: &str) {
            self.0.remove(key);
        }

        fn flush(&mut self) {}
    }

    #[test]
    fn preferences_of_earlier_versions_are_read() {
        const TEXT: &str = r#"(layout:(id:(18301399130266003730),root:Some((3)),tiles:(next_tile_id:4,
            tiles:{(1):Pane(Latent),(2):Pane(Mosaic),(3):Container(Linear((children:[(1),(2)],
            dir:Horizontal,shares:(shares:{(2):0.83,(1):1.17}))))},invisible:[]),height:None,width:None),
            spectrum:(lambdas:[0.0,0.5,1.0],runs:2,seeding:shared),trade_off:(without_dead:true),
            view:(camera:(yaw:5.25,pitch:0.36),axes:3,auto_rotate:true,lock_fit:false,align:true),
            curves:(log:true,smoothing:0.25),sample:(cloud_per_class:20,grid_per_class:2,grid_offset:7,
            tokens:MeanPatch),show_difference:false,grid:"lambda = [0.5]",below:Some("MNIST"))"#;
        let mut memory = Memory::default();
        memory.set_string("app", TEXT.to_owned());
        let read: Preferences = eframe::get_value(&memory, "app").unwrap();
        assert!(format!("{:?}", read.layout).contains("ReconstructionsByLambda"));
        assert_eq!(read.spectrum.runs(), 2);
        assert!(read.view.auto_rotate && read.view.align && !read.show_difference);
        assert_eq!(
            (read.selection.cloud_per_class, read.selection.grid_offset),
            (20, 7)
        );
        assert_ne!(read.trade_off, TradeOffSettings::default());
        assert_ne!(read.curves, CurveSettings::default());
        assert_eq!(read.grid, "lambda = [0.5]");
        assert_eq!(read.compared_spectrum.as_deref(), Some("MNIST"));
    }
}
