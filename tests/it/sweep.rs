//! Sweeps as a user starts, kills and joins them.

use crate::common::{
    self, assert_drop_ends,
    program::{command, kills, random_moments, succeeds},
};
use std::{
    collections::{BTreeMap, HashSet},
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use cre_lab::{
    data::{DataSource, ImageShape, idx},
    sweep::{
        Grid, Record, RunKey, RunSpec, Store, SweepCommand, SweepEnd, SweepEvent, SweepRunner,
        runner::SweepOptions,
    },
};
use crossbeam_channel::bounded;

/// Long enough for the slowest machine.
const TIME_LIMIT: Duration = Duration::from_mins(3);

/// A folder for one test, with a small data set in it.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        let noise = common::dataset(ImageShape::GREY_28, 10, 256, 100);
        for (half, name) in [(&noise.train, "train"), (&noise.test, "t10k")] {
            let file =
                |kind: &str| File::create(data.join(format!("{name}-{kind}-ubyte"))).unwrap();
            idx::write_images(file("images-idx3"), half.images(0..half.len())).unwrap();
            idx::write_labels(file("labels-idx1"), half.labels()).unwrap();
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Three λ times four seeds, FC Small.
    fn grid(&self, epochs: u64) -> Grid {
        let text = format!(
            "arch = ['fc-small']\nlambda = [0.0, 0.3, 1.0]\nseed = [1, 2, 3, 4]\nepochs = {epochs}\nbatch_size = 64\n\
             device = 'cpu'\n"
        );
        Grid {
            data: vec![DataSource::Folder(self.path("data"))],
            ..Grid::parse(&text).unwrap()
        }
    }

    fn write_grid(&self, epochs: u64) -> PathBuf {
        let file = self.path("grid.toml");
        fs::write(&file, self.grid(epochs).to_toml().unwrap()).unwrap();
        file
    }

    fn sweep(&self, more: &[&str]) -> Command {
        let mut command = cre_lab(&["sweep", "grid.toml", "--out", "all.sqlite"]);
        command.args(more).current_dir(self.folder.path());
        command
    }
}

fn cre_lab(args: &[&str]) -> Command {
    let mut command = command(args);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The runs of a file that is fit to be read; none where there is no file yet.
fn runs(file: &Path) -> Vec<Record> {
    if !file.exists() {
        return Vec::new();
    }
    let store = Store::open(file).unwrap();
    store.check().unwrap();
    let runs = store.runs().unwrap();
    let keys: HashSet<RunKey> = runs.iter().map(|run| run.key).collect();
    assert_eq!(keys.len(), runs.len(), "a run is there once");
    runs.into_iter().map(|run| run.record).collect()
}

/// What decides and what came of each run; times, which differ, left out.
fn outcomes(records: Vec<Record>) -> BTreeMap<(u64, u64), Record> {
    records
        .into_iter()
        .map(|mut record| {
            for evaluation in &mut record.evaluations {
                evaluation.images_per_second = 0.0;
            }
            record.wall_seconds = 0.0;
            record.finished = 0;
            let config = &record.spec.config;
            ((config.seed, config.lambda.value().to_bits()), record)
        })
        .collect()
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < TIME_LIMIT, "timed out waiting for {what}");
        sleep(Duration::from_millis(10));
    }
}

