//! A person's own images: a folder with one sub-folder for each class.

use std::{
    fs,
    io::BufReader,
    path::{Path, PathBuf},
};

use image::{DynamicImage, ImageReader, Limits, imageops::FilterType};
use rand::seq::SliceRandom as _;
use rayon::prelude::*;

use super::{Dataset, ImageShape, LoadError, Split};
use crate::{fs::open_regular, rng};

/// Endings of the files that are taken for images.
const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "bmp", "webp"];
/// The most classes that can be told apart.
const MAX_CLASSES: usize = 100;
/// The most images that are read.
const MAX_IMAGES: usize = 100_000;
/// The largest side of an image file, in pixels.
const MAX_SIDE: u32 = 20_000;
/// The most memory that decoding one file may take, in bytes.
const MAX_ALLOCATION: u64 = 512 << 20;
/// One image in so many is a test image, where there is no folder `test`; as in MNIST.
const TEST_SHARE: usize = 7;
/// Decides which, so that the same folder is always cut the same way.
const SPLIT_SEED: u64 = 0;

/// Where the images of each class lie.
pub(super) struct PictureFolder {
    folder: PathBuf,
    /// Folders with a sub-folder for each class: one to cut, or `train` and `test`.
    halves: Halves,
}

enum Halves {
    ToCut(PathBuf),
    Given { train: PathBuf, test: PathBuf },
}

/// An image as both shapes that the networks take.
struct Both {
    grey: Vec<u8>,
    colour: Vec<u8>,
    is_colourful: bool,
}

/// Images of a half: class and file.
type Listed = Vec<(u8, PathBuf)>;

impl PictureFolder {
    /// Whether `folder` has sub-folders with images in them, or `train` and `test` that do.
    pub(super) fn find(folder: &Path) -> Option<Self> {
        let [train, test] = ["train", "test"].map(|name| folder.join(name));
        let given = holds_classes(&train) && holds_classes(&test);
        let halves = if given {
            Halves::Given { train, test }
        } else if holds_classes(folder) {
            Halves::ToCut(folder.to_owned())
        } else {
            return None;
        };
        Some(Self {
            folder: folder.to_owned(),
            halves,
        })
    }

    /// Reads, crops and resizes all images: 3×32×32 if any has colour, else 1×28×28.
    ///
    /// Files that cannot be read are left out and listed in [`Dataset::skipped`].
    pub(super) fn load(&self) -> Result<Dataset, LoadError> {
        let refuse = |reason: String| LoadError::PictureFolder {
            folder: self.folder.clone(),
            reason,
        };
        let (class_names, [train, test]) = self.list().map_err(refuse)?;
        let mut skipped = Vec::new();
        let halves = [train, test].map(|listed| read_all(listed, &mut skipped));
        let colourful = halves.iter().flatten().any(|(_, image)| image.is_colourful);
        let shape = if colourful {
            ImageShape::COLOUR_32
        } else {
            ImageShape::GREY_28
        };
        for (class, name) in (0u8..).zip(&class_names) {
            for (half, called) in halves.iter().zip(["training", "test"]) {
                if !half.iter().any(|(label, _)| *label == class) {
                    return Err(refuse(format!(
                        "has no readable {called} image of the class “{name}”"
                    )));
                }
            }
        }
        let [train, test] = halves.map(|half| {
            let (mut pixels, mut labels) =
                (Vec::with_capacity(half.len() * shape.pixels()), Vec::new());
            for (label, image) in half {
                labels.push(label);
                pixels.extend(if colourful { image.colour } else { image.grey });
            }
            Split::new(shape, pixels, labels)
                .ok_or_else(|| refuse("has images of different sizes".to_owned()))
        });
        let absolute = std::path::absolute(&self.folder).unwrap_or_else(|_| self.folder.clone());
        Ok(Dataset {
            name: absolute.file_name().map_or_else(
                || absolute.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            ),
            shape,
            class_names,
            rotation: 0.0,
            skipped,
            train: train?,
            test: test?,
        })
    }

