//! The status of a run of the grid.

use crate::{
    sweep::{Record, RunSpec},
    train::Evaluation,
};

#[derive(Clone, Debug, PartialEq)]
pub enum RunStatus {
    /// Not started.
    Waiting,
    /// In training, with its latest evaluation.
    Running(Option<Evaluation>),
    /// Stored in the file.
    Done(Finished),
    /// Failed for this reason.
    Failed(String),
    /// Abandoned by the user.
    Skipped,
}

/// Summary of a finished run.
#[derive(Clone, Debug, PartialEq)]
pub struct Finished {
    /// Its id in the file.
    pub id: i64,
    pub kept: Evaluation,
    /// Number of units of z that can die.
    pub relu_units: usize,
    /// Whether every latent unit is dead.
    pub dead: bool,
    /// Seconds from the first step to the last evaluation.
    pub seconds: f64,
}

impl Finished {
    /// The run `id`; `None` if it was never evaluated.
    pub fn new(id: i64, record: &Record) -> Option<Self> {
        Some(Self {
            id,
            kept: *record.kept()?,
            relu_units: record.relu_units,
            dead: record.is_dead(),
            seconds: record.wall_seconds,
        })
    }
}

impl RunStatus {
    /// Whether it has no result yet.
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Waiting | Self::Running(_) | Self::Skipped)
    }

    pub fn is_running(&self) -> bool {
        matches!(self, Self::Running(_))
    }

    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }

    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

/// Indices of `runs`: data sets and networks in their order of appearance, then by n, λ and seed.
pub fn order(runs: &[RunSpec]) -> Vec<usize> {
    let mut groups = Vec::new();
    let group: Vec<usize> = runs
        .iter()
        .map(|run| {
            let group = (&run.data, run.config.architecture);
            let index = groups.iter().position(|other| *other == group);
            index.unwrap_or_else(|| {
                groups.push(group);
                groups.len() - 1
            })
        })
        .collect();
    let mut order: Vec<usize> = (0..runs.len()).collect();
    order.sort_by(|&a, &b| {
        let key = |index: usize| (group[index], runs[index].config.latent.get());
        let lambda = |index: usize| runs[index].config.lambda.value();
        key(a)
            .cmp(&key(b))
            .then(lambda(a).total_cmp(&lambda(b)))
            .then(runs[a].config.seed.cmp(&runs[b].config.seed))
    });
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sweep::Grid;

    #[test]
    fn runs_are_grouped_by_network_and_sorted_by_size_lambda_and_seed() {
        let grid =
            "arch = ['fc-small', 'cnn-small']\nlatent = [3, 2]\nlambda = [1, 0]\nseed = [2, 1]";
        let runs = Grid::parse(grid).unwrap().runs().unwrap();
        let order = order(&runs);
        let names: Vec<String> = order[..6]
            .iter()
            .map(|index| runs[*index].to_string())
            .collect();
        assert_eq!(
            names,
            [
                "FC Small n = 2, mnist, λ = 0, seed 1",
                "FC Small n = 2, mnist, λ = 0, seed 2",
                "FC Small n = 2, mnist, λ = 1, seed 1",
                "FC Small n = 2, mnist, λ = 1, seed 2",
                "FC Small n = 3, mnist, λ = 0, seed 1",
                "FC Small n = 3, mnist, λ = 0, seed 2",
            ]
        );
        assert_eq!(order.len(), 12);
    }
}