#[test]
fn three_shards_one_of_them_killed_are_merged_without_duplicates() {
    let bench = Bench::new();
    bench.write_grid(30);
    let file = |part: usize| bench.path(&format!("all.part-{part}-of-3.sqlite"));
    let start = |part: usize| {
        // The first counts by itself, the others are tasks of a job array that counts from 0.
        let mut command = bench.sweep(&["--jobs", "1", "--shard"]);
        if part == 1 {
            command.arg("1/3");
        } else {
            command
                .arg("slurm")
                .env("SLURM_ARRAY_TASK_ID", (part - 1).to_string())
                .env("SLURM_ARRAY_TASK_MIN", "0")
                .env("SLURM_ARRAY_TASK_MAX", "2")
                .env("SLURM_ARRAY_TASK_COUNT", "3");
        }
        command.spawn().unwrap()
    };
    let mut shards: Vec<Child> = (1..=3).map(start).collect();
    wait_until("the first run of the second shard", || {
        !runs(&file(2)).is_empty()
    });
    shards[1].kill().unwrap();
    for (index, shard) in shards.into_iter().enumerate() {
        let output = shard.wait_with_output().unwrap();
        assert_eq!(output.status.success(), index != 1);
    }
    let left = runs(&file(2)).len();
    assert!((1..4).contains(&left), "killed in the middle: {left}");
    let output = start(2).wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains(&format!("{left} already done")), "{error}");
    succeeds(output);

    let merge = || {
        let mut command = cre_lab(&["results", "merge"]);
        let command = command.args((1..=3).map(file)).arg("--out");
        command.arg(bench.path("joined.sqlite")).output().unwrap()
    };
    let (printed, _) = succeeds(merge());
    assert!(printed.contains("12 runs in"), "{printed}");
    let (printed, _) = succeeds(merge());
    assert!(
        printed.contains("0 runs added, 4 already present"),
        "{printed}"
    );

    // The same without parts, and with other groups: bit for bit the same.
    succeeds(bench.sweep(&["--jobs", "2"]).output().unwrap());
    let joined = outcomes(runs(&bench.path("joined.sqlite")));
    assert_eq!(joined.len(), 12);
    let whole = outcomes(runs(&bench.path("all.sqlite")));
    assert_eq!(joined, whole);
}

#[test]
fn results_are_equal_bit_for_bit_with_any_number_of_threads() {
    let bench = Bench::new();
    bench.write_grid(8);
    let with = |jobs: &str| {
        let file = format!("jobs-{jobs}.sqlite");
        let args = ["sweep", "grid.toml", "--out", &file, "--jobs", jobs];
        let sweep = cre_lab(&args).current_dir(bench.folder.path()).output();
        succeeds(sweep.unwrap());
        outcomes(runs(&bench.path(&file)))
    };
    let one = with("1");
    assert_eq!(one.len(), 12);
    // More threads than cores, so that threads wait for a core while the others go on.
    for jobs in ["2", "16"] {
        assert_eq!(with(jobs), one, "{jobs} threads");
    }
}

#[test]
fn a_killed_sweep_is_resumed_without_losing_runs() {
    let bench = Bench::new();
    bench.write_grid(30);
    let file = bench.path("all.sqlite");
    let mut before = 0;
    for moment in random_moments(50..950).take(kills(5) as usize) {
        let mut child = bench.sweep(&["--jobs", "1"]).spawn().unwrap();
        sleep(moment);
        child.kill().unwrap();
        child.wait().unwrap();
        let now = runs(&file).len();
        assert!(now >= before, "a finished run is never lost");
        before = now;
    }
    succeeds(bench.sweep(&[]).output().unwrap());
    assert_eq!(runs(&file).len(), 12);
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_a_sweep_and_the_same_command_resumes_it() {
    let bench = Bench::new();
    bench.write_grid(10_000);
    let mut child = bench.sweep(&[]).spawn().unwrap();
    // The file is made before the first step.
    wait_until("the file", || bench.path("all.sqlite").exists());
    sleep(Duration::from_millis(300));
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < TIME_LIMIT, "still running after Ctrl-C");
        sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    succeeds(output);
    assert!(
        error.contains("of 12 runs are complete. Run the same command again to resume"),
        "{error}"
    );

    bench.write_grid(2);
    succeeds(bench.sweep(&[]).output().unwrap());
    let output = bench.sweep(&[]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("12 runs, 12 already done"), "{error}");
    succeeds(output);
    let before = outcomes(runs(&bench.path("all.sqlite")));
    succeeds(bench.sweep(&["--again"]).output().unwrap());
    assert_eq!(outcomes(runs(&bench.path("all.sqlite"))), before);
}

