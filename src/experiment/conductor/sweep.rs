//! A sweep from its list of runs to the last record.

use std::{
    collections::{HashSet, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use crossbeam_channel::Receiver;

use super::{
    Options, Outlook, Progress, SweepCommand, SweepEnd, SweepEvent, Told,
    control::Control,
    group::{Group, PROGRAM, Turn},
    tasks::{self, Kinds, Task},
    work::Work,
};
use crate::{
    data::LoadError,
    experiment::{
        Identity, RunSpec, Store,
        estimate::Cost,
        library::Library,
        store::{Failure, Fault, Known, StoreError},
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

pub(super) fn carry_out(
    specs: &[RunSpec],
    file: &Path,
    options: Options,
    library: &mut Library,
    inbox: &Receiver<SweepCommand>,
    told: &Told,
) -> Result<SweepEnd, SweepError> {
    let store = if options.outlook_only {
        match Store::open_existing(file) {
            Ok(store) => Some(store),
            Err(error) if matches!(error.fault, Fault::Missing | Fault::Empty) => None,
            Err(error) => return Err(error.into()),
        }
    } else {
        Some(Store::open(file)?)
    };
    let mut outlook = Outlook {
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
    let work = Work::of(&left, costs);
    outlook.seconds = work.all();
    let mut planned = left.clone();
    while let Some(first) = planned.front().cloned() {
        let most = work.side_by_side(&first, options.jobs);
        let group = tasks::take(&mut planned, most, options.jobs).len();
        outlook.side_by_side = outlook.side_by_side.max(group);
        let bytes = work.bytes(&first, group, options.jobs);
        outlook.bytes = outlook.bytes.max(bytes);
    }
    told.event(SweepEvent::Prepared(outlook));
    let Some(store) = store.filter(|_| !options.outlook_only) else {
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
        work,
    };
    sweep.run()
}

/// The runs that are to be done.
fn select(
    specs: &[RunSpec],
    store: Option<&Store>,
    again: bool,
    library: &mut Library,
    outlook: &mut Outlook,
) -> Result<VecDeque<Task>, SweepError> {
    let mut left = VecDeque::new();
    let mut seen = HashSet::new();
    let mut kinds = Kinds::default();
    for (run, spec) in specs.iter().enumerate() {
        let (dataset, data) = library.data(&spec.data)?;
        let key = Identity::of_run(spec, &data);
        let known = match store {
            Some(store) if !again => store.known(&key)?,
            _ => None,
        };
        outlook.failed += usize::from(known == Some(Known::Failed));
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
    library: &mut Library,
    control: &mut Control<'_>,
    outlook: &mut Outlook,
) -> Result<Option<Vec<Cost>>, SweepError> {
    let mut costs: Vec<Cost> = Vec::new();
    for task in left {
        // Kinds are counted in the order in which they come.
        if task.kind < costs.len() {
            continue;
        }
        control.obey();
        if control.is_cancelled() {
            return Ok(None);
        }
        let (dataset, _) = library.data(&task.spec.data)?;
        let (device, report) = library.device(task.spec.config.device)?;
        let cost = Cost::measure(&task.spec.config, &dataset, &device, jobs).map_err(|reason| {
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
    library: &'a mut Library,
    store: Store,
    control: Control<'a>,
    told: &'a Told,
    left: VecDeque<Task>,
    ended: usize,
    work: Work,
}

impl Sweep<'_> {
    fn run(&mut self) -> Result<SweepEnd, SweepError> {
        loop {
            self.control.obey();
            self.leave_out_skipped();
            let Some(first) = self.left.front() else {
                return Ok(SweepEnd::Complete);
            };
            if self.control.is_cancelled() {
                return Ok(SweepEnd::Cancelled);
            }
            let most = self.work.side_by_side(first, self.jobs);
            let tasks = tasks::take(&mut self.left, most, self.jobs);
            let mut open: Vec<Task> = tasks.clone();
            let ended = catch_unwind(AssertUnwindSafe(|| self.train(tasks, &mut open)));
            let reason = match ended {
                // Of the last group nothing is left to tell that it was cut short.
                Ok(Ok(())) if !open.is_empty() => return Ok(SweepEnd::Cancelled),
                Ok(Ok(())) => continue,
                Ok(Err(Broken::Sweep(error))) => return Err(error),
                Ok(Err(Broken::Runs(error))) => error.to_string(),
                Err(panic) => panic_message(panic.as_ref()),
            };
            // Another time it may go well (a lost device, no memory left): the file is told nothing.
            for task in open {
                self.end(&task);
                self.told.event(SweepEvent::Failed {
                    run: task.run,
                    reason: reason.clone(),
                });
            }
        }
    }

    /// Trains `tasks` side by side; those that have not ended stay in `open`.
    fn train(&mut self, tasks: Vec<Task>, open: &mut Vec<Task>) -> Result<(), Broken> {
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
        let cost = self.work.seconds(first);
        self.told.event(SweepEvent::Begun {
            runs: tasks.iter().map(|task| task.run).collect(),
        });
        let begun = Instant::now();
        let (mut group, turn) =
            Group::new(tasks, &dataset, &device, report.name.clone(), self.jobs)?;
        self.hear(turn, &report.name, open)?;
        self.keep_finished(&mut group, open)?;
        self.work.spend(begun.elapsed().as_secs_f64());
        while !group.is_empty() {
            let begun = Instant::now();
            let inbox = self.control.inbox();
            let turn = group.advance(|| inbox.is_empty())?;
            self.hear(turn, &report.name, open)?;
            self.keep_finished(&mut group, open)?;
            self.work.spend(begun.elapsed().as_secs_f64());
            self.control.obey();
            if self.control.is_cancelled() {
                return Ok(());
            }
            for run in group.drop_runs(|run| self.control.is_skipped(run)) {
                self.close(run, open);
                self.told.event(SweepEvent::Skipped { run });
            }
            self.tell_progress(&group, cost);
        }
        Ok(())
    }

    /// Commits the runs of `group` that are done, each as soon as it is.
    fn keep_finished(&mut self, group: &mut Group, open: &mut Vec<Task>) -> Result<(), Broken> {
        for (task, record) in group.take_finished()? {
            let id = self
                .store
                .commit(&task.data, &record)
                .map_err(SweepError::from)?;
            self.close(task.run, open);
            self.told.event(SweepEvent::Finished {
                run: task.run,
                id,
                record: Box::new(record),
            });
        }
        Ok(())
    }

    fn hear(&mut self, turn: Turn, device: &str, open: &mut Vec<Task>) -> Result<(), Broken> {
        for (run, evaluation) in turn.evaluated {
            self.told.event(SweepEvent::Evaluated { run, evaluation });
        }
        for (task, reason) in turn.broken {
            let (dataset, _) = self
                .library
                .data(&task.spec.data)
                .map_err(SweepError::from)?;
            let failure = Failure {
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
            self.told.event(SweepEvent::Failed {
                run: task.run,
                reason,
            });
        }
        Ok(())
    }

    fn tell_progress(&self, group: &Group, cost: f64) {
        let running = group.runs();
        let steps = group.steps();
        let share = steps[0] as f64 / steps[1].max(1) as f64;
        let under_way = cost * running.len() as f64 * share;
        self.told.event(SweepEvent::Progress(Progress {
            running,
            steps,
            images_per_second: group.images_per_second(),
            ended: self.ended,
            share: self.work.share(under_way),
            seconds_left: self.work.left(under_way),
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
            self.told.event(SweepEvent::Skipped { run: task.run });
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
        self.work.end(task);
    }
}

/// What can end a group before its time.
enum Broken {
    /// Its runs alone.
    Runs(TrainError),
    /// All that follow as well.
    Sweep(SweepError),
}

impl From<TrainError> for Broken {
    fn from(error: TrainError) -> Self {
        Self::Runs(error)
    }
}

impl From<SweepError> for Broken {
    fn from(error: SweepError) -> Self {
        Self::Sweep(error)
    }
}
