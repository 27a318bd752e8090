//! What the worker and its watchers say to each other. Plain values, no tensors.

use std::{path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    RunConfig,
    alignment::Alignment,
    checkpoint::{Checkpoint, recorder::SavePaths},
    device::DeviceReport,
};
use crate::{
    data::Dataset,
    model::{Lambda, LatentLayout},
};

/// Names one run: a model from its initialisation to its reset. Never reused within a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RunId(pub u64);

/// What tells one network of a run from the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lane {
    /// λ of its first step.
    pub lambda: Lambda,
    /// Decides its initial weights and the order of its images.
    pub seed: u64,
}

/// What a watcher asks of the worker.
#[derive(Clone, Debug)]
pub enum Command {
    /// Weigh the losses anew from the next step on; never restarts the run. Of several lanes each keeps
    /// its own λ.
    SetLambda(Lambda),
    /// Take the next steps with this learning rate.
    SetLearningRate(f64),
    /// Stop between two steps.
    Pause,
    /// Go on without end.
    Resume,
    /// Take one step, then pause.
    Step,
    /// Go on to the end of the running epoch, then pause.
    Epoch,
    /// Begin a new run.
    Reset(Box<RunStart>),
    /// Go on where a saved run stood, with [`Saved::config`] and the one lane of that.
    ResumeRun(Box<RunStart>, Arc<Checkpoint>),
    /// Write a run of one lane to a file now.
    Save(SavePaths),
    /// Write a run of one lane to a file after each epoch, until another run begins.
    Autosave(SavePaths),
    /// Look at these test images from now on.
    Probe(Probe),
    /// Take one lane back to its last evaluation whose losses were finite, and pause. Afterwards it catches
    /// up with the others.
    Rollback { lane: usize },
    /// End the thread.
    Stop,
}

/// Everything that a new run needs.
#[derive(Clone, Debug)]
pub struct RunStart {
    /// The run's name, chosen by the one who starts it.
    pub run: RunId,
    /// Network and training settings; λ and seed are those of the lanes.
    pub config: RunConfig,
    /// The networks to train side by side, at least one.
    pub lanes: Vec<Lane>,
    /// Images, shared, never changed.
    pub dataset: Arc<Dataset>,
    /// The test images to look at.
    pub probe: Probe,
    /// Whether to train at once or to wait for [`Command::Resume`].
    pub paused: bool,
}

/// The test images that a snapshot shows, by index into the test half.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Probe {
    /// Points of the latent cloud.
    pub cloud: Arc<[u32]>,
    /// Images of the reconstruction grid.
    pub grid: Arc<[u32]>,
    /// The image looked at closely.
    pub selected: Option<u32>,
    /// An image from outside the data set, as bytes `[channels, height, width]` of its shape.
    pub custom_image: Option<Arc<[u8]>>,
    /// What the cloud shows of a z made of tokens.
    pub tokens: TokenView,
    /// The axes on which a z of more than three values is shown.
    pub axes: AxisChoice,
}

/// Which principal axes a snapshot shows where z has more than three values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AxisChoice {
    /// Those closest to the previous snapshot's, so that a cloud on screen does not jump.
    #[default]
    Continuous,
    /// Those that the model alone determines, so that the same model gives the same file.
    Independent,
}

/// Which part of a z made of tokens is shown; any other z is shown whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenView {
    /// The mean over the patch tokens, which is what the classifier reads.
    #[default]
    MeanPatch,
    /// One token, 0 being the class token; the last one where there are fewer.
    Token(usize),
}

impl TokenView {
    /// The one that is there in a z of `tokens` tokens.
    #[must_use]
    pub fn within(self, tokens: usize) -> Self {
        match self {
            Self::MeanPatch => Self::MeanPatch,
            Self::Token(token) => Self::Token(token.min(tokens.saturating_sub(1))),
        }
    }
}

impl std::fmt::Display for TokenView {
    /// As people put it, patches counted from 1: "mean patch token", "class token", "patch 5".
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::MeanPatch => f.write_str("mean patch token"),
            Self::Token(0) => f.write_str("class token"),
            Self::Token(patch) => write!(f, "patch {patch}"),
        }
    }
}

