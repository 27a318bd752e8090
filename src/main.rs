//! The command line of CRE Lab.

#[cfg(feature = "gui")]
use std::time::Duration;

use std::process::ExitCode;

use clap::Parser as _;
use cre_lab::cli::{self, Cli, Command, terminal::print_message};

/// Tensors are allocated in every step. An allocator that keeps freed pages saves about a sixth of
/// the training time over one that returns them to the system.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::interrupt::keep_hangup_ignored();
    let cli = Cli::parse();
    match cli::logging::init(cli.log.as_deref()).and_then(|()| run(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = format!("{error:#}"), "CRE Lab failed");
            print_message(format_args!("cre-lab: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Some(Command::Train(args)) => cli::train::run(&args),
        Some(Command::Bench(args)) => cli::bench::run(&args),
        Some(Command::Data(args)) => cli::data::run(args),
        Some(Command::Sweep(args)) => cli::sweep::run(&args),
        Some(Command::Results(args)) => cli::results::run(&args),
        Some(Command::Figures(args)) => cli::figures::run(&args),
        Some(Command::Completions(args)) => cli::manual::completions(&args),
        Some(Command::Man(args)) => cli::manual::man_pages(&args),
        None => open_window(cli.window),
    }
}

/// Opens the window, or runs `cre-lab train` with its defaults if there is no display.
#[cfg(feature = "gui")]
fn open_window(args: cli::WindowArgs) -> anyhow::Result<()> {
    if has_display() {
        return cre_lab::gui::run(window_options(args));
    }
    train_instead(
        args,
        "there is no display (neither DISPLAY nor WAYLAND_DISPLAY is set)",
    )
}

#[cfg(feature = "gui")]
fn window_options(args: cli::WindowArgs) -> cre_lab::gui::WindowOptions {
    use cre_lab::gui::options::ThemePreference;

    cre_lab::gui::WindowOptions {
        config: args.run.config(),
        source: args.run.source(),
        open: args.open,
        spectrum: args.spectrum,
        close_after: args
            .exit_after
            .map(|seconds| Duration::from_secs(seconds.into())),
        screenshot: args.screenshot,
        size: args.size,
        theme: args.theme.map(|theme| match theme {
            cli::ThemeChoice::Dark => ThemePreference::Dark,
            cli::ThemeChoice::Light => ThemePreference::Light,
            cli::ThemeChoice::System => ThemePreference::System,
        }),
    }
}

#[cfg(not(feature = "gui"))]
fn open_window(args: cli::WindowArgs) -> anyhow::Result<()> {
    train_instead(args, "this build has no window (feature `gui` is off)")
}

#[cfg(feature = "gui")]
fn has_display() -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(not(all(unix, not(target_os = "macos")))) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

fn train_instead(args: cli::WindowArgs, reason: &str) -> anyhow::Result<()> {
    print_message(format_args!(
        "cre-lab: {reason}; training without a window, as `cre-lab train` does"
    ));
    cli::train::run(&cli::train::TrainArgs::new(args.run))
}
