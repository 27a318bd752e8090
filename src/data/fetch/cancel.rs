//! Cancelling a download from another thread.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// Cancels a download from another thread. Clones share their state.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_cancelled: AtomicBool,
    /// The connections to shut down, so that a silent mirror does not delay the end.
    agent: Mutex<Option<ureq::Agent>>,
}

impl CancelToken {
    /// Cancels the download; what has been received is kept for resuming.
    pub fn cancel(&self) {
        self.0.is_cancelled.store(true, Ordering::SeqCst);
        let agent = self.0.agent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(agent) = agent.as_ref() {
            agent.clone().shutdown();
        }
    }

    pub fn is_cancelled(&self) -> bool {
        self.0.is_cancelled.load(Ordering::SeqCst)
    }

    /// Makes [`Self::cancel`] shut down the connections of `agent` instead of those of an earlier one.
    pub(super) fn attach(&self, agent: &ureq::Agent) {
        *self.0.agent.lock().unwrap_or_else(PoisonError::into_inner) = Some(agent.clone());
        if self.is_cancelled() {
            agent.clone().shutdown();
        }
    }
}
