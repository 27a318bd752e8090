//! Reads runs from the database, validating every value.

use rusqlite::{OptionalExtension as _, Row};

use super::{FailedRun, Store, StoreError, StoreErrorKind, StoredRun, eval_sample};
use crate::{
    data::ImageShape,
    model::Lambda,
    sweep::{Record, RunKey, RunSpec},
    train::{Evaluation, Metrics},
};

/// Largest size of the texts of one run together, in bytes.
const MAX_TEXT: i64 = 1 << 20;
/// Largest number of evaluations.
const MAX_EVALUATIONS: i64 = 100_000;
/// Largest size of an image, in bytes.
const MAX_PIXELS: usize = 1 << 20;
/// A class is one byte.
const MAX_CLASSES: usize = 256;

impl Store {
    /// All runs, in the order in which they were stored.
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

    /// The ids of all runs, in the order in which they were stored.
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
        read().map_err(|error: rusqlite::Error| self.error(error))
    }

    /// The run with this id, if there is one.
    ///
    /// # Errors
    /// When the file cannot be read, or the run is damaged.
    pub fn run(&self, id: i64) -> Result<Option<StoredRun>, StoreError> {
        self.read_run(id).map_err(|error| {
            self.error(match error {
                // A value of the wrong type or range concerns the run, everything else the file.
                ReadError::Sql(
                    error @ (rusqlite::Error::FromSqlConversionFailure(..)
                    | rusqlite::Error::InvalidColumnType(..)
                    | rusqlite::Error::IntegralValueOutOfRange(..)
                    | rusqlite::Error::Utf8Error(..)),
                ) => StoreErrorKind::Run {
                    run: id,
                    reason: format!("has an invalid value: {error}"),
                },
                ReadError::Sql(error) => StoreErrorKind::Sqlite(error),
                ReadError::Run(reason) => StoreErrorKind::Run { run: id, reason },
            })
        })
    }

    fn read_run(&self, id: i64) -> Result<Option<StoredRun>, ReadError> {
        // Sizes first, so that nothing too large is read into memory.
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
        let picture = picture.ok_or("has no evaluation sample")?;
        if text > MAX_TEXT
            || usize::try_from(picture).is_ok_and(|bytes| bytes > eval_sample::MAX_BYTES)
        {
            return Err("exceeds the size limit of a run".into());
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
            .collect::<Result<_, ReadError>>()?;
        check(&stored.record)?;
        Ok(Some(stored))
    }

    /// All failed runs, with their keys and those of their data sets.
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
                .collect::<Result<_, ReadError>>()
        };
        read().map_err(|error| {
            self.error(match error {
                ReadError::Sql(error) => StoreErrorKind::Sqlite(error),
                ReadError::Run(reason) => StoreErrorKind::Damaged(format!("a failed run {reason}")),
            })
        })
    }
}

/// What can be wrong: a run, with a reason that continues "run 7", or the file.
enum ReadError {
    Run(String),
    Sql(rusqlite::Error),
}

impl From<String> for ReadError {
    fn from(reason: String) -> Self {
        Self::Run(reason)
    }
}

impl From<&str> for ReadError {
    fn from(reason: &str) -> Self {
        Self::Run(reason.to_owned())
    }
}

impl From<rusqlite::Error> for ReadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// A run without its evaluations.
fn read_row(id: i64, row: &Row<'_>) -> Result<StoredRun, ReadError> {
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
                channels: non_negative(row, 7)?,
                height: non_negative(row, 8)?,
                width: non_negative(row, 9)?,
            },
            program: row.get(10)?,
            device: row.get(11)?,
            parameters: non_negative(row, 12)?,
            latent_values: non_negative(row, 13)?,
            relu_units: non_negative(row, 14)?,
            kept: non_negative(row, 15)?,
            wall_seconds: row.get(16)?,
            finished: non_negative(row, 17)?,
            eval_sample: eval_sample::decode(picture)
                .map_err(|reason| format!("has an evaluation sample that {reason}"))?,
            evaluations: Vec::new(),
        },
    })
}

