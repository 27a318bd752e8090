//! Runs the program with the arguments that a user would type.

use crate::common::{
    program::{command, succeeds},
    server,
};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use cre_lab::{sweep::Store, train::checkpoint::Checkpoint};

/// How long a process may take, even on a busy machine.
const LIMIT: Duration = Duration::from_mins(1);

fn cre_lab(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// Sends Ctrl-C to a process and returns its output once it has ended.
#[cfg(unix)]
fn interrupt(mut child: Child) -> Output {
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > LIMIT {
            child.kill().unwrap();
            panic!("still running after Ctrl-C");
        }
        sleep(Duration::from_millis(20));
    }
    child.wait_with_output().unwrap()
}

#[cfg(unix)]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LIMIT, "no {what} in a minute");
        sleep(Duration::from_millis(20));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[track_caller]
fn assert_usage_error(args: &[&str], parts: &[&str]) {
    let output = cre_lab(args);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{error}");
    for part in parts {
        assert!(error.contains(part), "“{part}” is missing in: {error}");
    }
}

/// The rows of a metrics file without its header, as numbers; an empty field is NaN.
fn rows(path: &Path) -> Vec<Vec<f64>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header: Vec<String> = reader
        .headers()
        .unwrap()
        .iter()
        .map(str::to_owned)
        .collect();
    assert_eq!(
        header.join(","),
        "epoch,step,lambda,train_mse,train_ce,train_accuracy,test_mse,test_ce,test_accuracy,\
         dead_units,images_per_second"
    );
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            record
                .iter()
                .map(|field| field.parse().unwrap_or(f64::NAN))
                .collect()
        })
        .collect()
}

#[test]
fn training_writes_metrics_settings_and_figures() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("a run");
    let output = cre_lab(&[
        "train",
        "--arch",
        "fc-small",
        "--epochs",
        "2",
        "--lambda",
        "0.25",
        "--seed",
        "5",
        "--device",
        "cpu",
        "--out",
        out.to_str().unwrap(),
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    for name in [
        "metrics.csv",
        "config.toml",
        "latent.png",
        "reconstructions.png",
    ] {
        let path = out.join(name);
        assert!(fs::metadata(&path).unwrap().len() > 0, "{name} is empty");
        assert!(printed.contains(name), "{name} is not named in: {printed}");
    }
    let rows = rows(&out.join("metrics.csv"));
    let epochs: Vec<f64> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(epochs, [0.0, 1.0, 2.0]);
    assert!(
        rows[0][3].is_nan(),
        "nothing is trained before the first epoch"
    );
    assert!(
        rows[2][6] < rows[0][6] && rows[2][7] < rows[0][7],
        "{rows:?}"
    );
    assert!(rows.iter().all(|row| row[2] == 0.25));
    let config = fs::read_to_string(out.join("config.toml")).unwrap();
    for line in [
        "architecture = \"fc-small\"",
        "lambda = 0.25",
        "seed = 5",
        "data = \"mnist\"",
    ] {
        assert!(config.contains(line), "“{line}” is missing in:\n{config}");
    }
    for picture in ["latent.png", "reconstructions.png"] {
        let image = image::open(out.join(picture)).unwrap();
        assert!(image.width() > 200 && image.height() > 100);
    }
}

#[test]
fn unknown_values_are_usage_errors_that_list_the_valid_ones() {
    assert_usage_error(
        &["train", "--arch", "fc-huge"],
        &["fc-small, fc-medium, fc-large"],
    );
    assert_usage_error(&["train", "--device", "tpu"], &["auto, wgpu, cpu"]);
    assert_usage_error(
        &["train", "--data", "no such folder"],
        &["mnist, fashion-mnist"],
    );
    assert_usage_error(&["train", "--lambda", "1.5"], &["between 0 and 1"]);
    assert_usage_error(&["train", "--lambda", "NaN"], &["between 0 and 1"]);
    assert_usage_error(&["train", "--latent", "0"], &["1 and 1024"]);
    assert_usage_error(&["dance"], &["dance"]);
    assert_usage_error(&["--screenshot", "a.png"], &["--exit-after"]);
}

#[test]
fn incompatible_transformer_sizes_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    for (option, value, reason) in [
        ("--heads", "3", "3 heads cannot share an embedding of 8"),
        ("--patch", "5", "patches of 5×5 do not tile"),
        ("--embed", "6", "multiple of 4"),
        ("--mask-ratio", "1", "less than 1"),
    ] {
        let output = command(&["train", "--arch", "vit", "--device", "cpu", option, value])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{option} {value}");
        let error = text(&output.stderr);
        assert!(error.contains(reason), "{option} {value}: {error}");
    }
}

