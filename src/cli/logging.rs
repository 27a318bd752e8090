//! The log: what the program does, for finding out afterwards why something failed.
//!
//! Nothing is logged by default. `--log FILE` appends to a file, and without it `RUST_LOG` alone
//! writes to stderr. `RUST_LOG` selects what is logged (`debug`, `cre_lab::data=debug,warn`, …); by
//! default messages of CRE Lab from `info`, and of its libraries from `warn`.
//!
//! # Levels
//!
//! | level | for |
//! |---|---|
//! | `error` | something that was requested has failed: a run, a checkpoint, a download; every panic |
//! | `warn` | the program continues with less: a mirror that was abandoned, files that were left out |
//! | `info` | what happens once per run or request: start-up, device, data set, start and end of runs |
//! | `debug` | what happens once per epoch: evaluations, pauses, checkpoints |
//!
//! Nothing is logged once per step or per frame.

use std::{
    env, fmt,
    fs::{File, OpenOptions},
    io, panic,
    path::Path,
    sync::Mutex,
    thread,
};

use anyhow::{Context as _, anyhow};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::ParseError, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use crate::{
    format::bytes, fs::check_regular_or_missing, memory, train::device::available_threads,
};

/// What is logged unless `RUST_LOG` is set.
const DEFAULT_FILTER: &str = "warn,cre_lab=info";

/// Starts the log, if `--log` or `RUST_LOG` requests one, and logs version and machine.
///
/// # Errors
/// When the file is not a regular file or cannot be opened, or `RUST_LOG` is invalid.
pub fn init(file: Option<&Path>) -> anyhow::Result<()> {
    let variable = env::var(EnvFilter::DEFAULT_ENV).ok();
    let variable = variable.filter(|text| !text.is_empty());
    if file.is_none() && variable.is_none() {
        return Ok(());
    }
    let filter = parse(variable.as_deref().unwrap_or(DEFAULT_FILTER))
        .map_err(|error| anyhow!("{} is invalid: {error}", EnvFilter::DEFAULT_ENV))?;
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        // It reports a line that cannot be written with `eprintln!`.
        .log_internal_errors(false);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match file {
        Some(path) => {
            let file = open(path)
                .map_err(|error| anyhow!("cannot write the log {}: {error}", path.display()))?;
            lines.with_writer(Mutex::new(file)).boxed()
        }
        None => lines.with_writer(io::stderr).boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init()
        .context("cannot start the log")?;
    log_panics();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        os = env::consts::OS,
        arch = env::consts::ARCH,
        threads = available_threads(),
        free_memory = %or_unknown(memory::available().map(bytes)),
        arguments = ?env::args_os().skip(1).collect::<Vec<_>>(),
        "CRE Lab started"
    );
    Ok(())
}

fn parse(filter: &str) -> Result<EnvFilter, ParseError> {
    EnvFilter::builder().parse(filter)
}

/// Opens a log to append to. Each line is written at once, so that a crash loses none.
fn open(path: &Path) -> io::Result<File> {
    check_regular_or_missing(path)?;
    OpenOptions::new().append(true).create(true).open(path)
}

/// Logs every panic, also those that background threads catch, before the previous hook runs.
fn log_panics() {
    let previous = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        tracing::error!(
            thread = thread::current().name().unwrap_or("unnamed"),
            location = %or_unknown(info.location()),
            reason = info.payload_as_str().unwrap_or("unknown reason"),
            "panic"
        );
        previous(info);
    }));
}

fn or_unknown(value: Option<impl fmt::Display>) -> String {
    value.map_or_else(|| "unknown".to_owned(), |value| value.to_string())
}
