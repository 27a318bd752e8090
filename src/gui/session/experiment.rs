//! Many runs at once: the grid, what has become of each of its runs, and the thread that carries them out.

mod archive;
mod fate;
mod picture;
mod sweep;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, unbounded};
use eframe::egui::Context;

use self::archive::Answer;
use crate::experiment::{
    Conductor, Grid, RunSpec, SweepCommand, SweepEnd, SweepEvent,
    conductor::{Options, Outlook},
    grid::GridError,
    store,
};

pub use self::{
    fate::{Fate, Finished},
    picture::RunPicture,
    sweep::{Stage, Sweep},
};

/// How long a grid must stand still before it is measured.
const SETTLED: Duration = Duration::from_millis(700);

/// A grid of runs, and all that panes read and change of it. Nothing here waits for files, measurements or
/// training.
#[derive(Debug)]
pub struct Experiment {
    ctx: Context,
    /// Where results go; none where the system has no place for them.
    file: Option<PathBuf>,
    grid: Option<Grid>,
    wrong: Option<GridError>,
    runs: Arc<[RunSpec]>,
    /// Of every run.
    fates: Vec<Fate>,
    /// Places of runs, those together that belong together.
    order: Vec<usize>,
    /// When the grid was last changed.
    changed: Instant,
    knowledge: Knowledge,
    /// Tells an answer from those to earlier questions.
    ticket: u64,
    answers: Receiver<Answer>,
    sender: Sender<Answer>,
    /// The measurement under way.
    measuring: Option<Conductor>,
    outlook: Option<Outlook>,
    /// Whether the grid is measured by itself.
    measures: bool,
    sweep: Option<Sweep>,
    /// How the last sweep ended.
    end: Option<SweepEnd>,
    trouble: Option<String>,
    looked: Option<Looked>,
}

/// What is known of the file of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Knowledge {
    /// It has not been read for this grid.
    None,
    /// It is being read.
    Coming,
    /// The fates are as it has them.
    There,
}

/// The finished run that is looked at.
#[derive(Debug)]
pub struct Looked {
    /// Its number in the file.
    pub id: i64,
    /// What the list calls it.
    pub name: String,
    /// Once it has been read; the error is one sentence.
    pub picture: Option<Result<Box<RunPicture>, String>>,
}

