//! A sweep from its list of runs to the last record.

use std::{
    collections::{HashSet, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use crossbeam_channel::Receiver;

use super::{
    EventSink, Progress, SweepCommand, SweepEnd, SweepEstimate, SweepEvent, SweepOptions,
    control::Control,
    cost_model::CostModel,
    run_batch::{BatchUpdate, PROGRAM, RunBatch},
    schedule::{self, BatchKinds, Task},
};
use crate::{
    data::LoadError,
    sweep::{
        RunKey, RunSpec, Store,
        dataset_cache::DatasetCache,
        run_cost::RunCost,
        store::{FailedRun, StoreError, StoreErrorKind, StoredStatus},
    },
    train::{device::DeviceError, trainer::TrainError, worker::panic_message},
};

/// Why a sweep cannot begin or go on, as one sentence.
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
}

pub(super) fn run_sweep(
    specs: &[RunSpec],
    file: &Path,
    options: SweepOptions,
    library: &mut DatasetCache,
    inbox: &Receiver<SweepCommand>,
    told: &EventSink,
) -> Result<SweepEnd, SweepError> {
    let store = if options.estimate_only {
        match Store::open_existing(file) {
            Ok(store) => Some(store),
            Err(error)
                if matches!(error.fault, StoreErrorKind::Missing | StoreErrorKind::Empty) =>
            {
                None
            }
            Err(error) => return Err(error.into()),
        }
    } else {
        Some(Store::open(file)?)
    };
    let mut outlook = SweepEstimate {
        runs: specs.len(),
        known: 0,
        failed: 0,
        seconds: 0.0,
        bytes: 0,
        side_by_side: 0,
        devices: Vec::new(),
        left_out: Vec::new(),
    };
    let mut control = Control::new(inbox, told);
    let left = select(specs, store.as_ref(), options.again, library, &mut outlook)?;
    let Some(costs) = measure(&left, options.jobs, library, &mut control, &mut outlook)? else {
        return Ok(SweepEnd::Cancelled);
    };
    let work = CostModel::of(&left, costs);
    outlook.seconds = work.all();
    let mut planned = left.clone();
    while let Some(first) = planned.front().cloned() {
        let most = work.side_by_side(&first, options.jobs);
        let group = schedule::take_batch(&mut planned, most, options.jobs).len();
        outlook.side_by_side = outlook.side_by_side.max(group);
        let bytes = work.bytes(&first, group, options.jobs);
        outlook.bytes = outlook.bytes.max(bytes);
    }
    told.emit(SweepEvent::Prepared(outlook));
    let Some(store) = store.filter(|_| !options.estimate_only) else {
        return Ok(SweepEnd::Complete);
    };
    let mut sweep = Sweep {
        jobs: options.jobs,
        library,
        store,
        control,
        told,
        left,
        ended: 0,
        cost_model: work,
    };
    sweep.run()
}

/// The runs that are to be done.
fn select(
    specs: &[RunSpec],
    store: Option<&Store>,
    again: bool,
    library: &mut DatasetCache,
    outlook: &mut SweepEstimate,
) -> Result<VecDeque<Task>, SweepError> {
    let mut left = VecDeque::new();
    let mut seen = HashSet::new();
    let mut kinds = BatchKinds::default();
    for (run, spec) in specs.iter().enumerate() {
        let (dataset, data) = library.data(&spec.data)?;
        let key = RunKey::of_run(spec, &data);
        let known = match store {
            Some(store) if !again => store.known(&key)?,
            _ => None,
        };
        outlook.failed += usize::from(known == Some(StoredStatus::Failed));
        if known.is_some() || !seen.insert(key) {
            outlook.known += 1;
            continue;
        }
        for file in &dataset.skipped {
            if !outlook.left_out.contains(file) {
                outlook.left_out.push(file.clone());
            }
        }
        left.push_back(Task {
            run,
            spec: spec.clone(),
            data,
            kind: kinds.of(spec),
        });
    }
    Ok(left)
}

/// What the runs of every kind cost; none if it was cancelled meanwhile.
fn measure(
    left: &VecDeque<Task>,
    jobs: usize,
    library: &mut DatasetCache,
    control: &mut Control<'_>,
    outlook: &mut SweepEstimate,
) -> Result<Option<Vec<RunCost>>, SweepError> {
    let mut costs: Vec<RunCost> = Vec::new();
    for task in left {
        // Kinds are counted in the order in which they come.
        if task.kind < costs.len() {
            continue;
        }
        control.handle_commands();
        if control.is_cancelled() {
            return Ok(None);
        }
        let (dataset, _) = library.data(&task.spec.data)?;
        let (device, report) = library.device(task.spec.config.device)?;
        let cost =
            RunCost::measure(&task.spec.config, &dataset, &device, jobs).map_err(|reason| {
                SweepError::Run {
                    spec: task.spec.to_string(),
                    reason,
                }
            })?;
        if !outlook.devices.contains(&report.name) {
            outlook.devices.push(report.name);
        }
        costs.push(cost);
    }
    Ok(Some(costs))
}

/// A sweep on its way.
struct Sweep<'a> {
    jobs: usize,
    library: &'a mut DatasetCache,
    store: Store,
    control: Control<'a>,
    told: &'a EventSink,
    left: VecDeque<Task>,
    ended: usize,
    cost_model: CostModel,
}

