//! `cre-lab figures`: the figures of finished runs.

use std::{io::Write as _, ops::ControlFlow, path::PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{
    Overwrite,
    results::FromArgs,
    terminal::{print_message, progress_bar, stdout},
};
use crate::{
    figures::{AllFigures, DeadRuns, ExportProgress},
    sweep::series::finished_records,
};

/// Options of `cre-lab figures`.
#[derive(Clone, Debug, Args)]
pub struct FiguresArgs {
    #[command(flatten)]
    from: FromArgs,
    /// Folder to write to, created if it does not exist
    #[arg(long, value_name = "DIR", default_value = "cre-lab-figures")]
    out: PathBuf,
    #[command(flatten)]
    overwrite: Overwrite,
    /// Leave out runs whose latent units are all dead; the captions say how many
    #[arg(long)]
    leave_out_dead: bool,
    /// Also write an animation of each λ sweep, as lambda-sweep.gif
    #[arg(long)]
    animate: bool,
}

/// Writes every figure that the results allow as SVG, PNG (300 dots per inch) and CSV, and reports
/// the others.
///
/// # Errors
/// When the results cannot be read, contain no run, or a file cannot be written.
pub fn run(args: &FiguresArgs) -> anyhow::Result<()> {
    let records = finished_records(&args.from.open()?)?;
    let figures = AllFigures::new(&records, DeadRuns::new(args.leave_out_dead));
    if args.animate && figures.sweeps.is_empty() {
        print_message(format_args!(
            "lambda-sweep.gif is left out: it needs runs of one network with one seed at two or more λ"
        ));
    }
    let names = figures.file_names(args.animate);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let advice = "choose another folder with --out, or replace them with --overwrite";
    args.overwrite.check(&args.out, &names, advice)?;
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len} frames  {eta} left")?;
    let mut bar: Option<ProgressBar> = None;
    let mut out = stdout();
    let mut printed = Ok(());
    figures.save(&args.out, args.animate, |progress| match progress {
        ExportProgress::Frame(done, total) => {
            let bar = bar.get_or_insert_with(|| progress_bar(total as u64, style.clone()));
            bar.set_position(done as u64);
            ControlFlow::Continue(())
        }
        ExportProgress::Written(path) => {
            if let Some(bar) = bar.take() {
                bar.finish_and_clear();
            }
            printed = writeln!(out, "{}", path.display());
            printed
                .as_ref()
                .map_or(ControlFlow::Break(()), |()| ControlFlow::Continue(()))
        }
    })?;
    printed?;
    let (drawn, runs) = (figures.figures.len(), records.len());
    print_message(format_args!("{drawn} figures of {runs} runs"));
    for (name, reason) in &figures.missing {
        print_message(format_args!("{name} is left out: {reason}"));
    }
    Ok(())
}
