//! Runs in files: what is saved goes on as if never stopped, and what is no run is refused.

use crate::common;
use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use cre_lab::{
    data::{DataSource, Dataset, ImageShape},
    model::{Architecture, Lambda, VitOptions},
    train::{
        Command, DeviceChoice, Event, Mark, Probe, RunConfig, RunId, RunStart, Worker,
        checkpoint::{Checkpoint, metadata::ExactF64, recorder::SavePaths},
    },
};

/// Only ever reached by a failing test.
const TIME_LIMIT: Duration = Duration::from_mins(5);

/// Three batches an epoch.
fn noise(shape: ImageShape) -> Arc<Dataset> {
    let mut dataset = common::dataset(shape, 3, 7, 4);
    // Turned inputs depend on the step, so a wrong step shows.
    dataset.rotation = 15.0;
    Arc::new(dataset)
}

fn config(architecture: Architecture) -> RunConfig {
    RunConfig {
        architecture,
        batch_size: 2,
        seed: u64::MAX - 3,
        lambda: Lambda::new(0.1 + 0.2).unwrap(),
        device: DeviceChoice::Cpu,
        ..RunConfig::default()
    }
}

fn start(config: &RunConfig, dataset: &Arc<Dataset>) -> Box<RunStart> {
    Box::new(RunStart {
        run: RunId(1),
        lanes: vec![config.lane()],
        config: config.clone(),
        dataset: dataset.clone(),
        probe: Probe::default(),
        paused: true,
    })
}

fn target(file: &Path) -> SavePaths {
    SavePaths {
        file: file.to_owned(),
        best: Some(file.with_extension("best")),
        source: DataSource::default(),
    }
}

/// Takes `steps` steps one by one, then saves to `file` and reads what was saved.
fn train_and_save(worker: &Worker, steps: u64, file: &Path) -> Checkpoint {
    for _ in 0..steps {
        worker.send(Command::Step);
        // Each step must be taken before the next is asked for.
        wait(worker, |event| matches!(event, Event::Losses { .. }));
    }
    worker.send(Command::Save(target(file)));
    wait(worker, |event| matches!(event, Event::Saved { .. }));
    Checkpoint::load(file).unwrap()
}

fn wait(worker: &Worker, is_it: impl Fn(&Event) -> bool) {
    let begun = Instant::now();
    loop {
        let event = worker.events().recv_timeout(TIME_LIMIT).unwrap();
        assert!(!matches!(event, Event::Error { .. }), "{event:?}");
        if is_it(&event) {
            return;
        }
        assert!(begun.elapsed() < TIME_LIMIT, "timed out");
    }
}

/// What the clock decides, made the same.
fn without_times(saved: &Checkpoint) -> String {
    let mut notes = saved.metadata.clone();
    notes.epoch.seconds = ExactF64(0.0);
    let text = format!("{notes:?}{:?}", saved.history);
    let mut parts = text.split("images_per_second: ");
    let mut kept = parts.next().unwrap().to_owned();
    for part in parts {
        kept += part.split_once([',', ' ', '}']).unwrap().1;
    }
    kept
}

/// A run of `architecture` that was stopped in the middle of an epoch and goes on from its file is,
/// bit for bit, the one that was never stopped.
fn a_resumed_run_equals_an_uninterrupted_one(architecture: Architecture, dataset: &Arc<Dataset>) {
    goes_on_with(&config(architecture), dataset);
}

