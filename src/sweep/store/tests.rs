use rusqlite::Connection;

use super::*;
use crate::{
    sweep::{EvalSample, Reconstruction, fixtures},
    train::{Evaluation, Metrics, Projection},
};

fn data() -> RunKey {
    "aa".repeat(32).parse().unwrap()
}

fn spec(seed: u64) -> RunSpec {
    record(seed).spec
}

fn record(seed: u64) -> Record {
    // Values whose last bit is easily lost in decimal digits.
    let mut record = fixtures::record(0.1 + 0.2, seed, 1.0, 0.3);
    record.spec.config.learning_rate = 0.444_779_347_253_170_03;
    record.spec.epochs = 1;
    (record.shape.height, record.shape.width) = (1, 2);
    record.class_names = vec!["zero".to_owned(), "“one”".to_owned()];
    let mut before = record.evaluations[0];
    (before.epoch, before.step, before.dead_units) = (0, 0, 1);
    before.test.ce = 1e-300;
    let train = Some(Metrics {
        mse: 0.31,
        ce: 1.0 / 3.0,
        accuracy: 0.9,
    });
    let after = Evaluation {
        epoch: 1,
        step: 19,
        train,
        ..before
    };
    record.evaluations = vec![before, after];
    record.kept = 1;
    record.wall_seconds = 7.25;
    record.eval_sample = EvalSample {
        points: vec![[0.0, 1.5, -2.0]; 2],
        projection: Projection::Pca { explained: 0.75 },
        labels: vec![0, 1],
        predicted: vec![1, 1],
        reconstructions: vec![Reconstruction {
            index: 5,
            label: 1,
            predicted: 0,
            mse: 0.25,
            input: vec![0, 255],
            reconstruction: vec![1, 254],
        }],
    };
    record
}

fn failure(seed: u64) -> FailedRun {
    FailedRun {
        spec: spec(seed),
        data_name: "MNIST".to_owned(),
        program: "cre-lab 0.1.0".to_owned(),
        device: "CPU, 2 threads".to_owned(),
        reason: "loss became NaN or infinite at step 3".to_owned(),
        finished: 1_700_000_000,
    }
}

/// A store in `folder` with these seeds.
fn store(folder: &tempfile::TempDir, name: &str, seeds: &[u64]) -> Store {
    let mut store = Store::open(&folder.path().join("made").join(name)).unwrap();
    for &seed in seeds {
        store.commit(&data(), &record(seed)).unwrap();
    }
    store
}

fn seeds(store: &Store) -> Vec<u64> {
    let runs = store.runs().unwrap();
    let mut seeds: Vec<_> = runs
        .iter()
        .map(|stored| stored.record.spec.config.seed)
        .collect();
    seeds.sort_unstable();
    seeds
}

#[test]
fn a_run_survives_storage_and_is_stored_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut results = store(&folder, "a.sqlite", &[1, 2]);
    let key = RunKey::from_run(&spec(1), &data());
    assert_eq!(results.status(&key).unwrap(), Some(StoredStatus::Done));
    let mut again = record(1);
    again.wall_seconds = 3.5;
    let id = results.commit(&data(), &again).unwrap();
    let file = results.file().to_owned();
    drop(results);

    let results = Store::open_existing(&file).unwrap();
    results.check().unwrap();
    let runs = results.runs().unwrap();
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0].record, record(2));
    let stored = StoredRun {
        id,
        key,
        data: data(),
        record: again,
    };
    assert_eq!(runs[1], stored);
    assert_eq!(results.run(id).unwrap(), Some(stored));
    assert_eq!(results.run(99).unwrap(), None);
}

#[test]
fn a_failure_is_stored_until_the_run_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let mut results = store(&folder, "a.sqlite", &[1]);
    results.commit_failure(&data(), &failure(1)).unwrap();
    assert!(results.failures().unwrap().is_empty(), "it is done");

    results.commit_failure(&data(), &failure(2)).unwrap();
    let key = RunKey::from_run(&spec(2), &data());
    assert_eq!(results.status(&key).unwrap(), Some(StoredStatus::Failed));
    assert_eq!(results.failures().unwrap(), [(key, data(), failure(2))]);
    results.commit(&data(), &record(2)).unwrap();
    assert_eq!(results.status(&key).unwrap(), Some(StoredStatus::Done));
    assert!(results.failures().unwrap().is_empty());
}

