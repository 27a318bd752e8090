//! The state that a sweep's commands determine.

use std::collections::HashSet;

use crossbeam_channel::{Receiver, TryRecvError};

use super::{SweepCommand, SweepEvent};
use crate::train::event_sink::EventSink;

/// Receives the commands of a sweep.
pub(super) struct Control<'a> {
    pub inbox: &'a Receiver<SweepCommand>,
    events: &'a EventSink<SweepEvent>,
    paused: bool,
    pub is_cancelled: bool,
    /// The runs that are to be skipped.
    pub skipped: HashSet<usize>,
}

impl<'a> Control<'a> {
    pub fn new(inbox: &'a Receiver<SweepCommand>, events: &'a EventSink<SweepEvent>) -> Self {
        Self {
            inbox,
            events,
            paused: false,
            is_cancelled: false,
            skipped: HashSet::new(),
        }
    }

    /// Handles all commands that have arrived. While paused, waits for the next one.
    pub fn handle_commands(&mut self) {
        while !self.is_cancelled {
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
                Ok(SweepCommand::Cancel) | Err(TryRecvError::Disconnected) => {
                    self.is_cancelled = true;
                }
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
