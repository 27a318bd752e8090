//! Finished runs in one file, a database of `SQLite`, from which nothing ever gets lost and into which nothing comes by halves.
//!
//! The file may come from anywhere: what is read of it is checked, and what is wrong with it is told with the
//! file and the number of the run.

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

/// The results file of this machine's user, where the platform keeps such data; none where it has no
/// such place.
pub fn default_file() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "cre-lab")
        .map(|folders| folders.data_dir().join("results.sqlite"))
}

/// A file of finished runs.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    file: PathBuf,
}

/// A finished run as the file holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredRun {
    /// Its number within this file.
    pub id: i64,
    /// What decides its outcome; no two runs of a file share it.
    pub key: RunKey,
    /// The images and labels that it learned from and was measured with.
    pub data: RunKey,
    /// The run.
    pub record: Record,
}

/// A run that came to no end, and would not if it were tried again.
#[derive(Clone, Debug, PartialEq)]
pub struct FailedRun {
    /// What was asked for.
    pub spec: RunSpec,
    /// What people call the data set.
    pub data_name: String,
    /// Name and version of the program.
    pub program: String,
    /// What it was computed on.
    pub device: String,
    /// One sentence without its full stop.
    pub reason: String,
    /// When it ended, in seconds since 1970-01-01 UTC.
    pub finished: u64,
}

/// What a file knows of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredStatus {
    /// It is done.
    Done,
    /// It has failed.
    Failed,
}

/// What is wrong with a file of results, as one sentence.
#[derive(Debug, thiserror::Error)]
#[error("{} {kind}", file.display())]
pub struct StoreError {
    /// The file.
    pub file: PathBuf,
    /// The reason.
    pub kind: StoreErrorKind,
}

/// Continues a sentence that begins with the file's name.
#[derive(Debug, thiserror::Error)]
pub enum StoreErrorKind {
    /// There is no such file, and none was to be made.
    #[error("is not there")]
    Missing,
    /// A folder or a device is at the path.
    #[error("is not a regular file")]
    NoFile,
    /// A file that is not to be written to.
    #[error("is read-only; make it writable, or choose another file")]
    ReadOnly,
    /// An empty file, which was only to be read.
    #[error("is empty, so it holds no results")]
    Empty,
    /// Its folder cannot be made.
    #[error("cannot be made: {0}")]
    Folder(std::io::Error),
    /// The database refuses what was asked.
    #[error("cannot be used: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A database, but not one of this program.
    #[error("is a database of another program")]
    Foreign,
    /// Written by a later version of this program.
    #[error(
        "has the format {found}, newer than the {known} that this version of the program knows"
    )]
    Newer {
        /// Its schema version.
        found: i64,
        /// The newest that is understood.
        known: i64,
    },
    /// Written by an earlier version of this program, and not to be changed.
    #[error(
        "has the format {found}, older than {known}; `cre-lab results list` brings it up to date"
    )]
    Older {
        /// Its schema version.
        found: i64,
        /// The newest that is understood.
        known: i64,
    },
    /// One of its runs is damaged.
    #[error("is damaged: run {run} {reason}")]
    Run {
        /// Number of the run.
        run: i64,
        /// The reason.
        reason: String,
    },
    /// Something else than a run is damaged.
    #[error("is damaged: {0}")]
    Damaged(String),
    /// A run that no file can hold.
    #[error("cannot hold this run: it {0}")]
    Refused(String),
}

