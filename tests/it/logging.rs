//! `--log` and `RUST_LOG`.

use crate::common::program::{command, succeeds};
use std::{fs, path::Path, process::Output};

const TRAIN: [&str; 9] = [
    "train", "--arch", "fc-small", "--device", "cpu", "--epochs", "1", "--out", "run",
];

fn cre_lab(folder: &Path, args: &[&str]) -> Output {
    command(args).current_dir(folder).output().unwrap()
}

/// Asserts that `text` contains the parts in this order.
#[track_caller]
fn assert_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("“{part}” is missing, or not in this order, in:\n{text}");
        };
        rest = after;
    }
}

#[test]
fn a_training_run_is_appended_to_the_log_and_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.txt");
    fs::write(&log, "earlier lines\n").unwrap();
    let args = [&TRAIN[..], &["--log", "log.txt"]].concat();
    let (out, error) = succeeds(cre_lab(folder.path(), &args));
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.starts_with("earlier lines\n"), "{text}");
    assert_in_order(
        &text,
        &[
            "CRE Lab started version=",
            "data set loaded source=mnist train=10000 test=2000",
            "device opened device=\"CPU, ",
            "memory estimated",
            "run started run=1 network=FC Small",
            "run ended run=1 steps=19",
        ],
    );
    assert!(!format!("{out}{error}").contains("INFO"), "{out}{error}");
}

#[test]
fn the_runs_of_a_sweep_are_logged_with_their_keys_and_failures_with_their_reasons() {
    let folder = tempfile::tempdir().unwrap();
    let grid = "arch = ['fc-small']\nlambda = [0.5]\nseed = [1]\nepochs = 1\ndevice = 'cpu'\n";
    fs::write(folder.path().join("grid.toml"), grid).unwrap();
    let sweep = [
        "sweep",
        "grid.toml",
        "--out",
        "all.sqlite",
        "--log",
        "log.txt",
    ];
    succeeds(cre_lab(folder.path(), &sweep));
    let missing = ["sweep", "missing.toml", "--log", "log.txt"];
    assert_eq!(cre_lab(folder.path(), &missing).status.code(), Some(1));
    assert_in_order(
        &fs::read_to_string(folder.path().join("log.txt")).unwrap(),
        &[
            "sweep prepared runs=1",
            "run started run=0 key=",
            "run stored run=0 id=1",
            "sweep complete",
            "ERROR",
            "CRE Lab failed error=\"cannot read missing.toml",
        ],
    );
}

#[test]
fn a_log_that_is_no_regular_file_and_an_invalid_filter_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let list = ["data", "path", "--log", "."];
    let output = cre_lab(folder.path(), &list);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("cannot write the log .: it is not a regular file"),
        "{error}"
    );

    let mut invalid = command(&["data", "path"]);
    let output = invalid.env("RUST_LOG", "cre_lab=loud").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("RUST_LOG is invalid"), "{error}");
}
