//! Runs that are trained side by side, from their first step to their records.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use burn::tensor::Device;

use super::schedule::Task;
use crate::{
    data::Dataset,
    sweep::{EvalSample, Record, record::unix_time},
    train::{
        AxisChoice, Evaluation, Lane, Lanes, Probe, Run, RunId, Trainer,
        observer::Observer,
        run::{BestModel, LaneEvent},
        trainer::TrainError,
    },
};

/// Name and version of the program, as stored in records.
pub(super) const PROGRAM: &str = concat!("cre-lab ", env!("CARGO_PKG_VERSION"));

/// Points of each class in the cloud of an evaluation sample: the paper's fifty (figure 4).
const CLOUD_PER_CLASS: usize = 50;
/// Reconstructions of each class in an evaluation sample.
const GRID_PER_CLASS: usize = 2;
/// Longest time slice.
const TIME_SLICE: Duration = Duration::from_millis(200);

/// Runs of one kind in training.
pub(super) struct RunBatch {
    /// In the order of the lanes.
    runs: Vec<BatchRun>,
    run: Run,
    dataset: Arc<Dataset>,
    probe: Probe,
    parameters: usize,
    device: String,
    epochs: u64,
    /// Time since the first step, without pauses.
    wall: Duration,
}

struct BatchRun {
    task: Task,
    evaluations: Vec<Evaluation>,
}

/// What happened in a time slice.
#[derive(Default)]
pub(super) struct BatchUpdate {
    /// Evaluations, each with the index of its run.
    pub evaluated: Vec<(usize, Evaluation)>,
    /// Runs that failed, with the reason. They are no longer part of the batch.
    pub failed: Vec<(Task, String)>,
}

impl RunBatch {
    /// Builds the networks of `tasks`, which are of one kind.
    pub fn new(
        tasks: Vec<Task>,
        dataset: &Arc<Dataset>,
        device: &Device,
        device_name: String,
        threads: usize,
    ) -> Result<Self, TrainError> {
        let spec = tasks.first().ok_or(TrainError::NoLanes)?.spec.clone();
        let lanes: Vec<Lane> = tasks
            .iter()
            .map(|task| Lane {
                lambda: task.spec.config.lambda,
                seed: task.spec.config.seed,
            })
            .collect();
        let lanes = Lanes::with_threads(threads, &spec.config, &lanes, dataset, device)?;
        let runs = tasks.into_iter().map(|task| BatchRun {
            task,
            evaluations: Vec::new(),
        });
        Ok(Self {
            run: Run::new(lanes),
            runs: runs.collect(),
            dataset: dataset.clone(),
            probe: Probe {
                axes: AxisChoice::Independent,
                ..Probe::first_of_each_class(dataset, CLOUD_PER_CLASS, GRID_PER_CLASS)
            },
            parameters: spec
                .config
                .architecture
                .parameter_count(&spec.config.model_spec(dataset.shape, dataset.classes()))?,
            device: device_name,
            epochs: spec.epochs,
            wall: Duration::ZERO,
        })
    }

    /// Indices of the runs in training.
    pub fn runs(&self) -> Vec<usize> {
        self.runs.iter().map(|run| run.task.run).collect()
    }

    /// Steps that each run has taken at least, and steps of a whole run.
    pub fn steps(&self) -> [u64; 2] {
        let taken = self.run.lanes().trainers().iter().map(Trainer::steps).min();
        [taken.unwrap_or(0), self.last_step()]
    }

    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Training speed of all networks together, in images per second.
    pub fn images_per_second(&self) -> f64 {
        self.run.images_per_second()
    }

    fn last_step(&self) -> u64 {
        self.run.lanes().steps_per_epoch() * self.epochs
    }

    /// Trains and evaluates for a time slice, while `proceed` returns true. Each network is evaluated before
    /// its first step and at the end of each of its epochs.
    pub fn advance(
        &mut self,
        proceed: impl Fn() -> bool + Sync,
    ) -> Result<BatchUpdate, TrainError> {
        let begun = Instant::now();
        let proceed = || begun.elapsed() < TIME_SLICE && proceed();
        let mut events = Vec::new();
        if !self.run.is_evaluation_due() {
            events = self.run.train(self.last_step(), proceed)?;
        }
        events.extend(self.run.evaluate(&self.probe.cloud, proceed)?);
        let mut update = BatchUpdate::default();
        let mut diverged: Vec<(usize, u64)> = Vec::new();
        for (lane, event) in events {
            let run = &mut self.runs[lane];
            match event {
                LaneEvent::Trained(_) => {}
                LaneEvent::Evaluated(evaluation) => {
                    if evaluation.test.is_finite() {
                        run.evaluations.push(evaluation);
                        update.evaluated.push((run.task.run, evaluation));
                    }
                }
                LaneEvent::NotFinite { step } => diverged.push((lane, step)),
            }
        }
        // A lane may have diverged in training and in the evaluation after it.
        diverged.sort_unstable();
        diverged.dedup_by_key(|(lane, _)| *lane);
        for (lane, step) in diverged.into_iter().rev() {
            let reason =
                format!("loss became NaN or infinite at step {step}; try a lower learning rate");
            update.failed.push((self.remove(lane).task, reason));
        }
        self.wall += begun.elapsed();
        Ok(update)
    }

