//! A run in a file: weights, Adam's memory, curves and settings, so that it goes on as if never
//! stopped.
//!
//! The file is safetensors. Its metadata holds the texts `format`, `version` and `run`, which is a
//! JSON object, [`notes::Notes`]. Its tensors are
//!
//! - the parameters and running statistics by their [`names`], as PyTorch loads them;
//! - `adam.first.NAME`, `adam.second.NAME`, `adam.step.NAME`: Adam's moments and number of updates;
//! - `best.NAME`: the parameters at the evaluation with the lowest test L(λ);
//! - `history.losses`: the buckets of the curves, see [`crate::train::history::HistoryRows`].

pub mod arrays;
pub mod authors;
pub mod autosave;
pub mod diary;
pub mod names;
pub mod notes;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use burn::tensor::{Device, Tensor, TensorData};

use self::{
    arrays::{Array, Contents, Named},
    names::Slot,
    notes::{Data, EvaluationNotes, Exact, HistoryNotes, Notes, Progress},
};
use super::{
    Evaluation, RunConfig, Trainer,
    adam::{Adam, Moments},
    history::{BUCKET_NUMBERS, History},
    trainer::{TrainError, floats},
};
use crate::{data::DataSource, files::write_atomically, model::Cre};

/// What the metadata call the format.
const FORMAT: &str = "cre-lab run";
/// The version that is written, and the newest that is read.
const VERSION: u32 = 1;
const FIRST: &str = "adam.first.";
const SECOND: &str = "adam.second.";
const STEP: &str = "adam.step.";
const BEST: &str = "best.";
const LOSSES: &str = "history.losses";

/// Why a checkpoint is not read or written, as one sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} {reason}", file.display())]
pub struct CheckpointError {
    pub file: PathBuf,
    pub reason: String,
}

impl CheckpointError {
    fn new(file: &Path, reason: String) -> Self {
        Self {
            file: file.to_owned(),
            reason,
        }
    }
}

/// A run at one moment, in plain numbers that have been checked to fit its network.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    pub notes: Notes,
    pub history: History,
    weights: Named,
    adam: Remembered,
    /// Weights at the best evaluation.
    best: Option<Named>,
}

/// Adam's memory by parameter; nothing of those that were never updated.
#[derive(Clone, Debug, Default, PartialEq)]
struct Remembered {
    first: Named,
    second: Named,
    steps: BTreeMap<String, usize>,
}

impl Remembered {
    /// Of one parameter.
    fn moments(&self, slot: &Slot, device: &Device) -> Option<Moments> {
        let flat = |array: &Array| {
            let values = slot.from_file(&array.values);
            let size = values.len();
            Tensor::from_data(TensorData::new(values, [size]), device)
        };
        Some(Moments {
            steps: *self.steps.get(&slot.name)?,
            first: flat(self.first.get(&slot.name)?),
            second: flat(self.second.get(&slot.name)?),
        })
    }
}

/// What a trainer does not know of its run.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    pub config: &'a RunConfig,
    pub source: &'a DataSource,
    pub history: &'a History,
    pub epoch: &'a Progress,
    /// The best evaluation and the weights then.
    pub best: Option<(&'a Evaluation, &'a Named)>,
}

