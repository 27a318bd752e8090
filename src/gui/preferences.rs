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
        let stored = r#"(
            removed: 1,
            trade_off: (without_dead: true),
            sample: (cloud_per_class: 20),
            show_difference: false,
            grid: "epochs = 3",
            below: Some("Fashion-MNIST, seed 1"),
        )"#;
        let mut memory = Memory::default();
        memory.set_string("app", stored.to_owned());
        let preferences: Preferences = eframe::get_value(&memory, "app").unwrap();
        let trade_off: TradeOffSettings =
            serde_json::from_str(r#"{"without_dead": true}"#).unwrap();
        assert_eq!(preferences.trade_off, trade_off);
        assert_eq!(preferences.selection.cloud_per_class, 20);
        assert_eq!(preferences.selection.grid_per_class, 1);
        assert!(!preferences.show_difference);
        assert_eq!(preferences.grid, "epochs = 3");
        let compared = preferences.compared_spectrum.as_deref();
        assert_eq!(compared, Some("Fashion-MNIST, seed 1"));
        assert!(layout::is_complete(&preferences.layout));
    }
}
