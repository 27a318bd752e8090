//! What the window exports: the figures and films of the run on show.

use std::path::PathBuf;

use eframe::egui::Context;

use super::{
    Notification, RunView, State, export_all,
    exports::{Done, Exports, Job, Outcome, Running},
    recording::Recording,
    results,
};
use crate::figures::{
    CapacityMeasure, DeadRuns, FigureData, FigureKind, Film, save, save_animation,
};

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// A figure, and what becomes of dead runs in it.
    Figure(FigureKind, DeadRuns),
    /// A film from the first λ of the spectrum to the last.
    Sweep,
    /// A film of what has been recorded of training.
    Training,
    /// The trade-off's width, of the file of results.
    Width(CapacityMeasure),
    /// Every figure that the file of results allows, into a folder.
    All(All),
}

/// How every figure is exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct All {
    /// What becomes of dead runs.
    pub dead: DeadRuns,
    /// Whether λ sweeps are filmed as well.
    pub films: bool,
}

impl Export {
    /// Name of its file, without extension.
    pub fn file(self) -> &'static str {
        match self {
            Self::Figure(kind, _) => kind.file_stem(),
            Self::Sweep => "lambda-sweep",
            Self::Training => "training",
            Self::Width(CapacityMeasure::LatentSize) => "latent-size",
            Self::Width(CapacityMeasure::Parameters) => "complexity",
            Self::All(_) => "figures",
        }
    }
}

/// Exports under way, asked for and prepared.
#[derive(Debug)]
pub struct Exporting {
    exports: Exports,
    recording: Option<Recording>,
    /// Whether the window of exports was asked for, and with what.
    wish: Option<Export>,
}

impl Exporting {
    /// `ctx` is woken when there is something new.
    pub fn new(ctx: Context) -> Self {
        Self {
            exports: Exports::new(ctx),
            recording: None,
            wish: None,
        }
    }

    /// Ends the export under way.
    pub fn cancel(&mut self) {
        self.exports.cancel();
    }

    /// Records a new look at the networks, if training is recorded.
    pub fn look(&mut self, run: &RunView) {
        if let Some(recording) = &mut self.recording {
            recording.look(run);
        }
    }

    /// What to tell of the export under way; nothing while its file is being chosen.
    pub fn notice(&self) -> Option<Notification> {
        let running = self.exports.running()?;
        Some(Notification::Exporting {
            file: running.file.clone()?,
            parts: running.parts,
            is_stopping: running.is_stopping,
        })
    }
}

impl State {
    /// The export under way.
    pub fn exporting(&self) -> Option<&Running> {
        self.exporting.exports.running()
    }

    /// Writes a figure or film of the run on show, as it is now, in the format that the extension of `path`
    /// says. A notice tells what came of it.
    pub fn export(&mut self, export: Export, path: PathBuf) {
        match self.job(export) {
            Ok(job) => self.exporting.exports.write(path, job),
            Err(reason) => self.cannot(&format!("{}: {reason}", path.display())),
        }
    }