impl Saved {
    /// The run as it is now.
    ///
    /// # Errors
    /// When the device has failed, or a weight is no longer a number.
    pub fn of(trainer: &Trainer, around: Surroundings<'_>) -> Result<Self, String> {
        let unread = |error: TrainError| error.to_string();
        let weights = names::values(trainer.model()).map_err(unread)?;
        check_finite(&weights)?;
        let mut adam = Remembered::default();
        for slot in names::slots(trainer.model()) {
            let Some(moments) = trainer.optimizer().moments(slot.id) else {
                continue;
            };
            let array = |moment: &Tensor<1>| -> Result<Array, String> {
                Ok(slot.to_file(floats(moment.clone()).map_err(unread)?))
            };
            adam.first.insert(slot.name.clone(), array(&moments.first)?);
            adam.second
                .insert(slot.name.clone(), array(&moments.second)?);
            adam.steps.insert(slot.name.clone(), moments.steps);
        }
        check_finite(&adam.first)?;
        check_finite(&adam.second)?;
        let notes = Notes {
            program: concat!("cre-lab ", env!("CARGO_PKG_VERSION")).to_owned(),
            config: around.config.clone(),
            data: Data::of(around.source, trainer.dataset()),
            step: trainer.steps(),
            lambda: Exact(trainer.lambda().value()),
            learning_rate: Exact(trainer.learning_rate()),
            epoch: around.epoch.clone(),
            history: HistoryNotes::of(&around.history.to_rows()),
            best: around.best.map(|(best, _)| EvaluationNotes::of(best)),
        };
        Ok(Self {
            notes,
            history: around.history.clone(),
            weights,
            adam,
            best: around.best.map(|(_, weights)| weights.clone()),
        })
    }

    /// The run at its best evaluation, with the weights of that moment and without Adam's memory.
    pub fn at_best(&self) -> Option<Self> {
        let best = self.notes.best.as_ref()?.evaluation().ok()?;
        let mut history = self.history.clone();
        history.truncate_after(best.step);
        Some(Self {
            notes: Notes {
                step: best.step,
                lambda: Exact(best.lambda.value()),
                epoch: Progress::default(),
                history: HistoryNotes::of(&history.to_rows()),
                ..self.notes.clone()
            },
            history,
            weights: self.best.clone()?,
            adam: Remembered::default(),
            best: self.best.clone(),
        })
    }

    /// Reads the run of `file`.
    ///
    /// # Errors
    /// When it cannot be read, is no run, is of a newer version, or does not hold what it promises.
    pub fn load(file: &Path) -> Result<Self, CheckpointError> {
        arrays::read(file)
            .and_then(|bytes| Self::from_bytes(&bytes))
            .map_err(|reason| CheckpointError::new(file, reason))
    }

