//! `cre-lab data`: find, download and check full data sets, and make the bundle.

use std::{
    io::{self, Write as _},
    path::PathBuf,
    str::FromStr,
};

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use super::Overwrite;
use crate::{
    data::{
        BundledSet, DatasetLocator, bundle,
        catalogue::CatalogueEntry,
        fetch::{self, CancelToken, Progress, Stage},
        locator::Availability,
    },
    format,
};

/// Find, download and check data sets
#[derive(Debug, Args)]
pub struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, Subcommand)]
enum DataCommand {
    /// Show every data set and where it is
    List(PlaceArgs),
    /// Download full data sets that are not on this machine
    ///
    /// Nothing is downloaded that is found already. What was interrupted goes on where it
    /// stopped; Ctrl-C keeps what has arrived. Files are compared with the originals (size and
    /// SHA-256) before they are put in place. Prints the folder of each set
    Fetch(FetchArgs),
    /// Compare the files of full data sets with the originals, by SHA-256
    Verify(VerifyArgs),
    /// Print the folder of a full data set, or the one that downloads go to
    Path(PathArgs),
    /// Make the files of a bundled data set from the original files
    ///
    /// Takes the first images of each class, in file order: of the MNIST family 1,000 and 200
    /// into four gzip files, of CIFAR-10 500 and 100 into a JPEG for each half; the same bytes
    /// every time. Prints the path, size and SHA-256 of each
    Bundle(BundleArgs),
}

#[derive(Debug, Args)]
struct PlaceArgs {
    /// Folder to look in first, and to download to
    #[arg(long = "data", value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl PlaceArgs {
    fn shelf(&self) -> DatasetLocator {
        DatasetLocator::with_default_folders(self.folder.as_deref())
    }
}

#[derive(Debug, Args)]
struct FetchArgs {
    /// Data sets: mnist, fashion-mnist, cifar-10
    #[arg(value_name = "NAME", required = true)]
    sets: Vec<SetName>,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// Data sets; all that are found if none is named
    #[arg(value_name = "NAME")]
    sets: Vec<SetName>,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Args)]
struct PathArgs {
    /// Data set: mnist, fashion-mnist or cifar-10
    #[arg(value_name = "NAME")]
    set: Option<SetName>,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Args)]
struct BundleArgs {
    /// Folder with the original files: four of IDX, each plain or with .gz, or six of CIFAR-10
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Folder to write to, made if it is missing
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    overwrite: Overwrite,
}

/// A set by its name, with or without the ending of the full one.
#[derive(Clone, Copy, Debug)]
struct SetName(BundledSet);

impl FromStr for SetName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        BundledSet::ALL
            .into_iter()
            .find(|set| [set.id(), set.full_id()].contains(&name))
            .map(Self)
            .ok_or_else(|| format!("choose {}", BundledSet::ALL.map(BundledSet::id).join(", ")))
    }
}

/// Runs `cre-lab data`.
///
/// # Errors
/// When a set is missing, cannot be downloaded or is not the original, and when files cannot be
/// read or written.
pub fn run(args: DataArgs) -> anyhow::Result<()> {
    match args.command {
        DataCommand::List(place) => list(&place.shelf()),
        DataCommand::Fetch(args) => fetch_all(&args.sets, &args.place.shelf()),
        DataCommand::Verify(args) => verify(&args.sets, &args.place.shelf()),
        DataCommand::Path(args) => path(args.set, &args.place.shelf()),
        DataCommand::Bundle(args) => make_bundle(&args),
    }
}

fn list(shelf: &DatasetLocator) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for set in BundledSet::ALL {
        writeln!(out, "{:<20}built in, a sample", set.id())?;
        let Some(full) = shelf.entry(set) else {
            continue;
        };
        let state = match shelf.availability(set) {
            Availability::Found(folder) => folder.display().to_string(),
            standing => {
                let kept = shelf
                    .download_folder(set)
                    .map_or(0, |folder| fetch::kept_bytes(full, &folder));
                let rest = full.download_bytes().saturating_sub(kept);
                let fetch = format!("cre-lab data fetch {} downloads it", set.id());
                match standing {
                    Availability::PickleOnly(folder) => format!(
                        "as Python pickles, which are not read, in {}: {fetch} ({})",
                        folder.display(),
                        format::bytes(rest)
                    ),
                    _ if kept > 0 => {
                        format!("in part: {fetch} to its end ({})", format::bytes(rest))
                    }
                    _ => format!("not here: {fetch} ({})", format::bytes(rest)),
                }
            }
        };
        writeln!(out, "{:<20}{state}", set.full_id())?;
    }
    Ok(())
}

