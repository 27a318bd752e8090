//! Which runs a figure shows, and what it says of the others.

use super::panels::runs;
use crate::experiment::{Outcome, Series};

/// What becomes of runs with a latent that is zero for every image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeadRuns {
    /// They are shown, hollow.
    #[default]
    Hollow,
    /// They are left out, and counted.
    LeftOut,
}

/// Counts what is shown and what is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    hollow: usize,
    left_out: usize,
    not_finite: usize,
}

impl Choice {
    /// The runs of `series` that can be shown.
    pub fn of(&mut self, series: &Series<'_>, dead: DeadRuns) -> Vec<Outcome> {
        let mut outcomes = series.outcomes();
        outcomes.retain(|run| {
            let count = match (run.is_finite(), run.dead, dead) {
                (false, ..) => &mut self.not_finite,
                (true, true, DeadRuns::LeftOut) => &mut self.left_out,
                (true, true, DeadRuns::Hollow) => &mut self.hollow,
                (true, false, _) => return true,
            };
            *count += 1;
            run.is_finite() && dead == DeadRuns::Hollow
        });
        outcomes
    }

    /// `words`, and what is to be said of dead and diverged runs.
    pub fn caption(&self, words: &str) -> String {
        let told = [
            (self.hollow, "Hollow: every latent unit is dead"),
            (self.left_out, "Left out, as every latent unit is dead"),
            (self.not_finite, "Left out, as a loss is not a number"),
        ];
        let told = told.into_iter().filter(|(count, _)| *count > 0);
        let told = told.map(|(count, what)| format!("{what} ({}).", runs(count)));
        let parts: Vec<String> = std::iter::once(words.to_owned()).chain(told).collect();
        parts.join(" ")
    }
}
