//! An export task, with all data that it needs, taken when it was requested.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use super::{AllOptions, Export, Progress};
use crate::{
    figures::{AllFigures, Ending, ExportProgress, FigureData, Film, save, save_animation},
    format::{count, plural},
    fs::first_existing,
    gui::state::State,
    jobs::JobContext,
    sweep::{Store, series::finished_records},
};

/// Called with the number of completed parts and of all parts; decides whether to continue.
type OnPart<'a> = &'a mut dyn FnMut(usize, usize) -> ControlFlow<()>;
type Work = Box<dyn FnOnce(&Path, OnPart<'_>) -> Result<Outcome, String> + Send>;

/// Writes one file, or several into one folder.
pub struct Task {
    /// The noun for its parts: "frame".
    pub part: &'static str,
    work: Work,
}

/// A sentence about what has been written, and more about it; `None` after a cancellation.
pub type Outcome = Option<(String, String)>;

/// The outcome of a task that writes one file.
fn written(path: &Path) -> (String, String) {
    (format!("Written to {}", path.display()), String::new())
}

impl Task {
    /// The task that writes `export` as it is now.
    ///
    /// # Errors
    /// Why it cannot be exported: a clause for a sentence.
    pub fn new(state: &State, export: Export) -> Result<Self, String> {
        if state.exports.running.is_some() {
            return Err("another export is in progress".to_owned());
        }
        state.can_export(export)?;
        match export {
            Export::Width(measure) => {
                let widths = state.results.widths(measure).cloned();
                let widths = widths.ok_or("there are no such results yet")?;
                Ok(Self::from_work("figure", move |path, _| {
                    save(&widths, path).map_err(|error| error.to_string())?;
                    Ok(Some(written(path)))
                }))
            }
            Export::All(options) => {
                let file = state.results.file();
                let file = file.ok_or("this system has no folder for results")?;
                Ok(all_figures(file.to_owned(), options))
            }
            Export::Figure(kind, dead) => {
                let data = figure_data(state)?;
                Ok(Self::from_work("figure", move |path, _| {
                    let figure = data
                        .figure(kind, dead)
                        .map_err(|reason| format!("{}: {reason}", path.display()))?;
                    save(&*figure, path).map_err(|error| error.to_string())?;
                    Ok(Some(written(path)))
                }))
            }
            Export::Sweep => {
                let data = figure_data(state)?;
                Ok(Self::from_work("frame", move |path, on_part| {
                    let sweep = data
                        .sweep()
                        .map_err(|reason| format!("{}: {reason}", path.display()))?;
                    animate(&Film::from_sweep(&sweep), path, on_part)
                }))
            }
            Export::Training => {
                let recording = state.exports.recording.as_ref();
                let animation = recording.and_then(super::Recording::animation);
                let animation = animation.ok_or("nothing is recorded")?;
                Ok(Self::from_work("frame", move |path, on_part| {
                    animate(&animation, path, on_part)
                }))
            }
        }
    }

    /// `work` writes to the path that it is given; its error is one sentence.
    pub fn from_work(
        part: &'static str,
        work: impl FnOnce(&Path, OnPart<'_>) -> Result<Outcome, String> + Send + 'static,
    ) -> Self {
        Self {
            part,
            work: Box::new(work),
        }
    }

    /// Writes to `path` until it is done or the job is cancelled.
    pub fn run(self, path: &Path, job: &JobContext<Progress>) -> Result<Outcome, String> {
        (self.work)(path, &mut |done, of| {
            job.progress(Progress::Parts(done, of));
            if job.is_cancelled() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
    }
}

fn figure_data(state: &State) -> Result<FigureData, String> {
    let run = state.run.view().ok_or("there is no network yet")?;
    Ok(run.figure_data())
}

fn animate(film: &Film, path: &Path, on_part: OnPart<'_>) -> Result<Outcome, String> {
    match save_animation(film, path, on_part).map_err(|error| error.to_string())? {
        Ending::Written => Ok(Some(written(path))),
        Ending::Cancelled => Ok(None),
    }
}

/// Writes every figure that the runs in `results` allow, as `cre-lab figures` does.
fn all_figures(results: PathBuf, options: AllOptions) -> Task {
    let AllOptions { dead, animations } = options;
    Task::from_work("file", move |folder, on_part| {
        let store = Store::open_existing(&results);
        let records = store.and_then(|store| finished_records(&store));
        let records = records.map_err(|error| error.to_string())?;
        let all = AllFigures::new(&records, dead);
        let names = all.file_names(animations);
        if let Some(existing) = first_existing(folder, names.iter().map(String::as_str)) {
            return Err(format!("{existing}; choose another folder"));
        }
        let files = names.len();
        let mut done = 0;
        let ending = all.save(folder, animations, |step| {
            if let ExportProgress::Written(_) = step {
                done += 1;
            }
            on_part(done, files)
        });
        let text = match ending.map_err(|error| error.to_string())? {
            Ending::Written => summary(&all, records.len(), folder),
            Ending::Cancelled => format!(
                "Cancelled; {} of {} files are in {}",
                count(done),
                count(files),
                folder.display()
            ),
        };
        let reasons = all.missing.iter();
        let reasons: Vec<String> = reasons
            .map(|(name, reason)| format!("{name} is left out: {reason}"))
            .collect();
        Ok(Some((text, reasons.join("\n"))))
    })
}

/// "12 figures of 55 runs are in /home/me/figures; left out: complexity".
fn summary(all: &AllFigures<'_>, runs: usize, folder: &Path) -> String {
    let text = format!(
        "{} of {} are in {}",
        plural(all.figures.len(), "figure"),
        plural(runs, "run"),
        folder.display()
    );
    let missing: Vec<&str> = all.missing.iter().map(|(name, _)| *name).collect();
    if missing.is_empty() {
        return text;
    }
    format!("{text}; left out: {}", missing.join(", "))
}