    /// Writes the run to `file`, whole or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self, file: &Path) -> Result<(), CheckpointError> {
        self.to_bytes()
            .and_then(|bytes| write(file, &bytes))
            .map_err(|reason| CheckpointError::new(file, reason))
    }

    /// The run that these bytes of a file hold.
    ///
    /// # Errors
    /// As for [`Self::load`], the reason alone.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        Self::from_contents(Contents::from_bytes(bytes)?)
    }

    fn from_contents(contents: Contents) -> Result<Self, String> {
        let Contents {
            texts,
            arrays,
            mut doubles,
        } = contents;
        if texts.get("format").map(String::as_str) != Some(FORMAT) {
            return Err("is no run of CRE Lab".to_owned());
        }
        let version = texts.get("version").and_then(|text| text.parse().ok());
        match version {
            Some(1..=VERSION) => {}
            Some(newer) if newer > VERSION => {
                return Err(format!(
                    "was written by a newer CRE Lab (format {newer}; this one reads up to {VERSION})"
                ));
            }
            _ => return Err("does not say which version of the format it has".to_owned()),
        }
        let run = texts.get("run").ok_or("does not say which run it holds")?;
        let notes: Notes = serde_json::from_str(run)
            .map_err(|error| format!("describes its run in a way not understood: {error}"))?;
        let losses =
            doubles
                .remove(LOSSES)
                .ok_or("holds no curves")
                .and_then(|array| match array.shape[..] {
                    [_, BUCKET_NUMBERS] => Ok(array.values),
                    _ => Err("holds curves of another shape"),
                })?;
        let history = History::from_rows(notes.history.rows(losses)?)?;
        let mut weights = Named::new();
        let mut adam = Remembered::default();
        let mut best = Named::new();
        for (name, array) in arrays {
            let (home, name) = if let Some(name) = name.strip_prefix(FIRST) {
                (&mut adam.first, name.to_owned())
            } else if let Some(name) = name.strip_prefix(SECOND) {
                (&mut adam.second, name.to_owned())
            } else if let Some(name) = name.strip_prefix(BEST) {
                (&mut best, name.to_owned())
            } else {
                (&mut weights, name)
            };
            home.insert(name, array);
        }
        for (name, array) in doubles {
            let step = name.strip_prefix(STEP).zip(array.values.first());
            let Some((name, &steps)) = step else {
                return Err(format!("holds “{name}”, which no run has"));
            };
            adam.steps.insert(
                name.to_owned(),
                whole(steps).ok_or("counts Adam's steps wrongly")?,
            );
        }
        let saved = Self {
            best: notes.best.is_some().then_some(best),
            notes,
            history,
            weights,
            adam,
        };
        saved.check()?;
        Ok(saved)
    }

    /// Whether all numbers belong to the network that the settings build.
    fn check(&self) -> Result<(), String> {
        let Notes {
            config, data, step, ..
        } = &self.notes;
        data.check()?;
        self.notes.lambda.lambda()?;
        let per_epoch = data.train_images.checked_div(config.batch_size);
        let per_epoch = per_epoch.unwrap_or(0) as u64;
        if per_epoch == 0 {
            return Err(TrainError::BatchSize {
                batch_size: config.batch_size,
                images: data.train_images,
            }
            .to_string());
        }
        let rate = self.notes.learning_rate.0;
        if !(rate.is_finite() && rate > 0.0) {
            return Err(TrainError::LearningRate(rate).to_string());
        }
        if *step >= 1 << 40 || self.history.steps_per_epoch() != per_epoch {
            return Err("counts its steps wrongly".to_owned());
        }
        let evaluations = self.history.evaluations().iter().map(|e| e.step);
        let buckets = self.history.buckets().iter().map(|bucket| bucket.steps.1);
        if evaluations.chain(buckets).any(|told| told > *step) {
            return Err("has curves that go beyond its last step".to_owned());
        }
        let slots = network_of(config, data, &self.weights)?;
        check_fit(&self.weights, &slots, "")?;
        if let Some(best) = &self.best {
            check_fit(best, &slots, BEST)?;
        }
        let Remembered {
            first,
            second,
            steps,
        } = &self.adam;
        let remembered: Vec<Slot> = slots
            .into_iter()
            .filter(|slot| steps.contains_key(&slot.name))
            .collect();
        if remembered.len() != steps.len() {
            return Err(
                "remembers updates of parameters that the network does not have".to_owned(),
            );
        }
        check_fit(first, &remembered, FIRST)?;
        check_fit(second, &remembered, SECOND)
    }

    /// As the bytes of a file.
    ///
    /// # Errors
    /// When it is larger than what is read again.
    pub fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let run = serde_json::to_string(&self.notes).map_err(|error| error.to_string())?;
        let texts = [
            ("format", FORMAT.to_owned()),
            ("version", VERSION.to_string()),
            ("run", run),
        ];
        let mut arrays = self.weights.clone();
        let Remembered {
            first,
            second,
            steps,
        } = &self.adam;
        let nothing = Named::new();
        let best = self.best.as_ref().unwrap_or(&nothing);
        for (prefix, named) in [(FIRST, first), (SECOND, second), (BEST, best)] {
            let renamed = named.iter();
            arrays.extend(renamed.map(|(name, array)| (format!("{prefix}{name}"), array.clone())));
        }
        let scalar = |steps: usize| Array {
            shape: Vec::new(),
            values: vec![steps as f64],
        };
        let steps = steps.iter();
        let mut doubles: BTreeMap<String, Array<f64>> = steps
            .map(|(name, steps)| (format!("{STEP}{name}"), scalar(*steps)))
            .collect();
        let losses = self.history.to_rows().buckets;
        let shape = vec![losses.len() / BUCKET_NUMBERS, BUCKET_NUMBERS];
        let losses = Array {
            shape,
            values: losses,
        };
        doubles.insert(LOSSES.to_owned(), losses);
        Contents {
            texts: texts
                .into_iter()
                .map(|(name, text)| (name.to_owned(), text))
                .collect(),
            arrays,
            doubles,
        }
        .to_bytes()
    }

    /// Lets `trainer`, which was built with [`Self::config`], go on from here.
    ///
    /// # Errors
    /// When it has another data set than the run; the reason.
    pub fn restore(&self, trainer: &mut Trainer) -> Result<(), String> {
        let Notes {
            data,
            step,
            lambda,
            learning_rate,
            ..
        } = &self.notes;
        data.fits(trainer.dataset())?;
        let lambda = lambda.lambda()?;
        trainer
            .set_learning_rate(learning_rate.0)
            .map_err(|error| error.to_string())?;
        trainer.set_lambda(lambda);
        let slots = names::slots(trainer.model());
        check_fit(&self.weights, &slots, "")?;
        let model = names::filled(trainer.model().clone(), &slots, &self.weights);
        let device = trainer.device().clone();
        let moments = slots
            .iter()
            .filter_map(|slot| Some((slot.id, self.adam.moments(slot, &device)?)));
        let adam = Adam::with_moments(moments.collect());
        trainer.go_on_from(model, adam, *step);
        Ok(())
    }

    /// The best evaluation and the weights then.
    pub fn best(&self) -> Option<(Evaluation, &Named)> {
        let evaluation = self.notes.best.as_ref()?.evaluation().ok()?;
        Some((evaluation, self.best.as_ref()?))
    }

    /// Weights and running statistics by their [`names`].
    pub fn weights(&self) -> &Named {
        &self.weights
    }

    /// The settings in force: as the run began, but λ and learning rate as they are now.
    pub fn config(&self) -> RunConfig {
        let Notes {
            config,
            lambda,
            learning_rate,
            ..
        } = &self.notes;
        RunConfig {
            lambda: lambda.lambda().unwrap_or(config.lambda),
            learning_rate: learning_rate.0,
            ..config.clone()
        }
    }
}

