//! Plain sentences about what went wrong or needs a decision, each with a way on.

use std::{path::PathBuf, time::Duration};

use super::exports::Parts;

/// Something to tell the user.
#[derive(Clone, Debug, PartialEq)]
pub enum Notification {
    /// Some or all latent units are zero for every probe image.
    DeadUnits { dead: usize, of: usize },
    /// Seeds are being tried until enough units live.
    Hunting { seed: u64, tried: usize },
    /// The hunt has found one.
    Found {
        seed: u64,
        tried: usize,
        living: usize,
        of: usize,
    },
    /// A loss is no longer a number; of several lanes `name` says of which.
    NotFinite {
        lane: usize,
        name: Option<String>,
        step: u64,
        can_roll_back: bool,
    },
    /// A run could not begin.
    CannotStart { reason: String },
    /// The run could not be written to a file.
    CannotSave { reason: String },
    /// The training thread has ended.
    Crashed { reason: String },
    /// Some files of a folder of images are left out.
    Skipped { count: usize, first: PathBuf },
    /// A file or folder could not be used.
    BadFile { reason: String },
    /// A file is no run that can go on.
    BadRun { reason: String },
    /// The run is in this file.
    SavedTo { file: PathBuf },
    /// A crash has left a run, written so long ago.
    LeftOver { age: Option<Duration> },
    /// A figure or film, or a folder full of them, is being written.
    Exporting {
        file: PathBuf,
        parts: Option<Parts>,
        is_stopping: bool,
    },
    /// A figure or film has been written.
    Exported { file: PathBuf },
    /// Several figures have been written; what is said of them, and more words about it.
    ExportedAll { text: String, more: String },
    /// A figure or film could not be written.
    NotExported { reason: String },
}

/// What a notice's buttons ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    NewSeed,
    StopHunting,
    RollBack,
    Restart,
    RestartOnCpu,
    OpenDataSet,
    DataSets,
    OpenRun,
    GoOn,
    CancelExport,
    Dismiss,
}

impl Action {
    /// What its button does, in more words than fit on it.
    pub fn tip(self) -> &'static str {
        match self {
            Self::NewSeed => {
                "Begin again with the next seed, and with the one after it where that one dies"
            }
            Self::StopHunting => "Keep the seed that is being tried",
            Self::RollBack => {
                "Return to the last evaluation whose losses were numbers, and pause there"
            }
            Self::Restart => "Begin again with the same settings",
            Self::RestartOnCpu => "Begin again with the same settings, on the CPU",
            Self::OpenDataSet => "Choose another folder",
            Self::DataSets => "See what is on this machine, and what can be downloaded",
            Self::OpenRun => "Choose another file",
            Self::GoOn => "Open that run and train on from its last epoch; the run on show ends",
            Self::CancelExport => {
                "Stop writing; a file that is not finished stays as it was before"
            }
            Self::Dismiss => "Put this notice away, and what it offers",
        }
    }
}

