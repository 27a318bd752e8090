//! Convolutions as matrix products over images that im2col has unfolded in blocks of rows.

use std::ops::Range;

use rayon::prelude::*;

use super::{
    matmul::{matrix, matrix_mut, multiply},
    sums::sum_over_chunks,
};

/// Values of one block of unfolded rows, so that it fits the cache of a core.
const BLOCK_VALUES: usize = 1 << 18;

/// Geometry of a convolution with square kernels from a large map to a small one; the transposed
/// convolution goes from the small map to the large one.
///
/// Each position of the small map belongs to one window of the large map. Weights are
/// `[small channels, large channels, kernel, kernel]` for both directions.
#[derive(Clone, Copy, Debug)]
pub struct ConvGeometry {
    /// `[channels, height, width]`
    pub large: [usize; 3],
    /// `[channels, height, width]`
    pub small: [usize; 3],
    pub kernel: usize,
    pub stride: usize,
    /// Rows above and columns left of the large map.
    pub padding: [usize; 2],
}

impl ConvGeometry {
    /// Convolves each image of `large`, `[batch, channels, height, width]`; the result is added to
    /// what `initialize` writes to an image of the output, which is zero before, and `finish` runs
    /// on the sum.
    pub fn conv2d(
        &self,
        large: &[f32],
        weight: &[f32],
        initialize: impl Fn(&mut [f32]) + Sync,
        finish: impl Fn(&mut [f32]) + Sync,
    ) -> Vec<f32> {
        let (large_size, small_size) = (size(self.large), size(self.small));
        let [channels, height, width] = self.small;
        let (positions, window) = (height * width, self.window());
        let mut small = vec![0.0; large.len() / large_size * small_size];
        let images = small.par_chunks_exact_mut(small_size);
        images
            .zip(large.par_chunks_exact(large_size))
            .for_each_init(Vec::new, |unfolded, (small, large)| {
                initialize(small);
                for rows in self.row_blocks() {
                    let count = rows.len() * width;
                    unfolded.resize(window * count, 0.0);
                    self.im2col(large, &rows, unfolded);
                    multiply(
                        matrix_mut(
                            &mut small[rows.start * width..],
                            [count, channels],
                            [1, positions],
                        ),
                        1.0,
                        &matrix(unfolded, [count, window], [1, count]),
                        &matrix(weight, [window, channels], [1, window]),
                    );
                }
                finish(small);
            });
        small
    }

    /// Transposed convolution of each image of `small`, `[batch, channels, height, width]`;
    /// `initialize` and `finish` as for [`Self::conv2d`].
    pub fn conv_transpose2d(
        &self,
        small: &[f32],
        weight: &[f32],
        initialize: impl Fn(&mut [f32]) + Sync,
        finish: impl Fn(&mut [f32]) + Sync,
    ) -> Vec<f32> {
        let (large_size, small_size) = (size(self.large), size(self.small));
        let [channels, height, width] = self.small;
        let (positions, window) = (height * width, self.window());
        let mut large = vec![0.0; small.len() / small_size * large_size];
        let images = large.par_chunks_exact_mut(large_size);
        images
            .zip(small.par_chunks_exact(small_size))
            .for_each_init(Vec::new, |unfolded, (large, small)| {
                initialize(large);
                for rows in self.row_blocks() {
                    let count = rows.len() * width;
                    unfolded.resize(window * count, 0.0);
                    let small = &small[rows.start * width..];
                    multiply(
                        matrix_mut(unfolded, [count, window], [1, count]),
                        0.0,
                        &matrix(small, [count, channels], [1, positions]),
                        &matrix(weight, [channels, window], [window, 1]),
                    );
                    self.col2im(unfolded, &rows, large);
                }
                finish(large);
            });
        large
    }

    /// Gradient of the weights, for both directions, from the values of one map and the gradient of
    /// the other, `[batch, channels, height, width]` each.
    pub fn weight_gradient(&self, large: &[f32], small: &[f32]) -> Vec<f32> {
        let (large_size, small_size) = (size(self.large), size(self.small));
        let [channels, height, width] = self.small;
        let (positions, window) = (height * width, self.window());
        sum_over_chunks(small.len() / small_size, |images| {
            let mut gradient = vec![0.0; channels * window];
            let mut unfolded = Vec::new();
            for image in images {
                let large = &large[image * large_size..(image + 1) * large_size];
                let small = &small[image * small_size..(image + 1) * small_size];
                for rows in self.row_blocks() {
                    let count = rows.len() * width;
                    unfolded.resize(window * count, 0.0);
                    self.im2col(large, &rows, &mut unfolded);
                    let small = &small[rows.start * width..];
                    multiply(
                        matrix_mut(&mut gradient, [window, channels], [1, window]),
                        1.0,
                        &matrix(&unfolded, [window, count], [count, 1]),
                        &matrix(small, [count, channels], [1, positions]),
                    );
                }
            }
            gradient
        })
    }

    /// Values of a window, all channels together.
    fn window(&self) -> usize {
        self.large[0] * self.kernel * self.kernel
    }