/// Writes bytes to `file`, whole or not at all; the error is the reason.
fn write(file: &Path, bytes: &[u8]) -> Result<(), String> {
    write_atomically(file, bytes).map_err(|error| format!("cannot be written: {error}"))
}

/// The parameters of the network that the settings build. It is built only where `weights` hold as
/// many numbers as it has, so that no file makes a network larger than itself.
fn network_of(config: &RunConfig, data: &Data, weights: &Named) -> Result<Vec<Slot>, String> {
    let unfit = |unfit: crate::model::Unfit| unfit.to_string();
    let plan = config.plan(data.shape(), data.classes.len());
    let needed = config.architecture.parameters(&plan).map_err(unfit)?;
    let held: usize = weights.values().map(|array| array.values.len()).sum();
    if held < needed {
        return Err(format!(
            "holds {held} weights, but {} has {needed}",
            config.architecture
        ));
    }
    let build = |device| config.architecture.build(&plan, config.seed, device);
    let model: Cre = build(&Device::flex()).map_err(unfit)?;
    Ok(names::slots(&model))
}

/// Whether `named` has exactly the parameters of `slots`, and finite numbers.
fn check_fit(named: &Named, slots: &[Slot], prefix: &str) -> Result<(), String> {
    for slot in slots {
        let Some(array) = named.get(&slot.name) else {
            return Err(format!("lacks “{prefix}{}”", slot.name));
        };
        if array.shape != slot.shape() {
            return Err(format!(
                "holds “{prefix}{}” in the shape {:?}, but the network needs {:?}",
                slot.name,
                array.shape,
                slot.shape()
            ));
        }
    }
    if let Some(name) = named
        .keys()
        .find(|name| slots.iter().all(|slot| slot.name != **name))
    {
        return Err(format!(
            "holds “{prefix}{name}”, which the network does not have"
        ));
    }
    check_finite(named)
}

fn check_finite(named: &Named) -> Result<(), String> {
    let broken = |array: &Array| array.values.iter().any(|value| !value.is_finite());
    match named.iter().find(|(_, array)| broken(array)) {
        None => Ok(()),
        Some((name, _)) => Err(format!("has infinite values, or none at all, in “{name}”")),
    }
}

fn whole(number: f64) -> Option<usize> {
    (number.fract() == 0.0 && (0.0..1e12).contains(&number)).then_some(number as usize)
}
