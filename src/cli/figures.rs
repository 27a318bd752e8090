//! `cre-lab figures`: results as pictures and tables.

use std::{io::Write as _, ops::ControlFlow, path::PathBuf};

use anyhow::bail;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{Overwrite, results::FromArgs};
use crate::{
    figures::{self, DeadRuns, Step},
    sweep::series::with_common_sources,
};

/// Options of `cre-lab figures`.
#[derive(Clone, Debug, Args)]
pub struct FiguresArgs {
    #[command(flatten)]
    from: FromArgs,
    /// Folder to write to, made if it is not there
    #[arg(long, value_name = "DIR", default_value = "cre-lab-figures")]
    out: PathBuf,
    #[command(flatten)]
    overwrite: Overwrite,
    /// Leave out runs whose latent units are all dead, and say how many
    #[arg(long)]
    leave_out_dead: bool,
    /// Also film each λ sweep, as lambda-sweep.gif
    #[arg(long)]
    animate: bool,
}

/// Writes every figure that the results allow as SVG, PNG (300 dots per inch) and CSV, and says which it
/// could not make.
///
/// # Errors
/// When the results cannot be read, hold no run, or a file cannot be written.
pub fn run(args: &FiguresArgs) -> anyhow::Result<()> {
    let store = args.from.open()?;
    let records = with_common_sources(store.runs()?);
    if records.is_empty() {
        bail!("{} holds no finished run", store.file().display());
    }
    let every = figures::every(&records, DeadRuns::left_out(args.leave_out_dead));
    if args.animate && every.spectra.is_empty() {
        eprintln!("lambda-sweep.gif is left out: there is no network with runs at two λ or more");
    }
    let names = every.file_names(args.animate);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let advice = "choose another folder with --out, or replace them with --overwrite";
    args.overwrite.check(&args.out, &names, advice)?;
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len} frames  {eta} left")?;
    let mut bar: Option<ProgressBar> = None;
    let mut out = std::io::stdout().lock();
    let mut printed = Ok(());
    every.save(&args.out, args.animate, |step| match step {
        Step::Frame(done, of) => {
            let bar =
                bar.get_or_insert_with(|| ProgressBar::new(of as u64).with_style(style.clone()));
            bar.set_position(done as u64);
            ControlFlow::Continue(())
        }
        Step::Written(path) => {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
            printed = writeln!(out, "{}", path.display());
            match printed {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        }
    })?;
    printed?;
    eprintln!("{} figures of {} runs", every.figures.len(), records.len());
    for (name, why) in &every.missing {
        eprintln!("{name} is left out: {why}");
    }
    Ok(())
}
