//! Scales of the plots: from values to heights, and to the labels of the axis.

use egui_plot::{GridInput, GridMark};

use crate::{figures::Ticks, gui::chart::thinned};

/// How many labels a vertical axis has room for, whose plot is `height` points high.
pub fn labels(height: f32) -> usize {
    /// Space of a label, and that below the plot for the labels of the other axis.
    const LABEL: f32 = 19.0;
    const BELOW: f32 = 36.0;
    ((height - BELOW) / LABEL).max(2.0) as usize
}

/// The mapping from values to heights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    Linear,
    /// Decimal logarithm; values that are not positive have no height.
    Log,
    /// A share as a percentage.
    Percent,
}

impl Scale {
    /// The height of a value, if it has one.
    pub fn height(self, value: f64) -> Option<f64> {
        let height = match self {
            Self::Linear => value,
            Self::Log if value > 0.0 => value.log10(),
            Self::Log => return None,
            Self::Percent => value * 100.0,
        };
        height.is_finite().then_some(height)
    }

    /// Heights of the tick marks between two heights, with their labels.
    fn marks(self, low: f64, high: f64) -> Vec<(f64, String)> {
        if self != Self::Log {
            let ticks = Ticks::between(low, high);
            let label = |value: f64| (value, ticks.label(value));
            return ticks.values.iter().map(|value| label(*value)).collect();
        }
        let decades = (low.floor().max(-30.0) as i32)..=(high.ceil().min(30.0) as i32);
        let round: Vec<f64> = decades
            .flat_map(|decade| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(decade)))
            .filter(|value| (low..=high).contains(&value.log10()))
            .collect();
        if (2..=7).contains(&round.len()) {
            let label = |value: f64| (value.log10(), format!("{value}"));
            return round.into_iter().map(label).collect();
        }
        // Less than a decade, or very many: round numbers at even distances.
        let ticks = Ticks::between(10f64.powf(low), 10f64.powf(high));
        let label = |value: f64| Some((self.height(value)?, ticks.label(value)));
        ticks
            .values
            .iter()
            .filter_map(|value| label(*value))
            .collect()
    }

    /// Grid lines in the form that the plot requires.
    pub fn grid(self, input: &GridInput, most: usize) -> Vec<GridMark> {
        let (low, high) = input.bounds;
        thinned(self.marks(low, high), most)
            .map(|(value, _)| GridMark {
                value,
                // Equal step sizes make the plot draw and label all lines alike.
                step_size: high - low,
            })
            .collect()
    }

    /// The label of a grid line between `low` and `high`.
    pub fn label(self, height: f64, low: f64, high: f64, most: usize) -> String {
        let tolerance = (high - low) * 1e-6;
        thinned(self.marks(low, high), most)
            .find(|(marked, _)| (marked - height).abs() <= tolerance)
            .map_or_else(String::new, |(_, label)| label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: Scale, low: f64, high: f64) -> Vec<String> {
        let mark = |(_, label): (f64, String)| label;
        scale.marks(low, high).into_iter().map(mark).collect()
    }

    #[test]
    fn axes_are_labelled_with_round_numbers() {
        assert_eq!(
            labels(Scale::Linear, 0.205, 0.243),
            ["0.21", "0.22", "0.23", "0.24"]
        );
        assert_eq!(labels(Scale::Percent, 12.0, 95.0), ["20", "40", "60", "80"]);
        assert_eq!(
            labels(Scale::Log, -1.0, 0.5),
            ["0.1", "0.2", "0.5", "1", "2"]
        );
        // Within a decade, and over very many decades.
        assert!(labels(Scale::Log, 0.31, 0.34).len() >= 3);
        assert!(!labels(Scale::Log, -20.0, 20.0).is_empty());
    }

    #[test]
    fn every_grid_line_has_its_label() {
        for (scale, low, high, most) in [
            (Scale::Linear, 0.205, 0.243, 9),
            (Scale::Linear, 0.205, 0.243, 2),
            (Scale::Log, -1.0, 0.5, 3),
            (Scale::Log, 0.31, 0.34, 9),
        ] {
            let input = GridInput {
                bounds: (low, high),
                base_step_size: 0.001,
            };
            let grid = scale.grid(&input, most);
            assert!((2..=most).contains(&grid.len()), "{} lines", grid.len());
            for mark in grid {
                assert!(
                    !scale.label(mark.value, low, high, most).is_empty(),
                    "{scale:?} {mark:?}"
                );
            }
        }
    }

    #[test]
    fn heights_are_finite_or_none() {
        assert_eq!(Scale::Log.height(100.0), Some(2.0));
        assert_eq!(Scale::Percent.height(0.25), Some(25.0));
        assert_eq!(Scale::Log.height(0.0), None);
        assert_eq!(Scale::Linear.height(f64::NAN), None);
    }
}