impl Sweep<'_> {
    fn run(&mut self) -> Result<SweepEnd, SweepError> {
        loop {
            self.control.handle_commands();
            self.leave_out_skipped();
            let Some(first) = self.left.front() else {
                return Ok(SweepEnd::Complete);
            };
            if self.control.is_cancelled() {
                return Ok(SweepEnd::Cancelled);
            }
            let most = self.cost_model.side_by_side(first, self.jobs);
            let tasks = schedule::take_batch(&mut self.left, most, self.jobs);
            let mut open: Vec<Task> = tasks.clone();
            let ended = catch_unwind(AssertUnwindSafe(|| self.train(tasks, &mut open)));
            let reason = match ended {
                // Of the last group nothing is left to tell that it was cut short.
                Ok(Ok(())) if !open.is_empty() => return Ok(SweepEnd::Cancelled),
                Ok(Ok(())) => continue,
                Ok(Err(BatchError::Sweep(error))) => return Err(error),
                Ok(Err(BatchError::Runs(error))) => error.to_string(),
                Err(panic) => panic_message(panic.as_ref()),
            };
            // Another time it may go well (a lost device, no memory left): the file is told nothing.
            for task in open {
                self.end(&task);
                self.told.emit(SweepEvent::Failed {
                    run: task.run,
                    reason: reason.clone(),
                });
            }
        }
    }

    /// Trains `tasks` side by side; those that have not ended stay in `open`.
    fn train(&mut self, tasks: Vec<Task>, open: &mut Vec<Task>) -> Result<(), BatchError> {
        let Some(first) = tasks.first() else {
            return Ok(());
        };
        let (dataset, _) = self
            .library
            .data(&first.spec.data)
            .map_err(SweepError::from)?;
        let (device, report) = self
            .library
            .device(first.spec.config.device)
            .map_err(SweepError::from)?;
        let cost = self.cost_model.seconds(first);
        self.told.emit(SweepEvent::Started {
            runs: tasks.iter().map(|task| task.run).collect(),
        });
        let begun = Instant::now();
        let (mut group, turn) =
            RunBatch::new(tasks, &dataset, &device, report.name.clone(), self.jobs)?;
        self.on_update(turn, &report.name, open)?;
        self.commit_finished(&mut group, open)?;
        self.cost_model.spend(begun.elapsed().as_secs_f64());
        while !group.is_empty() {
            let begun = Instant::now();
            let inbox = self.control.inbox();
            let turn = group.advance(|| inbox.is_empty())?;
            self.on_update(turn, &report.name, open)?;
            self.commit_finished(&mut group, open)?;
            self.cost_model.spend(begun.elapsed().as_secs_f64());
            self.control.handle_commands();
            if self.control.is_cancelled() {
                return Ok(());
            }
            for run in group.drop_runs(|run| self.control.is_skipped(run)) {
                self.close(run, open);
                self.told.emit(SweepEvent::Skipped { run });
            }
            self.emit_progress(&group, cost);
        }
        Ok(())
    }

    /// Commits the runs of `group` that are done, each as soon as it is.
    fn commit_finished(
        &mut self,
        group: &mut RunBatch,
        open: &mut Vec<Task>,
    ) -> Result<(), BatchError> {
        for (task, record) in group.take_finished()? {
            let id = self
                .store
                .commit(&task.data, &record)
                .map_err(SweepError::from)?;
            self.close(task.run, open);
            self.told.emit(SweepEvent::Finished {
                run: task.run,
                id,
                record: Box::new(record),
            });
        }
        Ok(())
    }

    fn on_update(
        &mut self,
        turn: BatchUpdate,
        device: &str,
        open: &mut Vec<Task>,
    ) -> Result<(), BatchError> {
        for (run, evaluation) in turn.evaluated {
            self.told.emit(SweepEvent::Evaluated { run, evaluation });
        }
        for (task, reason) in turn.broken {
            let (dataset, _) = self
                .library
                .data(&task.spec.data)
                .map_err(SweepError::from)?;
            let failure = FailedRun {
                spec: task.spec.clone(),
                data_name: dataset.name.clone(),
                program: PROGRAM.to_owned(),
                device: device.to_owned(),
                reason: reason.clone(),
                finished: SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .map_or(0, |since| since.as_secs()),
            };
            self.store
                .commit_failure(&task.data, &failure)
                .map_err(SweepError::from)?;
            self.close(task.run, open);
            self.told.emit(SweepEvent::Failed {
                run: task.run,
                reason,
            });
        }
        Ok(())
    }

    fn emit_progress(&self, group: &RunBatch, cost: f64) {
        let running = group.runs();
        let steps = group.steps();
        let share = steps[0] as f64 / steps[1].max(1) as f64;
        let under_way = cost * running.len() as f64 * share;
        self.told.emit(SweepEvent::Progress(Progress {
            running,
            steps,
            images_per_second: group.images_per_second(),
            ended: self.ended,
            share: self.cost_model.share(under_way),
            seconds_left: self.cost_model.left(under_way),
        }));
    }

    fn leave_out_skipped(&mut self) {
        let control = &self.control;
        let (unwanted, left) = std::mem::take(&mut self.left)
            .into_iter()
            .partition::<VecDeque<_>, _>(|task| control.is_skipped(task.run));
        self.left = left;
        for task in unwanted {
            self.end(&task);
            self.told.emit(SweepEvent::Skipped { run: task.run });
        }
    }

    fn close(&mut self, run: usize, open: &mut Vec<Task>) {
        if let Some(place) = open.iter().position(|task| task.run == run) {
            let task = open.remove(place);
            self.end(&task);
        }
    }

    fn end(&mut self, task: &Task) {
        self.ended += 1;
        self.cost_model.end(task);
    }
}

/// What can end a group before its time.
enum BatchError {
    /// Its runs alone.
    Runs(TrainError),
    /// All that follow as well.
    Sweep(SweepError),
}

impl From<TrainError> for BatchError {
    fn from(error: TrainError) -> Self {
        Self::Runs(error)
    }
}

impl From<SweepError> for BatchError {
    fn from(error: SweepError) -> Self {
        Self::Sweep(error)
    }
}
