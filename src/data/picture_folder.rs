//! A folder of the user's own images, with one subfolder per class.

use std::{
    cmp::Ordering,
    collections::HashSet,
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
};

use image::DynamicImage;
use rand::seq::SliceRandom as _;
use rayon::prelude::*;

use super::{
    ContentError, Dataset, ImageShape, LeftOut, LoadError, LoadReport, Split, SplitKind,
    picture::{decode, fit, has_image_content, is_any_image},
};
use crate::{format::count, rng};

/// The most classes of a data set; labels are bytes.
const MAX_CLASSES: usize = 250;
/// The most files of a data set.
const MAX_FILES: usize = 100_000;
/// Without a folder of test images, one image in this many is a test image, as in MNIST.
const TEST_FRACTION: usize = 7;
/// Seed of the split into training and test images, which is the same every time.
const SPLIT_SEED: u64 = 0;
/// Differences between channels up to this are regarded as grey: lossy formats tint grey images.
const MAX_GREY_DIFFERENCE: u8 = 12;
/// Names of the folders of splits, in lower case.
const TRAIN: [&str; 2] = ["train", "training"];
const TEST: [&str; 2] = ["test", "testing"];
const VALIDATION: [&str; 3] = ["val", "valid", "validation"];
/// Folders, in lower case, and files that systems create.
const SYSTEM_NAMES: [&str; 3] = ["__macosx", "thumbs.db", "desktop.ini"];
/// The most folders around the data set that contain nothing else.
const MAX_WRAPPERS: usize = 3;
/// The most levels of subfolders of a class.
const MAX_DEPTH: usize = 4;
/// The most files of a folder whose content is read to see whether they are images.
const MAX_PROBES: usize = 8;
/// What a user can do about a folder that is no data set.
const WANTED: &str = "put the images of each class into a folder of its own, and open the folder \
                      that contains these folders";

/// An image in both shapes that networks accept.
struct Picture {
    grey: Vec<u8>,
    colour: Vec<u8>,
    is_colour: bool,
}

/// Images with the indices of their classes.
type LabelledPictures = Vec<(u8, Picture)>;

/// The folders of a data set.
pub(super) struct Layout {
    train: PathBuf,
    /// `None` if a part of the training images is to be used.
    test: Option<PathBuf>,
    left_out: Vec<(LeftOut, PathBuf)>,
}

/// Finds the folders of the training and of the test images in `folder`, which may be inside up to
/// [`MAX_WRAPPERS`] others.
pub(super) fn find(folder: &Path) -> Option<Layout> {
    find_within(folder, MAX_WRAPPERS)
}

fn find_within(folder: &Path, wrappers: usize) -> Option<Layout> {
    let folders = subfolders(folder);
    let named = |names: &[&str]| folders.iter().find(|path| has_name(path, names)).cloned();
    if let Some(train) = named(&TRAIN)
        && let [test, validation] = [named(&TEST), named(&VALIDATION)]
        && (test.is_some() || validation.is_some())
        && !class_folders(&train).is_empty()
    {
        return Some(Layout::from_splits(train, test, validation));
    }
    match class_folders(folder).as_slice() {
        [_, _, ..] => Some(Layout {
            train: folder.to_owned(),
            test: None,
            left_out: Vec::new(),
        }),
        [only] if wrappers > 0 && !has_images(folder, 0) => find_within(only, wrappers - 1),
        [] | [_] => None,
    }
}

impl Layout {
    /// Uses the test images, or else the validation images, to test.
    fn from_splits(train: PathBuf, test: Option<PathBuf>, validation: Option<PathBuf>) -> Self {
        let has_classes = |folder: &PathBuf| !class_folders(folder).is_empty();
        let (test, unlabelled) = match test {
            Some(test) if !has_classes(&test) => (None, Some((LeftOut::UnlabelledTest, test))),
            test => (test, None),
        };
        let (test, validation) = match test {
            None => (validation.filter(has_classes), None),
            test => (test, validation),
        };
        let validation = validation.map(|folder| (LeftOut::Validation, folder));
        Self {
            train,
            test,
            left_out: unlabelled.into_iter().chain(validation).collect(),
        }
    }
}

