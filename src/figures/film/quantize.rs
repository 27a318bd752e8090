//! Reduction to the 256 colours of a GIF frame.

use std::collections::HashMap;

use crate::figures::palette::Rgb;

const MAX_COLOURS: usize = 256;

/// A colour and the number of its pixels.
type Counted = (Rgb, u32);

/// Reduces RGB pixels to at most 256 of their colours. Areas of one colour keep it exactly, since
/// colours have a meaning.
///
/// Median cut (P. Heckbert, *Color Image Quantization for Frame Buffer Display*, 1982), with the
/// most frequent colour of each box instead of its mean.
pub fn quantize(pixels: &mut [u8]) {
    let mut counts: HashMap<Rgb, u32> = HashMap::new();
    // Most neighbouring pixels are equal.
    for run in pixels.as_chunks::<3>().0.chunk_by(|a, b| a == b) {
        *counts.entry(run[0]).or_default() += u32::try_from(run.len()).unwrap_or(u32::MAX);
    }
    if counts.len() <= MAX_COLOURS {
        return;
    }
    let mut colours: Vec<Counted> = counts.into_iter().collect();
    // The order of a hash map is random; the result must not be.
    colours.sort_unstable();
    let mut boxes = vec![colours];
    while boxes.len() < MAX_COLOURS {
        let priorities = boxes.iter().map(|colours| priority(colours));
        let first = priorities
            .enumerate()
            .max_by(|(_, a), (_, b)| a.total_cmp(b));
        let Some((index, _)) = first.filter(|(_, priority)| *priority > 0.0) else {
            break;
        };
        let (low, high) = split(boxes.swap_remove(index));
        boxes.extend([low, high]);
    }
    let mut replacements: HashMap<Rgb, Rgb> = HashMap::new();
    for colours in &boxes {
        if let Some((frequent, _)) = colours.iter().max_by_key(|(_, count)| count) {
            replacements.extend(colours.iter().map(|(colour, _)| (*colour, *frequent)));
        }
    }
    for run in pixels.as_chunks_mut::<3>().0.chunk_by_mut(|a, b| a == b) {
        let colour = replacements.get(&run[0]).copied().unwrap_or(run[0]);
        run.fill(colour);
    }
}

/// The channel with the widest range of a box, and that range.
fn widest_channel(colours: &[Counted]) -> (usize, u8) {
    let ranges = (0..3).map(|channel| {
        let values = || colours.iter().map(|(colour, _)| colour[channel]);
        let range = values().max().unwrap_or(0) - values().min().unwrap_or(0);
        (channel, range)
    });
    ranges.max_by_key(|(_, range)| *range).unwrap_or((0, 0))
}

/// The priority of splitting a box: high for wide boxes of many pixels.
fn priority(colours: &[Counted]) -> f64 {
    let pixels: f64 = colours.iter().map(|(_, count)| f64::from(*count)).sum();
    f64::from(widest_channel(colours).1) * pixels.sqrt()
}

/// Splits a box of at least two colours into two with about half of its pixels each.
fn split(mut colours: Vec<Counted>) -> (Vec<Counted>, Vec<Counted>) {
    let (channel, _) = widest_channel(&colours);
    colours.sort_unstable_by_key(|(colour, _)| (colour[channel], *colour));
    let pixels: u64 = colours.iter().map(|(_, count)| u64::from(*count)).sum();
    let mut count_below = 0;
    let half = colours.iter().position(|(_, count)| {
        count_below += u64::from(*count);
        2 * count_below >= pixels
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
        assert_eq!(distinct(&pixels).len(), MAX_COLOURS);
        let errors = before
            .iter()
            .zip(&pixels)
            .map(|(a, b)| f64::from(a.abs_diff(*b)));
        let mean = errors.sum::<f64>() / before.len() as f64;
        assert!(mean < 12.0, "off by {mean} on average");
    }

    proptest! {
        #[test]
        fn no_new_colours_appear_and_few_colours_stay_unchanged(
            pixels in prop::collection::vec(any::<[u8; 3]>(), 0..700),
        ) {
            let before = pixels.concat();
            let mut after = before.clone();
            quantize(&mut after);
            let (old, new) = (distinct(&before), distinct(&after));
            prop_assert!(new.len() <= MAX_COLOURS && new.is_subset(&old));
            if old.len() <= MAX_COLOURS {
                prop_assert_eq!(after, before);
            } else {
                prop_assert_eq!(new.len(), MAX_COLOURS);
            }
        }
    }
}
