//! The stored run that is shown in detail.

use std::path::PathBuf;

use super::RunPicture;
use crate::{
    jobs::{Job, Wake, take_finished},
    sweep::Store,
};

/// A stored run, which is read on a background thread.
#[derive(Debug)]
pub struct Preview {
    /// Its id in the file.
    pub id: i64,
    pub name: String,
    /// The run, once it has been read; the error is one sentence.
    pub picture: Option<Result<Box<RunPicture>, String>>,
    job: Option<Job<Result<Box<RunPicture>, String>>>,
}

impl Preview {
    /// Starts to read the run `id` of a results file.
    pub fn open(id: i64, name: String, file: PathBuf, wake: &Wake) -> Self {
        let job = Job::start("read run", wake, move |_| {
            let store = Store::open_existing(&file).map_err(|error| error.to_string())?;
            RunPicture::read(&store, &file, id).map(Box::new)
        });
        Self {
            id,
            name,
            picture: None,
            job: Some(job),
        }
    }

    pub fn receive(&mut self) {
        if let Some(result) = take_finished(&mut self.job) {
            self.picture = Some(result.unwrap_or_else(|error| Err(error.to_string())));
        }
    }
}