/// Says what a folder without a [`Layout`] contains; `None` if it contains no images.
pub(super) fn explain(folder: &Path) -> Option<ContentError> {
    let mut folder = folder.to_owned();
    let mut inside = String::new();
    for _ in 0..=MAX_WRAPPERS {
        let seen = if entries(&folder).next().is_none() {
            "is empty".to_owned()
        } else if has_images(&folder, 0) {
            format!("contains images{inside}, but no folders of classes")
        } else if let [only] = class_folders(&folder).as_slice() {
            inside = format!(
                " of one class only, “{}”",
                file_name(only).to_string_lossy()
            );
            folder.clone_from(only);
            continue;
        } else {
            return None;
        };
        return Some(ContentError(format!("{seen}: {WANTED}")));
    }
    None
}

/// Reads, crops and resizes all images of `layout` in `folder`: to 3×32×32 if any has colour, else to
/// 1×28×28.
pub(super) fn load(folder: &Path, layout: &Layout) -> Result<Dataset, LoadError> {
    let invalid = |reason| LoadError::content(folder, ContentError(reason));
    let mut left_out = Report {
        folder,
        report: LoadReport::default(),
    };
    for (reason, path) in &layout.left_out {
        left_out.add(*reason, path);
    }
    let classes = class_names(&layout.train, &mut left_out);
    if !(2..=MAX_CLASSES).contains(&classes.len()) {
        let count = classes.len();
        let reason = format!("has {count} classes, but must have 2 to {MAX_CLASSES}");
        return Err(invalid(reason));
    }
    if let Some(test) = &layout.test {
        check_classes(&layout.train, &classes, test, &mut left_out).map_err(invalid)?;
    }
    let mut read = |kind: SplitKind, folder: &Path| {
        let pictures = read_classes(folder, &classes, &mut left_out).map_err(invalid)?;
        for (label, name) in (0..=u8::MAX).zip(&classes) {
            if pictures.iter().all(|(other, _)| *other != label) {
                let name = name.to_string_lossy();
                let mut reason = format!("has no readable {kind} image of the class “{name}”");
                if !left_out.report.is_empty() {
                    reason = format!("{reason}. {}", left_out.report);
                }
                return Err(invalid(reason));
            }
        }
        Ok(pictures)
    };
    let train = read(SplitKind::Train, &layout.train)?;
    let splits = match &layout.test {
        Some(test) => [train, read(SplitKind::Test, test)?],
        None => split(train, &classes).map_err(invalid)?,
    };
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
    let text = |name: &OsStr| name.to_string_lossy().into_owned();
    Ok(Dataset {
        name: text(file_name(&absolute)),
        shape,
        class_names: classes.iter().map(|name| text(name)).collect(),
        rotation: 0.0,
        left_out: left_out.report,
        train: train?,
        test: test?,
    })
}

/// Collects what is left out of `folder`.
struct Report<'a> {
    folder: &'a Path,
    report: LoadReport,
}

impl Report<'_> {
    fn add(&mut self, reason: LeftOut, path: &Path) {
        let path = path.strip_prefix(self.folder).unwrap_or(path);
        self.report.add(reason, path);
    }
}

/// Names of the classes in `folder`. Other subfolders are left out.
fn class_names(folder: &Path, left_out: &mut Report<'_>) -> Vec<OsString> {
    let (classes, others): (Vec<_>, Vec<_>) = subfolders(folder)
        .into_iter()
        .partition(|subfolder| has_images(subfolder, MAX_DEPTH));
    for other in others {
        left_out.add(LeftOut::NoImages, &other);
    }
    classes
        .iter()
        .map(|path| file_name(path).to_owned())
        .collect()
}

