//! The state that a sweep's commands determine.

use std::collections::HashSet;

use crossbeam_channel::{Receiver, TryRecvError};

use super::{SweepCommand, SweepEvent};
use crate::train::event_sink::EventSink;

/// Receives the commands of a sweep.
pub(super) struct Control<'a> {
    inbox: &'a Receiver<SweepCommand>,
    events: &'a EventSink<SweepEvent>,
    paused: bool,
    cancelled: bool,
    skipped: HashSet<usize>,
}

impl<'a> Control<'a> {
    pub fn new(inbox: &'a Receiver<SweepCommand>, events: &'a EventSink<SweepEvent>) -> Self {
        Self {
            inbox,
            events,
            paused: false,
            cancelled: false,
            skipped: HashSet::new(),
        }
    }

    /// Where commands arrive.
    pub fn inbox(&self) -> &'a Receiver<SweepCommand> {
        self.inbox
    }

    /// Whether the sweep is to end.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled
    }

    /// Whether this run is to be skipped.
    pub fn is_skipped(&self, run: usize) -> bool {
        self.skipped.contains(&run)
    }

    /// Handles all commands that have arrived. While paused, waits for the next one.
    pub fn handle_commands(&mut self) {
        while !self.cancelled {
            let next = if self.paused {
                self.inbox.recv().map_err(|_| TryRecvError::Disconnected)
            } else {
                self.inbox.try_recv()
            };
            match next {
                Ok(SweepCommand::Pause) => self.set_paused(true),
                Ok(SweepCommand::Resume) => self.set_paused(false),
                Ok(SweepCommand::Skip(run)) => {
                    self.skipped.insert(run);
                }
                Ok(SweepCommand::Cancel) | Err(TryRecvError::Disconnected) => self.cancelled = true,
                Err(TryRecvError::Empty) => return,
            }
        }
    }

    fn set_paused(&mut self, paused: bool) {
        if self.paused != paused {
            self.paused = paused;
            self.events.emit(SweepEvent::Paused(paused));
        }
    }
}
