//! Every figure from records that nobody trained.

use std::{collections::HashMap, fs, ops::ControlFlow};

use image::{AnimationDecoder as _, codecs::gif::GifDecoder};

use super::*;
use crate::{
    data::{BundledSet, DataSource},
    model::{Architecture, LatentSize},
    sweep::{
        BoxPlot, Record, Series,
        fixtures::{dead_record, eval_sample, record},
        series,
        stats::{by_lambda, pareto_front, trade_off},
    },
};

/// Eleven λ, five seeds, two of the runs dead.
fn spectrum() -> Vec<Record> {
    let mut records = Vec::new();
    for step in 0..=10u32 {
        for seed in 0..5u32 {
            let lambda = f64::from(step) / 10.0;
            let noise = f64::from((step * 7 + seed * 13) % 11) / 11.0 - 0.5;
            let accuracy = 0.95 - 0.35 * lambda.powi(4) + 0.04 * noise;
            let mse = 0.235 - 0.05 * lambda.sqrt() + 0.01 * noise;
            records.push(if seed == 3 && step % 5 == 1 {
                dead_record(lambda, u64::from(seed))
            } else {
                record(lambda, u64::from(seed), accuracy, mse)
            });
        }
    }
    records
}

fn other(records: &[Record], n: usize, set: BundledSet) -> Vec<Record> {
    let mut records = records.to_vec();
    for record in &mut records {
        record.spec.config.latent = LatentSize::new(n).unwrap();
        record.latent_values = n;
        record.parameters += 1_245 * n;
        record.spec.data = DataSource::Bundled(set);
        record.data_name = set.to_string();
        let test = &mut record.evaluations[0].test;
        test.accuracy = 1.0 - (1.0 - test.accuracy) / (n as f64).sqrt();
        test.mse /= (n as f64).sqrt();
    }
    records
}

/// Three sizes of z, two data sets, three variants.
fn many() -> Vec<Record> {
    let base = spectrum();
    let mut records = base.clone();
    for n in [8, 64] {
        records.extend(other(&base, n, BundledSet::Mnist));
    }
    records.extend(other(&base, 3, BundledSet::FashionMnist));
    let mut cifar = other(&base, 3, BundledSet::Cifar10);
    for record in &mut cifar {
        record.shape = BundledSet::Cifar10.shape();
        record.eval_sample = eval_sample(record.shape, 10, record.lambda().value() as f32);
    }
    records.extend(cifar);
    for (architecture, parameters) in [
        (Architecture::FcSmall, 5_521),
        (Architecture::FcLarge, 2_977_000),
        (Architecture::CnnSmall, 14_000),
    ] {
        let mut variant = base.clone();
        for record in &mut variant {
            record.spec.config.architecture = architecture;
            record.parameters = parameters;
        }
        records.extend(variant);
    }
    records
}

