//! The training thread: commands in, events and snapshots out.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::common::assert_drop_ends;
use cre_lab::{
    data::{BundledSet, DataSource, Dataset},
    model::{Architecture, Lambda},
    train::{
        Command, DeviceChoice, Evaluation, Event, Lane, Mark, Probe, RunConfig, RunError, RunId,
        RunStart, RunState, Snapshot, SnapshotSet, Worker,
    },
};
use crossbeam_channel::bounded;

/// Long enough for a loaded machine, and only ever reached by a failing test.
const TIME_LIMIT: Duration = Duration::from_mins(1);

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
    let lane = config.lane();
    start_lanes(run, config, &[lane], paused)
}

fn start_lanes(run: u64, config: RunConfig, lanes: &[Lane], paused: bool) -> Command {
    let dataset = mnist();
    Command::Reset(Box::new(RunStart {
        run: RunId(run),
        lanes: lanes.to_vec(),
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
    let mut received = Vec::new();
    let until = Instant::now() + TIME_LIMIT;
    loop {
        let event = worker
            .events()
            .recv_deadline(until)
            .unwrap_or_else(|_| panic!("no such event; received: {received:#?}"));
        let found = pick(&event);
        received.push(event);
        if let Some(found) = found {
            return (found, received);
        }
    }
}

fn evaluated(event: &Event) -> Option<Evaluation> {
    match event {
        Event::Evaluated { evaluation, .. } => Some(*evaluation),
        _ => None,
    }
}

fn wait_for_state(worker: &Worker, expected: RunState) {
    wait(worker, |event| match event {
        Event::State { state, .. } if *state == expected => Some(()),
        _ => None,
    });
}

fn panorama(worker: &Worker, fits: impl Fn(&SnapshotSet) -> bool) -> SnapshotSet {
    let until = Instant::now() + TIME_LIMIT;
    loop {
        let panorama = worker.snapshots().recv_deadline(until).unwrap();
        if fits(&panorama) {
            return panorama;
        }
    }
}

/// The only lane's.
fn snapshot(worker: &Worker, fits: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let mut lanes = panorama(worker, |panorama| fits(&panorama.lanes[0])).lanes;
    assert_eq!(lanes.len(), 1);
    lanes.remove(0)
}

#[test]
fn start_losses_and_evaluations_of_a_run_are_reported_in_order() {
    let worker = worker();
    worker.send(start(3, small(), true));
    worker.send(Command::Epoch);
    let (before, received) = wait(&worker, evaluated);
    assert!(matches!(
        received[0],
        Event::Started {
            run: RunId(3),
            steps_per_epoch: 19,
            parameters: 5_531,
            ..
        }
    ));
    assert_eq!((before.epoch, before.step), (0, 0));
    assert!(before.train.is_none());
    // An untrained classifier has a cross-entropy of about ln 10 nats.
    assert!((before.test.ce - 10f64.ln()).abs() < 0.3, "{before:?}");

    let (after, received) = wait(&worker, evaluated);
    assert_eq!((after.epoch, after.step), (1, 19));
    assert!(after.test.mse < before.test.mse);
    assert!(after.images_per_second > 0.0);
    let steps: Vec<u64> = received
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
fn lambda_changes_without_a_restart_and_snapshots_name_their_lambda() {
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
fn a_paused_run_takes_single_steps() {
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
    // Nothing changes now, so nothing is reported or computed.
    while worker
        .events()
        .recv_timeout(Duration::from_millis(300))
        .is_ok()
    {}
    assert!(worker.snapshots().is_empty());
}

#[test]
fn snapshots_contain_the_requested_probe() {
    let worker = worker();
    worker.send(start(1, small(), true));
    let shown = snapshot(&worker, |_| true);
    assert_eq!(shown.points.len(), 50);
    assert_eq!(shown.latents.len(), 50 * 3);
    assert_eq!(shown.predicted.len(), 50);
    assert_eq!(shown.grid.len(), 10);
    assert_eq!(shown.dead.len(), 3);
    let selected = shown.selected.as_ref().unwrap();
    assert_eq!(selected.index, 7);
    assert_eq!(selected.reconstruction.len(), 784);
    let sum: f32 = selected.probabilities.iter().sum();
    assert!((sum - 1.0).abs() < 1e-5);

    // Also a probe that does not fit the data, as after a change of data set.
    let probe = Probe {
        cloud: Arc::new([1, 5_000_000]),
        grid: Arc::new([u32::MAX]),
        selected: Some(4_000),
        custom_image: Some(Arc::new([1, 2, 3])),
        ..Probe::default()
    };
    worker.send(Command::Probe(probe));
    let shown = snapshot(&worker, |snapshot| snapshot.points.len() != 50);
    assert_eq!(&*shown.probe.cloud, [1]);
    assert!(shown.grid.is_empty() && shown.selected.is_none() && shown.custom_image.is_none());
}

#[test]
fn a_run_that_cannot_start_leaves_the_current_one_unchanged() {
    let worker = worker();
    worker.send(start(1, small(), true));
    let before = snapshot(&worker, |_| true);
    let greedy = RunConfig {
        batch_size: 1_000_000,
        ..small()
    };
    worker.send(start(2, greedy, false));
    let (reason, _) = wait(&worker, |event| match event {
        Event::Error {
            run: RunId(2),
            error: RunError::CannotStart { reason, .. },
        } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(
        reason,
        "batch size 1000000 is larger than the 10000 training images"
    );
    worker.send(Command::Step);
    let after = snapshot(&worker, |snapshot| snapshot.step == 1);
    assert_eq!((before.run, after.run), (RunId(1), RunId(1)));
}

#[test]
fn a_nan_loss_pauses_the_run_and_the_last_finite_epoch_is_restored() {
    let worker = worker();
    worker.send(start(1, small(), true));
    worker.send(Command::Epoch);
    let (before, _) = wait(&worker, evaluated);
    let (good, _) = wait(&worker, evaluated);
    assert!(before.test.is_finite() && good.test.is_finite());
    worker.send(Command::SetLearningRate(1e38));
    worker.send(Command::Resume);
    let (rolls_back, _) = wait(&worker, |event| match event {
        Event::Error {
            error: RunError::NotFinite { can_roll_back, .. },
            ..
        } => Some(*can_roll_back),
        _ => None,
    });
    assert!(rolls_back);
    worker.send(Command::SetLearningRate(1e-3));
    worker.send(Command::RollBack { lane: 0 });
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

fn lanes(of: &[(f64, u64)]) -> Vec<Lane> {
    of.iter()
        .map(|&(lambda, seed)| Lane {
            lambda: Lambda::new(lambda).unwrap(),
            seed,
        })
        .collect()
}

/// The evaluations of all `count` lanes after `epoch` epochs, and all that came before the last of them.
fn evaluations(worker: &Worker, epoch: u64, count: usize) -> (Vec<Evaluation>, Vec<Event>) {
    let mut found = vec![None; count];
    let ((), received) = wait(worker, |event| {
        if let Event::Evaluated {
            lane, evaluation, ..
        } = event
            && evaluation.epoch == epoch
        {
            found[*lane] = Some(*evaluation);
        }
        found.iter().all(Option::is_some).then_some(())
    });
    (found.into_iter().map(Option::unwrap).collect(), received)
}

#[test]
fn a_lane_of_a_spectrum_equals_the_single_run_with_its_lambda_and_seed() {
    let spectrum = lanes(&[(0.0, 3), (0.3, 3), (1.0, 3), (0.3, 4)]);
    let worker = worker();
    worker.send(start_lanes(1, small(), &spectrum, true));
    worker.send(Command::Epoch);
    evaluations(&worker, 0, 4);
    let (together, received) = evaluations(&worker, 1, 4);
    let shown = panorama(&worker, |panorama| {
        panorama.lanes.iter().all(|lane| lane.step == 19)
    });
    assert_eq!(shown.alignments.len(), 4);
    for (index, lane) in spectrum.iter().enumerate() {
        let mut steps = Vec::new();
        for event in &received {
            if let Event::Losses { lane, losses, .. } = event
                && *lane == index
            {
                steps.extend_from_slice(losses);
            }
        }
        let reported: Vec<u64> = steps.iter().map(|step| step.step).collect();
        assert_eq!(
            reported,
            (1..=19).collect::<Vec<_>>(),
            "every lane reports its own steps"
        );

        let config = RunConfig {
            lambda: lane.lambda,
            seed: lane.seed,
            ..small()
        };
        worker.send(start(2 + index as u64, config, true));
        worker.send(Command::Epoch);
        let (alone, _) = evaluations(&worker, 1, 1);
        assert_eq!(together[index].test, alone[0].test);
        assert_eq!(together[index].train, alone[0].train);
        let run = RunId(2 + index as u64);
        let alone = panorama(&worker, |panorama| {
            panorama.run == run && panorama.lanes[0].step == 19
        });
        assert_eq!(shown.lanes[index].lambda, lane.lambda);
        assert_eq!(shown.lanes[index].latents, alone.lanes[0].latents);
        assert_eq!(shown.lanes[index].grid, alone.lanes[0].grid);
        assert_eq!(shown.lanes[index].selected, alone.lanes[0].selected);
    }
}

#[test]
fn setting_lambda_does_not_affect_the_lanes_of_a_spectrum() {
    let worker = worker();
    worker.send(start_lanes(1, small(), &lanes(&[(0.0, 3), (1.0, 3)]), true));
    worker.send(Command::SetLambda(Lambda::BALANCED));
    worker.send(Command::SetLearningRate(2e-3));
    let mut marked = Vec::new();
    wait(&worker, |event| {
        if let Event::Marked { lane, mark, .. } = event {
            marked.push((*lane, *mark));
        }
        (marked.len() == 2).then_some(())
    });
    assert_eq!(
        marked,
        [(0, Mark::LearningRate(2e-3)), (1, Mark::LearningRate(2e-3))]
    );
    let shown = panorama(&worker, |_| true);
    let lambdas: Vec<f64> = shown.lanes.iter().map(|lane| lane.lambda.value()).collect();
    assert_eq!(lambdas, [0.0, 1.0]);
}

#[test]
fn a_diverged_lane_stops_and_catches_up_after_a_rollback() {
    let worker = worker();
    let spectrum = lanes(&[(0.0, 3), (0.5, 3), (1.0, 3)]);
    worker.send(start_lanes(1, small(), &spectrum, true));
    worker.send(Command::Epoch);
    evaluations(&worker, 1, 3);
    worker.send(Command::SetLearningRate(1e38));
    worker.send(Command::Step);
    wait(&worker, |event| match event {
        Event::Losses { losses, .. } => losses.iter().find(|step| step.step == 20).copied(),
        _ => None,
    });
    worker.send(Command::SetLearningRate(1e-3));
    worker.send(Command::Resume);
    let mut broken = Vec::new();
    wait(&worker, |event| {
        if let Event::Error {
            error:
                RunError::NotFinite {
                    lane,
                    can_roll_back: true,
                    ..
                },
            ..
        } = event
        {
            broken.push(*lane);
        }
        (!broken.is_empty()).then_some(())
    });
    worker.send(Command::Pause);
    for lane in 0..3 {
        worker.send(Command::RollBack { lane });
    }
    let mut back = Vec::new();
    wait(&worker, |event| {
        if let Event::RolledBack { lane, step, .. } = event {
            back.push((*lane, *step));
        }
        (back.len() == 3).then_some(())
    });
    assert!(back.iter().all(|(_, step)| step % 19 == 0), "{back:?}");
    worker.send(Command::Resume);
    let mut epochs = [0; 3];
    wait(&worker, |event| {
        if let Event::Evaluated {
            lane, evaluation, ..
        } = event
            && evaluation.test.is_finite()
        {
            epochs[*lane] = evaluation.epoch;
        }
        epochs.iter().all(|epoch| *epoch >= 3).then_some(())
    });
}

#[test]
fn a_run_that_exceeds_the_memory_is_refused_before_allocation() {
    let worker = worker();
    let config = RunConfig {
        architecture: Architecture::FcLarge,
        ..small()
    };
    let spectrum = lanes(&[(0.5, 3)]).repeat(1_000_000);
    worker.send(start_lanes(1, config, &spectrum, true));
    let (reason, _) = wait(&worker, |event| match event {
        Event::Error {
            error: RunError::CannotStart { reason, .. },
            ..
        } => Some(reason.clone()),
        _ => None,
    });
    assert!(reason.starts_with("1000000 networks of "), "{reason}");
    assert!(reason.contains("or at most "), "{reason}");
}

/// CNN Large tests some 70 images a second; there are 2,000.
#[test]
fn commands_interrupt_a_slow_evaluation() {
    let worker = worker();
    let large = RunConfig {
        architecture: Architecture::CnnLarge,
        ..small()
    };
    worker.send(start(1, large, false));
    let (share, received) = wait(&worker, |event| match event {
        Event::EvaluationProgress { share, .. } => Some(*share),
        _ => None,
    });
    assert!(share > 0.0 && share < 1.0, "{share}");
    assert!(received.iter().all(|event| evaluated(event).is_none()));
    // The first picture is there before the metrics…
    assert_eq!(snapshot(&worker, |_| true).step, 0);
    // …and what is asked for is done before them, too.
    worker.send(start(2, small(), true));
    let (_, received) = wait(&worker, evaluated);
    let last = received.last().unwrap();
    assert_eq!(last.run(), RunId(2), "{received:#?}");
}

/// A callback stands in for a device call that never returns: both block the training thread.
#[test]
fn dropping_a_worker_does_not_wait_for_a_hanging_thread() {
    let (release, released) = bounded::<()>(0);
    let (hangs, hanging) = bounded(1);
    let worker = Worker::spawn(move || {
        let _ = hangs.try_send(());
        let _ = released.recv();
    })
    .unwrap();
    worker.send(start(1, small(), false));
    hanging.recv_timeout(TIME_LIMIT).unwrap();
    assert_drop_ends(worker, TIME_LIMIT);
    drop(release);
}
