//! Reading runs, and not believing them.

use rusqlite::{OptionalExtension as _, Row};

use super::{FailedRun, Store, StoreError, StoreErrorKind, StoredRun, eval_sample};
use crate::{
    data::ImageShape,
    model::Lambda,
    sweep::{Record, RunKey, RunSpec},
    train::{Evaluation, Metrics},
};

/// The most bytes of the texts of one run together.
const MAX_TEXT: i64 = 1 << 20;
/// The most epochs.
const MAX_EVALUATIONS: i64 = 100_000;
/// The most bytes of one image.
const MAX_PIXELS: usize = 1 << 20;
/// A class is told by one byte.
const MAX_CLASSES: usize = 256;

impl Store {
    /// Every run, in the order in which they came.
    ///
    /// # Errors
    /// When the file cannot be read, or one of its runs is damaged.
    pub fn runs(&self) -> Result<Vec<StoredRun>, StoreError> {
        let mut runs = Vec::new();
        for id in self.ids()? {
            // Another process may have replaced it since.
            runs.extend(self.run(id)?);
        }
        Ok(runs)
    }

    /// The number of every run, in the order in which they came.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn ids(&self) -> Result<Vec<i64>, StoreError> {
        let read = || {
            self.connection
                .prepare_cached("SELECT id FROM runs ORDER BY id")?
                .query_map([], |row| row.get(0))?
                .collect::<Result<_, _>>()
        };
        read().map_err(|error: rusqlite::Error| self.fault(error))
    }

    /// The run with this number; none where there is none.
    ///
    /// # Errors
    /// When the file cannot be read, or the run is damaged.
    pub fn run(&self, id: i64) -> Result<Option<StoredRun>, StoreError> {
        self.read_run(id).map_err(|error| {
            self.fault(match error {
                // A value of the wrong type or range belongs to the run, all else to the file.
                Wrong::Sql(
                    error @ (rusqlite::Error::FromSqlConversionFailure(..)
                    | rusqlite::Error::InvalidColumnType(..)
                    | rusqlite::Error::IntegralValueOutOfRange(..)
                    | rusqlite::Error::Utf8Error(..)),
                ) => StoreErrorKind::Run {
                    run: id,
                    reason: format!("holds a value that cannot be: {error}"),
                },
                Wrong::Sql(error) => StoreErrorKind::Sqlite(error),
                Wrong::Run(reason) => StoreErrorKind::Run { run: id, reason },
            })
        })
    }

    fn read_run(&self, id: i64) -> Result<Option<StoredRun>, Wrong> {
        // Sizes first, so that nothing too large is ever taken into memory.
        let sizes = self
            .connection
            .prepare_cached(
                "SELECT coalesce(octet_length(spec) + octet_length(data_name) + octet_length(class_names)
                     + octet_length(program) + octet_length(device), 0),
                     (SELECT coalesce(octet_length(portrait), 0) FROM portraits WHERE run = ?1),
                     (SELECT count(*) FROM evaluations WHERE run = ?1)
                 FROM runs WHERE id = ?1",
            )?
            .query_row([id], |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, Option<i64>>(1)?,
                    row.get::<_, i64>(2)?,
                ))
            })
            .optional()?;
        let Some((text, picture, evaluations)) = sizes else {
            return Ok(None);
        };
        let picture = picture.ok_or("has no portrait")?;
        if text > MAX_TEXT
            || usize::try_from(picture).is_ok_and(|bytes| bytes > eval_sample::MAX_BYTES)
        {
            return Err("is larger than a run can be".into());
        }
        if evaluations > MAX_EVALUATIONS {
            return Err(
                format!("has {evaluations} evaluations, more than {MAX_EVALUATIONS}").into(),
            );
        }
        let mut stored = self
            .connection
            .prepare_cached(
                "SELECT key, data, spec, lambda, learning_rate, class_names, data_name, channels, height, width, program, device,
                     parameters, latent_values, mortal_units, kept, wall_seconds, finished, portrait
                 FROM runs JOIN portraits ON run = id WHERE id = ?1",
            )?
            .query_row([id], |row| Ok(read_row(id, row)))??;
        stored.record.evaluations = self
            .connection
            .prepare_cached(
                "SELECT epoch, step, lambda, train_mse, train_ce, train_accuracy, test_mse, test_ce, test_accuracy,
                     dead_units, images_per_second
                 FROM evaluations WHERE run = ?1 ORDER BY epoch",
            )?
            .query_map([id], |row| Ok(read_evaluation(row)))?
            .map(|evaluation| evaluation?)
            .collect::<Result<_, Wrong>>()?;
        check(&stored.record)?;
        Ok(Some(stored))
    }

    /// Every run that has failed, with key and data.
    ///
    /// # Errors
    /// When the file cannot be read, or an entry is damaged.
    pub fn failures(&self) -> Result<Vec<(RunKey, RunKey, FailedRun)>, StoreError> {
        let read = || {
            self.connection
                .prepare_cached(
                    "SELECT key, data, spec, lambda, learning_rate, data_name, program, device, reason, finished
                     FROM failures
                     WHERE octet_length(spec) + octet_length(reason) < 1000000 ORDER BY finished, key",
                )?
                .query_map([], |row| Ok(read_failure(row)))?
                .map(|failure| failure?)
                .collect::<Result<_, Wrong>>()
        };
        read().map_err(|wrong| {
            self.fault(match wrong {
                Wrong::Sql(error) => StoreErrorKind::Sqlite(error),
                Wrong::Run(reason) => StoreErrorKind::Damaged(format!("a failed run {reason}")),
            })
        })
    }
}

