//! What was asked of a sweep from outside.

use std::collections::HashSet;

use crossbeam_channel::{Receiver, TryRecvError};

use super::{EventSink, SweepCommand, SweepEvent};

/// The commands that have come so far.
pub(super) struct Control<'a> {
    inbox: &'a Receiver<SweepCommand>,
    told: &'a EventSink,
    paused: bool,
    cancelled: bool,
    skipped: HashSet<usize>,
}

impl<'a> Control<'a> {
    pub fn new(inbox: &'a Receiver<SweepCommand>, told: &'a EventSink) -> Self {
        Self {
            inbox,
            told,
            paused: false,
            cancelled: false,
            skipped: HashSet::new(),
        }
    }

    /// Where commands arrive.
    pub fn inbox(&self) -> &'a Receiver<SweepCommand> {
        self.inbox
    }

    /// Whether it is to end.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    /// Whether this run is to be left out.
    pub fn is_skipped(&self, run: usize) -> bool {
        self.skipped.contains(&run)
    }

    /// Hears all that was asked; returns when the sweep may go on or is to end.
    pub fn handle_commands(&mut self) {
        while !self.cancelled {
            let next = if self.paused {
                self.inbox.recv().map_err(|_| TryRecvError::Disconnected)
            } else {
                self.inbox.try_recv()
            };
            match next {
                Ok(SweepCommand::Pause) => self.pause(true),
                Ok(SweepCommand::Resume) => self.pause(false),
                Ok(SweepCommand::Skip(run)) => {
                    self.skipped.insert(run);
                }
                Ok(SweepCommand::Cancel) | Err(TryRecvError::Disconnected) => self.cancelled = true,
                Err(TryRecvError::Empty) => return,
            }
        }
    }

    fn pause(&mut self, paused: bool) {
        if self.paused != paused {
            self.paused = paused;
            self.told.emit(SweepEvent::Paused(paused));
        }
    }
}
