//! λ, the trade-off between the two losses.

use serde::{Deserialize, Serialize};

/// λ ∈ [0, 1] of `L(λ) = λ · MSE + (1 − λ) · CE`: 0 is a pure classifier, 1 a pure autoencoder.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Lambda(f64);

/// Error of a λ outside [0, 1], or NaN.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("λ must lie between 0 and 1, not {0}")]
pub struct LambdaOutOfRange(pub f64);

impl Lambda {
    /// λ = 0: the encoder gets the gradient of the classifier alone.
    pub const CLASSIFIER: Self = Self(0.0);
    /// λ = 0.5: both losses have the same weight.
    pub const BALANCED: Self = Self(0.5);
    /// λ = 1: the encoder gets the gradient of the decoder alone.
    pub const AUTOENCODER: Self = Self(1.0);

    /// # Errors
    /// When `value` is outside [0, 1] or NaN.
    pub fn new(value: f64) -> Result<Self, LambdaOutOfRange> {
        if (0.0..=1.0).contains(&value) {
            // −0.0 is in the range, but would print as "-0.00".
            Ok(Self(value.abs()))
        } else {
            Err(LambdaOutOfRange(value))
        }
    }

    /// Weight of the reconstruction loss.
    pub fn value(self) -> f64 {
        self.0
    }

    /// Weight of the classification loss, 1 − λ.
    pub fn complement(self) -> f64 {
        1.0 - self.0
    }

    /// `λ · mse + (1 − λ) · ce`. A loss of weight 0 does not count, even if it is not finite.
    pub fn mix(self, mse: f64, ce: f64) -> f64 {
        let weighted = |weight: f64, loss: f64| if weight == 0.0 { 0.0 } else { weight * loss };
        weighted(self.0, mse) + weighted(self.complement(), ce)
    }

    /// Describes the trade-off in two or three words.
    pub fn meaning(self) -> &'static str {
        match self.0 {
            0.0 => "pure classifier",
            v if v < 0.2 => "nearly a classifier",
            v if v < 0.45 => "leans towards classification",
            v if v <= 0.55 => "balanced",
            v if v <= 0.8 => "leans towards reconstruction",
            v if v < 1.0 => "nearly an autoencoder",
            _ => "pure autoencoder",
        }
    }
}

impl TryFrom<f64> for Lambda {
    type Error = LambdaOutOfRange;

    fn try_from(value: f64) -> Result<Self, Self::Error> {
        Self::new(value)
    }
}

impl From<Lambda> for f64 {
    fn from(lambda: Lambda) -> Self {
        lambda.0
    }
}

impl std::str::FromStr for Lambda {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let value: f64 = text
            .trim()
            .parse()
            .map_err(|_| format!("“{text}” is not a number"))?;
        Self::new(value).map_err(|error| error.to_string())
    }
}

impl std::fmt::Display for Lambda {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// `count` values of λ at equal distances from 0 to 1, rounded to three decimals; 0.5 for a single one.
pub fn evenly_spaced(count: usize) -> Vec<Lambda> {
    match count {
        0 => Vec::new(),
        1 => vec![Lambda::BALANCED],
        _ => (0..count)
            .map(|index| {
                let value = index as f64 / (count - 1) as f64;
                Lambda((value * 1e3).round() / 1e3)
            })
            .collect(),
    }
}
