//! Ctrl-C and the signals that ask a process to end, for commands that end in order.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use crossbeam_channel::{Receiver, bounded};

/// Signals within this time of the first are the same request: a terminal that closes, or a session that
/// ends, sends SIGHUP twice or together with SIGTERM.
const SAME_REQUEST: Duration = Duration::from_millis(300);

/// Returns a channel that receives a message at every Ctrl-C, SIGTERM and SIGHUP from now on.
pub(super) fn interrupts() -> anyhow::Result<Receiver<()>> {
    let (sender, receiver) = bounded(1);
    let mut first: Option<Instant> = None;
    ctrlc::set_handler(move || {
        if first.is_none_or(|first| first.elapsed() > SAME_REQUEST) {
            first = Some(Instant::now());
            let _ = sender.try_send(());
        }
    })
    .context("cannot handle Ctrl-C")?;
    Ok(receiver)
}
