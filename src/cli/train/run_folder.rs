//! The output folder of a run, and the rules that protect the files of other runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, anyhow};

use super::{TrainArgs, run_files::write_metrics};
use crate::{
    cli::Overwrite,
    data::DataSource,
    fs::{Existing, remove_left_over, remove_output},
    train::{Evaluation, checkpoint::recorder::SavePaths},
};

pub(super) const METRICS: &str = "metrics.csv";
pub(super) const CONFIG: &str = "config.toml";
pub(super) const CLOUD: &str = "latent.png";
pub(super) const RECONSTRUCTIONS: &str = "reconstructions.png";
/// Checkpoint of the current state.
const LAST: &str = "last.safetensors";
/// Checkpoint of the best evaluation.
const BEST: &str = "best.safetensors";
/// All files of a run.
const FILES: [&str; 6] = [LAST, BEST, METRICS, CONFIG, CLOUD, RECONSTRUCTIONS];

/// The folder that a run writes to.
#[derive(Debug)]
pub(super) struct RunFolder {
    path: PathBuf,
    overwrite: Overwrite,
    /// Whether the run resumes from the last checkpoint in this folder, whose files it may replace.
    in_place: bool,
    /// Whether [`Self::claim`] has created the metrics file.
    is_claimed: bool,
}

impl RunFolder {
    /// The folder of `--out`.
    pub fn new(args: &TrainArgs) -> Self {
        let last = args.out.join(LAST);
        let last = fs::canonicalize(last).ok();
        let is_last = |file: &PathBuf| last.is_some() && fs::canonicalize(file).ok() == last;
        Self {
            path: args.out.clone(),
            overwrite: args.overwrite,
            in_place: args.resume.as_ref().is_some_and(is_last),
            is_claimed: false,
        }
    }

    /// Checks, before training, that all files can be written and none of another run would be lost.
    pub fn check(&self) -> anyhow::Result<()> {
        let overwrite = Overwrite {
            overwrite: self.overwrite.overwrite || self.in_place,
        };
        let last = self.file(LAST);
        let resume = if last.is_file() {
            format!(", resume that run with --resume {}", last.display())
        } else {
            String::new()
        };
        let advice =
            format!("choose another folder with --out{resume}, or replace it with --overwrite");
        overwrite.check(&self.path, &FILES, &advice)
    }

    /// Creates the folder if it does not exist, and removes temporary files that a killed run has left in it.
    pub fn create(&self) -> anyhow::Result<()> {
        fs::create_dir_all(&self.path)
            .with_context(|| format!("cannot create the folder {}", self.path.display()))?;
        remove_left_over(&self.path);
        Ok(())
    }

    /// Reserves the folder for this run by creating its metrics file, after removing the files of a
    /// run that it replaces. Of two runs that start in one folder at the same time, the second fails.
    pub fn claim(&mut self, evaluations: &[Evaluation]) -> anyhow::Result<()> {
        if self.in_place {
            return Ok(());
        }
        if self.overwrite.overwrite {
            for path in FILES.map(|name| self.file(name)) {
                remove_output(&path)
                    .map_err(|error| anyhow!("cannot remove {}: {error}", path.display()))?;
            }
        }
        write_metrics(&self.file(METRICS), evaluations, Existing::Keep)?;
        self.is_claimed = true;
        Ok(())
    }

    /// Removes the metrics file created by [`Self::claim`], for a run that ended without results.
    pub fn release(&self) {
        if self.is_claimed {
            let _ = remove_output(&self.file(METRICS));
        }
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Paths of the checkpoints of a run that is trained on `source`.
    pub fn save_paths(&self, source: &DataSource) -> SavePaths {
        SavePaths {
            file: self.file(LAST),
            best: Some(self.file(BEST)),
            source: source.clone(),
        }
    }

    /// The checkpoints that exist.
    pub fn checkpoints(&self) -> impl Iterator<Item = PathBuf> {
        let paths = [LAST, BEST].map(|name| self.file(name));
        paths.into_iter().filter(|path| Path::is_file(path))
    }
}
