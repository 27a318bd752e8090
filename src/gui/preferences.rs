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
        let mut memory = Memory::default();
        eframe::set_value(&mut memory, "app", &Preferences::default());
        panic!("{}", memory.0["app"]);
    }
}
