//! A folder of the user's own images, with one subfolder per class.

use std::{
    fs,
    path::{Path, PathBuf},
};

use image::DynamicImage;
use rand::seq::SliceRandom as _;
use rayon::prelude::*;

use super::{
    ContentError, Dataset, ImageShape, LoadError, Split, SplitKind,
    picture::{decode, fit, is_image},
};
use crate::rng;

/// The most classes of a data set.
const MAX_CLASSES: usize = 100;
/// The most images of a data set.
const MAX_IMAGES: usize = 100_000;
/// Without a folder “test”, one image in this many is a test image, as in MNIST.
const TEST_FRACTION: usize = 7;
/// Seed of the split into training and test images, which is the same every time.
const SPLIT_SEED: u64 = 0;
/// Differences between channels up to this are regarded as grey: lossy formats tint grey images.
const MAX_GREY_DIFFERENCE: u8 = 12;

/// An image in both shapes that networks accept.
struct Picture {
    grey: Vec<u8>,
    colour: Vec<u8>,
    is_colour: bool,
}

/// Files of a split with the indices of their classes.
type LabelledFiles = Vec<(u8, PathBuf)>;

/// Finds the folders of the training and of the test images, each with two or more subfolders of
/// images: “train” and “test”, or twice `folder` itself, whose images are then split.
pub(super) fn find(folder: &Path) -> Option<[PathBuf; 2]> {
    let has_classes = |folder: &Path| class_names(folder).len() > 1;
    let split = ["train", "test"].map(|name| folder.join(name));
    if split.iter().all(|folder| has_classes(folder)) {
        return Some(split);
    }
    has_classes(folder).then(|| [folder.to_owned(), folder.to_owned()])
}

/// Reads, crops and resizes all images of the folders that [`find`] has found in `folder`: to
/// 3×32×32 if any has colour, else to 1×28×28.
///
/// Files that cannot be read are left out and listed in [`Dataset::skipped`].
pub(super) fn load(folder: &Path, folders: &[PathBuf; 2]) -> Result<Dataset, LoadError> {
    let invalid = |reason| LoadError::content(folder, ContentError(reason));
    let (class_names, files) = list(folders).map_err(invalid)?;
    let mut skipped = Vec::new();
    let splits = files.map(|files| read_all(files, &mut skipped));
    for (class, name) in (0..).zip(&class_names) {
        for (kind, pictures) in SplitKind::ALL.into_iter().zip(&splits) {
            if pictures.iter().all(|(label, _)| *label != class) {
                let reason = format!("has no readable {kind} image of the class “{name}”");
                return Err(invalid(reason));
            }
        }
    }
    let mut pictures = splits.iter().flatten();
    let is_colour = pictures.any(|(_, picture)| picture.is_colour);
    let shape = if is_colour {
        ImageShape::COLOUR_32
    } else {
        ImageShape::GREY_28
    };
    let [train, test] = splits.map(|pictures| {
        let mut pixels = Vec::with_capacity(pictures.len() * shape.pixels());
        let mut labels = Vec::with_capacity(pictures.len());
        for (label, Picture { grey, colour, .. }) in pictures {
            labels.push(label);
            pixels.extend(if is_colour { colour } else { grey });
        }
        Split::from_files(shape, (folder, pixels), (folder, labels))
    });
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let name = absolute.file_name().unwrap_or(absolute.as_os_str());
    Ok(Dataset {
        name: name.to_string_lossy().into_owned(),
        shape,
        class_names,
        rotation: 0.0,
        skipped,
        train: train?,
        test: test?,
    })
}

/// Lists class names, training files and test files.
fn list(folders: &[PathBuf; 2]) -> Result<(Vec<String>, [LabelledFiles; 2]), String> {
    let [train, test] = folders;
    let classes = class_names(train);
    if !(2..=MAX_CLASSES).contains(&classes.len()) {
        let count = classes.len();
        return Err(format!(
            "has {count} classes, but must have 2 to {MAX_CLASSES}"
        ));
    }
    if train != test && classes != class_names(test) {
        return Err("has other classes in “train” than in “test”".to_owned());
    }
    let mut splits = [Vec::new(), Vec::new()];
    for (label, class) in (0..).zip(&classes) {
        let mut files = folders
            .each_ref()
            .map(|folder| image_files(&folder.join(class)));
        if train == test {
            let [train, test] = &mut files;
            if train.len() < 2 {
                return Err(format!("has fewer than two images of the class “{class}”"));
            }
            train.shuffle(&mut rng::from_stream(SPLIT_SEED, u64::from(label)));
            *test = train.split_off(train.len() - train.len().div_ceil(TEST_FRACTION));
        }
        for (split, files) in splits.iter_mut().zip(files) {
            split.extend(files.into_iter().map(|file| (label, file)));
        }
    }
    match splits.iter().map(Vec::len).sum() {
        0..=MAX_IMAGES => Ok((classes, splits)),
        count => Err(format!(
            "has {count} images, more than the limit of {MAX_IMAGES}"
        )),
    }
}

