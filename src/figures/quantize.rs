//! As many colours as a GIF frame can have.

use std::collections::HashMap;

use super::palette::Rgb;

/// Colours of a frame.
const COLOURS: usize = 256;

/// A colour, and how many pixels have it.
type Counted = (Rgb, u32);

/// Brings RGB pixels down to 256 colours, each of which was there before: what covers an area keeps its
/// exact colour, which matters where a colour has a meaning.
///
/// Median cut (P. Heckbert, *Color Image Quantization for Frame Buffer Display*, 1982); each box
/// is represented by its most frequent colour rather than by its mean.
pub fn quantize(pixels: &mut [u8]) {
    let mut counts: HashMap<Rgb, u32> = HashMap::new();
    // Neighbours are mostly alike.
    for run in pixels.as_chunks::<3>().0.chunk_by(|a, b| a == b) {
        *counts.entry(run[0]).or_default() += u32::try_from(run.len()).unwrap_or(u32::MAX);
    }
    if counts.len() <= COLOURS {
        return;
    }
    let mut colours: Vec<Counted> = counts.into_iter().collect();
    // A hash map has an order of its own each time; files shall not.
    colours.sort_unstable();
    let mut boxes = vec![colours];
    while boxes.len() < COLOURS {
        let weights = boxes.iter().map(|colours| weight(colours));
        let largest = weights.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b));
        let Some((place, _)) = largest.filter(|(_, weight)| *weight > 0.0) else {
            break;
        };
        let (low, high) = halves(boxes.swap_remove(place));
        boxes.extend([low, high]);
    }
    let mut instead: HashMap<Rgb, Rgb> = HashMap::new();
    for colours in &boxes {
        if let Some((frequent, _)) = colours.iter().max_by_key(|(_, count)| count) {
            instead.extend(colours.iter().map(|(colour, _)| (*colour, *frequent)));
        }
    }
    for run in pixels.as_chunks_mut::<3>().0.chunk_by_mut(|a, b| a == b) {
        let colour = instead.get(&run[0]).copied().unwrap_or(run[0]);
        run.fill(colour);
    }
}

/// The channel in which a box is widest, and how wide.
fn widest(colours: &[Counted]) -> (usize, u8) {
    let widths = (0..3).map(|channel| {
        let values = || colours.iter().map(|(colour, _)| colour[channel]);
        let width = values().max().unwrap_or(0) - values().min().unwrap_or(0);
        (channel, width)
    });
    widths.max_by_key(|(_, width)| *width).unwrap_or((0, 0))
}

/// How much a box asks to be cut: wide ones that many pixels are in.
fn weight(colours: &[Counted]) -> f64 {
    let pixels: f64 = colours.iter().map(|(_, count)| f64::from(*count)).sum();
    f64::from(widest(colours).1) * pixels.sqrt()
}

/// Cuts a box of two colours or more where half of its pixels are on each side.
fn halves(mut colours: Vec<Counted>) -> (Vec<Counted>, Vec<Counted>) {
    let (channel, _) = widest(&colours);
    colours.sort_unstable_by_key(|(colour, _)| (colour[channel], *colour));
    let pixels: u64 = colours.iter().map(|(_, count)| u64::from(*count)).sum();
    let mut below = 0;
    let half = colours.iter().position(|(_, count)| {
        below += u64::from(*count);
        2 * below >= pixels
    });
    let cut = (half.unwrap_or(0) + 1).clamp(1, colours.len().max(2) - 1);
    let high = colours.split_off(cut.min(colours.len()));
    (colours, high)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    fn distinct(pixels: &[u8]) -> HashSet<Rgb> {
        pixels.as_chunks::<3>().0.iter().copied().collect()
    }

    #[test]
    fn areas_keep_their_colours_among_thousands_of_others() {
        // A smooth ramp with three flat areas.
        let areas = [[0x3f, 0x90, 0xda], [0xbd, 0x1f, 0x01], [0xff; 3]];
        let mut pixels: Vec<u8> = (0..20_000u32)
            .flat_map(|pixel| [(pixel % 251) as u8, (pixel / 100) as u8, (pixel % 83) as u8])
            .collect();
        for area in areas {
            pixels.extend(area.repeat(400));
        }
        let before = pixels.clone();
        quantize(&mut pixels);
        assert_eq!(pixels[60_000..], before[60_000..]);
        assert_eq!(distinct(&pixels).len(), COLOURS);
        let errors = before
            .iter()
            .zip(&pixels)
            .map(|(a, b)| f64::from(a.abs_diff(*b)));
        let mean = errors.sum::<f64>() / before.len() as f64;
        assert!(mean < 12.0, "off by {mean} on average");
    }

    proptest! {
        #[test]
        fn no_colour_is_invented_and_few_are_left_alone(
            pixels in prop::collection::vec(any::<[u8; 3]>(), 0..700),
        ) {
            let before = pixels.concat();
            let mut after = before.clone();
            quantize(&mut after);
            let (old, new) = (distinct(&before), distinct(&after));
            prop_assert!(new.len() <= COLOURS && new.is_subset(&old));
            if old.len() <= COLOURS {
                prop_assert_eq!(after, before);
            } else {
                prop_assert_eq!(new.len(), COLOURS);
            }
        }
    }
}
