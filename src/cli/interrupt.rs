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

/// Keeps SIGHUP ignored where the program was started so, as by `nohup`; [`interrupts`] would handle it
/// otherwise. Must be called before there is a second thread, since threads inherit it.
pub fn keep_hangup_ignored() {
    #[cfg(target_os = "linux")]
    {
        let hangup = ctrlc::Signal::SIGHUP;
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        // Bit 0 is signal 1. A signal that is blocked stays pending until the process ends.
        if ignored.is_some_and(|mask| mask >> (hangup as u32 - 1) & 1 == 1) {
            #[allow(clippy::eq_op, reason = "a set of one signal")]
            let _ = (hangup | hangup).thread_block();
        }
    }
}
