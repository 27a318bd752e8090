//! Reading the file of results, on threads that may wait for it.

use std::{collections::HashMap, path::Path};

use super::{Finished, RunPicture, RunStatus};
use crate::sweep::{RunKey, RunSpec, Store, dataset_cache::DatasetCache};

/// What was asked for; the error is one sentence.
#[derive(Debug)]
pub enum Answer {
    /// What the file knows of the runs of a grid, to the question with this number.
    Survey(u64, Result<Vec<RunStatus>, String>),
    /// The run with this number in the file.
    Picture(i64, Result<Box<RunPicture>, String>),
}

/// What `file` knows of each run; nothing where there is no file.
pub fn survey(file: &Path, runs: &[RunSpec]) -> Result<Vec<RunStatus>, String> {
    if !file.exists() {
        return Ok(vec![RunStatus::Waiting; runs.len()]);
    }
    let told = |error: crate::sweep::store::StoreError| error.to_string();
    let store = Store::open_existing(file).map_err(told)?;
    let failures = store.failures().map_err(told)?.into_iter();
    let failures: HashMap<RunKey, String> = failures
        .map(|(key, _, failure)| (key, failure.reason))
        .collect();
    let mut library = DatasetCache::default();
    let mut fates = Vec::with_capacity(runs.len());
    for run in runs {
        let (_, data) = library.data(&run.data).map_err(|error| error.to_string())?;
        let key = RunKey::from_run(run, &data);
        let stored = match store.find(&key).map_err(told)? {
            Some(id) => store.run(id).map_err(told)?,
            None => None,
        };
        let done = stored.and_then(|stored| Finished::of(stored.id, &stored.record));
        fates.push(match (done, failures.get(&key)) {
            (Some(done), _) => RunStatus::Done(done),
            (None, Some(reason)) => RunStatus::Failed(reason.clone()),
            (None, None) => RunStatus::Waiting,
        });
    }
    Ok(fates)
}

/// The run with the number `id`, ready to be looked at.
pub fn picture(file: &Path, id: i64) -> Result<Box<RunPicture>, String> {
    let store = Store::open_existing(file).map_err(|error| error.to_string())?;
    let stored = store.run(id).map_err(|error| error.to_string())?;
    let stored = stored.ok_or_else(|| format!("{} has no run {id} any more", file.display()))?;
    RunPicture::new(id, stored.record)
        .map(Box::new)
        .ok_or_else(|| format!("{}: run {id} has no portrait", file.display()))
}
