//! What the threads say, and what becomes of it.

use super::{
    Notification, RunView, State,
    loader::Answer,
    seed_search::{MOST_SEEDS, SeedSearch, Verdict},
};
use crate::train::{Event, RunConfig, RunError, RunId, RunState, SnapshotSet};

impl State {
    /// Takes in everything that has arrived. Called once before each frame.
    pub fn receive(&mut self) {
        self.downloads.receive();
        self.experiment.receive();
        self.receive_exports();
        self.results.receive();
        while let Some(result) = self.loader.take_next() {
            match result {
                Ok(Answer::Image(shape, pixels)) => self.arrived = Some((shape, pixels)),
                Ok(Answer::DataSet(source, dataset)) => {
                    if let Some(first) = dataset.skipped.first() {
                        self.notify(Notification::Skipped {
                            count: dataset.skipped.len(),
                            first: first.clone(),
                        });
                    }
                    let config = self.waiting.take().unwrap_or_else(|| self.config.clone());
                    self.selected = None;
                    self.begin(config, source, dataset);
                }
                Ok(Answer::Run(opened)) => self.go_on_with(opened),
                Ok(Answer::NoRun(reason)) => self.hear_bad_run(reason),
                Ok(Answer::SaveTo(file)) => self.save_run(file),
                Err(reason) => {
                    (self.waiting, self.wanted_lambda) = (None, None);
                    self.notify(Notification::BadFile { reason });
                }
            }
        }
        let Some(worker) = &self.worker else { return };
        let events: Vec<Event> = worker.events().try_iter().collect();
        let panorama = worker.snapshots().try_recv().ok();
        for event in events {
            self.hear(event);
        }
        if let Some(panorama) = panorama {
            self.look(panorama);
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Started {
                run,
                config,
                lanes,
                device,
                steps_per_epoch,
                parameters,
                ..
            } => {
                let Some(pending) = self.pending.take_if(|pending| pending.id == run) else {
                    return;
                };
                // λ and learning rate may have moved on while the run was being prepared.
                let config = RunConfig {
                    lambda: self.config.lambda,
                    learning_rate: self.config.learning_rate,
                    ..config
                };
                self.config = config.clone();
                let mut view = RunView::new(
                    run,
                    config,
                    &lanes,
                    (pending.source, pending.dataset),
                    device,
                    steps_per_epoch,
                    parameters,
                );
                if let Some(saved) = &pending.saved {
                    view.restore(saved);
                }
                view.show(view.nearest(self.config.lambda));
                self.run = Some(view);
                self.notifications.retain(|notice| {
                    matches!(
                        notice,
                        Notification::BadFile { .. }
                            | Notification::BadRun { .. }
                            | Notification::CannotSave { .. }
                            | Notification::LeftOver { .. }
                            | Notification::SavedTo { .. }
                            | Notification::Skipped { .. }
                            | Notification::Found { .. }
                            | Notification::Exported { .. }
                            | Notification::NotExported { .. }
                    )
                });
            }
            Event::Error {
                run,
                error: problem,
            } => self.hear_problem(run, problem),
            Event::Saved { file, .. } => {
                self.notifications
                    .retain(|notice| !matches!(notice, Notification::SavedTo { .. }));
                self.notify(Notification::SavedTo { file });
            }
            event => {
                if matches!(event, Event::Evaluated { .. }) {
                    self.is_safe();
                }
                if let Some(run) = &mut self.run
                    && run.id == event.run()
                {
                    run.hear(event);
                }
            }
        }
    }

    fn hear_problem(&mut self, run: RunId, problem: RunError) {
        if let RunError::CannotSave { reason } = problem {
            self.notify(Notification::CannotSave { reason });
            return;
        }
        self.seed_search = None;
        match problem {
            RunError::CannotSave { .. } => {}
            RunError::NotFinite {
                lane,
                step,
                can_roll_back,
            } => {
                if let Some(shown) = self.run.as_mut().filter(|shown| shown.id == run) {
                    shown.hear_not_finite(lane);
                    let name = shown.is_spectrum().then(|| shown.name(lane));
                    self.notify(Notification::NotFinite {
                        lane,
                        name,
                        step,
                        can_roll_back,
                    });
                }
            }
            RunError::CannotStart { reason } => {
                if self.pending.take_if(|pending| pending.id == run).is_some() {
                    self.give_up_taking();
                    // The earlier run goes on, and so do its settings.
                    if let Some(shown) = &self.run {
                        self.config = RunConfig {
                            lambda: self.config.lambda,
                            learning_rate: self.config.learning_rate,
                            ..shown.config.clone()
                        };
                    }
                    self.notify(Notification::CannotStart { reason });
                }
            }
            RunError::Crashed { reason } => {
                self.worker = None;
                if let Some(shown) = &mut self.run {
                    shown.enter(RunState::Paused);
                }
                self.notify(Notification::Crashed { reason });
            }
        }
    }

    fn look(&mut self, panorama: SnapshotSet) {
        let Some(run) = &mut self.run else { return };
        if panorama.run != run.id {
            return;
        }
        run.see(panorama);
        self.exporting.look(run);
        // Of a spectrum some λ may be dead with any seed.
        if self.pending.is_some() || run.is_spectrum() {
            return;
        }
        let Some(snapshot) = &run.shown().snapshot else {
            return;
        };
        let verdict = SeedSearch::judge(snapshot);
        let of = snapshot.dead.len();
        let living = of - snapshot.dead_units();
        match (self.seed_search, verdict) {
            (Some(hunt), Verdict::Dead) if hunt.tried < MOST_SEEDS => self.new_seed(),
            (Some(_), Verdict::Dead) => self.seed_search = None,
            (Some(hunt), Verdict::Lives) => {
                self.seed_search = None;
                self.notify(Notification::Found {
                    seed: self.config.seed,
                    tried: hunt.tried,
                    living,
                    of,
                });
            }
            (Some(_), Verdict::TooEarly) | (None, _) => {}
        }
    }
}