/// Checks that the test images have the classes of the training images.
fn check_classes(
    train: &Path,
    classes: &[OsString],
    test: &Path,
    left_out: &mut Report<'_>,
) -> Result<(), String> {
    let test_classes = class_names(test, left_out);
    let [train, test] = [train, test].map(|folder| file_name(folder).to_string_lossy());
    let mut reasons = Vec::new();
    for (from, classes, other, others) in [
        (&train, classes, &test, &test_classes[..]),
        (&test, &test_classes, &train, classes),
    ] {
        let missing: Vec<_> = classes
            .iter()
            .filter(|class| !others.contains(class))
            .map(|class| format!("“{}”", class.to_string_lossy()))
            .collect();
        let names = match missing.as_slice() {
            [] => continue,
            [name] => format!("the class {name}"),
            [first @ .., last] if missing.len() < 6 => {
                format!("the classes {} and {last}", first.join(", "))
            }
            names => {
                let (first, more) = names.split_at(5);
                let [first, more] = [first.join(", "), more.len().to_string()];
                format!("the classes {first} and {more} more")
            }
        };
        reasons.push(format!("{names} in “{from}” but not in “{other}”"));
    }
    match reasons.as_slice() {
        [] => Ok(()),
        reasons => Err(format!("has {}", reasons.join(", and "))),
    }
}

/// Reads the images of all classes in parallel, in order.
fn read_classes(
    folder: &Path,
    classes: &[OsString],
    left_out: &mut Report<'_>,
) -> Result<LabelledPictures, String> {
    let mut files = Vec::new();
    for (label, class) in (0..=u8::MAX).zip(classes) {
        let mut found = Vec::new();
        list_files(
            &folder.join(class),
            MAX_DEPTH,
            &mut HashSet::new(),
            &mut found,
            left_out,
        );
        files.extend(found.into_iter().map(|file| (label, file)));
        if files.len() > MAX_FILES {
            let limit = count(MAX_FILES);
            return Err(format!("has more files than the limit of {limit}"));
        }
    }
    let results: Vec<_> = files
        .into_par_iter()
        .map(|(label, file)| match decode(&file) {
            Ok(image) => Ok((label, Picture::new(&image))),
            Err(error) => Err((error.reason, file)),
        })
        .collect();
    let mut keep = |result: Result<_, (LeftOut, PathBuf)>| {
        let left_out = |(reason, file): (LeftOut, PathBuf)| left_out.add(reason, &file);
        result.map_err(left_out).ok()
    };
    Ok(results.into_iter().filter_map(&mut keep).collect())
}

/// Takes one image in [`TEST_FRACTION`] of each class as a test image.
fn split(
    pictures: LabelledPictures,
    classes: &[OsString],
) -> Result<[LabelledPictures; 2], String> {
    let mut splits = [Vec::new(), Vec::new()];
    let mut pictures = pictures.into_iter().peekable();
    for (label, class) in (0..=u8::MAX).zip(classes) {
        let mut train = Vec::new();
        while let Some(picture) = pictures.next_if(|(other, _)| *other == label) {
            train.push(picture);
        }
        if train.len() < 2 {
            let class = class.to_string_lossy();
            return Err(format!("has fewer than two images of the class “{class}”"));
        }
        train.shuffle(&mut rng::from_stream(SPLIT_SEED, u64::from(label)));
        let test = train.split_off(train.len() - train.len().div_ceil(TEST_FRACTION));
        for (split, pictures) in splits.iter_mut().zip([train, test]) {
            split.extend(pictures);
        }
    }
    Ok(splits)
}

