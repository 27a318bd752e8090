//! Scales a gradient without changing the value.

use burn::tensor::Tensor;

/// Returns `x`, bit for bit, whose gradient is multiplied by `factor`.
pub fn with_gradient_scale<const D: usize>(x: Tensor<D>, factor: f64) -> Tensor<D> {
    if factor == 1.0 {
        return x;
    }
    let constant = x.clone().detach();
    if factor == 0.0 {
        return constant;
    }
    // x − constant is exactly 0, so the sum is exactly x; only the derivative remains.
    (x - constant.clone()).mul_scalar(factor) + constant
}