#[test]
fn files_are_merged_without_duplicates() {
    let folder = tempfile::tempdir().unwrap();
    let mut a = store(&folder, "a.sqlite", &[1, 2]);
    let mut b = store(&folder, "b.sqlite", &[2, 3]);
    a.commit_failure(&data(), &failure(3)).unwrap();
    b.commit_failure(&data(), &failure(4)).unwrap();
    let mut later = record(1);
    later.finished += 1;
    b.commit(&data(), &later).unwrap();

    let mut all = store(&folder, "all.sqlite", &[]);
    let merged = |added, existing, failed| Merged {
        added,
        existing,
        failed,
    };
    assert_eq!(all.merge(&a).unwrap(), merged(2, 0, 1));
    assert_eq!(all.merge(&b).unwrap(), merged(2, 1, 1));
    assert_eq!(all.merge(&b).unwrap(), merged(0, 3, 0));
    assert_eq!(seeds(&all), [1, 2, 3]);
    assert!(all.runs().unwrap().iter().any(|run| run.record == later));
    assert_eq!(all.failures().unwrap().len(), 1);
    let own = Store::open_existing(all.file()).unwrap();
    assert_eq!(all.merge(&own).unwrap(), merged(0, 3, 0));
}

#[test]
fn an_inconsistent_record_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut results = store(&folder, "a.sqlite", &[]);
    let mut refused = |change: &dyn Fn(&mut Record), reason: &str| {
        let mut record = record(1);
        change(&mut record);
        let error = results.commit(&data(), &record).unwrap_err().to_string();
        assert!(
            error.contains("a.sqlite cannot store this run: it ") && error.ends_with(reason),
            "{error}"
        );
    };
    refused(&|run| run.kept = 2, "keeps evaluation 2, but has 2");
    refused(
        &|run| run.evaluations[1].test.ce = f64::NAN,
        "has a value that is NaN or infinite",
    );
    refused(
        &|run| run.eval_sample.labels[0] = 2,
        "has an image of class 2, but only 2 classes",
    );
    refused(
        &|run| run.eval_sample.reconstructions[0].input.push(0),
        "has an image of the wrong size",
    );
    refused(
        &|run| run.eval_sample.predicted.truncate(1),
        "has points without a class",
    );
    assert!(results.runs().unwrap().is_empty());
}

#[test]
fn damage_is_reported_with_file_and_run() {
    for (damage, reason) in [
        (
            "UPDATE portraits SET portrait = x'00'",
            "has an evaluation sample that cannot be inflated",
        ),
        (
            "UPDATE portraits SET portrait = zeroblob(40000000)",
            "exceeds the size limit of a run",
        ),
        ("DELETE FROM portraits", "has no evaluation sample"),
        (
            "UPDATE runs SET spec = '{}'",
            "has settings that cannot be read: missing field",
        ),
        (
            "UPDATE runs SET class_names = '[1]'",
            "has class names that cannot be read",
        ),
        (
            "UPDATE runs SET parameters = -1",
            "has the invalid number -1",
        ),
        (
            "UPDATE runs SET channels = 9223372036854775807",
            "has images of 9223372036854775807×1×2 pixels",
        ),
        (
            "UPDATE runs SET learning_rate = 9e999",
            "has a value that is NaN or infinite",
        ),
        ("UPDATE runs SET kept = 7", "keeps evaluation 7, but has 2"),
        (
            "UPDATE evaluations SET lambda = 2",
            "λ must lie between 0 and 1",
        ),
        (
            "UPDATE evaluations SET test_mse = 9e999",
            "has a value that is NaN or infinite",
        ),
        (
            "UPDATE evaluations SET train_ce = NULL",
            "has incomplete training metrics",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let results = store(&folder, "a.sqlite", &[1]);
        let mut all = store(&folder, "all.sqlite", &[2]);
        let other = Connection::open(results.file()).unwrap();
        other.execute_batch(damage).unwrap();
        let error = results.runs().unwrap_err().to_string();
        assert!(
            error.contains("a.sqlite is damaged: run 1 ") && error.contains(reason),
            "{damage}: {error}"
        );
        assert!(all.merge(&results).is_err());
        assert_eq!(seeds(&all), [2], "nothing is taken from a damaged file");
    }
}

#[test]
fn a_truncated_or_overwritten_file_is_an_error_without_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    let results = store(&folder, "a.sqlite", &[1, 2, 3]);
    let file = results.file().to_owned();
    drop(results);
    let bytes = fs::read(&file).unwrap();
    let damaged = file.with_file_name("damaged.sqlite");
    for place in (0..bytes.len()).step_by(911) {
        let mut torn = bytes.clone();
        torn.truncate(place);
        let mut scratched = bytes.clone();
        let end = (place + 300).min(bytes.len());
        scratched[place..end].fill(0xff);
        for bytes in [torn, scratched] {
            fs::write(&damaged, bytes).unwrap();
            // A run that is still read is unchanged: all damage was found.
            if let Ok(results) = Store::open_existing(&damaged) {
                let _ = (results.check(), results.failures(), results.runs());
            }
            for rest in ["damaged.sqlite-wal", "damaged.sqlite-shm"] {
                let _ = fs::remove_file(file.with_file_name(rest));
            }
        }
    }
}

#[test]
fn reading_does_not_create_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.sqlite");
    let error = Store::open_existing(&file).unwrap_err().to_string();
    assert!(error.ends_with("none.sqlite does not exist"), "{error}");
    assert!(!file.exists());
}
