//! A sweep from its list of runs to the last record.

use std::{
    collections::{HashSet, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::Instant,
};

use crossbeam_channel::Receiver;

use super::{
    Progress, SweepCommand, SweepEnd, SweepEstimate, SweepEvent, SweepOptions,
    control::Control,
    cost_model::CostModel,
    event_log,
    run_batch::{BatchUpdate, PROGRAM, RunBatch},
    schedule::{self, BatchKinds, Task},
};
use crate::{
    data::LoadError,
    jobs::panic_message,
    sweep::{
        RunKey, RunSpec, Store,
        dataset_cache::{DatasetCache, FittedRun},
        record::unix_time,
        run_cost::RunCost,
        store::{FailedRun, StoreError, StoreErrorKind, StoredStatus},
    },
    train::{device::DeviceError, event_sink::EventSink, trainer::TrainError},
};

/// Why a sweep cannot start or continue, as one sentence.
#[derive(Debug, thiserror::Error)]
pub(super) enum SweepError {
    #[error(transparent)]
    Data(#[from] LoadError),
    #[error(transparent)]
    Device(#[from] DeviceError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{spec}: {reason}")]
    Run { spec: String, reason: TrainError },
    /// It ends the runs of a batch, and the sweep continues.
    #[error(transparent)]
    Batch(#[from] TrainError),
}

/// Estimates and trains the runs of `specs` that `file` does not have.
pub(super) fn run_sweep(
    specs: &[RunSpec],
    file: &Path,
    options: SweepOptions,
    datasets: &mut DatasetCache,
    inbox: &Receiver<SweepCommand>,
    events: &EventSink<SweepEvent>,
) -> Result<SweepEnd, SweepError> {
    let store = if options.estimate_only {
        match Store::open_existing(file) {
            Ok(store) => Some(store),
            Err(error) if matches!(error.kind, StoreErrorKind::Missing | StoreErrorKind::Empty) => {
                None
            }
            Err(error) => return Err(error.into()),
        }
    } else {
        Some(Store::open(file)?)
    };
    let mut estimate = SweepEstimate {
        runs: specs.len(),
        ..SweepEstimate::default()
    };
    let mut control = Control::new(inbox, events);
    let remaining = select(
        specs,
        store.as_ref(),
        options.again,
        datasets,
        &mut estimate,
    )?;
    let costs = measure(
        &remaining,
        options.jobs,
        datasets,
        &mut control,
        &mut estimate,
    )?;
    let Some(costs) = costs else {
        return Ok(SweepEnd::Cancelled);
    };
    let cost_model = CostModel::new(&remaining, costs);
    estimate.seconds = cost_model.total;
    let mut planned = remaining.clone();
    while let Some(first) = planned.front().cloned() {
        let most = cost_model.side_by_side(&first, options.jobs);
        let batch = schedule::take_batch(&mut planned, most, options.jobs).len();
        estimate.side_by_side = estimate.side_by_side.max(batch);
        let bytes = cost_model.bytes(&first, batch, options.jobs);
        estimate.bytes = estimate.bytes.max(bytes);
    }
    events.emit(SweepEvent::Prepared(estimate));
    let Some(store) = store.filter(|_| !options.estimate_only) else {
        return Ok(SweepEnd::Complete);
    };
    let mut sweep = Sweep {
        jobs: options.jobs,
        datasets,
        store,
        control,
        events,
        remaining,
        ended: 0,
        cost_model,
    };
    sweep.run()
}

/// The runs to do: without those that are stored, and each of several equal ones once.
fn select(
    specs: &[RunSpec],
    store: Option<&Store>,
    again: bool,
    datasets: &mut DatasetCache,
    estimate: &mut SweepEstimate,
) -> Result<VecDeque<Task>, SweepError> {
    let mut selected = VecDeque::new();
    let mut keys = HashSet::new();
    let mut kinds = BatchKinds::default();
    for (run, spec) in specs.iter().enumerate() {
        let FittedRun {
            spec,
            dataset,
            data,
            note,
        } = datasets.fitted(spec)?;
        let key = RunKey::from_run(&spec, &data);
        let status = match store {
            Some(store) if !again => store.status(&key)?,
            _ => None,
        };
        estimate.failed += usize::from(status == Some(StoredStatus::Failed));
        if status.is_some() || !keys.insert(key) {
            estimate.stored += 1;
            continue;
        }
        let left_out = (!dataset.left_out.is_empty()).then(|| dataset.left_out.to_string());
        for note in left_out.into_iter().chain(note) {
            if !estimate.notes.contains(&note) {
                estimate.notes.push(note);
            }
        }
        selected.push_back(Task {
            run,
            data,
            kind: kinds.index(&spec),
            spec,
        });
    }
    Ok(selected)
}

/// The cost of a run of each kind; `None` if the sweep was cancelled meanwhile.
fn measure(
    tasks: &VecDeque<Task>,
    jobs: usize,
    datasets: &mut DatasetCache,
    control: &mut Control<'_>,
    estimate: &mut SweepEstimate,
) -> Result<Option<Vec<RunCost>>, SweepError> {
    let mut costs: Vec<RunCost> = Vec::new();
    for task in tasks {
        // Kinds are numbered in the order of their first task.
        if task.kind < costs.len() {
            continue;
        }
        control.handle_commands();
        if control.is_cancelled {
            return Ok(None);
        }
        let (dataset, _) = datasets.data(&task.spec.data)?;
        let (device, report) = datasets.device(task.spec.config.device)?;
        let cost =
            RunCost::measure(&task.spec.config, &dataset, &device, jobs).map_err(|reason| {
                SweepError::Run {
                    spec: task.spec.to_string(),
                    reason,
                }
            })?;
        if !estimate.devices.contains(&report.name) {
            estimate.devices.push(report.name);
        }
        costs.push(cost);
    }
    Ok(Some(costs))
}

struct Sweep<'a> {
    jobs: usize,
    datasets: &'a mut DatasetCache,
    store: Store,
    control: Control<'a>,
    events: &'a EventSink<SweepEvent>,
    remaining: VecDeque<Task>,
    ended: usize,
    cost_model: CostModel,
}

impl Sweep<'_> {
    fn run(&mut self) -> Result<SweepEnd, SweepError> {
        loop {
            self.control.handle_commands();
            self.skip_requested();
            let Some(first) = self.remaining.front() else {
                return Ok(SweepEnd::Complete);
            };
            if self.control.is_cancelled {
                return Ok(SweepEnd::Cancelled);
            }
            let most = self.cost_model.side_by_side(first, self.jobs);
            let tasks = schedule::take_batch(&mut self.remaining, most, self.jobs);
            let mut open: Vec<Task> = tasks.clone();
            let result = catch_unwind(AssertUnwindSafe(|| self.train(tasks, &mut open)));
            let reason = match result {
                // Training stopped before all runs had ended.
                Ok(Ok(())) if !open.is_empty() => return Ok(SweepEnd::Cancelled),
                Ok(Ok(())) => continue,
                Ok(Err(SweepError::Batch(error))) => error.to_string(),
                Ok(Err(error)) => return Err(error),
                Err(panic) => panic_message(panic.as_ref()),
            };
            // Not stored: another attempt may succeed (a lost device, no memory left).
            for task in open {
                self.end(&task);
                self.events.emit(SweepEvent::Failed {
                    run: task.run,
                    reason: reason.clone(),
                });
            }
        }
    }

    /// Trains `tasks` side by side. Those that have not ended stay in `open`.
    fn train(&mut self, tasks: Vec<Task>, open: &mut Vec<Task>) -> Result<(), SweepError> {
        let Some(first) = tasks.first() else {
            return Ok(());
        };
        let (dataset, _) = self.datasets.data(&first.spec.data)?;
        let (device, report) = self.datasets.device(first.spec.config.device)?;
        let cost = self.cost_model.seconds(first);
        tasks.iter().for_each(event_log::run_started);
        self.events.emit(SweepEvent::Started {
            runs: tasks.iter().map(|task| task.run).collect(),
        });
        let begun = Instant::now();
        let mut batch = RunBatch::new(tasks, &dataset, &device, report.name.clone(), self.jobs)?;
        self.cost_model.spent += begun.elapsed().as_secs_f64();
        while !batch.is_empty() {
            let begun = Instant::now();
            let inbox = self.control.inbox;
            let update = batch.advance(|| inbox.is_empty())?;
            self.on_update(update, &report.name, open)?;
            self.commit_finished(&mut batch, open)?;
            self.cost_model.spent += begun.elapsed().as_secs_f64();
            self.control.handle_commands();
            if self.control.is_cancelled {
                return Ok(());
            }
            for run in batch.remove_runs(|run| self.control.skipped.contains(&run)) {
                self.close(run, open);
                self.events.emit(SweepEvent::Skipped { run });
            }
            self.emit_progress(&batch, cost);
        }
        Ok(())
    }

    /// Stores the runs of `batch` that are complete.
    fn commit_finished(
        &mut self,
        batch: &mut RunBatch,
        open: &mut Vec<Task>,
    ) -> Result<(), SweepError> {
        for (task, record) in batch.take_finished()? {
            let id = self.store.commit(&task.data, &record)?;
            self.close(task.run, open);
            self.events.emit(SweepEvent::Finished {
                run: task.run,
                id,
                record: Box::new(record),
            });
        }
        Ok(())
    }

    /// Reports evaluations, and stores and reports failed runs.
    fn on_update(
        &mut self,
        update: BatchUpdate,
        device: &str,
        open: &mut Vec<Task>,
    ) -> Result<(), SweepError> {
        for (run, evaluation) in update.evaluated {
            self.events.emit(SweepEvent::Evaluated { run, evaluation });
        }
        for (task, reason) in update.failed {
            let (dataset, _) = self.datasets.data(&task.spec.data)?;
            let failed = FailedRun {
                spec: task.spec.clone(),
                data_name: dataset.name.clone(),
                program: PROGRAM.to_owned(),
                device: device.to_owned(),
                reason: reason.clone(),
                finished: unix_time(),
            };
            self.store.commit_failure(&task.data, &failed)?;
            self.close(task.run, open);
            self.events.emit(SweepEvent::Failed {
                run: task.run,
                reason,
            });
        }
        Ok(())
    }

    fn emit_progress(&self, batch: &RunBatch, cost: f64) {
        let running = batch.runs();
        let steps = batch.steps();
        let share = steps[0] as f64 / steps[1].max(1) as f64;
        let in_progress = cost * running.len() as f64 * share;
        self.events.emit(SweepEvent::Progress(Progress {
            running,
            steps,
            images_per_second: batch.images_per_second(),
            ended: self.ended,
            share: self.cost_model.share(in_progress),
            seconds_left: self.cost_model.seconds_left(in_progress),
        }));
    }

    /// Removes runs that are to be skipped before they start.
    fn skip_requested(&mut self) {
        let control = &self.control;
        let (skipped, remaining) = std::mem::take(&mut self.remaining)
            .into_iter()
            .partition::<VecDeque<_>, _>(|task| control.skipped.contains(&task.run));
        self.remaining = remaining;
        for task in skipped {
            self.end(&task);
            self.events.emit(SweepEvent::Skipped { run: task.run });
        }
    }

    fn close(&mut self, run: usize, open: &mut Vec<Task>) {
        if let Some(index) = open.iter().position(|task| task.run == run) {
            let task = open.remove(index);
            self.end(&task);
        }
    }

    fn end(&mut self, task: &Task) {
        self.ended += 1;
        self.cost_model.end(task);
    }
}