fn non_negative<T: TryFrom<i64>>(row: &Row<'_>, column: usize) -> Result<T, ReadError> {
    let number: i64 = row.get(column)?;
    T::try_from(number).map_err(|_| format!("has the invalid number {number}").into())
}

fn identity(row: &Row<'_>, column: usize) -> Result<RunKey, ReadError> {
    row.get::<_, String>(column)?
        .parse()
        .map_err(|error| format!("has a key that {error}").into())
}

/// The settings in `column`, with λ and learning rate, which JSON may round, from the next two
/// columns.
fn spec(row: &Row<'_>, column: usize) -> Result<RunSpec, ReadError> {
    let mut spec: RunSpec = serde_json::from_str(&row.get::<_, String>(column)?)
        .map_err(|error| format!("has settings that cannot be read: {error}"))?;
    spec.config.lambda = lambda(row, column + 1)?;
    spec.config.learning_rate = row.get(column + 2)?;
    Ok(spec)
}

fn lambda(row: &Row<'_>, column: usize) -> Result<Lambda, ReadError> {
    Lambda::new(row.get(column)?).map_err(|error| format!("has an invalid number: {error}").into())
}

fn read_evaluation(row: &Row<'_>) -> Result<Evaluation, ReadError> {
    let train: [Option<f64>; 3] = [row.get(3)?, row.get(4)?, row.get(5)?];
    let train = match train {
        [Some(mse), Some(ce), Some(accuracy)] => Some(Metrics { mse, ce, accuracy }),
        [None, None, None] => None,
        _ => return Err("has incomplete training metrics".into()),
    };
    Ok(Evaluation {
        epoch: non_negative(row, 0)?,
        step: non_negative(row, 1)?,
        lambda: lambda(row, 2)?,
        train,
        test: Metrics {
            mse: row.get(6)?,
            ce: row.get(7)?,
            accuracy: row.get(8)?,
        },
        dead_units: non_negative(row, 9)?,
        images_per_second: row.get(10)?,
    })
}

fn read_failure(row: &Row<'_>) -> Result<(RunKey, RunKey, FailedRun), ReadError> {
    Ok((
        identity(row, 0)?,
        identity(row, 1)?,
        FailedRun {
            spec: spec(row, 2)?,
            data_name: row.get(5)?,
            program: row.get(6)?,
            device: row.get(7)?,
            reason: row.get(8)?,
            finished: non_negative(row, 9)?,
        },
    ))
}

/// Checks that a record is consistent, before it is written and after it was read; the reason
/// continues "it" or "run 7".
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
    let sample = &record.eval_sample;
    let cells = &sample.reconstructions;
    let finite = record.wall_seconds.is_finite()
        && record.spec.config.learning_rate.is_finite()
        && record.evaluations.iter().all(|evaluation| {
            evaluation.test.is_finite()
                && evaluation.test.accuracy.is_finite()
                && evaluation.images_per_second.is_finite()
                && evaluation
                    .train
                    .is_none_or(|train| train.is_finite() && train.accuracy.is_finite())
        })
        && sample.points.as_flattened().iter().all(|x| x.is_finite())
        && cells.iter().all(|cell| cell.mse.is_finite());
    if !finite {
        return Err("has a value that is NaN or infinite".to_owned());
    }
    let points = sample.points.len();
    if sample.labels.len() != points || sample.predicted.len() != points {
        return Err("has points without a class".to_owned());
    }
    let cell_labels = cells.iter().flat_map(|cell| [&cell.label, &cell.predicted]);
    let point_labels = sample.labels.iter().chain(&sample.predicted);
    let mut labels = point_labels.chain(cell_labels);
    if let Some(class) = labels.find(|class| usize::from(**class) >= classes) {
        return Err(format!(
            "has an image of class {class}, but only {classes} classes"
        ));
    }
    let is_complete = |image: &Vec<u8>| image.len() == pixels;
    let mut cells = cells.iter();
    if !cells.all(|cell| is_complete(&cell.input) && is_complete(&cell.reconstruction)) {
        return Err("has an image of the wrong size".to_owned());
    }
    Ok(())
}
