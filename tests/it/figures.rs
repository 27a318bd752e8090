//! `cre-lab figures` after `cre-lab sweep`.

use crate::common::program::{command, succeeds};
use std::{fs, path::Path, process::Output};

use cre_lab::sweep::Store;
use image::{AnimationDecoder as _, codecs::gif::GifDecoder};

fn cre_lab(folder: &Path, args: &[&str]) -> Output {
    command(args).current_dir(folder).output().unwrap()
}

#[test]
fn all_possible_figures_of_a_sweep_are_written_and_the_others_reported() {
    let folder = tempfile::tempdir().unwrap();
    let grid = "arch = ['fc-small']\nlatent = [8, 32]\nlambda = [0.0, 1.0]\nseed = [1, 2]\n\
                epochs = 1\ndevice = 'cpu'\n";
    fs::write(folder.path().join("grid.toml"), grid).unwrap();
    let sweep = ["sweep", "grid.toml", "--out", "all.sqlite"];
    succeeds(cre_lab(folder.path(), &sweep));

    let figures = [
        "figures",
        "--from",
        "all.sqlite",
        "--out",
        "made/here",
        "--animate",
    ];
    let (out, error) = succeeds(cre_lab(folder.path(), &figures));
    let out_folder = folder.path().join("made/here");
    for name in [
        "figure-3",
        "figure-4-fc-small-n-8",
        "figure-4-fc-small-n-32",
        "figure-5-mnist-fc-small-n-32",
        "trade-off-plane",
        "latent-size",
    ] {
        for extension in ["svg", "png", "csv"] {
            let file = format!("{name}.{extension}");
            assert!(
                fs::metadata(out_folder.join(&file)).unwrap().len() > 100,
                "{file}"
            );
            assert!(out.contains(&file), "{file} is not named in: {out}");
        }
    }
    assert!(
        error.contains("complexity is left out: it needs two networks"),
        "{error}"
    );
    assert!(!out_folder.join("complexity.svg").exists());
    // Existing files are replaced only with --overwrite.
    let output = cre_lab(folder.path(), &figures);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(
        error.contains("made/here already holds figure-3.svg and "),
        "{error}"
    );
    assert!(error.contains("--overwrite"), "{error}");
    succeeds(cre_lab(
        folder.path(),
        &[&figures[..], &["--overwrite"]].concat(),
    ));
    let animation = fs::File::open(out_folder.join("lambda-sweep-mnist-fc-small-n-8.gif")).unwrap();
    let frames = GifDecoder::new(std::io::BufReader::new(animation)).unwrap();
    assert!(frames.into_frames().collect_frames().unwrap().len() > 2);

    // The numbers are those of the stored runs.
    let store = Store::open_existing(&folder.path().join("all.sqlite")).unwrap();
    let mut stored: Vec<f64> = store
        .runs()
        .unwrap()
        .iter()
        .map(|run| run.record.metrics().unwrap().mse)
        .collect();
    let mut plotted: Vec<f64> = csv::Reader::from_path(out_folder.join("trade-off-plane.csv"))
        .unwrap()
        .into_records()
        .map(|row| row.unwrap().iter().next_back().unwrap().parse().unwrap())
        .collect();
    stored.sort_by(f64::total_cmp);
    plotted.sort_by(f64::total_cmp);
    assert_eq!(plotted, stored);
    assert_eq!(plotted.len(), 8);
}

#[test]
fn missing_results_are_reported_in_one_line_with_exit_code_1() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(&folder.path().join("empty.sqlite")).unwrap());
    for (file, reason) in [
        ("none.sqlite", "does not exist"),
        ("empty.sqlite", "no finished run"),
    ] {
        let output = cre_lab(folder.path(), &["figures", "--from", file]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
        assert!(error.contains(file) && error.contains(reason), "{error}");
        assert!(!folder.path().join("cre-lab-figures").exists());
    }
}
