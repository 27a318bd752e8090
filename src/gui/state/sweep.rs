//! Many runs at once: the grid, what has become of each of its runs, and the thread that carries them out.

mod picture;
mod run_status;
mod running;
mod store_reader;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, unbounded};
use eframe::egui::Context;

use self::store_reader::Answer;
use crate::sweep::{
    Grid, RunSpec, SweepCommand, SweepEnd, SweepEvent, SweepRunner,
    grid::GridError,
    runner::{SweepEstimate, SweepOptions},
    store,
};

pub use self::{
    picture::RunPicture,
    run_status::{Finished, RunStatus},
    running::{RunningSweep, Stage},
};

/// How long a grid must stand still before it is measured.
const SETTLED: Duration = Duration::from_millis(700);

/// A grid of runs, and all that panes read and change of it. Nothing here waits for files, measurements or
/// training.
#[derive(Debug)]
pub struct SweepState {
    ctx: Context,
    /// Where results go; none where the system has no place for them.
    file: Option<PathBuf>,
    grid: Option<Grid>,
    wrong: Option<GridError>,
    runs: Arc<[RunSpec]>,
    /// Of every run.
    statuses: Vec<RunStatus>,
    /// Places of runs, those together that belong together.
    order: Vec<usize>,
    /// When the grid was last changed.
    changed: Instant,
    store_query: StoreQuery,
    /// Tells an answer from those to earlier questions.
    ticket: u64,
    answers: Receiver<Answer>,
    sender: Sender<Answer>,
    /// The measurement under way.
    measuring: Option<SweepRunner>,
    estimate: Option<SweepEstimate>,
    /// Whether the grid is measured by itself.
    measures: bool,
    sweep: Option<RunningSweep>,
    /// How the last sweep ended.
    end: Option<SweepEnd>,
    error: Option<String>,
    preview: Option<Preview>,
}

/// What is known of the file of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum StoreQuery {
    /// It has not been read for this grid.
    None,
    /// It is being read.
    Coming,
    /// The fates are as it has them.
    There,
}

/// The finished run that is looked at.
#[derive(Debug)]
pub struct Preview {
    /// Its number in the file.
    pub id: i64,
    /// What the list calls it.
    pub name: String,
    /// Once it has been read; the error is one sentence.
    pub picture: Option<Result<Box<RunPicture>, String>>,
}

impl SweepState {
    /// `ctx` is woken when something has happened.
    pub fn new(ctx: Context) -> Self {
        let (sender, answers) = unbounded();
        Self {
            ctx,
            file: store::default_file(),
            grid: None,
            wrong: None,
            runs: Arc::default(),
            statuses: Vec::new(),
            order: Vec::new(),
            changed: Instant::now(),
            store_query: StoreQuery::None,
            ticket: 0,
            answers,
            sender,
            measuring: None,
            estimate: None,
            measures: true,
            sweep: None,
            end: None,
            error: None,
            preview: None,
        }
    }

    // ---- what the pane reads ----

    /// The file of results.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Every run of the grid.
    pub fn runs(&self) -> &[RunSpec] {
        &self.runs
    }

    /// What has become of each of them.
    pub fn statuses(&self) -> &[RunStatus] {
        &self.statuses
    }

    /// Places of the runs, by data set, network, λ and seed.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// What is wrong with the grid.
    pub fn wrong(&self) -> Option<&GridError> {
        self.wrong.as_ref()
    }

    /// Number of runs whose fate is such.
    pub fn count(&self, such: impl Fn(&RunStatus) -> bool) -> usize {
        self.statuses.iter().filter(|fate| such(fate)).count()
    }

    /// Whether it is known which runs the file has.
    pub fn is_known(&self) -> bool {
        self.store_query == StoreQuery::There
    }

    /// What the runs that are left will take, once it has been measured.
    pub fn estimate(&self) -> Option<&SweepEstimate> {
        self.estimate.as_ref()
    }

    pub fn is_measuring(&self) -> bool {
        self.measuring.is_some()
    }

    /// The sweep under way.
    pub fn sweep(&self) -> Option<&RunningSweep> {
        self.sweep.as_ref()
    }

    /// How the last one ended.
    pub fn end(&self) -> Option<&SweepEnd> {
        self.end.as_ref()
    }

    /// Why file or measurement say nothing.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The run that is looked at.
    pub fn preview(&self) -> Option<&Preview> {
        self.preview.as_ref()
    }

