//! Runs that are trained side by side, from their first step to their records.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use burn::tensor::Device;

use super::schedule::Task;
use crate::{
    data::Dataset,
    sweep::{EvalSample, Record},
    train::{
        AxisChoice, Evaluation, Lane, Lanes, Probe, RunId, Trainer,
        epoch_stats::{EpochStats, Throughput},
        observer::{Observer, dead_units},
        trainer::{RestorePoint, TrainError},
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
pub(super) struct RunBatch {
    /// In the order of the lanes.
    runs: Vec<Run>,
    lanes: Lanes,
    dataset: Arc<Dataset>,
    probe: Probe,
    parameters: usize,
    device: String,
    epochs: u64,
    speed: Throughput,
    /// Time since the first step, pauses left out.
    wall: Duration,
}

/// One network's run.
struct Run {
    task: Task,
    /// Means and time of the running epoch.
    epoch: EpochStats,
    evaluations: Vec<Evaluation>,
    best: Option<Best>,
}

/// The model with the lowest test L(λ) so far.
struct Best {
    loss: f64,
    /// Its place among the evaluations.
    place: usize,
    model: RestorePoint,
}

/// What a turn has brought.
#[derive(Default)]
pub(super) struct BatchUpdate {
    /// Evaluations, with the run.
    pub evaluated: Vec<(usize, Evaluation)>,
    /// Runs that have come to nothing, with the reason; they are no longer part of the group.
    pub broken: Vec<(Task, String)>,
}

impl RunBatch {
    /// Builds the networks of `tasks`, which are of one kind, and evaluates them before training.
    pub fn new(
        tasks: Vec<Task>,
        dataset: &Arc<Dataset>,
        device: &Device,
        device_name: String,
        threads: usize,
    ) -> Result<(Self, BatchUpdate), TrainError> {
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
                .parameters(&spec.config.model_spec(dataset.shape, dataset.classes()))?,
            device: device_name,
            epochs: spec.epochs,
            speed: Throughput::default(),
            wall: Duration::ZERO,
        };
        let mut turn = BatchUpdate::default();
        group.evaluate(&mut turn)?;
        Ok((group, turn))
    }

    /// The runs under way.
    pub fn runs(&self) -> Vec<usize> {
        self.runs.iter().map(|run| run.task.run).collect()
    }

    /// Steps that each run has taken at least, and is to take.
    pub fn steps(&self) -> [u64; 2] {
        let taken = self.lanes.trainers().iter().map(Trainer::steps).min();
        [taken.unwrap_or(0), self.last_step()]
    }

    /// Whether no run is left.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Images trained in a second by all networks together.
    pub fn images_per_second(&self) -> f64 {
        self.speed.images_per_second()
    }

    fn last_step(&self) -> u64 {
        self.steps_per_epoch() * self.epochs
    }

    fn steps_per_epoch(&self) -> u64 {
        let first = self.lanes.trainers().first();
        first.map_or(1, Trainer::steps_per_epoch)
    }

    /// Trains for a moment, as long as `go_on` returns true. Each network stops at the end of its own epoch and
    /// is evaluated there.
    pub fn advance(&mut self, go_on: impl Fn() -> bool + Sync) -> Result<BatchUpdate, TrainError> {
        let begun = Instant::now();
        let (per_epoch, last) = (self.steps_per_epoch(), self.last_step());
        self.lanes.advance_each(
            |steps| ((steps / per_epoch + 1) * per_epoch).min(last),
            || begun.elapsed() < TURN && go_on(),
        );
        let losses = self.lanes.take_losses()?;
        // Reading losses waits for the device, so it belongs to the steps' time.
        let time = begun.elapsed();
        let batch = self.lanes.trainers().first().map_or(0, Trainer::batch_size);
        let steps: usize = losses.iter().map(Vec::len).sum();
        self.speed.add((steps * batch) as u64, time);
        let mut broken = Vec::new();
        for (place, (run, losses)) in self.runs.iter_mut().zip(losses).enumerate() {
            // A weight of 0 silences a loss in L(λ), but not in the read-out that learns from it.
            let lost = losses
                .iter()
                .find(|step| !(step.mse.is_finite() && step.ce.is_finite()));
            if let Some(lost) = lost {
                broken.push((place, not_finite(lost.step)));
            }
            run.epoch.add(&losses);
            run.epoch.training += time;
        }
        let mut turn = BatchUpdate::default();
        self.give_up(broken, &mut turn);
        self.evaluate(&mut turn)?;
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
    fn give_up(&mut self, broken: Vec<(usize, String)>, turn: &mut BatchUpdate) {
        for (place, reason) in broken.into_iter().rev() {
            let run = self.remove(place);
            turn.broken.push((run.task, reason));
        }
    }

    /// Test metrics of every network that is at the beginning or at the end of an epoch and has not been
    /// evaluated there.
    fn evaluate(&mut self, turn: &mut BatchUpdate) -> Result<(), TrainError> {
        let (cloud, runs) = (&self.probe.cloud, &self.runs);
        let evaluated = self.lanes.map(|place, trainer| {
            if !runs[place].is_due(trainer) {
                return Ok(None);
            }
            Ok::<_, TrainError>(Some((trainer.evaluate()?, dead_units(trainer, cloud)?)))
        });
        let mut broken = Vec::new();
        let trainers = self.lanes.trainers();
        for (place, (run, evaluated)) in self.runs.iter_mut().zip(evaluated).enumerate() {
            let Some((test, dead_units)) = evaluated? else {
                continue;
            };
            let trainer = &trainers[place];
            let epoch = std::mem::take(&mut run.epoch);
            let evaluation = Evaluation {
                epoch: trainer.steps() / trainer.steps_per_epoch(),
                step: trainer.steps(),
                lambda: trainer.lambda(),
                train: epoch.means(),
                test,
                dead_units,
                images_per_second: epoch.steps_per_second() * trainer.batch_size() as f64,
            };
            if test.is_finite() {
                run.record(evaluation, trainer);
                turn.evaluated.push((run.task.run, evaluation));
            } else {
                broken.push((place, not_finite(trainer.steps())));
            }
        }
        self.give_up(broken, turn);
        Ok(())
    }

    /// Removes the runs that have taken and evaluated their last step, each with the record of the best model
    /// that it has had.
    pub fn take_finished(&mut self) -> Result<Vec<(Task, Record)>, TrainError> {
        let last = self.last_step();
        let is_finished = |run: &Run| run.evaluations.last().is_some_and(|at| at.step == last);
        let mut records = Vec::new();
        for place in (0..self.runs.len()).rev() {
            if is_finished(&self.runs[place]) {
                let record = self.record(place)?;
                records.push((self.remove(place).task, record));
            }
        }
        records.reverse();
        Ok(records)
    }

    fn record(&mut self, place: usize) -> Result<Record, TrainError> {
        let best = self.runs[place].best.take();
        let trainer = &mut self.lanes.trainers_mut()[place];
        let kept = best.as_ref().map_or(0, |best| best.place);
        if let Some(best) = best {
            trainer.restore(best.model);
        }
        let layout = trainer.layout();
        let snapshot = Observer::default().take_snapshot(RunId(0), trainer, &self.probe)?;
        let run = &self.runs[place];
        Ok(Record {
            spec: run.task.spec.clone(),
            data_name: self.dataset.name.clone(),
            shape: self.dataset.shape,
            class_names: self.dataset.class_names.clone(),
            program: PROGRAM.to_owned(),
            device: self.device.clone(),
            parameters: self.parameters,
            latent_values: layout.values(),
            relu_units: layout.relu_units(),
            evaluations: run.evaluations.clone(),
            kept,
            wall_seconds: self.wall.as_secs_f64(),
            finished: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
            eval_sample: EvalSample::of(&snapshot, &self.dataset),
        })
    }
}

impl Run {
    fn new(task: Task) -> Self {
        Self {
            task,
            epoch: EpochStats::default(),
            evaluations: Vec::new(),
            best: None,
        }
    }

    /// Whether its network is at the beginning or at the end of an epoch, and was not evaluated there.
    fn is_due(&self, trainer: &Trainer) -> bool {
        let evaluated = self.evaluations.last().map(|at| at.step);
        trainer.steps().is_multiple_of(trainer.steps_per_epoch())
            && evaluated != Some(trainer.steps())
    }

    fn record(&mut self, evaluation: Evaluation, trainer: &Trainer) {
        let loss = evaluation.test.loss(evaluation.lambda);
        if self.best.as_ref().is_none_or(|best| loss < best.loss) {
            self.best = Some(Best {
                loss,
                place: self.evaluations.len(),
                model: trainer.restore_point(),
            });
        }
        self.evaluations.push(evaluation);
    }
}

fn not_finite(step: u64) -> String {
    format!("a loss is no longer a number at step {step}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{BundledSet, DataSource},
        sweep::{Grid, runner::schedule::BatchKinds},
    };

    fn tasks() -> Vec<Task> {
        let grid = "arch = ['fc-small']\nlambda = [0, 0.5, 1]\nseed = [15]\nepochs = 2";
        let mut kinds = BatchKinds::default();
        let runs = Grid::parse(grid).unwrap().runs().unwrap();
        runs.into_iter()
            .enumerate()
            .map(|(run, spec)| Task {
                run,
                data: "0".repeat(64).parse().unwrap(),
                kind: kinds.of(&spec),
                spec,
            })
            .collect()
    }

    fn group(tasks: Vec<Task>, threads: usize) -> RunBatch {
        let dataset = Arc::new(DataSource::Bundled(BundledSet::Mnist).load().unwrap());
        let device = Device::flex();
        let (group, first) =
            RunBatch::new(tasks, &dataset, &device, "CPU".to_owned(), threads).unwrap();
        assert_eq!(first.evaluated.len(), group.runs.len());
        group
    }

    /// A record without what depends on the time that it took.
    fn timeless(mut record: Record) -> Record {
        for evaluation in &mut record.evaluations {
            evaluation.images_per_second = 0.0;
        }
        record.wall_seconds = 0.0;
        record.finished = 0;
        record
    }

    #[test]
    fn every_network_is_evaluated_at_its_own_ends_of_epochs_however_far_apart_they_are() {
        let alone: Vec<Record> = tasks()
            .into_iter()
            .map(|task| {
                let mut group = group(vec![task], 1);
                while group.runs[0].evaluations.len() < 3 {
                    group.advance(|| true).unwrap();
                }
                timeless(group.take_finished().unwrap().remove(0).1)
            })
            .collect();
        for threads in [1, 8] {
            let mut group = group(tasks(), threads);
            let per_epoch = group.steps_per_epoch();
            let mut finished = Vec::new();
            while !group.is_empty() {
                // The first network stays 23 steps behind the last, the second 5.
                let steps = |place: usize| group.lanes.trainers().get(place).map(Trainer::steps);
                if let [Some(first), Some(second), Some(last)] = [0, 1, 2].map(steps) {
                    group.lanes.set_paused(0, last < first + 23);
                    group.lanes.set_paused(1, last < second + 5);
                } else {
                    (0..group.runs.len()).for_each(|place| group.lanes.set_paused(place, false));
                }
                for (run, evaluation) in group.advance(|| false).unwrap().evaluated {
                    let network = group.runs.iter().position(|known| known.task.run == run);
                    let steps = group.lanes.trainers()[network.unwrap()].steps();
                    assert_eq!(evaluation.step, steps);
                    assert_eq!(evaluation.step, evaluation.epoch * per_epoch);
                }
                finished.extend(group.take_finished().unwrap());
            }
            assert_eq!(finished[0].0.run, 2, "it is done before the others");
            assert_eq!(finished.len(), 3);
            for (task, record) in finished {
                assert_eq!(timeless(record), alone[task.run], "{threads} threads");
            }
        }
    }
}
