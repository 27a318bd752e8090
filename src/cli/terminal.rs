//! What the commands print.
//!
//! Text that nobody reads is lost without an error: training does not end because standard error is closed
//! or full, and a command ends quietly when the reader of its standard output has (`| head`).

use std::{
    fmt::Display,
    io::{self, ErrorKind, IsTerminal as _, StdoutLock, Write},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Prints a line to standard error.
pub fn print_message(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints a line above a bar, or on its own where the bar is not shown.
pub(super) fn print_above(bar: &ProgressBar, line: impl Display) {
    if bar.is_hidden() {
        print_message(line);
    } else {
        bar.println(line.to_string());
    }
}

/// A progress bar on standard error, hidden where that is no terminal or one that cannot move its cursor.
pub(super) fn progress_bar(length: u64, style: ProgressStyle) -> ProgressBar {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let target = if is_dumb || !io::stderr().is_terminal() {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    ProgressBar::with_draw_target(Some(length), target).with_style(style)
}

/// Standard output.
pub(super) fn stdout() -> Stdout {
    Stdout(io::stdout().lock())
}

/// Standard output whose closed end is no error.
pub(super) struct Stdout(StdoutLock<'static>);

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}
