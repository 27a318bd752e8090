//! Joining the files of several machines.

use rusqlite::{OptionalExtension as _, Transaction};

use super::{Store, StoreError, StoreErrorKind, insert, insert_failure, whole};
use crate::sweep::RunKey;

/// What came of joining one file to another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Runs that were new, or took the place of a failed or an older one.
    pub added: usize,
    /// Runs that were there already.
    pub known: usize,
    /// Failed runs of which nothing was known.
    pub failed: usize,
}

impl Store {
    /// Takes over every run of `other`, all or none. Of two runs with the same key the one that ended later
    /// is kept, and one that is done in place of one that has failed.
    ///
    /// # Errors
    /// When a file cannot be read or written, or a run of `other` is damaged.
    pub fn merge(&mut self, other: &Self) -> Result<Merged, StoreError> {
        let (ids, failures) = (other.ids()?, other.failures()?);
        self.write(|transaction, file| {
            let of = |fault: StoreErrorKind| fault.of(file);
            let mut merged = Merged::default();
            for id in ids {
                let Some(stored) = other.run(id)? else {
                    continue;
                };
                let known = finished(transaction, &stored.key).map_err(of)?;
                let ended = whole(stored.record.finished).map_err(of)?;
                if known.is_some_and(|known| known >= ended) {
                    merged.known += 1;
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

/// When the run `key` ended; none where it is not known to be done.
fn finished(transaction: &Transaction<'_>, key: &RunKey) -> Result<Option<i64>, StoreErrorKind> {
    Ok(transaction
        .prepare_cached("SELECT finished FROM runs WHERE key = ?1")?
        .query_row([key.to_string()], |row| row.get(0))
        .optional()?)
}
