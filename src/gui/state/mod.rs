//! The state of the window, in parts with one owner each.
//!
//! The window reads the parts and changes them by commands alone. Nothing here blocks: files,
//! devices and training are handled by background threads, whose results [`State::update`] takes
//! before each frame. Parts do not call each other; what one needs of another, it requests by a
//! command.

pub mod downloads;
pub mod exports;
mod figure_data;
pub mod lane_view;
mod loader;
mod memory;
mod notifications;
mod playback;
mod probe;
mod recovery;
pub mod results;
pub mod run;
pub mod run_view;
mod seed_search;
pub mod stored_spectra;
pub mod sweep;

use std::{path::Path, time::Duration};

use self::{
    downloads::Downloads,
    exports::Exports,
    loader::{LoadContext, Loader},
    memory::MemoryMonitor,
    notifications::Notifications,
    playback::Playback,
    probe::ProbeState,
    recovery::Recovery,
    results::Results,
    run::{RunContext, RunControl},
    sweep::SweepState,
};
pub use self::{
    exports::{AllOptions, Export},
    lane_view::LaneView,
    notifications::{Level, Notification, NotificationAction, NotificationId},
    probe::ProbeSelection,
    run_view::RunView,
};
use super::commands::{Command, Commands, DataCommand, ResultsCommand, StartSettings};
use crate::{data::DataSource, jobs::Wake, train::RunConfig};

#[derive(Debug)]
pub struct State {
    /// The run on show.
    pub run: RunControl,
    /// The test images of its snapshots.
    pub probe: ProbeState,
    /// The full data sets.
    pub downloads: Downloads,
    /// The results file.
    pub results: Results,
    /// The sweep.
    pub sweep: SweepState,
    /// Exports of figures and animations.
    pub exports: Exports,
    /// The memory that is free.
    pub memory: MemoryMonitor,
    loader: Loader,
    notifications: Notifications,
    recovery: Recovery,
    /// Seconds on the window's clock.
    now: f64,
}

impl State {
    /// Requests to load `source`; training starts when it has been loaded. `wake` is called when
    /// there is something to receive.
    pub fn new(
        wake: &Wake,
        config: RunConfig,
        source: DataSource,
        selection: ProbeSelection,
        commands: &mut Commands,
    ) -> Self {
        commands.push(DataCommand::Load {
            source: source.clone(),
            settings: StartSettings::default(),
        });
        Self {
            run: RunControl::new(wake.clone(), config, source),
            probe: ProbeState::new(selection),
            downloads: Downloads::new(wake.clone()),
            results: Results::new(wake.clone()),
            sweep: SweepState::new(wake.clone()),
            exports: Exports::new(wake.clone()),
            memory: MemoryMonitor::new(wake.clone()),
            loader: Loader::new(wake.clone()),
            notifications: Notifications::default(),
            recovery: Recovery::default(),
            now: 0.0,
        }
    }

    /// Whether a data set is being loaded or a run is being started.
    pub fn is_preparing(&self) -> bool {
        self.loader.is_busy() || self.run.is_starting()
    }

    /// The current notifications; those with an id can be dismissed.
    pub fn notifications(&self) -> Vec<(Option<NotificationId>, Notification)> {
        let stored = self.notifications.iter();
        let stored = stored.map(|(id, notification)| (Some(*id), notification.clone()));
        let current = [self.exports.notification(), self.run.notification()];
        let current = current.into_iter().flatten();
        stored
            .chain(current.map(|notification| (None, notification)))
            .collect()
    }

    /// Saves runs in `folder` in case of a crash, and offers to resume one that a crash has left
    /// there.
    pub fn enable_recovery(&mut self, folder: &Path, commands: &mut Commands) {
        self.recovery.enable(folder, commands);
    }

    /// Takes everything that background threads have finished. Called before each frame with the
    /// seconds on the window's clock; returns the time until the next one if something is moving.
    pub fn update(&mut self, now: f64, commands: &mut Commands) -> Option<Duration> {
        self.now = now;
        self.downloads.receive();
        self.sweep.receive();
        self.exports.receive(commands);
        self.results.receive();
        self.memory.receive();
        self.loader.receive(commands);
        let context = RunContext {
            probe: &self.probe,
            autosave: self.recovery.file(),
            now,
        };
        if self.run.receive(&context, commands) {
            self.exports.on_snapshots(self.run.view());
        }
        let is_playing = self.run.advance_playback(now);
        is_playing.then_some(Playback::INTERVAL)
    }

    /// Executes a command; what follows from it is added to `commands`.
    pub fn execute(&mut self, command: Command, commands: &mut Commands) {
        match command {
            Command::Run(command) => {
                let context = RunContext {
                    probe: &self.probe,
                    autosave: self.recovery.file(),
                    now: self.now,
                };
                self.run.execute(command, &context, commands);
            }
            Command::Data(command) => {
                let context = LoadContext {
                    locator: self.downloads.locator.clone(),
                    import: self.run.import_settings(),
                    file_name: self.run.file_name(),
                };
                self.loader.execute(command, context);
            }
            Command::Download(command) => self.downloads.execute(command),
            Command::Probe(command) => {
                if self.probe.execute(command) {
                    self.run.set_probe(&self.probe);
                }
            }
            Command::Sweep(command) => self.sweep.execute(command),
            Command::Export(command) => self.execute_export(command, commands),
            Command::Results(command) => {
                if let ResultsCommand::SetFile(file) = &command {
                    self.sweep.set_file(file.clone());
                }
                self.results.execute(command);
            }
            Command::Recovery(command) => {
                let is_preparing = self.is_preparing();
                self.recovery.execute(&command, is_preparing, commands);
            }
            Command::Notification(command) => self.notifications.execute(command),
            Command::MeasureMemory(backend) => self.memory.measure(backend),
            // Executed by the app.
            Command::View(_) => {}
        }
    }

    /// Ends cleanly: no run is left to recover.
    pub fn close(&mut self) {
        // All threads stop at the same time: each may take a while.
        self.exports.cancel();
        self.sweep.close();
        // It may still be writing the file that is removed next.
        self.run.close();
        self.recovery.close();
    }
}
