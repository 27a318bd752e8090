//! `cre-lab data`: work on the files of data sets.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use clap::{Args, Subcommand};

use crate::data::bundle;

/// Work on the files of data sets
#[derive(Debug, Args)]
pub struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, Subcommand)]
enum DataCommand {
    /// Make the files of a bundled data set from the original IDX files
    ///
    /// Takes the first 1,000 training and 200 test images of each class, in file order, and
    /// writes them as four gzip files, the same bytes every time. Prints the path, size and
    /// SHA-256 of each
    Bundle(BundleArgs),
}

#[derive(Debug, Args)]
struct BundleArgs {
    /// Folder with the four original IDX files, each plain or with .gz
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Folder to write to; made if it is missing, and files of the same names are replaced
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

/// Runs `cre-lab data`.
///
/// # Errors
/// When the original files cannot be read or the bundle cannot be written.
pub fn run(args: DataArgs) -> anyhow::Result<()> {
    match args.command {
        DataCommand::Bundle(BundleArgs { from, to }) => {
            let mut out = io::stdout().lock();
            for file in bundle::make(&from, &to)? {
                writeln!(
                    out,
                    "{}  {} bytes  SHA-256 {}",
                    file.path.display(),
                    file.bytes,
                    file.sha256
                )?;
            }
        }
    }
    Ok(())
}
