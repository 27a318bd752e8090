//! Shell completions and manual pages, generated from the definition of the command line.

use std::{io::Write as _, path::PathBuf};

use anyhow::Context as _;
use clap::{Args, CommandFactory as _};

use super::{Cli, terminal::stdout};

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    shell: clap_complete::Shell,
}

/// Options of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Existing folder for cre-lab.1 and a page per command
    folder: PathBuf,
}

/// Prints the completion script of a shell.
///
/// # Errors
/// When standard output cannot be written.
pub fn completions(args: &CompletionsArgs) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "cre-lab", &mut script);
    stdout()
        .write_all(&script)
        .context("cannot print the completions")
}

/// Writes one manual page for the program and one per command.
///
/// # Errors
/// When the folder does not exist or cannot be written.
pub fn man_pages(args: &ManArgs) -> anyhow::Result<()> {
    clap_mangen::generate_to(Cli::command(), &args.folder)
        .with_context(|| format!("cannot write manual pages to {}", args.folder.display()))
}
