//! Colours with a meaning, the same in the window and in files.

/// An opaque sRGB colour.
pub type Rgb = [u8; 3];

/// Ten class colours told apart under every common colour-vision deficiency
/// (M. A. Petroff, *Accessible Color Sequences for Data Visualization*, arXiv 2107.02270).
pub const CLASSES: [Rgb; 10] = [
    [0x3f, 0x90, 0xda],
    [0xff, 0xa9, 0x0e],
    [0xbd, 0x1f, 0x01],
    [0x94, 0xa4, 0xa2],
    [0x83, 0x2d, 0xb6],
    [0xa9, 0x6b, 0x59],
    [0xe7, 0x63, 0x00],
    [0xb9, 0xac, 0x70],
    [0x71, 0x75, 0x81],
    [0x92, 0xda, 0xdd],
];

/// Classification on a light background.
pub const CLASSIFICATION_ON_LIGHT: Rgb = [0x1f, 0x6f, 0xc4];
/// Classification on a dark background.
pub const CLASSIFICATION_ON_DARK: Rgb = [0x5a, 0xae, 0xf5];
/// Reconstruction on a light background.
pub const RECONSTRUCTION_ON_LIGHT: Rgb = [0xd0, 0x5a, 0x00];
/// Reconstruction on a dark background.
pub const RECONSTRUCTION_ON_DARK: Rgb = [0xff, 0x9a, 0x3c];

/// The colour of a class; classes beyond the tenth begin anew.
pub fn class(label: u8) -> Rgb {
    CLASSES[usize::from(label) % CLASSES.len()]
}
