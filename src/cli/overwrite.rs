//! `--overwrite`: whether existing files may be replaced.

use std::{io, path::Path};

use anyhow::{anyhow, bail};
use clap::Args;

use crate::fs::{Existing, check_output, first_existing};

/// The option of all commands that write files.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Overwrite {
    /// Replace existing files
    #[arg(long)]
    pub overwrite: bool,
}

impl Overwrite {
    /// The rule for existing files.
    pub fn existing(self) -> Existing {
        if self.overwrite {
            Existing::Replace
        } else {
            Existing::Keep
        }
    }

    /// Checks, before any work is done for them, that the files `names` can be written to `folder`,
    /// which need not exist. `advice` completes the message about files that exist and must be kept.
    ///
    /// # Errors
    /// When one of them cannot be written.
    pub fn check(self, folder: &Path, names: &[&str], advice: &str) -> anyhow::Result<()> {
        if !self.overwrite
            && let Some(existing) = first_existing(folder, names.iter().copied())
        {
            bail!("{existing}; {advice}");
        }
        for name in names {
            let path = folder.join(name);
            check_output(&path, self.existing()).map_err(|error| cannot_write(&path, &error))?;
        }
        Ok(())
    }
}

/// The error of an output file that cannot be written, with advice if the file exists.
pub(super) fn cannot_write(path: &Path, error: &io::Error) -> anyhow::Error {
    let advice = match error.kind() {
        io::ErrorKind::AlreadyExists => "; choose another name, or replace it with --overwrite",
        _ => "",
    };
    anyhow!("cannot write {}: {error}{advice}", path.display())
}
