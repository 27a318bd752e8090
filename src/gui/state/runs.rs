//! Runs in files: saving, opening, and what is kept against a crash.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use super::{Notification, Pending, State};
use crate::{
    data::{DataSource, Dataset},
    train::{
        Command, RunConfig, RunId, RunStart,
        checkpoint::{Checkpoint, autosave::AutosaveFile, recorder::SavePaths},
    },
};

/// Where the window keeps its run while it lives, and what an earlier one has left.
#[derive(Debug, Default)]
pub struct Autosave {
    /// This window's own file; none where it leaves no traces.
    place: Option<AutosaveFile>,
    /// Left by a crash, offered to the user or taken up by them.
    left: Option<AutosaveFile>,
    /// Whether the run on show has come out of `left`, which may go as soon as it is safe elsewhere.
    taken_up: bool,
}

/// A run that has been read, with its images.
#[derive(Debug)]
pub struct Opened {
    pub saved: Arc<Checkpoint>,
    pub source: DataSource,
    pub dataset: Arc<Dataset>,
}

impl State {
    /// Keeps the run in `folder` from now on, and offers what a crash has left there.
    pub fn keep_runs(&mut self, folder: &Path) {
        self.autosave_files.left = AutosaveFile::find_left_over(folder);
        if let Some(left) = &self.autosave_files.left {
            let written = left.file().metadata().and_then(|about| about.modified());
            let age = written
                .ok()
                .and_then(|at| SystemTime::now().duration_since(at).ok());
            self.notify(Notification::LeftOver { age });
        }
        match AutosaveFile::create(folder) {
            Ok(place) => self.autosave_files.place = Some(place),
            Err(error) => self.notify(Notification::CannotSave {
                reason: format!(
                    "{} cannot hold it in case of a crash: {error}",
                    folder.display()
                ),
            }),
        }
    }

    /// Ends cleanly: nothing is left to go on from.
    pub fn close(&mut self) {
        // All threads stop at the same time: each of them may take a while.
        self.exporting.cancel();
        self.experiment.cancel();
        self.experiment.stop_measuring();
        // It may still be writing.
        self.worker = None;
        if let Some(place) = self.autosave_files.place.take() {
            place.clear();
        }
        if self.autosave_files.taken_up
            && let Some(left) = self.autosave_files.left.take()
        {
            left.clear();
        }
    }

    /// Whether there is a run that a file can hold.
    pub fn can_save(&self) -> bool {
        self.worker.is_some() && self.run.as_ref().is_some_and(|run| !run.is_spectrum())
    }

    /// Asks the user where to save the run.
    pub fn choose_where_to_save(&mut self) {
        if let Some(run) = self.run.as_ref().filter(|_| self.can_save()) {
            let name = format!(
                "{} {} λ {} step {}.safetensors",
                run.dataset.name,
                run.config.architecture,
                self.lambda(),
                run.step()
            );
            self.loader.choose_where_to_save(name);
        }
    }

    /// Writes the run to `file`, as soon as the running step is done.
    pub fn save_run(&mut self, file: PathBuf) {
        if let Some(run) = self.run.as_ref().filter(|_| self.can_save()) {
            self.send(Command::Save(SavePaths {
                file,
                best: None,
                source: run.source.clone(),
            }));
        }
    }

    /// Asks the user for a run, or for weights of the authors' modules.
    pub fn choose_run(&mut self) {
        let base = self.base();
        self.loader.choose_run(base, self.downloads.shelf().clone());
    }

    /// Reads a run, to go on with it as soon as it is there.
    pub fn open_run(&mut self, file: PathBuf) {
        let base = self.base();
        let shelf = self.downloads.shelf().clone();
        self.loader.load_run(file, base, shelf);
    }

    /// Goes on with what a crash has left.
    pub(super) fn take_up(&mut self) {
        if let Some(left) = &self.autosave_files.left {
            let file = left.file().to_owned();
            self.autosave_files.taken_up = true;
            self.open_run(file);
        }
    }

    /// Forgets what a crash has left.
    pub(super) fn forget_left_over(&mut self) {
        if let Some(left) = self.autosave_files.left.take() {
            left.clear();
        }
    }

    /// An epoch of the run on show is safe in a file of this window.
    pub(super) fn is_safe(&mut self) {
        let safe = self.autosave_files.place.as_ref();
        if self.autosave_files.taken_up
            && !self.is_preparing()
            && safe.is_some_and(|place| place.file().is_file())
        {
            self.autosave_files.taken_up = false;
            self.forget_left_over();
        }
    }

    /// A run that was to be opened cannot be: the one on show goes on.
    pub(super) fn hear_bad_run(&mut self, reason: String) {
        self.give_up_taking();
        self.notify(Notification::BadRun { reason });
    }

    /// What a crash has left stays where it is.
    pub(super) fn give_up_taking(&mut self) {
        self.autosave_files.taken_up = false;
    }

    /// What a file of weights alone needs.
    fn base(&self) -> Option<(RunConfig, DataSource, Arc<Dataset>)> {
        let run = self.run.as_ref()?;
        Some((self.config.clone(), run.source.clone(), run.dataset.clone()))
    }

    /// Goes on with a run that has been read.
    pub(super) fn go_on_with(&mut self, opened: Opened) {
        let Opened {
            saved,
            source,
            dataset,
        } = opened;
        self.seed_search = None;
        self.playback = None;
        self.waiting = None;
        self.spectrum = None;
        self.selected = None;
        self.config = saved.config();
        let start = self.start(&dataset);
        self.pending = Some(Pending {
            id: start.run,
            source,
            dataset,
            saved: Some(saved.clone()),
        });
        self.launch(Command::ResumeRun(Box::new(start), saved));
    }

    /// What the worker needs for a run with the settings in force.
    pub(super) fn start(&mut self, dataset: &Arc<Dataset>) -> RunStart {
        self.ids += 1;
        RunStart {
            run: RunId(self.ids),
            lanes: match &self.spectrum {
                Some(spectrum) => spectrum.lanes(self.config.seed),
                None => vec![self.config.lane()],
            },
            config: self.config.clone(),
            probe: self
                .probe_selection
                .probe(dataset, self.selected, self.own.clone()),
            dataset: dataset.clone(),
            paused: false,
        }
    }

    /// Lets the worker write the pending run to this window's file after each epoch.
    pub(super) fn autosave(&self) {
        if let (Some(place), Some(pending)) = (&self.autosave_files.place, &self.pending) {
            self.send(Command::Autosave(SavePaths {
                file: place.file().to_owned(),
                best: None,
                source: pending.source.clone(),
            }));
        }
    }
}
