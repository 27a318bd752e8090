//! The training thread, driven by commands and judged by what it tells.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use cre_lab::{
    data::{BundledSet, DataSource, Dataset},
    model::{Architecture, Lambda},
    train::{
        Command, DeviceChoice, Event, Mark, Probe, Problem, RunConfig, RunId, RunState, Snapshot,
        Start, Worker,
    },
};

/// Long enough for a loaded machine, and only ever reached by a failing test.
const PATIENCE: Duration = Duration::from_mins(1);

fn mnist() -> Arc<Dataset> {
    Arc::new(DataSource::Bundled(BundledSet::Mnist).load().unwrap())
}

/// FC Small: its epochs take a fraction of a second.
fn small() -> RunConfig {
    RunConfig {
        architecture: Architecture::FcSmall,
        device: DeviceChoice::Cpu,
        ..RunConfig::default()
    }
}

fn start(run: u64, config: RunConfig, paused: bool) -> Command {
    let dataset = mnist();
    Command::Reset(Box::new(Start {
        run: RunId(run),
        config,
        probe: Probe {
            cloud: dataset.test.first_of_each_class(10, 5).into(),
            grid: dataset.test.first_of_each_class(10, 1).into(),
            selected: Some(7),
            ..Probe::default()
        },
        dataset,
        paused,
    }))
}

fn worker() -> Worker {
    Worker::spawn(|| {}).unwrap()
}

/// Waits for the first event that `pick` finds something in, and returns the skipped ones too.
fn wait<T>(worker: &Worker, mut pick: impl FnMut(&Event) -> Option<T>) -> (T, Vec<Event>) {
    let mut seen = Vec::new();
    let until = Instant::now() + PATIENCE;
    loop {
        let event = worker
            .events()
            .recv_deadline(until)
            .unwrap_or_else(|_| panic!("nothing fitting came; seen: {seen:#?}"));
        let found = pick(&event);
        seen.push(event);
        if let Some(found) = found {
            return (found, seen);
        }
    }
}

fn evaluated(event: &Event) -> Option<cre_lab::train::Evaluation> {
    match event {
        Event::Evaluated { evaluation, .. } => Some(*evaluation),
        _ => None,
    }
}

fn wait_for_state(worker: &Worker, wanted: RunState) {
    wait(worker, |event| match event {
        Event::State { state, .. } if *state == wanted => Some(()),
        _ => None,
    });
}

fn snapshot(worker: &Worker, fits: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let until = Instant::now() + PATIENCE;
    loop {
        let snapshot = worker.snapshots().recv_deadline(until).unwrap();
        if fits(&snapshot) {
            return snapshot;
        }
    }
}

