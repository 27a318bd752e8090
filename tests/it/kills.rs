//! Training that is killed at random moments and resumed.

use std::{collections::HashSet, fs, path::Path, process::Stdio, thread::sleep};

use crate::common::program::{command, kills, random_moments, succeeds};

const EPOCHS: &str = "6";

/// The rows of `metrics.csv` without the columns that depend on the speed.
fn metrics(folder: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(folder.join("metrics.csv")).unwrap();
    let rows = reader.records().map(Result::unwrap);
    rows.map(|row| row.iter().take(10).map(str::to_owned).collect())
        .collect()
}

/// `CRE_LAB_KILLS` sets the number of kills.
#[test]
fn killed_training_loses_at_most_the_epoch_in_progress() {
    let folder = tempfile::tempdir().unwrap();
    let train = |out: &Path, rest: &[&str]| {
        let mut train = command(&["train", "--device", "cpu", "--epochs", EPOCHS, "--out"]);
        train.arg(out).args(rest);
        train
    };
    let settings = ["--arch", "fc-small", "--lambda", "0.3"];
    let whole = folder.path().join("whole");
    succeeds(train(&whole, &settings).output().unwrap());
    let expected = metrics(&whole);
    let files = |folder: &Path| -> HashSet<String> {
        let files = fs::read_dir(folder).unwrap();
        files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect()
    };

    let mut moments = random_moments(0..1_500);
    let (mut left, mut run) = (kills(6), 0);
    while left > 0 {
        run += 1;
        let out = folder.path().join(run.to_string());
        let last = out.join("last.safetensors");
        let mut done = 0;
        loop {
            let is_new = !last.exists();
            let resume = ["--resume", last.to_str().unwrap()];
            let new = [&settings[..], &["--overwrite"]].concat();
            let mut process = train(&out, if is_new { &new } else { &resume });
            if left == 0 {
                succeeds(process.output().unwrap());
                break;
            }
            let mut child = process
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            sleep(moments.next().unwrap());
            let has_ended = child.try_wait().unwrap();
            if let Some(status) = has_ended {
                assert!(status.success());
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            left -= 1;
            if out.join("metrics.csv").exists() {
                let kept = metrics(&out);
                assert!(kept.len() >= done, "an epoch is lost");
                assert_eq!(kept, expected[..kept.len()]);
                done = kept.len();
            }
        }
        assert_eq!(metrics(&out), expected);
        assert_eq!(files(&out), files(&whole), "no temporary file is left");
    }
}