    // ---- what the pane asks for ----

    /// Keeps results in another file.
    pub fn set_file(&mut self, file: PathBuf) {
        self.file = Some(file);
        self.store_query = StoreQuery::None;
    }

    /// Takes another grid, unless one is being carried out, and finds out what is known of it. Called in every frame in which
    /// the pane is seen.
    pub fn set_grid(&mut self, grid: &Grid) {
        if self.sweep.is_some() {
            return;
        }
        if self.grid.as_ref() != Some(grid) {
            self.take(grid);
        }
        if self.store_query == StoreQuery::None && !self.runs.is_empty() {
            self.query_store();
        }
        let wants = self.measures
            && self.is_known()
            && self.estimate.is_none()
            && self.measuring.is_none()
            && self.count(RunStatus::is_open) > 0;
        if wants {
            match SETTLED.checked_sub(self.changed.elapsed()) {
                Some(left) => self.ctx.request_repaint_after(left),
                None => self.measure(),
            }
        }
    }

    fn take(&mut self, grid: &Grid) {
        self.stop_measuring();
        self.grid = Some(grid.clone());
        let runs = grid.runs();
        self.wrong = runs.as_ref().err().cloned();
        self.runs = runs.unwrap_or_default().into();
        self.statuses = vec![RunStatus::Waiting; self.runs.len()];
        self.order = run_status::order(&self.runs);
        self.changed = Instant::now();
        self.store_query = StoreQuery::None;
        self.estimate = None;
        self.measures = true;
        self.end = None;
        self.error = None;
    }

    /// Measures what the runs that are left will take.
    pub fn measure(&mut self) {
        let Some(file) = self.file.clone() else {
            return;
        };
        // One attempt; another only if asked for.
        self.measures = false;
        self.error = None;
        let options = SweepOptions {
            estimate_only: true,
            ..SweepOptions::default()
        };
        match self.spawn(self.runs.to_vec(), file, options) {
            Ok(conductor) => self.measuring = Some(conductor),
            Err(reason) => self.error = Some(reason),
        }
    }

    /// Gives the measurement up.
    pub fn stop_measuring(&mut self) {
        self.measures = false;
        if let Some(conductor) = self.measuring.take() {
            shut_down(conductor);
        }
    }

    /// Does all runs that the file does not have.
    pub fn start(&mut self) {
        self.begin((0..self.runs.len()).collect(), false);
    }

    /// Does the failed runs again.
    pub fn try_again(&mut self) {
        let failed = |place: &usize| matches!(self.statuses[*place], RunStatus::Failed(_));
        let places = (0..self.runs.len()).filter(failed).collect();
        self.begin(places, true);
    }

    fn begin(&mut self, places: Vec<usize>, again: bool) {
        let Some(file) = self.file.clone() else {
            return;
        };
        if self.sweep.is_some() || places.is_empty() {
            return;
        }
        self.stop_measuring();
        let specs = places.iter().map(|place| self.runs[*place].clone());
        let options = SweepOptions {
            again,
            ..SweepOptions::default()
        };
        self.end = None;
        self.error = None;
        match self.spawn(specs.collect(), file, options) {
            Ok(conductor) => self.sweep = Some(RunningSweep::new(conductor, places)),
            Err(reason) => self.error = Some(reason),
        }
    }

    fn spawn(
        &self,
        specs: Vec<RunSpec>,
        file: PathBuf,
        options: SweepOptions,
    ) -> Result<SweepRunner, String> {
        let ctx = self.ctx.clone();
        SweepRunner::spawn(specs, file, options, move || ctx.request_repaint())
            .map_err(|error| format!("the system refuses a thread: {error}"))
    }

    /// Stops between two steps, or goes on.
    pub fn pause(&mut self, paused: bool) {
        if let Some(sweep) = &self.sweep {
            sweep.send(if paused {
                SweepCommand::Pause
            } else {
                SweepCommand::Resume
            });
        }
    }

    /// Gives up the runs under way; the others are in the file.
    pub fn cancel(&mut self) {
        if let Some(sweep) = &mut self.sweep {
            sweep.stage = Stage::Ending;
            sweep.send(SweepCommand::Cancel);
        }
    }

    /// Gives up one run.
    pub fn skip(&mut self, place: usize) {
        if let Some(sweep) = &self.sweep {
            sweep.skip(place);
        }
    }

