//! The icon of the window.

use eframe::{egui::IconData, icon_data::from_png_bytes};

/// Rendered from `assets/icon.svg` by `scripts/icon`.
const PNG: &[u8] = include_bytes!("../../assets/icon.png");

/// The icon; the default of the system if it cannot be decoded.
pub fn load() -> IconData {
    from_png_bytes(PNG).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_is_decoded_in_full_size() {
        let icon = load();
        assert_eq!([icon.width, icon.height], [256, 256]);
    }
}
