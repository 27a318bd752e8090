//! Exports: figures and animations, written to files on a background thread.

mod recording;
mod task;

use std::path::PathBuf;

use super::{Notification, RunView, State};
use crate::{
    figures::{CapacityMeasure, DeadRuns, FigureKind},
    fs::Existing,
    gui::commands::{Commands, ExportCommand},
    jobs::{Job, STOP_LIMIT, Wake},
};

pub use recording::{MAX_SCENES, Recording};
use task::{Outcome, Task};

use super::results::ResultsState;

/// What can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// A figure of the run on show, and how it shows dead runs.
    Figure(FigureKind, DeadRuns),
    /// An animation from the first λ of the spectrum to the last.
    Sweep,
    /// An animation of what has been recorded of training.
    Training,
    /// The trade-off width of the stored runs.
    Width(CapacityMeasure),
    /// Every figure that the stored runs allow, into a folder.
    All(AllOptions),
}

/// How all figures are exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllOptions {
    /// How figures show dead runs.
    pub dead: DeadRuns,
    /// Whether to animate λ sweeps as well.
    pub animations: bool,
}

impl Export {
    /// Name of its file, without extension.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Figure(kind, _) => kind.file_stem(),
            Self::Sweep => "lambda-sweep",
            Self::Training => "training",
            Self::Width(CapacityMeasure::LatentSize) => "latent-size",
            Self::Width(CapacityMeasure::Parameters) => "complexity",
            Self::All(_) => "figures",
        }
    }

    fn needs_spectrum(self) -> bool {
        match self {
            Self::Figure(kind, _) => kind.needs_spectrum(),
            Self::Sweep => true,
            Self::Training | Self::Width(_) | Self::All(_) => false,
        }
    }
}

#[derive(Debug)]
pub struct RunningExport {
    job: Job<Result<Outcome, String>, Progress>,
    /// The file or folder, once it has been chosen.
    path: Option<PathBuf>,
    /// Completed parts and all of them; `None` for a figure.
    parts: Option<(usize, usize)>,
    /// The noun for a part: "frame".
    part: &'static str,
}

/// What a running export reports.
#[derive(Debug)]
enum Progress {
    Chosen(PathBuf),
    Parts(usize, usize),
}

/// The running export, one at a time, and the recording of training.
#[derive(Debug)]
pub struct Exports {
    wake: Wake,
    pub running: Option<RunningExport>,
    /// What has been recorded of training.
    pub recording: Option<Recording>,
}

impl Exports {
    pub fn new(wake: Wake) -> Self {
        Self {
            wake,
            running: None,
            recording: None,
        }
    }

    /// Whether the run on show is being recorded.
    pub fn is_recording(&self, run: Option<&RunView>) -> bool {
        let both = self.recording.as_ref().zip(run);
        both.is_some_and(|(recording, run)| recording.is_of(run))
    }

    /// The export in progress, once its file has been chosen.
    pub fn notification(&self) -> Option<Notification> {
        let running = self.running.as_ref()?;
        let path = running.path.as_ref()?.display();
        let text = match running.parts {
            _ if running.job.is_cancelled() => "Stopping the export…".to_owned(),
            Some((done, of)) => format!("Writing {path}: {} {done} of {of}", running.part),
            None => format!("Writing {path}…"),
        };
        let tooltip = "Stop writing; an unfinished file stays as it was before";
        Some(Notification::progress(text).with_action("Cancel", tooltip, ExportCommand::Cancel))
    }

    /// Starts recording the network on show; without a run, only discards the earlier recording.
    pub fn record(&mut self, run: Option<&RunView>) {
        self.recording = run.map(Recording::new);
    }

    /// Adds the latest snapshot to the recording.
    pub fn on_snapshots(&mut self, run: Option<&RunView>) {
        if let Some((recording, run)) = self.recording.as_mut().zip(run) {
            recording.push(run);
        }
    }

    /// Stops the running export after its current part; the file stays as it was before.
    pub fn cancel(&mut self) {
        if let Some(running) = &self.running {
            running.job.cancel();
        }
    }

    /// Starts to write `path`.
    fn write(&mut self, path: PathBuf, task: Task) {
        self.start(task, move || Some((path, Existing::Replace)));
    }

