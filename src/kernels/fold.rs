//! Convolutions as matrix products over unfolded images.

use std::ops::Range;

use nalgebra::{DMatrixView, DMatrixViewMut, Dyn};
use rayon::prelude::*;

use super::sum_over_chunks;

/// Values that an unfolded piece of an image may have: about as much as a core's own cache holds.
const PIECE: usize = 1 << 18;

/// How the places of a smaller map (inside) look at square windows of a larger one (outside).
///
/// Weights are `[inside channels, outside channels, kernel, kernel]`, for a convolution as for a
/// transposed one.
#[derive(Clone, Copy, Debug)]
pub struct Fold {
    /// `[channels, height, width]`
    pub outside: [usize; 3],
    /// `[channels, height, width]`
    pub inside: [usize; 3],
    pub kernel: usize,
    pub stride: usize,
    pub padding: [usize; 2],
}

impl Fold {
    /// Values in a window, all channels together.
    fn window(&self) -> usize {
        self.outside[0] * self.kernel * self.kernel
    }

    /// Inside rows that are worked on together.
    fn pieces(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let [_, height, width] = self.inside;
        let rows = (PIECE / (self.window() * width).max(1)).clamp(1, height.max(1));
        (0..height)
            .step_by(rows)
            .map(move |first| first..height.min(first + rows))
    }

    /// For each value of a window one row of `unfolded`, which has a column for each place of the
    /// inside rows `rows`.
    fn unfold(&self, outside: &[f32], rows: &Range<usize>, unfolded: &mut [f32]) {
        let width = self.inside[2];
        if self.shifts() {
            let lines = unfolded.chunks_exact_mut(rows.len() * width);
            for (place, line) in lines.enumerate() {
                let shift = self.shift(place, rows);
                let (before, rest) = line.split_at_mut(shift.target);
                let (middle, after) = rest.split_at_mut(shift.source.len());
                before.fill(0.0);
                middle.copy_from_slice(&outside[shift.source]);
                after.fill(0.0);
                clear(line, width, &shift.foreign);
            }
            return;
        }
        let mut lines = unfolded.chunks_exact_mut(width);
        self.for_each_line(rows, |start, columns| {
            let Some(line) = lines.next() else { return };
            let (before, line) = line.split_at_mut(columns.start);
            let (line, after) = line.split_at_mut(columns.len());
            before.fill(0.0);
            after.fill(0.0);
            let from = outside[start..].iter().step_by(self.stride);
            for (to, from) in line.iter_mut().zip(from) {
                *to = *from;
            }
        });
    }

    /// Adds every value of `unfolded` to the place of `outside` it would have come from.
    fn fold(&self, unfolded: &mut [f32], rows: &Range<usize>, outside: &mut [f32]) {
        let width = self.inside[2];
        if self.shifts() {
            let lines = unfolded.chunks_exact_mut(rows.len() * width);
            for (place, line) in lines.enumerate() {
                let shift = self.shift(place, rows);
                clear(line, width, &shift.foreign);
                let line = &line[shift.target..];
                for (to, from) in outside[shift.source].iter_mut().zip(line) {
                    *to += *from;
                }
            }
            return;
        }
        let mut lines = unfolded.chunks_exact(width);
        self.for_each_line(rows, |start, columns| {
            let Some(line) = lines.next() else { return };
            let to = outside[start..].iter_mut().step_by(self.stride);
            for (to, from) in to.zip(&line[columns]) {
                *to += *from;
            }
        });
    }

    /// Whether each value of a window sees the whole outside, shifted.
    fn shifts(&self) -> bool {
        self.stride == 1 && self.outside[1..] == self.inside[1..]
    }

    /// How value `place` of a window sees the outside, where [`Self::shifts`].
    fn shift(&self, place: usize, rows: &Range<usize>) -> Shift {
        let [_, height, width] = self.outside;
        let (channel, place) = (place / self.kernel.pow(2), place % self.kernel.pow(2));
        let (down, along) = (place / self.kernel, place % self.kernel);
        let (plane, count) = (height * width, rows.len() * width);
        // Flat places within a plane, before the shift up and to the left that padding means.
        let start = (rows.start + down) * width + along;
        let back = self.padding[0] * width + self.padding[1];
        let target = back.saturating_sub(start).min(count);
        let source = (start + target).saturating_sub(back).min(plane);
        let length = (count - target).min(plane - source);
        let offset = channel * plane;
        Shift {
            target,
            source: offset + source..offset + source + length,
            foreign: if along < self.padding[1] {
                0..(self.padding[1] - along).min(width)
            } else {
                width.saturating_sub(along - self.padding[1])..width
            },
        }
    }