impl Notification {
    /// The sentence.
    pub fn text(&self) -> String {
        match self {
            Self::DeadUnits { dead, of } if dead == of => {
                let all = if *of == 1 {
                    "The latent unit is dead".to_owned()
                } else {
                    format!("All {of} latent units are dead")
                };
                format!("{all}: z is 0 for every image, and this seed cannot recover")
            }
            Self::DeadUnits { dead, of } => {
                let are = if *dead == 1 { "is" } else { "are" };
                format!(
                    "{dead} of {of} latent units {are} dead: always 0, and this seed will hardly recover"
                )
            }
            Self::Hunting { seed, tried } => {
                format!("Looking for a seed whose latent units live: trying {seed} ({tried} tried)")
            }
            Self::Found {
                seed,
                tried,
                living,
                of,
            } => {
                let seeds = if *tried == 1 { "seed" } else { "seeds" };
                let units = if living == of {
                    "all its latent units respond".to_owned()
                } else {
                    format!("{living} of its {of} latent units respond")
                };
                format!("Seed {seed} lives: {units} ({tried} {seeds} tried)")
            }
            Self::NotFinite {
                name: Some(name),
                step,
                ..
            } => format!(
                "A loss of {name} is no longer a number at step {step}; it stands still, and the others go on"
            ),
            Self::NotFinite { step, .. } => format!(
                "A loss is no longer a number at step {step}; a smaller learning rate may help"
            ),
            Self::CannotStart { reason } => format!("This run cannot start: {reason}"),
            Self::CannotSave { reason } => format!("The run is not saved: {reason}"),
            Self::Crashed { reason } => format!("Training broke off: {reason}"),
            Self::Skipped { count: 1, first } => {
                format!("{} could not be read and is left out", first.display())
            }
            Self::Skipped { count, first } => format!(
                "{count} files could not be read and are left out, among them {}",
                first.display()
            ),
            Self::BadFile { reason } | Self::BadRun { reason } | Self::NotExported { reason } => {
                reason.clone()
            }
            Self::SavedTo { file } => format!("The run is saved in {}", file.display()),
            Self::LeftOver { age } => format!(
                "CRE Lab ended unexpectedly{}; its run is kept up to the last epoch",
                age.map_or(String::new(), ago)
            ),
            Self::Exporting {
                is_stopping: true, ..
            } => "Stopping the export…".to_owned(),
            Self::Exporting {
                file,
                parts: Some(Parts { done, of, name }),
                ..
            } => format!("Writing {}: {name} {done} of {of}", file.display()),
            Self::Exporting { file, .. } => format!("Writing {}…", file.display()),
            Self::Exported { file } => format!("Written to {}", file.display()),
            Self::ExportedAll { text, .. } => text.clone(),
        }
    }

    /// More words about it.
    pub fn more(&self) -> Option<&str> {
        match self {
            Self::ExportedAll { more, .. } if !more.is_empty() => Some(more),
            _ => None,
        }
    }

    /// The buttons, the best way on first.
    pub fn actions(&self) -> &'static [(Action, &'static str)] {
        match self {
            Self::DeadUnits { .. } => &[(Action::NewSeed, "New seed"), (Action::Dismiss, "Ignore")],
            Self::Hunting { .. } => &[(Action::StopHunting, "Stop")],
            Self::Found { .. }
            | Self::Skipped { .. }
            | Self::CannotSave { .. }
            | Self::SavedTo { .. }
            | Self::Exported { .. }
            | Self::ExportedAll { .. } => &[(Action::Dismiss, "OK")],
            Self::BadRun { .. } => &[
                (Action::OpenRun, "Open another…"),
                (Action::Dismiss, "Dismiss"),
            ],
            Self::LeftOver { .. } => &[(Action::GoOn, "Go on"), (Action::Dismiss, "Dismiss")],
            Self::Exporting { .. } => &[(Action::CancelExport, "Cancel")],
            Self::NotExported { .. } => &[(Action::Dismiss, "Dismiss")],
            Self::NotFinite {
                can_roll_back: true,
                ..
            } => &[
                (Action::RollBack, "Back to the last good epoch"),
                (Action::Restart, "Start again"),
                (Action::NewSeed, "New seed"),
            ],
            Self::NotFinite { .. } => &[
                (Action::Restart, "Start again"),
                (Action::NewSeed, "New seed"),
            ],
            Self::CannotStart { .. } => &[
                (Action::RestartOnCpu, "Use the CPU"),
                (Action::Dismiss, "Dismiss"),
            ],
            Self::Crashed { .. } => &[
                (Action::Restart, "Start again"),
                (Action::RestartOnCpu, "Start again on the CPU"),
            ],
            Self::BadFile { .. } => &[
                (Action::OpenDataSet, "Open another…"),
                (Action::DataSets, "Data sets…"),
                (Action::Dismiss, "Dismiss"),
            ],
        }
    }

    /// Whether it is good news.
    pub fn is_good(&self) -> bool {
        matches!(
            self,
            Self::Found { .. }
                | Self::SavedTo { .. }
                | Self::Exporting { .. }
                | Self::Exported { .. }
                | Self::ExportedAll { .. }
        )
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_agree_in_number() {
        let text = |dead, of| Notification::DeadUnits { dead, of }.text();
        assert!(text(1, 3).starts_with("1 of 3 latent units is dead"));
        assert!(text(2, 3).starts_with("2 of 3 latent units are dead"));
        assert!(text(3, 3).starts_with("All 3 latent units are dead"));
        assert!(text(1, 1).starts_with("The latent unit is dead"));
    }
}
