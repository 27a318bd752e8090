//! Spectra: networks of several λ trained side by side.

use serde::{Deserialize, Serialize};

use crate::{
    model::{Lambda, lambda::evenly_spaced},
    train::Lane,
};

/// Largest number of networks trained side by side.
pub const MAX_LANES: usize = 101;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spectrum {
    /// Every λ, ascending, none twice.
    lambdas: Vec<Lambda>,
    /// Networks per λ, at least 1.
    runs: usize,
    /// How seeds are assigned.
    pub seeding: Seeding,
}

/// How seeds are assigned to the networks of a spectrum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seeding {
    /// The same seeds for every λ, so that two networks with different λ differ in λ only.
    #[default]
    Shared,
    /// A different seed for every network.
    Own,
}

/// Why a list of λ is invalid.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LambdaListError {
    #[error("“{0}” is not a λ: enter numbers from 0 to 1 separated by commas, or 0:0.1:1")]
    NotLambda(String),
    #[error("“{0}” is not a range: enter first:step:last, such as 0:0.1:1")]
    NotRange(String),
    #[error("the list must contain 1 to {MAX_LANES} different λ, not {0}")]
    Count(usize),
}

impl Default for Spectrum {
    /// λ = 0, 0.1, … 1, one network each, all with the same seed: the axis of the paper.
    fn default() -> Self {
        Self {
            lambdas: evenly_spaced(11),
            runs: 1,
            seeding: Seeding::default(),
        }
    }
}

impl Spectrum {
    /// One network per λ; sorted, without duplicates.
    ///
    /// # Errors
    /// When there is none, or more than [`MAX_LANES`].
    pub fn new(mut lambdas: Vec<Lambda>) -> Result<Self, LambdaListError> {
        lambdas.sort_by(|a, b| a.value().total_cmp(&b.value()));
        lambdas.dedup();
        if !(1..=MAX_LANES).contains(&lambdas.len()) {
            return Err(LambdaListError::Count(lambdas.len()));
        }
        Ok(Self {
            lambdas,
            ..Self::default()
        })
    }

    pub fn runs(&self) -> usize {
        self.runs.clamp(1, self.max_runs())
    }

    /// Sets the networks per λ, limited by [`MAX_LANES`].
    pub fn set_runs(&mut self, runs: usize) {
        self.runs = runs.clamp(1, self.max_runs());
    }

    pub fn max_runs(&self) -> usize {
        (MAX_LANES / self.lambdas.len().max(1)).max(1)
    }

    /// The networks by λ, then by seed; `seed` is the first one.
    pub fn lanes(&self, seed: u64) -> Vec<Lane> {
        let runs = self.runs();
        let lambdas = self.lambdas.iter().enumerate();
        lambdas
            .flat_map(|(place, &lambda)| {
                let first = match self.seeding {
                    Seeding::Shared => 0,
                    Seeding::Own => place * runs,
                };
                (first..first + runs).map(move |offset| Lane {
                    lambda,
                    seed: seed.wrapping_add(offset as u64),
                })
            })
            .collect()
    }

    /// The list as text: "0, 0.1, 0.25".
    pub fn list(&self) -> String {
        let texts: Vec<String> = self.lambdas.iter().map(Lambda::to_string).collect();
        texts.join(", ")
    }

    /// Parses numbers separated by commas or spaces, and ranges first:step:last.
    ///
    /// # Errors
    /// When a part is neither, or there are too many.
    pub fn parse_list(text: &str) -> Result<Vec<Lambda>, LambdaListError> {
        let separators = [',', ';', ' ', '\t', '\n'];
        let mut lambdas = Vec::new();
        for part in text.split(separators).filter(|part| !part.is_empty()) {
            if part.contains(':') {
                lambdas.extend(range(part)?);
            } else {
                let lambda = part.parse();
                lambdas.push(lambda.map_err(|_| LambdaListError::NotLambda(part.to_owned()))?);
            }
            if lambdas.len() > 10 * MAX_LANES {
                return Err(LambdaListError::Count(lambdas.len()));
            }
        }
        Self::new(lambdas).map(|spectrum| spectrum.lambdas)
    }

    /// The same spectrum with other λ.
    ///
    /// # Errors
    /// As for [`Self::new`].
    pub fn with_lambdas(&self, lambdas: Vec<Lambda>) -> Result<Self, LambdaListError> {
        let mut spectrum = Self::new(lambdas)?;
        spectrum.seeding = self.seeding;
        spectrum.set_runs(self.runs);
        Ok(spectrum)
    }

