//! Figures and films on their way into files, on threads of their own.

use std::{
    ops::ControlFlow,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, unbounded};
use eframe::egui::Context;

use crate::{
    figures::Ending,
    fs::Existing,
    jobs::{self, STOP_LIMIT},
};

/// How often the window shows how far an export is.
const INTERVAL: Duration = Duration::from_millis(100);

/// Is told the parts done and of all; says whether to go on.
pub type Progress<'a> = &'a mut dyn FnMut(usize, usize) -> ControlFlow<()>;
type Work = Box<dyn FnOnce(&Path, Progress<'_>) -> Result<Done, String> + Send>;

/// Writes one file, or several into one folder.
pub struct Job {
    /// What its parts are called: "frame".
    part: &'static str,
    work: Work,
}

/// What has come of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// The file is there.
    Written,
    /// It was cancelled.
    Cancelled,
    /// Several files: what to say of them, and more words about it.
    Several { text: String, more: String },
}

impl From<Ending> for Done {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Written => Self::Written,
            Ending::Cancelled => Self::Cancelled,
        }
    }
}

impl Job {
    /// `work` writes to the path it is given; what goes wrong is one sentence. Its parts are called `part`.
    pub fn new(
        part: &'static str,
        work: impl FnOnce(&Path, Progress<'_>) -> Result<Done, String> + Send + 'static,
    ) -> Self {
        Self {
            part,
            work: Box::new(work),
        }
    }
}

/// How far an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    pub done: usize,
    pub of: usize,
    /// What they are called: "frame".
    pub name: &'static str,
}

/// An export under way.
#[derive(Debug)]
pub struct Running {
    /// The file or folder, once it has been chosen.
    pub file: Option<PathBuf>,
    /// How far it is; none for a figure.
    pub parts: Option<Parts>,
    /// Whether it has been told to stop.
    pub is_stopping: bool,
    stop: Arc<AtomicBool>,
    thread: Option<jobs::Job<()>>,
}

/// How an export ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The file is there.
    Written(PathBuf),
    /// Several files: what to say of them, and more words about it.
    Several { text: String, more: String },
    /// The user has thought better of it.
    Cancelled,
    /// It could not be written, for this reason.
    Failed(String),
}

#[derive(Debug)]
enum Message {
    Chosen(PathBuf),
    Progress(Parts),
    Ended(Outcome),
}

/// Writes one file at a time.
#[derive(Debug)]
pub struct Exports {
    ctx: Context,
    sender: Sender<Message>,
    messages: Receiver<Message>,
    running: Option<Running>,
}

impl Exports {
    /// `ctx` is woken when there is something new.
    pub fn new(ctx: Context) -> Self {
        let (sender, messages) = unbounded();
        Self {
            ctx,
            sender,
            messages,
            running: None,
        }
    }

    /// The export under way.
    pub fn running(&self) -> Option<&Running> {
        self.running.as_ref()
    }

    /// Begins to write `path`.
    pub fn write(&mut self, path: PathBuf, job: Job) {
        self.begin(job, move || Some((path, Existing::Replace)));
    }

