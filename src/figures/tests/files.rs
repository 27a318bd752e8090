//! Figures as files.

use super::*;
use crate::{sweep::series, train::Projection};

#[test]
fn every_figure_can_be_written_in_every_format() {
    let records = many_series();
    let all = AllFigures::new(&records, DeadRuns::Hollow);
    assert_eq!(all.missing, []);
    let folder = tempfile::tempdir().unwrap();
    let (accuracy, mse) = ("Test accuracy (%)", "Test MSE (pixels from −1 to 1)");
    let (z, other) = (["z₁", "z₂", "z₃"], "Fashion-MNIST, FC Medium");
    let expected = [
        ("figure-3", vec![accuracy, mse, "λ (0: pure"]),
        (
            "figure-4-fc-medium-n-3",
            [&z[..], &["λ = 0.7", other]].concat(),
        ),
        (
            "figure-5-cifar-10-fc-medium-n-3",
            vec!["input", "λ = 0.7", "data:image/png;base64,"],
        ),
        ("trade-off-plane", vec![accuracy, mse]),
        (
            "latent-size",
            vec!["Latent size n (units)", "Accuracy lost (percentage points)"],
        ),
        ("complexity", vec!["Trainable parameters", "CNN Small"]),
    ];
    for (name, words) in expected {
        let figure = all.figures.iter().find(|(other, _)| other == name);
        let (_, figure) = figure.unwrap_or_else(|| panic!("{name} is missing"));
        let path = |extension: &str| folder.path().join(format!("{name}.{extension}"));
        let svg = save_svg(&**figure, &path("svg"));
        for word in words {
            assert!(svg.contains(word), "“{word}” is missing in {name}");
        }

        save(&**figure, &path("png")).unwrap();
        let file = std::io::BufReader::new(fs::File::open(path("png")).unwrap());
        let reader = png::Decoder::new(file).read_info().unwrap();
        let info = reader.info();
        let (width, height) = figure.size();
        let dots = |points: f64| (points / 72.0 * 300.0).round() as u32;
        assert_eq!((info.width, info.height), (dots(width), dots(height)));
        assert!([1004, 2067].contains(&info.width), "one column or two");
        assert_eq!(info.pixel_dims.unwrap().xppu, 11811);

        save(&**figure, &path("csv")).unwrap();
        let rows = csv::Reader::from_path(path("csv")).unwrap().into_records();
        assert_eq!(rows.map(Result::unwrap).count(), figure.table().rows.len());
    }
    let error = save(&*all.figures[0].1, &folder.path().join("a.pdf")).unwrap_err();
    assert!(error.to_string().contains(".svg, .png or .csv"), "{error}");
}

#[test]
fn clouds_have_one_two_or_three_axes() {
    let words = |n: usize| {
        let mut network = network(0.5, 10);
        network.record.spec.config.latent = LatentSize::new(n).unwrap();
        network.record.latent_values = n;
        if n > 3 {
            network.record.eval_sample.projection = Projection::Pca { explained: 0.71 };
        }
        text(&LatentCloud::new("title", &network).unwrap())
    };
    // Names of axes; a plane has no third one, and for n = 1 the classes are the second.
    for (n, present, absent) in [
        (1, "z₁,class", "z₂"),
        (2, "z₁,z₂", "z₃"),
        (3, "z₁,z₂,z₃", "PC"),
        (64, "PC 1,PC 2,PC 3,71 % of the variance", "z₁"),
    ] {
        let words = words(n);
        for name in present.split(',') {
            assert!(words.contains(name), "n = {n}: {name}");
        }
        assert!(!words.contains(absent), "n = {n}: {absent}");
    }
}

#[test]
fn points_have_the_colours_of_their_classes() {
    let network = network(0.5, 10);
    let cloud = LatentCloud::new("title", &network).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cloud.png");
    save(&cloud, &path).unwrap();
    let image = image::open(&path).unwrap().to_rgb8();
    for class in 0..10 {
        let colour = image::Rgb(palette::class(class));
        // Below the legend.
        let points = image.enumerate_pixels().filter(|(_, y, _)| *y > 140);
        let count = points.filter(|(.., pixel)| **pixel == colour).count();
        assert!(count > 50, "class {class} has {count} pixels");
    }
}

