//! A grid of runs: all combinations of some lists, as given in a TOML file.

use serde::{Deserialize, Serialize};

use super::RunSpec;
use crate::{
    data::DataSource,
    model::{Architecture, Lambda, LatentSize, VitOptions, lambda},
    train::{DeviceChoice, RunConfig},
};

/// Largest number of runs of a grid.
pub const MAX_RUNS: usize = 10_000;
/// Largest number of epochs of a run.
pub const MAX_EPOCHS: u64 = 10_000;

/// Lists, of which every combination is a run, and settings that all runs share. What a file leaves
/// out has its default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Grid {
    /// Data sets: bundled ones by name, others by folder.
    pub data: Vec<DataSource>,
    /// Networks.
    pub arch: Vec<Architecture>,
    /// Sizes n of z. Networks whose layers determine it are trained once.
    pub latent: Vec<LatentSize>,
    /// Weights of reconstruction.
    pub lambda: Vec<Lambda>,
    /// Seeds of initial weights and order of the images.
    pub seed: Vec<u64>,
    /// Passes over the training images.
    pub epochs: u64,
    /// Images per step.
    pub batch_size: usize,
    /// Learning rate of Adam.
    pub learning_rate: f64,
    /// Requested device.
    pub device: DeviceChoice,
    /// Whether to leave out combinations of network and image shape that are not in the paper.
    pub paper_pairs_only: bool,
    /// Sizes of the vision transformer.
    pub vit: VitOptions,
}

impl Default for Grid {
    /// The paper's Figure 3 for FC Medium on MNIST, with seeds 1 to 5.
    fn default() -> Self {
        let config = RunConfig::default();
        Self {
            data: vec![DataSource::default()],
            arch: vec![config.architecture],
            latent: vec![config.latent],
            lambda: lambda::evenly_spaced(11),
            seed: (1..=5).collect(),
            epochs: 10,
            batch_size: config.batch_size,
            learning_rate: config.learning_rate,
            device: config.device,
            paper_pairs_only: false,
            vit: config.vit,
        }
    }
}

/// Why a grid is invalid, as one sentence. Lines are counted from 1.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GridError {
    #[error("line {line}: {reason}")]
    Toml { line: usize, reason: String },
    #[error("the list “{0}” is empty")]
    Empty(&'static str),
    #[error("the list “{list}” contains {value} twice")]
    Twice { list: &'static str, value: String },
    #[error("the grid has more than {MAX_RUNS} runs")]
    TooMany,
    #[error("none of these combinations of network and data set is in the paper")]
    NoPair,
    #[error("epochs must be between 1 and {MAX_EPOCHS}, not {0}")]
    Epochs(u64),
    #[error("learning rate {0} is not a positive number")]
    LearningRate(f64),
    #[error("the batch size must be at least 1")]
    BatchSize,
}

impl Grid {
    /// Parses a grid. Its values are checked by [`Self::runs`].
    ///
    /// # Errors
    /// When the text is not TOML, or has an unknown key or an invalid value.
    pub fn parse(text: &str) -> Result<Self, GridError> {
        toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let before = text.get(..start).unwrap_or_default();
            GridError::Toml {
                line: before.matches('\n').count() + 1,
                reason: error.message().replace('\n', ", "),
            }
        })
    }

    /// The grid as TOML.
    ///
    /// # Errors
    /// When TOML cannot represent a number.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    /// All runs, the most informative first: all combinations seed by seed, and of each the λ that
    /// are farthest apart first.
    ///
    /// # Errors
    /// When a list is empty or has a value twice, a setting is out of range, or there are too many
    /// runs or none.
    pub fn runs(&self) -> Result<Vec<RunSpec>, GridError> {
        self.check()?;
        let lambdas = spread_first(&self.lambda);
        let mut runs = Vec::new();
        for &seed in &self.seed {
            for data in &self.data {
                for &architecture in &self.arch {
                    if self.paper_pairs_only && is_outside_paper(data, architecture) {
                        continue;
                    }
                    let free = architecture.has_free_latent();
                    let fixed = [LatentSize::default()];
                    for &latent in if free { &self.latent[..] } else { &fixed } {
                        for &lambda in &lambdas {
                            if runs.len() == MAX_RUNS {
                                return Err(GridError::TooMany);
                            }
                            runs.push(RunSpec {
                                data: data.clone(),
                                epochs: self.epochs,
                                config: RunConfig {
                                    architecture,
                                    latent,
                                    lambda,
                                    batch_size: self.batch_size,
                                    learning_rate: self.learning_rate,
                                    seed,
                                    device: self.device,
                                    vit: self.vit,
                                },
                            });
                        }
                    }
                }
            }
        }
        if runs.is_empty() {
            return Err(GridError::NoPair);
        }
        Ok(runs)
    }

    fn check(&self) -> Result<(), GridError> {
        once("data", &self.data)?;
        once("arch", &self.arch)?;
        once("latent", &self.latent)?;
        once("lambda", &self.lambda)?;
        once("seed", &self.seed)?;
        if !(1..=MAX_EPOCHS).contains(&self.epochs) {
            return Err(GridError::Epochs(self.epochs));
        }
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return Err(GridError::LearningRate(self.learning_rate));
        }
        if self.batch_size == 0 {
            return Err(GridError::BatchSize);
        }
        Ok(())
    }
}

