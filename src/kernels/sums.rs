//! Sums as processors like them.

/// Σ `of(a, b)` over two equally long slices, in as many lanes as processors add at once.
pub fn sum(a: &[f32], b: &[f32], of: impl Fn(f32, f32) -> f32) -> f32 {
    const LANES: usize = 16;
    let ((a, rest_a), (b, rest_b)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            lanes[lane] += of(a[lane], b[lane]);
        }
    }
    let rest = rest_a.iter().zip(rest_b).map(|(a, b)| of(*a, *b));
    lanes.into_iter().chain(rest).sum()
}