/// What the worker tells, in order, none left out.
#[derive(Clone, Debug)]
pub enum Event {
    /// A run is ready; the test metrics of its lanes before training follow.
    Started {
        run: RunId,
        config: RunConfig,
        lanes: Vec<Lane>,
        device: DeviceReport,
        steps_per_epoch: u64,
        /// Trainable parameters of encoder, decoder and classifier of one lane together.
        parameters: usize,
        /// Size and order of z.
        latent: LatentLayout,
    },
    /// Training losses of a lane in the steps since its last such message, oldest first.
    Losses {
        run: RunId,
        lane: usize,
        losses: Vec<StepLosses>,
        /// Training speed, summed over all lanes.
        images_per_second: f64,
    },
    /// Test metrics of a lane over the whole test half.
    Evaluated {
        run: RunId,
        lane: usize,
        evaluation: Evaluation,
    },
    /// An evaluation that takes longer has seen this share of the test images of all lanes, 0–1; training
    /// waits for it.
    EvaluationProgress { run: RunId, share: f32 },
    /// Something that changed what the curves of a lane mean, at this step.
    Marked {
        run: RunId,
        lane: usize,
        step: u64,
        mark: Mark,
    },
    /// Training goes on, or stands still.
    State { run: RunId, state: RunState },
    /// The run is in this file, as [`Command::Save`] asked.
    Saved { run: RunId, file: PathBuf },
    /// A lane stands again where it stood after this many steps.
    RolledBack { run: RunId, lane: usize, step: u64 },
    /// Something went wrong.
    Error { run: RunId, error: RunError },
}

impl Event {
    /// The run it belongs to.
    pub fn run(&self) -> RunId {
        match self {
            Self::Started { run, .. }
            | Self::Losses { run, .. }
            | Self::Evaluated { run, .. }
            | Self::EvaluationProgress { run, .. }
            | Self::Marked { run, .. }
            | Self::State { run, .. }
            | Self::Saved { run, .. }
            | Self::RolledBack { run, .. }
            | Self::Error { run, .. } => *run,
        }
    }
}

/// Means over one training batch, before its update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepLosses {
    /// Steps taken with this one, from 1.
    pub step: u64,
    /// Mean squared error over all pixels, in [−1, 1] units.
    pub mse: f32,
    /// Mean cross-entropy, in nats.
    pub ce: f32,
    /// Share of images whose arg-max is right, 0–1.
    pub accuracy: f32,
}

/// Means over a set of images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metrics {
    /// Mean squared error over all pixels, in [−1, 1] units.
    pub mse: f64,
    /// Mean cross-entropy, in nats.
    pub ce: f64,
    /// Share of images whose arg-max is right, 0–1.
    pub accuracy: f64,
}

impl Metrics {
    /// `L(λ) = λ · MSE + (1 − λ) · CE`.
    pub fn loss(&self, lambda: Lambda) -> f64 {
        lambda.mix(self.mse, self.ce)
    }

    /// Whether both losses are numbers.
    pub fn is_finite(&self) -> bool {
        self.mse.is_finite() && self.ce.is_finite()
    }
}

/// Where a run stands at the end of an epoch (or, with `epoch` 0, before its first step).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Whole epochs trained.
    pub epoch: u64,
    /// Steps taken.
    pub step: u64,
    /// λ at this moment.
    pub lambda: Lambda,
    /// Means over the batches of the epoch, as they were trained; none at epoch 0.
    pub train: Option<Metrics>,
    /// Means over the whole test half.
    pub test: Metrics,
    /// Latent units (of feature maps: channels) that are zero for every probe image.
    pub dead_units: usize,
    /// Training speed of the lane over the epoch, evaluation left out; 0 at epoch 0.
    pub images_per_second: f64,
}

/// A change that the curves show as a vertical line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    Lambda(Lambda),
    LearningRate(f64),
    Seed(u64),
}