fn runs(series: &[Series<'_>]) -> Vec<Runs> {
    series.iter().map(Runs::of).collect()
}

fn table(figure: &dyn Figure) -> Vec<HashMap<&'static str, String>> {
    let Table { header, rows } = figure.table();
    let rows = rows.into_iter();
    rows.map(|row| {
        assert_eq!(row.len(), header.len());
        header.iter().copied().zip(row).collect()
    })
    .collect()
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

#[test]
fn the_numbers_of_figure_3_are_the_statistics() {
    let records = spectrum();
    let series = series(&records);
    for dead in [DeadRuns::Hollow, DeadRuns::LeftOut] {
        let rows = table(&Figure3::of(&runs(&series), dead).unwrap());
        let mut outcomes = series[0].outcomes();
        outcomes.retain(|run| dead == DeadRuns::Hollow || !run.dead);
        for group in by_lambda(&outcomes) {
            let of = |quantity: &str, statistic: &str| -> Vec<f64> {
                let lambda = group.lambda.to_string();
                let rows = rows.iter().filter(|row| {
                    row["lambda"] == lambda
                        && row["quantity"] == quantity
                        && row["statistic"] == statistic
                });
                rows.map(|row| number(&row["value"])).collect()
            };
            let boxes = [
                (
                    "accuracy",
                    BoxPlot::from_values(group.outcomes.iter().map(|run| run.accuracy * 100.0)),
                ),
                ("mse", group.mse()),
            ];
            for (quantity, found) in boxes {
                let found = found.unwrap();
                assert_eq!(of(quantity, "median"), [found.median]);
                assert_eq!(of(quantity, "lower whisker"), [found.whiskers[0]]);
                assert_eq!(of(quantity, "first quartile"), [found.quartiles[0]]);
                assert_eq!(of(quantity, "third quartile"), [found.quartiles[1]]);
                assert_eq!(of(quantity, "upper whisker"), [found.whiskers[1]]);
                assert_eq!(of(quantity, "run").len(), group.outcomes.len());
            }
        }
        let hollow = rows.iter().filter(|row| row["dead"] == "true").count();
        assert_eq!(hollow, if dead == DeadRuns::Hollow { 4 } else { 0 });
    }
}

#[test]
fn the_plane_and_the_widths_tell_the_same_as_the_statistics() {
    let records = many();
    let all = series(&records);
    let rows = table(&TradeOffPlane::of(&runs(&all), DeadRuns::Hollow).unwrap());
    assert_eq!(rows.len(), records.len());
    for series in &all {
        let of_series = rows.iter().filter(|row| row["panel"] == series.title);
        let front = of_series.filter(|row| row["on_front"] == "true").count();
        assert_eq!(front, pareto_front(&series.outcomes()).len());
    }

    let rows = table(&TradeOffWidths::of(&all, Against::LatentSize).unwrap());
    for n in [3, 8, 64] {
        let title = format!("MNIST, FC Medium, n = {n}");
        let series = all.iter().find(|series| series.title == title).unwrap();
        let wanted = trade_off(&series.outcomes()).unwrap();
        let of = |quantity: &str| {
            let row = rows.iter().find(|row| {
                row["n"] == n.to_string()
                    && row["quantity"] == quantity
                    && row["statistic"] == "median"
            });
            number(&row.unwrap()["value"])
        };
        assert_eq!(
            of("accuracy_loss_percentage_points"),
            wanted.accuracy_loss * 100.0
        );
        assert_eq!(of("mse_loss"), wanted.mse_loss);
    }
    let rows = table(&TradeOffWidths::of(&all, Against::Parameters).unwrap());
    let mut networks: Vec<&str> = rows
        .iter()
        .filter(|row| row["panel"] == "MNIST, n = 3")
        .map(|row| row["network"].as_str())
        .collect();
    networks.dedup();
    assert_eq!(networks, ["FC Small", "CNN Small", "FC Medium", "FC Large"]);
}

#[test]
fn dead_runs_are_left_out_with_their_number() {
    let records = spectrum();
    let all = series(&records);
    let words = |dead| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.svg");
        save(&Figure3::of(&runs(&all), dead).unwrap(), &path).unwrap();
        let text = fs::read_to_string(path).unwrap();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(words(DeadRuns::Hollow).contains("Hollow: every latent unit is dead"));
    let left_out = words(DeadRuns::LeftOut);
    assert!(left_out.contains("Left out, as every"), "{left_out}");
    assert!(left_out.contains("(2 runs)"), "{left_out}");
}

/// Every tag is closed by its own kind, every attribute is quoted, every entity is known.
fn assert_well_formed(text: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        for entity in before.split('&').skip(1) {
            let known = ["lt;", "gt;", "amp;", "quot;", "apos;"];
            assert!(
                known.iter().any(|known| entity.starts_with(known)),
                "&{entity}"
            );
        }
        let end = tag.find('>').expect("a tag ends");
        let inner = &tag[1..end];
        rest = &tag[end + 1..];
        assert_eq!(inner.matches('"').count() % 2, 0, "{inner}");
        if let Some(name) = inner.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !inner.ends_with('/') {
            open.extend(inner.split_whitespace().next());
        }
    }
    assert!(open.is_empty() && rest.trim().is_empty(), "{open:?} {rest}");
}

