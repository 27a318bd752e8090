//! The full data sets: which of them are on this machine, and downloads of the others.

use std::{
    collections::VecDeque,
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    data::{
        BundledSet, DataSource, DatasetLocator, Split, bundle,
        fetch::{self, CancelToken, FetchError, Progress, Stage},
        locator::Availability,
    },
    gui::{commands::DownloadCommand, reveal::reveal},
    jobs::{Job, Wake, take_finished},
};

/// The time over which the speed is averaged.
const WINDOW: Duration = Duration::from_secs(4);
/// Time without a byte after which a mirror is considered silent.
const SILENCE: Duration = Duration::from_secs(2);

#[derive(Debug, Default)]
pub struct DownloadState {
    /// Where the full set is; `None` before the first search.
    pub availability: Option<Availability>,
    /// One image of each class.
    pub examples: Option<Split>,
    /// Bytes of an interrupted download that can be resumed.
    pub kept: u64,
    pub running: Option<RunningDownload>,
    /// Why the last download failed, or the folder could not be shown.
    pub error: Option<String>,
    search_job: Option<Job<(Availability, u64)>>,
    examples_job: Option<Job<Option<Split>>>,
    reveal_job: Option<Job<Result<(), String>>>,
}

#[derive(Debug)]
pub struct RunningDownload {
    job: Job<Result<(), FetchError>, Progress>,
    token: CancelToken,
    pub progress: Option<Progress>,
    pub throughput: Throughput,
}

impl RunningDownload {
    /// Whether it has been requested to stop.
    pub fn is_stopping(&self) -> bool {
        self.token.is_cancelled()
    }

    /// Remaining time at the current speed.
    pub fn time_left(&self, now: Instant) -> Option<Duration> {
        let progress = self.progress.as_ref()?;
        let rest = progress.total.saturating_sub(progress.received);
        self.throughput.time_for(rest, now)
    }

    fn receive(&mut self) {
        for progress in self.job.progress() {
            if progress.stage == Stage::Receiving {
                self.throughput.push(Instant::now(), progress.received);
            }
            self.progress = Some(progress);
        }
    }
}

/// Received bytes over the last seconds.
#[derive(Debug, Default)]
pub struct Throughput(VecDeque<(Instant, u64)>);

impl Throughput {
    fn push(&mut self, now: Instant, received: u64) {
        // A mirror that starts again has received less.
        if self.0.back().is_some_and(|(_, last)| *last > received) {
            self.0.clear();
        }
        self.0.push_back((now, received));
        let is_old = |(time, _): &(Instant, u64)| now.duration_since(*time) > WINDOW;
        while self.0.front().is_some_and(is_old) {
            self.0.pop_front();
        }
    }

    /// Whether no byte has arrived for a while.
    pub fn is_silent(&self, now: Instant) -> bool {
        let last = self.0.back();
        last.is_some_and(|(time, _)| now.duration_since(*time) > SILENCE)
    }

    /// Bytes per second; `None` at first.
    pub fn speed(&self, now: Instant) -> Option<f64> {
        let (&(start, first), &(_, last)) = self.0.front().zip(self.0.back())?;
        let seconds = now.duration_since(start).as_secs_f64();
        (seconds > 0.5).then(|| last.saturating_sub(first) as f64 / seconds)
    }

    fn time_for(&self, bytes: u64, now: Instant) -> Option<Duration> {
        let speed = self.speed(now).filter(|speed| *speed > 0.0)?;
        Duration::try_from_secs_f64(bytes as f64 / speed).ok()
    }
}

/// Searches for full sets and downloads them.
#[derive(Debug)]
pub struct Downloads {
    wake: Wake,
    /// Where full sets are searched for and downloaded to.
    pub locator: DatasetLocator,
    /// In the order of [`BundledSet::ALL`].
    states: [DownloadState; BundledSet::ALL.len()],
}

impl Downloads {
    pub fn new(wake: Wake) -> Self {
        Self {
            wake,
            locator: DatasetLocator::with_default_folders(None),
            states: Default::default(),
        }
    }

    pub fn state(&self, set: BundledSet) -> &DownloadState {
        &self.states[set as usize]
    }

    /// The built-in sets, and the full sets on this machine.
    pub fn sources(&self) -> Vec<DataSource> {
        let has_full = |set: &BundledSet| {
            matches!(self.state(*set).availability, Some(Availability::Found(_)))
        };
        let full = BundledSet::ALL.into_iter().filter(has_full);
        let bundled = BundledSet::ALL.map(DataSource::Bundled).into_iter();
        bundled.chain(full.map(DataSource::Full)).collect()
    }