fn fetch_all(sets: &[SetName], shelf: &DatasetLocator) -> anyhow::Result<()> {
    let stop = CancelToken::default();
    let told = stop.clone();
    ctrlc::set_handler(move || told.cancel()).context("cannot listen for Ctrl-C")?;
    for &SetName(set) in sets {
        let folder = match shelf.availability(set) {
            Availability::Found(folder) => {
                eprintln!("The full {set} is here already");
                folder
            }
            Availability::PickleOnly(_) | Availability::Missing => download(set, shelf, &stop)?,
        };
        writeln!(io::stdout(), "{}", folder.display())?;
    }
    Ok(())
}

fn download(
    set: BundledSet,
    shelf: &DatasetLocator,
    stop: &CancelToken,
) -> anyhow::Result<PathBuf> {
    let bar = ProgressBar::new(shelf.entry(set).map_or(0, CatalogueEntry::download_bytes)).with_style(
        ProgressStyle::with_template(
            "{prefix}  {bar:24}  {decimal_bytes} of {decimal_total_bytes}  {decimal_bytes_per_sec}  {eta} left  {msg}",
        )?
        .progress_chars("━━─"),
    );
    bar.set_prefix(set.to_string());
    let mut begun = false;
    let folder = fetch::fetch_dataset(shelf, set, stop, &mut |progress: &Progress| {
        bar.set_length(progress.total);
        if !begun && progress.stage == Stage::Receiving {
            // What an earlier download has brought says nothing about the speed of this one.
            begun = true;
            bar.set_position(progress.received);
            bar.reset_eta();
        }
        bar.set_position(progress.received);
        bar.set_message(match progress.stage {
            Stage::Connecting => format!("asking {}", progress.host),
            Stage::Receiving => format!("from {}", progress.host),
            Stage::Checking => "comparing with the original".to_owned(),
        });
    });
    bar.finish_and_clear();
    Ok(folder?)
}

fn verify(sets: &[SetName], shelf: &DatasetLocator) -> anyhow::Result<()> {
    let named: Vec<BundledSet> = if sets.is_empty() {
        let is_here = |set: &BundledSet| matches!(shelf.availability(*set), Availability::Found(_));
        BundledSet::ALL.into_iter().filter(is_here).collect()
    } else {
        sets.iter().map(|SetName(set)| *set).collect()
    };
    if named.is_empty() {
        bail!("no full data set is on this machine");
    }
    let mut out = io::stdout().lock();
    let mut others = 0;
    for set in named {
        for file in shelf.verify(set)? {
            match file.compared {
                Ok(()) => writeln!(out, "{} is the original", file.path.display())?,
                Err(mismatch) => {
                    others += 1;
                    writeln!(out, "{} {mismatch}", file.path.display())?;
                }
            }
        }
    }
    match others {
        0 => Ok(()),
        1 => Err(anyhow!("one file is not the original")),
        count => Err(anyhow!("{count} files are not the originals")),
    }
}

fn path(set: Option<SetName>, shelf: &DatasetLocator) -> anyhow::Result<()> {
    let folder = match set {
        Some(SetName(set)) => shelf.find(set)?,
        None => shelf
            .download_root()
            .context("a folder for downloads is not known, because there is no home folder")?
            .to_owned(),
    };
    writeln!(io::stdout(), "{}", folder.display())?;
    Ok(())
}

fn make_bundle(args: &BundleArgs) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    for file in bundle::make(&args.from, &args.to, args.overwrite.existing())? {
        writeln!(
            out,
            "{}  {} bytes  SHA-256 {}",
            file.path.display(),
            file.bytes,
            file.sha256
        )?;
    }
    Ok(())
}