    /// Looks at a finished run.
    pub fn open_preview(&mut self, place: usize) {
        let (Some(RunStatus::Done(done)), Some(spec), Some(file)) =
            (self.statuses.get(place), self.runs.get(place), &self.file)
        else {
            return;
        };
        let (id, file) = (done.id, file.clone());
        self.preview = Some(Preview {
            id,
            name: spec.to_string(),
            picture: None,
        });
        self.ask(move || Answer::Picture(id, store_reader::picture(&file, id)));
    }

    /// Looks at none.
    pub fn close_preview(&mut self) {
        self.preview = None;
    }

    // ---- inside ----

    /// Finds out which runs the file has.
    fn query_store(&mut self) {
        let Some(file) = self.file.clone() else {
            return;
        };
        self.ticket += 1;
        self.store_query = StoreQuery::Coming;
        let (ticket, runs) = (self.ticket, self.runs.clone());
        self.ask(move || Answer::Survey(ticket, store_reader::survey(&file, &runs)));
    }

    fn ask(&mut self, work: impl FnOnce() -> Answer + Send + 'static) {
        let (sender, ctx) = (self.sender.clone(), self.ctx.clone());
        let spawned = thread::Builder::new()
            .name("results".to_owned())
            .spawn(move || {
                // The window may be gone by now; then nobody waits for the answer.
                let _ = sender.send(work());
                ctx.request_repaint();
            });
        if let Err(error) = spawned {
            self.error = Some(format!(
                "the system refuses a thread to read results: {error}"
            ));
        }
    }

    /// Takes in all that has arrived. Called once before each frame.
    pub fn receive(&mut self) {
        while let Ok(answer) = self.answers.try_recv() {
            match answer {
                Answer::Survey(ticket, result) if ticket == self.ticket => self.know(result),
                Answer::Survey(..) => {}
                Answer::Picture(id, picture) => {
                    if let Some(looked) = self.preview.as_mut().filter(|looked| looked.id == id) {
                        looked.picture = Some(picture);
                    }
                }
            }
        }
        if let Some(conductor) = self.measuring.take() {
            self.receive_estimate(conductor);
        }
        if let Some(mut sweep) = self.sweep.take() {
            match sweep.receive(&mut self.statuses) {
                None => self.sweep = Some(sweep),
                Some(end) => self.on_sweep_end(sweep, end),
            }
        }
    }

    fn know(&mut self, result: Result<Vec<RunStatus>, String>) {
        if self.store_query != StoreQuery::Coming || self.sweep.is_some() {
            return;
        }
        self.store_query = StoreQuery::There;
        match result {
            Ok(fates) => {
                for (known, fate) in self.statuses.iter_mut().zip(fates) {
                    // Some failures are no business of the file, and what was skipped never is.
                    if fate != RunStatus::Waiting || !known.is_told_here_only() {
                        *known = fate;
                    }
                }
            }
            Err(reason) => {
                self.measures = false;
                self.error = Some(reason);
            }
        }
    }

    fn receive_estimate(&mut self, conductor: SweepRunner) {
        while let Ok(event) = conductor.events().try_recv() {
            match event {
                SweepEvent::Prepared(outlook) => self.estimate = Some(outlook),
                SweepEvent::Ended(end) => {
                    if let SweepEnd::Failed(reason) = end {
                        self.error = Some(reason);
                    }
                    shut_down(conductor);
                    return;
                }
                _ => {}
            }
        }
        self.measuring = Some(conductor);
    }

    fn on_sweep_end(&mut self, sweep: RunningSweep, end: SweepEnd) {
        shut_down(sweep.into_conductor());
        for fate in &mut self.statuses {
            if matches!(fate, RunStatus::UnderWay(_)) {
                *fate = RunStatus::Waiting;
            }
        }
        self.end = Some(end);
        self.estimate = None;
        self.changed = Instant::now();
        self.measures = true;
        // Equal runs are done once: the file tells of which others that is true as well.
        self.store_query = StoreQuery::None;
    }
}

/// Lets a conductor end, and does not wait for it.
fn shut_down(conductor: SweepRunner) {
    conductor.send(SweepCommand::Cancel);
    // Dropping it waits for its thread.
    let spawned = thread::Builder::new()
        .name("ending".to_owned())
        .spawn(move || drop(conductor));
    drop(spawned);
}
