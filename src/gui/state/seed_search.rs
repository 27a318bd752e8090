//! The search for a seed whose latent units stay alive: one run after the other, on screen.

use super::Notification;
use crate::{
    format::plural,
    gui::commands::RunCommand,
    train::{RunId, Snapshot},
};

/// Number of living units that suffice: all units of a small latent, so that its cloud is not flat.
/// Some units of a larger latent always die, whatever the seed.
const NEEDED: usize = 3;
/// Steps that these units must survive: in an unlucky run they die within the first dozens of
/// steps.
const SURVIVAL_STEPS: u64 = 60;
/// Seeds after which a search ends: if this many die, the settings are the cause.
const MAX_SEEDS: usize = 100;

#[derive(Debug, Default)]
pub struct SeedSearch {
    /// Number of seeds tried, the current one included.
    tries: Option<usize>,
    /// The run whose dead units are not to be reported.
    ignored: Option<RunId>,
}

impl SeedSearch {
    /// Continues, or begins, with another seed.
    pub fn try_next(&mut self) {
        self.tries = Some(self.tries.unwrap_or(0) + 1);
    }

    pub fn stop(&mut self) {
        self.tries = None;
    }

    /// Does not report dead units of this run again.
    pub fn ignore(&mut self, run: Option<RunId>) {
        self.ignored = run;
    }

    /// Evaluates the seed that is being tried by a snapshot; returns what to do next.
    pub fn on_snapshot(&mut self, snapshot: &Snapshot, seed: u64) -> Option<SeedSearchStep> {
        let tries = self.tries?;
        if is_flat(snapshot) && tries < MAX_SEEDS {
            return Some(SeedSearchStep::TryNext);
        }
        if !is_flat(snapshot) && snapshot.step < SURVIVAL_STEPS {
            return None;
        }
        self.stop();
        let found = || SeedSearchStep::Found(Box::new(success(snapshot, seed, tries)));
        (!is_flat(snapshot)).then(found)
    }

    /// The search in progress, or the dead units of the run on show.
    pub fn notification(
        &self,
        run: RunId,
        seed: u64,
        snapshot: Option<&Snapshot>,
    ) -> Option<Notification> {
        if let Some(tries) = self.tries {
            let text = format!("Looking for a seed with living units: seed {seed}, try {tries}");
            let tooltip = "Keep the seed that is being tried";
            let stop = RunCommand::StopSeedSearch;
            return Some(Notification::progress(text).with_action("Stop", tooltip, stop));
        }
        let snapshot = snapshot.filter(|snapshot| is_flat(snapshot))?;
        (self.ignored != Some(run)).then(|| {
            let text = dead_units(snapshot.dead_units(), snapshot.dead.len());
            Notification::warning(text).with_new_seed().with_action(
                "Ignore",
                "Keep this seed, and close this message for this run",
                RunCommand::IgnoreDeadUnits,
            )
        })
    }
}

/// What follows from a snapshot of the seed that is being tried.
#[derive(Debug)]
pub enum SeedSearchStep {
    TryNext,
    Found(Box<Notification>),
}

/// Whether so many units are dead that the cloud has lost dimensions.
fn is_flat(snapshot: &Snapshot) -> bool {
    let units = snapshot.dead.len();
    units - snapshot.dead_units() < units.min(NEEDED)
}

fn success(snapshot: &Snapshot, seed: u64, tries: usize) -> Notification {
    let units = snapshot.dead.len();
    let alive = units - snapshot.dead_units();
    let alive = match (alive, units) {
        (_, 0) => "its latent units cannot die".to_owned(),
        (1, 1) => "the latent unit is alive".to_owned(),
        _ if alive == units => format!("all {units} latent units are alive"),
        _ => format!("{alive} of {units} latent units are alive"),
    };
    let text = format!("Seed {seed}: {alive} ({} tried)", plural(tries, "seed"));
    Notification::success(text).of_run().with_dismiss()
}

fn dead_units(dead: usize, units: usize) -> String {
    if dead < units {
        let are = if dead == 1 { "is" } else { "are" };
        return format!(
            "{dead} of {units} latent units {are} dead (always 0), and this seed is unlikely to recover"
        );
    }
    let all = match units {
        1 => "The latent unit is dead".to_owned(),
        _ => format!("All {units} latent units are dead"),
    };
    format!("{all}: z is 0 for every image, and this seed cannot recover")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_about_dead_units_agree_in_number() {
        assert!(dead_units(1, 3).starts_with("1 of 3 latent units is dead"));
        assert!(dead_units(2, 3).starts_with("2 of 3 latent units are dead"));
        assert!(dead_units(3, 3).starts_with("All 3 latent units are dead"));
        assert!(dead_units(1, 1).starts_with("The latent unit is dead"));
    }
}
