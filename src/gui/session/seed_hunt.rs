//! Trying seeds, in plain sight, until all latent units live.

use crate::train::Snapshot;

/// Steps for which every unit must stay alive before a seed counts as living: an unlucky latent
/// dies within the first dozens of steps.
const SURVIVAL_STEPS: u64 = 60;

/// A search under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeedHunt {
    /// Seeds begun so far, the running one included.
    pub tried: usize,
}

/// What a snapshot means for the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A unit is dead: on to the next seed.
    Dead,
    /// All live, but for too short a time to tell.
    TooEarly,
    /// All have lived long enough.
    Lives,
}

impl SeedHunt {
    /// Judges the running seed by a look at its model.
    pub fn judge(snapshot: &Snapshot) -> Verdict {
        if snapshot.dead_units() > 0 {
            Verdict::Dead
        } else if snapshot.step < SURVIVAL_STEPS {
            Verdict::TooEarly
        } else {
            Verdict::Lives
        }
    }
}
