//! A sweep from its list of runs to the last record.

use std::{
    collections::{HashSet, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use crossbeam_channel::{Receiver, TryRecvError};

use super::{
    Options, Outlook, Progress, SweepCommand, SweepEnd, SweepEvent, Told,
    group::{Group, PROGRAM, Turn},
    tasks::{self, Task},
};
use crate::{
    data::LoadError,
    experiment::{
        Identity, RunSpec, Store,
        estimate::Cost,
        library::Library,
        memory,
        store::{Failure, Known, StoreError},
    },
    train::{device::DeviceError, trainer::TrainError, worker::panic_message},
};

/// Runs that end together shall not take longer than this by the measure, in seconds: who is killed
/// loses no more.
const LOSS_AT_MOST: f64 = 300.0;

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
    let store = if options.outlook_only && !file.exists() {
        None
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
    let left = select(specs, store.as_ref(), options.again, library, &mut outlook)?;
    let costs = measure(&left, options.jobs, library, &mut outlook)?;
    told.event(SweepEvent::Prepared(outlook));
    let Some(store) = store.filter(|_| !options.outlook_only) else {
        return Ok(SweepEnd::Complete);
    };
    let all = left.iter().map(|task| seconds(task, &costs)).sum();
    let mut sweep = Sweep {
        jobs: options.jobs,
        library,
        store,
        control: Control {
            inbox,
            told,
            paused: false,
            cancelled: false,
            skipped: HashSet::new(),
        },
        told,
        left,
        costs,
        ended: 0,
        work: Work {
            all,
            done: 0.0,
            spent: 0.0,
        },
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
        });
    }
    Ok(left)
}

