//! The metadata of a checkpoint: one JSON text.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    data::{DataSource, Dataset, ImageShape},
    model::Lambda,
    train::{
        Evaluation, Mark, Metrics, RunConfig,
        history::{HistoryRows, MarkRange},
    },
};

/// Everything except tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// The program that wrote it.
    pub program: String,
    pub config: RunConfig,
    pub data: DatasetMetadata,
    /// Steps taken.
    pub step: u64,
    /// λ of the next step.
    pub lambda: ExactF64,
    /// Learning rate of the next step.
    pub learning_rate: ExactF64,
    pub epoch: EpochProgress,
    pub history: HistoryMetadata,
    /// The evaluation with the lowest test L(λ).
    pub best: Option<EvaluationMetadata>,
}

/// The data set of a run.
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
}

/// Limits of a plausible data set: images, sides of an image, channels and classes.
const MOST: [usize; 4] = [1 << 31, 1 << 10, 4, 256];

impl DatasetMetadata {
    /// The metadata of `dataset`.
    pub fn new(source: &DataSource, dataset: &Dataset) -> Self {
        let ImageShape {
            channels,
            height,
            width,
        } = dataset.shape;
        Self {
            source: source.clone(),
            name: dataset.name.clone(),
            shape: [channels, height, width],
            classes: dataset.class_names.clone(),
            train_images: dataset.train.len(),
            test_images: dataset.test.len(),
        }
    }

    /// Shape of an image.
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
        let ImageShape {
            channels: has,
            height,
            width,
        } = self.shape();
        let is_plausible = (1..=images).contains(&self.train_images)
            && (1..=images).contains(&self.test_images)
            && (1..=channels).contains(&has)
            && (1..=side).contains(&height)
            && (1..=side).contains(&width)
            && (1..=classes).contains(&self.classes.len());
        if is_plausible {
            Ok(())
        } else {
            Err("describes an impossible data set".to_owned())
        }
    }

    /// Checks that a run can continue on `dataset`.
    ///
    /// # Errors
    /// When it differs; the reason.
    pub fn fits(&self, dataset: &Dataset) -> Result<(), String> {
        let actual = Self::new(&self.source, dataset);
        let counts = |data: &Self| {
            format!(
                "{} training and {} test images of {} in {} classes",
                data.train_images,
                data.test_images,
                data.shape(),
                data.classes.len()
            )
        };
        let same = |a: &Self, b: &Self| {
            (a.shape, a.train_images, a.test_images, &a.classes)
                == (b.shape, b.train_images, b.test_images, &b.classes)
        };
        if same(self, &actual) {
            return Ok(());
        }
        Err(format!(
            "the run needs {} ({}), but {} now holds {}",
            self.name,
            counts(self),
            self.source,
            counts(&actual)
        ))
    }
}

/// Sums over the steps of the current epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochProgress {
    pub steps: u64,
    pub mse: ExactF64,
    pub ce: ExactF64,
    pub accuracy: ExactF64,
    /// Training time.
    pub seconds: ExactF64,
}

/// A history without its buckets, which are a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryMetadata {
    steps_per_epoch: u64,
    width: u64,
    stride: u64,
    mark_span: u64,
    evaluations: Vec<EvaluationMetadata>,
    marks: Vec<MarkMetadata>,
}

impl HistoryMetadata {
    pub fn from_rows(rows: &HistoryRows) -> Self {
        Self {
            steps_per_epoch: rows.steps_per_epoch,
            width: rows.width,
            stride: rows.stride,
            mark_span: rows.mark_span,
            evaluations: rows
                .evaluations
                .iter()
                .map(EvaluationMetadata::from_evaluation)
                .collect(),
            marks: rows.marks.iter().map(MarkMetadata::from_range).collect(),
        }
    }

    /// The rows of the history, with the given buckets.
    ///
    /// # Errors
    /// When a λ is out of range.
    pub fn rows(&self, buckets: Vec<f64>) -> Result<HistoryRows, String> {
        let evaluations = self.evaluations.iter().map(EvaluationMetadata::evaluation);
        let marks = self.marks.iter().map(MarkMetadata::range);
        Ok(HistoryRows {
            steps_per_epoch: self.steps_per_epoch,
            width: self.width,
            stride: self.stride,
            mark_span: self.mark_span,
            buckets,
            evaluations: evaluations.collect::<Result<_, _>>()?,
            marks: marks.collect::<Result<_, _>>()?,
        })
    }
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

impl EvaluationMetadata {
    pub fn from_evaluation(evaluation: &Evaluation) -> Self {
        Self {
            epoch: evaluation.epoch,
            step: evaluation.step,
            lambda: ExactF64(evaluation.lambda.value()),
            train: evaluation.train.as_ref().map(MetricsMetadata::from_metrics),
            test: MetricsMetadata::from_metrics(&evaluation.test),
            dead_units: evaluation.dead_units,
            images_per_second: ExactF64(evaluation.images_per_second),
        }
    }

    /// Converts back.
    ///
    /// # Errors
    /// When its λ is out of range.
    pub fn evaluation(&self) -> Result<Evaluation, String> {
        Ok(Evaluation {
            epoch: self.epoch,
            step: self.step,
            lambda: self.lambda.lambda()?,
            train: self.train.as_ref().map(MetricsMetadata::metrics),
            test: self.test.metrics(),
            dead_units: self.dead_units,
            images_per_second: self.images_per_second.0,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricsMetadata {
    mse: ExactF64,
    ce: ExactF64,
    accuracy: ExactF64,
}

impl MetricsMetadata {
    fn from_metrics(metrics: &Metrics) -> Self {
        Self {
            mse: ExactF64(metrics.mse),
            ce: ExactF64(metrics.ce),
            accuracy: ExactF64(metrics.accuracy),
        }
    }

    fn metrics(&self) -> Metrics {
        Metrics {
            mse: self.mse.0,
            ce: self.ce.0,
            accuracy: self.accuracy.0,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkMetadata {
    steps: (u64, u64),
    change: Change,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Change {
    Lambda(ExactF64),
    LearningRate(ExactF64),
}

impl MarkMetadata {
    fn from_range(range: &MarkRange) -> Self {
        Self {
            steps: range.steps,
            change: match range.mark {
                Mark::Lambda(lambda) => Change::Lambda(ExactF64(lambda.value())),
                Mark::LearningRate(rate) => Change::LearningRate(ExactF64(rate)),
            },
        }
    }

    fn range(&self) -> Result<MarkRange, String> {
        Ok(MarkRange {
            steps: self.steps,
            mark: match &self.change {
                Change::Lambda(lambda) => Mark::Lambda(lambda.lambda()?),
                Change::LearningRate(rate) => Mark::LearningRate(rate.0),
            },
        })
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
        let number = text.parse();
        number
            .map(Self)
            .map_err(|_| D::Error::custom(format!("“{text}” is not a number")))
    }
}