    /// Tells of each line of an unfolded piece, in order, which of its columns see the outside, and
    /// where the first of them does; the others see padding.
    fn for_each_line(&self, rows: &Range<usize>, mut tell: impl FnMut(usize, Range<usize>)) {
        let ([channels, height, width], stride) = (self.outside, self.stride);
        for channel in 0..channels {
            for down in 0..self.kernel {
                for along in 0..self.kernel {
                    // The columns j with 0 ≤ j · stride + along − padding < width.
                    let first = self.padding[1].saturating_sub(along).div_ceil(stride);
                    let end = (width + self.padding[1])
                        .saturating_sub(along)
                        .div_ceil(stride);
                    let columns = first..end.clamp(first, self.inside[2].max(first));
                    for row in rows.clone() {
                        let row = (row * stride + down).wrapping_sub(self.padding[0]);
                        if row < height {
                            let start = (channel * height + row) * width;
                            tell(
                                start + first * stride + along - self.padding[1],
                                columns.clone(),
                            );
                        } else {
                            tell(0, 0..0);
                        }
                    }
                }
            }
        }
    }

    /// From outside maps to inside maps: a convolution, or the gradient of a transposed one.
    /// Images begin as `begin` leaves them, and `finish` has the last word.
    pub fn inwards(
        &self,
        outside: &[f32],
        weight: &[f32],
        begin: impl Fn(&mut [f32]) + Sync,
        finish: impl Fn(&mut [f32]) + Sync,
    ) -> Vec<f32> {
        let (from, to) = (size(self.outside), size(self.inside));
        let [channels, height, width] = self.inside;
        let (places, window) = (height * width, self.window());
        let mut inside = vec![0.0; outside.len() / from * to];
        let images = inside.par_chunks_exact_mut(to);
        images.zip(outside.par_chunks_exact(from)).for_each_init(
            Vec::new,
            |unfolded, (inside, outside)| {
                begin(inside);
                for rows in self.pieces() {
                    let count = rows.len() * width;
                    unfolded.resize(window * count, 0.0);
                    self.unfold(outside, &rows, unfolded);
                    let result = view_mut(
                        &mut inside[rows.start * width..],
                        [count, channels],
                        [1, places],
                    );
                    let unfolded = view(unfolded, [count, window], [1, count]);
                    let weight = view(weight, [window, channels], [1, window]);
                    multiply(result, 1.0, &unfolded, &weight);
                }
                finish(inside);
            },
        );
        inside
    }

    /// From inside maps to outside maps: a transposed convolution, or the gradient of a plain one;
    /// `begin` and `finish` as for [`Self::inwards`].
    pub fn outwards(
        &self,
        inside: &[f32],
        weight: &[f32],
        begin: impl Fn(&mut [f32]) + Sync,
        finish: impl Fn(&mut [f32]) + Sync,
    ) -> Vec<f32> {
        let (from, to) = (size(self.inside), size(self.outside));
        let [channels, height, width] = self.inside;
        let (places, window) = (height * width, self.window());
        let mut outside = vec![0.0; inside.len() / from * to];
        let images = outside.par_chunks_exact_mut(to);
        images.zip(inside.par_chunks_exact(from)).for_each_init(
            Vec::new,
            |unfolded, (outside, inside)| {
                begin(outside);
                for rows in self.pieces() {
                    let count = rows.len() * width;
                    unfolded.resize(window * count, 0.0);
                    let result = view_mut(unfolded, [count, window], [1, count]);
                    let inside = &inside[rows.start * width..];
                    let inside = view(inside, [count, channels], [1, places]);
                    let weight = view(weight, [channels, window], [window, 1]);
                    multiply(result, 0.0, &inside, &weight);
                    self.fold(unfolded, &rows, outside);
                }
                finish(outside);
            },
        );
        outside
    }