    /// Asks for a file, then writes it. `format` is its name and extension.
    fn choose_file(&mut self, name: &str, format: (&str, &'static str), task: Task) {
        let (format, extension) = format;
        // Dialogs are opened on the main thread and awaited on another.
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Export")
            .set_file_name(format!("{name}.{extension}"))
            .add_filter(format, &[extension])
            .save_file();
        self.start(task, move || {
            let mut path = pollster::block_on(dialog)?.path().to_owned();
            if path.extension().is_none() {
                path.set_extension(extension);
                // The dialog has asked about replacing the name without the extension only.
                return Some((path, Existing::Keep));
            }
            Some((path, Existing::Replace))
        });
    }

    /// Asks for a folder, then writes into it.
    fn choose_folder(&mut self, task: Task) {
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Export into a folder")
            .pick_folder();
        self.start(task, move || {
            let folder = pollster::block_on(dialog)?.path().to_owned();
            Some((folder, Existing::Replace))
        });
    }

    fn start(
        &mut self,
        task: Task,
        choose: impl FnOnce() -> Option<(PathBuf, Existing)> + Send + 'static,
    ) {
        let part = task.part;
        let job = Job::start("export", &self.wake, move |job| {
            let Some((path, existing)) = choose() else {
                return Ok(None);
            };
            if existing == Existing::Keep && path.exists() {
                return Err(format!(
                    "{} already exists; choose it in the dialog to replace it",
                    path.display()
                ));
            }
            job.progress(Progress::Chosen(path.clone()));
            task.run(&path, job)
        });
        self.running = Some(RunningExport {
            job,
            path: None,
            parts: None,
            part,
        });
    }

    pub fn receive(&mut self, commands: &mut Commands) {
        let Some(running) = &mut self.running else {
            return;
        };
        running.receive();
        if let Some(result) = running.job.poll() {
            let path = running.path.take().unwrap_or_default();
            self.running = None;
            let result = result.unwrap_or_else(|error| {
                Err(format!("Could not export {}: {error}", path.display()))
            });
            match result {
                Ok(Some((text, details))) => {
                    commands.push(finished(Notification::success(text).with_details(details)));
                }
                Ok(None) => {}
                Err(reason) => commands.push(finished(Notification::error(reason))),
            }
        }
    }
}

impl RunningExport {
    fn receive(&mut self) {
        for progress in self.job.progress() {
            match progress {
                Progress::Chosen(path) => self.path = Some(path),
                Progress::Parts(done, of) => self.parts = Some((done, of)),
            }
        }
    }
}

impl Drop for Exports {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            running.receive();
            running.job.cancel();
            // A process that ends during a write leaves a partial file; a dialog may never be
            // closed.
            if running.path.is_some() {
                let _ = running.job.join_within(STOP_LIMIT);
            }
        }
    }
}

/// How an export ended; only the latest is shown.
fn finished(notification: Notification) -> Notification {
    notification.about("export").with_dismiss()
}

impl State {
    pub(super) fn execute_export(&mut self, command: ExportCommand, commands: &mut Commands) {
        match command {
            ExportCommand::Write { export, path } => match Task::new(self, export) {
                Ok(task) => self.exports.write(path, task),
                Err(reason) => commands.push(cannot(&path.display().to_string(), &reason)),
            },
            ExportCommand::Choose { export, format } => match Task::new(self, export) {
                Ok(task) if matches!(export, Export::All(_)) => self.exports.choose_folder(task),
                Ok(task) => self.exports.choose_file(export.file_name(), format, task),
                Err(reason) => commands.push(cannot(export.file_name(), &reason)),
            },
            ExportCommand::Cancel => self.exports.cancel(),
            ExportCommand::Record => self.exports.record(self.run.view()),
            ExportCommand::DiscardRecording => self.exports.record(None),
        }
    }

    /// Checks that something can be exported now.
    ///
    /// # Errors
    /// Why it cannot: a clause for a sentence.
    pub fn can_export(&self, export: Export) -> Result<(), String> {
        match export {
            Export::Width(measure) => {
                let widths = self.results.widths(measure).map(drop);
                return widths.ok_or_else(|| "there are no such results yet".to_owned());
            }
            Export::All(_) => {
                return match &self.results.state {
                    ResultsState::Read { runs: 1.., .. } | ResultsState::Unread => Ok(()),
                    ResultsState::Error(reason) => Err(reason.clone()),
                    _ => Err("there are no finished runs yet".to_owned()),
                };
            }
            Export::Figure(..) | Export::Sweep | Export::Training => {}
        }
        let run = self.run.view().ok_or("there is no network yet")?;
        if export.needs_spectrum() && !run.is_spectrum() {
            return Err("it needs a spectrum: networks at several λ".to_owned());
        }
        if run.lanes().iter().any(|lane| lane.snapshot.is_none()) {
            return Err("there is no snapshot of the network yet".to_owned());
        }
        let frames = self.exports.recording.as_ref().map_or(0, Recording::count);
        if export == Export::Training && frames < 2 {
            return Err("two frames of training must be recorded first".to_owned());
        }
        let is_untrained = run.shown().history.evaluations().len() < 2;
        if matches!(export, Export::Figure(FigureKind::Curves, _)) && is_untrained {
            return Err("no epoch has been trained yet".to_owned());
        }
        Ok(())
    }
}

fn cannot(name: &str, reason: &str) -> Notification {
    finished(Notification::error(format!(
        "Cannot export {name}: {reason}"
    )))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crossbeam_channel::bounded;

    use super::*;

    #[test]
    fn an_export_that_hangs_does_not_keep_the_window_open() {
        let (release, released) = bounded::<()>(0);
        let (writes, writing) = bounded(1);
        let (closed, closing) = bounded(1);
        let mut exports = Exports::new(Wake::new(|_| {}));
        let task = Task::from_work("frame", move |_, _| {
            let _ = writes.send(());
            let _ = released.recv();
            Ok(None)
        });
        exports.write(PathBuf::from("hanging.gif"), task);
        let guard = Duration::from_mins(1);
        writing.recv_timeout(guard).unwrap();
        std::thread::spawn(move || {
            drop(exports);
            let _ = closed.send(());
        });
        closing.recv_timeout(guard).expect("closing ends");
        drop(release);
    }
}