    /// The same into a file that the user is asked for; `format` is its name and extension. All figures go into a
    /// folder.
    pub fn choose_export(&mut self, export: Export, format: (&str, &'static str)) {
        match self.job(export) {
            Ok(job) if matches!(export, Export::All(_)) => {
                self.exporting.exports.choose_folder(job);
            }
            Ok(job) => self.exporting.exports.choose(export.file(), format, job),
            Err(reason) => self.cannot(&format!("{}: {reason}", export.file())),
        }
    }

    /// Why it cannot be exported now, as a sentence without its full stop.
    ///
    /// # Errors
    /// The reason.
    pub fn can_export(&self, export: Export) -> Result<(), String> {
        if let Export::Width(against) = export {
            let widths = self.results().widths(against);
            return widths
                .map(|_| ())
                .ok_or_else(|| "there are no such results yet".to_owned());
        }
        if let Export::All(_) = export {
            return match self.results().state() {
                results::ResultsState::Read { runs: 1.., .. } | results::ResultsState::Unread => {
                    Ok(())
                }
                results::ResultsState::Trouble(reason) => Err(reason.clone()),
                _ => Err("there are no finished runs yet".to_owned()),
            };
        }
        let run = self.run().ok_or("there is no network yet")?;
        let lanes = run.lanes();
        let needs_spectrum = match export {
            Export::Figure(subject, _) => subject.needs_spectrum(),
            Export::Sweep => true,
            Export::Training | Export::Width(_) | Export::All(_) => false,
        };
        if needs_spectrum && !run.is_spectrum() {
            return Err("it needs a spectrum: networks at several λ, side by side".to_owned());
        }
        let seen = lanes.iter().all(|lane| lane.snapshot.is_some());
        if !seen {
            return Err("nothing has been seen of the network yet".to_owned());
        }
        match export {
            Export::Training if self.recording().is_none_or(|r| r.extent().0 < 2) => {
                Err("two pictures of training must be recorded first".to_owned())
            }
            Export::Figure(FigureKind::Curves, _)
                if run.shown().history.evaluations().len() < 2 =>
            {
                Err("no epoch has been trained yet".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Everything that is needed to write it, taken now.
    fn job(&self, export: Export) -> Result<Job, String> {
        if self.exporting().is_some() {
            return Err("another export is still under way".to_owned());
        }
        self.can_export(export)?;
        if let Export::Width(against) = export {
            let widths = self.results().widths(against).cloned();
            let widths = widths.ok_or("there are no such results yet")?;
            return Ok(Job::new("figure", move |path, _| {
                save(&widths, path).map_err(|error| error.to_string())?;
                Ok(Done::Written)
            }));
        }
        if let Export::All(all) = export {
            let file = self.results().file();
            let file = file.ok_or("this system has no place for results")?;
            return Ok(export_all::job(file.to_owned(), all));
        }
        let run = self.run().ok_or("there is no network yet")?;
        Ok(match export {
            Export::Figure(kind, dead) => {
                let data = run.figure_data();
                Job::new("figure", move |path, _| {
                    let figure = data.figure(kind, dead);
                    let figure = figure.map_err(|why| format!("{}: {why}", path.display()))?;
                    save(&*figure, path).map_err(|error| error.to_string())?;
                    Ok(Done::Written)
                })
            }
            Export::Sweep => film_of_lambdas(run.figure_data()),
            Export::Training | Export::Width(_) | Export::All(_) => {
                let film = self.recording().and_then(Recording::film);
                film_job(film.ok_or("nothing is recorded")?)
            }
        })
    }

    // ---- recording ----

    /// What has been recorded of training.
    pub fn recording(&self) -> Option<&Recording> {
        self.exporting.recording.as_ref()
    }

    /// Whether more of training is being recorded.
    pub fn is_recording(&self) -> bool {
        let both = self.recording().zip(self.run());
        both.is_some_and(|(recording, run)| recording.goes_on(run))
    }

    /// Records the network on show from now on; what was recorded before is forgotten.
    pub fn record(&mut self) {
        self.exporting.recording = self.run.as_ref().map(Recording::new);
    }

    /// Ends recording and forgets it.
    pub fn forget_recording(&mut self) {
        self.exporting.recording = None;
    }

    // ---- inside ----

    /// Asks for the window of exports.
    pub fn show_exports(&mut self, export: Export) {
        self.exporting.wish = Some(export);
    }

    /// What the window of exports was asked for, once.
    pub fn take_export_wish(&mut self) -> Option<Export> {
        self.exporting.wish.take()
    }

    /// Takes in how exports ended.
    pub(super) fn receive_exports(&mut self) {
        match self.exporting.exports.receive() {
            Some(Outcome::Written(file)) => {
                self.forget_export_notices();
                self.notify(Notification::Exported { file });
            }
            Some(Outcome::Several { text, more }) => {
                self.forget_export_notices();
                self.notify(Notification::ExportedAll { text, more });
            }
            Some(Outcome::Failed(reason)) => {
                self.forget_export_notices();
                self.notify(Notification::NotExported { reason });
            }
            Some(Outcome::Cancelled) | None => {}
        }
    }

    fn cannot(&mut self, reason: &str) {
        self.forget_export_notices();
        self.notify(Notification::NotExported {
            reason: format!("Cannot export {reason}"),
        });
    }

    /// The latest export is the one that is told of.
    fn forget_export_notices(&mut self) {
        self.notifications.retain(|notice| {
            !matches!(
                notice,
                Notification::Exported { .. }
                    | Notification::ExportedAll { .. }
                    | Notification::NotExported { .. }
            )
        });
    }
}

fn film_of_lambdas(data: FigureData) -> Job {
    Job::new("frame", move |path, progress| {
        let sweep = data.sweep();
        let sweep = sweep.map_err(|why| format!("{}: {why}", path.display()))?;
        let ending = save_animation(&Film::from_sweep(&sweep), path, progress);
        ending.map(Done::from).map_err(|error| error.to_string())
    })
}

fn film_job(film: Film) -> Job {
    Job::new("frame", move |path, progress| {
        let ending = save_animation(&film, path, progress);
        ending.map(Done::from).map_err(|error| error.to_string())
    })
}