/// Names of the subfolders that contain images, sorted.
fn class_names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = entries(folder)
        .filter(|path| path.is_dir() && entries(path).any(|file| is_image(&file)))
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

/// Image files in a folder, sorted.
fn image_files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = entries(folder).filter(|file| is_image(file)).collect();
    files.sort();
    files
}

/// Entries of a folder except hidden ones; none if it cannot be read.
fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| !name.to_string_lossy().starts_with('.'))
        })
}

/// Reads files in parallel, in order, and appends those that cannot be read to `skipped`.
fn read_all(files: LabelledFiles, skipped: &mut Vec<PathBuf>) -> Vec<(u8, Picture)> {
    let results: Vec<_> = files
        .into_par_iter()
        .map(|(label, file)| match decode(&file) {
            Ok(image) => Ok((label, Picture::new(&image))),
            Err(_) => Err(file),
        })
        .collect();
    let keep = |result: Result<_, _>| result.map_err(|file| skipped.push(file)).ok();
    results.into_iter().filter_map(keep).collect()
}

impl Picture {
    fn new(image: &DynamicImage) -> Self {
        let colour = fit(image, ImageShape::COLOUR_32);
        let channel_size = colour.len() / 3;
        let is_colour = (0..channel_size).any(|pixel| {
            let [red, green, blue] =
                [0, 1, 2].map(|channel| colour[channel * channel_size + pixel]);
            red.abs_diff(green).max(green.abs_diff(blue)) > MAX_GREY_DIFFERENCE
        });
        Self {
            grey: fit(image, ImageShape::GREY_28),
            colour,
            is_colour,
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};

    use super::*;
    use crate::data::DataSource;

    fn save(path: &Path, colour: [u8; 3]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        RgbImage::from_pixel(50, 40, Rgb(colour))
            .save(path)
            .unwrap();
    }

    fn load(folder: &Path) -> Result<Dataset, String> {
        let loaded = DataSource::Folder(folder.to_owned()).load();
        let name = folder.display().to_string();
        loaded.map_err(|error| error.to_string().replace(&name, "F"))
    }

    #[test]
    fn subfolders_are_classes_and_are_split_the_same_way_every_time() {
        let folder = tempfile::tempdir().unwrap();
        for (class, grey) in [("cats", 60), ("dogs", 200)] {
            for number in 0..14 {
                let path = folder.path().join(format!("{class}/{number}.png"));
                save(&path, [grey; 3]);
            }
        }
        fs::write(folder.path().join("cats/broken.jpg"), b"not an image").unwrap();
        fs::write(folder.path().join("cats/notes.txt"), b"not an image").unwrap();
        let dataset = load(folder.path()).unwrap();
        assert_eq!(dataset, load(folder.path()).unwrap());
        assert_eq!(dataset.class_names, ["cats", "dogs"]);
        assert_eq!(dataset.shape, ImageShape::GREY_28);
        assert_eq!(dataset.train.len() + dataset.test.len(), 28);
        assert!((4..=5).contains(&dataset.test.len()));
        assert_eq!(dataset.skipped, [folder.path().join("cats/broken.jpg")]);
        for index in 0..dataset.test.len() {
            let grey = [60, 200][usize::from(dataset.test.label(index))];
            assert!(dataset.test.image(index).iter().all(|byte| *byte == grey));
        }
    }

    #[test]
    fn folders_train_and_test_are_used_and_one_colour_image_makes_all_images_rgb() {
        let folder = tempfile::tempdir().unwrap();
        for split in ["train", "test"] {
            save(&folder.path().join(split).join("a/1.png"), [10, 10, 10]);
            save(&folder.path().join(split).join("b/1.bmp"), [10, 200, 30]);
        }
        let dataset = load(folder.path()).unwrap();
        assert_eq!(dataset.shape, ImageShape::COLOUR_32);
        assert_eq!([dataset.train.labels(), dataset.test.labels()], [[0, 1]; 2]);
        let green = dataset.test.image(1);
        assert_eq!((green[0], green[1024], green[2048]), (10, 200, 30));

        fs::remove_dir_all(folder.path().join("test/b")).unwrap();
        save(&folder.path().join("test/c/1.png"), [1; 3]);
        let error = load(folder.path()).unwrap_err();
        assert_eq!(error, "F has other classes in “train” than in “test”");
    }
}
