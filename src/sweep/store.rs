//! Stores runs in one `SQLite` file. Each run is committed in a transaction of its own.
//!
//! The file may come from anywhere: every value that is read is validated, and errors name the file
//! and the run.

mod eval_sample;
mod merge;
mod read;
mod schema;

use std::{
    fs,
    path::{Path, PathBuf},
};

use rusqlite::{
    Connection, OptionalExtension as _, Transaction, TransactionBehavior, named_params, params,
};

use super::{Record, RunKey, RunSpec};
use crate::fs::has_file_name;

pub use merge::Merged;

/// The user's results file; `None` if the platform has no folder for it.
pub fn default_file() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "cre-lab")
        .map(|folders| folders.data_dir().join("results.sqlite"))
}

/// A file of completed runs.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    file: PathBuf,
}

#[derive(Clone, Debug, PartialEq)]
pub struct StoredRun {
    /// Its id in this file.
    pub id: i64,
    /// Its key, unique in a file.
    pub key: RunKey,
    /// Key of its data set.
    pub data: RunKey,
    pub record: Record,
}

/// A failed run, which would fail again.
#[derive(Clone, Debug, PartialEq)]
pub struct FailedRun {
    pub spec: RunSpec,
    /// Display name of the data set.
    pub data_name: String,
    /// Name and version of the program.
    pub program: String,
    pub device: String,
    /// One sentence without a period.
    pub reason: String,
    /// End, in seconds since 1970-01-01 UTC.
    pub finished: u64,
}

/// The status of a run in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredStatus {
    Done,
    Failed,
}

/// Why a results file cannot be used, as one sentence.
#[derive(Debug, thiserror::Error)]
#[error("{} {kind}", file.display())]
pub struct StoreError {
    pub file: PathBuf,
    pub kind: StoreErrorKind,
}

/// The reason; continues a sentence that starts with the file name.
#[derive(Debug, thiserror::Error)]
pub enum StoreErrorKind {
    #[error("does not exist")]
    Missing,
    #[error("is not a regular file")]
    NoFile,
    #[error("is read-only; make it writable, or choose another file")]
    ReadOnly,
    #[error("is empty")]
    Empty,
    #[error("contains no finished run")]
    NoRun,
    #[error("cannot be created: {0}")]
    Folder(std::io::Error),
    #[error("cannot be used: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("is a database of another program")]
    Foreign,
    #[error("has format {version}; this version of the program supports formats up to {supported}")]
    Newer { version: i64, supported: i64 },
    #[error("has format {version}, older than {supported}; `cre-lab results list` updates it")]
    Older { version: i64, supported: i64 },
    #[error("is damaged: run {run} {reason}")]
    Run { run: i64, reason: String },
    #[error("is damaged: {0}")]
    Damaged(String),
    #[error("cannot store this run: it {0}")]
    Refused(String),
}