    /// Asks for the file with the system's own dialog, then writes it. `extension` is that of the format
    /// wanted, with its name.
    pub fn choose(&mut self, name: &str, (format, extension): (&str, &'static str), job: Job) {
        // The dialog must be asked for on the window's own thread, and awaited elsewhere.
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Export")
            .set_file_name(format!("{name}.{extension}"))
            .add_filter(format, &[extension])
            .save_file();
        self.begin(job, move || {
            let mut path = pollster::block_on(dialog)?.path().to_owned();
            if path.extension().is_none() {
                path.set_extension(extension);
                // The dialog has asked about the name without the extension.
                return Some((path, Existing::Keep));
            }
            Some((path, Existing::Replace))
        });
    }

    /// Asks for a folder with the system's own dialog, then writes into it.
    pub fn choose_folder(&mut self, job: Job) {
        // As for a file.
        let dialog = rfd::AsyncFileDialog::new()
            .set_title("Export into a folder")
            .pick_folder();
        self.begin(job, move || {
            let folder = pollster::block_on(dialog)?.path().to_owned();
            Some((folder, Existing::Replace))
        });
    }

    /// Runs `job` on a thread of its own, with the path from `choose` and what happens to a file there.
    fn begin(
        &mut self,
        job: Job,
        choose: impl FnOnce() -> Option<(PathBuf, Existing)> + Send + 'static,
    ) {
        if self.running.is_some() {
            return;
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (sender, ctx, stops) = (self.sender.clone(), self.ctx.clone(), stop.clone());
        let Job { part, work } = job;
        let work = move || {
            let tell = |message| {
                // The window may be gone by now; then nobody waits for the message.
                let _ = sender.send(message);
            };
            let outcome = match choose() {
                None => Outcome::Cancelled,
                Some((path, Existing::Keep)) if path.exists() => Outcome::Failed(format!(
                    "{} already exists; choose it in the dialog to replace it",
                    path.display()
                )),
                Some((path, _)) => {
                    tell(Message::Chosen(path.clone()));
                    let mut progress = |done: usize, of: usize| {
                        let name = part;
                        tell(Message::Progress(Parts { done, of, name }));
                        ctx.request_repaint_after(INTERVAL);
                        if stops.load(Ordering::Relaxed) {
                            ControlFlow::Break(())
                        } else {
                            ControlFlow::Continue(())
                        }
                    };
                    // A drawing that panics must not leave the window waiting for ever.
                    match catch_unwind(AssertUnwindSafe(|| work(&path, &mut progress))) {
                        Ok(Ok(Done::Written)) => Outcome::Written(path),
                        Ok(Ok(Done::Cancelled)) => Outcome::Cancelled,
                        Ok(Ok(Done::Several { text, more })) => Outcome::Several { text, more },
                        Ok(Err(reason)) => Outcome::Failed(reason),
                        Err(_) => Outcome::Failed(format!("{} cannot be drawn", path.display())),
                    }
                }
            };
            tell(Message::Ended(outcome));
            ctx.request_repaint();
        };
        let spawned = jobs::Job::spawn("export", work);
        let thread = spawned.map_err(|error| {
            let reason = format!("the system refuses a thread to write a file: {error}");
            let _ = self.sender.send(Message::Ended(Outcome::Failed(reason)));
        });
        self.running = Some(Running {
            file: None,
            parts: None,
            is_stopping: false,
            stop,
            thread: thread.ok(),
        });
    }

    /// Ends the export after the part it is at; the file is as it was before.
    pub fn cancel(&mut self) {
        if let Some(running) = &mut self.running {
            running.stop.store(true, Ordering::Relaxed);
            running.is_stopping = true;
        }
    }

    /// Takes in everything that has arrived, and gives the end of an export, if there was one.
    pub fn receive(&mut self) -> Option<Outcome> {
        while let Ok(message) = self.messages.try_recv() {
            match (message, &mut self.running) {
                (Message::Chosen(path), Some(running)) => running.file = Some(path),
                (Message::Progress(parts), Some(running)) => running.parts = Some(parts),
                (Message::Ended(outcome), _) => {
                    self.running = None;
                    return Some(outcome);
                }
                (_, None) => {}
            }
        }
        None
    }
}

impl Drop for Exports {
    fn drop(&mut self) {
        self.receive();
        self.cancel();
        // What is being written leaves its half of a file behind if the program ends before it; a dialog
        // may never answer.
        if let Some(running) = &self.running
            && running.file.is_some()
            && let Some(thread) = &running.thread
        {
            let _ = thread.join_within(STOP_LIMIT);
        }
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;

    use super::*;

    #[test]
    fn an_export_that_hangs_does_not_keep_the_window_open() {
        let (release, released) = bounded::<()>(0);
        let (writes, writing) = bounded(1);
        let (closed, closing) = bounded(1);
        let mut exports = Exports::new(Context::default());
        let job = Job::new("frame", move |_, _| {
            let _ = writes.send(());
            let _ = released.recv();
            Ok(Done::Written)
        });
        exports.write(PathBuf::from("hanging.gif"), job);
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
