//! The metadata of a checkpoint: one JSON text.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    data::{DataSource, Dataset, ImageShape},
    model::Lambda,
    train::{Evaluation, Mark, Metrics, RunConfig, epoch_stats::EpochStats, history::MarkRange},
};

/// Everything except tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    pub program: String,
    pub config: RunConfig,
    pub data: DatasetMetadata,
    pub step: u64,
    /// λ of the next step.
    pub lambda: ExactF64,
    /// Learning rate of the next step.
    pub learning_rate: ExactF64,
    /// Sums over the steps of the current epoch.
    pub epoch: EpochStats,
    pub history: HistoryMetadata,
    /// The evaluation with the lowest test L(λ).
    pub best: Option<EvaluationMetadata>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetMetadata {
    pub source: DataSource,
    pub name: String,
    /// Channels, height and width of an image.
    pub shape: [usize; 3],
    pub classes: Vec<String>,
    pub train_images: usize,
    pub test_images: usize,
    /// [`Dataset::digest`]; `None` in files of earlier versions.
    #[serde(default)]
    pub digest: Option<String>,
}

/// Limits of a plausible data set: images, sides of an image, channels and classes.
const MOST: [usize; 4] = [1 << 31, 1 << 10, 4, 256];

impl DatasetMetadata {
    pub fn new(source: &DataSource, dataset: &Dataset) -> Self {
        let shape = dataset.shape;
        Self {
            source: source.clone(),
            name: dataset.name.clone(),
            shape: [shape.channels, shape.height, shape.width],
            classes: dataset.class_names.clone(),
            train_images: dataset.train.len(),
            test_images: dataset.test.len(),
            digest: Some(dataset.digest()),
        }
    }

    pub fn shape(&self) -> ImageShape {
        let [channels, height, width] = self.shape;
        ImageShape {
            channels,
            height,
            width,
        }
    }

    /// Checks that such a data set is possible.
    ///
    /// # Errors
    /// When it is not; the reason.
    pub fn check(&self) -> Result<(), String> {
        let [images, side, channels, classes] = MOST;
        let [has, height, width] = self.shape;
        let limits = [
            (self.train_images, images),
            (self.test_images, images),
            (has, channels),
            (height, side),
            (width, side),
            (self.classes.len(), classes),
        ];
        let is_plausible = limits
            .iter()
            .all(|(count, most)| (1..=*most).contains(count));
        let impossible = || "describes an impossible data set".to_owned();
        is_plausible.then_some(()).ok_or_else(impossible)
    }

    /// Checks that a run can continue on `dataset`, loaded from `source`: that shapes, counts, classes, and
    /// where they are known the images themselves are the same.
    ///
    /// # Errors
    /// When it differs; the reason.
    pub fn fits(&self, source: &DataSource, dataset: &Dataset) -> Result<(), String> {
        let actual = Self::new(source, dataset);
        let counts = |data: &Self| {
            format!(
                "{} training and {} test images of {} in {} classes",
                data.train_images,
                data.test_images,
                data.shape(),
                data.classes.len()
            )
        };
        let essentials = |data: &Self| (data.shape, data.train_images, data.test_images);
        if essentials(self) == essentials(&actual) && self.classes == actual.classes {
            if self.digest.is_none() || self.digest == actual.digest {
                return Ok(());
            }
            return Err(format!(
                "the run needs {}, but the images in {source} are others: their SHA-256 differs",
                self.name
            ));
        }
        Err(format!(
            "the run needs {} ({}), but {} now holds {}",
            self.name,
            counts(self),
            source,
            counts(&actual)
        ))
    }
}

/// A history without its buckets, which are a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryMetadata {
    pub steps_per_epoch: u64,
    pub width: u64,
    pub stride: u64,
    pub mark_span: u64,
    pub evaluations: Vec<EvaluationMetadata>,
    pub marks: Vec<MarkMetadata>,
}

/// [`Evaluation`] in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationMetadata {
    epoch: u64,
    step: u64,
    lambda: ExactF64,
    train: Option<MetricsMetadata>,
    test: MetricsMetadata,
    dead_units: usize,
    images_per_second: ExactF64,
}

impl From<&Evaluation> for EvaluationMetadata {
    fn from(evaluation: &Evaluation) -> Self {
        Self {
            epoch: evaluation.epoch,
            step: evaluation.step,
            lambda: ExactF64(evaluation.lambda.value()),
            train: evaluation.train.map(Into::into),
            test: evaluation.test.into(),
            dead_units: evaluation.dead_units,
            images_per_second: ExactF64(evaluation.images_per_second),
        }
    }
}

impl EvaluationMetadata {
    /// Converts back.
    ///
    /// # Errors
    /// When its λ is out of range.
    pub fn evaluation(&self) -> Result<Evaluation, String> {
        Ok(Evaluation {
            epoch: self.epoch,
            step: self.step,
            lambda: self.lambda.lambda()?,
            train: self.train.map(Into::into),
            test: self.test.into(),
            dead_units: self.dead_units,
            images_per_second: self.images_per_second.0,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricsMetadata {
    mse: ExactF64,
    ce: ExactF64,
    accuracy: ExactF64,
}

impl From<Metrics> for MetricsMetadata {
    fn from(Metrics { mse, ce, accuracy }: Metrics) -> Self {
        let [mse, ce, accuracy] = [mse, ce, accuracy].map(ExactF64);
        Self { mse, ce, accuracy }
    }
}

impl From<MetricsMetadata> for Metrics {
    fn from(MetricsMetadata { mse, ce, accuracy }: MetricsMetadata) -> Self {
        let [mse, ce, accuracy] = [mse, ce, accuracy].map(|exact| exact.0);
        Self { mse, ce, accuracy }
    }
}

/// [`MarkRange`] in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkMetadata {
    steps: (u64, u64),
    change: Change,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Change {
    Lambda(ExactF64),
    LearningRate(ExactF64),
}

impl From<&MarkRange> for MarkMetadata {
    fn from(range: &MarkRange) -> Self {
        let change = match range.mark {
            Mark::Lambda(lambda) => Change::Lambda(ExactF64(lambda.value())),
            Mark::LearningRate(rate) => Change::LearningRate(ExactF64(rate)),
        };
        let steps = range.steps;
        Self { steps, change }
    }
}

impl MarkMetadata {
    /// Converts back.
    ///
    /// # Errors
    /// When its λ is out of range.
    pub fn range(&self) -> Result<MarkRange, String> {
        let mark = match &self.change {
            Change::Lambda(lambda) => Mark::Lambda(lambda.lambda()?),
            Change::LearningRate(rate) => Mark::LearningRate(rate.0),
        };
        let steps = self.steps;
        Ok(MarkRange { steps, mark })
    }
}

/// A number that is stored exactly. In files it is a text, since JSON has neither infinity nor NaN
/// and its readers may round.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExactF64(pub f64);

impl ExactF64 {
    /// Converts to λ.
    ///
    /// # Errors
    /// When it is out of range.
    pub fn lambda(self) -> Result<Lambda, String> {
        Lambda::new(self.0).map_err(|error| error.to_string())
    }
}

impl Serialize for ExactF64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ExactF64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.parse().map(Self);
        number.map_err(|_| D::Error::custom(format!("“{text}” is not a number")))
    }
}
