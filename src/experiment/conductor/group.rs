//! Runs that are trained side by side, from their first step to their records.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use burn::tensor::Device;

use super::tasks::Task;
use crate::{
    data::Dataset,
    experiment::{Portrait, Record},
    train::{
        AxisChoice, Evaluation, Lane, Lanes, Metrics, Probe, RunId, StepLosses, Trainer,
        observer::{Observer, dead_units},
        trainer::{Checkpoint, TrainError},
    },
};

/// Name and version of the program, as records keep them.
pub(super) const PROGRAM: &str = concat!("cre-lab ", env!("CARGO_PKG_VERSION"));

/// Points of each class in a portrait's cloud: the paper's fifty (figure 4).
const CLOUD_PER_CLASS: usize = 50;
/// Images of each class in a portrait that are rebuilt.
const CELLS_PER_CLASS: usize = 2;
/// A turn lasts so long at most.
const TURN: Duration = Duration::from_millis(200);

/// Some runs of one kind.
pub(super) struct Group {
    /// In the order of the lanes.
    runs: Vec<Run>,
    lanes: Lanes,
    dataset: Arc<Dataset>,
    probe: Probe,
    parameters: usize,
    device: String,
    epochs: u64,
    /// Time of the steps of the running epoch.
    training: Duration,
    /// Images in a second, of all networks together, when last looked at.
    speed: f64,
    /// Time since the first step, pauses left out.
    wall: Duration,
}

/// One network's run.
struct Run {
    task: Task,
    /// Of the running epoch.
    losses: Vec<StepLosses>,
    evaluations: Vec<Evaluation>,
    best: Option<Best>,
}

/// The model with the lowest test L(λ) so far.
struct Best {
    loss: f64,
    /// Its place among the evaluations.
    place: usize,
    model: Checkpoint,
}

/// What a turn has brought.
#[derive(Default)]
pub(super) struct Turn {
    /// Evaluations, with the run.
    pub evaluated: Vec<(usize, Evaluation)>,
    /// Runs that have come to nothing, with the reason; they are no longer part of the group.
    pub broken: Vec<(Task, String)>,
}

impl Group {
    /// Builds the networks of `tasks`, which are of one kind, and evaluates them before training.
    pub fn new(
        tasks: Vec<Task>,
        dataset: &Arc<Dataset>,
        device: &Device,
        device_name: String,
        threads: usize,
    ) -> Result<(Self, Turn), TrainError> {
        let spec = tasks.first().ok_or(TrainError::NoLanes)?.spec.clone();
        let lanes: Vec<Lane> = tasks
            .iter()
            .map(|task| Lane {
                lambda: task.spec.config.lambda,
                seed: task.spec.config.seed,
            })
            .collect();
        let first = |count| {
            dataset
                .test
                .first_of_each_class(dataset.classes(), count)
                .into()
        };
        let mut group = Self {
            lanes: Lanes::on_threads(threads, &spec.config, &lanes, dataset, device)?,
            runs: tasks.into_iter().map(Run::new).collect(),
            dataset: dataset.clone(),
            probe: Probe {
                cloud: first(CLOUD_PER_CLASS),
                grid: first(CELLS_PER_CLASS),
                axes: AxisChoice::Independent,
                ..Probe::default()
            },
            parameters: spec
                .config
                .architecture
                .parameters(&spec.config.plan(dataset.shape, dataset.classes()))?,
            device: device_name,
            epochs: spec.epochs,
            training: Duration::ZERO,
            speed: 0.0,
            wall: Duration::ZERO,
        };
        let mut turn = Turn::default();
        group.evaluate(&mut turn)?;
        Ok((group, turn))
    }

    /// The runs under way.
    pub fn runs(&self) -> Vec<usize> {
        self.runs.iter().map(|run| run.task.run).collect()
    }

    /// Steps that each has taken, and is to take.
    pub fn steps(&self) -> [u64; 2] {
        [self.lanes.steps(), self.steps_per_epoch() * self.epochs]
    }

    /// Whether no step is left to take.
    pub fn is_done(&self) -> bool {
        let [taken, all] = self.steps();
        self.runs.is_empty() || taken >= all
    }

    /// Images trained in a second by all networks together, over the running epoch.
    pub fn images_per_second(&self) -> f64 {
        self.speed
    }

    fn steps_per_epoch(&self) -> u64 {
        let first = self.lanes.trainers().first();
        first.map_or(1, Trainer::steps_per_epoch)
    }

    /// Trains for a moment: at most to the end of the epoch, where all are evaluated, and only as long as
    /// `go_on` says so.
    pub fn advance(&mut self, go_on: impl Fn() -> bool + Sync) -> Result<Turn, TrainError> {
        let begun = Instant::now();
        let per_epoch = self.steps_per_epoch();
        let end = (self.lanes.steps() / per_epoch + 1) * per_epoch;
        self.lanes
            .advance(end, || begun.elapsed() < TURN && go_on());
        let mut broken = Vec::new();
        let trainers = self.lanes.trainers_mut().iter_mut();
        for (place, (run, trainer)) in self.runs.iter_mut().zip(trainers).enumerate() {
            let losses = trainer.take_losses()?;
            // A weight of 0 silences a loss in L(λ), but not in the read-out that learns from it.
            let lost = losses
                .iter()
                .find(|step| !(step.mse.is_finite() && step.ce.is_finite()));
            if let Some(lost) = lost {
                broken.push((place, not_finite(lost.step)));
            }
            run.losses.extend(losses);
        }
        // Reading losses waits for the device, so it belongs to the steps' time.
        self.training += begun.elapsed();
        let batch = self.lanes.trainers().first().map_or(0, Trainer::batch_size);
        let steps: usize = self.runs.iter().map(|run| run.losses.len()).sum();
        self.speed = (steps * batch) as f64 / self.training.as_secs_f64();
        let mut turn = Turn::default();
        self.give_up(broken, &mut turn);
        if self.lanes.steps() == end {
            self.evaluate(&mut turn)?;
        }
        self.wall += begun.elapsed();
        Ok(turn)
    }

