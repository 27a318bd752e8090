//! Events of the training thread.

use super::{RunContext, RunControl};
use crate::{
    gui::{
        commands::{Commands, NotificationCommand, RecoveryCommand, RunCommand},
        state::{Notification, RunView, seed_search::SeedSearchStep},
    },
    train::{Event, RunConfig, RunError, RunId, RunState, SnapshotSet},
};

impl RunControl {
    /// Takes everything that has arrived; returns whether the run on show has new snapshots.
    pub fn receive(&mut self, context: &RunContext<'_>, commands: &mut Commands) -> bool {
        let Some(worker) = &self.worker else {
            return false;
        };
        let events: Vec<Event> = worker.events().try_iter().collect();
        let snapshots = worker.snapshots().try_recv().ok();
        for event in events {
            self.on_event(event, commands);
        }
        snapshots.is_some_and(|snapshots| self.apply_snapshots(snapshots, context, commands))
    }

    fn on_event(&mut self, event: Event, commands: &mut Commands) {
        match event {
            Event::Started { .. } => self.on_started(event, commands),
            Event::Error { run, error } => self.on_error(run, error, commands),
            Event::Saved { file, .. } => {
                let text = format!("Run saved to {}", file.display());
                let saved = Notification::success(text).about("saved run");
                commands.push(saved.with_dismiss());
            }
            event => {
                if matches!(event, Event::Evaluated { .. }) {
                    commands.push(RecoveryCommand::RunEvaluated);
                }
                if let Some(view) = self.view.as_mut().filter(|view| view.id == event.run()) {
                    view.on_event(event);
                }
            }
        }
    }

    fn on_started(&mut self, event: Event, commands: &mut Commands) {
        let Event::Started {
            run,
            config,
            lanes,
            device,
            steps_per_epoch,
            parameters,
            ..
        } = event
        else {
            return;
        };
        let Some(pending) = self.pending.take_if(|pending| pending.id == run) else {
            return;
        };
        // λ and learning rate may have changed while the run was being prepared.
        self.config = RunConfig {
            lambda: self.config.lambda,
            learning_rate: self.config.learning_rate,
            ..config
        };
        let mut view = RunView::new(
            run,
            self.config.clone(),
            &lanes,
            (pending.source, pending.dataset),
            device,
            steps_per_epoch,
            parameters,
        );
        if let Some(checkpoint) = &pending.checkpoint {
            view.restore(checkpoint);
        }
        view.show(view.nearest(self.config.lambda));
        self.view = Some(view);
        commands.push(NotificationCommand::RunStarted);
    }

    fn on_error(&mut self, run: RunId, error: RunError, commands: &mut Commands) {
        if !matches!(error, RunError::CannotSave { .. }) {
            self.seed_search.stop();
        }
        match error {
            RunError::CannotSave { reason } => {
                let text = format!("Could not save the run: {reason}");
                commands.push(Notification::error(text).with_dismiss());
            }
            RunError::NotFinite {
                lane,
                step,
                can_roll_back,
            } => {
                if let Some(view) = self.view.as_ref().filter(|view| view.id == run) {
                    let name = view.is_spectrum().then(|| view.lane_name(lane));
                    commands.push(not_finite(name.as_deref(), lane, step, can_roll_back));
                }
            }
            RunError::CannotStart {
                reason,
                is_of_device,
            } => {
                if self.pending.take_if(|pending| pending.id == run).is_some() {
                    self.keep_settings_of_view();
                    commands.push(RecoveryCommand::ResumeFailed);
                    commands.push(cannot_start(&reason, is_of_device));
                }
            }
            RunError::Crashed { reason } => {
                self.worker = None;
                if let Some(view) = &mut self.view {
                    view.set_state(RunState::Paused);
                }
                commands.push(crashed(&reason));
            }
        }
    }

    /// The run on show continues, and with it its settings.
    fn keep_settings_of_view(&mut self) {
        if let Some(view) = &self.view {
            self.config = RunConfig {
                lambda: self.config.lambda,
                learning_rate: self.config.learning_rate,
                ..view.config.clone()
            };
            self.source = view.source.clone();
        }
    }

    fn apply_snapshots(
        &mut self,
        snapshots: SnapshotSet,
        context: &RunContext<'_>,
        commands: &mut Commands,
    ) -> bool {
        let view = self.view.as_mut();
        let Some(view) = view.filter(|view| view.id == snapshots.run) else {
            return false;
        };
        view.apply_snapshots(snapshots);
        // With any seed, some networks of a spectrum may be dead.
        if self.pending.is_none()
            && !view.is_spectrum()
            && let Some(snapshot) = &view.shown().snapshot
        {
            match self.seed_search.on_snapshot(snapshot, self.config.seed) {
                Some(SeedSearchStep::TryNext) => self.try_next_seed(context, commands),
                Some(SeedSearchStep::Found(found)) => commands.push(*found),
                None => {}
            }
        }
        true
    }
}

fn not_finite(network: Option<&str>, lane: usize, step: u64, can_roll_back: bool) -> Notification {
    let text = match network {
        Some(network) => format!(
            "Loss of {network} became NaN or infinite at step {step}. The other networks continue"
        ),
        None => format!("Loss became NaN or infinite at step {step}. Try a lower learning rate"),
    };
    let mut notification = Notification::error(text).of_run();
    if can_roll_back {
        notification = notification.with_action(
            "Roll back",
            "Return to the last evaluation with finite losses, and pause there",
            RunCommand::RollBack { lane },
        );
    }
    notification.with_restart().with_new_seed()
}

fn cannot_start(reason: &str, is_of_device: bool) -> Notification {
    let mut notification =
        Notification::error(format!("Could not start the run: {reason}")).of_run();
    if is_of_device {
        notification = notification.with_action(
            "Use the CPU",
            "Start with the same settings on the CPU",
            RunCommand::RestartOnCpu,
        );
    }
    notification.with_dismiss()
}

/// The training thread has ended.
pub(super) fn crashed(reason: &str) -> Notification {
    Notification::error(format!("Training stopped: {reason}"))
        .of_run()
        .with_restart()
        .with_action(
            "Restart on the CPU",
            "Start again with the same settings on the CPU",
            RunCommand::RestartOnCpu,
        )
}
