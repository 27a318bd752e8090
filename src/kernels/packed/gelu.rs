//! GELU of packed values.

use super::{PACK, Packed, ZERO, exp};

/// Replaces every value of `x` by x · Φ(x), Φ being the normal distribution function, and writes its
/// derivative to `derivative`.
///
/// Φ follows formula 7.1.26 of Abramowitz and Stegun, whose error of 1e-7 is that of an `f32`. It
/// shares its exponential with the derivative.
pub fn gelu(x: &mut [Packed], derivative: &mut [Packed]) {
    /// 1 / √(2π)
    const DENSITY_AT_0: f32 = 0.398_942_3;
    /// The p of the formula, for x instead of x/√2.
    const P: f32 = 0.231_641_89;
    for (x, derivative) in x.iter_mut().zip(derivative) {
        let mut exponent = ZERO;
        for slot in 0..PACK {
            exponent[slot] = -0.5 * x[slot] * x[slot];
        }
        let bell = exp(exponent);
        for slot in 0..PACK {
            let value = x[slot];
            let t = 1.0 / (1.0 + P * value.abs());
            let tail = 1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4);
            // Φ(−|x|)
            let outside = 0.5 * bell[slot] * t * (0.254_829_6 + t * (-0.284_496_74 + t * tail));
            let phi = if value < 0.0 { outside } else { 1.0 - outside };
            x[slot] = value * phi;
            derivative[slot] = phi + value * DENSITY_AT_0 * bell[slot];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Φ by the series of the error function, in `f64`.
    fn phi(x: f64) -> f64 {
        let (mut term, mut total) = (x, x);
        for k in 1..200 {
            term *= x * x / f64::from(2 * k + 1);
            total += term;
        }
        0.5 + total * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
    }

    #[test]
    fn gelu_and_its_derivative_are_exact_to_single_precision() {
        for step in -600..=600 {
            let x = step as f32 / 100.0;
            let (mut result, mut derivative) = ([[x; PACK]], [ZERO]);
            gelu(&mut result, &mut derivative);
            let phi = phi(f64::from(x));
            let expected = f64::from(x) * phi;
            let error = (f64::from(result[0][7]) - expected).abs();
            assert!(
                error < 4e-7 * f64::from(x.abs().max(1.0)),
                "{x}: off by {error}"
            );
            let bell = (-0.5 * f64::from(x).powi(2)).exp() / std::f64::consts::TAU.sqrt();
            let error = (f64::from(derivative[0][7]) - phi - f64::from(x) * bell).abs();
            assert!(error < 4e-7, "derivative at {x}: off by {error}");
        }
        let (mut nan, mut derivative) = ([[f32::NAN; PACK]], [ZERO]);
        gelu(&mut nan, &mut derivative);
        assert!(nan[0][0].is_nan() && derivative[0][0].is_nan());
    }
}