impl Experiment {
    /// `ctx` is woken when something has happened.
    pub fn new(ctx: Context) -> Self {
        let (sender, answers) = unbounded();
        Self {
            ctx,
            file: store::default_file(),
            grid: None,
            wrong: None,
            runs: Arc::default(),
            fates: Vec::new(),
            order: Vec::new(),
            changed: Instant::now(),
            knowledge: Knowledge::None,
            ticket: 0,
            answers,
            sender,
            measuring: None,
            outlook: None,
            measures: true,
            sweep: None,
            end: None,
            trouble: None,
            looked: None,
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
    pub fn fates(&self) -> &[Fate] {
        &self.fates
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
    pub fn count(&self, such: impl Fn(&Fate) -> bool) -> usize {
        self.fates.iter().filter(|fate| such(fate)).count()
    }

    /// Whether it is known which runs the file has.
    pub fn is_known(&self) -> bool {
        self.knowledge == Knowledge::There
    }

    /// What the runs that are left will take, once it has been measured.
    pub fn outlook(&self) -> Option<&Outlook> {
        self.outlook.as_ref()
    }

    pub fn is_measuring(&self) -> bool {
        self.measuring.is_some()
    }

    /// The sweep under way.
    pub fn sweep(&self) -> Option<&Sweep> {
        self.sweep.as_ref()
    }

    /// How the last one ended.
    pub fn end(&self) -> Option<&SweepEnd> {
        self.end.as_ref()
    }

    /// Why file or measurement say nothing.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// The run that is looked at.
    pub fn looked(&self) -> Option<&Looked> {
        self.looked.as_ref()
    }

    // ---- what the pane asks for ----

    /// Keeps results in another file.
    pub fn set_file(&mut self, file: PathBuf) {
        self.file = Some(file);
        self.knowledge = Knowledge::None;
    }

    /// Takes another grid, unless one is being carried out, and finds out what is known of it. Called in every frame in which
    /// the pane is seen.
    pub fn attend(&mut self, grid: &Grid) {
        if self.sweep.is_some() {
            return;
        }
        if self.grid.as_ref() != Some(grid) {
            self.take(grid);
        }
        if self.knowledge == Knowledge::None && !self.runs.is_empty() {
            self.survey();
        }
        let wants = self.measures
            && self.is_known()
            && self.outlook.is_none()
            && self.measuring.is_none()
            && self.count(Fate::is_open) > 0;
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
        self.fates = vec![Fate::Waiting; self.runs.len()];
        self.order = fate::order(&self.runs);
        self.changed = Instant::now();
        self.knowledge = Knowledge::None;
        self.outlook = None;
        self.measures = true;
        self.end = None;
        self.trouble = None;
    }

    /// Measures what the runs that are left will take.
    pub fn measure(&mut self) {
        let Some(file) = self.file.clone() else {
            return;
        };
        // One attempt; another only if asked for.
        self.measures = false;
        self.trouble = None;
        let options = Options {
            outlook_only: true,
            ..Options::default()
        };
        match self.spawn(self.runs.to_vec(), file, options) {
            Ok(conductor) => self.measuring = Some(conductor),
            Err(reason) => self.trouble = Some(reason),
        }
    }

    /// Gives the measurement up.
    pub fn stop_measuring(&mut self) {
        self.measures = false;
        if let Some(conductor) = self.measuring.take() {
            retire(conductor);
        }
    }

    /// Does all runs that the file does not have.
    pub fn start(&mut self) {
        self.begin((0..self.runs.len()).collect(), false);
    }

    /// Does the failed runs again.
    pub fn try_again(&mut self) {
        let failed = |place: &usize| matches!(self.fates[*place], Fate::Failed(_));
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
        let options = Options {
            again,
            ..Options::default()
        };
        self.end = None;
        self.trouble = None;
        match self.spawn(specs.collect(), file, options) {
            Ok(conductor) => self.sweep = Some(Sweep::new(conductor, places)),
            Err(reason) => self.trouble = Some(reason),
        }
    }

    fn spawn(
        &self,
        specs: Vec<RunSpec>,
        file: PathBuf,
        options: Options,
    ) -> Result<Conductor, String> {
        let ctx = self.ctx.clone();
        Conductor::spawn(specs, file, options, move || ctx.request_repaint())
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
    pub fn look(&mut self, place: usize) {
        let (Some(Fate::Done(done)), Some(spec), Some(file)) =
            (self.fates.get(place), self.runs.get(place), &self.file)
        else {
            return;
        };
        let (id, file) = (done.id, file.clone());
        self.looked = Some(Looked {
            id,
            name: spec.to_string(),
            picture: None,
        });
        self.ask(move || Answer::Picture(id, archive::picture(&file, id)));
    }

    /// Looks at none.
    pub fn look_away(&mut self) {
        self.looked = None;
    }

    // ---- inside ----

    /// Finds out which runs the file has.
    fn survey(&mut self) {
        let Some(file) = self.file.clone() else {
            return;
        };
        self.ticket += 1;
        self.knowledge = Knowledge::Coming;
        let (ticket, runs) = (self.ticket, self.runs.clone());
        self.ask(move || Answer::Survey(ticket, archive::survey(&file, &runs)));
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
            self.trouble = Some(format!(
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
                    if let Some(looked) = self.looked.as_mut().filter(|looked| looked.id == id) {
                        looked.picture = Some(picture);
                    }
                }
            }
        }
        if let Some(conductor) = self.measuring.take() {
            self.hear_measurement(conductor);
        }
        if let Some(mut sweep) = self.sweep.take() {
            match sweep.receive(&mut self.fates) {
                None => self.sweep = Some(sweep),
                Some(end) => self.conclude(sweep, end),
            }
        }
    }

    fn know(&mut self, result: Result<Vec<Fate>, String>) {
        if self.knowledge != Knowledge::Coming || self.sweep.is_some() {
            return;
        }
        self.knowledge = Knowledge::There;
        match result {
            Ok(fates) => {
                for (known, fate) in self.fates.iter_mut().zip(fates) {
                    // Some failures are no business of the file, and what was skipped never is.
                    if fate != Fate::Waiting || !known.is_told_here_only() {
                        *known = fate;
                    }
                }
            }
            Err(reason) => {
                self.measures = false;
                self.trouble = Some(reason);
            }
        }
    }

    fn hear_measurement(&mut self, conductor: Conductor) {
        while let Ok(event) = conductor.events().try_recv() {
            match event {
                SweepEvent::Prepared(outlook) => self.outlook = Some(outlook),
                SweepEvent::Ended(end) => {
                    if let SweepEnd::Broken(reason) = end {
                        self.trouble = Some(reason);
                    }
                    retire(conductor);
                    return;
                }
                _ => {}
            }
        }
        self.measuring = Some(conductor);
    }

    fn conclude(&mut self, sweep: Sweep, end: SweepEnd) {
        retire(sweep.into_conductor());
        for fate in &mut self.fates {
            if matches!(fate, Fate::UnderWay(_)) {
                *fate = Fate::Waiting;
            }
        }
        self.end = Some(end);
        self.outlook = None;
        self.changed = Instant::now();
        self.measures = true;
        // Equal runs are done once: the file tells of which others that is true as well.
        self.knowledge = Knowledge::None;
    }
}

/// Lets a conductor end, and does not wait for it.
fn retire(conductor: Conductor) {
    conductor.send(SweepCommand::Cancel);
    // Dropping it waits for its thread.
    let spawned = thread::Builder::new()
        .name("ending".to_owned())
        .spawn(move || drop(conductor));
    drop(spawned);
}
