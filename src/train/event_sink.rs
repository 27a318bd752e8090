//! The sending end of a background thread's events.

use crossbeam_channel::Sender;

/// An event that the log may record.
pub trait LogEvent {
    /// Writes it to the log, unless it is frequent.
    fn log(&self);
}

/// Sends events to the owner of a background thread and wakes it.
pub struct EventSink<E> {
    events: Sender<E>,
    wake: Box<dyn Fn() + Send>,
}

impl<E: LogEvent> EventSink<E> {
    /// `wake` is called after every event.
    pub fn new(events: Sender<E>, wake: impl Fn() + Send + 'static) -> Self {
        Self {
            events,
            wake: Box::new(wake),
        }
    }

    /// Logs and sends an event. Without a receiver it is dropped: the owner is gone and the thread will be stopped.
    pub fn emit(&self, event: E) {
        event.log();
        let _ = self.events.send(event);
        (self.wake)();
    }

    /// Wakes the owner without an event.
    pub fn wake(&self) {
        (self.wake)();
    }
}
