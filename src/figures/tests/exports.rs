//! Animations, and the files of all figures together.

use std::{collections::HashSet, ops::ControlFlow};

use image::{AnimationDecoder as _, codecs::gif::GifDecoder};

use super::*;
use crate::sweep::series;

#[test]
fn a_sweep_becomes_an_animation() {
    let mut records = spectrum();
    records.retain(|record| record.spec.config.seed == 0 && record.lambda().value() < 0.15);
    let series = series(&records);
    let film = Film::from_sweep(&LambdaSweep::from_series(&series[0]).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lambda-sweep.gif");
    let ending = save_animation(&film, &path, |_, _| ControlFlow::Continue(()));
    assert_eq!(ending.unwrap(), Ending::Written);
    let file = std::io::BufReader::new(fs::File::open(path).unwrap());
    let frames = GifDecoder::new(file).unwrap().into_frames();
    let frames = frames.collect_frames().unwrap();
    assert_eq!(frames.len(), film.frames());
    assert_eq!(frames[0].buffer().dimensions(), (960, 540));
    // The marker of λ starts at the left end and leaves it.
    let blue = palette::lambda_on_light(0.0);
    let count = |frame: &image::Frame| {
        let mut pixels: Vec<_> = frame.buffer().enumerate_pixels().collect();
        pixels.retain(|(x, y, _)| *x < 160 && (500..525).contains(y));
        pixels
            .iter()
            .filter(|(.., pixel)| pixel.0[..3] == blue)
            .count()
    };
    let (first, last) = (count(&frames[0]), count(&frames[frames.len() - 1]));
    assert!(first > last + 50, "{first} pixels, then {last}");
    // The discs of the legend keep their exact colours.
    for class in 0..10 {
        let colour = palette::class(class);
        let pixels = frames[0].buffer().pixels();
        let count = pixels.filter(|pixel| pixel.0[..3] == colour).count();
        assert!(count > 30, "class {class} has {count} pixels");
    }
    assert!(
        frames[0].buffer() != frames[1].buffer(),
        "points move in a transition"
    );
}

#[test]
fn the_legend_of_an_animation_ends_above_the_progress_bar() {
    let mut record = record(0.5, 1, 0.9, 0.2);
    record.class_names = hundred_names();
    let scene = Scene::from_record("title", &record);
    let svg = backend::svg((960.0, 540.0), |page| scene.draw_legend(page)).unwrap();
    let shown = svg.matches("a rather").count();
    let missing = format!("+ {} more", 100 - shown);
    assert!(svg.contains(&missing), "{shown} names");
    let lowest = svg.split("cy=\"").skip(1).map(|rest| {
        let end = rest.find('"').unwrap();
        rest[..end].parse::<f64>().unwrap()
    });
    // An SVG file has 25 units per point.
    assert!(lowest.fold(0.0, f64::max) <= 490.0 * 25.0);
}

#[test]
fn file_names_are_unique() {
    let mut records = Vec::new();
    // Names without any character that a file name keeps.
    for name in ["猫", "犬", "鳥"] {
        let mut of_set = vec![record(0.0, 1, 0.9, 0.3), record(1.0, 1, 0.6, 0.2)];
        for record in &mut of_set {
            record.spec.data = DataSource::Folder(name.into());
            name.clone_into(&mut record.data_name);
        }
        records.extend(of_set);
    }
    let names = AllFigures::new(&records, DeadRuns::Hollow).file_names(true);
    let distinct: HashSet<&String> = names.iter().collect();
    assert_eq!(distinct.len(), names.len(), "{names:?}");
    let is_animation = |name: &&String| name.starts_with("lambda-sweep");
    assert_eq!(names.iter().filter(is_animation).count(), 3);
}