impl Store {
    /// Opens `file`; creates it and its folder if necessary.
    ///
    /// # Errors
    /// When it cannot be created or opened, or is not a results file of this or an older version.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        match fs::metadata(file) {
            Ok(found) if !found.is_file() => return Err(StoreErrorKind::NoFile.in_file(file)),
            // The superuser could write to it nevertheless.
            Ok(found) if found.permissions().readonly() => {
                return Err(StoreErrorKind::ReadOnly.in_file(file));
            }
            Err(_) if !has_file_name(file) => return Err(StoreErrorKind::NoFile.in_file(file)),
            Ok(_) | Err(_) => {}
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)
                .map_err(StoreErrorKind::Folder)
                .map_err(|kind| kind.in_file(file))?;
        }
        Self::new(file, schema::connect(file, true))
    }

    /// Opens an existing results file; one of an older version is migrated. An empty file and a
    /// database of another program are not changed.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn open_existing(file: &Path) -> Result<Self, StoreError> {
        Self::exists(file)?;
        Self::new(file, schema::connect(file, false))
    }

    fn exists(file: &Path) -> Result<(), StoreError> {
        match (file.exists(), file.is_file()) {
            (_, true) => Ok(()),
            (true, false) => Err(StoreErrorKind::NoFile.in_file(file)),
            (false, false) => Err(StoreErrorKind::Missing.in_file(file)),
        }
    }

    /// Opens an existing results file for reading only.
    ///
    /// # Errors
    /// When it does not exist, cannot be opened, or does not have the format of this version.
    pub fn open_to_read(file: &Path) -> Result<Self, StoreError> {
        Self::exists(file)?;
        Self::new(file, schema::connect_to_read(file))
    }

    fn new(file: &Path, opened: Result<Connection, StoreErrorKind>) -> Result<Self, StoreError> {
        Ok(Self {
            connection: opened.map_err(|kind| kind.in_file(file))?,
            file: file.to_owned(),
        })
    }

    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The status of the run `key`; `None` if it is not stored.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn status(&self, key: &RunKey) -> Result<Option<StoredStatus>, StoreError> {
        let found = |table| {
            self.connection
                .query_row(
                    &format!("SELECT 1 FROM {table} WHERE key = ?1"),
                    [key.to_string()],
                    |_| Ok(()),
                )
                .optional()
                .map_err(|error| self.error(error))
        };
        Ok(match found("runs")? {
            Some(()) => Some(StoredStatus::Done),
            None => found("failures")?.map(|()| StoredStatus::Failed),
        })
    }

    /// The id of the run `key`, if it is complete.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn find(&self, key: &RunKey) -> Result<Option<i64>, StoreError> {
        self.connection
            .query_row(
                "SELECT id FROM runs WHERE key = ?1",
                [key.to_string()],
                |row| row.get(0),
            )
            .optional()
            .map_err(|error| self.error(error))
    }

    /// Stores a run, completely or not at all; an older one with the same key is replaced. Returns
    /// its id.
    ///
    /// # Errors
    /// When the file cannot be written to, or the record is inconsistent.
    pub fn commit(&mut self, data: &RunKey, record: &Record) -> Result<i64, StoreError> {
        let key = RunKey::from_run(&record.spec, data);
        self.write(|transaction, file| {
            insert(transaction, &key, data, record).map_err(|kind| kind.in_file(file))
        })
    }

    /// Stores a failed run, unless the run is stored already.
    ///
    /// # Errors
    /// When the file cannot be written to.
    pub fn commit_failure(&mut self, data: &RunKey, failure: &FailedRun) -> Result<(), StoreError> {
        let key = RunKey::from_run(&failure.spec, data);
        self.write(|transaction, file| {
            insert_failure(transaction, &key, data, failure).map_err(|kind| kind.in_file(file))
        })
        .map(drop)
    }

    /// Runs the integrity check of the database.
    ///
    /// # Errors
    /// When it finds damage; the error contains the first finding.
    pub fn check(&self) -> Result<(), StoreError> {
        let found: String = self
            .connection
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(|error| self.error(error))?;
        if found == "ok" {
            Ok(())
        } else {
            Err(self.error(StoreErrorKind::Damaged(found)))
        }
    }

    /// Runs `work` in a transaction.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &Path) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Self { connection, file } = self;
        let sqlite = |error: rusqlite::Error| StoreErrorKind::from(error).in_file(file);
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(sqlite)?;
        let done = work(&transaction, file)?;
        transaction.commit().map_err(sqlite)?;
        Ok(done)
    }

    fn error(&self, kind: impl Into<StoreErrorKind>) -> StoreError {
        kind.into().in_file(&self.file)
    }
}

impl StoreErrorKind {
    pub(super) fn in_file(self, file: &Path) -> StoreError {
        StoreError {
            file: file.to_owned(),
            kind: self,
        }
    }
}

