//! What a checkpoint says of its run beside the numbers: one JSON text.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    data::{DataSource, Dataset, ImageShape},
    model::Lambda,
    train::{
        Evaluation, Mark, Metrics, RunConfig,
        history::{HistoryRows, MarkRange},
    },
};

/// Everything but tensors.
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
    /// Adam's step size of the next step.
    pub learning_rate: ExactF64,
    pub epoch: EpochProgress,
    pub history: HistoryMetadata,
    /// The evaluation with the lowest test L(λ).
    pub best: Option<EvaluationMetadata>,
}

/// The data set that a run learns from.
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

/// Most images of a data set that is believed, sides of an image, channels and classes.
const MOST: [usize; 4] = [1 << 31, 1 << 10, 4, 256];

impl DatasetMetadata {
    /// What is to be noted of `dataset`.
    pub fn of(source: &DataSource, dataset: &Dataset) -> Self {
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

    /// Whether such a data set can be.
    ///
    /// # Errors
    /// When it cannot; the reason.
    pub fn check(&self) -> Result<(), String> {
        let [images, side, channels, classes] = MOST;
        let ImageShape {
            channels: has,
            height,
            width,
        } = self.shape();
        let sane = (1..=images).contains(&self.train_images)
            && (1..=images).contains(&self.test_images)
            && (1..=channels).contains(&has)
            && (1..=side).contains(&height)
            && (1..=side).contains(&width)
            && (1..=classes).contains(&self.classes.len());
        if sane {
            Ok(())
        } else {
            Err("was made with data that no data set here can be".to_owned())
        }
    }

    /// Whether a run goes on with `dataset` as if never stopped.
    ///
    /// # Errors
    /// When it is another one; the reason.
    pub fn fits(&self, dataset: &Dataset) -> Result<(), String> {
        let found = Self::of(&self.source, dataset);
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
        if same(self, &found) {
            return Ok(());
        }
        Err(format!(
            "the run needs {} ({}), but {} now holds {}",
            self.name,
            counts(self),
            self.source,
            counts(&found)
        ))
    }
}

/// Sums over the steps of the running epoch, from which its means will come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochProgress {
    pub steps: u64,
    pub mse: ExactF64,
    pub ce: ExactF64,
    pub accuracy: ExactF64,
    /// Time spent training.
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
    marks: Vec<MarkNotes>,
}

impl HistoryMetadata {
    pub fn of(rows: &HistoryRows) -> Self {
        Self {
            steps_per_epoch: rows.steps_per_epoch,
            width: rows.width,
            stride: rows.stride,
            mark_span: rows.mark_span,
            evaluations: rows
                .evaluations
                .iter()
                .map(EvaluationMetadata::of)
                .collect(),
            marks: rows.marks.iter().map(MarkNotes::of).collect(),
        }
    }

    /// All rows, given those of the buckets.
    ///
    /// # Errors
    /// When λ is out of its range somewhere.
    pub fn rows(&self, buckets: Vec<f64>) -> Result<HistoryRows, String> {
        let evaluations = self.evaluations.iter().map(EvaluationMetadata::evaluation);
        let marks = self.marks.iter().map(MarkNotes::marked);
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

/// [`Evaluation`] in files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluationMetadata {
    epoch: u64,
    step: u64,
    lambda: ExactF64,
    train: Option<MetricsNotes>,
    test: MetricsNotes,
    dead_units: usize,
    images_per_second: ExactF64,
}

impl EvaluationMetadata {
    pub fn of(evaluation: &Evaluation) -> Self {
        Self {
            epoch: evaluation.epoch,
            step: evaluation.step,
            lambda: ExactF64(evaluation.lambda.value()),
            train: evaluation.train.as_ref().map(MetricsNotes::of),
            test: MetricsNotes::of(&evaluation.test),
            dead_units: evaluation.dead_units,
            images_per_second: ExactF64(evaluation.images_per_second),
        }
    }

    /// The evaluation itself.
    ///
    /// # Errors
    /// When its λ is out of range.
    pub fn evaluation(&self) -> Result<Evaluation, String> {
        Ok(Evaluation {
            epoch: self.epoch,
            step: self.step,
            lambda: self.lambda.lambda()?,
            train: self.train.as_ref().map(MetricsNotes::metrics),
            test: self.test.metrics(),
            dead_units: self.dead_units,
            images_per_second: self.images_per_second.0,
        })
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricsNotes {
    mse: ExactF64,
    ce: ExactF64,
    accuracy: ExactF64,
}

impl MetricsNotes {
    fn of(metrics: &Metrics) -> Self {
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
struct MarkNotes {
    steps: (u64, u64),
    change: Change,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Change {
    Lambda(ExactF64),
    LearningRate(ExactF64),
}

impl MarkNotes {
    fn of(marked: &MarkRange) -> Self {
        Self {
            steps: marked.steps,
            change: match marked.mark {
                Mark::Lambda(lambda) => Change::Lambda(ExactF64(lambda.value())),
                Mark::LearningRate(rate) => Change::LearningRate(ExactF64(rate)),
            },
        }
    }

    fn marked(&self) -> Result<MarkRange, String> {
        Ok(MarkRange {
            steps: self.steps,
            mark: match &self.change {
                Change::Lambda(lambda) => Mark::Lambda(lambda.lambda()?),
                Change::LearningRate(rate) => Mark::LearningRate(rate.0),
            },
        })
    }
}

/// A number that comes back bit for bit. In files it is a text, since JSON knows neither infinity
/// nor what is no number, and its readers may round.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ExactF64(pub f64);

impl ExactF64 {
    /// As λ.
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