#[test]
fn a_run_tells_its_beginning_its_losses_and_its_epochs_in_order() {
    let worker = worker();
    worker.send(start(3, small(), true));
    worker.send(Command::Epoch);
    let (before, seen) = wait(&worker, evaluated);
    assert!(matches!(
        seen[0],
        Event::Started {
            run: RunId(3),
            steps_per_epoch: 19,
            parameters: 5_531,
            ..
        }
    ));
    assert_eq!((before.epoch, before.step), (0, 0));
    assert!(before.train.is_none());
    // An untrained classifier knows nothing: about ln 10 nats.
    assert!((before.test.ce - 10f64.ln()).abs() < 0.3, "{before:?}");

    let (after, seen) = wait(&worker, evaluated);
    assert_eq!((after.epoch, after.step), (1, 19));
    assert!(after.test.mse < before.test.mse);
    assert!(after.images_per_second > 0.0);
    let steps: Vec<u64> = seen
        .iter()
        .filter_map(|event| match event {
            Event::Losses { losses, .. } => Some(losses.iter().map(|step| step.step)),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(
        steps,
        (1..=19).collect::<Vec<_>>(),
        "no step untold, none twice"
    );
    wait_for_state(&worker, RunState::Paused);
}

#[test]
fn lambda_moves_without_a_restart_and_snapshots_say_which_lambda_they_show() {
    let worker = worker();
    worker.send(start(1, small(), false));
    wait_for_state(&worker, RunState::Training);
    let lambda = Lambda::new(0.9).unwrap();
    worker.send(Command::SetLambda(lambda));
    let (step, _) = wait(&worker, |event| match event {
        Event::Marked {
            step,
            mark: Mark::Lambda(marked),
            ..
        } if *marked == lambda => Some(*step),
        _ => None,
    });
    let shown = snapshot(&worker, |snapshot| snapshot.lambda == lambda);
    assert!(shown.step >= step, "training went on");
    assert_eq!(shown.run, RunId(1));
}

#[test]
fn a_pause_holds_and_one_step_is_one_step() {
    let worker = worker();
    worker.send(start(1, small(), true));
    let first = snapshot(&worker, |_| true);
    assert_eq!(
        first.step, 0,
        "a paused run is looked at before its first step"
    );
    worker.send(Command::Step);
    assert_eq!(snapshot(&worker, |snapshot| snapshot.step > 0).step, 1);
    worker.send(Command::Step);
    assert_eq!(snapshot(&worker, |snapshot| snapshot.step > 1).step, 2);
    // Nothing changes now, so nothing is told and nothing computed.
    while worker
        .events()
        .recv_timeout(Duration::from_millis(300))
        .is_ok()
    {}
    assert!(worker.snapshots().is_empty());
}

#[test]
fn snapshots_show_the_probe_that_was_asked_for() {
    let worker = worker();
    worker.send(start(1, small(), true));
    let shown = snapshot(&worker, |_| true);
    assert_eq!(shown.points.len(), 50);
    assert_eq!(shown.latents.len(), 50 * 3);
    assert_eq!(shown.predicted.len(), 50);
    assert_eq!(shown.grid.len(), 10);
    assert_eq!(shown.dead.len(), 3);
    let selected = shown.selected.unwrap();
    assert_eq!(selected.index, 7);
    assert_eq!(selected.reconstruction.len(), 784);
    let sum: f32 = selected.probabilities.iter().sum();
    assert!((sum - 1.0).abs() < 1e-5);

    // Also a probe that does not fit the data, as after a change of data set.
    let probe = Probe {
        cloud: Arc::new([1, 5_000_000]),
        grid: Arc::new([u32::MAX]),
        selected: Some(4_000),
        own: Some(Arc::new([1, 2, 3])),
        ..Probe::default()
    };
    worker.send(Command::Probe(probe));
    let shown = snapshot(&worker, |snapshot| snapshot.points.len() != 50);
    assert_eq!(&*shown.probe.cloud, [1]);
    assert!(shown.grid.is_empty() && shown.selected.is_none() && shown.own.is_none());
}

#[test]
fn a_run_that_cannot_start_leaves_the_earlier_one_untouched() {
    let worker = worker();
    worker.send(start(1, small(), true));
    let before = snapshot(&worker, |_| true);
    let greedy = RunConfig {
        batch_size: 1_000_000,
        ..small()
    };
    worker.send(start(2, greedy, false));
    let (reason, _) = wait(&worker, |event| match event {
        Event::Problem {
            run: RunId(2),
            problem: Problem::CannotStart { reason },
        } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(
        reason,
        "batch size 1000000 does not fit: the data set has 10000 training images"
    );
    worker.send(Command::Step);
    let after = snapshot(&worker, |snapshot| snapshot.step == 1);
    assert_eq!((before.run, after.run), (RunId(1), RunId(1)));
}

#[test]
fn a_loss_that_is_no_number_pauses_and_the_last_good_epoch_comes_back() {
    let worker = worker();
    worker.send(start(1, small(), true));
    worker.send(Command::Epoch);
    let (before, _) = wait(&worker, evaluated);
    let (good, _) = wait(&worker, evaluated);
    assert!(before.test.is_finite() && good.test.is_finite());
    worker.send(Command::SetLearningRate(1e38));
    worker.send(Command::Resume);
    let (rolls_back, _) = wait(&worker, |event| match event {
        Event::Problem {
            problem: Problem::NotFinite { can_roll_back, .. },
            ..
        } => Some(*can_roll_back),
        _ => None,
    });
    assert!(rolls_back);
    worker.send(Command::SetLearningRate(1e-3));
    worker.send(Command::Rollback);
    let (step, _) = wait(&worker, |event| match event {
        Event::RolledBack { step, .. } => Some(*step),
        _ => None,
    });
    assert_eq!(step, good.step);
    worker.send(Command::Epoch);
    let (next, _) = wait(&worker, evaluated);
    assert_eq!(next.epoch, good.epoch + 1);
    assert!(next.test.is_finite());
}

#[test]
fn all_units_of_a_dead_latent_are_reported() {
    // The worst case on purpose: weights so large that no ReLU of z survives the first updates.
    let worker = worker();
    let config = RunConfig {
        learning_rate: 5.0,
        ..small()
    };
    worker.send(start(1, config, false));
    let dead = snapshot(&worker, |snapshot| snapshot.dead_units() == 3);
    assert!(dead.latents.iter().all(|z| *z == 0.0));
}