    /// The valid part of a stored spectrum.
    #[must_use]
    pub fn valid_part(&self) -> Self {
        self.with_lambdas(self.lambdas.clone()).unwrap_or_default()
    }
}

impl std::str::FromStr for Spectrum {
    type Err = LambdaListError;

    /// One network per λ of a list.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(Self::parse_list(text)?)
    }
}

/// Parses first:step:last, rounded to four decimals.
fn range(text: &str) -> Result<Vec<Lambda>, LambdaListError> {
    let wrong = || LambdaListError::NotRange(text.to_owned());
    let numbers: Vec<f64> = text
        .split(':')
        .map(|number| number.parse().map_err(|_| wrong()))
        .collect::<Result<_, _>>()?;
    let [first, step, last] = numbers[..] else {
        return Err(wrong());
    };
    let inside = |value: f64| (0.0..=1.0).contains(&value);
    if !(inside(first) && inside(last) && first <= last && step > 0.0 && step.is_finite()) {
        return Err(wrong());
    }
    let count = ((last - first) / step + 1e-6).floor();
    if count >= (10 * MAX_LANES) as f64 {
        return Err(LambdaListError::Count(count as usize + 1));
    }
    (0..=count as usize)
        .map(|place| {
            let value = ((first + place as f64 * step) * 1e4).round() / 1e4;
            Lambda::new(value).map_err(|_| wrong())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn values(text: &str) -> Result<Vec<f64>, LambdaListError> {
        let values = |lambdas: Vec<Lambda>| lambdas.into_iter().map(Lambda::value).collect();
        Spectrum::parse_list(text).map(values)
    }

    #[test]
    fn lists_and_ranges_are_parsed() {
        assert_eq!(values("0.5, 0,1 0.25;0.5"), Ok(vec![0.0, 0.25, 0.5, 1.0]));
        assert_eq!(values("0:0.25:1"), Ok(vec![0.0, 0.25, 0.5, 0.75, 1.0]));
        assert_eq!(values("0:0.4:1, 1"), Ok(vec![0.0, 0.4, 0.8, 1.0]));
        assert_eq!(values("0:0.1:1").unwrap().len(), 11);
        assert_eq!(values(&Spectrum::default().list()).unwrap().len(), 11);
        for wrong in [
            "",
            "a",
            "0.5 1.5",
            "-0.1",
            "NaN",
            "0:0:1",
            "0:1",
            "1:0.1:0",
            "0:-1:1",
            "0:0.001:1",
            "0:1e-300:1",
            "0:NaN:1",
            "0:0.1:2",
            ":::",
            "0:inf:1",
        ] {
            assert!(values(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lanes_are_sorted_by_lambda_and_then_by_seed() {
        let lambdas = vec![Lambda::AUTOENCODER, Lambda::CLASSIFIER, Lambda::AUTOENCODER];
        let mut spectrum = Spectrum::new(lambdas).unwrap();
        spectrum.set_runs(2);
        let networks = |spectrum: &Spectrum| -> Vec<(f64, u64)> {
            let lanes = spectrum.lanes(7).into_iter();
            lanes.map(|lane| (lane.lambda.value(), lane.seed)).collect()
        };
        assert_eq!(
            networks(&spectrum),
            [(0.0, 7), (0.0, 8), (1.0, 7), (1.0, 8)]
        );
        spectrum.seeding = Seeding::Own;
        assert_eq!(
            networks(&spectrum),
            [(0.0, 7), (0.0, 8), (1.0, 9), (1.0, 10)]
        );
        spectrum.set_runs(1_000_000);
        assert!(spectrum.lanes(u64::MAX).len() <= MAX_LANES);
    }

    #[test]
    fn a_stored_spectrum_is_checked() {
        let hostile = "lambdas = [1.0, 0.5, 0.5]\nruns = 0\nseeding = \"own\"";
        let spectrum: Spectrum = toml::from_str(hostile).unwrap();
        let spectrum = spectrum.valid_part();
        assert_eq!((spectrum.list(), spectrum.runs()), ("0.5, 1".to_owned(), 1));
        let empty: Spectrum = toml::from_str("lambdas = []").unwrap();
        assert_eq!(empty.valid_part(), Spectrum::default());
        assert!(toml::from_str::<Spectrum>("lambdas = [2.0]").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "[0-9.:,; e-]{0,30}") {
            if let Ok(lambdas) = Spectrum::parse_list(&text) {
                prop_assert!((1..=MAX_LANES).contains(&lambdas.len()));
                prop_assert!(lambdas.is_sorted_by(|a, b| a < b));
            }
        }
    }
}