    pub fn execute(&mut self, command: DownloadCommand) {
        match command {
            DownloadCommand::FindSets => {
                for set in BundledSet::ALL {
                    self.find(set);
                }
            }
            DownloadCommand::LoadExamples => {
                for set in BundledSet::ALL {
                    self.load_examples(set);
                }
            }
            DownloadCommand::Fetch(set) => self.fetch(set),
            DownloadCommand::Stop(set) => {
                if let Some(running) = &self.states[set as usize].running {
                    running.token.cancel();
                }
            }
            DownloadCommand::Reveal(set) => self.reveal(set),
            DownloadCommand::SetLocator(locator) => {
                self.locator = locator;
                self.states = Default::default();
            }
        }
    }

    fn find(&mut self, set: BundledSet) {
        let locator = self.locator.clone();
        let job = Job::start("find data", &self.wake, move |_| {
            let target = locator.entry(set).zip(locator.download_folder(set));
            let kept = target.map_or(0, |(full, folder)| fetch::kept_bytes(full, &folder));
            (locator.availability(set), kept)
        });
        self.states[set as usize].search_job = Some(job);
    }

    fn load_examples(&mut self, set: BundledSet) {
        let state = &mut self.states[set as usize];
        if state.examples.is_some() || state.examples_job.is_some() {
            return;
        }
        state.examples_job = Some(Job::start("examples", &self.wake, move |_| {
            let sample = bundle::load(set).ok()?;
            let first = sample.train.first_of_each_class(sample.classes(), 1);
            Some(sample.train.select(&first))
        }));
    }

    fn fetch(&mut self, set: BundledSet) {
        let state = &mut self.states[set as usize];
        if state.running.is_some() {
            return;
        }
        let token = CancelToken::default();
        let (locator, stop) = (self.locator.clone(), token.clone());
        let job = Job::start("download", &self.wake, move |job| {
            let fetched = fetch::fetch_dataset(&locator, set, &stop, &mut |progress| {
                job.progress(progress.clone());
            });
            fetched.map(|_| ())
        });
        state.error = None;
        state.running = Some(RunningDownload {
            job,
            token,
            progress: None,
            throughput: Throughput::default(),
        });
    }

    fn reveal(&mut self, set: BundledSet) {
        if let Some(folder) = self.folder(set) {
            let job = Job::start("reveal", &self.wake, move |_| reveal(&folder));
            self.states[set as usize].reveal_job = Some(job);
        }
    }

    /// The folder of a set, or the folder to which it would be downloaded.
    fn folder(&self, set: BundledSet) -> Option<PathBuf> {
        match &self.state(set).availability {
            Some(Availability::Found(folder)) => Some(folder.clone()),
            _ => self.locator.download_folder(set),
        }
    }

    pub fn receive(&mut self) {
        for set in BundledSet::ALL {
            if self.states[set as usize].receive() {
                self.find(set);
            }
        }
    }
}

impl DownloadState {
    /// Returns whether a download has ended.
    fn receive(&mut self) -> bool {
        match take_finished(&mut self.search_job) {
            Some(Ok((availability, kept))) => {
                self.availability = Some(availability);
                self.kept = kept;
            }
            Some(Err(error)) => self.error = Some(error.to_string()),
            None => {}
        }
        if let Some(Ok(examples)) = take_finished(&mut self.examples_job) {
            self.examples = examples;
        }
        if let Some(shown) = take_finished(&mut self.reveal_job) {
            let shown = shown.unwrap_or_else(|error| Err(error.to_string()));
            self.error = shown.err();
        }
        let Some(running) = &mut self.running else {
            return false;
        };
        running.receive();
        let Some(result) = running.job.poll() else {
            return false;
        };
        self.error = match result {
            Ok(Ok(()) | Err(FetchError::Cancelled { .. })) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(error) => Some(error.to_string()),
        };
        self.running = None;
        true
    }
}

impl Drop for RunningDownload {
    fn drop(&mut self) {
        self.token.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_and_time_left_are_those_of_the_last_seconds() {
        let start = Instant::now();
        let mut throughput = Throughput::default();
        assert_eq!(throughput.speed(start), None);
        assert_eq!(throughput.time_for(1, start), None);
        let now = start + Duration::from_secs(2);
        throughput.push(start, 1_000_000);
        throughput.push(now, 5_000_000);
        assert_eq!(throughput.speed(now), Some(2e6));
        assert_eq!(
            throughput.time_for(6_000_000, now),
            Some(Duration::from_secs(3))
        );
        assert!(!throughput.is_silent(now));
        assert!(throughput.is_silent(now + Duration::from_secs(3)));
        // A mirror that starts again.
        throughput.push(now, 10);
        assert_eq!(throughput.speed(now), None);
    }
}
