//! Recovery after a crash: the run on show is saved to a file while the window is open.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use super::Notification;
use crate::{
    gui::commands::{Commands, DataCommand, RecoveryCommand},
    train::checkpoint::autosave::AutosaveFile,
};

/// This window's file, and the one that a crash has left behind.
#[derive(Debug, Default)]
pub struct Recovery {
    /// `None` for a window that leaves no files.
    file: Option<AutosaveFile>,
    left_over: Option<AutosaveFile>,
    /// Whether the run on show, or the pending one, continues `left_over`, which is deleted as soon as
    /// its successor has been saved.
    is_resuming: bool,
}

impl Recovery {
    /// Saves runs in `folder` from now on, and offers to resume one that a crash has left there.
    pub fn enable(&mut self, folder: &Path, commands: &mut Commands) {
        self.left_over = AutosaveFile::find_left_over(folder);
        if let Some(left_over) = &self.left_over {
            commands.push(interrupted(left_over.file()));
        }
        match AutosaveFile::create(folder) {
            Ok(file) => self.file = Some(file),
            Err(error) => {
                let text = format!(
                    "Runs are not protected against a crash: cannot write to {}: {error}",
                    folder.display()
                );
                commands.push(Notification::error(text).with_dismiss());
            }
        }
    }

    /// The file to which the run on show is saved.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_ref().map(AutosaveFile::file)
    }

    /// `is_starting` is whether the run on show is about to be replaced.
    pub fn execute(
        &mut self,
        command: &RecoveryCommand,
        is_starting: bool,
        commands: &mut Commands,
    ) {
        match command {
            RecoveryCommand::Resume => {
                if let Some(left_over) = &self.left_over {
                    self.is_resuming = true;
                    commands.push(DataCommand::OpenRun(left_over.file().to_owned()));
                }
            }
            RecoveryCommand::Discard => self.discard(),
            RecoveryCommand::ResumeFailed => self.is_resuming = false,
            RecoveryCommand::RunEvaluated => {
                let is_saved = self.file().is_some_and(Path::is_file);
                if self.is_resuming && !is_starting && is_saved {
                    self.is_resuming = false;
                    self.discard();
                }
            }
        }
    }

    /// Removes this window's file, since the user has closed it.
    pub fn close(&mut self) {
        if let Some(file) = self.file.take() {
            file.clear();
        }
        if self.is_resuming {
            self.discard();
        }
    }

    fn discard(&mut self) {
        if let Some(left_over) = self.left_over.take() {
            left_over.clear();
        }
    }
}

fn interrupted(file: &Path) -> Notification {
    let written = file.metadata().and_then(|metadata| metadata.modified());
    let age = written
        .ok()
        .and_then(|time| SystemTime::now().duration_since(time).ok());
    let text = format!(
        "CRE Lab was interrupted{}. Its run can be resumed from the last saved epoch",
        age.map_or(String::new(), ago)
    );
    Notification::warning(text)
        .with_action(
            "Resume",
            "Continue that run; the run on show ends",
            RecoveryCommand::Resume,
        )
        .with_action("Discard", "Delete that run", RecoveryCommand::Discard)
}

/// " 5 minutes ago", in the largest unit that fits.
fn ago(age: Duration) -> String {
    let minutes = age.as_secs() / 60;
    let (count, unit) = match minutes {
        0 => return " just now".to_owned(),
        1..60 => (minutes, "minute"),
        60..1440 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!(" {count} {unit}{plural} ago")
}
