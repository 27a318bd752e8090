//! Colours that have a meaning, in the window and in files.

use std::sync::LazyLock;

use super::marker::Marker;

/// An opaque sRGB colour.
pub type Rgb = [u8; 3];

/// Ten class colours that can be distinguished with every common colour-vision deficiency
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

pub const MISCLASSIFIED: Rgb = [0xc0, 0x20, 0x18];
/// Classification and reconstruction, on light and on dark backgrounds.
pub const CLASSIFICATION_ON_LIGHT: Rgb = [0x1f, 0x6f, 0xc4];
pub const CLASSIFICATION_ON_DARK: Rgb = [0x5a, 0xae, 0xf5];
pub const RECONSTRUCTION_ON_LIGHT: Rgb = [0xd0, 0x5a, 0x00];
pub const RECONSTRUCTION_ON_DARK: Rgb = [0xff, 0x9a, 0x3c];

/// The colour of a class. Classes with the same of the ten colours have different markers; where
/// there are no more of these, shades become alternately darker and lighter.
pub fn class(label: u8) -> Rgb {
    static SHADED: LazyLock<Vec<Rgb>> = LazyLock::new(|| (0..=u8::MAX).map(shaded).collect());
    SHADED[usize::from(label)]
}

fn shaded(label: u8) -> Rgb {
    let label = usize::from(label);
    let base = CLASSES[label % CLASSES.len()];
    let Some(shade) = (label / CLASSES.len() / Marker::ALL.len()).checked_sub(1) else {
        return base;
    };
    // Sixteenths towards black or white. A dark shade must stay visible on a dark background.
    let (target, sixteenths) = if shade % 2 == 0 {
        ([0; 3], (4 + shade / 2).min(8))
    } else {
        ([0xff; 3], (5 + shade / 2 * 2).min(12))
    };
    mix(base, target, sixteenths as f64 / 16.0)
}

/// The colour of λ on a light background: from the blue of classification at 0 to the orange of
/// reconstruction at 1, perceptually uniform.
pub fn lambda_on_light(lambda: f64) -> Rgb {
    mix(CLASSIFICATION_ON_LIGHT, RECONSTRUCTION_ON_LIGHT, lambda)
}

pub fn lambda_on_dark(lambda: f64) -> Rgb {
    mix(CLASSIFICATION_ON_DARK, RECONSTRUCTION_ON_DARK, lambda)
}

/// Interpolates linearly in Oklab (B. Ottosson, *A perceptual color space for image processing*,
/// 2020), where equal distances look equal. `share` is clamped to 0–1; NaN counts as 0.
fn mix(from: Rgb, to: Rgb, share: f64) -> Rgb {
    let share = if share > 0.0 { share.min(1.0) } else { 0.0 };
    let (from, to) = (to_oklab(from), to_oklab(to));
    from_oklab(std::array::from_fn(|axis| {
        from[axis] + (to[axis] - from[axis]) * share
    }))
}

fn to_oklab(colour: Rgb) -> [f64; 3] {
    let linear = colour.map(|byte| {
        let value = f64::from(byte) / 255.0;
        if value <= 0.040_45 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    });
    let cones = multiply(TO_CONES, linear).map(f64::cbrt);
    multiply(TO_LAB, cones)
}

fn from_oklab(lab: [f64; 3]) -> Rgb {
    let cones = multiply(FROM_LAB, lab).map(|value| value.powi(3));
    multiply(FROM_CONES, cones).map(|value| {
        let value = value.clamp(0.0, 1.0);
        let value = if value <= 0.003_130_8 {
            value * 12.92
        } else {
            1.055 * value.powf(1.0 / 2.4) - 0.055
        };
        (value * 255.0).round() as u8
    })
}

type Matrix = [[f64; 3]; 3];

const TO_CONES: Matrix = [
    [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
    [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
    [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
];
const TO_LAB: Matrix = [
    [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
    [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
    [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
];
const FROM_LAB: Matrix = [
    [1.0, 0.396_337_777_4, 0.215_803_757_3],
    [1.0, -0.105_561_345_8, -0.063_854_172_8],
    [1.0, -0.089_484_177_5, -1.291_485_548_0],
];
const FROM_CONES: Matrix = [
    [4.076_741_662_1, -3.307_711_591_3, 0.230_969_929_2],
    [-1.268_438_004_6, 2.609_757_401_1, -0.341_319_396_5],
    [-0.004_196_086_3, -0.703_418_614_7, 1.707_614_701_0],
];

fn multiply(matrix: Matrix, vector: [f64; 3]) -> [f64; 3] {
    matrix.map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oklab_matches_published_values() {
        // Red, from `colour-science` and CSS Color 4.
        let published = [0.627_96, 0.224_86, 0.125_85];
        for (value, published) in to_oklab([255, 0, 0]).into_iter().zip(published) {
            assert!((value - published).abs() < 1e-4, "{value}, not {published}");
        }
        for colour in CLASSES {
            assert_eq!(from_oklab(to_oklab(colour)), colour);
        }
    }

    #[test]
    fn all_classes_have_different_colours_or_markers() {
        let looks = (0..=u8::MAX).map(|label| (class(label), Marker::of(label)));
        let looks: std::collections::HashSet<(Rgb, Marker)> = looks.collect();
        assert_eq!(looks.len(), 256);
        assert_eq!(std::array::from_fn(|label| class(label as u8)), CLASSES);
    }

    #[test]
    fn lambda_colours_go_from_blue_to_orange_in_even_steps() {
        let scales: [fn(f64) -> Rgb; 2] = [lambda_on_light, lambda_on_dark];
        let ends = [
            [CLASSIFICATION_ON_LIGHT, RECONSTRUCTION_ON_LIGHT],
            [CLASSIFICATION_ON_DARK, RECONSTRUCTION_ON_DARK],
        ];
        for (scale, ends) in scales.into_iter().zip(ends) {
            assert_eq!([0.0, 1.0].map(scale), ends);
            assert_eq!([f64::NAN, 7.0].map(scale), ends);
            let length = |step: u32| -> f64 {
                let [from, to] = [step, step + 1].map(|at| to_oklab(scale(f64::from(at) / 10.0)));
                let squares = from.iter().zip(to).map(|(a, b)| (a - b).powi(2));
                squares.sum::<f64>().sqrt()
            };
            let lengths: Vec<f64> = (0..10).map(length).collect();
            let mean = lengths.iter().sum::<f64>() / 10.0;
            assert!(mean > 0.02, "neighbours look alike: {mean}");
            for length in lengths {
                assert!((length / mean - 1.0).abs() < 0.1, "{length} of {mean}");
            }
        }
    }
}