#[test]
fn a_failure_is_one_line_and_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("train-images-idx3-ubyte"),
        b"not an image file",
    )
    .unwrap();
    for name in [
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ] {
        fs::write(folder.path().join(name), [0, 0, 8, 1, 0, 0, 0, 0]).unwrap();
    }
    let output = cre_lab(&["train", "--data", folder.path().to_str().unwrap()]);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.contains("train-images-idx3-ubyte"), "{error}");
}

#[test]
fn a_batch_larger_than_the_data_is_lowered_and_said() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let args = [
        "train",
        "--batch-size",
        "20000",
        "--device",
        "cpu",
        "--arch",
        "fc-small",
    ];
    let mut train = command(&[&args[..], &["--epochs", "1", "--out"]].concat());
    let (_, error) = succeeds(train.arg(&out).output().unwrap());
    let note = "Batch size 10000 instead of 20000: MNIST has no more training images";
    assert_eq!(error.matches(note).count(), 1, "{error}");
    let config = fs::read_to_string(out.join("config.toml")).unwrap();
    assert!(config.contains("batch_size = 10000"), "{config}");
    // Without a terminal, each epoch has a line.
    assert!(error.contains("epoch   1  test MSE"), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn nothing_ends_because_nobody_reads_its_output() {
    let folder = tempfile::tempdir().unwrap();
    let run = |redirect: &str, args: &str| {
        let program = env!("CARGO_BIN_EXE_cre-lab");
        let script = format!("set -o pipefail; '{program}' {args} {redirect}");
        let mut shell = Command::new("bash");
        let status = shell.args(["-c", &script]).current_dir(&folder).status();
        assert!(status.unwrap().success(), "{redirect}");
    };
    let train = "train --arch fc-small --device cpu --epochs 1 --overwrite";
    run("2> /dev/full", train);
    run("2>&1 > /dev/null | true", train);
    run("| true", "data list");
    assert!(folder.path().join("cre-lab-run/last.safetensors").exists());
}

#[test]
fn every_command_and_option_has_help() {
    for args in [
        &["--help"][..],
        &["train", "--help"],
        &["bench", "--help"],
        &["data", "--help"],
        &["data", "list", "--help"],
        &["data", "fetch", "--help"],
        &["data", "verify", "--help"],
        &["data", "path", "--help"],
        &["data", "bundle", "--help"],
        &["sweep", "--help"],
        &["results", "--help"],
        &["results", "list", "--help"],
        &["results", "show", "--help"],
        &["results", "export", "--help"],
        &["results", "merge", "--help"],
        &["figures", "--help"],
    ] {
        let output = cre_lab(args);
        assert!(output.status.success());
        let help = text(&output.stdout);
        assert!(help.contains("Usage: cre-lab"), "{help}");
        // The help of an option follows its name, or is on the next line.
        for line in help
            .lines()
            .filter(|line| line.trim_start().starts_with("--"))
        {
            let has_help = line.trim().split("  ").count() > 1;
            let next_line = help.lines().skip_while(|other| *other != line).nth(1);
            assert!(
                has_help || next_line.is_some_and(|next| !next.trim().is_empty()),
                "no help for {line}"
            );
        }
    }
}

#[test]
fn bench_prints_all_measurements_as_json() {
    let output = cre_lab(&[
        "bench",
        "--json",
        "--device",
        "cpu",
        "--arch",
        "fc-small",
        "--seconds",
        "1",
    ]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let list: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list.len(), 1);
    assert_eq!(list[0]["device"], "cpu");
    assert_eq!(list[0]["arch"], "fc-small");
    for number in [
        "train_images_per_second",
        "evaluate_ms",
        "snapshot_ms",
        "gemm_gflops",
    ] {
        assert!(
            list[0][number].as_f64().unwrap() > 0.0,
            "{number} in {list:?}"
        );
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn without_a_display_a_default_run_is_trained() {
    let folder = tempfile::tempdir().unwrap();
    let output = command(&["--device", "cpu"])
        .current_dir(folder.path())
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .unwrap();
    let error = text(&output.stderr);
    assert!(output.status.success(), "{error}");
    assert!(
        error
            .lines()
            .next()
            .unwrap()
            .contains("there is no display"),
        "{error}"
    );
    let rows = rows(&folder.path().join("cre-lab-run/metrics.csv"));
    assert_eq!(rows.len(), 11, "ten epochs and the one before");
    let paths = text(&output.stdout);
    assert!(
        paths.lines().all(|path| folder.path().join(path).is_file()),
        "{paths}"
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_training_and_the_files_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let child = command(&[
        "train", "--arch", "fc-small", "--epochs", "100000", "--device", "cpu", "--out", ".",
    ])
    .current_dir(folder.path())
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let metrics = folder.path().join("metrics.csv");
    wait_until("epoch", || {
        fs::read_to_string(&metrics).is_ok_and(|text| text.lines().count() > 3)
    });
    let output = interrupt(child);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(rows(&metrics).len() >= 3);
    assert!(folder.path().join("latent.png").is_file());
    assert!(folder.path().join("config.toml").is_file());
}

/// The program in a home folder of its own, without data sets.
fn in_home(home: &Path, args: &[&str]) -> Command {
    let mut command = command(&[]);
    command
        .args(args)
        .current_dir(home)
        .env("HOME", home)
        .env("XDG_CACHE_HOME", home.join("cache"))
        .env_remove("CRE_LAB_DATA");
    command
}

#[test]
fn full_data_sets_are_listed_located_and_verified() {
    let home = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let output = in_home(home.path(), args).output().unwrap();
        let (printed, error) = (text(&output.stdout), text(&output.stderr));
        (output.status.code(), printed, error)
    };
    let (code, printed, error) = run(&["data", "list"]);
    assert_eq!(code, Some(0), "{error}");
    assert!(
        printed.contains("cifar-10            sample, built in"),
        "{printed}"
    );
    assert!(
        printed.contains(
            "cifar-10-full       not on this machine: download it with “cre-lab data fetch cifar-10” (170 MB)"
        ),
        "{printed}"
    );
    let missing = "CIFAR-10 in full is not on this machine: download it with “cre-lab data fetch cifar-10” (170 MB), or put its files into ";
    for args in [
        &["data", "path", "cifar-10"][..],
        &["data", "verify", "cifar-10-full"],
        &["train", "--data", "cifar-10-full"],
    ] {
        let (code, _, error) = run(args);
        assert_eq!(code, Some(1), "{error}");
        assert!(
            error.contains(missing) && error.lines().count() == 1,
            "{error}"
        );
    }

    // Files of the right sizes, with other pixels.
    let folder = home.path().join("data/cifar-10-batches-bin");
    fs::create_dir_all(&folder).unwrap();
    for name in [
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "data_batch_5",
        "test_batch",
    ] {
        let file = fs::File::create(folder.join(format!("{name}.bin"))).unwrap();
        file.set_len(30_730_000).unwrap();
    }
    let relative = "data/cifar-10-batches-bin";
    let (code, printed, _) = run(&["data", "path", "cifar-10"]);
    assert_eq!((code, printed.trim()), (Some(0), relative));
    let (code, printed, error) = run(&["data", "fetch", "cifar-10"]);
    assert_eq!((code, printed.trim()), (Some(0), relative));
    assert!(error.contains("is already on this machine"), "{error}");
    let (code, printed, error) = run(&["data", "verify"]);
    assert_eq!(code, Some(1), "{error}");
    assert_eq!(
        printed
            .matches("differs from the original: its SHA-256 is")
            .count(),
        6
    );
    assert!(error.contains("6 files are not the originals"), "{error}");
    assert_usage_error(
        &["data", "fetch", "imagenet"],
        &["mnist, fashion-mnist, cifar-10"],
    );
    assert_usage_error(&["data", "fetch"], &["NAME"]);
}

#[test]
fn a_download_without_a_connection_fails_with_advice() {
    let home = tempfile::tempdir().unwrap();
    // A proxy that serves nothing has the effect of no connection.
    let proxy = server::Server::new(|_| server::Reply::missing());
    let output = in_home(home.path(), &["data", "fetch", "mnist"])
        .env("HTTPS_PROXY", proxy.address())
        .env_remove("NO_PROXY")
        .output()
        .unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.contains("MNIST cannot be downloaded: "), "{error}");
    assert!(
        error.contains("; connect to the internet and try again, or put its files into "),
        "{error}"
    );
    assert_eq!(proxy.log().len(), 3, "every mirror is tried");
}

#[cfg(unix)]
#[test]
fn ctrl_c_cancels_a_download() {
    let home = tempfile::tempdir().unwrap();
    let proxy = server::Server::new(|_| server::Reply::whole(b"silence").stalled(0));
    let child = in_home(home.path(), &["data", "fetch", "mnist", "cifar-10"])
        .env("HTTPS_PROXY", proxy.address())
        .env_remove("NO_PROXY")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until("request", || !proxy.log().is_empty());
    let output = interrupt(child);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(
        error.contains("download cancelled: 0 B are kept"),
        "{error}"
    );
}

#[test]
fn a_resumed_run_has_the_metrics_of_an_uninterrupted_one() {
    let folder = tempfile::tempdir().unwrap();
    let out = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let train = |epochs: &str, out: &str, rest: &[&str]| {
        let start = ["train", "--epochs", epochs, "--device", "cpu", "--out", out];
        let output = cre_lab(&[&start[..], rest].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout)
    };
    let settings = ["--arch", "fc-small", "--lambda", "0.3", "--seed", "5"];
    let (whole, half, rest) = (out("whole"), out("half"), out("rest"));
    train("3", &whole, &settings);
    train("1", &half, &settings);
    let last = format!("{half}/last.safetensors");
    let printed = train("3", &rest, &["--resume", &last]);
    assert!(printed.contains("last.safetensors") && printed.contains("best.safetensors"));

    // All columns but the speed.
    let metrics = |out: &str| -> Vec<String> {
        let rows = rows(&PathBuf::from(out).join("metrics.csv"));
        rows.iter().map(|row| format!("{:?}", &row[..10])).collect()
    };
    assert_eq!(metrics(&rest).len(), 4, "the earlier epochs are included");
    assert_eq!(metrics(&rest), metrics(&whole));

    let output = cre_lab(&["train", "--resume", &last, "--lambda", "0.5"]);
    assert_eq!(output.status.code(), Some(2), "the checkpoint determines λ");
    // A run that is complete only writes its files; here the images are named again.
    let complete = out("complete");
    let args = [
        "train", "--resume", &last, "--epochs", "1", "--data", "mnist", "--out",
    ];
    let (_, error) = succeeds(command(&args).arg(&complete).output().unwrap());
    assert!(
        error.contains("The run has 1 epoch already; --epochs 2 or more continues it"),
        "{error}"
    );
    assert_eq!(metrics(&complete), metrics(&half));
    assert!(Path::new(&complete).join("reconstructions.png").exists());
    let args = ["train", "--resume", &last, "--data", "fashion-mnist"];
    let error = failure(&mut command(&args));
    assert!(
        error.contains("the images in fashion-mnist are others")
            || error.contains("but fashion-mnist now holds"),
        "{error}"
    );
    let args = ["train", "--resume", &format!("{half}/metrics.csv")];
    let error = failure(&mut command(&args));
    assert!(error.contains("metrics.csv"), "{error}");
}

/// Names and contents of the files in a folder.
fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap());
    files
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, fs::read(file.path()).unwrap())
        })
        .collect()
}