/// What can be wrong with a run: a reason that continues "run 7", or something about the file.
enum Wrong {
    Run(String),
    Sql(rusqlite::Error),
}

impl From<String> for Wrong {
    fn from(reason: String) -> Self {
        Self::Run(reason)
    }
}

impl From<&str> for Wrong {
    fn from(reason: &str) -> Self {
        Self::Run(reason.to_owned())
    }
}

impl From<rusqlite::Error> for Wrong {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// All of a run but its evaluations.
fn read_row(id: i64, row: &Row<'_>) -> Result<StoredRun, Wrong> {
    let picture = row
        .get_ref(18)?
        .as_blob()
        .map_err(|_| "has a portrait that is not bytes")?;
    Ok(StoredRun {
        id,
        key: identity(row, 0)?,
        data: identity(row, 1)?,
        record: Record {
            spec: spec(row, 2)?,
            class_names: serde_json::from_str(&row.get::<_, String>(5)?)
                .map_err(|error| format!("has class names that cannot be read: {error}"))?,
            data_name: row.get(6)?,
            shape: ImageShape {
                channels: natural(row, 7)?,
                height: natural(row, 8)?,
                width: natural(row, 9)?,
            },
            program: row.get(10)?,
            device: row.get(11)?,
            parameters: natural(row, 12)?,
            latent_values: natural(row, 13)?,
            relu_units: natural(row, 14)?,
            kept: natural(row, 15)?,
            wall_seconds: row.get(16)?,
            finished: natural(row, 17)?,
            eval_sample: eval_sample::decode(picture)
                .map_err(|reason| format!("has a portrait that {reason}"))?,
            evaluations: Vec::new(),
        },
    })
}

/// A whole number that is not negative.
fn natural<T: TryFrom<i64>>(row: &Row<'_>, column: usize) -> Result<T, Wrong> {
    let number: i64 = row.get(column)?;
    T::try_from(number).map_err(|_| format!("holds the impossible number {number}").into())
}

fn identity(row: &Row<'_>, column: usize) -> Result<RunKey, Wrong> {
    row.get::<_, String>(column)?
        .parse()
        .map_err(|error| format!("has a key that {error}").into())
}

/// The settings in `column`, with λ and learning rate, which JSON may round in the last bit, in the two that follow.
fn spec(row: &Row<'_>, column: usize) -> Result<RunSpec, Wrong> {
    let mut spec: RunSpec = serde_json::from_str(&row.get::<_, String>(column)?)
        .map_err(|error| format!("has settings that cannot be read: {error}"))?;
    spec.config.lambda = lambda(row, column + 1)?;
    spec.config.learning_rate = row.get(column + 2)?;
    Ok(spec)
}

fn lambda(row: &Row<'_>, column: usize) -> Result<Lambda, Wrong> {
    Lambda::new(row.get(column)?).map_err(|error| format!("holds a wrong number: {error}").into())
}

fn read_evaluation(row: &Row<'_>) -> Result<Evaluation, Wrong> {
    let train: [Option<f64>; 3] = [row.get(3)?, row.get(4)?, row.get(5)?];
    let train = match train {
        [Some(mse), Some(ce), Some(accuracy)] => Some(Metrics { mse, ce, accuracy }),
        [None, None, None] => None,
        _ => return Err("has half a row of training metrics".into()),
    };
    Ok(Evaluation {
        epoch: natural(row, 0)?,
        step: natural(row, 1)?,
        lambda: lambda(row, 2)?,
        train,
        test: Metrics {
            mse: row.get(6)?,
            ce: row.get(7)?,
            accuracy: row.get(8)?,
        },
        dead_units: natural(row, 9)?,
        images_per_second: row.get(10)?,
    })
}

fn read_failure(row: &Row<'_>) -> Result<(RunKey, RunKey, FailedRun), Wrong> {
    Ok((
        identity(row, 0)?,
        identity(row, 1)?,
        FailedRun {
            spec: spec(row, 2)?,
            data_name: row.get(5)?,
            program: row.get(6)?,
            device: row.get(7)?,
            reason: row.get(8)?,
            finished: natural(row, 9)?,
        },
    ))
}

/// Whether a record makes sense, before it is written and after it was read; the reason continues
/// "it" or "run 7".
pub(super) fn check(record: &Record) -> Result<(), String> {
    let ImageShape {
        channels,
        height,
        width,
    } = record.shape;
    let pixels = channels
        .checked_mul(height)
        .and_then(|pixels| pixels.checked_mul(width))
        .filter(|pixels| (1..=MAX_PIXELS).contains(pixels))
        .ok_or_else(|| format!("has images of {channels}×{height}×{width} pixels"))?;
    let classes = record.class_names.len();
    if !(1..=MAX_CLASSES).contains(&classes) {
        return Err(format!("has {classes} classes"));
    }
    if record.kept >= record.evaluations.len() {
        return Err(format!(
            "keeps evaluation {}, but has {}",
            record.kept,
            record.evaluations.len()
        ));
    }
    let finite = record.wall_seconds.is_finite()
        && record.spec.config.learning_rate.is_finite()
        && record.evaluations.iter().all(|evaluation| {
            evaluation.test.is_finite()
                && evaluation.test.accuracy.is_finite()
                && evaluation.images_per_second.is_finite()
                && evaluation
                    .train
                    .is_none_or(|train| train.is_finite() && train.accuracy.is_finite())
        });
    let portrait = &record.eval_sample;
    let finite = finite
        && portrait.points.as_flattened().iter().all(|x| x.is_finite())
        && portrait
            .reconstructions
            .iter()
            .all(|cell| cell.mse.is_finite());
    if !finite {
        return Err("has a value that is not a number".to_owned());
    }
    let points = portrait.points.len();
    if portrait.labels.len() != points || portrait.predicted.len() != points {
        return Err("has points without a class".to_owned());
    }
    let of_cells = portrait
        .reconstructions
        .iter()
        .flat_map(|cell| [&cell.label, &cell.predicted]);
    if let Some(class) = portrait
        .labels
        .iter()
        .chain(&portrait.predicted)
        .chain(of_cells)
        .find(|class| usize::from(**class) >= classes)
    {
        return Err(format!(
            "has an image of class {class}, but only {classes} classes"
        ));
    }
    let whole = |image: &Vec<u8>| image.len() == pixels;
    if !portrait
        .reconstructions
        .iter()
        .all(|cell| whole(&cell.input) && whole(&cell.reconstruction))
    {
        return Err("has an image of the wrong size".to_owned());
    }
    Ok(())
}