fn insert(
    transaction: &Transaction<'_>,
    key: &RunKey,
    data: &RunKey,
    record: &Record,
) -> Result<i64, StoreErrorKind> {
    read::check(record).map_err(StoreErrorKind::Refused)?;
    let picture = eval_sample::encode(&record.eval_sample).map_err(StoreErrorKind::Refused)?;
    delete(transaction, key)?;
    transaction.execute(
        "INSERT INTO runs (key, data, spec, lambda, learning_rate, data_name, channels, height, width, class_names, program, device,
             parameters, latent_values, mortal_units, kept, wall_seconds, finished)
         VALUES (:key, :data, :spec, :lambda, :learning_rate, :data_name, :channels, :height, :width, :class_names, :program, :device,
             :parameters, :latent_values, :mortal_units, :kept, :wall_seconds, :finished)",
        named_params! {
            ":key": key.to_string(),
            ":data": data.to_string(),
            ":spec": json(&record.spec)?,
            ":lambda": record.spec.config.lambda.value(),
            ":learning_rate": record.spec.config.learning_rate,
            ":data_name": record.data_name,
            ":channels": whole(record.shape.channels)?,
            ":height": whole(record.shape.height)?,
            ":width": whole(record.shape.width)?,
            ":class_names": json(&record.class_names)?,
            ":program": record.program,
            ":device": record.device,
            ":parameters": whole(record.parameters)?,
            ":latent_values": whole(record.latent_values)?,
            ":mortal_units": whole(record.relu_units)?,
            ":kept": whole(record.kept)?,
            ":wall_seconds": record.wall_seconds,
            ":finished": whole(record.finished)?,
        },
    )?;
    let id = transaction.last_insert_rowid();
    let mut statement = transaction.prepare_cached(
        "INSERT INTO evaluations (run, epoch, step, lambda, train_mse, train_ce, train_accuracy, test_mse, test_ce,
             test_accuracy, dead_units, images_per_second)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    for evaluation in &record.evaluations {
        statement.execute(params![
            id,
            whole(evaluation.epoch)?,
            whole(evaluation.step)?,
            evaluation.lambda.value(),
            evaluation.train.map(|means| means.mse),
            evaluation.train.map(|means| means.ce),
            evaluation.train.map(|means| means.accuracy),
            evaluation.test.mse,
            evaluation.test.ce,
            evaluation.test.accuracy,
            whole(evaluation.dead_units)?,
            evaluation.images_per_second,
        ])?;
    }
    transaction.execute(
        "INSERT INTO portraits (run, portrait) VALUES (?1, ?2)",
        params![id, picture],
    )?;
    Ok(id)
}

/// Returns the number of added entries: 0 if the run is stored already.
fn insert_failure(
    transaction: &Transaction<'_>,
    key: &RunKey,
    data: &RunKey,
    failure: &FailedRun,
) -> Result<usize, StoreErrorKind> {
    Ok(transaction.execute(
        "INSERT OR IGNORE INTO failures
             (key, data, spec, lambda, learning_rate, data_name, program, device, reason, finished)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE NOT EXISTS (SELECT 1 FROM runs WHERE key = ?1)",
        params![
            key.to_string(),
            data.to_string(),
            json(&failure.spec)?,
            failure.spec.config.lambda.value(),
            failure.spec.config.learning_rate,
            failure.data_name,
            failure.program,
            failure.device,
            failure.reason,
            whole(failure.finished)?,
        ],
    )?)
}

/// Removes everything about the run `key`.
fn delete(transaction: &Transaction<'_>, key: &RunKey) -> Result<(), StoreErrorKind> {
    let key = key.to_string();
    for table in ["evaluations", "portraits"] {
        transaction.execute(
            &format!("DELETE FROM {table} WHERE run IN (SELECT id FROM runs WHERE key = ?1)"),
            [&key],
        )?;
    }
    for table in ["runs", "failures"] {
        transaction.execute(&format!("DELETE FROM {table} WHERE key = ?1"), [&key])?;
    }
    Ok(())
}

/// Integers of the database are signed.
fn whole(number: impl TryInto<i64>) -> Result<i64, StoreErrorKind> {
    number
        .try_into()
        .map_err(|_| StoreErrorKind::Refused("has a number beyond 2⁶³".to_owned()))
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreErrorKind> {
    serde_json::to_string(value)
        .map_err(|error| StoreErrorKind::Refused(format!("cannot be written: {error}")))
}

#[cfg(test)]
mod tests;
