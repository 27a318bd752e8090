//! The sending end of a background thread's events.

use crossbeam_channel::Sender;

/// Sends events to the owner of a background thread and wakes it.
pub struct EventSink<E> {
    events: Sender<E>,
    wake: Box<dyn Fn() + Send>,
}

impl<E> EventSink<E> {
    /// `wake` is called after every event.
    pub fn new(events: Sender<E>, wake: impl Fn() + Send + 'static) -> Self {
        Self {
            events,
            wake: Box::new(wake),
        }
    }

    /// Sends an event. Without a receiver it is dropped: the owner is gone and the thread will be stopped.
    pub fn emit(&self, event: E) {
        let _ = self.events.send(event);
        (self.wake)();
    }

    /// Wakes the owner without an event.
    pub fn wake(&self) {
        (self.wake)();
    }
}