impl Store {
    /// Opens `file`; makes it, and its folder, where it is not there.
    ///
    /// # Errors
    /// When it cannot be made or opened, or is not a file of results of this or an earlier version.
    pub fn open(file: &Path) -> Result<Self, StoreError> {
        match fs::metadata(file) {
            Ok(found) if !found.is_file() => return Err(StoreErrorKind::NoFile.of(file)),
            // The superuser may write to it all the same.
            Ok(found) if found.permissions().readonly() => {
                return Err(StoreErrorKind::ReadOnly.of(file));
            }
            Err(_) if !has_file_name(file) => return Err(StoreErrorKind::NoFile.of(file)),
            Ok(_) | Err(_) => {}
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)
                .map_err(StoreErrorKind::Folder)
                .map_err(|fault| fault.of(file))?;
        }
        Self::connect(file, true)
    }

    /// Opens `file`, which must be there and hold results; those of an earlier version get the tables of
    /// today. A file that is empty or of another program is not changed.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn open_existing(file: &Path) -> Result<Self, StoreError> {
        Self::exists(file)?;
        Self::connect(file, false)
    }

    fn exists(file: &Path) -> Result<(), StoreError> {
        match (file.exists(), file.is_file()) {
            (_, true) => Ok(()),
            (true, false) => Err(StoreErrorKind::NoFile.of(file)),
            (false, false) => Err(StoreErrorKind::Missing.of(file)),
        }
    }

    /// Opens `file`, which must be there, to read it alone: nothing in it is changed, its format neither.
    ///
    /// # Errors
    /// When it is not there, cannot be opened, or has not the format of this version.
    pub fn open_to_read(file: &Path) -> Result<Self, StoreError> {
        Self::exists(file)?;
        let connection = schema::connect_to_read(file).map_err(|fault| fault.of(file))?;
        Ok(Self {
            connection,
            file: file.to_owned(),
        })
    }

    fn connect(file: &Path, create: bool) -> Result<Self, StoreError> {
        let connection = schema::connect(file, create).map_err(|fault| fault.of(file))?;
        Ok(Self {
            connection,
            file: file.to_owned(),
        })
    }

    /// Where it lies.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// What it knows of the run `key`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn known(&self, key: &RunKey) -> Result<Option<StoredStatus>, StoreError> {
        let found = |table| {
            self.connection
                .query_row(
                    &format!("SELECT 1 FROM {table} WHERE key = ?1"),
                    [key.to_string()],
                    |_| Ok(()),
                )
                .optional()
                .map_err(|error| self.fault(error))
        };
        Ok(match found("runs")? {
            Some(()) => Some(StoredStatus::Done),
            None => found("failures")?.map(|()| StoredStatus::Failed),
        })
    }

    /// The number of the run `key`; none where it is not done.
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
            .map_err(|error| self.fault(error))
    }

    /// Keeps a run, whole or not at all; an earlier one with the same key is replaced. Returns its number.
    ///
    /// # Errors
    /// When the file cannot be written to, or the record contradicts itself.
    pub fn commit(&mut self, data: &RunKey, record: &Record) -> Result<i64, StoreError> {
        let key = RunKey::of_run(&record.spec, data);
        self.write(|transaction, file| {
            insert(transaction, &key, data, record).map_err(|fault| fault.of(file))
        })
    }

    /// Remembers that a run has failed, unless something is known of it already.
    ///
    /// # Errors
    /// When the file cannot be written to.
    pub fn commit_failure(&mut self, data: &RunKey, failure: &FailedRun) -> Result<(), StoreError> {
        let key = RunKey::of_run(&failure.spec, data);
        self.write(|transaction, file| {
            insert_failure(transaction, &key, data, failure).map_err(|fault| fault.of(file))
        })
        .map(drop)
    }

    /// Has the database look over its whole file.
    ///
    /// # Errors
    /// When it finds something; the error tells the first of it.
    pub fn check(&self) -> Result<(), StoreError> {
        let found: String = self
            .connection
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
            .map_err(|error| self.fault(error))?;
        if found == "ok" {
            Ok(())
        } else {
            Err(self.fault(StoreErrorKind::Damaged(found)))
        }
    }

    /// All of `work` or nothing of it.
    fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &Path) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let Self { connection, file } = self;
        let sqlite = |error: rusqlite::Error| StoreErrorKind::from(error).of(file);
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(sqlite)?;
        let done = work(&transaction, file)?;
        transaction.commit().map_err(sqlite)?;
        Ok(done)
    }

    fn fault(&self, fault: impl Into<StoreErrorKind>) -> StoreError {
        fault.into().of(&self.file)
    }
}

impl StoreErrorKind {
    fn of(self, file: &Path) -> StoreError {
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
    forget(transaction, key)?;
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

/// Returns how many entries were added: none where something is known of the run.
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

/// Takes away all that is known of the run `key`.
fn forget(transaction: &Transaction<'_>, key: &RunKey) -> Result<(), StoreErrorKind> {
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

/// The whole numbers of the database have a sign.
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