    /// Class names, and the files of training and test half.
    fn list(&self) -> Result<(Vec<String>, [Listed; 2]), String> {
        let (classes, halves) = match &self.halves {
            Halves::ToCut(folder) => {
                let classes = numbered(classes(folder))?;
                let mut halves = [Vec::new(), Vec::new()];
                for (label, class) in (0u8..).zip(&classes) {
                    let mut files = images(&folder.join(class));
                    if files.len() < 2 {
                        return Err(format!("has fewer than two images of the class “{class}”"));
                    }
                    files.shuffle(&mut rng::from_stream(SPLIT_SEED, u64::from(label)));
                    let test = files.split_off(files.len() - files.len().div_ceil(TEST_SHARE));
                    for (half, files) in halves.iter_mut().zip([files, test]) {
                        half.extend(files.into_iter().map(|file| (label, file)));
                    }
                }
                (classes, halves)
            }
            Halves::Given { train, test } => {
                let names = numbered(classes(train))?;
                if names != classes(test) {
                    return Err("has other classes in “train” than in “test”".to_owned());
                }
                let halves = [train, test].map(|folder| {
                    (0u8..)
                        .zip(&names)
                        .flat_map(|(label, class)| {
                            let files = images(&folder.join(class)).into_iter();
                            files.map(move |file| (label, file))
                        })
                        .collect::<Listed>()
                });
                (names, halves)
            }
        };
        let count: usize = halves.iter().map(Vec::len).sum();
        if count > MAX_IMAGES {
            return Err(format!(
                "has {count} images, more than the {MAX_IMAGES} that are read"
            ));
        }
        Ok((classes, halves))
    }
}

/// One image file as bytes `[channels, height, width]` of `shape`: its middle, resized.
///
/// # Errors
/// When the file is no image of a known format, or too large; one sentence.
pub fn read_image(file: &Path, shape: ImageShape) -> Result<Vec<u8>, LoadError> {
    let image = decode(file).map_err(|reason| LoadError::Picture {
        file: file.to_owned(),
        reason,
    })?;
    Ok(fitted(&image, shape))
}

/// Whether a file is called like an image.
pub fn is_image(file: &Path) -> bool {
    file.extension()
        .and_then(|ending| ending.to_str())
        .is_some_and(|ending| ENDINGS.contains(&ending.to_lowercase().as_str()))
}

fn holds_classes(folder: &Path) -> bool {
    classes(folder).len() > 1
}

