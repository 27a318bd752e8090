//! The full data sets: which are on this machine, and which are on their way.

use std::{
    collections::VecDeque,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, unbounded};
use eframe::egui::Context;

use crate::{
    data::{
        BundledSet, DatasetLocator, Split, bundle,
        fetch::{self, CancelToken, FetchError, Progress, Stage},
        locator::Availability,
    },
    gui::reveal::reveal,
};

/// How often the window shows the progress of a download.
const INTERVAL: Duration = Duration::from_millis(100);
/// The speed is that of the last seconds.
const WINDOW: Duration = Duration::from_secs(4);
/// After this time without a byte, a mirror is called silent.
const SILENCE: Duration = Duration::from_secs(2);

/// What is known of one set.
#[derive(Debug, Default)]
pub struct DownloadState {
    /// Where the full set is; `None` until it has been looked for.
    pub standing: Option<Availability>,
    /// One image of each class.
    pub examples: Option<Split>,
    /// Bytes of an interrupted download that can be resumed.
    pub kept: u64,
    /// The download under way.
    pub running: Option<Running>,
    /// What went wrong last, as one sentence.
    pub trouble: Option<String>,
}

/// A download under way.
#[derive(Debug, Default)]
pub struct Running {
    /// How far it is, once it has told.
    pub progress: Option<Progress>,
    /// Whether it has been told to stop.
    pub is_stopping: bool,
    stop: CancelToken,
    /// When how many bytes had arrived, in the last seconds.
    recent: VecDeque<(Instant, u64)>,
}

impl Running {
    /// Whether nothing has arrived for a while.
    pub fn is_silent(&self, now: Instant) -> bool {
        let last = self.recent.back();
        last.is_some_and(|(then, _)| now.duration_since(*then) > SILENCE)
    }

    /// Bytes that arrive in a second, once that can be told.
    pub fn speed(&self, now: Instant) -> Option<f64> {
        let (&(first, before), &(_, last)) = self.recent.front().zip(self.recent.back())?;
        let seconds = now.duration_since(first).as_secs_f64();
        (seconds > 0.5).then(|| last.saturating_sub(before) as f64 / seconds)
    }

    /// Time until all has arrived, if it goes on like this.
    pub fn left(&self, now: Instant) -> Option<Duration> {
        let progress = self.progress.as_ref()?;
        let speed = self.speed(now).filter(|speed| *speed > 0.0)?;
        let rest = progress.total.saturating_sub(progress.received);
        Duration::try_from_secs_f64(rest as f64 / speed).ok()
    }

    fn hear(&mut self, progress: Progress) {
        if progress.stage == Stage::Receiving {
            let now = Instant::now();
            // A mirror that begins anew takes bytes away.
            if self
                .recent
                .back()
                .is_some_and(|(_, had)| *had > progress.received)
            {
                self.recent.clear();
            }
            self.recent.push_back((now, progress.received));
            while self
                .recent
                .front()
                .is_some_and(|(then, _)| now.duration_since(*then) > WINDOW)
            {
                self.recent.pop_front();
            }
        }
        self.progress = Some(progress);
    }
}

#[derive(Debug)]
enum Message {
    Examples(Option<Split>),
    Found(Availability, u64),
    Progress(Progress),
    Ended(Result<(), FetchError>),
    /// The folder could not be shown; one sentence.
    NotShown(String),
}

/// Looks for full sets and downloads them, on threads of their own.
#[derive(Debug)]
pub struct Downloads {
    ctx: Context,
    shelf: DatasetLocator,
    sender: Sender<(BundledSet, Message)>,
    messages: Receiver<(BundledSet, Message)>,
    /// In the order of [`BundledSet::ALL`].
    states: [DownloadState; BundledSet::ALL.len()],
}

impl Downloads {
    /// `ctx` is woken when there is something new.
    pub fn new(ctx: Context, shelf: DatasetLocator) -> Self {
        let (sender, messages) = unbounded();
        Self {
            ctx,
            shelf,
            sender,
            messages,
            states: Default::default(),
        }
    }

    /// Where full sets are looked for and downloaded to.
    pub fn shelf(&self) -> &DatasetLocator {
        &self.shelf
    }

    /// What is known of a set.
    pub fn state(&self, set: BundledSet) -> &DownloadState {
        &self.states[set as usize]
    }

    /// Looks again for every set, and for pictures of each.
    pub fn look(&mut self) {
        for set in BundledSet::ALL {
            if self.state(set).examples.is_none() {
                self.begin(set, "examples", move |tell| {
                    let examples = bundle::load(set).ok().map(|sample| {
                        let first = sample.train.first_of_each_class(sample.classes(), 1);
                        sample.train.select(&first)
                    });
                    tell(Message::Examples(examples));
                });
            }
        }
        self.find();
    }