#[test]
fn a_dry_run_shows_the_grid_and_creates_no_file() {
    let bench = Bench::new();
    bench.write_grid(3);
    let (printed, _) = succeeds(
        bench
            .sweep(&["--dry-run", "--shard", "2/3"])
            .output()
            .unwrap(),
    );
    assert_eq!(Grid::parse(&printed), Ok(bench.grid(3)));
    assert!(
        printed.contains("# 4 runs in part 2/3, 0 already done"),
        "{printed}"
    );
    assert!(printed.contains("# 4 to do: about "), "{printed}");
    let files: Vec<_> = fs::read_dir(bench.folder.path()).unwrap().collect();
    assert_eq!(files.len(), 2, "only grid and data: {files:?}");

    let (printed, _) = succeeds(
        cre_lab(&[
            "sweep",
            "--preset",
            "quick-look",
            "--dry-run",
            "--out",
            "none.sqlite",
        ])
        .output()
        .unwrap(),
    );
    assert!(printed.contains("# 22 to do: about "), "{printed}");
}

#[test]
fn invalid_arguments_are_reported_before_the_sweep_starts() {
    let bench = Bench::new();
    let fails = |grid: &str, more: &[&str], code: i32, reason: &str| {
        fs::write(bench.path("grid.toml"), grid).unwrap();
        let output = bench.sweep(more).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(reason), "“{reason}” is missing in: {error}");
    };
    fails(
        "\nlambdas = [1]",
        &[],
        1,
        "grid.toml: line 2: unknown field `lambdas`",
    );
    fails("seed = []", &[], 1, "grid.toml: the list “seed” is empty");
    fails(
        "data = ['nowhere']",
        &[],
        1,
        "“nowhere” is neither a data set",
    );
    fails("", &["--shard", "4/3"], 2, "there is no part 4 of 3");
    fails(
        "",
        &["--shard", "slurm"],
        2,
        "SLURM_ARRAY_TASK_ID is not set",
    );
    fails("", &["--preset", "quick-look"], 2, "cannot be used with");
    fails("", &["--jobs", "0"], 2, "--jobs");
    fs::write(
        bench.path("all.sqlite"),
        "not a database, but long enough. ".repeat(99),
    )
    .unwrap();
    fails(
        "",
        &[],
        1,
        "all.sqlite cannot be used: file is not a database",
    );
}