/// Sub-folders with images in them, in the order of their names.
fn classes(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = entries(folder)
        .filter(|path| path.is_dir() && entries(path).any(|file| is_image(&file)))
        .filter_map(|path| Some(path.file_name()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}

/// The same classes, if there are neither too few nor too many of them.
fn numbered(classes: Vec<String>) -> Result<Vec<String>, String> {
    match classes.len() {
        2..=MAX_CLASSES => Ok(classes),
        count => Err(format!(
            "has {count} classes; 2 to {MAX_CLASSES} can be told apart"
        )),
    }
}

fn images(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = entries(folder).filter(|file| is_image(file)).collect();
    files.sort();
    files
}

/// What lies in a folder, hidden files left out; nothing if it cannot be read.
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

fn read_all(listed: Listed, skipped: &mut Vec<PathBuf>) -> Vec<(u8, Both)> {
    let read: Vec<_> = listed
        .into_par_iter()
        .map(|(label, file)| match decode(&file) {
            Ok(image) => Ok((label, both(&image))),
            Err(_) => Err(file),
        })
        .collect();
    let mut images = Vec::with_capacity(read.len());
    for outcome in read {
        match outcome {
            Ok(image) => images.push(image),
            Err(file) => skipped.push(file),
        }
    }
    images
}

fn decode(file: &Path) -> Result<DynamicImage, String> {
    let reason = |error: &dyn std::fmt::Display| error.to_string();
    let mut reader = open_regular(file)
        .map(|file| ImageReader::new(BufReader::new(file)))
        .and_then(ImageReader::with_guessed_format)
        .map_err(|error| reason(&error))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOCATION);
    reader.limits(limits);
    reader.decode().map_err(|error| reason(&error))
}

fn both(image: &DynamicImage) -> Both {
    let colour = fitted(image, ImageShape::COLOUR_32);
    let plane = colour.len() / 3;
    // Lossy formats give grey a tint of a few values.
    let is_colourful = (0..plane).any(|pixel| {
        let [red, green, blue] = [0, 1, 2].map(|channel| colour[channel * plane + pixel]);
        red.abs_diff(green).max(green.abs_diff(blue)) > 12
    });
    Both {
        grey: fitted(image, ImageShape::GREY_28),
        colour,
        is_colourful,
    }
}

/// The middle of `image` in `shape`, `[channels, height, width]`; transparency is black.
fn fitted(image: &DynamicImage, shape: ImageShape) -> Vec<u8> {
    let (width, height) = (shape.width as u32, shape.height as u32);
    let small = image
        .resize_to_fill(width, height, FilterType::Triangle)
        .into_rgba8();
    let opaque = |pixel: &image::Rgba<u8>, channel: usize| {
        let [.., alpha] = pixel.0;
        (u16::from(pixel.0[channel]) * u16::from(alpha) / 255) as u8
    };
    if shape.channels == 1 {
        return small
            .pixels()
            .map(|pixel| {
                let [red, green, blue] = [0, 1, 2].map(|channel| f32::from(opaque(pixel, channel)));
                (0.299 * red + 0.587 * green + 0.114 * blue).round() as u8
            })
            .collect();
    }
    (0..shape.channels)
        .flat_map(|channel| {
            small
                .pixels()
                .map(move |pixel| opaque(pixel, channel.min(2)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbImage};
    use proptest::prelude::*;

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
        loaded.map_err(|error| {
            error
                .to_string()
                .replace(&folder.display().to_string(), "F")
        })
    }

    #[test]
    fn sub_folders_are_classes_and_are_cut_the_same_way_every_time() {
        let folder = tempfile::tempdir().unwrap();
        for (class, grey) in [("cats", 60), ("dogs", 200)] {
            for number in 0..14 {
                save(
                    &folder.path().join(format!("{class}/{number}.png")),
                    [grey; 3],
                );
            }
        }
        fs::write(folder.path().join("cats/broken.jpg"), b"no picture").unwrap();
        fs::write(folder.path().join("cats/notes.txt"), b"not looked at").unwrap();
        let dataset = load(folder.path()).unwrap();
        assert_eq!(dataset, load(folder.path()).unwrap());
        assert_eq!(dataset.class_names, ["cats", "dogs"]);
        assert_eq!(dataset.shape, ImageShape::GREY_28);
        assert_eq!(dataset.train.len() + dataset.test.len(), 28);
        assert!(
            (4..=5).contains(&dataset.test.len()),
            "{}",
            dataset.test.len()
        );
        assert_eq!(dataset.skipped, [folder.path().join("cats/broken.jpg")]);
        for index in 0..dataset.test.len() {
            let grey = [60, 200][usize::from(dataset.test.label(index))];
            assert!(dataset.test.image(index).iter().all(|byte| *byte == grey));
        }
    }

    #[test]
    fn given_halves_are_kept_and_one_colour_makes_all_colour() {
        let folder = tempfile::tempdir().unwrap();
        for half in ["train", "test"] {
            save(&folder.path().join(half).join("a/1.png"), [10, 10, 10]);
            save(&folder.path().join(half).join("b/1.bmp"), [10, 200, 30]);
        }
        let dataset = load(folder.path()).unwrap();
        assert_eq!(dataset.shape, ImageShape::COLOUR_32);
        assert_eq!(
            (dataset.train.labels(), dataset.test.labels()),
            (&[0, 1][..], &[0, 1][..])
        );
        let green = dataset.test.image(1);
        assert_eq!((green[0], green[1024], green[2048]), (10, 200, 30));

        fs::remove_dir_all(folder.path().join("test/b")).unwrap();
        save(&folder.path().join("test/c/1.png"), [1; 3]);
        assert_eq!(
            load(folder.path()).unwrap_err(),
            "F has other classes in “train” than in “test”"
        );
    }

    #[test]
    fn an_image_is_cropped_to_its_middle() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("wide.png");
        let wide = RgbImage::from_fn(280, 28, |x, _| {
            Rgb([if (126..154).contains(&x) { 255 } else { 0 }; 3])
        });
        wide.save(&file).unwrap();
        let pixels = read_image(&file, ImageShape::GREY_28).unwrap();
        assert!(pixels.iter().all(|byte| *byte == 255));
        let gone = read_image(&folder.path().join("gone.png"), ImageShape::GREY_28);
        assert!(
            gone.unwrap_err()
                .to_string()
                .contains("gone.png cannot be read as an image: ")
        );
    }

    proptest! {
        #[test]
        fn any_file_is_an_image_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            start in prop::sample::select(vec![&b"\x89PNG\r\n\x1a\n"[..], b"\xff\xd8\xff", b"BM", b"RIFF", b""]),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("any.png");
            fs::write(&file, [start, &bytes].concat()).unwrap();
            if let Ok(pixels) = read_image(&file, ImageShape::COLOUR_32) {
                prop_assert_eq!(pixels.len(), 3072);
            }
        }
    }
}