    /// Rows of the small map that are computed together.
    fn row_blocks(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let [_, height, width] = self.small;
        let rows = (BLOCK_VALUES / (self.window() * width).max(1)).clamp(1, height.max(1));
        (0..height)
            .step_by(rows)
            .map(move |first| first..height.min(first + rows))
    }

    /// Writes to `unfolded`, `[window, positions]`, the windows of the positions in `rows` of the
    /// small map.
    fn im2col(&self, large: &[f32], rows: &Range<usize>, unfolded: &mut [f32]) {
        let width = self.small[2];
        if self.keeps_size() {
            let lines = unfolded.chunks_exact_mut(rows.len() * width);
            for (offset, line) in lines.enumerate() {
                let shift = self.shift(offset, rows);
                let (before, rest) = line.split_at_mut(shift.target);
                let (middle, after) = rest.split_at_mut(shift.source.len());
                before.fill(0.0);
                middle.copy_from_slice(&large[shift.source]);
                after.fill(0.0);
                clear_columns(line, width, &shift.padding);
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
            let from = large[start..].iter().step_by(self.stride);
            for (to, from) in line.iter_mut().zip(from) {
                *to = *from;
            }
        });
    }

    /// Adds `unfolded`, as written by [`Self::im2col`], to the positions of `large` that it comes
    /// from. Overwrites `unfolded`.
    fn col2im(&self, unfolded: &mut [f32], rows: &Range<usize>, large: &mut [f32]) {
        let width = self.small[2];
        if self.keeps_size() {
            let lines = unfolded.chunks_exact_mut(rows.len() * width);
            for (offset, line) in lines.enumerate() {
                let shift = self.shift(offset, rows);
                clear_columns(line, width, &shift.padding);
                let line = &line[shift.target..];
                for (to, from) in large[shift.source].iter_mut().zip(line) {
                    *to += *from;
                }
            }
            return;
        }
        let mut lines = unfolded.chunks_exact(width);
        self.for_each_line(rows, |start, columns| {
            let Some(line) = lines.next() else { return };
            let to = large[start..].iter_mut().step_by(self.stride);
            for (to, from) in to.zip(&line[columns]) {
                *to += *from;
            }
        });
    }

    /// Whether the values at one offset of all windows are the large map, shifted.
    fn keeps_size(&self) -> bool {
        self.stride == 1 && self.large[1..] == self.small[1..]
    }

    /// The shift of the values at `offset` of all windows, where [`Self::keeps_size`].
    fn shift(&self, offset: usize, rows: &Range<usize>) -> Shift {
        let [_, height, width] = self.large;
        let (channel, offset) = (offset / self.kernel.pow(2), offset % self.kernel.pow(2));
        let (row, column) = (offset / self.kernel, offset % self.kernel);
        let (plane, count) = (height * width, rows.len() * width);
        // Flat index within a plane, before the shift up and to the left by the padding.
        let start = (rows.start + row) * width + column;
        let back = self.padding[0] * width + self.padding[1];
        let target = back.saturating_sub(start).min(count);
        let source = (start + target).saturating_sub(back).min(plane);
        let length = (count - target).min(plane - source);
        let first = channel * plane + source;
        Shift {
            target,
            source: first..first + length,
            padding: if column < self.padding[1] {
                0..(self.padding[1] - column).min(width)
            } else {
                width.saturating_sub(column - self.padding[1])..width
            },
        }
    }

    /// Calls `visit` for each line of an unfolded block, in order, with the index in the large map of
    /// its first value that is not padding, and the columns of the line that are not padding.
    fn for_each_line(&self, rows: &Range<usize>, mut visit: impl FnMut(usize, Range<usize>)) {
        let ([channels, height, width], stride) = (self.large, self.stride);
        for channel in 0..channels {
            for kernel_row in 0..self.kernel {
                for kernel_column in 0..self.kernel {
                    // The columns j with 0 ≤ j · stride + kernel column − padding < width.
                    let first = self.padding[1]
                        .saturating_sub(kernel_column)
                        .div_ceil(stride);
                    let end = (width + self.padding[1])
                        .saturating_sub(kernel_column)
                        .div_ceil(stride);
                    let columns = first..end.clamp(first, self.small[2].max(first));
                    for row in rows.clone() {
                        let row = (row * stride + kernel_row).wrapping_sub(self.padding[0]);
                        if row < height {
                            let start = (channel * height + row) * width;
                            visit(
                                start + first * stride + kernel_column - self.padding[1],
                                columns.clone(),
                            );
                        } else {
                            visit(0, 0..0);
                        }
                    }
                }
            }
        }
    }
}

/// A contiguous part of the large map as a line of an unfolded block.
struct Shift {
    /// Index in the line of the first value.
    target: usize,
    source: Range<usize>,
    /// Columns of each row that are padding; the shift leaves the end of a neighbouring row there.
    padding: Range<usize>,
}

/// Sets `columns` of every row of `line` to zero.
fn clear_columns(line: &mut [f32], width: usize, columns: &Range<usize>) {
    for column in columns.clone() {
        for x in line[column..].iter_mut().step_by(width) {
            *x = 0.0;
        }
    }
}

fn size([channels, height, width]: [usize; 3]) -> usize {
    channels * height * width
}