    /// Removes the runs whose index fulfils `predicate`, and returns their indices.
    pub fn remove_runs(&mut self, predicate: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut removed = self.runs();
        removed.retain(|run| predicate(*run));
        for lane in (0..self.runs.len()).rev() {
            if removed.contains(&self.runs[lane].task.run) {
                self.remove(lane);
            }
        }
        removed
    }

    fn remove(&mut self, lane: usize) -> BatchRun {
        self.run.remove(lane);
        self.runs.remove(lane)
    }

    /// Removes the runs that are complete, and returns the record of each one's best model.
    pub fn take_finished(&mut self) -> Result<Vec<(Task, Record)>, TrainError> {
        let last = self.last_step();
        let is_finished = |run: &BatchRun| run.evaluations.last().is_some_and(|at| at.step == last);
        let mut records = Vec::new();
        for lane in (0..self.runs.len()).rev() {
            if is_finished(&self.runs[lane]) {
                let record = self.record(lane)?;
                records.push((self.remove(lane).task, record));
            }
        }
        records.reverse();
        Ok(records)
    }

    fn record(&mut self, lane: usize) -> Result<Record, TrainError> {
        let best: Option<BestModel> = self.run.best(lane).cloned();
        let BatchRun { task, evaluations } = &self.runs[lane];
        let kept = best.as_ref().and_then(|best| {
            let best = best.evaluation.step;
            evaluations.iter().position(|at| at.step == best)
        });
        let trainer = &mut self.run.lanes_mut().trainers_mut()[lane];
        if let Some(best) = best {
            trainer.set_model(best.model);
        }
        let layout = trainer.layout();
        let snapshot = Observer::default().take_snapshot(RunId(0), trainer, &self.probe)?;
        Ok(Record {
            spec: task.spec.clone(),
            data_name: self.dataset.name.clone(),
            shape: self.dataset.shape,
            class_names: self.dataset.class_names.clone(),
            program: PROGRAM.to_owned(),
            device: self.device.clone(),
            parameters: self.parameters,
            latent_values: layout.values(),
            relu_units: layout.relu_units(),
            evaluations: evaluations.clone(),
            kept: kept.unwrap_or(0),
            wall_seconds: self.wall.as_secs_f64(),
            finished: unix_time(),
            eval_sample: EvalSample::from_snapshot(&snapshot, &self.dataset),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{BundledSet, DataSource},
        sweep::runner::schedule::tests,
    };

    fn tasks() -> Vec<Task> {
        tests::tasks("arch = ['fc-small']\nlambda = [0, 0.5, 1]\nseed = [15]\nepochs = 2")
    }

    fn batch(tasks: Vec<Task>, threads: usize) -> RunBatch {
        let dataset = Arc::new(DataSource::Bundled(BundledSet::Mnist).load().unwrap());
        let device = Device::flex();
        RunBatch::new(tasks, &dataset, &device, "CPU".to_owned(), threads).unwrap()
    }

    /// A record without times.
    fn timeless(mut record: Record) -> Record {
        for evaluation in &mut record.evaluations {
            evaluation.images_per_second = 0.0;
        }
        record.wall_seconds = 0.0;
        record.finished = 0;
        record
    }

    #[test]
    fn each_network_is_evaluated_at_its_own_epoch_ends_however_far_apart_they_are() {
        let alone: Vec<Record> = tasks()
            .into_iter()
            .map(|task| {
                let mut batch = batch(vec![task], 1);
                while batch.runs[0].evaluations.len() < 3 {
                    batch.advance(|| true).unwrap();
                }
                timeless(batch.take_finished().unwrap().remove(0).1)
            })
            .collect();
        for threads in [1, 8] {
            let mut batch = batch(tasks(), threads);
            let per_epoch = batch.run.lanes().steps_per_epoch();
            let mut finished = Vec::new();
            while !batch.is_empty() {
                // The first network stays 23 steps behind the last, the second 5.
                let steps =
                    |lane: usize| batch.run.lanes().trainers().get(lane).map(Trainer::steps);
                if let [Some(first), Some(second), Some(last)] = [0, 1, 2].map(steps) {
                    batch.run.lanes_mut().set_paused(0, last < first + 23);
                    batch.run.lanes_mut().set_paused(1, last < second + 5);
                } else {
                    (0..batch.runs.len())
                        .for_each(|lane| batch.run.lanes_mut().set_paused(lane, false));
                }
                for (run, evaluation) in batch.advance(|| false).unwrap().evaluated {
                    let network = batch.runs.iter().position(|other| other.task.run == run);
                    let steps = batch.run.lanes().trainers()[network.unwrap()].steps();
                    assert_eq!(evaluation.step, steps);
                    assert_eq!(evaluation.step, evaluation.epoch * per_epoch);
                }
                finished.extend(batch.take_finished().unwrap());
            }
            assert_eq!(finished[0].0.run, 2, "it ends first");
            assert_eq!(finished.len(), 3);
            for (task, record) in finished {
                assert_eq!(timeless(record), alone[task.run], "{threads} threads");
            }
        }
    }
}