/// Runs a command that fails with one line, which it returns.
#[track_caller]
fn failure(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(!error.contains(".cre-lab-"), "a temporary name in: {error}");
    error
}

#[test]
fn a_second_run_replaces_the_first_only_with_overwrite() {
    let folder = tempfile::tempdir().unwrap();
    let train = |args: &[&str]| {
        let mut command = command(&[]);
        command.args(["train", "--device", "cpu"]).args(args);
        command.current_dir(folder.path());
        command
    };
    let out = folder.path().join("run");
    let new = ["--arch", "fc-small", "--out", "run", "--epochs"];
    let start = |epochs: &str, more: &[&str]| train(&[&new[..], &[epochs], more].concat());
    assert!(start("1", &[]).output().unwrap().status.success());
    let first = contents(&out);
    assert_eq!(first.len(), 6, "{:?}", first.keys());

    let error = failure(&mut start("1", &[]));
    for part in [
        "run already holds last.safetensors and 5 more files",
        "--out",
        "--resume run/last.safetensors",
        "--overwrite",
    ] {
        assert!(error.contains(part), "“{part}” is missing in: {error}");
    }
    // Resuming from the best checkpoint would lose the last.
    failure(&mut train(&[
        "--resume",
        "run/best.safetensors",
        "--out",
        "run",
    ]));
    // A single file of a run suffices.
    fs::create_dir(folder.path().join("other")).unwrap();
    fs::write(folder.path().join("other/latent.png"), "mine").unwrap();
    let error = failure(&mut train(&["--out", "other"]));
    assert!(
        error.contains("other already holds latent.png; "),
        "{error}"
    );
    assert_eq!(contents(&out), first);

    // The run can be resumed in its own folder.
    let last = [
        "--resume",
        "run/last.safetensors",
        "--out",
        "run",
        "--epochs",
    ];
    let output = train(&[&last[..], &["2"]].concat()).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(rows(&out.join("metrics.csv")).len(), 3);

    // Overwriting leaves no checkpoint of the old run.
    let output = start("0", &["--overwrite"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    for name in ["last.safetensors", "best.safetensors"] {
        let saved = Checkpoint::load(&out.join(name)).unwrap();
        assert_eq!(saved.metadata.step, 0, "{name}");
    }
    assert_eq!(rows(&out.join("metrics.csv")).len(), 1);

    let set_read_only = |read_only: bool| {
        let file = out.join("latent.png");
        let mut permissions = file.metadata().unwrap().permissions();
        permissions.set_readonly(read_only);
        fs::set_permissions(file, permissions).unwrap();
    };
    set_read_only(true);
    let before = contents(&out);
    for mut command in [
        start("0", &["--overwrite"]),
        train(&[&last[..], &["1"]].concat()),
    ] {
        let error = failure(&mut command);
        assert!(error.contains("latent.png: it is read-only; "), "{error}");
    }
    assert_eq!(contents(&out), before);
    // A folder that blocks a file is found before training, not at the end.
    fs::create_dir_all(folder.path().join("odd/latent.png")).unwrap();
    let error = failure(&mut train(&["--out", "odd"]));
    assert!(error.contains("latent.png: it is a folder"), "{error}");
}

#[test]
fn of_two_runs_started_in_one_folder_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut command = command(&[]);
        command.args([
            "train", "--arch", "fc-small", "--device", "cpu", "--epochs", "1",
        ]);
        command.args(["--out", "run"]).current_dir(folder.path());
        command.stdout(Stdio::null());
        command.stderr(Stdio::piped()).spawn().unwrap()
    };
    let outputs = [start(), start()].map(|child| child.wait_with_output().unwrap());
    let codes = outputs.each_ref().map(|output| output.status.code());
    assert!(
        [[Some(0), Some(1)], [Some(1), Some(0)]].contains(&codes),
        "{codes:?}"
    );
    let refused = outputs
        .iter()
        .find(|output| !output.status.success())
        .unwrap();
    let error = text(&refused.stderr);
    assert!(
        error.contains("run already holds ") || error.contains("it already exists"),
        "{error}"
    );
    assert_eq!(contents(&folder.path().join("run")).len(), 6);
}

