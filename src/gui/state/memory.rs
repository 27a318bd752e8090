//! The memory that is free, read in the background.

use std::time::{Duration, Instant};

use crate::{
    jobs::{Job, Wake, take_finished},
    train::{device::Backend, memory},
};

/// Age at which a value is outdated.
const MAX_AGE: Duration = Duration::from_secs(2);

/// Bytes that a run may take on one device, as last measured.
#[derive(Debug)]
pub struct MemoryMonitor {
    wake: Wake,
    /// Device and start of the latest measurement.
    latest: Option<(Backend, Instant)>,
    job: Option<Job<u64>>,
    available: Option<u64>,
}

impl MemoryMonitor {
    pub fn new(wake: Wake) -> Self {
        Self {
            wake,
            latest: None,
            job: None,
            available: None,
        }
    }

    /// Free bytes on a device; `None` before the first measurement.
    pub fn available(&self, backend: Backend) -> Option<u64> {
        let (measured, _) = self.latest?;
        self.available.filter(|_| measured == backend)
    }

    /// Whether the memory of a device should be measured (again).
    pub fn is_outdated(&self, backend: Backend) -> bool {
        self.latest.is_none_or(|(measured, since)| {
            measured != backend || (self.job.is_none() && since.elapsed() > MAX_AGE)
        })
    }

    pub fn measure(&mut self, backend: Backend) {
        if self.latest.is_some_and(|(measured, _)| measured != backend) {
            self.available = None;
        }
        self.latest = Some((backend, Instant::now()));
        self.job = Some(Job::start("memory", &self.wake, move |_| {
            memory::available(backend)
        }));
    }

    pub fn receive(&mut self) {
        if let Some(Ok(bytes)) = take_finished(&mut self.job) {
            self.available = Some(bytes);
        }
    }
}
