//! Background threads whose end is waited for with a limit.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, bounded};

/// How long a handle that is dropped waits for its thread to stop: longer than most training steps
/// take, and short enough for a window that closes.
pub const STOP_LIMIT: Duration = Duration::from_secs(3);

/// A named background thread and, once it has ended, its result.
///
/// Dropping a job detaches its thread, which then runs until it returns or the process exits.
#[derive(Debug)]
pub struct Job<T> {
    result: Receiver<thread::Result<T>>,
}

impl<T: Send + 'static> Job<T> {
    /// Runs `work` on a new thread. A panic in it becomes the job's result.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn spawn(name: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<Self> {
        let (sender, result) = bounded(1);
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                // Fails only where the job has been dropped.
                let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
            })?;
        Ok(Self { result })
    }

    /// Whether the result is available.
    pub fn is_finished(&self) -> bool {
        !self.result.is_empty()
    }

    /// Waits at most `limit` for the result, which can be taken once; an error is the payload of a
    /// panic. `None` where the thread is still running.
    pub fn join_within(&self, limit: Duration) -> Option<thread::Result<T>> {
        self.result.recv_timeout(limit).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_never_ends_is_waited_for_no_longer_than_the_limit() {
        let (release, released) = bounded::<()>(0);
        let hanging = Job::spawn("hanging", move || released.recv().is_err()).unwrap();
        assert!(!hanging.is_finished());
        assert!(hanging.join_within(Duration::from_millis(10)).is_none());
        drop(release);
    }

    #[test]
    fn results_and_panics_are_returned() {
        let limit = Duration::from_mins(1);
        let job = Job::spawn("sum", || 1 + 1).unwrap();
        assert!(matches!(job.join_within(limit), Some(Ok(2))));
        let job: Job<()> = Job::spawn("panic", || panic!("expected by a test")).unwrap();
        assert!(matches!(job.join_within(limit), Some(Err(_))));
    }
}
