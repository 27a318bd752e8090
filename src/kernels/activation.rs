//! The activation that a convolution kernel applies to its output.

use std::borrow::Cow;

use rayon::prelude::*;

use super::tanh::tanh_in_place;

/// An activation function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    None,
    Relu,
    Tanh,
}

impl Activation {
    /// Replaces every value by its activation. NaN propagates.
    pub(super) fn apply(self, values: &mut [f32]) {
        match self {
            Self::None => {}
            Self::Relu => values.iter_mut().for_each(|x| *x = relu(*x)),
            Self::Tanh => tanh_in_place(values),
        }
    }

    /// The gradient of the input, from the output and its gradient.
    pub(super) fn backward<'a>(self, output: &[f32], gradient: &'a [f32]) -> Cow<'a, [f32]> {
        let pairs = gradient.par_iter().zip(output).with_min_len(1 << 14);
        match self {
            Self::None => Cow::Borrowed(gradient),
            Self::Relu => Cow::Owned(
                pairs
                    .map(|(g, y)| if *y > 0.0 { *g } else { 0.0 })
                    .collect(),
            ),
            Self::Tanh => Cow::Owned(pairs.map(|(g, y)| g * (1.0 - y * y)).collect()),
        }
    }
}

/// max(x, 0); NaN propagates.
#[inline]
pub(super) fn relu(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}
