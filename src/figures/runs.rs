//! The runs that a chart shows, and what it says of those that it does not.

use super::panels::count_of_runs;
use crate::sweep::{Outcome, Series};

/// What becomes of runs with a latent that is zero for every image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeadRuns {
    /// They are shown, hollow.
    #[default]
    Hollow,
    /// They are left out, and counted.
    LeftOut,
}

impl DeadRuns {
    /// Left out if `left_out`, else hollow.
    pub fn left_out(left_out: bool) -> Self {
        if left_out {
            Self::LeftOut
        } else {
            Self::Hollow
        }
    }
}

/// What a panel of a chart shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Runs {
    /// Its title: "MNIST, FC Medium, n = 3".
    pub title: String,
    /// What people call the data set; panels of one data set have the same axes.
    pub data_name: String,
    /// Runs that differ in λ and seed only.
    pub outcomes: Vec<Outcome>,
}

impl Runs {
    /// The runs of a series.
    pub fn of(series: &Series<'_>) -> Self {
        Self {
            title: series.title.clone(),
            data_name: series.records[0].data_name.clone(),
            outcomes: series.outcomes(),
        }
    }
}

/// Counts what is shown and what is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    hollow: usize,
    left_out: usize,
    not_finite: usize,
}

impl Choice {
    /// Those of `runs` that can be shown.
    fn of(&mut self, runs: &Runs, dead: DeadRuns) -> Vec<Outcome> {
        let mut outcomes = runs.outcomes.clone();
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

    /// A panel made by `panel` for each of `runs` of which something can be shown, in their order.
    pub fn panels<P>(
        &mut self,
        runs: &[Runs],
        dead: DeadRuns,
        panel: impl Fn(&Runs, Vec<Outcome>) -> P,
    ) -> Vec<P> {
        let mut panels = Vec::new();
        for of_panel in runs {
            let outcomes = self.of(of_panel, dead);
            if !outcomes.is_empty() {
                panels.push(panel(of_panel, outcomes));
            }
        }
        panels
    }

    /// `words`, and what is to be said of dead and diverged runs.
    pub fn caption(&self, words: &str) -> String {
        let told = [
            (self.hollow, "Hollow: every latent unit is dead"),
            (self.left_out, "Left out, as every latent unit is dead"),
            (self.not_finite, "Left out, as a loss is not a number"),
        ];
        let told = told.into_iter().filter(|(count, _)| *count > 0);
        let told = told.map(|(count, what)| format!("{what} ({}).", count_of_runs(count)));
        let parts: Vec<String> = std::iter::once(words.to_owned()).chain(told).collect();
        parts.join(" ")
    }
}
