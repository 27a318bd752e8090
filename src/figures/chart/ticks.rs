//! Round numbers along an axis.

/// Values between two limits, 1, 2 or 5 times a power of ten apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticks {
    /// The values, ascending.
    pub values: Vec<f64>,
    step: f64,
}

impl Ticks {
    /// About five ticks between `low` and `high`; none unless `low < high` and both are finite.
    pub fn between(low: f64, high: f64) -> Self {
        let rough = (high - low) / 5.0;
        if !rough.is_finite() || rough <= 0.0 {
            return Self {
                values: Vec::new(),
                step: 1.0,
            };
        }
        let power = 10f64.powf(rough.log10().floor());
        let step = match rough / power {
            share if share < 1.5 => power,
            share if share < 3.5 => 2.0 * power,
            share if share < 7.5 => 5.0 * power,
            _ => 10.0 * power,
        };
        // Keeps a tick that only rounding has moved beyond a limit.
        let tolerance = 1e-6;
        let first = (low / step - tolerance).ceil();
        let values = (0u8..12)
            .map(|i| (first + f64::from(i)) * step)
            .take_while(|value| *value <= high + tolerance * step)
            .collect();
        Self { values, step }
    }

    /// The label of a tick, with as many digits as the step needs.
    pub fn label(&self, value: f64) -> String {
        if value == 0.0 {
            return "0".into();
        }
        let text = if value.abs() >= 1e5 || self.step < 1e-4 {
            // A step has one significant digit; a value one more per power of ten that it is
            // larger.
            let digits = (value.abs() / self.step).log10().floor();
            format!("{value:.*e}", digits.clamp(0.0, 8.0) as usize)
        } else {
            let digits = (-self.step.log10()).ceil();
            format!("{value:.*}", digits.clamp(0.0, 8.0) as usize)
        };
        text.replace('-', "−")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn labels(low: f64, high: f64) -> Vec<String> {
        let ticks = Ticks::between(low, high);
        let labels = ticks.values.iter().map(|value| ticks.label(*value));
        labels.collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        for (low, high, expected) in [
            (0.0, 10.8, "0 2 4 6 8 10"),
            (-0.5, 0.5, "−0.4 −0.2 0 0.2 0.4"),
            (0.0, 1.3, "0 0.2 0.4 0.6 0.8 1.0 1.2"),
            (0.0, 250.0, "0 50 100 150 200 250"),
            (0.0, 6e6, "0 1e6 2e6 3e6 4e6 5e6 6e6"),
        ] {
            assert_eq!(labels(low, high).join(" "), expected);
        }
    }

    proptest! {
        #[test]
        fn every_interval_has_a_few_ticks(low in -1e30f32..1e30, span in 1e-3f32..1.0) {
            let high = low + span * low.abs();
            prop_assume!(high > low);
            let ticks = Ticks::between(low.into(), high.into()).values;
            prop_assert!((3..=9).contains(&ticks.len()), "{ticks:?}");
            let tolerance = f64::from(high - low) * 1e-5;
            let inside = f64::from(low) - tolerance..=f64::from(high) + tolerance;
            prop_assert!(ticks.iter().all(|tick| inside.contains(tick)));
        }
    }

    #[test]
    fn invalid_intervals_have_no_ticks() {
        for (low, high) in [
            (1.0, 1.0),
            (2.0, 1.0),
            (0.0, f64::NAN),
            (0.0, f64::INFINITY),
        ] {
            assert!(Ticks::between(low, high).values.is_empty());
        }
    }
}