/// What the runs of every kind cost.
fn measure(
    left: &VecDeque<Task>,
    jobs: usize,
    library: &mut Library,
    outlook: &mut Outlook,
) -> Result<Vec<(RunSpec, Cost)>, SweepError> {
    let mut costs: Vec<(RunSpec, Cost)> = Vec::new();
    for task in left {
        let kind = task.kind();
        if costs.iter().any(|(known, _)| *known == kind) {
            continue;
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
        costs.push((kind, cost));
    }
    outlook.seconds = left.iter().map(|task| seconds(task, &costs)).sum();
    let mut planned = left.clone();
    while let Some(first) = planned.front() {
        let Some(cost) = cost(first, &costs) else {
            break;
        };
        let most = side_by_side(&cost, first.spec.epochs, jobs);
        let group = tasks::take(&mut planned, most, jobs);
        outlook.side_by_side = outlook.side_by_side.max(group.len());
        outlook.bytes = outlook.bytes.max(cost.bytes(group.len(), jobs));
    }
    Ok(costs)
}

fn cost(task: &Task, costs: &[(RunSpec, Cost)]) -> Option<Cost> {
    let kind = task.kind();
    let found = costs.iter().find(|(known, _)| *known == kind);
    found.map(|(_, cost)| *cost)
}

/// Seconds of a run by the measure.
fn seconds(task: &Task, costs: &[(RunSpec, Cost)]) -> f64 {
    cost(task, costs).map_or(0.0, |cost| cost.run(task.spec.epochs))
}

/// How many networks are trained side by side: as many as fit into memory, but no more than what may be lost
/// at a time, if that keeps all threads busy.
fn side_by_side(cost: &Cost, epochs: u64, jobs: usize) -> usize {
    let budget = memory::budget();
    let by_time = (LOSS_AT_MOST / cost.run(epochs).max(1e-9)) as usize;
    let mut networks = by_time.clamp(jobs.max(1), 1000);
    while networks > 1 && cost.bytes(networks, jobs) > budget {
        networks -= 1;
    }
    networks
}

/// Work in seconds by the measure, and what was really spent on it.
struct Work {
    all: f64,
    done: f64,
    spent: f64,
}

impl Work {
    /// What is left of it, as long as it takes at the pace so far.
    fn left(&self, under_way: f64) -> f64 {
        let done = self.done + under_way;
        let left = (self.all - done).max(0.0);
        // A moment says little about the pace.
        if self.spent > 2.0 && done > 0.0 {
            left * self.spent / done
        } else {
            left
        }
    }
}

/// A sweep on its way.
struct Sweep<'a> {
    jobs: usize,
    library: &'a mut Library,
    store: Store,
    control: Control<'a>,
    told: &'a Told,
    left: VecDeque<Task>,
    costs: Vec<(RunSpec, Cost)>,
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
            if self.control.cancelled {
                return Ok(SweepEnd::Cancelled);
            }
            let most = cost(first, &self.costs)
                .map_or(1, |cost| side_by_side(&cost, first.spec.epochs, self.jobs));
            let tasks = tasks::take(&mut self.left, most, self.jobs);
            let mut open: Vec<Task> = tasks.clone();
            let ended = catch_unwind(AssertUnwindSafe(|| self.train(tasks, &mut open)));
            let reason = match ended {
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
        let cost: f64 = seconds(first, &self.costs);
        self.told.event(SweepEvent::Begun {
            runs: tasks.iter().map(|task| task.run).collect(),
        });
        let begun = Instant::now();
        let (mut group, turn) =
            Group::new(tasks, &dataset, &device, report.name.clone(), self.jobs)?;
        self.hear(turn, &report.name, open)?;
        self.work.spent += begun.elapsed().as_secs_f64();
        while !group.is_done() {
            let begun = Instant::now();
            let inbox = self.control.inbox;
            let turn = group.advance(|| inbox.is_empty())?;
            self.work.spent += begun.elapsed().as_secs_f64();
            self.hear(turn, &report.name, open)?;
            self.control.obey();
            if self.control.cancelled {
                return Ok(());
            }
            for run in group.drop_runs(|run| self.control.skipped.contains(&run)) {
                self.close(run, open);
                self.told.event(SweepEvent::Skipped { run });
            }
            self.tell_progress(&group, cost);
        }
        let begun = Instant::now();
        for (task, record) in group.records()? {
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
        self.work.spent += begun.elapsed().as_secs_f64();
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
        let done = self.work.done + under_way;
        self.told.event(SweepEvent::Progress(Progress {
            running,
            steps,
            images_per_second: group.images_per_second(),
            ended: self.ended,
            share: (done / self.work.all.max(1e-9)).clamp(0.0, 1.0),
            seconds_left: self.work.left(under_way),
        }));
    }

    fn leave_out_skipped(&mut self) {
        let skipped = &self.control.skipped;
        let (unwanted, left) = std::mem::take(&mut self.left)
            .into_iter()
            .partition::<VecDeque<_>, _>(|task| skipped.contains(&task.run));
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
        self.work.done += seconds(task, &self.costs);
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

/// What was asked for from outside.
struct Control<'a> {
    inbox: &'a Receiver<SweepCommand>,
    told: &'a Told,
    paused: bool,
    cancelled: bool,
    skipped: HashSet<usize>,
}

impl Control<'_> {
    /// Hears all that was asked; returns when it may go on or is to end.
    fn obey(&mut self) {
        while !self.cancelled {
            let next = if self.paused {
                self.inbox.recv().map_err(|_| TryRecvError::Disconnected)
            } else {
                self.inbox.try_recv()
            };
            match next {
                Ok(SweepCommand::Pause) => self.pause(true),
                Ok(SweepCommand::Resume) => self.pause(false),
                Ok(SweepCommand::Skip(run)) => {
                    self.skipped.insert(run);
                }
                Ok(SweepCommand::Cancel) | Err(TryRecvError::Disconnected) => self.cancelled = true,
                Err(TryRecvError::Empty) => return,
            }
        }
    }

    fn pause(&mut self, paused: bool) {
        if self.paused != paused {
            self.paused = paused;
            self.told.event(SweepEvent::Paused(paused));
        }
    }
}
