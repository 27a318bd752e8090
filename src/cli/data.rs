//! `cre-lab data`: find, download and verify full data sets, and build the bundled samples.

use std::{fmt, io::Write as _, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use indicatif::{ProgressState, ProgressStyle};

use super::{
    Overwrite,
    terminal::{print_message, progress_bar, stdout},
};
use crate::{
    data::{
        BundledSet, DatasetLocator, bundle,
        catalogue::CatalogueEntry,
        fetch::{self, CancelToken, FetchError, Progress, Stage},
        locator::Availability,
    },
    format,
};

/// Find, download and verify data sets
#[derive(Debug, Args)]
pub struct DataArgs {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, Subcommand)]
enum DataCommand {
    /// List all data sets and where they are
    List(FolderArgs),
    /// Download full data sets that are not on this machine
    ///
    /// An interrupted download is resumed; Ctrl-C keeps what has been received. Files are compared
    /// with the originals (size and SHA-256) before they are installed. Prints the folder of each
    /// data set
    Fetch(FetchArgs),
    /// Compare the files of full data sets with the originals (SHA-256)
    Verify(VerifyArgs),
    /// Print the folder of a full data set, or the download folder
    Path(PathArgs),
    /// Build the files of a bundled sample from the original files
    ///
    /// Takes the first images of each class in file order: 1,000 training and 200 test images for the
    /// MNIST family (four gzip files), 500 and 100 for CIFAR-10 (two JPEGs and two gzip files). The
    /// same original files always give the same bytes. Prints path, size and SHA-256 of each file
    Bundle(BundleArgs),
}

#[derive(Debug, Args)]
struct FolderArgs {
    /// Folder to search first and to download to
    #[arg(long = "data", value_name = "DIR")]
    folder: Option<PathBuf>,
}

impl FolderArgs {
    fn locator(&self) -> DatasetLocator {
        DatasetLocator::with_default_folders(self.folder.as_deref())
    }
}

#[derive(Debug, Args)]
struct FetchArgs {
    /// Data sets: mnist, fashion-mnist, cifar-10
    #[arg(value_name = "NAME", required = true, value_parser = parse_set)]
    sets: Vec<BundledSet>,
    #[command(flatten)]
    folder: FolderArgs,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// Data sets [default: all on this machine]
    #[arg(value_name = "NAME", value_parser = parse_set)]
    sets: Vec<BundledSet>,
    #[command(flatten)]
    folder: FolderArgs,
}

#[derive(Debug, Args)]
struct PathArgs {
    /// Data set: mnist, fashion-mnist or cifar-10
    #[arg(value_name = "NAME", value_parser = parse_set)]
    set: Option<BundledSet>,
    #[command(flatten)]
    folder: FolderArgs,
}

#[derive(Debug, Args)]
struct BundleArgs {
    /// Folder with the original files: four IDX files (plain or .gz), or the six of CIFAR-10
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Folder to write to; it is created if necessary
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    overwrite: Overwrite,
}

/// The set of an identifier, with or without the suffix of the full set.
fn parse_set(name: &str) -> Result<BundledSet, String> {
    let is_named = |set: &BundledSet| [set.id(), set.full_id()].contains(&name);
    let set = BundledSet::ALL.into_iter().find(is_named);
    set.ok_or_else(|| format!("choose {}", BundledSet::ALL.map(BundledSet::id).join(", ")))
}

/// Runs `cre-lab data`.
///
/// # Errors
/// When a set is missing, cannot be downloaded or is not the original, and when files cannot be
/// read or written.
pub fn run(args: DataArgs) -> anyhow::Result<()> {
    match args.command {
        DataCommand::List(args) => list(&args.locator()),
        DataCommand::Fetch(args) => fetch_all(&args.sets, &args.folder.locator()),
        DataCommand::Verify(args) => verify(&args.sets, &args.folder.locator()),
        DataCommand::Path(args) => print_path(args.set, &args.folder.locator()),
        DataCommand::Bundle(args) => build_bundle(&args),
    }
}

fn list(locator: &DatasetLocator) -> anyhow::Result<()> {
    let mut out = stdout();
    for set in BundledSet::ALL {
        writeln!(out, "{:<20}sample, built in", set.id())?;
        if let Some(entry) = locator.entry(set) {
            let state = full_set_state(set, entry, locator);
            writeln!(out, "{:<20}{state}", set.full_id())?;
        }
    }
    Ok(())
}