/// Appends the files of a class, also those in subfolders. A folder that symbolic links lead to more
/// than once is listed once.
fn list_files(
    folder: &Path,
    depth: usize,
    listed: &mut HashSet<PathBuf>,
    files: &mut Vec<PathBuf>,
    left_out: &mut Report<'_>,
) {
    let is_new = fs::canonicalize(folder).is_ok_and(|path| listed.insert(path));
    if !is_new || files.len() > MAX_FILES {
        return;
    }
    if fs::read_dir(folder).is_err() {
        left_out.add(LeftOut::Unreadable, folder);
    }
    let mut paths: Vec<PathBuf> = entries(folder).collect();
    paths.sort();
    for path in paths {
        match path.is_dir() {
            true if depth > 0 => list_files(&path, depth - 1, listed, files, left_out),
            true => left_out.add(LeftOut::NoImages, &path),
            false => files.push(path),
        }
    }
}

/// Subfolders that contain images, in natural order.
fn class_folders(folder: &Path) -> Vec<PathBuf> {
    let mut folders = subfolders(folder);
    folders.retain(|folder| has_images(folder, MAX_DEPTH));
    folders
}

/// Subfolders in natural order.
fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = entries(folder).filter(|path| path.is_dir()).collect();
    folders.sort_by(|left, right| {
        let [left, right] = [left, right].map(|path| file_name(path).to_string_lossy());
        natural_order(&left, &right)
    });
    folders
}

/// Whether a folder contains files of images, also in subfolders down to `depth`.
fn has_images(folder: &Path, depth: usize) -> bool {
    let (folders, files): (Vec<_>, Vec<_>) = entries(folder).partition(|path| path.is_dir());
    files.iter().any(|file| is_any_image(file))
        || files
            .iter()
            .take(MAX_PROBES)
            .any(|file| has_image_content(file))
        || (depth > 0 && folders.iter().any(|folder| has_images(folder, depth - 1)))
}

/// Entries of a folder except hidden ones and those of systems; none if it cannot be read.
fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let is_hidden = file_name(path).as_encoded_bytes().starts_with(b".");
            !is_hidden && !has_name(path, &SYSTEM_NAMES)
        })
}

fn file_name(path: &Path) -> &OsStr {
    path.file_name().unwrap_or(path.as_os_str())
}

