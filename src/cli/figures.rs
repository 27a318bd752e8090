//! `cre-lab figures`: results as pictures and tables.

use std::{fs, io::Write as _, ops::ControlFlow, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::results::FromArgs;
use crate::{
    experiment::series::on_same_images,
    figures::{self, DeadRuns, Film},
};

/// Options of `cre-lab figures`.
#[derive(Clone, Debug, Args)]
pub struct FiguresArgs {
    #[command(flatten)]
    from: FromArgs,
    /// Folder to write to, made if it is not there
    #[arg(long, value_name = "DIR", default_value = "cre-lab-figures")]
    out: PathBuf,
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
    let records = on_same_images(store.runs()?);
    if records.is_empty() {
        bail!("{} holds no finished run", store.file().display());
    }
    fs::create_dir_all(&args.out)
        .with_context(|| format!("cannot make the folder {}", args.out.display()))?;
    let dead = if args.leave_out_dead {
        DeadRuns::LeftOut
    } else {
        DeadRuns::Hollow
    };
    let every = figures::every(&records, dead);
    let mut out = std::io::stdout().lock();
    for (name, figure) in &every.figures {
        for extension in figures::EXTENSIONS {
            let path = args.out.join(format!("{name}.{extension}"));
            figures::save(&**figure, &path)?;
            writeln!(out, "{}", path.display())?;
        }
    }
    if args.animate {
        if every.spectra.is_empty() {
            eprintln!(
                "lambda-sweep.gif is left out: there is no network with runs at two λ or more"
            );
        }
        for (name, spectrum) in &every.spectra {
            let name = match every.spectra.len() {
                1 => "lambda-sweep.gif".to_owned(),
                _ => format!("lambda-sweep-{name}.gif"),
            };
            let path = args.out.join(name);
            let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
                "{bar:24} {pos}/{len} frames  {eta} left",
            )?);
            figures::save_animation(&Film::of_lambdas(spectrum), &path, |done, of| {
                bar.set_length(of as u64);
                bar.set_position(done as u64);
                ControlFlow::Continue(())
            })?;
            bar.finish_and_clear();
            writeln!(out, "{}", path.display())?;
        }
    }
    eprintln!("{} figures of {} runs", every.figures.len(), records.len());
    for (name, why) in &every.missing {
        eprintln!("{name} is left out: {why}");
    }
    Ok(())
}