fn once<T: PartialEq + std::fmt::Display>(
    list: &'static str,
    values: &[T],
) -> Result<(), GridError> {
    if values.is_empty() {
        return Err(GridError::Empty(list));
    }
    if values.len() > MAX_RUNS {
        return Err(GridError::TooMany);
    }
    for (place, value) in values.iter().enumerate() {
        if values[..place].contains(value) {
            let value = value.to_string();
            return Err(GridError::Twice { list, value });
        }
    }
    Ok(())
}

/// Whether the combination is certainly not in the paper. The images of a folder are not known yet.
fn is_outside_paper(data: &DataSource, architecture: Architecture) -> bool {
    match data {
        DataSource::Bundled(set) | DataSource::Full(set) => {
            architecture.is_outside_paper(set.shape())
        }
        DataSource::Folder(_) => false,
    }
}

/// The same values, each as far as possible from the previous ones.
fn spread_first(lambdas: &[Lambda]) -> Vec<Lambda> {
    let mut rest = lambdas.to_vec();
    rest.sort_by(|a, b| a.value().total_cmp(&b.value()));
    let mut spread: Vec<Lambda> = Vec::with_capacity(rest.len());
    // Distance of each remaining value from those taken.
    let mut gaps = vec![f64::INFINITY; rest.len()];
    while !rest.is_empty() {
        // Multiples of 0.1 differ by a few bits: of nearly equal gaps, the first.
        let farther = |best, place| {
            if gaps[place] > gaps[best] + 1e-9 {
                place
            } else {
                best
            }
        };
        let farthest = (1..rest.len()).fold(0, farther);
        let taken = rest.remove(farthest);
        gaps.remove(farthest);
        for (gap, lambda) in gaps.iter_mut().zip(&rest) {
            *gap = gap.min((lambda.value() - taken.value()).abs());
        }
        spread.push(taken);
    }
    spread
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;
    use crate::data::BundledSet;

    fn values(lambdas: &[Lambda]) -> Vec<f64> {
        lambdas.iter().map(|lambda| lambda.value()).collect()
    }

    #[test]
    fn the_first_runs_of_a_grid_cover_the_range_of_lambda() {
        let runs = Grid::default().runs().unwrap();
        assert_eq!(runs.len(), 55);
        let first: HashSet<_> = runs[..11]
            .iter()
            .map(|run| run.config.lambda.value().to_bits())
            .collect();
        assert_eq!(first.len(), 11);
        assert!(runs[..11].iter().all(|run| run.config.seed == 1));
        assert_eq!(
            values(&spread_first(&lambda::evenly_spaced(11)))[..5],
            [0.0, 1.0, 0.5, 0.2, 0.7]
        );
        assert_eq!(spread_first(&lambda::evenly_spaced(1)).len(), 1);
    }

    #[test]
    fn a_network_whose_layers_determine_n_is_trained_once() {
        let grid = Grid::parse(
            "arch = ['fc-small', 'cnn-small']\nlatent = [2, 3, 4]\nlambda = [0.5]\nseed = [1]",
        );
        assert_eq!(grid.unwrap().runs().unwrap().len(), 4);
    }

    #[test]
    fn combinations_that_are_not_in_the_paper_can_be_left_out() {
        let mut grid = Grid {
            data: BundledSet::ALL.map(DataSource::Bundled).to_vec(),
            arch: vec![Architecture::FcSmall, Architecture::CnnLarge],
            lambda: vec![Lambda::BALANCED],
            seed: vec![1],
            ..Grid::default()
        };
        assert_eq!(grid.runs().unwrap().len(), 6);
        grid.paper_pairs_only = true;
        assert_eq!(grid.runs().unwrap().len(), 3);
        grid.data.truncate(2);
        grid.arch.remove(0);
        assert_eq!(grid.runs(), Err(GridError::NoPair));
    }

    #[test]
    fn errors_are_one_sentence() {
        for (text, reason) in [
            ("lambda = [0.5", "line 1: "),
            ("\nlambdas = [0.5]", "line 2: unknown field `lambdas`"),
            ("arch = ['fc-huge']", "line 1: unknown variant `fc-huge`"),
            (
                "lambda = [1.5]",
                "line 1: λ must lie between 0 and 1, not 1.5",
            ),
            (
                "latent = [0]",
                "line 1: the latent size must lie between 1 and 1024",
            ),
            ("seed = [-1]", "line 1: invalid value: integer `-1`"),
            ("seed = 3", "line 1: invalid type: integer `3`"),
            ("seed = []", "the list “seed” is empty"),
            (
                "lambda = [0.5, 0.50]",
                "the list “lambda” contains 0.5 twice",
            ),
            ("epochs = 0", "epochs must be between 1 and 10000, not 0"),
            (
                "learning_rate = nan",
                "learning rate NaN is not a positive number",
            ),
            ("batch_size = 0", "the batch size must be at least 1"),
        ] {
            let error = Grid::parse(text)
                .and_then(|grid| grid.runs())
                .unwrap_err()
                .to_string();
            assert!(
                error.starts_with(reason) && error.lines().count() == 1,
                "{error}"
            );
        }
        let many = Grid {
            seed: (0..1000).collect(),
            ..Grid::default()
        };
        assert_eq!(many.runs(), Err(GridError::TooMany));
    }

    fn grids() -> impl Strategy<Value = Grid> {
        let list = |of: std::ops::Range<u64>| proptest::collection::hash_set(of, 1..5);
        let data = prop_oneof![
            proptest::sample::select(BundledSet::ALL.map(DataSource::Bundled).to_vec()),
            proptest::sample::select(BundledSet::ALL.map(DataSource::Full).to_vec()),
            "[a-z \"\\\\ü]{1,9}/x".prop_map(|path| DataSource::Folder(path.into())),
        ];
        (
            proptest::collection::hash_set(data, 1..4),
            proptest::sample::subsequence(Architecture::ALL.to_vec(), 1..=5),
            list(1..1025),
            proptest::collection::vec(0.0..=1.0f64, 1..6),
            list(0..1 << 62),
            (1..=MAX_EPOCHS, 1..1000usize, 1e-9..10.0f64, any::<bool>()),
            proptest::sample::select(DeviceChoice::ALL.to_vec()),
        )
            .prop_map(
                |(
                    data,
                    arch,
                    latent,
                    lambda,
                    seed,
                    (epochs, batch_size, learning_rate, pairs),
                    device,
                )| Grid {
                    data: data.into_iter().collect(),
                    arch,
                    latent: latent
                        .into_iter()
                        .filter_map(|n| LatentSize::new(n as usize).ok())
                        .collect(),
                    lambda: lambda
                        .into_iter()
                        .filter_map(|x| Lambda::new(x).ok())
                        .collect(),
                    seed: seed.into_iter().collect(),
                    epochs,
                    batch_size,
                    learning_rate,
                    device,
                    paper_pairs_only: pairs,
                    vit: VitOptions {
                        depth: 1 + batch_size % 12,
                        ..VitOptions::default()
                    },
                },
            )
    }

    proptest! {
        #[test]
        fn a_grid_survives_its_file(grid in grids()) {
            prop_assert_eq!(Grid::parse(&grid.to_toml().unwrap()), Ok(grid));
        }

        #[test]
        fn runs_are_all_different(grid in grids()) {
            let Ok(runs) = grid.runs() else { return Ok(()) };
            let texts: HashSet<_> = runs
                .iter()
                .map(|run| serde_json::to_string(run).unwrap())
                .collect();
            prop_assert_eq!(texts.len(), runs.len());
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "[a-z0-9=\\[\\].,'\"\n -]{0,80}") {
            let _ = Grid::parse(&text).and_then(|grid| grid.runs());
        }
    }
}