/// Whether the last part of a path is one of `names`, which are in lower case.
fn has_name(path: &Path, names: &[&str]) -> bool {
    let name = file_name(path);
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// Compares numbers in texts by value, so that “2” is before “10”.
fn natural_order(left: &str, right: &str) -> Ordering {
    /// Numbers without leading zeros and other characters, each as text with its length.
    fn parts(mut text: &str) -> Vec<(bool, usize, &str)> {
        let mut parts = Vec::new();
        while let Some(first) = text.chars().next() {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let (part, rest) = text.split_at(digits.max(first.len_utf8()));
            let number = part.trim_start_matches('0');
            parts.push(match digits {
                0 => (true, 0, part),
                _ => (false, number.len(), number),
            });
            text = rest;
        }
        parts
    }
    parts(left).cmp(&parts(right)).then_with(|| left.cmp(right))
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

    /// Writes `count` images of each class, whose grey value is that of the class.
    fn save_classes(folder: &Path, classes: &[&str], count: usize) {
        for (grey, class) in (1..).zip(classes) {
            for number in 0..count {
                save(
                    &folder.join(format!("{class}/{number}.png")),
                    [grey * 20; 3],
                );
            }
        }
    }

    #[test]
    fn subfolders_are_classes_and_are_split_the_same_way_every_time() {
        let folder = tempfile::tempdir().unwrap();
        save_classes(folder.path(), &["cats", "dogs/2019", "dogs/2020"], 14);
        for name in ["cats/broken.jpg", "cats/.hidden.png", "cats/Thumbs.db"] {
            fs::write(folder.path().join(name), b"not an image").unwrap();
        }
        fs::create_dir(folder.path().join("empty")).unwrap();
        let dataset = load(folder.path()).unwrap();
        assert_eq!(dataset, load(folder.path()).unwrap());
        assert_eq!(dataset.class_names, ["cats", "dogs"]);
        assert_eq!(dataset.shape, ImageShape::GREY_28);
        assert_eq!([dataset.train.len(), dataset.test.len()], [36, 6]);
        assert_eq!(
            dataset.left_out.to_string(),
            "Left out: 1 damaged image (cats/broken.jpg); 1 folder without images (empty)"
        );
        for index in 0..dataset.test.len() {
            let is_cat = dataset.test.label(index) == 0;
            let image = dataset.test.image(index);
            assert!(image.iter().all(|byte| (*byte == 20) == is_cat));
        }
    }

    #[test]
    fn usual_names_of_splits_are_found_in_any_case_and_inside_other_folders() {
        for [train, test, other] in [
            ["Train", "Test", ""],
            ["training", "testing", ""],
            ["train", "VAL", ""],
            ["wrapper/train", "wrapper/test", "wrapper/validation"],
        ] {
            let folder = tempfile::tempdir().unwrap();
            save_classes(&folder.path().join(train), &["a", "b"], 5);
            save_classes(&folder.path().join(test), &["a", "b"], 3);
            let mut left_out = String::new();
            if !other.is_empty() {
                save_classes(&folder.path().join(other), &["a", "b"], 2);
                left_out = format!("Left out: 1 folder of validation images ({other})");
            }
            let dataset = load(folder.path()).unwrap();
            assert_eq!([dataset.train.len(), dataset.test.len()], [10, 6]);
            assert_eq!(dataset.left_out.to_string(), left_out);
        }
        let folder = tempfile::tempdir().unwrap();
        save_classes(&folder.path().join("train"), &["a", "b"], 7);
        save_classes(folder.path(), &["test"], 3);
        let dataset = load(folder.path()).unwrap();
        assert_eq!([dataset.train.len(), dataset.test.len()], [12, 2]);
        let left_out = "Left out: 1 folder of test images without classes (test)";
        assert_eq!(dataset.left_out.to_string(), left_out);
    }

    #[test]
    fn folders_that_are_no_data_set_are_explained() {
        let folder = tempfile::tempdir().unwrap();
        let error = || load(folder.path()).unwrap_err();
        assert_eq!(error(), format!("F is empty: {WANTED}"));
        save_classes(folder.path(), &["all"], 3);
        let seen = "F contains images of one class only, “all”, but no folders of classes";
        assert_eq!(error(), format!("{seen}: {WANTED}"));
        save(&folder.path().join("1.png"), [1; 3]);
        let seen = "F contains images, but no folders of classes";
        assert_eq!(error(), format!("{seen}: {WANTED}"));

        let path = folder.path().join("other/photo.heic");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, b"....ftypheic").unwrap();
        assert_eq!(
            error(),
            "F has no readable training image of the class “other”. \
             Left out: 1 file in another format (other/photo.heic)"
        );
    }

    #[test]
    fn numbered_classes_are_in_the_order_of_their_numbers() {
        let mut names = ["10", "b2", "2", "b10", "007", "a", "b2c", "1"];
        names.sort_by(|left, right| natural_order(left, right));
        assert_eq!(names, ["1", "2", "007", "10", "a", "b2", "b2c", "b10"]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn names_in_other_encodings_are_shown_and_sockets_are_not_opened() {
        use std::os::unix::{ffi::OsStrExt as _, net::UnixListener};
        let folder = tempfile::tempdir().unwrap();
        save_classes(folder.path(), &["a", "b"], 2);
        let class = folder.path().join(OsStr::from_bytes(b"caf\xe9"));
        fs::rename(folder.path().join("b"), &class).unwrap();
        let _socket = UnixListener::bind(class.join("socket.png")).unwrap();
        let dataset = load(folder.path()).unwrap();
        assert_eq!(dataset.class_names, ["a", "caf\u{fffd}"]);
        let left_out = "Left out: 1 named pipe, device or socket (caf\u{fffd}/socket.png)";
        assert_eq!(dataset.left_out.to_string(), left_out);
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
        assert_eq!(
            error,
            "F has the class “b” in “train” but not in “test”, \
             and the class “c” in “test” but not in “train”"
        );
    }
}
