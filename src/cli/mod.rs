//! The command line: opens the window by default, or runs one of the commands without a window.

pub mod bench;
mod columns;
pub mod data;
pub mod figures;
pub mod interrupt;
pub mod logging;
pub mod manual;
mod overwrite;
pub mod results;
pub mod run_args;
pub mod sweep;
pub mod terminal;
pub mod train;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use overwrite::Overwrite;
pub use run_args::RunArgs;

use crate::sweep::Spectrum;

/// Explore how classification and reconstruction share one latent representation
///
/// Without a command, the window opens and starts to train a Classification-Reconstruction Encoder
#[derive(Debug, Parser)]
#[command(name = "cre-lab", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub window: WindowArgs,
    /// Append messages about what the program does to this file
    #[arg(long, global = true, value_name = "FILE")]
    pub log: Option<PathBuf>,
}

/// The commands without a window.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train one CRE without a window; write metrics, settings and figures
    Train(train::TrainArgs),
    /// Measure this machine: training speed, evaluation, snapshots, matrix products
    Bench(bench::BenchArgs),
    /// Find, download and check data sets
    Data(data::DataArgs),
    /// Train every combination of a grid and store the results; run it again to resume
    Sweep(sweep::SweepArgs),
    /// List, show, export and merge finished runs
    Results(results::ResultsArgs),
    /// Draw finished runs: the paper's figures and more, as SVG, PNG and CSV
    Figures(figures::FiguresArgs),
    /// Print the script with which a shell completes the commands and options of cre-lab
    Completions(manual::CompletionsArgs),
    /// Write the manual pages, for a package
    #[command(hide = true)]
    Man(manual::ManArgs),
}

/// Options of the window.
#[derive(Clone, Debug, Args)]
pub struct WindowArgs {
    /// Run, weights, image or data set to open, as if it were dropped on the window
    #[arg(value_name = "FILE", value_parser = parse_existing)]
    pub open: Option<PathBuf>,
    #[command(flatten)]
    pub run: RunArgs,
    /// Train a network for each of these λ side by side: numbers, or first:step:last
    #[arg(long, value_name = "LIST", num_args = 0..=1, default_missing_value = "0:0.1:1")]
    pub spectrum: Option<Spectrum>,
    /// Save a picture of the window to this PNG file just before it closes by --exit-after
    #[arg(long, value_name = "FILE", requires = "exit_after")]
    pub screenshot: Option<PathBuf>,
    /// Close the window by itself after this many seconds
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub exit_after: Option<u32>,
    /// Size of the window in points, such as 1280x800
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = parse_size)]
    pub size: Option<[f32; 2]>,
    /// Colours: dark, light, or as the system has it
    #[arg(long, value_enum)]
    pub theme: Option<ThemeChoice>,
}

/// Colours of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ThemeChoice {
    Dark,
    Light,
    System,
}

/// Parses a path that exists; any other text is likely a mistyped command.
fn parse_existing(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.exists() {
        Ok(path)
    } else {
        Err(format!(
            "“{text}” is neither a command nor a file or folder"
        ))
    }
}

fn parse_size(text: &str) -> Result<[f32; 2], String> {
    let wrong = || format!("“{text}” is not a size such as 1280x800");
    let (width, height) = text.split_once('x').ok_or_else(wrong)?;
    let side = |text: &str| {
        let side = text.parse::<u16>().ok().filter(|side| *side >= 200);
        side.map(f32::from)
            .ok_or_else(|| format!("{} (each side at least 200)", wrong()))
    };
    Ok([side(width)?, side(height)?])
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed_and_only_options_of_the_transformer_have_a_heading() {
        Cli::command().debug_assert();
        let mut command = Cli::command();
        command.build();
        for command in std::iter::once(&command).chain(command.get_subcommands()) {
            let headed = command
                .get_arguments()
                .filter(|arg| arg.get_help_heading().is_some());
            let names: Vec<&str> = headed.map(|arg| arg.get_id().as_str()).collect();
            let names = names.join(" ");
            let vit = "patch embed depth heads mlp_ratio mask_ratio";
            assert!(names.is_empty() || names == vit, "{names}");
        }
    }

    #[test]
    fn sizes_are_parsed_or_refused() {
        assert_eq!(parse_size("1280x800"), Ok([1280.0, 800.0]));
        for wrong in ",1280,1280x,x800,10x10,-1280x800,1280x99999".split(',') {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }
}