#[test]
fn reconstructions_have_difference_prediction_probability_and_error() {
    let mut network = network(0.5, 10);
    let words = text(&ReconstructionPairs::new("title", &network).unwrap());
    let names = "input,reconstruction,|difference|,prediction,probability,50 %,MSE,0.170";
    for name in names.split(',') {
        assert!(words.contains(name), "{name}");
    }
    network.snapshot = None;
    let words = text(&ReconstructionPairs::new("title", &network).unwrap());
    assert!(!words.contains("probability"));
}

#[test]
fn invalid_records_give_figures_or_reasons() {
    let valid = record(0.0, 1, 0.9, 0.2);
    let mut not_finite = record(0.3, 1, f64::NAN, f64::INFINITY);
    not_finite.eval_sample.points = vec![[f32::NAN; 3], [f32::MAX; 3], [f32::MIN; 3]];
    let mut empty = record(0.7, 1, 0.5, 0.2);
    empty.eval_sample.points.clear();
    empty.eval_sample.reconstructions.clear();
    let mut not_evaluated = record(0.9, 1, 0.5, 0.2);
    not_evaluated.evaluations.clear();
    let mut odd = record(1.0, 1, 0.5, 0.2);
    odd.data_name = "a <very> \"long\" & 'odd' name ".repeat(9);
    odd.class_names.clear();
    let reconstructions = &mut odd.eval_sample.reconstructions;
    reconstructions[0].reconstruction.truncate(7);
    odd.eval_sample.labels.fill(255);
    let odd_mnist = Record {
        data_name: "MNIST".to_owned(),
        ..odd.clone()
    };
    let folder = tempfile::tempdir().unwrap();
    for n in [1, 2, 3] {
        for mut records in [
            vec![],
            vec![not_finite.clone()],
            vec![not_evaluated.clone(), not_evaluated.clone()],
            vec![empty.clone(), not_finite.clone()],
            vec![odd.clone()],
            [&valid, &not_finite, &empty, &not_evaluated, &odd]
                .map(Clone::clone)
                .to_vec(),
            vec![valid.clone(), odd_mnist.clone()],
        ] {
            for record in &mut records {
                record.latent_values = n;
            }
            check_all_figures(records, folder.path());
        }
    }
}

/// Draws all figures of finished runs and of a run in training, and two frames of animations.
fn check_all_figures(records: Vec<Record>, folder: &Path) {
    let all = AllFigures::new(&records, DeadRuns::Hollow);
    assert!(all.figures.len() + all.missing.len() >= 6);
    for (name, figure) in &all.figures {
        save_svg(&**figure, &folder.join(format!("{name}.svg")));
    }
    for (_, sweep) in &all.sweeps {
        let film = Film::from_sweep(sweep);
        for frame in [0, film.frames() - 1] {
            film.frame(frame).unwrap();
        }
    }
    drop(all);
    let networks = records.into_iter().map(|record| NetworkState {
        snapshot: network(0.5, 10).snapshot,
        record,
    });
    let data = FigureData {
        networks: networks.collect(),
        shown: 0,
    };
    for kind in FigureKind::ALL {
        if let Ok(figure) = data.figure(kind, DeadRuns::Hollow) {
            save_svg(&*figure, &folder.join("live.svg"));
        }
    }
}

#[test]
fn figures_of_a_hundred_classes_stay_within_the_size_limit_and_name_every_class() {
    let mut network = network(0.5, 10);
    network.record.class_names = hundred_names();
    network.record.eval_sample = eval_sample(network.record.shape, 100, 0.5);
    let mut other = network.record.clone();
    other.spec.config.lambda = crate::model::Lambda::new(0.7).unwrap();
    let records = [network.record.clone(), other];
    let series = series(&records);
    let sweep = LambdaSweep::from_series(&series[0]).unwrap();
    let figures: [Box<dyn Figure + '_>; 4] = [
        Box::new(LatentCloud::new("title", &network).unwrap()),
        Box::new(ReconstructionPairs::new("title", &network).unwrap()),
        Box::new(Figure4::new(vec![sweep.clone()]).unwrap()),
        Box::new(Figure5::new(&sweep).unwrap()),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (index, figure) in figures.iter().enumerate() {
        let path = folder.path().join(format!("{index}.png"));
        save(&**figure, &path).unwrap();
        let (width, height) = image::image_dimensions(&path).unwrap();
        assert!(width * height <= 16_100_000, "{index}: {width}×{height}");
    }
    let svg = save_svg(&*figures[0], &folder.path().join("cloud.svg"));
    assert_eq!(svg.matches("a rather").count(), 100);
}
