//! Which runs of a grid the results file has.

use std::{collections::HashMap, path::Path};

use super::{Finished, RunStatus};
use crate::sweep::{RunKey, RunSpec, Store, dataset_cache::DatasetCache, store::StoreError};

/// The stored status of each run; all are waiting where there is no file.
///
/// # Errors
/// One sentence, when the file or a data set cannot be read.
pub fn statuses(file: &Path, runs: &[RunSpec]) -> Result<Vec<RunStatus>, String> {
    if !file.exists() {
        return Ok(vec![RunStatus::Waiting; runs.len()]);
    }
    let message = |error: StoreError| error.to_string();
    let store = Store::open_existing(file).map_err(message)?;
    let failures = store.failures().map_err(message)?.into_iter();
    let failures: HashMap<RunKey, String> = failures
        .map(|(key, _, failure)| (key, failure.reason))
        .collect();
    let mut datasets = DatasetCache::default();
    let mut statuses = Vec::with_capacity(runs.len());
    for run in runs {
        let run = datasets.fitted(run).map_err(|error| error.to_string())?;
        let key = RunKey::from_run(&run.spec, &run.data);
        let stored = match store.find(&key).map_err(message)? {
            Some(id) => store.run(id).map_err(message)?,
            None => None,
        };
        let done = stored.and_then(|stored| Finished::new(stored.id, &stored.record));
        statuses.push(match (done, failures.get(&key)) {
            (Some(done), _) => RunStatus::Done(done),
            (None, Some(reason)) => RunStatus::Failed(reason.clone()),
            (None, None) => RunStatus::Waiting,
        });
    }
    Ok(statuses)
}