    /// Looks again for every set.
    pub fn find(&mut self) {
        for set in BundledSet::ALL {
            self.look_for(set);
        }
    }

    fn look_for(&mut self, set: BundledSet) {
        let shelf = self.shelf.clone();
        self.begin(set, "looking", move |tell| {
            let target = shelf.entry(set).zip(shelf.download_folder(set));
            let kept = target.map_or(0, |(full, folder)| fetch::kept_bytes(full, &folder));
            tell(Message::Found(shelf.availability(set), kept));
        });
    }

    /// Begins to download a set, or goes on where it stopped.
    pub fn fetch(&mut self, set: BundledSet) {
        if self.state(set).running.is_some() {
            return;
        }
        let stop = CancelToken::default();
        let state = &mut self.states[set as usize];
        state.trouble = None;
        state.running = Some(Running {
            stop: stop.clone(),
            ..Running::default()
        });
        let shelf = self.shelf.clone();
        self.begin(set, "download", move |tell| {
            let ended = fetch::fetch_dataset(&shelf, set, &stop, &mut |progress| {
                tell(Message::Progress(progress.clone()));
            });
            tell(Message::Ended(ended.map(|_| ())));
        });
    }

    /// Ends a download; what has arrived is kept.
    pub fn stop(&mut self, set: BundledSet) {
        if let Some(running) = &mut self.states[set as usize].running {
            running.stop.cancel();
            running.is_stopping = true;
        }
    }

    /// Shows the folder of a set in the system's file manager.
    pub fn reveal(&mut self, set: BundledSet) {
        if let Some(folder) = self.folder(set) {
            self.begin(set, "folder", move |tell| {
                if let Err(trouble) = reveal(&folder) {
                    tell(Message::NotShown(trouble));
                }
            });
        }
    }

    /// The folder to show for a set: where it is, or where a download would put it.
    pub fn folder(&self, set: BundledSet) -> Option<PathBuf> {
        match &self.state(set).standing {
            Some(Availability::Found(folder)) => Some(folder.clone()),
            _ => self.shelf.download_folder(set),
        }
    }

    /// Takes in everything that has arrived.
    pub fn receive(&mut self) {
        while let Ok((set, message)) = self.messages.try_recv() {
            let state = &mut self.states[set as usize];
            match message {
                Message::Examples(examples) => state.examples = examples,
                Message::Found(standing, kept) => {
                    state.standing = Some(standing);
                    state.kept = kept;
                }
                Message::NotShown(trouble) => state.trouble = Some(trouble),
                Message::Progress(progress) => {
                    if let Some(running) = &mut state.running {
                        running.hear(progress);
                    }
                }
                Message::Ended(ended) => {
                    state.running = None;
                    state.trouble = match ended {
                        Ok(()) | Err(FetchError::Cancelled { .. }) => None,
                        Err(error) => Some(error.to_string()),
                    };
                    self.look_for(set);
                }
            }
        }
    }

    fn begin(
        &mut self,
        set: BundledSet,
        name: &str,
        work: impl FnOnce(&dyn Fn(Message)) + Send + 'static,
    ) {
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        let spawned = thread::Builder::new().name(name.to_owned()).spawn(move || {
            work(&|message| {
                let is_progress = matches!(message, Message::Progress(_));
                // The window may be gone by now; then nobody waits for the message.
                let _ = sender.send((set, message));
                if is_progress {
                    ctx.request_repaint_after(INTERVAL);
                } else {
                    ctx.request_repaint();
                }
            });
        });
        if let Err(error) = spawned {
            let state = &mut self.states[set as usize];
            state.running = None;
            state.trouble = Some(format!("the system refuses a thread: {error}"));
        }
    }
}

impl Drop for Downloads {
    fn drop(&mut self) {
        for set in BundledSet::ALL {
            self.stop(set);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_and_time_left_are_those_of_the_last_seconds() {
        let mut running = Running::default();
        let begun = Instant::now();
        assert_eq!((running.speed(begun), running.left(begun)), (None, None));
        let now = begun + Duration::from_secs(2);
        running.recent = [(begun, 1_000_000), (now, 5_000_000)].into();
        running.progress = Some(Progress {
            stage: Stage::Receiving,
            received: 5_000_000,
            total: 11_000_000,
            host: "a mirror".to_owned(),
        });
        assert_eq!(running.speed(now), Some(2e6));
        assert_eq!(running.left(now), Some(Duration::from_secs(3)));
        assert!(!running.is_silent(now));
        assert!(running.is_silent(now + Duration::from_secs(3)));
    }
}
