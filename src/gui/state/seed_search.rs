//! Trying seeds, in plain sight, until enough latent units live.

use crate::train::Snapshot;

/// Living units that a latent needs: all of a small one, so that its cloud is not flat; of a larger
/// one always some units die, and no seed keeps them all.
const NEEDED: usize = 3;

/// Whether so many units are dead that the latent has lost dimensions of the scene.
pub fn is_flat(snapshot: &Snapshot) -> bool {
    let units = snapshot.dead.len();
    units - snapshot.dead_units() < units.min(NEEDED)
}

/// Steps for which these units must stay alive before a seed counts as living: an unlucky latent
/// dies within the first dozens of steps.
const SURVIVAL_STEPS: u64 = 60;

/// Seeds after which a search ends: where this many die, the settings are the reason.
pub const MOST_SEEDS: usize = 100;

/// A search under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedSearch {
    /// Seeds begun so far, the running one included.
    pub tried: usize,
}

/// What a snapshot means for the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Too few units live: on to the next seed.
    Dead,
    /// Enough live, but for too short a time to tell.
    TooEarly,
    /// They have lived long enough.
    Lives,
}

impl SeedSearch {
    /// Judges the running seed by a look at its model.
    pub fn judge(snapshot: &Snapshot) -> Verdict {
        if is_flat(snapshot) {
            Verdict::Dead
        } else if snapshot.step < SURVIVAL_STEPS {
            Verdict::TooEarly
        } else {
            Verdict::Lives
        }
    }
}