/// Describes where a full set is, or how to get it.
fn full_set_state(set: BundledSet, entry: &CatalogueEntry<'_>, locator: &DatasetLocator) -> String {
    let kept = locator
        .download_folder(set)
        .map_or(0, |folder| fetch::kept_bytes(entry, &folder));
    let size = format::bytes(entry.download_bytes().saturating_sub(kept));
    let command = format!("with “cre-lab data fetch {}” ({size})", set.id());
    match locator.availability(set) {
        Availability::Found(folder) => folder.display().to_string(),
        Availability::PickleOnly(folder) => format!(
            "only as Python pickles, which are not read, in {}: download it {command}",
            folder.display()
        ),
        Availability::Missing if kept > 0 => format!("partly downloaded: resume {command}"),
        Availability::Missing => format!("not on this machine: download it {command}"),
    }
}

fn fetch_all(sets: &[BundledSet], locator: &DatasetLocator) -> anyhow::Result<()> {
    let cancel = CancelToken::default();
    let handler_token = cancel.clone();
    ctrlc::set_handler(move || handler_token.cancel()).context("cannot handle Ctrl-C")?;
    for &set in sets {
        let folder = match locator.availability(set) {
            Availability::Found(folder) => {
                print_message(format_args!("{set} is already on this machine"));
                folder
            }
            Availability::PickleOnly(_) | Availability::Missing => download(set, locator, &cancel)?,
        };
        writeln!(stdout(), "{}", folder.display())?;
    }
    Ok(())
}

fn download(
    set: BundledSet,
    locator: &DatasetLocator,
    cancel: &CancelToken,
) -> anyhow::Result<PathBuf> {
    let size = locator.entry(set).map_or(0, CatalogueEntry::download_bytes);
    let bar = progress_bar(size, progress_style()?);
    bar.set_prefix(set.to_string());
    let mut has_received = false;
    let folder = fetch::fetch_dataset(locator, set, cancel, &mut |progress: &Progress| {
        bar.set_length(progress.total);
        if !has_received && progress.stage == Stage::Receiving {
            // The bytes of an earlier download do not count towards the speed of this one.
            has_received = true;
            bar.set_position(progress.received);
            bar.reset_eta();
        }
        bar.set_position(progress.received);
        bar.set_message(match progress.stage {
            Stage::Connecting => format!("connecting to {}", progress.host),
            Stage::Receiving => format!("from {}", progress.host),
            Stage::Checking => "comparing with the original".to_owned(),
        });
    });
    bar.finish_and_clear();
    Ok(folder?)
}

fn progress_style() -> anyhow::Result<ProgressStyle> {
    let template = "{prefix}  {bar:24}  {received} of {total}  {speed}/s  {left} left  {msg}";
    Ok(ProgressStyle::with_template(template)?
        .progress_chars("━━─")
        .with_key("received", key(|bar| format::bytes(bar.pos())))
        .with_key("total", key(|bar| format::bytes(bar.len().unwrap_or(0))))
        .with_key("speed", key(|bar| format::bytes(bar.per_sec() as u64)))
        .with_key("left", key(|bar| format::duration(bar.eta().as_secs_f64()))))
}

/// A key of the template that shows `text`.
fn key(
    text: fn(&ProgressState) -> String,
) -> impl Fn(&ProgressState, &mut dyn fmt::Write) + Clone + Send + Sync {
    move |state, out| {
        let _ = out.write_str(&text(state));
    }
}

fn verify(named: &[BundledSet], locator: &DatasetLocator) -> anyhow::Result<()> {
    let mut sets = named.to_vec();
    if sets.is_empty() {
        let all = BundledSet::ALL.into_iter();
        sets.extend(all.filter(|set| matches!(locator.availability(*set), Availability::Found(_))));
    }
    if sets.is_empty() {
        bail!("there is no full data set on this machine");
    }
    let mut out = stdout();
    let mut differences = 0;
    for set in sets {
        for (path, result) in locator.verify(set)? {
            let path = path.display();
            match result {
                Ok(()) => writeln!(out, "{path} is the original")?,
                Err(error) => {
                    differences += 1;
                    writeln!(out, "{path} {error}")?;
                }
            }
        }
    }
    match differences {
        0 => Ok(()),
        1 => bail!("1 file is not the original"),
        count => bail!("{count} files are not the originals"),
    }
}

fn print_path(set: Option<BundledSet>, locator: &DatasetLocator) -> anyhow::Result<()> {
    let folder = match set {
        Some(set) => locator.find(set)?,
        None => locator
            .download_root()
            .ok_or(FetchError::NoFolder)?
            .to_owned(),
    };
    writeln!(stdout(), "{}", folder.display())?;
    Ok(())
}

fn build_bundle(args: &BundleArgs) -> anyhow::Result<()> {
    let mut out = stdout();
    for file in bundle::build(&args.from, &args.to, args.overwrite.existing())? {
        let (path, bytes) = (file.path.display(), file.bytes);
        writeln!(out, "{path}  {bytes} bytes  SHA-256 {}", file.sha256)?;
    }
    Ok(())
}