#[test]
fn every_figure_is_a_sound_file_in_every_format() {
    let records = many();
    let every = every(&records, DeadRuns::Hollow);
    assert_eq!(every.missing, []);
    let names: Vec<&str> = every.figures.iter().map(|(name, _)| &**name).collect();
    let wanted = [
        "figure-3",
        "figure-4-fc-medium-n-3",
        "figure-5-cifar-10-fc-medium-n-3",
        "trade-off-plane",
        "latent-size",
        "complexity",
    ];
    for name in wanted {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, figure) in &every.figures {
        // The others are the same drawing once more.
        if !wanted.contains(&name.as_str()) {
            continue;
        }
        let path = |extension: &str| folder.path().join(format!("{name}.{extension}"));
        for extension in EXTENSIONS {
            save(&**figure, &path(extension)).unwrap();
        }
        let svg = fs::read_to_string(path("svg")).unwrap();
        assert_well_formed(&svg);
        let wanted: &[&str] = match name.as_str() {
            "figure-3" => &[
                "Test accuracy (%)",
                "Test MSE (pixels from −1 to 1)",
                "λ (0: pure",
            ],
            "trade-off-plane" => &["Test accuracy (%)", "Test MSE (pixels from −1 to 1)"],
            "latent-size" => &["Latent size n (units)", "Accuracy lost (percentage points)"],
            "complexity" => &["Trainable parameters", "CNN Small"],
            "figure-4-fc-medium-n-3" => &["z₁", "z₂", "z₃", "λ = 0.7", "Fashion-MNIST, FC Medium"],
            _ => &["input", "λ = 0.7", "data:image/png;base64,"],
        };
        for words in wanted {
            assert!(svg.contains(words), "“{words}” is missing in {name}");
        }

        let file = std::io::BufReader::new(fs::File::open(path("png")).unwrap());
        let reader = png::Decoder::new(file).read_info().unwrap();
        let info = reader.info();
        let (width, height) = figure.size();
        let dots = |points: f64| (points / 72.0 * 300.0).round() as u32;
        assert_eq!((info.width, info.height), (dots(width), dots(height)));
        assert!([1004, 2067].contains(&info.width), "one column or two");
        let density = info.pixel_dims.unwrap();
        assert_eq!((density.xppu, density.unit), (11811, png::Unit::Meter));

        let rows = csv::Reader::from_path(path("csv")).unwrap().into_records();
        assert_eq!(rows.map(Result::unwrap).count(), figure.table().rows.len());
    }
    let error = save(&*every.figures[0].1, &folder.path().join("a.pdf"));
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains(".svg, .png or .csv")
    );
}

#[test]
fn hostile_records_give_figures_or_reasons() {
    let mut broken = record(0.3, 1, f64::NAN, f64::INFINITY);
    broken.eval_sample.points = vec![[f32::NAN; 3], [f32::MAX; 3], [f32::MIN; 3]];
    let mut empty = record(0.7, 1, 0.5, 0.2);
    empty.eval_sample.points.clear();
    empty.eval_sample.reconstructions.clear();
    let mut never = record(0.9, 1, 0.5, 0.2);
    never.evaluations.clear();
    let mut odd = record(1.0, 1, 0.5, 0.2);
    odd.data_name = "a <very> \"long\" & 'odd' name ".repeat(9);
    odd.class_names.clear();
    odd.eval_sample.reconstructions[0]
        .reconstruction
        .truncate(7);
    odd.eval_sample.labels.fill(255);
    let folder = tempfile::tempdir().unwrap();
    for records in [
        vec![],
        vec![broken.clone()],
        vec![never.clone(), never.clone()],
        vec![empty.clone(), broken.clone()],
        vec![odd.clone()],
        vec![record(0.0, 1, 0.9, 0.2), broken, empty, never, odd.clone()],
        vec![record(0.0, 1, 0.9, 0.2), {
            odd.data_name = "MNIST".to_owned();
            odd
        }],
    ] {
        let every = every(&records, DeadRuns::Hollow);
        assert!(every.figures.len() + every.missing.len() >= 6);
        for (name, figure) in &every.figures {
            let path = folder.path().join(format!("{name}.svg"));
            save(&**figure, &path).unwrap();
            assert_well_formed(&fs::read_to_string(path).unwrap());
        }
        for (_, spectrum) in &every.spectra {
            let film = Film::of_lambdas(spectrum);
            for place in [0, film.frames() - 1] {
                film.frame(place).unwrap();
            }
        }
    }
}

#[test]
fn the_seed_with_the_most_living_runs_is_shown() {
    let mut records = spectrum();
    let chosen = |records: &[Record]| {
        let series = series(records);
        let spectrum = OneSeed::of(&series[0]).unwrap();
        (spectrum.seed, spectrum.records.len())
    };
    assert_eq!(chosen(&records), (0, 11));
    for record in &mut records {
        if record.spec.config.seed == 0 {
            record.evaluations[0].dead_units = 1;
        }
    }
    assert_eq!(chosen(&records), (1, 11), "seed 0 has dead units");
    records.retain(|run| run.spec.config.seed != 1 || run.lambda().value() > 0.05);
    assert_eq!(chosen(&records), (2, 11), "seed 1 has a gap");
}

