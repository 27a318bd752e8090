//! `--overwrite`: whether files that exist may be replaced.

use std::path::Path;

use anyhow::{anyhow, bail};
use clap::Args;

use crate::fs::{Existing, check_output, first_existing};

/// The option of every command that writes files.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct Overwrite {
    /// Replace files that already exist
    #[arg(long)]
    pub overwrite: bool,
}

impl Overwrite {
    /// What happens to files that exist.
    pub fn existing(self) -> Existing {
        if self.overwrite {
            Existing::Replace
        } else {
            Existing::Keep
        }
    }

    /// Checks that the files `names` can be written into `folder`, which need not exist, before any work
    /// is done for them. `advice` continues the message where files exist that must stay.
    ///
    /// # Errors
    /// When one of them cannot be written.
    pub fn check(self, folder: &Path, names: &[&str], advice: &str) -> anyhow::Result<()> {
        if !self.overwrite
            && let Some(found) = first_existing(folder, names.iter().copied())
        {
            bail!("{found}; {advice}");
        }
        for name in names {
            let path = folder.join(name);
            check_output(&path, self.existing())
                .map_err(|error| anyhow!("cannot write {}: {error}", path.display()))?;
        }
        Ok(())
    }
}