    /// Lets go of these runs.
    pub fn drop_runs(&mut self, unwanted: impl Fn(usize) -> bool) -> Vec<usize> {
        let places = (0..self.runs.len()).filter(|&place| unwanted(self.runs[place].task.run));
        let places: Vec<usize> = places.collect();
        let runs = places
            .iter()
            .map(|&place| self.runs[place].task.run)
            .collect();
        for place in places.into_iter().rev() {
            self.remove(place);
        }
        runs
    }

    fn remove(&mut self, place: usize) -> Run {
        self.lanes.remove(place);
        self.runs.remove(place)
    }

    /// `broken`: places in order, with reasons.
    fn give_up(&mut self, broken: Vec<(usize, String)>, turn: &mut Turn) {
        for (place, reason) in broken.into_iter().rev() {
            let run = self.remove(place);
            turn.broken.push((run.task, reason));
        }
    }

    fn evaluate(&mut self, turn: &mut Turn) -> Result<(), TrainError> {
        let cloud = &self.probe.cloud;
        let looks = self.lanes.map(|_, trainer| {
            Ok::<_, TrainError>((trainer.evaluate()?, dead_units(trainer, cloud)?))
        });
        let seconds = std::mem::take(&mut self.training).as_secs_f64();
        let mut broken = Vec::new();
        let trainers = self.lanes.trainers();
        for (place, (run, look)) in self.runs.iter_mut().zip(looks).enumerate() {
            let (test, dead_units) = look?;
            let trainer = &trainers[place];
            let losses = std::mem::take(&mut run.losses);
            let images = losses.len() * trainer.batch_size();
            let evaluation = Evaluation {
                epoch: trainer.steps() / trainer.steps_per_epoch(),
                step: trainer.steps(),
                lambda: trainer.lambda(),
                train: means(&losses),
                test,
                dead_units,
                images_per_second: if seconds > 0.0 {
                    images as f64 / seconds
                } else {
                    0.0
                },
            };
            if test.is_finite() {
                run.note(evaluation, trainer);
                turn.evaluated.push((run.task.run, evaluation));
            } else {
                broken.push((place, not_finite(trainer.steps())));
            }
        }
        self.give_up(broken, turn);
        Ok(())
    }

    /// The records of all runs, once they are done, each of the best model that it has had.
    pub fn records(mut self) -> Result<Vec<(Task, Record)>, TrainError> {
        let finished = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let mut kept = Vec::with_capacity(self.runs.len());
        for (run, trainer) in self.runs.iter_mut().zip(self.lanes.trainers_mut()) {
            let best = run.best.take();
            kept.push(best.as_ref().map_or(0, |best| best.place));
            if let Some(best) = best {
                trainer.restore(best.model);
            }
        }
        let probe = &self.probe;
        let snapshots = self
            .lanes
            .map(|_, trainer| Observer::default().observe(RunId(0), trainer, probe));
        let layouts: Vec<_> = self.lanes.trainers().iter().map(Trainer::layout).collect();
        let mut records = Vec::with_capacity(self.runs.len());
        for (((run, kept), snapshot), layout) in
            self.runs.into_iter().zip(kept).zip(snapshots).zip(layouts)
        {
            let record = Record {
                spec: run.task.spec.clone(),
                data_name: self.dataset.name.clone(),
                shape: self.dataset.shape,
                class_names: self.dataset.class_names.clone(),
                program: PROGRAM.to_owned(),
                device: self.device.clone(),
                parameters: self.parameters,
                latent_values: layout.values(),
                mortal_units: layout.mortal_units(),
                evaluations: run.evaluations,
                kept,
                wall_seconds: self.wall.as_secs_f64(),
                finished,
                portrait: Portrait::of(snapshot?, &self.dataset),
            };
            records.push((run.task, record));
        }
        Ok(records)
    }
}

impl Run {
    fn new(task: Task) -> Self {
        Self {
            task,
            losses: Vec::new(),
            evaluations: Vec::new(),
            best: None,
        }
    }

    fn note(&mut self, evaluation: Evaluation, trainer: &Trainer) {
        let loss = evaluation.test.loss(evaluation.lambda);
        if self.best.as_ref().is_none_or(|best| loss < best.loss) {
            self.best = Some(Best {
                loss,
                place: self.evaluations.len(),
                model: trainer.checkpoint(),
            });
        }
        self.evaluations.push(evaluation);
    }
}

fn not_finite(step: u64) -> String {
    format!("a loss is no longer a number at step {step}")
}

/// Means over the steps of an epoch; none where there was no step.
fn means(losses: &[StepLosses]) -> Option<Metrics> {
    let steps = losses.len() as f64;
    let mean = |pick: fn(&StepLosses) -> f32| {
        losses.iter().map(|step| f64::from(pick(step))).sum::<f64>() / steps
    };
    (!losses.is_empty()).then(|| Metrics {
        mse: mean(|step| step.mse),
        ce: mean(|step| step.ce),
        accuracy: mean(|step| step.accuracy),
    })
}
