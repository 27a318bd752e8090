//! Ctrl-C and the signals that ask a process to end, for commands that end in order.

use anyhow::Context as _;
use crossbeam_channel::{Receiver, bounded};

/// Returns a channel that receives a message at every Ctrl-C, SIGTERM and SIGHUP from now on.
pub(super) fn interrupts() -> anyhow::Result<Receiver<()>> {
    let (sender, receiver) = bounded(1);
    ctrlc::set_handler(move || {
        let _ = sender.try_send(());
    })
    .context("cannot handle Ctrl-C")?;
    Ok(receiver)
}
