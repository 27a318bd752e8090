//! The runs of charts: dead and diverged ones are marked or left out, and counted.

use crate::sweep::{Outcome, Series};

/// What happens to runs whose latent units are all dead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeadRuns {
    /// They are drawn hollow.
    #[default]
    Hollow,
    /// They are left out and counted in the caption.
    LeftOut,
}

impl DeadRuns {
    /// [`Self::LeftOut`] if `leave_out`, [`Self::Hollow`] otherwise.
    pub fn new(leave_out: bool) -> Self {
        if leave_out {
            Self::LeftOut
        } else {
            Self::Hollow
        }
    }
}

/// The runs of one panel of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelRuns {
    /// Title of the panel: "MNIST, FC Medium, n = 3".
    pub title: String,
    /// Name of the data set; panels with the same one have the same axes.
    pub data_name: String,
    /// Results of runs that differ only in λ and seed.
    pub outcomes: Vec<Outcome>,
}

impl From<&Series<'_>> for PanelRuns {
    fn from(series: &Series<'_>) -> Self {
        Self {
            title: series.title.clone(),
            data_name: series.records[0].data_name.clone(),
            outcomes: series.outcomes(),
        }
    }
}

/// Selects the runs that a chart shows and counts the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunFilter {
    dead: DeadRuns,
    hollow: usize,
    left_out: usize,
    not_finite: usize,
}

impl RunFilter {
    pub fn new(dead: DeadRuns) -> Self {
        Self {
            dead,
            ..Self::default()
        }
    }

    pub fn accepts(self, run: &Outcome) -> bool {
        run.is_finite() && (!run.dead || self.dead == DeadRuns::Hollow)
    }

    fn count(&mut self, run: &Outcome) {
        let count = match (run.is_finite(), run.dead, self.dead) {
            (false, ..) => &mut self.not_finite,
            (true, true, DeadRuns::LeftOut) => &mut self.left_out,
            (true, true, DeadRuns::Hollow) => &mut self.hollow,
            (true, false, _) => return,
        };
        *count += 1;
    }

    /// The panels with at least one run that is shown, with their shown runs.
    pub fn panels(&mut self, runs: &[PanelRuns]) -> Vec<PanelRuns> {
        let mut panels = runs.to_vec();
        for run in panels.iter().flat_map(|panel| &panel.outcomes) {
            self.count(run);
        }
        for panel in &mut panels {
            panel.outcomes.retain(|run| self.accepts(run));
        }
        panels.retain(|panel| !panel.outcomes.is_empty());
        panels
    }

    /// The caption `text`, with the numbers of dead and diverged runs.
    pub fn caption(&self, text: &str) -> String {
        let notes = [
            (self.hollow, "Hollow: all latent units are dead"),
            (self.left_out, "Left out because all latent units are dead"),
            (self.not_finite, "Left out because a loss is not finite"),
        ];
        let notes = notes.into_iter().filter(|(count, _)| *count > 0);
        let notes = notes.map(|(count, note)| {
            let plural = if count == 1 { "" } else { "s" };
            format!("{note} ({count} run{plural}).")
        });
        let parts: Vec<String> = std::iter::once(text.to_owned()).chain(notes).collect();
        parts.join(" ")
    }
}