/// Whether steps are being taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RunState {
    #[default]
    Preparing,
    Training,
    Paused,
}

/// What can go wrong, and where that leaves the worker.
#[derive(Clone, Debug, PartialEq)]
pub enum RunError {
    /// A loss of a lane is not a number or infinite. A run of one lane is paused; of several, the others go
    /// on without this one until it is rolled back.
    NotFinite {
        lane: usize,
        step: u64,
        can_roll_back: bool,
    },
    /// The run could not begin; the earlier one, if there was one, goes on untouched.
    CannotStart { reason: String },
    /// The run could not be written to a file; it goes on.
    CannotSave { reason: String },
    /// The backend gave up (lost device, out of memory, a bug); the worker has ended.
    Crashed { reason: String },
}

/// All networks of a run, seen through the same probe images at one moment. Latest wins.
#[derive(Clone, Debug)]
pub struct SnapshotSet {
    pub run: RunId,
    /// One for each lane.
    pub lanes: Vec<Arc<Snapshot>>,
    /// How each lane's cloud is turned so that it resembles that of the lane before it, turned itself.
    pub alignments: Vec<Alignment>,
}

/// One network seen through the probe images at one moment. Snapshots are shared, and told apart by the identity
/// of their [`Arc`]: no two moments or lanes have the same one.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub run: RunId,
    pub step: u64,
    pub lambda: Lambda,
    /// The images it shows.
    pub probe: Probe,
    /// Number of values of z that the cloud shows.
    pub latent_size: usize,
    /// z of every cloud image, `[points, latent_size]`; empty where that is larger than
    /// [`Self::LATENT_SHOWN`].
    pub latents: Vec<f32>,
    /// Where each cloud image stands in the three-dimensional scene.
    pub points: Vec<[f32; 3]>,
    /// How `points` came from `latents`.
    pub projection: Projection,
    /// Arg-max class of every cloud image.
    pub predicted: Vec<u8>,
    /// Which latent units (of feature maps: which channels) are zero for every cloud image; empty
    /// where z follows no ReLU, so that no unit can die.
    pub dead: Vec<bool>,
    /// One for each image of `probe.grid`.
    pub grid: Vec<ImageResult>,
    /// The closely inspected image, if one is.
    pub selected: Option<ImageResult>,
    /// The image from outside the data set, if there is one.
    pub custom_image: Option<CustomImageResult>,
}

impl Snapshot {
    /// The largest z that a snapshot carries for every point.
    pub const LATENT_SHOWN: usize = 64;

    /// Number of dead latent units.
    pub fn dead_units(&self) -> usize {
        self.dead.iter().filter(|dead| **dead).count()
    }
}

/// How the latent became three coordinates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Projection {
    /// n ≤ 3: the coordinates themselves, missing ones 0.
    Coordinates,
    /// n > 3: principal components; the share of variance that the three keep, 0–1.
    Pca { explained: f32 },
}

/// What the model makes of one image.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageResult {
    /// Index into the test half.
    pub index: u32,
    /// Its latent.
    pub latent: Vec<f32>,
    /// Rebuilt bytes, `[channels, height, width]`.
    pub reconstruction: Vec<u8>,
    /// Squared error, mean over its pixels, in [−1, 1] units.
    pub mse: f32,
    /// Softmax of the logits, one per class.
    pub probabilities: Vec<f32>,
}

/// What the model makes of an image that is not in the data set.
#[derive(Clone, Debug, PartialEq)]
pub struct CustomImageResult {
    /// The image, as in [`Probe::own`].
    pub pixels: Arc<[u8]>,
    /// Its place among the points of the cloud.
    pub point: [f32; 3],
    /// All else; the index means nothing.
    pub result: ImageResult,
}

impl ImageResult {
    /// The most probable class and its probability.
    pub fn predicted(&self) -> (u8, f32) {
        (0..=u8::MAX)
            .zip(&self.probabilities)
            .fold((0, f32::NEG_INFINITY), |best, (class, &p)| {
                if p > best.1 { (class, p) } else { best }
            })
    }
}
