//! Merges the files of several machines.

use rusqlite::{OptionalExtension as _, Transaction};

use super::{Store, StoreError, StoreErrorKind, insert, insert_failure, whole};
use crate::sweep::RunKey;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Runs that were added, or replaced a failed or an older one.
    pub added: usize,
    /// Runs that were stored already.
    pub existing: usize,
    /// Failed runs that were added.
    pub failed: usize,
}

impl Store {
    /// Adds all runs of `other`, or none. Of two runs with the same key the later one is kept, and
    /// a complete one replaces a failed one.
    ///
    /// # Errors
    /// When a file cannot be read or written, or a run of `other` is damaged.
    pub fn merge(&mut self, other: &Self) -> Result<Merged, StoreError> {
        let (ids, failures) = (other.ids()?, other.failures()?);
        self.write(|transaction, file| {
            let of = |kind: StoreErrorKind| kind.in_file(file);
            let mut merged = Merged::default();
            for id in ids {
                let Some(stored) = other.run(id)? else {
                    continue;
                };
                let existing = finished(transaction, &stored.key).map_err(of)?;
                let ended = whole(stored.record.finished).map_err(of)?;
                if existing.is_some_and(|existing| existing >= ended) {
                    merged.existing += 1;
                    continue;
                }
                insert(transaction, &stored.key, &stored.data, &stored.record).map_err(of)?;
                merged.added += 1;
            }
            for (key, data, failure) in failures {
                merged.failed += insert_failure(transaction, &key, &data, &failure).map_err(of)?;
            }
            Ok(merged)
        })
    }
}

/// End of the run `key`, if it is complete.
fn finished(transaction: &Transaction<'_>, key: &RunKey) -> Result<Option<i64>, StoreErrorKind> {
    Ok(transaction
        .prepare_cached("SELECT finished FROM runs WHERE key = ?1")?
        .query_row([key.to_string()], |row| row.get(0))
        .optional()?)
}