fn goes_on_with(config: &RunConfig, dataset: &Arc<Dataset>) {
    let folder = tempfile::tempdir().unwrap();
    let whole = Worker::spawn(|| {}).unwrap();
    whole.send(Command::Reset(start(config, dataset)));
    // In the middle of the second epoch.
    let half = train_and_save(&whole, 4, &folder.path().join("half"));
    whole.send(Command::SetLambda(Lambda::new(0.7).unwrap()));
    whole.send(Command::SetLearningRate(3e-4));
    let expected = train_and_save(&whole, 4, &folder.path().join("whole"));

    let resumed = Worker::spawn(|| {}).unwrap();
    resumed.send(Command::ResumeRun(
        start(&half.config(), dataset),
        Arc::new(half),
    ));
    resumed.send(Command::SetLambda(Lambda::new(0.7).unwrap()));
    resumed.send(Command::SetLearningRate(3e-4));
    let got = train_and_save(&resumed, 4, &folder.path().join("resumed"));

    assert_eq!(got.weights(), expected.weights());
    assert_eq!(without_times(&got), without_times(&expected));
    assert!(got.best_weights().is_some());
    assert_eq!(got.best_weights(), expected.best_weights());
    assert_eq!(got.metadata.step, 8);
    assert_eq!(got.history.evaluations().len(), 3, "epochs 0, 1 and 2");
    let marks: Vec<Mark> = got.history.marks().iter().map(|m| m.mark).collect();
    assert!(marks.contains(&Mark::LearningRate(3e-4)), "{marks:?}");
    let again = Checkpoint::from_bytes(&got.to_bytes().unwrap()).unwrap();
    assert_eq!(again, got, "what is written is read");
}

#[test]
fn fc_small_goes_on() {
    a_resumed_run_equals_an_uninterrupted_one(Architecture::FcSmall, &noise(ImageShape::GREY_28));
}

#[test]
fn fc_large_goes_on() {
    a_resumed_run_equals_an_uninterrupted_one(Architecture::FcLarge, &noise(ImageShape::GREY_28));
}

#[test]
fn cnn_small_goes_on() {
    a_resumed_run_equals_an_uninterrupted_one(Architecture::CnnSmall, &noise(ImageShape::GREY_28));
}

/// With dropout and batch normalisation.
#[test]
fn cnn_large_goes_on() {
    a_resumed_run_equals_an_uninterrupted_one(
        Architecture::CnnLarge,
        &noise(ImageShape::COLOUR_32),
    );
}

/// With hidden patches, which depend on the step.
#[test]
fn vit_goes_on() {
    let config = RunConfig {
        vit: VitOptions {
            mask_ratio: 0.5,
            ..VitOptions::default()
        },
        ..config(Architecture::Vit)
    };
    goes_on_with(&config, &noise(ImageShape::GREY_28));
}

#[test]
fn invalid_checkpoints_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("run.safetensors");
    let worker = Worker::spawn(|| {}).unwrap();
    let dataset = noise(ImageShape::GREY_28);
    worker.send(Command::Reset(start(
        &config(Architecture::FcSmall),
        &dataset,
    )));
    let sound = train_and_save(&worker, 3, &file).to_bytes().unwrap();

    let reason = |bytes: &[u8]| Checkpoint::from_bytes(bytes).unwrap_err();
    let swapped = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let index = sound.windows(from.len()).position(|w| w == from.as_bytes());
        let index = index.unwrap_or_else(|| panic!("{from} is not in the file"));
        let mut bytes = sound.clone();
        bytes[index..index + to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    for (bytes, named) in [
        (Vec::new(), "too short"),
        (sound[..sound.len() / 2].to_vec(), "valid safetensors"),
        (vec![0xFF; 64], "header is larger"),
        (
            swapped("cre-lab run", "some format"),
            "not a checkpoint of CRE Lab",
        ),
        (
            swapped(r#""version":"1""#, r#""version":"2""#),
            "newer version of CRE Lab",
        ),
        (swapped(r"fc-small", r"fc-large"), "FC Large has"),
        (
            swapped("\"encoder.layers.0.weight", "\"encoder.layers.1.weight"),
            "lacks",
        ),
    ] {
        let reason = reason(&bytes);
        assert!(reason.contains(named), "“{reason}” does not say “{named}”");
    }
    let mut broken = sound.clone();
    // The last bytes are a weight's.
    let end = broken.len();
    broken[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    assert!(
        reason(&broken).contains("infinite values"),
        "{}",
        reason(&broken)
    );
}
