//! Scaling a gradient without touching the value.

use burn::tensor::Tensor;

/// `x`, bit for bit, whose gradient is multiplied by `factor` on its way back.
pub fn scale<const D: usize>(x: Tensor<D>, factor: f64) -> Tensor<D> {
    if factor == 1.0 {
        return x;
    }
    let constant = x.clone().detach();
    if factor == 0.0 {
        return constant;
    }
    // x − constant is exactly 0, so the sum is exactly x; only its derivative remains.
    (x - constant.clone()).mul_scalar(factor) + constant
}