    /// The gradient of the weights, of a convolution as of a transposed one.
    pub fn weight_gradient(&self, outside: &[f32], inside: &[f32]) -> Vec<f32> {
        let (from, to) = (size(self.outside), size(self.inside));
        let [channels, height, width] = self.inside;
        let (places, window) = (height * width, self.window());
        sum_over_chunks(inside.len() / to, |images| {
            let mut sum = vec![0.0; channels * window];
            let mut unfolded = Vec::new();
            for image in images {
                let outside = &outside[image * from..(image + 1) * from];
                let inside = &inside[image * to..(image + 1) * to];
                for rows in self.pieces() {
                    let count = rows.len() * width;
                    unfolded.resize(window * count, 0.0);
                    self.unfold(outside, &rows, &mut unfolded);
                    let result = view_mut(&mut sum, [window, channels], [1, window]);
                    let unfolded = view(&unfolded, [window, count], [count, 1]);
                    let inside = &inside[rows.start * width..];
                    let inside = view(inside, [count, channels], [1, places]);
                    multiply(result, 1.0, &unfolded, &inside);
                }
            }
            sum
        })
    }
}

/// A stretch of the outside as a line of the unfolded image.
struct Shift {
    /// Where it begins in the line.
    target: usize,
    source: Range<usize>,
    /// Columns that see padding, not the end of a neighbouring row.
    foreign: Range<usize>,
}

/// Sets `columns` of every row of `line` to zero.
fn clear(line: &mut [f32], width: usize, columns: &Range<usize>) {
    for column in columns.clone() {
        for x in line[column..].iter_mut().step_by(width) {
            *x = 0.0;
        }
    }
}

fn size([channels, height, width]: [usize; 3]) -> usize {
    channels * height * width
}

type View<'a> = DMatrixView<'a, f32, Dyn, Dyn>;
type ViewMut<'a> = DMatrixViewMut<'a, f32, Dyn, Dyn>;

/// `values` as a matrix whose rows and columns are so many values apart.
fn view(values: &[f32], [rows, columns]: [usize; 2], [down, along]: [usize; 2]) -> View<'_> {
    View::from_slice_with_strides(values, rows, columns, down, along)
}

fn view_mut(
    values: &mut [f32],
    [rows, columns]: [usize; 2],
    [down, along]: [usize; 2],
) -> ViewMut<'_> {
    ViewMut::from_slice_with_strides_mut(values, rows, columns, down, along)
}

/// Sides up to which nalgebra 0.35 multiplies column by column, and there reads and writes beyond the
/// end of a column whose values are not next to each other.
const NARROW: usize = 5;

/// `result` becomes `keep · result + a · b`.
fn multiply(mut result: ViewMut<'_>, keep: f32, a: &View<'_>, b: &View<'_>) {
    let (rows, columns, shared) = (a.nrows(), b.ncols(), a.ncols());
    if rows.min(columns).min(shared) > NARROW {
        result.gemm(1.0, a, b, keep);
        return;
    }
    for column in 0..columns {
        for row in 0..rows {
            let sum: f32 = (0..shared).map(|k| a[(row, k)] * b[(k, column)]).sum();
            let kept = if keep == 0.0 {
                0.0
            } else {
                keep * result[(row, column)]
            };
            result[(row, column)] = kept + sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten values apart in memory, and as many rows, columns or terms as given.
    fn check([rows, columns, shared]: [usize; 3]) {
        let number = |place: usize| (place * 7 % 11) as f32 - 5.0;
        let a: Vec<f32> = (0..rows * 10).map(number).collect();
        let b: Vec<f32> = (0..columns * 10).map(number).collect();
        let mut result = vec![1.0; rows * 10];
        multiply(
            view_mut(&mut result, [rows, columns], [10, 1]),
            2.0,
            &view(&a, [rows, shared], [10, 1]),
            &view(&b, [shared, columns], [1, 10]),
        );
        for (place, value) in result.into_iter().enumerate() {
            let (row, column) = (place / 10, place % 10);
            let expected = if column < columns {
                let terms = (0..shared).map(|k| a[row * 10 + k] * b[column * 10 + k]);
                2.0 + terms.sum::<f32>()
            } else {
                1.0
            };
            assert_eq!(
                value, expected,
                "{rows}×{columns}×{shared} at {row}, {column}"
            );
        }
    }

    #[test]
    fn products_of_any_size_stay_within_their_rows() {
        for rows in [1, 4, 9] {
            for columns in [1, 4, 9] {
                for shared in [1, 4, 9] {
                    check([rows, columns, shared]);
                }
            }
        }
    }
}
