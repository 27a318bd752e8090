//! Commands to the training worker and its events. Plain values, no tensors.

use std::{fmt::Display, path::PathBuf, sync::Arc};

use super::{
    Evaluation, Probe, RunConfig, StepLosses,
    checkpoint::{Checkpoint, recorder::SavePaths},
    device::DeviceReport,
};
use crate::{
    data::Dataset,
    model::{Lambda, LatentLayout},
};

/// Identifies a run, from initialisation to reset. Never reused within a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RunId(pub u64);

/// One network of a run: what distinguishes it from the others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lane {
    /// λ of the first step.
    pub lambda: Lambda,
    /// Determines initial weights and the order of the images.
    pub seed: u64,
}

/// A request to the worker.
#[derive(Clone, Debug)]
pub enum Command {
    /// Weight the losses by this λ from the next step on, without a restart. Ignored by a run of several
    /// lanes, each of which keeps its own.
    SetLambda(Lambda),
    /// Use this learning rate from the next step on.
    SetLearningRate(f64),
    /// Stop after the current step.
    Pause,
    /// Train until paused.
    Resume,
    /// Take one step, then pause.
    Step,
    /// Train to the end of the current epoch, then pause.
    Epoch,
    /// Start a new run.
    Reset(Box<RunStart>),
    /// Continue from a checkpoint, with [`Checkpoint::config`] and its one lane.
    ResumeRun(Box<RunStart>, Arc<Checkpoint>),
    /// Save a run of one lane now.
    Save(SavePaths),
    /// Save a run of one lane after each epoch, until the next run starts.
    Autosave(SavePaths),
    /// Take snapshots of these test images from now on.
    Probe(Probe),
    /// Return one lane to its last evaluation with finite losses, and pause. Afterwards it catches up
    /// with the others.
    RollBack { lane: usize },
    /// End the thread.
    Stop,
}

/// Everything that a new run needs.
#[derive(Clone, Debug)]
pub struct RunStart {
    /// Identifier, chosen by the sender.
    pub run: RunId,
    /// Network and training settings; λ and seed are those of the lanes.
    pub config: RunConfig,
    /// The networks to train side by side, at least one.
    pub lanes: Vec<Lane>,
    pub dataset: Arc<Dataset>,
    pub probe: Probe,
    /// Whether to wait for [`Command::Resume`] instead of training at once.
    pub paused: bool,
}

/// What the worker reports: in order, none left out.
#[derive(Clone, Debug)]
pub enum Event {
    /// A run is ready. The test metrics of its lanes before training follow.
    Started {
        run: RunId,
        config: RunConfig,
        lanes: Vec<Lane>,
        device: DeviceReport,
        steps_per_epoch: u64,
        /// Trainable parameters of encoder, decoder and classifier of one lane together.
        parameters: usize,
        /// Size and layout of z.
        latent: LatentLayout,
    },
    /// Training losses of a lane in the steps since its last such event, oldest first.
    Losses {
        run: RunId,
        lane: usize,
        losses: Vec<StepLosses>,
        /// Training speed, summed over all lanes.
        images_per_second: f64,
    },
    /// Test metrics of a lane over all test images.
    Evaluated {
        run: RunId,
        lane: usize,
        evaluation: Evaluation,
    },
    /// A long evaluation has processed this share of the test images of all lanes, 0–1. Training waits
    /// for it.
    EvaluationProgress {
        run: RunId,
        share: f32,
    },
    /// A change at this step that the curves of a lane show.
    Marked {
        run: RunId,
        lane: usize,
        step: u64,
        mark: Mark,
    },
    State {
        run: RunId,
        state: RunState,
    },
    /// The run has been saved as [`Command::Save`] requested.
    Saved {
        run: RunId,
        file: PathBuf,
    },
    /// A lane has returned to its state after this many steps.
    RolledBack {
        run: RunId,
        lane: usize,
        step: u64,
    },
    /// Something failed.
    Error {
        run: RunId,
        error: RunError,
    },
}

impl Event {
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

/// A change that the curves show as a vertical line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mark {
    Lambda(Lambda),
    LearningRate(f64),
}

/// Whether steps are being taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum RunState {
    #[default]
    Preparing,
    Training,
    Paused,
}

/// A failure, and the state in which it leaves the worker.
#[derive(Clone, Debug, PartialEq)]
pub enum RunError {
    /// A loss of a lane is NaN or infinite. A run of one lane pauses; of several lanes, the others
    /// continue without this one until it is rolled back.
    NotFinite {
        lane: usize,
        step: u64,
        can_roll_back: bool,
    },
    /// The run could not start. The previous one, if there was one, continues.
    CannotStart {
        reason: String,
        /// Whether another device may be able to run it.
        is_of_device: bool,
    },
    /// The run could not be saved; it continues.
    CannotSave { reason: String },
    /// The backend failed (lost device, out of memory, a bug) and the worker has ended.
    Crashed { reason: String },
}

impl RunError {
    pub(super) fn cannot_start(reason: &dyn Display, is_of_device: bool) -> Self {
        let reason = reason.to_string();
        Self::CannotStart {
            reason,
            is_of_device,
        }
    }
}
