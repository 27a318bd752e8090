//! Background jobs: named threads whose progress and result their owner polls.

use std::{
    any::Any,
    fmt, io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

/// How long a handle that is dropped waits for its thread to stop: longer than most training steps
/// take, and short enough for a window that closes.
pub const STOP_LIMIT: Duration = Duration::from_secs(3);

/// Why a job has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JobError {
    /// The system cannot start a thread, for this reason.
    #[error("could not start a background thread: {0}")]
    NotStarted(String),
    /// The work panicked with this message.
    #[error("an internal error occurred: {0}")]
    Panicked(String),
}

/// What a job has new for its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// A progress value; more may follow at once.
    Progress,
    Finished,
}

/// Wakes the owner of jobs, from any thread.
#[derive(Clone)]
pub struct Wake(Arc<dyn Fn(Signal) + Send + Sync>);

impl Wake {
    /// `wake` is called after every progress value and after every result.
    pub fn new(wake: impl Fn(Signal) + Send + Sync + 'static) -> Self {
        Self(Arc::new(wake))
    }

    pub fn signal(&self, signal: Signal) {
        (self.0)(signal);
    }
}

impl fmt::Debug for Wake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wake")
    }
}

/// A named background thread and, once it has ended, its result.
///
/// Dropping a job requests its cancellation and detaches the thread, which then runs until its work
/// returns or the process exits. The result of a job that has been replaced by a newer one is
/// therefore never observed: keeping only the latest of several jobs needs nothing else.
#[derive(Debug)]
pub struct Job<T, P = ()> {
    result: Receiver<Result<T, JobError>>,
    progress: Receiver<P>,
    cancelled: Arc<AtomicBool>,
}

/// The job as its own work sees it.
pub struct JobContext<P = ()> {
    progress: Sender<P>,
    cancelled: Arc<AtomicBool>,
    wake: Wake,
}

impl<P> JobContext<P> {
    /// Sends a value to the owner and wakes it.
    pub fn progress(&self, value: P) {
        // Fails only where the job has been dropped.
        let _ = self.progress.send(value);
        self.wake.signal(Signal::Progress);
    }

    /// Whether the work should end early.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

impl<T: Send + 'static> Job<T> {
    /// Runs `work` on a new thread. A panic in it becomes the job's result.
    ///
    /// # Errors
    /// When the system cannot start a thread.
    pub fn spawn(name: &str, work: impl FnOnce() -> T + Send + 'static) -> io::Result<Self> {
        Self::try_start(name, &Wake::new(|_| {}), move |_| work())
    }
}

impl<T: Send + 'static, P: Send + 'static> Job<T, P> {
    /// Runs `work` on a new thread and wakes the owner by `wake`. A panic in it, and a thread that
    /// cannot be started, become the job's result.
    pub fn start(
        name: &str,
        wake: &Wake,
        work: impl FnOnce(&JobContext<P>) -> T + Send + 'static,
    ) -> Self {
        Self::try_start(name, wake, work).unwrap_or_else(|error| {
            let (sender, result) = bounded(1);
            let _ = sender.send(Err(JobError::NotStarted(error.to_string())));
            wake.signal(Signal::Finished);
            Self {
                result,
                progress: unbounded().1,
                cancelled: Arc::default(),
            }
        })
    }

    fn try_start(
        name: &str,
        wake: &Wake,
        work: impl FnOnce(&JobContext<P>) -> T + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, result) = bounded(1);
        let (progress_sender, progress) = unbounded();
        let cancelled = Arc::new(AtomicBool::new(false));
        let context = JobContext {
            progress: progress_sender,
            cancelled: Arc::clone(&cancelled),
            wake: wake.clone(),
        };
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let result = catch_unwind(AssertUnwindSafe(|| work(&context)));
                let panicked = |panic: Box<_>| JobError::Panicked(panic_message(&*panic));
                // Fails only where the job has been dropped.
                let _ = sender.send(result.map_err(panicked));
                context.wake.signal(Signal::Finished);
            })?;
        Ok(Self {
            result,
            progress,
            cancelled,
        })
    }
}

impl<T, P> Job<T, P> {
    /// Whether the result is available.
    pub fn is_finished(&self) -> bool {
        !self.result.is_empty()
    }

    /// The result, once, as soon as it is available.
    pub fn poll(&self) -> Option<Result<T, JobError>> {
        self.result.try_recv().ok()
    }

    /// Waits at most `limit` for the result, which can be taken once. `None` where the thread is still
    /// running.
    pub fn join_within(&self, limit: Duration) -> Option<Result<T, JobError>> {
        self.result.recv_timeout(limit).ok()
    }

    /// The progress values that have arrived since the last call, oldest first.
    pub fn progress(&self) -> impl Iterator<Item = P> {
        self.progress.try_iter()
    }

    /// Requests the work to end early; see [`JobContext::is_cancelled`].
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Whether [`Self::cancel`] has been called.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

impl<T, P> Drop for Job<T, P> {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Polls a job that may not exist and removes it with its result.
pub fn take_finished<T, P>(job: &mut Option<Job<T, P>>) -> Option<Result<T, JobError>> {
    let result = job.as_ref()?.poll()?;
    *job = None;
    Some(result)
}

/// The message of a panic.
pub fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("unknown reason").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_mins(1);

    fn signals() -> (Wake, Receiver<Signal>) {
        let (sender, signals) = unbounded();
        let wake = Wake::new(move |signal| {
            let _ = sender.send(signal);
        });
        (wake, signals)
    }

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
        let job = Job::spawn("sum", || 1 + 1).unwrap();
        assert_eq!(job.join_within(LIMIT), Some(Ok(2)));
        let job: Job<()> = Job::spawn("panic", || panic!("expected by a test")).unwrap();
        let panicked = JobError::Panicked("expected by a test".to_owned());
        assert_eq!(job.join_within(LIMIT), Some(Err(panicked)));
    }

    #[test]
    fn progress_arrives_in_order_and_each_message_wakes_the_owner() {
        let (wake, signals) = signals();
        let job = Job::start("count", &wake, |context| {
            context.progress(1);
            context.progress(2);
            3
        });
        for signal in [Signal::Progress, Signal::Progress, Signal::Finished] {
            assert_eq!(signals.recv_timeout(LIMIT), Ok(signal));
        }
        assert_eq!(job.progress().collect::<Vec<_>>(), [1, 2]);
        let mut job = Some(job);
        assert_eq!(take_finished(&mut job), Some(Ok(3)));
        assert!(job.is_none());
    }

    #[test]
    fn a_job_that_is_replaced_is_cancelled_and_its_result_is_not_observed() {
        let (wake, signals) = signals();
        let (release, released) = bounded::<()>(0);
        let (observed, cancelled) = bounded(1);
        let mut job: Job<&str> = Job::start("old", &wake, move |context| {
            let _ = released.recv();
            let _ = observed.send(context.is_cancelled());
            "old"
        });
        assert!(job.poll().is_none());
        job = Job::start("new", &wake, |_| "new");
        assert_eq!(signals.recv_timeout(LIMIT), Ok(Signal::Finished));
        drop(release);
        assert_eq!(signals.recv_timeout(LIMIT), Ok(Signal::Finished));
        assert_eq!(cancelled.recv_timeout(LIMIT), Ok(true));
        assert_eq!(job.poll(), Some(Ok("new")));
        assert_eq!(job.poll(), None);
    }
}