#[test]
fn results_are_listed_shown_and_exported() {
    let bench = Bench::new();
    bench.write_grid(2);
    succeeds(bench.sweep(&[]).output().unwrap());
    let results = |args: &[&str]| {
        let mut command = cre_lab(&["results"]);
        command.args(args).args(["--from", "all.sqlite"]);
        command.current_dir(bench.folder.path()).output().unwrap()
    };
    let (list, _) = succeeds(results(&["list"]));
    assert_eq!(list.matches("FC Small").count(), 12, "{list}");
    let (shown, _) = succeeds(results(&["show", "1"]));
    assert!(
        shown.contains("FC Small n = 3") && shown.contains("kept"),
        "{shown}"
    );
    let missing = results(&["show", "99"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("contains no run 99"));

    let rows = |args: &[&str]| {
        let (printed, _) = succeeds(results(args));
        let mut reader = csv::Reader::from_reader(printed.as_bytes());
        let names: Vec<String> = reader
            .headers()
            .unwrap()
            .iter()
            .map(str::to_owned)
            .collect();
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        (names, rows)
    };
    let (names, all) = rows(&["export"]);
    assert_eq!(all.len(), 12);
    let of = |name: &str| names.iter().position(|other| other == name).unwrap();
    let stored = runs(&bench.path("all.sqlite"));
    for (row, record) in all.iter().zip(&stored) {
        let number = |name: &str| row[of(name)].parse::<f64>().unwrap();
        let test = record.metrics().unwrap();
        assert_eq!(number("test_mse"), test.mse);
        assert_eq!(number("test_accuracy"), test.accuracy);
        assert_eq!(number("lambda"), record.lambda().value());
    }
    assert_eq!(
        rows(&["export", "--epochs"]).1.len(),
        36,
        "two epochs and the one before"
    );

    succeeds(results(&["export", "--format", "json", "--to", "all.json"]));
    let text = fs::read_to_string(bench.path("all.json")).unwrap();
    let list: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    assert_eq!(list.len(), 12);
    assert_eq!(list[0]["evaluations"].as_array().unwrap().len(), 3);
    let spec: RunSpec = serde_json::from_value(list[0]["spec"].clone()).unwrap();
    assert_eq!(spec.epochs, 2);
}

/// Follows a sweep to its end; `on_event` returns commands.
fn follow(
    specs: Vec<RunSpec>,
    file: &Path,
    mut on_event: impl FnMut(&SweepEvent) -> Vec<SweepCommand>,
) -> SweepEnd {
    let options = SweepOptions {
        jobs: 2,
        ..SweepOptions::default()
    };
    let runner = SweepRunner::spawn(specs, file.to_owned(), options, || {}).unwrap();
    loop {
        let event = runner.events().recv_timeout(TIME_LIMIT).unwrap();
        for command in on_event(&event) {
            runner.send(command);
        }
        if let SweepEvent::Ended(end) = event {
            return end;
        }
    }
}

#[test]
fn a_diverging_run_is_reported_once_and_the_sweep_continues() {
    let bench = Bench::new();
    let mut specs = bench.grid(3).runs().unwrap();
    specs.truncate(6);
    for spec in &mut specs[..2] {
        spec.config.learning_rate = 1e38;
    }
    let file = bench.path("all.sqlite");
    let (mut failed, mut finished) = (Vec::new(), Vec::new());
    let mut sweep = || {
        let end = follow(specs.clone(), &file, |event| {
            match event {
                SweepEvent::Failed { run, reason } => failed.push((*run, reason.clone())),
                SweepEvent::Finished { run, .. } => finished.push(*run),
                _ => {}
            }
            Vec::new()
        });
        assert_eq!(end, SweepEnd::Complete);
    };
    sweep();
    sweep();
    failed.sort();
    assert_eq!(failed.len(), 2, "{failed:?}");
    for (index, (run, reason)) in failed.iter().enumerate() {
        assert_eq!(*run, index);
        assert!(
            reason.starts_with("loss became NaN or infinite at step "),
            "{reason}"
        );
    }
    finished.sort_unstable();
    assert_eq!(finished, [2, 3, 4, 5]);
    assert_eq!(Store::open(&file).unwrap().failures().unwrap().len(), 2);
}

/// A callback stands in for a device call or a file that never answers: all block the sweep's thread.
#[test]
fn dropping_a_sweep_does_not_wait_for_a_hanging_thread() {
    let bench = Bench::new();
    let specs = bench.grid(3).runs().unwrap();
    let (release, released) = bounded::<()>(0);
    let (hangs, hanging) = bounded(1);
    let options = SweepOptions::default();
    let sweep = SweepRunner::spawn(specs, bench.path("all.sqlite"), options, move || {
        let _ = hangs.try_send(());
        let _ = released.recv();
    })
    .unwrap();
    hanging.recv_timeout(TIME_LIMIT).unwrap();
    assert_drop_ends(sweep, TIME_LIMIT);
    drop(release);
}

#[test]
fn a_sweep_is_paused_a_run_skipped_and_the_rest_cancelled() {
    let bench = Bench::new();
    let specs = bench.grid(40).runs().unwrap();
    let file = bench.path("all.sqlite");
    let (mut skipped, mut finished, mut pauses) = (Vec::new(), Vec::new(), Vec::new());
    let mut shares = Vec::new();
    let end = follow(specs.clone(), &file, |event| {
        match event {
            // One that has begun, and one that has not.
            SweepEvent::Started { runs } if runs.contains(&0) => {
                return vec![
                    SweepCommand::Pause,
                    SweepCommand::Skip(0),
                    SweepCommand::Skip(11),
                    SweepCommand::Resume,
                ];
            }
            SweepEvent::Skipped { run } => skipped.push(*run),
            SweepEvent::Paused(paused) => pauses.push(*paused),
            SweepEvent::Progress(progress) => shares.push(progress.share),
            SweepEvent::Finished { run, record, .. } => {
                assert_eq!(record.spec, specs[*run]);
                finished.push(*run);
                if finished.len() == 5 {
                    return vec![SweepCommand::Cancel];
                }
            }
            _ => {}
        }
        Vec::new()
    });
    assert_eq!(end, SweepEnd::Cancelled);
    skipped.sort_unstable();
    assert_eq!(skipped, [0, 11]);
    assert_eq!(pauses, [true, false]);
    assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)));
    assert!(shares.is_sorted(), "{shares:?}");
    assert!((5..10).contains(&finished.len()), "{finished:?}");
    assert_eq!(runs(&file).len(), finished.len());
}
