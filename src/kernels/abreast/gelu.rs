//! GELU of values of images that lie abreast.

use super::{CHUNK, Wide, ZERO, exp};

/// x · Φ(x) of every value of `x` in place, Φ being the normal distribution, and its slope.
///
/// Φ is taken from formula 7.1.26 of Abramowitz and Stegun, whose error is below 1e-7: that of the
/// numbers themselves. It shares its exponential with the slope.
pub fn gelu(x: &mut [Wide], slope: &mut [Wide]) {
    /// 1 / √(2π)
    const HEIGHT: f32 = 0.398_942_3;
    /// The formula's p, for x instead of x/√2.
    const P: f32 = 0.231_641_89;
    for (x, slope) in x.iter_mut().zip(slope) {
        let mut exponent = ZERO;
        for lane in 0..CHUNK {
            exponent[lane] = -0.5 * x[lane] * x[lane];
        }
        let bell = exp(exponent);
        for lane in 0..CHUNK {
            let value = x[lane];
            let t = 1.0 / (1.0 + P * value.abs());
            let tail = 1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4);
            // Half of what lies beyond |x| on both sides.
            let beyond = 0.5 * bell[lane] * t * (0.254_829_6 + t * (-0.284_496_74 + t * tail));
            let below = if value < 0.0 { beyond } else { 1.0 - beyond };
            x[lane] = value * below;
            slope[lane] = below + value * HEIGHT * bell[lane];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Φ by the series of the error function, in float64.
    fn normal(x: f64) -> f64 {
        let (mut term, mut total) = (x, x);
        for k in 1..200 {
            term *= x * x / f64::from(2 * k + 1);
            total += term;
        }
        0.5 + total * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
    }

    #[test]
    fn it_is_gelu_and_its_slope() {
        for step in -600..=600 {
            let x = step as f32 / 100.0;
            let (mut found, mut slope) = ([[x; CHUNK]], [ZERO]);
            gelu(&mut found, &mut slope);
            let below = normal(f64::from(x));
            let wanted = f64::from(x) * below;
            let gap = (f64::from(found[0][7]) - wanted).abs();
            assert!(
                gap < 4e-7 * f64::from(x.abs().max(1.0)),
                "{x}: off by {gap}"
            );
            let bell = (-0.5 * f64::from(x).powi(2)).exp() / std::f64::consts::TAU.sqrt();
            let gap = (f64::from(slope[0][7]) - below - f64::from(x) * bell).abs();
            assert!(gap < 4e-7, "slope at {x}: off by {gap}");
        }
        let (mut odd, mut slope) = ([[f32::NAN; CHUNK]], [ZERO]);
        gelu(&mut odd, &mut slope);
        assert!(odd[0][0].is_nan() && slope[0][0].is_nan());
    }
}
