//! Reductions in a fixed order that the compiler vectorises.

use std::ops::Range;

use rayon::prelude::*;

/// Images whose contributions to a sum one task adds up.
const CHUNK: usize = 16;

/// Σ `term(a, b)` over two slices of equal length, with 16 independent accumulators.
pub fn sum(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    const ACCUMULATORS: usize = 16;
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<ACCUMULATORS>(), b.as_chunks::<ACCUMULATORS>());
    let mut sums = [0.0; ACCUMULATORS];
    for (a, b) in a.iter().zip(b) {
        for index in 0..ACCUMULATORS {
            sums[index] += term(a[index], b[index]);
        }
    }
    let rest = rest_a.iter().zip(rest_b).map(|(a, b)| term(*a, *b));
    sums.into_iter().chain(rest).sum()
}

/// Element-wise sum of `partial_sums` of chunks of images, which run in parallel, over all `images`.
pub fn sum_over_chunks(
    images: usize,
    partial_sums: impl Fn(Range<usize>) -> Vec<f32> + Sync,
) -> Vec<f32> {
    let chunks: Vec<Vec<f32>> = (0..images.div_ceil(CHUNK))
        .into_par_iter()
        .map(|chunk| partial_sums(chunk * CHUNK..images.min((chunk + 1) * CHUNK)))
        .collect();
    add_up(chunks).unwrap_or_default()
}

/// Element-wise sum of `chunks`, in order; `None` without chunks.
pub fn add_up(chunks: Vec<Vec<f32>>) -> Option<Vec<f32>> {
    chunks.into_iter().reduce(|mut total, chunk| {
        for (total, x) in total.iter_mut().zip(chunk) {
            *total += x;
        }
        total
    })
}

/// Sum over images, rows and columns of each channel of `maps`, `[images, channels, height, width]`.
pub fn sum_of_channels(maps: &[f32], [channels, height, width]: [usize; 3]) -> Vec<f32> {
    let size = channels * height * width;
    sum_over_chunks(maps.len() / size.max(1), |images| {
        let mut sums = vec![0.0; channels];
        for image in maps[images.start * size..images.end * size].chunks_exact(size) {
            for (total, plane) in sums.iter_mut().zip(image.chunks_exact(height * width)) {
                *total += sum(plane, plane, |x, _| x);
            }
        }
        sums
    })
}