/// `cre-lab results export` from `all.sqlite` in `folder`.
fn export_in(folder: &Path, to: &str) -> Command {
    let mut command = command(&["results", "export", "--from", "all.sqlite", "--to", to]);
    command.current_dir(folder);
    command
}

#[test]
fn an_export_replaces_a_file_only_with_overwrite() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    drop(Store::open(&path("all.sqlite")).unwrap());
    let export = |to: &str| export_in(folder.path(), to);
    let table = "run,data,data_name,";
    assert!(export("new.csv").status().unwrap().success());
    assert!(
        fs::read_to_string(path("new.csv"))
            .unwrap()
            .starts_with(table)
    );
    fs::write(path("old.csv"), "old").unwrap();
    let error = failure(&mut export("old.csv"));
    assert!(
        error.contains("cannot write old.csv: it already exists; choose another name, or replace it with --overwrite"),
        "{error}"
    );
    assert_eq!(fs::read(path("old.csv")).unwrap(), b"old");
    assert!(
        export("old.csv")
            .arg("--overwrite")
            .status()
            .unwrap()
            .success()
    );
    assert!(
        fs::read_to_string(path("old.csv"))
            .unwrap()
            .starts_with(table)
    );
    for (to, reason) in [
        ("no such folder/a.csv", "No such file or directory"),
        (".", "it does not name a file"),
    ] {
        let error = failure(&mut export(to));
        assert!(
            error.contains(&format!("cannot write {to}: {reason}")),
            "{error}"
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_export_writes_to_pipes_and_open_files_without_replacing_them() {
    use std::os::unix::fs::FileTypeExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    drop(Store::open(&path("all.sqlite")).unwrap());
    let export = |to: &str| export_in(folder.path(), to);
    let table = "run,data,data_name,";
    // The target of /dev/stdout: a pipe, and a file that is not empty.
    let output = export("/proc/self/fd/1").output().unwrap();
    assert!(
        text(&output.stdout).starts_with(table),
        "{}",
        text(&output.stderr)
    );
    let mut open = fs::File::create(path("out.csv")).unwrap();
    std::io::Write::write_all(&mut open, b"beginning\n").unwrap();
    let status = export("/proc/self/fd/1").stdout(open).status().unwrap();
    assert!(status.success());
    let written = fs::read_to_string(path("out.csv")).unwrap();
    assert!(
        written.starts_with(&format!("beginning\n{table}")),
        "{written}"
    );

    assert!(
        Command::new("mkfifo")
            .arg(path("pipe"))
            .status()
            .unwrap()
            .success()
    );
    let mut reader = Command::new("cat")
        .arg(path("pipe"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let status = export("pipe").status().unwrap();
    let kind = path("pipe").symlink_metadata().unwrap().file_type();
    if !status.success() || !kind.is_fifo() {
        reader.kill().unwrap();
        panic!("{status}: the pipe is {kind:?} now");
    }
    let read = reader.wait_with_output().unwrap();
    assert!(text(&read.stdout).starts_with(table));
}

#[test]
fn reading_results_changes_no_file_and_no_file_is_created_beside_a_folder() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("inner");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("empty.sqlite"), "").unwrap();
    fs::write(
        folder.join("grid.toml"),
        "arch = ['fc-small']\nepochs = 1\ndevice = 'cpu'\n",
    )
    .unwrap();
    // A database of another program, with its last rows still in the write-ahead log.
    let live = rusqlite::Connection::open(outer.path().join("live.sqlite")).unwrap();
    live.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE bookmarks (url TEXT);")
        .unwrap();
    for ending in ["", "-wal"] {
        let file = |folder: &Path, name: &str| folder.join(format!("{name}.sqlite{ending}"));
        fs::copy(file(outer.path(), "live"), file(&folder, "foreign")).unwrap();
    }
    let in_folder = |args: &[&str]| {
        let mut command = command(&[]);
        command.args(args).current_dir(&folder);
        command
    };
    let before = contents(&folder);
    for (file, reason) in [
        ("empty", "is empty"),
        ("foreign", "is a database of another program"),
    ] {
        let file = format!("{file}.sqlite");
        for command in [
            &["results", "list", "--from", &file][..],
            &["results", "export", "--from", &file],
            &["results", "show", "1", "--from", &file],
            &["results", "merge", &file, "--out", "joined.sqlite"],
            &["figures", "--from", &file],
        ] {
            let error = failure(&mut in_folder(command));
            assert!(error.contains(&format!("{file} {reason}")), "{error}");
        }
    }
    let output = in_folder(&["sweep", "grid.toml", "--dry-run", "--out", "empty.sqlite"]).output();
    assert!(output.unwrap().status.success());
    for name in before.keys() {
        assert_eq!(fs::read(folder.join(name)).unwrap(), before[name], "{name}");
    }
    assert!(!folder.join("joined.sqlite").exists());

    // A read-only file is not written, not even by the superuser.
    let finished = folder.join("finished.sqlite");
    drop(Store::open(&finished).unwrap());
    let mut permissions = finished.metadata().unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&finished, permissions).unwrap();
    for command in [
        &["sweep", "grid.toml", "--out", "finished.sqlite"][..],
        &[
            "results",
            "merge",
            "finished.sqlite",
            "--out",
            "finished.sqlite",
        ],
    ] {
        let error = failure(&mut in_folder(command));
        assert!(error.contains("finished.sqlite is read-only"), "{error}");
    }

    for out in ["..", ".", "/"] {
        let error = failure(&mut in_folder(&[
            "sweep",
            "grid.toml",
            "--out",
            out,
            "--shard",
            "1/2",
        ]));
        assert!(error.contains("does not name a file"), "{error}");
        let error = failure(&mut in_folder(&["sweep", "grid.toml", "--out", out]));
        assert!(error.contains("is not a regular file"), "{error}");
    }
    let mut names = file_names(outer.path());
    names.sort();
    assert_eq!(names, ["live.sqlite", "live.sqlite-shm", "live.sqlite-wal"]);
}

/// Names of the files in a folder, without folders.
fn file_names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.path().is_file());
    files
        .map(|file| file.file_name().into_string().unwrap())
        .collect()
}