#[test]
fn a_sweep_becomes_a_film() {
    let records: Vec<Record> = spectrum()
        .into_iter()
        .filter(|record| record.spec.config.seed == 0 && record.lambda().value() < 0.15)
        .collect();
    let series = series(&records);
    let film = Film::of_lambdas(&OneSeed::of(&series[0]).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lambda-sweep.gif");
    let ending = save_animation(&film, &path, |_, _| ControlFlow::Continue(()));
    assert_eq!(ending.unwrap(), Ending::Written);
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let frames = GifDecoder::new(file).unwrap().into_frames();
    let frames = frames.collect_frames().unwrap();
    assert_eq!(frames.len(), film.frames());
    assert_eq!(frames[0].buffer().dimensions(), (960, 540));
    // The knob stands at the left end at first, and not at last.
    let blue = palette::lambda_on_light(0.0);
    let count = |frame: &image::Frame| {
        let knob = frame
            .buffer()
            .enumerate_pixels()
            .filter(|(x, y, pixel)| *x < 160 && (500..525).contains(y) && pixel.0[..3] == blue);
        knob.count()
    };
    let (first, last) = (count(&frames[0]), count(&frames[frames.len() - 1]));
    assert!(first > last + 50, "{first} pixels, then {last}");
    // What has a meaning keeps its colour: the discs of the legend.
    for class in 0..10 {
        let wanted = palette::class(class);
        let pixels = frames[0].buffer().pixels();
        let count = pixels.filter(|pixel| pixel.0[..3] == wanted).count();
        assert!(count > 30, "class {class} has {count} pixels");
    }
    let moved = frames[0].buffer() != frames[1].buffer();
    assert!(moved, "points glide");
}

#[test]
fn the_pictures_of_a_hundred_classes_are_no_larger_than_allowed_and_name_the_classes() {
    let mut record = record(0.5, 1, 0.9, 0.2);
    record.class_names = (0..100)
        .map(|class| format!("a rather long name {class}"))
        .collect();
    record.eval_sample = eval_sample(record.shape, 100, 0.5);
    let mut other = record.clone();
    other.spec.config.lambda = crate::model::Lambda::new(0.7).unwrap();
    let records = [record, other];
    let series = series(&records);
    let spectrum = OneSeed::of(&series[0]).unwrap();
    let figures: [Box<dyn Figure + '_>; 4] = [
        Box::new(OneCloud::of("title", &records[0]).unwrap()),
        Box::new(ReconstructionPairs::of("title", &records[0]).unwrap()),
        Box::new(Figure4::of(vec![spectrum.clone()]).unwrap()),
        Box::new(Figure5::of(&spectrum).unwrap()),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (index, figure) in figures.iter().enumerate() {
        let path = folder.path().join(format!("{index}.png"));
        save(&**figure, &path).unwrap();
        let (width, height) = image::image_dimensions(&path).unwrap();
        assert!(width * height <= 16_100_000, "{index}: {width}×{height}");
    }
    // All names of the cloud's legend are on the page, some of them cut.
    let path = folder.path().join("cloud.svg");
    save(&*figures[0], &path).unwrap();
    let svg = fs::read_to_string(path).unwrap();
    assert_eq!(svg.matches("a rather").count(), 100);

    // The legend of a film ends above the bar and says how many names are missing.
    let scene = Scene::of_record("title", &records[0]);
    let svg = backend::svg((960.0, 540.0), |page| scene.draw_legend(page)).unwrap();
    let shown = svg.matches("a rather").count();
    assert!(
        svg.contains(&format!("+ {} more", 100 - shown)),
        "{shown} names"
    );
    let lowest = svg.split("cy=\"").skip(1).map(|rest| {
        let end = rest.find('"').unwrap();
        rest[..end].parse::<f64>().unwrap()
    });
    // In units of a twenty-fifth of a point.
    assert!(lowest.fold(0.0, f64::max) <= 490.0 * 25.0);
}

#[test]
fn no_two_figures_have_the_same_file() {
    let mut records = Vec::new();
    // Names of which nothing is left in the name of a file.
    for name in ["猫", "犬", "鳥"] {
        let mut of_set = vec![record(0.0, 1, 0.9, 0.3), record(1.0, 1, 0.6, 0.2)];
        for record in &mut of_set {
            record.spec.data = DataSource::Folder(name.into());
            name.clone_into(&mut record.data_name);
        }
        records.extend(of_set);
    }
    let names = every(&records, DeadRuns::Hollow).file_names(true);
    let distinct: std::collections::HashSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "{names:?}");
    assert_eq!(
        names
            .iter()
            .filter(|name| name.starts_with("lambda-sweep"))
            .count(),
        3
    );
}
